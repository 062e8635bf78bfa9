"""Packed bits and the loading of the kernels."""

import fcntl
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from enigmalang.fields import and_cross, pack_bits, unpack_bits, words_for
from enigmalang.fields.warm import cache_folder


@pytest.mark.parametrize("lanes", [0, 1, 63, 64, 65, 1000])
def test_round_trip(lanes: int) -> None:
    bits = np.random.default_rng().integers(0, 2, (3, lanes), dtype=np.uint8)
    words = pack_bits(bits)
    assert words.shape == (3, words_for(lanes))
    assert np.array_equal(unpack_bits(words, lanes), bits)


def test_lane_order() -> None:
    bits = np.zeros((1, 70), np.uint8)
    bits[0, [0, 5, 64]] = 1
    assert pack_bits(bits).tolist() == [[1 | 1 << 5, 1]]


def test_cross_terms() -> None:
    generator = np.random.default_rng()
    x, y = generator.integers(0, 2**63, (2, 3, 4, 2), dtype=np.uint64)
    mine = generator.integers(0, 2, (3, 3)).astype(np.bool_)
    left, right = np.array([3, 0], np.int64), np.array([1, 1], np.int64)
    expected = np.zeros((2, 2), np.uint64)
    for a in range(3):
        for b in range(3):
            if mine[a, b]:
                expected ^= x[a, left] & y[b, right]
    assert np.array_equal(and_cross(x, left, y, right, mine), expected)


def test_importing_loads_no_compiler() -> None:
    wanted = "print('llvmlite' in sys.modules, 'galois' in sys.modules)"
    code = f"import sys, enigmalang.fields, enigmalang.mpc.machine; {wanted}"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


def test_processes_that_start_together_compile_once(tmp_path: Path) -> None:
    """Three processes with an empty cache: one compiles, the others load what it left, without a compiler."""
    code = "import sys, enigmalang.fields; sys.modules['enigmalang.fields.warm'].PATIENCE = 300.0; "
    code += "enigmalang.fields.warm(); print('enigmalang.fields.kernels' in sys.modules)"
    env = {"XDG_CACHE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env)

    started = [start() for _ in range(3)]
    compiled = sorted(process.communicate(timeout=250)[0].strip() for process in started)
    assert all(process.returncode == 0 for process in started)
    assert compiled == ["False", "False", "True"]
    (kept,) = (tmp_path / "enigmalang").glob("*.o")
    kept.write_bytes(kept.read_bytes()[:-1])  # a file that is not whole is not used
    assert start().communicate(timeout=250)[0].strip() == "True"


def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "enigmalang"
    (tmp_path / "enigmalang").chmod(0o777)
    assert cache_folder() != tmp_path / "enigmalang"


def test_whoever_holds_the_lock_for_too_long_is_not_waited_for(tmp_path: Path) -> None:
    """A stopped process does not stop the others: they compile too."""
    code = "from enigmalang.fields import warm; warm()"
    code = f"import sys; sys.modules['enigmalang.fields.warm'].PATIENCE = 0.1; {code}"
    code = f"import enigmalang.fields; {code}"
    env = {"XDG_CACHE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    (tmp_path / "enigmalang").mkdir(mode=0o700)
    with (tmp_path / "enigmalang" / "kernels.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=120)
    assert len(list((tmp_path / "enigmalang").glob("*.o"))) == 1
