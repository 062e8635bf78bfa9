"""One document at the moment of a question: its text as it is now, and the last tables."""

from collections.abc import Iterator
from dataclasses import dataclass

from lsprotocol import types

from enigmalang.lsp.index import Occurrence
from enigmalang.lsp.names import Definition, covers
from enigmalang.lsp.positions import Encoding, uri_of
from enigmalang.lsp.shift import Shift
from enigmalang.lsp.snapshot import Good, Snapshot
from enigmalang.lsp.spread import document
from enigmalang.source import SourceFile, Span
from enigmalang.syntax import ast


@dataclass(frozen=True, slots=True)
class View:
    """`source` is the newest text, `shift` leads from the text of the tables to it."""

    source: SourceFile
    snapshot: Snapshot
    good: Good
    encoding: Encoding
    shift: Shift

    # ---- places

    def place(self, position: types.Position) -> tuple[int, int]:
        """Where the position of the editor is in the text of the tables."""
        line, column = self.encoding.place(self.source, position)
        return self.shift.back(line, column)

    def is_outside(self, position: types.Position) -> bool:
        """Whether the position is behind the end of its line, or of the text."""
        text = document(self.source).line(position.line + 1)
        return position.line >= len(document(self.source).lines) or position.character > self.encoding.units(text)

    def range(self, span: Span) -> types.Range:
        """A place of the tables, in this document as it is now or in another file."""
        if span.path != self.source.path:
            return self.encoding.range(self.text_of(span.path), span)
        line, column = self.shift.forth(span.line, span.column)
        end, end_column = self.shift.forth(span.end_line, span.end_column)
        return self.encoding.range(self.source, Span(span.path, line, column, end, end_column))

    def text_of(self, path: str) -> SourceFile:
        """The text of another file as the tables know it."""
        declared = self.good.index.declared.get(path)
        return declared.source if declared is not None else SourceFile(path, "")

    def location(self, span: Span) -> types.Location:
        return types.Location(uri_of(span.path), self.range(span))

    # ---- what stands there

    def occurrence(self, position: types.Position) -> Occurrence | None:
        line, column = self.place(position)
        return self.good.index.main.at(line, column)

    def word(self, position: types.Position) -> str:
        """The word at the position in the newest text; "" in comments and texts, and between words."""
        line, column = self.encoding.place(self.source, position)
        text = self.source.line(line)
        start = end = column - 1
        while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        while end < len(text) and (text[end].isalnum() or text[end] == "_"):
            end += 1
        return "" if quoted(text[:start]) else text[start:end]

    def path_to(self, line: int, column: int) -> list[ast.Node]:
        """The nodes around the place, outermost first."""
        return list(_around(self.good.module, line, column))

    def expression(self, line: int, column: int) -> ast.Node | None:
        """The smallest expression at the place that has a type."""
        kinds = self.good.index.types
        return next((n for n in reversed(self.path_to(line, column)) if n in kinds), None)

    def visible(self, line: int, column: int) -> Iterator[Definition]:
        """What the bare names mean at the place, innermost first; a name once."""
        index = self.good.index
        declared = index.declared[self.good.source.path]
        inner = [d for d in index.main.locals if d.extent is not None and covers(d.extent, line, column)]
        for node, members in declared.members.items():
            if isinstance(node, ast.FunctionDef | ast.PredicateDecl) and covers(node.span, line, column):
                inner += members.values()
        inner.sort(key=lambda d: (d.extent.line, d.extent.column) if d.extent else (0, 0), reverse=True)
        contracts = [names for c, names in declared.contracts.items() if covers(c.span, line, column)]
        seen: set[str] = set()
        for group in (inner, *(names.values() for names in contracts), declared.module.values()):
            for definition in group:
                if definition.name not in seen:
                    seen.add(definition.name)
                    yield definition


def _around(node: ast.Node, line: int, column: int) -> Iterator[ast.Node]:
    current: ast.Node | None = node
    while current is not None:
        yield current
        inside = [n for n in ast.children(current) if covers(n.span, line, column)]
        before = inside[0] if inside else None  # ends at the place, when nothing begins there
        current = next((n for n in inside if (n.span.end_line, n.span.end_column) != (line, column)), before)


def quoted(before: str) -> bool:
    """Whether what comes after the text `before` on its line is in a comment or a string."""
    quote = ""
    escaped = False
    for char in before:
        if escaped:
            escaped = False
        elif quote:
            escaped = char == "\\"
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "#":
            return True
    return bool(quote)
