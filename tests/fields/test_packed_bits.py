"""Packed bits and the loading of the kernels."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from enigmalang.fields import and_cross, pack_bits, unpack_bits, words_for


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
    code = (
        "import sys, enigmalang.fields, enigmalang.mpc.machine; print('numba' in sys.modules, 'galois' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


def test_processes_that_start_together_compile_once(tmp_path: Path) -> None:
    """Three processes with an empty cache: one compiles, the others load what it left."""
    code = (
        "import enigmalang.fields as f; f.warm(); from enigmalang.fields import kernels as k;"
        "print(sum(sum(d.stats.cache_misses.values()) for d in vars(k).values() if hasattr(d, 'stats')))"
    )
    env = {"NUMBA_CACHE_DIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env) for _ in range(3)
    ]
    misses = sorted(int(process.communicate(timeout=120)[0]) for process in started)
    assert all(process.returncode == 0 for process in started)
    assert misses[:2] == [0, 0]
    assert misses[2] > 0
    assert (tmp_path / "enigmalang" / "kernels.lock").exists()
