"""Source files and the spans that every later stage carries.

A `Span` is plain data (a path and four numbers), so that a plan sent to a node can still point at the
line it came from without shipping the text.
"""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of source text; lines and columns count from 1, the end column is exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    def to(self, other: "Span") -> "Span":
        """The smallest span that covers this one and `other` (which ends later)."""
        return Span(self.path, self.line, self.column, other.end_line, other.end_column)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True)
class SourceFile:
    """One `.enig` file: its path as the user wrote it, and its text."""

    path: str
    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return tuple(self.text.split("\n"))

    def line(self, number: int) -> str:
        """Line `number` (from 1) without its line end; empty past the end of the file."""
        return self.lines[number - 1].rstrip("\r") if 0 < number <= len(self.lines) else ""

    def whole(self) -> Span:
        return Span(self.path, 1, 1, len(self.lines), len(self.lines[-1]) + 1)
