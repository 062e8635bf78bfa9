"""A file laid out stretch by stretch, and what stays as it is kept: for editors, which format the same file again and
again.

A stretch begins below an empty line, with a statement of the top level or a member of a contract (or the comment right
above one). What stands before such a line does not move what stands below it: columns end at an empty line, and
how many empty lines stand there depends on the line alone.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from enigmalang.syntax.formatting.check import Refused, format_source, means_the_same
from enigmalang.syntax.formatting.layout import layout_part
from enigmalang.syntax.formatting.lexing import STEP

#: Stretches that are kept beyond those of the newest text.
_SPARE = 100
_HEADER = "contract C:\n"
_CONTRACT = re.compile(r"contract[ \t]")
#: The beginning of a line at the top level or of a member: what stands there is no space, and no `else`.
_BEGINNING = re.compile(r"(?: {4})?(?!else\b|elif\b)[^ \t\f]")
_MEMBER = " " * STEP


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some lines of a file. `level`: of the blocks around it, 0 or 1; `following`: that of the next stretch."""

    text: str
    level: int
    following: int
    blanks: int  # empty lines above it
    first: bool  # none stands before it

    @property
    def bare(self) -> bool:
        """Whether it is the very beginning of the file, where `#!` has its meaning."""
        return self.first and not self.blanks


class _Whole(Exception):
    """The file cannot be laid out in stretches."""


@dataclass(slots=True)
class Layouts:
    """What was laid out of one file. Threads may share it: what two of them do at a time is done twice."""

    made: int = 0  # stretches that were laid out, and not found
    _kept: dict[tuple[str, int, int, bool], str | None] = field(default_factory=dict)

    def format(self, text: str, path: str) -> str:
        """What `format_source` gives for `text`, which must be free of syntax errors; only what is new is laid out,
        parsed and compared. Raises Refused for other texts, if it notices."""
        text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        try:
            return "".join(self._parts(text, path))
        except _Whole:
            return format_source(text, path)

    def prepare(self, text: str, path: str, stale: Callable[[], bool]) -> None:
        """Do now what `format` will need, until `stale`."""
        try:
            for _ in self._parts(text, path):
                if stale():
                    return
        except (_Whole, Refused):
            return

    def _parts(self, text: str, path: str) -> Iterator[str]:
        """The layout, stretch by stretch with the empty lines between. Raises _Whole."""
        used = set()
        waiting: Stretch | None = None  # its end is inside of brackets or of a string
        for stretch in stretches(text):
            whole = stretch if waiting is None else _joined(waiting, stretch)
            key = (whole.text, whole.level, whole.following, whole.bare)
            if key not in self._kept:
                self._kept[key] = self._laid_out(whole, path)
            used.add(key)
            found = self._kept.get(key)
            waiting = whole if found is None else None
            if found is not None:
                yield "\n" * (0 if whole.first else min(whole.blanks, 2 - whole.level)) + found
        if waiting is not None:
            raise _Whole
        if len(self._kept) > 2 * len(used) + _SPARE:
            self._kept = {key: found for key, found in list(self._kept.items()) if key in used}

    def _laid_out(self, stretch: Stretch, path: str) -> str | None:
        """None when the stretch ends inside of something."""
        self.made += 1
        header = _HEADER if stretch.level else "" if stretch.bare else "\n"
        found = layout_part(header + stretch.text, stretch.following)
        if found is None:
            return None
        found = found.removeprefix(_HEADER) if stretch.level else found
        if found != stretch.text and not means_the_same(header + stretch.text, header + found, path):
            raise _Whole
        return found


def _joined(a: Stretch, b: Stretch) -> Stretch:
    empty = "\n" * b.blanks
    return Stretch(f"{a.text}{empty}{b.text}", a.level, b.following, a.blanks, a.first)


def stretches(text: str) -> Iterator[Stretch]:
    """`text`, cut wherever a stretch may begin, as far as the lines alone tell: inside of brackets and strings too."""
    lines = text.split("\n")
    start = blanks = level = 0
    first = True
    for stop, following in _cuts(lines):
        end = stop
        while end > start and not lines[end - 1].strip(" \t\f"):
            end -= 1
        if end > start:
            yield Stretch("\n".join(lines[start:end]) + "\n", level, following, blanks, first)
            first = False
        start, blanks, level = stop, stop - end, following


def _cuts(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Where stretches end, each with the level of what follows; the last is the end of the file."""
    inside = ready = False  # in a contract; a member of it stands before
    above = ""  # the last line that is not empty
    comments: int | None = None  # where the comments right above began, below an empty line
    empty = False
    for number, line in enumerate(lines):
        if not line.strip(" \t\f"):
            empty, comments = bool(above), None
            continue
        begins = _BEGINNING.match(line) is not None and not above.endswith("\\")
        level = int(line.startswith(_MEMBER))
        if line.lstrip(" \t\f").startswith("#"):
            if empty and begins:
                comments = number
            elif comments is not None and _indent(line) != _indent(lines[comments]):
                comments = None
        else:
            if begins and (comments is not None or empty) and (level == 0 or (inside and ready)) and (
                    comments is None or _indent(lines[comments]) == _indent(line)):
                yield (number if comments is None else comments), level
            if line[0] not in " \t\f":
                inside, ready = _CONTRACT.match(line) is not None, False
            else:
                ready = True
            comments = None
        empty, above = False, line.rstrip(" \t\f")
    yield len(lines), 0


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t\f"))
