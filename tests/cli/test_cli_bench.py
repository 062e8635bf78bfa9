"""`enig bench`: the table, the JSON, and what goes wrong."""

import json
from pathlib import Path

from run_support import ROOT, enig

from enigmalang.cli.columns import columns, told_bytes, told_seconds, told_times

HELLO = str(ROOT / "examples" / "hello.enig")


def test_table() -> None:
    done = enig("bench", HELLO, "--runs", "1")
    assert done.returncode == 0, done.stderr
    rows = [line.split("  ")[0] for line in done.stdout.splitlines()]
    assert "rounds" in rows
    assert "physical floor" in rows
    assert "peak memory of a worker" in rows
    assert "42" not in done.stdout.split()  # what the program prints is not shown


def test_json_with_inputs(tmp_path: Path) -> None:
    program = tmp_path / "p.enig"
    program.write_text('private xs: list[uint8, 10] = input("x")\nprint(reveal(sum([x > 3 for x in xs])))\n')
    done = enig("bench", str(program), "--json", "--runs", "1", "--input", "x=[1, 5, 9]")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ours"]["comparisons"] == 3
    assert found["ours"]["sent"] > 0
    assert found["peak"] > found["base"] // 2 > 0
    assert found["floor"]["seconds"] > 0
    assert found["rates"]["loopback"]["parties"] == 3


def test_a_program_with_errors(tmp_path: Path) -> None:
    program = tmp_path / "p.enig"
    program.write_text("private x = 1\nprint(x)\n")
    done = enig("bench", str(program))
    assert done.returncode == 1
    assert "E0301" in done.stderr


def test_a_program_that_does_nothing(tmp_path: Path) -> None:
    program = tmp_path / "p.enig"
    program.write_text("def f(x: uint8) -> uint8:\n    return x + 1\n")
    done = enig("bench", str(program))
    assert done.returncode == 1 and done.stdout == ""
    assert "nothing to measure" in done.stderr


def test_impossible_numbers_are_wrong_usage() -> None:
    assert enig("bench", HELLO, "--nodes", "2").returncode == 2
    assert enig("bench", HELLO, "--runs", "0").returncode == 2


def test_numbers_as_people_read_them() -> None:
    told = ["0 s", "3.00 ns", "42.5 µs", "250 ms", "12.0 s"]
    assert [told_seconds(s) for s in (0, 3e-9, 0.0000425, 0.25, 12)] == told
    assert [told_bytes(n) for n in (12, 1_500, 38_400_000)] == ["12 B", "1.50 kB", "38.4 MB"]
    assert [told_times(r) for r in (None, 0.5, 1234.5)] == ["-", "0.50", "1,234"]


def test_columns_line_up() -> None:
    assert columns(("a", "b"), [("long", "1"), ("x", "22")]) == "a      b\nlong   1\nx     22\n"
