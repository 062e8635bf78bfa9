"""Checking a text after a change finds what checking it anew finds, and does again only what the change can touch."""

import random
import re
from pathlib import Path

import pytest

from enigmalang.compiler.compiler import Compilation
from enigmalang.compiler.incremental import Memory
from enigmalang.diagnostics import Diagnostic, Severity, Sink
from enigmalang.semantics.loader import FileLoader
from enigmalang.source import SourceFile

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted([*(ROOT / "examples").glob("*.enig"), *(ROOT / "tests" / "programs").glob("**/*.enig")])
WORDS = ("private ", "reveal(", ")", "x", "0", "256", " + 1", "return 0\n", "    ", "self.", "wrap(", "uint8", "uint32",
         " if True else 0", "sender", "\n", "require ", "print(", '"""', "\\")
PAIRS = """
def low(a: uint32) -> uint64:
    return a * 2

def high(a: uint32) -> uint64:
    return low(a) + 1

def alone(private a: uint8) -> private uint16:
    b = a * 2
    return b

contract Shop:
    total: uint64
    private wanted: uint64

    def buy(private amount: uint32):
        self.wanted = wrap(self.wanted + amount)

    def count(n: uint32):
        self.total = high(n)

test "shop":
    c = deploy Shop()
    c.count(3)
    assert c.total == 7
"""


def anew(source: SourceFile) -> list[Diagnostic]:
    sink = Sink()
    Compilation(source.path, sink, {"source": source}).get("analysed")
    return sink.diagnostics


def again(source: SourceFile, memory: Memory) -> list[Diagnostic]:
    sink = Sink()
    module = memory.parse(source, sink)
    if module is not None:
        checked = memory.check(module, FileLoader(source.path), sink)
        if not sink.errors:
            memory.analyse(checked, sink)
    return sink.diagnostics


def changed(text: str, draw: random.Random) -> str:
    """`text` with a change as somebody may type it."""
    lines = text.split("\n")
    number = draw.randrange(len(lines))
    parts = re.findall(r"\w+|\W", lines[number])
    match draw.randrange(7):
        case 0:
            del lines[number]
        case 1:
            lines.insert(number, draw.choice(lines))
        case 2:
            lines.insert(number, "")
        case 3 | 4 if parts:
            parts[draw.randrange(len(parts))] = draw.choice(re.findall(r"\w+", text) or ["x"])
            lines[number] = "".join(parts)
        case 5:
            parts.insert(draw.randrange(len(parts) + 1), draw.choice(WORDS))
            lines[number] = "".join(parts)
        case _:
            lines[number] = re.sub(r"\d+", lambda found: str(draw.randrange(300)), lines[number])
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(3))
def test_a_change_is_checked_as_the_whole_text_would_be(seed: int) -> None:
    draw = random.Random(seed)
    sound = 0
    for path in draw.sample(PROGRAMS, 8):
        first = path.read_text("utf-8", "replace")
        text, memory = first, Memory()
        for _ in range(5):
            source = SourceFile(str(path), text)
            found = anew(source)
            assert again(source, memory) == found, f"{path.name}:\n{text}"
            sound += not [d for d in found if d.severity is Severity.ERROR]
            text = changed(text if draw.random() < 0.5 else first, draw)
    assert sound


def worked(memory: Memory, text: str) -> tuple[int, int, int]:
    """How many statements were parsed, bodies checked and functions analysed for `text`."""
    before = memory.pieces.parsed, memory.bodies.checked, memory.functions.analysed
    source = SourceFile("pairs.enig", text)
    assert again(source, memory) == anew(source)
    after = memory.pieces.parsed, memory.bodies.checked, memory.functions.analysed
    parsed, checked, analysed = (new - old for new, old in zip(after, before, strict=True))
    return parsed, checked, analysed


def test_only_what_a_change_touches_is_done_again() -> None:
    memory = Memory()
    worked(memory, PAIRS)
    assert worked(memory, PAIRS) == (0, 0, 0)
    assert worked(memory, PAIRS.replace("b = a * 2", "b = a * 3")) == (1, 1, 1)
    assert worked(memory, PAIRS) == (1, 1, 1)
    one_more = (1, 2, 2)  # the test that deploys the contract
    assert worked(memory, PAIRS.replace("self.wanted + amount", "self.wanted + 2")) == one_more
    assert worked(memory, PAIRS) == one_more
    assert worked(memory, PAIRS.replace("c.count(3)", "c.count(2 + 1)")) == (1, 1, 1)


def test_who_calls_a_changed_function_is_checked_with_it() -> None:
    memory = Memory()
    worked(memory, PAIRS)
    parsed, checked, analysed = worked(memory, PAIRS.replace("return a * 2", "return a * 3"))
    assert parsed == 1
    assert checked == 4  # low, high, count, and the test that calls count
    assert analysed == 2  # low and high live in count now


def test_a_changed_declaration_is_seen_everywhere() -> None:
    memory = Memory()
    worked(memory, PAIRS)
    _, checked, _ = worked(memory, PAIRS.replace("private wanted: uint64", "private wanted: uint8"))
    assert checked > 4
    source = SourceFile("pairs.enig", PAIRS.replace("private wanted: uint64", "wanted: uint64"))
    assert "E0308" in [d.code for d in again(source, memory)]


def test_a_resized_list_is_seen_in_other_functions() -> None:
    """Whether two lists have one length may depend on what any function does to the state."""
    text = """contract C:
    private xs: list[uint8, 4]
    private c: bool

    def keep():
        ys = self.xs
        if self.c:
            ys = self.xs
        self.xs = ys

    def change():
        self.xs[0] = 1
"""
    memory = Memory()
    for version in (text, text.replace("self.xs[0] = 1", "self.xs.append(1)"), text):
        worked(memory, version)


def test_an_analysis_that_is_ended_loses_nothing() -> None:
    memory = Memory()
    worked(memory, PAIRS)
    source = SourceFile("pairs.enig", PAIRS.replace("b = a * 2", "b = a * 300"))
    sink = Sink()
    module = memory.parse(source, sink)
    assert module is not None
    checked = memory.check(module, FileLoader(source.path), sink)

    def ended() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        memory.analyse(checked, sink, ended)
    assert worked(memory, source.text)[2] == 1
