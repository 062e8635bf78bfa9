"""Indentation, and which line may follow which: looked at on whole lines, before the grammar is asked."""

from enigmalang.diagnostics import Note
from enigmalang.source import Span
from enigmalang.syntax.scanner import Line, Scan
from enigmalang.syntax.words import BLOCK_WORDS, MAX_BLOCKS, RESERVED

_STEP = 4
_FUNCTION_WORDS = frozenset({"def", "internal", "view", "payable"})
_AFTER_IF = frozenset({"if", "elif"})


def check_blocks(scan: Scan) -> None:
    """Report wrong indentation, missing blocks, and `elif` or `else` without their `if` to `scan`."""
    _Blocks(scan).run()


class _Blocks:
    def __init__(self, scan: Scan) -> None:
        self.scan = scan
        self.levels = [0]
        self.siblings: list[Line | None] = [None]  # the line before, on each level

    def run(self) -> None:
        previous: Line | None = None
        for line in self.scan.lines:
            if previous is not None and previous.opens:
                self.after_header(previous, line)
            elif line.indent > self.levels[-1]:
                self.unexpected(previous, line)
                self.push(line)
            else:
                self.dedent(line)
            self.check_else(line)
            self.siblings[-1] = line
            if len(self.levels) == MAX_BLOCKS + 2:
                message = f"more than {MAX_BLOCKS} blocks in one another"
                self.error("E0008", message, line, "move the inner ones to a `def`")
                return
            previous = line
        if previous is not None and previous.opens and not previous.broken:
            self.cut_off(previous)

    def push(self, line: Line) -> None:
        self.levels.append(line.indent)
        self.siblings.append(None)

    def after_header(self, header: Line, line: Line) -> None:
        if line.indent <= self.levels[-1]:
            if not header.broken:
                self.error(
                    "E0005",
                    "an indented block must follow the colon",
                    line,
                    f"indent it by {self.levels[-1] + _STEP} spaces; a block that does nothing is `pass`",
                    Note(self.first_line(header), "the block of this line"),
                )
            self.dedent(line)
            return
        wanted = self.levels[-1] + _STEP
        if line.indent != wanted and not line.broken:
            self.error(
                "E0005",
                f"this line is indented by {line.indent} spaces, and a block by {_STEP} more than its header",
                line,
                f"indent it by {wanted} spaces",
            )
        self.push(line)

    def unexpected(self, previous: Line | None, line: Line) -> None:
        if previous is None or line.broken:
            what = "the first line of a file is not indented"
        elif previous.broken:
            return
        elif previous.first in BLOCK_WORDS and (previous.first in RESERVED | _FUNCTION_WORDS or _is_header(previous)):
            self.missing_colon(previous)
            return
        else:
            what = "this line is indented more than the one before, which does not begin a block"
        if not line.broken:
            self.error("E0005", what, line, f"indent it by {self.levels[-1]} spaces")

    def dedent(self, line: Line) -> None:
        while line.indent < self.levels[-1]:
            self.levels.pop()
            self.siblings.pop()
        if line.indent != self.levels[-1]:
            if not line.broken:
                self.error(
                    "E0005",
                    f"this line is indented by {line.indent} spaces, as no block around it is",
                    line,
                    f"indent it by {self.levels[-1]} or {self.levels[-1] + _STEP} spaces",
                )
            self.push(line)

    def check_else(self, line: Line) -> None:
        if line.first not in ("elif", "else") or line.broken:
            return
        before = self.siblings[-1]
        if before is not None and before.first in _AFTER_IF:
            return
        if before is not None and before.first in ("for", "while"):
            self.error("E0010", "a loop has no `else`", line, "set a variable before the loop, and test it after")
        elif before is not None and before.first == "else":
            self.error("E0001", f"`{line.first}` after the `else` of the same `if`", line, "put `else` last")
        else:
            self.error("E0001", f"`{line.first}` has no `if` before it", line, "indent it as the `if` it belongs to")

    def missing_colon(self, line: Line) -> None:
        line.broken = True
        end = self.scan.span(line.stop, line.stop + 1)
        self.scan.error("E0007", f"a colon is missing after the header of this `{line.first}`", end, help="write `:`")

    def cut_off(self, header: Line) -> None:
        header.broken = True
        self.scan.error(
            "E0006",
            "the file ends where a block has to follow",
            self.first_line(header),
            help=f"write the block, indented by {header.indent + _STEP} spaces; `pass` does nothing",
        )

    def error(self, code: str, message: str, line: Line, help: str, *notes: Note) -> None:
        line.broken = True
        self.scan.error(code, message, self.first_word(line), *notes, help=help)

    def first_word(self, line: Line) -> Span:
        return self.scan.span(line.start, line.start + len(line.first.split("\n")[0]))

    def first_line(self, line: Line) -> Span:
        whole = self.scan.span(line.start, line.stop)
        if whole.line == whole.end_line:
            return whole
        return self.first_word(line)


def _is_header(line: Line) -> bool:
    """Whether a soft keyword such as `contract` is followed by a name."""
    return line.second[:1].isalpha() or line.second[:1] in "\"'_"
