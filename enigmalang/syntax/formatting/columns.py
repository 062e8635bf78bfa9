"""What stands in columns: comments at the ends of neighbouring lines, and what `as alice:`, `as bob:` lead to."""

from collections.abc import Callable, Iterator, Sequence

from enigmalang.syntax.formatting.breaking import WIDTH, Row

#: Comments are put in one column only when they end before this one.
COMMENT_WIDTH = 120
_GAP = 2


def align(rows: Sequence[Row | None]) -> None:
    """Set the spaces of `rows` (None is an empty line)."""
    for run in _runs(rows, lambda row: row.head > 0, 0):
        _align_heads(run)
    for run in _runs(rows, lambda row: bool(row.code) and row.comment is not None and "\n" not in row.code, 1):
        _align_comments(run)


def _runs(rows: Sequence[Row | None], member: Callable[[Row], bool], apart: int) -> Iterator[list[Row]]:
    """Rows of one indentation that are `member`s, at most `apart` others between them, and no empty or comment line."""
    run: list[Row] = []
    others = 0
    for row in rows:
        if row is None or not row.code or (run and row.indent != run[0].indent) or others > apart:
            yield run
            run, others = [], 0
        if row is None or not row.code:
            continue
        if member(row):
            run.append(row)
            others = 0
        elif run:
            others += 1
    yield run


def _align_heads(run: Sequence[Row]) -> None:
    column = max((row.head for row in run), default=0)
    if all(row.column + column - row.head <= WIDTH for row in run):
        for row in run:
            row.code = f"{row.code[: row.head]}{' ' * (column - row.head)}{row.code[row.head :]}"


def _align_comments(run: Sequence[Row]) -> None:
    column = max((row.column for row in run), default=0) + _GAP
    if all(column + len(row.comment or "") <= COMMENT_WIDTH for row in run):
        for row in run:
            row.gap = column - row.column
