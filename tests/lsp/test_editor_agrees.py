"""What the editor shows after any edits is what `enig check` says of the text: seeded edits, both in this process."""

import json
import random
from pathlib import Path

import pytest
from lsprotocol import types

from enigmalang.cli.check import command as check
from enigmalang.lsp.budgets import budget_faults, counts
from enigmalang.lsp.buffers import Buffer, Modules
from enigmalang.lsp.positions import Encoding
from enigmalang.lsp.snapshot import Good, complete, find
from enigmalang.lsp.spread import spread
from enigmalang.source import SourceFile

BASE = '''"""A base\u2028 of\x0c odd characters."""
x = 1 + \\
    2
s = "a\x85b\x0bc"  # one\x1c two
@budget(rounds=1)
def f(private a: int32) -> bool:
    # deep\u2028er
    return reveal(a // 7 > 3 and a % 5 == 2)
contract C:
    total: int32 = \\
        3  # and\x0c on
    def put(v: int32):
        DHT["a"] = v
        total = v
print(f(5), x, s)
'''
ODD = ("\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\\\n", "\n", "    ", "7", " x", "# c", '"', "\U0001f600")
ENCODING = Encoding()
Place = tuple[str, int, int]


def editor(buffer: Buffer, modules: Modules, last: Good | None) -> tuple[list[Place], Good | None]:
    path = buffer.path
    found = find(buffer.source, 1, {path: buffer.source}, modules, modules.memory(path), last, lambda: False)
    shown = list(found.snapshot.diagnostics)
    if counts(found):
        shown += budget_faults(found)
    good = complete(found).good
    return sorted((d.code, buffer.source.shown(max(1, d.span.line)), d.span.column) for d in shown), good


def command(path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> list[Place]:
    path.write_bytes(text.encode())
    assert check.callback is not None
    check.callback((str(path),), False, True)
    return sorted((d["code"], max(1, d["line"]), d["column"])
                  for d in json.loads(capsys.readouterr().out))


def position(text: str, offset: int) -> types.Position:
    before = text[:offset]
    column = before[before.rfind("\n") + 1:]
    return types.Position(before.count("\n"), ENCODING.units(column))


def edit(text: str, chance: random.Random) -> tuple[int, int, str]:
    """A place, where it ends, and what comes there instead: whole lines taken away or given twice, or a few signs."""
    lines = text.split("\n")
    starts = [sum(len(line) + 1 for line in lines[:n]) for n in range(len(lines))]
    number = chance.randrange(len(lines) - 1)
    start, stop = starts[number], starts[number + 1]
    kind = chance.random()
    if kind < 0.35:
        return start, stop, ""
    if kind < 0.5:
        return start, start, text[start:stop]
    start = chance.randrange(len(text))
    return start, min(len(text), start + chance.choice((0, 0, 1, 2))), chance.choice(ODD)


@pytest.mark.parametrize("seed", range(8))
def test_the_editor_and_the_command_agree(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(seed)
    path = tmp_path / "p.enig"
    buffer = Buffer(path.as_uri(), str(path), 1, spread(SourceFile(str(path), BASE)))
    modules, text = Modules(), BASE
    shown, last = editor(buffer, modules, None)
    assert shown == command(path, text, capsys)
    for step in range(12):
        if step % 4 == 0:
            buffer.change(types.TextDocumentContentChangeWholeDocument(BASE), ENCODING)
            text = BASE
        start, stop, new = edit(text, chance)
        place = types.Range(position(text, start), position(text, stop))
        buffer.change(types.TextDocumentContentChangePartial(place, new), ENCODING)
        text = text[:start] + new + text[stop:]
        assert buffer.source.real.text == text
        shown, good = editor(buffer, modules, last)
        last = good or last
        assert shown == command(path, text, capsys), (step, text)
