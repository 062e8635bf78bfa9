"""Spans as what a reader of the manifest sees: the module, the line, and the expression's own text."""

from collections.abc import Callable, Iterable
from pathlib import PurePath

from enigmalang.compiler.disclosure.manifest import Place
from enigmalang.source import Span
from enigmalang.source.shipped import STDLIB, on_disk

#: The text of the file that a span's path names; None where it is not at hand.
Reader = Callable[[str], str | None]


def read_source_text(path: str) -> str | None:
    """The file as it lies on disk."""
    try:
        return on_disk(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def no_source(path: str) -> str | None:
    """For plans that come from elsewhere: lines alone are told."""
    return None


class Places:
    """The places of one program, whose own file is `main`."""

    def __init__(self, main: str, read: Reader) -> None:
        self.main, self.read = main, read
        self.lines: dict[str, list[str]] = {}

    def text(self, span: Span) -> str:
        """The source between the span's ends on one line; empty without the source."""
        if span.path not in self.lines:
            text = self.read(span.path)
            self.lines[span.path] = [] if text is None else text.split("\n")
        lines = self.lines[span.path][span.line - 1 : span.end_line]
        if not lines:
            return ""
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return " ".join(" ".join(_code(line) for line in lines).split())

    def file(self, span: Span) -> str:
        if span.path.startswith(STDLIB):
            return span.path
        return "" if span.path == self.main else PurePath(span.path).name

    def place(self, span: Span) -> Place:
        return Place(self.file(span), span.line, self.text(span))

    def statement(self, span: Span) -> Place:
        """The place with all of its lines: what is stored stands at the right of where it goes."""
        return Place(self.file(span), span.line, self.text(_lines(span)))

    def bare(self, span: Span) -> Place:
        """A place of which the text would say nothing: a whole function."""
        return Place(self.file(span), span.line, "")

    def file_name(self) -> str:
        """The program's own file, without folders."""
        return PurePath(self.main).name

    def steps(self, spans: Iterable[Span], apart: Span) -> tuple[str, ...]:
        """The statements that `spans` stand in, in their order, but for the one of `apart` and the library's."""
        own = {_lines(s) for s in spans if not s.path.startswith(STDLIB)}
        around = _lines(apart)
        outer = [s for s in sorted(own) if not within(s, around) and not within(around, s)]
        outer = [s for s in outer if not any(within(s, other) and s != other for other in outer)]
        return tuple(dict.fromkeys(text for s in outer if (text := self.text(s))))


def _lines(span: Span) -> Span:
    """All of the lines of `span`."""
    return Span(span.path, span.line, 1, span.end_line, 1 << 30)


def within(inner: Span, outer: Span) -> bool:
    return inner.path == outer.path and (outer.line, outer.column) <= (inner.line, inner.column) and (
        inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)




def _code(line: str) -> str:
    """Without a comment at its end (only called for lines of one expression or statement)."""
    quoted = ""
    for number, letter in enumerate(line):
        if quoted:
            quoted = "" if letter == quoted else quoted
        elif letter in "\"'":
            quoted = letter
        elif letter == "#":
            return line[:number]
    return line
