"""The lines of generated source, each with the place in the `.enig` file that it came from."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from enigmalang.source import Span

WIDTH = 88


class Lines:
    """Source lines under construction."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Span | None]] = []
        self._depth = 0

    def add(self, text: str, span: Span | None = None) -> None:
        """One statement; the `.enig` line beside it."""
        self.rows.append((("    " * self._depth + text).rstrip(), span))

    def add_all(self, text: str, span: Span | None = None) -> None:
        for number, line in enumerate(text.strip("\n").split("\n")):
            self.add(line, span if number == 0 else None)

    def title(self, text: str) -> None:
        """The beginning of a section."""
        self.add(f"# ---- {text}")
        self.add("")

    @contextmanager
    def block(self) -> Iterator[None]:
        self._depth += 1
        start = len(self.rows)
        try:
            yield
        finally:
            if not any(text and not text.lstrip().startswith("#") for text, _ in self.rows[start:]):
                self.add("pass")
            self._depth -= 1

    def insert(self, mark: int, text: str, span: Span | None) -> None:
        """A statement of the current block, at a place marked before."""
        self.rows.insert(mark, ("    " * self._depth + text, span))

    def mark(self) -> int:
        return len(self.rows)

    def cut(self, mark: int) -> list[tuple[str, Span | None]]:
        """Take away what was added since `mark`."""
        gone = self.rows[mark:]
        del self.rows[mark:]
        return gone


def rendered(rows: list[tuple[str, Span | None]]) -> tuple[str, dict[int, Span]]:
    """The text, and which line (from 1) came from where."""
    made: list[str] = []
    places: dict[int, Span] = {}
    for number, (text, span) in enumerate(rows, 1):
        if span is None or not text.strip():
            made.append(text)
            if span is not None:
                places[number] = span
            continue
        places[number] = span
        note = f"# {PurePath(span.path).name}:{span.line}"
        made.append(f"{text.ljust(WIDTH - 24)}  {note}")
    return "\n".join(made) + "\n", places


def notice(text: str) -> str:
    """A docstring's text within NatSpec: one line, without what would end it or begin a field."""
    return " ".join(text.split()).replace('"', "'").replace("\\", "/").replace("@", "at ")
