"""Formatting stretch by stretch gives what formatting the whole gives, and lays out only what changed."""

import random
import subprocess
from pathlib import Path

import pytest
from run_support import ROOT

from enigmalang.diagnostics import Sink
from enigmalang.source import SourceFile
from enigmalang.syntax.formatting import Layouts, format_source
from enigmalang.syntax.formatting.stretches import stretches
from enigmalang.syntax.parser import parse

_LISTED = subprocess.run(["git", "ls-files", "examples", "stdlib", "tests/programs"], cwd=ROOT,
                         capture_output=True, text=True, check=True)
FILES = sorted(ROOT / name for name in _LISTED.stdout.split() if name.endswith(".enig"))
#: Lines that are put somewhere: empty ones, comments at several columns, statements of several layouts.
LINES = (
    "", "", "  ", "# a comment", "    # a comment", "            #deeper", "#!x", "x = 1", "x=( 1,\n\n  2 )   # why",
    "    y: uint32", "    z  :  uint32 # that", "    pass", '"""a\n\nb"""', "s = '''c\n\n    # no comment\n'''",
    "t = [\n    1,\n\n# here\n\n2,\n]", "z = 1 \\\n  + 2", "as alice: print( 1 )", "contract D:\n\n    n: uint8",
    "@budget(rounds=3)",
)


def is_sound(text: str) -> bool:
    sink = Sink()
    return parse(SourceFile("f", text), sink) is not None and not sink.errors


def sources() -> list[str]:
    raw = [path.read_bytes().decode("utf-8", "replace") for path in FILES]
    return [t for t in raw if t.count("\n") < 80 and is_sound(t)]


@pytest.mark.parametrize("folder", ["examples", "stdlib"])
def test_files_of_the_repository(folder: str) -> None:
    for path in sorted((ROOT / folder).glob("*.enig")):
        text = path.read_text("utf-8")
        layouts = Layouts()
        assert layouts.format(text, "f") == format_source(text, "f")
        loose = text.replace(" = ", "=").replace("\n\n", "\n\n\n\n")
        assert layouts.format(loose, "f") == format_source(loose, "f")


def test_seeded_edits() -> None:
    """Lines are put in and taken away; what is still a program is formatted as the whole formatter does it."""
    random_ = random.Random(5)
    texts = sources()
    compared = 0
    while compared < 120:
        lines = random_.choice(texts).split("\n")
        layouts = Layouts()
        for _ in range(8):
            place = random_.randrange(len(lines))
            changed = [*lines[:place], random_.choice(LINES), *lines[place + random_.randrange(2):]]
            text = "\n".join(changed)
            if is_sound(text):
                lines = changed
                assert layouts.format(text, "f") == format_source(text, "f"), text
                compared += 1


@pytest.mark.parametrize("text", [
    "", "\n\n", "# only\n", "#!/usr/bin/env enig\nx=1", "\n#!x\nx = 1\n", "\ufeffx  = 1\r\n\r\n\r\n\r\ny = 2\r\n",
    "contract C:\n\n    n: uint8\n\n\n    # of f\n    def f():\n        pass\n\n        # in f\n\n"
    "    # of C\n\n# of D\n\ncontract D:\n    n: uint8\n",
    "contract C:\n    n: uint8\n\n    def f():\n        pass\n# of C\n\n    def g():\n        pass\n",
    '"""Title.\n\nbody\n\n  more\n"""\n\nx=1\n',
    "x = [\n1,\n\n2,\n]\n\ny = (\n\n3\n\n)\n",
    "def f():\n    pass\n\nif True:\n    pass\n\nelse:\n    pass\n\n@budget(rounds=1)\n\ndef g():\n    pass\n",
    "x = 1  # one\n\nlong_name = 1  # two\ny = 2 # three\n",
])
def test_edges(text: str) -> None:
    assert Layouts().format(text, "f") == format_source(text, "f")


def members(count: int) -> str:
    return "contract C:\n    n: uint32\n\n" + "\n".join(
        f"    def f{n}(a: uint32) -> uint32:\n        return wrap(a + {n})\n" for n in range(count))


def test_only_what_changed_is_laid_out_again() -> None:
    text = members(200)
    layouts = Layouts()
    assert layouts.format(text, "f") == text
    before = layouts.made
    assert before > 200
    changed = text.replace("wrap(a + 100)", "wrap( a+7 )")
    assert layouts.format(changed, "f") == text.replace("wrap(a + 100)", "wrap(a + 7)")
    assert layouts.made == before + 1
    assert layouts.format("\n\n" + changed, "f") == text.replace("wrap(a + 100)", "wrap(a + 7)")
    assert layouts.made <= before + 2


def test_what_was_kept_is_bounded() -> None:
    layouts = Layouts()
    for number in range(400):
        layouts.format(f"x = {number}\n\ny = {number}\n", "f")
    assert len(layouts._kept) < 120


def test_prepared_ahead_and_broken_off() -> None:
    text = members(50)
    layouts = Layouts()
    layouts.prepare(text, "f", lambda: layouts.made >= 10)
    assert layouts.made == 10
    layouts.prepare(text, "f", lambda: False)
    before = layouts.made
    assert layouts.format(text, "f") == text and layouts.made == before


def test_cut_at_statements_and_members() -> None:
    text = ("x = 1\ny = 2\n\n# of C\ncontract C:\n    n: uint8\n\n    # of f\n    def f():\n        pass\n\n"
            "        n = 2\n")
    assert [(s.level, s.text.split("\n")[0], s.blanks) for s in stretches(text)] == [
        (0, "x = 1", 0), (0, "# of C", 1), (1, "    # of f", 1)]


def test_the_files_were_found() -> None:
    assert len(FILES) > 20 and all(isinstance(path, Path) for path in FILES)
