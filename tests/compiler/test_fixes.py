"""Fixes of diagnostics: each one, made as it says, ends the complaint; and `enig check --json` has them."""

from pathlib import Path

import pytest

from enigmalang.compiler import check
from enigmalang.diagnostics import Diagnostic, Fix, Sink
from enigmalang.diagnostics.render import as_dict

SECRET = "private a: uint32 = 5\nprivate n: uint8 = 3\n"
CONTRACT = "contract C:\n    x: uint32\n    m: map[uint32, uint8]\n    private z: uint8\n    event E(v: uint32)\n"


def found(path: Path, text: str) -> list[Diagnostic]:
    path.write_text(text)
    sink = Sink()
    check(str(path), sink)
    return sink.diagnostics


def applied(text: str, fix: Fix) -> str:
    """`text` after the edits of `fix`, last first."""
    lines = text.split("\n")

    def offset(line: int, column: int) -> int:
        return sum(len(earlier) + 1 for earlier in lines[: line - 1]) + column - 1

    for edit in sorted(fix.edits, key=lambda e: e.span, reverse=True):
        span = edit.span
        text = text[: offset(span.line, span.column)] + edit.text + text[offset(span.end_line, span.end_column):]
    return text


CASES = {
    "print": (SECRET + "print(1, a)\n", "E0301", "print(1, reveal(a))"),
    "print of an expression": (SECRET + 'print("é😀", a + 1)\n', "E0301", 'print("é😀", reveal(a + 1))'),
    "require": (SECRET + 'require a > 3, "x"\n', "E0302", 'require reveal(a > 3), "x"'),
    "assert": (SECRET + "assert a > 3\n", "E0302", "assert reveal(a > 3)"),
    "clamp": (SECRET + "b: uint8 = a * 2\n", "E0401", "b: uint8 = clamp(a * 2)"),
    "wrap": (SECRET + "b: uint8 = a * 2\n", "E0401", "b: uint8 = wrap(a * 2)"),
    "augmented": (CONTRACT + "    def f(private a: uint8):\n        z += a\n", "E0401", "z = clamp(z + a)"),
    "bound": (SECRET + "t = 0\nfor i in range(n):\n    t = 1\n", "E0306", "range(reveal(n))"),
    "store": (SECRET + 'DHT["a"] = a\n', "E0315", 'DHT["a"] = reveal(a)'),
    "ledger key": (SECRET + 'L["k", a] = 1\n', "E0309", 'L["k", reveal(a)] = 1'),
    "divisor": (SECRET + "d = a // n\n", "W0406", "d = a // max(n, 1)"),
    "event": (CONTRACT + "    def f(private a: uint32):\n        emit E(a)\n", "E0310", "emit E(reveal(a))"),
    "map key": (CONTRACT + "    def f(private a: uint32):\n        m[a] = 1\n", "E0309", "m[reveal(a)] = 1"),
    "state": (CONTRACT + "    def f(private a: uint32):\n        x = a\n", "E0308", "x = reveal(a)"),
    "private state": (CONTRACT + "    def f(private a: uint32):\n        x = a\n", "E0308", "    private x: uint32"),
    "result": (CONTRACT + "    def f(private a: uint32) -> uint32:\n        return a\n", "E0312", "return reveal(a)"),
    "private result": (
        CONTRACT + "    def f(private a: uint32) -> uint32:\n        return a\n", "E0312", "-> private uint32:"),
    "needless private": (
        CONTRACT + "    def f() -> private uint32:\n        return 3\n", "W0317", "def f() -> uint32:"),
    "misspelled": ("total = 3\nprint(totl)\n", "E0101", "print(total)"),
    "argument": (
        CONTRACT + "    def f(v: uint32):\n        x = v\ntest \"t\":\n    c = deploy C()\n    private p: uint32 = 1\n"
        "    c.f(p)\n", "E0311", "c.f(reveal(p))"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fix_ends_the_complaint(tmp_path: Path, name: str) -> None:
    text, code, wanted = CASES[name]
    complaint = next(d for d in found(tmp_path / "p.enig", text) if d.code == code)
    after = {applied(text, fix) for fix in complaint.fixes}
    (better,) = [t for t in after if wanted in t]
    assert code not in {d.code for d in found(tmp_path / "p.enig", better)}


def test_nothing_is_offered_for_what_is_public(tmp_path: Path) -> None:
    (leak,) = found(tmp_path / "p.enig", SECRET + "pub = 3\nprint(pub, len([a]), reveal(a), a)\n")
    assert [fix.title for fix in leak.fixes] == ["write `reveal(a)`"]


def test_fixes_are_in_the_json(tmp_path: Path) -> None:
    (leak,) = found(tmp_path / "p.enig", SECRET + "print(a)\n")
    (fix,) = as_dict(leak)["fixes"]
    assert fix["title"] == "write `reveal(a)`"
    assert [(e["text"], e["line"], e["column"]) for e in fix["edits"]] == [("reveal(", 3, 7), (")", 3, 8)]
