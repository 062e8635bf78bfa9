"""`enig circuit info|eval|run`, through the real command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from run_support import enig

from tests.circuit_files import circuit_files as files

ADDER = "arith-add-32-bit-old"


@pytest.fixture
def adder(tmp_path: Path) -> str:
    return str(files.unpacked(ADDER, tmp_path))


def test_info(adder: str, tmp_path: Path) -> None:
    done = enig("circuit", "info", adder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("inputs     32 bits, 32 bits\noutputs    33 bits\n"
                           "gates      375: 61 XOR, 127 AND, 187 INV\nAND depth  63\n")
    facts = json.loads(enig("circuit", "info", "--json", str(files.unpacked("aes-128-reverse", tmp_path))).stdout)
    assert facts == {"inputs": [128, 128], "outputs": [128], "wires": 36919, "and_depth": 60,
                     "gates": {"XOR": 28176, "AND": 6400, "INV": 2087}}


def test_eval_of_one_and_of_many(adder: str, tmp_path: Path) -> None:
    assert enig("circuit", "eval", adder, "42", "0x1f").stdout == "0x000000049\n"
    assert enig("circuit", "eval", adder, "--input", "2=-1", "--input", "1=0b11").stdout == "0x100000002\n"
    (tmp_path / "many.txt").write_text("1 2\n\n0xffffffff, 1  # a carry\n", "utf-8")
    done = enig("circuit", "eval", adder, "--from", str(tmp_path / "many.txt"), "--json")
    assert json.loads(done.stdout) == [["0x000000003"], ["0x100000000"]]


def test_most_significant_bit_first(tmp_path: Path) -> None:
    path = tmp_path / "copy.txt"
    path.write_text("2 4\n1 2\n1 2\n1 1 0 2 EQW\n1 1 1 3 INV\n", "utf-8")
    assert enig("circuit", "eval", str(path), "1").stdout == "0x3\n"
    assert enig("circuit", "eval", str(path), "1", "--msb-first").stdout == "0x0\n"


@pytest.mark.parametrize(("values", "text"), (
    (("1",), "E0606: the input 2 of 2 is not given"),
    (("1", "2", "3"), "E0606: the circuit has 2 inputs, and 3 values are given"),
    (("1", "0x1ffffffff"), "E0606: input 2 does not fit 32 bits"),
    (("1", "two"), "E0606: input 2 is no integer"),
))
def test_wrong_values(adder: str, values: tuple[str, ...], text: str) -> None:
    done = enig("circuit", "eval", adder, *values)
    assert done.returncode == 1
    assert text in done.stderr.replace("[", "").replace("]", "")
    assert "Traceback" not in done.stderr


def test_an_input_of_no_bits_is_zero(tmp_path: Path) -> None:
    path = tmp_path / "none.txt"
    path.write_text("1 3\n2 0 2\n1 1\n\n2 1 0 1 2 AND\n", "utf-8")
    assert enig("circuit", "eval", str(path), "0", "3").stdout == "0x1\n"
    done = enig("circuit", "eval", str(path), "1", "3")
    assert done.returncode == 1
    assert "input 1 does not fit 0 bits" in done.stderr


def test_a_wrong_line_of_many_is_named(adder: str, tmp_path: Path) -> None:
    many = tmp_path / "many.txt"
    many.write_text("1 2\n3\n", "utf-8")
    done = enig("circuit", "run", adder, "--from", str(many))
    assert done.returncode == 1
    assert f"{many}:2" in done.stderr


def test_malformed_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("1 3\n2 1 1\n1 1\n\n2 1 0 1 2 NAND\n", "utf-8")
    for verb in ("info", "eval", "run"):
        done = enig("circuit", verb, str(path))
        assert done.returncode == 1
        assert "E0901" in done.stderr and f"{path}:5" in done.stderr and "unknown kind of gate" in done.stderr
    missing = enig("circuit", "info", str(tmp_path / "none.txt"))
    assert missing.returncode == 1 and "E0601" in missing.stderr
    (tmp_path / "latin.txt").write_bytes(b"1 3\n# \xe9\n")
    assert "E0602" in enig("circuit", "info", str(tmp_path / "latin.txt")).stderr


def test_a_thousand_blocks_of_aes_on_the_nodes(tmp_path: Path) -> None:
    """The example of FIPS 197, and 1,199 blocks that another implementation encrypts."""
    path = files.unpacked("aes-128-reverse", tmp_path)
    lines, answers = files.aes_lines(1199)
    (tmp_path / "blocks.txt").write_text("\n".join([f"{files.AES[0]:#x} {files.AES[1]:#x}", *lines]), "utf-8")
    done = enig("circuit", "run", str(path), "--from", str(tmp_path / "blocks.txt"), "--stats")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{files.AES[2]:#x}", *answers]
    assert "7,680,000" in done.stderr  # 6,400 ANDs a block


def test_sha256_on_the_nodes(tmp_path: Path) -> None:
    path = files.unpacked("sha-256-reverse", tmp_path)
    messages = [b"abc", b"", *(bytes([n]) * n for n in range(1, 56, 9))]
    lines = [f"{b >> 256:#x} {b & (1 << 256) - 1:#x}" for b in map(files.padded, messages)]
    (tmp_path / "blocks.txt").write_text("\n".join(lines), "utf-8")
    done = enig("circuit", "run", str(path), "--from", str(tmp_path / "blocks.txt"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{files.sha256(m):#066x}" for m in messages]


def test_random_inputs_are_compared_with_the_clear(adder: str) -> None:
    done = enig("circuit", "run", adder, "--count", "2500", "--nodes", "4")
    assert done.stdout == "2,500 random inputs: the nodes give what an evaluation in the clear gives\n", done.stderr
    both = enig("circuit", "run", adder, "1", "2", "--count", "3")
    assert both.returncode == 2 and "give it or values" in both.stderr
    assert enig("circuit", "run", adder, "1", "2", "--nodes", "2").returncode == 2


def test_a_pipe_by_name_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    done = enig("circuit", "info", str(tmp_path / "pipe.txt"))
    assert done.returncode == 1 and "E0601" in done.stderr and "a device or a pipe" in done.stderr


def test_a_circuit_from_stdin(adder: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from enigmalang.cli import main; main()", "circuit", "info", "/dev/stdin"],
        input=Path(adder).read_text("utf-8"), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "33 bits" in done.stdout, done.stderr
