"""Places as editors count them and as the compiler does.

The protocol counts lines from 0 and, unless it was agreed otherwise, UTF-16 code units; a Span counts lines and
characters from 1. Paths stand for files in the compiler, URIs in the protocol.
"""

from dataclasses import dataclass

from lsprotocol import types
from pygls import uris

from enigmalang.lsp.spread import document, hidden, shown
from enigmalang.source import SourceFile, Span
from enigmalang.source.shipped import on_disk


@dataclass(frozen=True, slots=True)
class Encoding:
    """The agreed unit of columns: "utf-16", "utf-8" or "utf-32"."""

    name: str = "utf-16"

    def units(self, text: str) -> int:
        """How many units `text` takes."""
        if text.isascii():
            return len(text)
        match self.name:
            case "utf-8":
                return len(text.encode("utf-8", "surrogatepass"))
            case "utf-32":
                return len(text)
            case _:
                return len(text) + sum(1 for char in text if char > "\uffff")

    def characters(self, line: str, units: int) -> int:
        """How many characters of `line` the first `units` units are; the middle of a character is its start."""
        if self.name == "utf-32" or line.isascii():
            return max(0, min(units, len(line)))
        taken = 0
        for number, char in enumerate(line):
            taken += self.units(char)
            if taken > units:
                return number
        return len(line)

    # ---- to the protocol

    def position(self, source: SourceFile, line: int, column: int) -> types.Position:
        """The protocol's position of a place of the compiler."""
        return types.Position(shown(source, line) - 1, self.units(source.line(line)[: column - 1]))

    def range(self, source: SourceFile, span: Span) -> types.Range:
        return types.Range(
            self.position(source, max(1, span.line), span.column),
            self.position(source, max(1, span.end_line), span.end_column),
        )

    # ---- from the protocol

    def place(self, source: SourceFile, position: types.Position) -> tuple[int, int]:
        """Line and column, both from 1; places outside of the text are brought to its edge."""
        last = len(document(source).lines)
        line = hidden(source, min(position.line + 1, last))
        if position.line + 1 > last:
            return line, len(source.line(line)) + 1
        return line, self.characters(source.line(line), position.character) + 1


def path_of(uri: str) -> str:
    """The path that stands for the document `uri`; a document without a file stands for itself."""
    path = uris.to_fs_path(uri) if uri.startswith("file:") else None
    return path if path else uri


def uri_of(path: str) -> str:
    """The URI of a path of a span, also of the standard library's files."""
    if "://" in path or path.startswith("untitled:"):
        return path
    return uris.from_fs_path(str(on_disk(path))) or path
