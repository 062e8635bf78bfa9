"""Every syntactic form: `golden/*.enig` and the outline of its tree beside it, and the way back to source."""

from collections.abc import Callable
from pathlib import Path

import pytest

from enigmalang.diagnostics import Sink, from_sources, render
from enigmalang.source import SourceFile
from enigmalang.syntax.ast import Module
from enigmalang.syntax.parser import parse, read_source
from enigmalang.syntax.printer import format_tree
from enigmalang.syntax.unparse import unparse

FOLDER = Path(__file__).parent / "golden"
FORMS = sorted(path.stem for path in FOLDER.glob("*.enig"))


def parsed(source: SourceFile | None) -> Module:
    assert source is not None
    sink = Sink()
    module = parse(source, sink)
    assert module is not None, render(sink.diagnostics, from_sources(source))
    assert not sink.diagnostics
    return module


@pytest.mark.parametrize("form", FORMS)
def test_outline(form: str, golden: Callable[[Path, str], None]) -> None:
    module = parsed(read_source(str(FOLDER / f"{form}.enig"), Sink()))
    golden(FOLDER / f"{form}.ast", format_tree(module))


@pytest.mark.parametrize("form", FORMS)
def test_unparse_means_the_same(form: str) -> None:
    module = parsed(read_source(str(FOLDER / f"{form}.enig"), Sink()))
    text = unparse(module)
    again = parsed(SourceFile("again.enig", text))
    assert format_tree(again, spans=False) == format_tree(module, spans=False)
    assert unparse(again) == text


@pytest.mark.parametrize("form", FORMS)
def test_line_ends_and_byte_order_mark_change_nothing(form: str) -> None:
    text = (FOLDER / f"{form}.enig").read_text("utf-8")
    plain = format_tree(parsed(SourceFile("f.enig", text)))
    assert format_tree(parsed(SourceFile("f.enig", text.replace("\n", "\r\n")))) == plain
    marked = parsed(SourceFile("f.enig", "\ufeff" + text))
    assert format_tree(marked, spans=False) == format_tree(parsed(SourceFile("f.enig", text)), spans=False)


@pytest.mark.parametrize("form", FORMS)
def test_spans_hold_what_they_name(form: str) -> None:
    """The text of each name's span is the name."""
    from enigmalang.syntax.ast import FunctionDef, Name, VarDecl, walk

    source = SourceFile("f.enig", (FOLDER / f"{form}.enig").read_text("utf-8"))
    for node in walk(parsed(source)):
        match node:
            case Name(span=span, id=name) | VarDecl(name_span=span, name=name) | FunctionDef(name_span=span, name=name):
                assert source.line(span.line)[span.column - 1 : span.end_column - 1] == name
            case _:
                assert node.span.line <= node.span.end_line
