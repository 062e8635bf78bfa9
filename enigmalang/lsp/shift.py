"""Where a place of one text is in a later one."""

from dataclasses import dataclass

from enigmalang.source import SourceFile, Span


@dataclass(frozen=True, slots=True)
class Shift:
    """Where the lines of one text are in another: those before and the `tail` ones after the changed ones keep their
    text. A place among the changed lines keeps its distance from the first of them."""

    old: int  # lines of the one
    new: int  # lines of the other
    tail: int
    same: bool

    @classmethod
    def between(cls, before: SourceFile, after: SourceFile) -> "Shift":
        old, new = before.lines, after.lines
        if before.text == after.text:
            return cls(len(old), len(new), 0, True)
        shortest = min(len(old), len(new))
        head = next((n for n in range(shortest) if old[n] != new[n]), shortest)
        tail = next((n for n in range(shortest - head) if old[-1 - n] != new[-1 - n]), shortest - head)
        return cls(len(old), len(new), tail, False)

    def forth(self, line: int, column: int) -> tuple[int, int]:
        """Where the place of the one text is in the other."""
        return self._moved(line, self.old, self.new), column

    def back(self, line: int, column: int) -> tuple[int, int]:
        return self._moved(line, self.new, self.old), column

    def span_back(self, span: Span) -> Span:
        """A span of the other text, in the one."""
        line, column = self.back(span.line, span.column)
        end, end_column = self.back(span.end_line, span.end_column)
        return Span(span.path, line, column, end, end_column)

    def _moved(self, line: int, here: int, there: int) -> int:
        if self.same:
            return line
        return line + there - here if line > here - self.tail else min(line, max(1, there))
