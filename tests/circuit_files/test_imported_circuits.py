"""`f = circuit("FILE")` in programs: on all three engines, in comprehensions, contracts and other modules."""

import json
import os
import shutil
from pathlib import Path

import pytest
from run_support import enig

from enigmalang.cli.programs import compiled
from enigmalang.plan.codec import decode_plan, encode_plan
from tests.circuit_files import circuit_files as files

BITS = """
def bits(x: uint32) -> bool[32]:
    return [(x >> i) % 2 == 1 for i in range(32)]

def number(b: bool[33]) -> uint64:
    return sum([uint64(x) << i for i, x in enumerate(b)])
"""
ADD = 'add = circuit("parts/add.txt")\n' + BITS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    shutil.copy(files.FOLDER / "arith-add-32-bit-old.txt", tmp_path / "parts" / "add.txt")
    (tmp_path / "parts" / "two.txt").write_text("2 5\n1 3\n2 1 1\n1 1 0 3 INV\n2 1 1 2 4 AND\n", "utf-8")
    return tmp_path


def run(folder: Path, text: str, *options: str) -> str:
    (folder / "p.enig").write_text(text, "utf-8")
    done = enig("run", str(folder / "p.enig"), "--chain", "memory", *options, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


ENGINES = pytest.mark.parametrize("engine", ("clear", "circuit", "mpc"))


@ENGINES
def test_calls_loops_and_comprehensions(folder: Path, engine: str) -> None:
    text = ADD + """
private xs: uint32[3] = [5, 6, 4_000_000_000]
private y: bool[32] = bits(4_000_000_000)
for x in xs:
    print(number(reveal(add(bits(x), y))))
for row in reveal([add(bits(x), y) for x in xs]):
    print(number(row))
print(number(add(bits(2), bits(3))), number(reveal(add(y, bits(1)))))
none: list[bool[32], 5] = []
print(len(reveal([add(x, y) for x in none])))
"""
    sums = ["4000000005", "4000000006", "8000000000"]
    assert run(folder, text, "--engine", engine).split() == [*sums, *sums, "5", "4000000001", "0"]


@ENGINES
def test_several_outputs_are_a_tuple(folder: Path, engine: str) -> None:
    text = """
both = circuit("parts/two.txt")
private x: bool[3] = [True, False, True]
a, b = both(x)
print(reveal(a), reveal(b))
a, b = both([False, True, True])
print(a, b)
"""
    assert run(folder, text, "--engine", engine) == "[False] [False]\n[True] [True]\n"


def test_a_thousand_blocks_of_aes_in_a_program(tmp_path: Path) -> None:
    """One batch: as many rounds as the circuit is deep, but for the opening and the agreement."""
    files.unpacked("aes-128-reverse", tmp_path)
    lines, answers = files.aes_lines(999)
    rows = [files.AES, *((*(int(w, 16) for w in line.split()), int(a, 16)) for line, a in zip(
        lines, answers, strict=True))]
    for place, name in enumerate(("keys", "blocks", "answers")):
        column = [[bool(row[place] >> k & 1) for k in range(128)] for row in rows]
        (tmp_path / f"{name}.json").write_text(json.dumps(column), "utf-8")
    text = """
aes = circuit("aes-128-reverse.txt")
private keys: list[bool[128], 1000] = input("keys")
private blocks: list[bool[128], 1000] = input("blocks")
answers: list[bool[128], 1000] = input("answers")
found = reveal([aes(key, block) for key, block in zip(keys, blocks)])
print(len(found), all([x == y for x, y in zip(found, answers)]))
"""
    (tmp_path / "p.enig").write_text(text, "utf-8")
    inputs = [f"--input={name}={tmp_path / name}.json" for name in ("keys", "blocks", "answers")]
    done = enig("run", str(tmp_path / "p.enig"), "--chain", "memory", "--stats", *inputs)
    assert done.stdout == "1000 True\n", done.stderr
    stats = dict(line.rsplit("  ", 1) for line in done.stderr.splitlines())
    stats = {name.strip(): value.strip() for name, value in stats.items()}
    assert (stats["ANDs"], stats["circuits"], stats["rounds"]) == ("6,400,000", "1", "62")


def test_in_a_contract(folder: Path) -> None:
    text = ADD + """
contract Sums:
    private total: bool[32]

    def put(private x: bool[32]):
        total = x

    def with_more(private y: bool[32]) -> uint64:
        return number(reveal(add(total, y)))

test "a job computes with the circuit":
    s = deploy Sums()
    as alice: s.put(bits(40))
    as bob: assert s.with_more(bits(2)) == 42
"""
    (folder / "c.enig").write_text(text, "utf-8")
    done = enig("test", str(folder / "c.enig"), "--chain", "memory", timeout=200)
    assert done.returncode == 0, done.stderr + done.stdout


def test_from_another_module(folder: Path) -> None:
    (folder / "parts" / "sums.enig").write_text('add = circuit("add.txt")\n' + BITS, "utf-8")
    shutil.copy(folder / "parts" / "sums.enig", folder / "sums.enig")
    shutil.copy(folder / "parts" / "add.txt", folder / "add.txt")
    text = """
from sums import add, bits, number
private x: bool[32] = bits(7)
print(number(reveal(add(x, bits(8)))))
"""
    assert run(folder, text, "--engine", "circuit") == "15\n"


def test_the_plan_holds_the_circuit(folder: Path) -> None:
    (folder / "p.enig").write_text(ADD + "private x: bool[32] = bits(7)\nprint(reveal(add(x, x)))\n", "utf-8")
    plan = compiled(str(folder / "p.enig"))
    data = encode_plan(plan)
    assert encode_plan(decode_plan(data)) == data
    (folder / "parts" / "add.txt").unlink()
    assert decode_plan(data).script is not None


@pytest.mark.parametrize(("text", "code", "told"), (
    ('print(__circuit("2 4", [1], [True]))\n', "E0205", "not a function"),
    ('f = circuit("none.txt")\nprint(1)\n', "E0601", "cannot be read"),
    ('f = circuit("bad.txt")\nprint(1)\n', "E0901", "bad.txt:2"),
    ('f = circuit("parts/two.txt")\nprint(f([True, True]))\n', "E0201", "bool[3]"),
    ('f = circuit("parts/two.txt")\nprint(f())\n', "E0203", ""),
    ('f = circuit("parts/two.txt")\nprivate x: bool[3] = [True, True, True]\na, b = f(x)\nprint(a)\n', "E0301", ""),
))
def test_what_is_wrong_is_said(folder: Path, text: str, code: str, told: str) -> None:
    (folder / "bad.txt").write_text("1 1\n1 1 1 1\n", "utf-8")
    (folder / "p.enig").write_text(text, "utf-8")
    done = enig("check", str(folder / "p.enig"))
    assert done.returncode == 1 and code in done.stderr and told in done.stderr, done.stderr
    assert f"{folder / 'p.enig'}:" in done.stderr


def refused(folder: Path, path: str) -> str:
    """What `enig check` says of a program that names the circuit file `path`."""
    (folder / "p.enig").write_text(f'f = circuit("{path}")\nprint(1)\n', "utf-8")
    done = enig("check", str(folder / "p.enig"), timeout=60)
    assert done.returncode == 1, done.stdout
    return done.stderr


def test_only_files_on_a_disk_are_opened(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    for path in ("/dev/zero", "fifo"):
        assert "E0601" in (told := refused(folder, path)) and "a device or a pipe" in told, told
    assert "this is a folder" in refused(folder, "parts")


def test_a_large_file_is_not_read(folder: Path) -> None:
    with (folder / "large.txt").open("wb") as file:
        file.truncate((64 << 20) + 1)
    assert "larger than 64 MiB" in refused(folder, "large.txt")


@pytest.mark.parametrize("data", (
    b"hunter2:x:0\n4711 4711\n", b"4711 4711\n4711 hunter2\n", b"1 1\nhunter2 \xff4711\n"))
def test_what_stands_in_another_file_is_not_shown(folder: Path, data: bytes) -> None:
    (folder / "secrets.txt").write_bytes(data)
    told = refused(folder, "secrets.txt")
    assert "hunter2" not in told and "4711" not in told and "0xff" not in told, told
    assert "secrets.txt:" in told
