"""A document with room between its statements.

Places of the compiler are lines of a text. So that a function keeps its lines (and with them its tree, its types and
what was found in it) while the text before it grows or shrinks, the compiler gets the document with empty lines put
before each statement of the top level and each member of a contract; an editor never sees these. Empty lines there
mean nothing. A change takes lines from the room or gives some back; when there is too little, all is laid out anew.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from enigmalang.source import SourceFile
from enigmalang.syntax.pieces import members, statements
from enigmalang.syntax.scanner import scan
from enigmalang.syntax.words import MAX_FILE

#: Empty lines before each statement.
ROOM = 24
#: A change of lines with one of these may make a text, or a line, of what was between two statements.
_JOINS = ('"""', "'''", "\\")


@dataclass(frozen=True)
class Spread(SourceFile):
    """`text` is what the compiler reads, `real` the document; line `there[i]` of it is line `here[i]` of `text`, and
    so are those behind it up to the next (all from 1)."""

    real: SourceFile
    there: tuple[int, ...]
    here: tuple[int, ...]

    def shown(self, line: int) -> int:
        """The line of the document that is `line` of the text; of an empty line put in, the next one."""
        number = bisect_right(self.here, line) - 1
        found = self.there[number] + line - self.here[number]
        following = self.there[number + 1] if number + 1 < len(self.there) else len(self.real.lines)
        return min(found, following)

    def hidden(self, line: int) -> int:
        """The line of the text that is `line` of the document."""
        number = bisect_right(self.there, line) - 1
        return self.here[number] + line - self.there[number]

    @cached_property
    def exact(self) -> bool:
        """Whether nothing was put in."""
        return self.there == self.here


def shown(source: SourceFile, line: int) -> int:
    """The line as the user counts it."""
    return source.shown(line) if isinstance(source, Spread) else line


def hidden(source: SourceFile, line: int) -> int:
    """The line as the compiler counts it, of one that the user counts."""
    return source.hidden(line) if isinstance(source, Spread) else line


def document(source: SourceFile) -> SourceFile:
    """The text as the user sees it."""
    return source.real if isinstance(source, Spread) else source


def spread(real: SourceFile) -> Spread:
    """`real` with fresh room. A file so large that the room might not fit has none."""
    starts = _starts(real)
    if len(real.text) + (ROOM + 1) * len(starts) > MAX_FILE:
        starts = []
    there = (1, *(line for line in starts if line > 1))
    return _laid_out(real, there, tuple(line + ROOM * number for number, line in enumerate(there)))


def respread(before: Spread, real: SourceFile) -> Spread:
    """`real`, a later text of the document of `before`, whose unchanged statements stay where they are."""
    old, new = before.real.lines, real.lines
    shortest = min(len(old), len(new))
    head = next((n for n in range(shortest) if old[n] != new[n]), shortest)
    tail = next((n for n in range(shortest - head) if old[-1 - n] != new[-1 - n]), shortest - head)
    first = max(0, head - 1)  # a line that goes on in the next one joins what now follows it
    changed = (*old[first: len(old) - tail], *new[first: len(new) - tail])
    if any(sign in line for line in changed for sign in _JOINS):
        return spread(real)
    there: list[int] = []
    here: list[int] = []
    for line, place in zip(before.there, before.here, strict=True):
        if line == 1 or line <= head or (line == head + 1 and len(new) - tail > head):
            moved = line
        elif line > len(old) - tail:
            moved = line + len(new) - len(old)
        else:
            continue
        if there and (moved <= there[-1] or place - here[-1] < moved - there[-1]):
            return spread(real)
        there.append(moved)
        here.append(place)
    return _laid_out(real, tuple(there), tuple(here))


def _starts(real: SourceFile) -> list[int]:
    """The lines on which statements of the top level and members of contracts begin."""
    found = scan(real)
    starts: list[int] = []
    for block in statements(found.lines):
        starts.append(block[0].number)
        starts += [piece.lines[0].number for piece in members(found, block)]
    return starts


def _laid_out(real: SourceFile, there: tuple[int, ...], here: tuple[int, ...]) -> Spread:
    lines: list[str] = []
    for number, (line, place) in enumerate(zip(there, here, strict=True)):
        lines += [""] * (place - 1 - len(lines))
        stop = there[number + 1] - 1 if number + 1 < len(there) else len(real.lines)
        lines += real.lines[line - 1: stop]
    return Spread(real.path, "\n".join(lines), real, there, here)
