"""Formatting keeps what programs mean and every comment, settles at once, and does not depend on the old layout."""

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "generated"))

from generate_programs import Generated
from generate_programs import programs as runnable
from programs import modules
from run_support import ROOT

from enigmalang.diagnostics import Sink
from enigmalang.source import SourceFile
from enigmalang.syntax.ast import Module
from enigmalang.syntax.formatting import Refused, format_source
from enigmalang.syntax.parser import parse, read_source
from enigmalang.syntax.printer import format_tree
from enigmalang.syntax.scanner import LEXEME
from enigmalang.syntax.unparse import unparse

_LISTED = subprocess.run(["git", "ls-files", "*.enig"], cwd=ROOT, capture_output=True, text=True, check=True)
REPOSITORY = sorted(ROOT / name for name in _LISTED.stdout.split())
QUIET = settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)


#: More than any statement is indented by: what begins a line inside brackets is not taken for a new statement.
DEEP = " " * 80


def outline(text: str) -> str:
    sink = Sink()
    module = parse(SourceFile("f", text), sink)
    assert module is not None, f"{[d.message for d in sink.diagnostics]}\n{text}"
    return format_tree(module, spans=False)


def comments(text: str) -> list[str]:
    found = [m.group() for m in LEXEME.finditer(text) if m.lastgroup == "comment"]
    return sorted(re.sub(r"^# ?", "", comment).strip() for comment in found)


def check(text: str) -> str:
    formatted = format_source(text, "f")
    assert outline(formatted) == outline(text)
    assert comments(formatted) == comments(text)
    assert format_source(formatted, "f") == formatted, formatted
    return formatted


def mangled(text: str, choice: random.Random, *, remarks: bool) -> str:
    """`text` in another layout: more space, empty lines, line ends inside brackets and, if wished, comments."""
    parts: list[str] = []
    depth, number, before = 0, 0, ""

    def remark() -> str:
        nonlocal number
        number += 1
        return choice.choice(["#", "# ", "#  "]) + f"remark {number}"

    for match in LEXEME.finditer(text):
        kind, lexeme = str(match.lastgroup), match.group()
        depth += (kind == "opener") - (kind == "closer")
        if kind == "newline" and depth == 0:
            lexeme = f"  {remark()}\n" if remarks and choice.random() < 0.2 else "\n"
            if remarks and choice.random() < 0.1:
                lexeme += " " * choice.randrange(9) + remark() + "\n"
            lexeme += "\n" * choice.choice([0, 0, 0, 1, 3])
        elif kind == "space" and before not in ("newline", ""):
            lexeme = " " * choice.randint(1, 3)
        if depth and (lexeme in "([" or lexeme == ",") and choice.random() < 0.3:
            lexeme += f" {remark()}\n  " if remarks and choice.random() < 0.4 else "\n "
        elif depth and kind == "space" and choice.random() < 0.1 and not _keeps_line(parts):
            lexeme += (f"{remark()}\n\n" if remarks else "\n") + DEEP
        parts.append(lexeme)
        before = kind
    return "".join(parts)


def _keeps_line(parts: list[str]) -> bool:
    """Whether the last word may be a keyword only as long as its name follows on the same line."""
    return bool(parts) and parts[-1] in ("deploy", "submit")


@pytest.mark.parametrize("path", REPOSITORY, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_program_of_the_repository(path: Path) -> None:
    sink = Sink()
    source = read_source(str(path), sink)
    if source is None:
        assert sink.errors
        return
    if parse(source, sink) is None:
        with pytest.raises(Refused) as refused:
            format_source(source.text, source.path)
        assert [d.code for d in refused.value.diagnostics] == [d.code for d in sink.diagnostics]
        return
    if not sink.errors:
        check(source.text)


@pytest.mark.parametrize("path", [p for p in REPOSITORY if p.parent.name in ("examples", "stdlib")], ids=str)
def test_examples_and_the_library_are_in_the_canonical_layout(path: Path) -> None:
    text = path.read_text("utf-8")
    assert format_source(text, str(path)) == text


@pytest.mark.parametrize("path", [p for p in REPOSITORY if p.parent.name in ("examples", "stdlib")], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_examples_in_another_layout(path: Path, seed: int) -> None:
    check(mangled(path.read_text("utf-8"), random.Random(seed), remarks=True))


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@QUIET
@given(module=modules)
def test_every_form(module: Module) -> None:
    check(unparse(module))


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@QUIET
@given(module=modules, choice=st.randoms(use_true_random=False))
def test_every_form_with_comments(module: Module, choice: random.Random) -> None:
    check(mangled(unparse(module), choice, remarks=True))


@QUIET
@given(program=runnable(), choice=st.randoms(use_true_random=False))
def test_generated_programs(program: Generated, choice: random.Random) -> None:
    formatted = check(program.enig)
    check(mangled(program.enig, choice, remarks=True))
    spaced = re.sub(r"(?<=\S) (?=\S)", "  ", program.enig)
    assert format_source(spaced, "f") == formatted
