"""Inlay hints: `private` where nobody wrote it and a variable became so."""

from collections.abc import Iterator

from lsprotocol import types

from enigmalang.lsp.hover import has_parts, types_of
from enigmalang.lsp.view import View
from enigmalang.source import Span
from enigmalang.syntax import ast


def inlay_hints(view: View, wanted: types.Range) -> list[types.InlayHint]:
    """One hint for each variable that is private by what it is given, where it first stands in the text."""
    return [hint for hint in _hints(view) if wanted.start.line <= hint.position.line <= wanted.end.line]


def _hints(view: View) -> Iterator[types.InlayHint]:
    names = view.good.index.main
    for name in names.locals:
        if name.private or name.kind != "local" or isinstance(name.node, ast.Comprehension) or name.extent is None:
            continue
        end = Span(name.extent.path, name.extent.end_line, 1, name.extent.end_line, 1)
        fact = view.good.facts.of_name(name.name, name.extent, names.given.get(name, ()), end)
        if fact is not None and fact.private and not has_parts(types_of(view.good.index, name)):
            yield types.InlayHint(view.range(name.span).start, "private ", kind=types.InlayHintKind.Type,
                                  tooltip="inferred: what it is given is private")
