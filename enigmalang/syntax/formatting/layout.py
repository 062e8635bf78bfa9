"""The whole file: blocks, empty lines, comments at the ends of lines."""

from enigmalang.syntax.formatting.blank_lines import blank_lines
from enigmalang.syntax.formatting.breaking import WIDTH, Row, on_one_line, rows_of
from enigmalang.syntax.formatting.columns import align
from enigmalang.syntax.formatting.headers import suite_colon
from enigmalang.syntax.formatting.lexing import STEP, Item, Remark, Token, items_of, tokens_of, whole_items_of

_PASSES = 4


def layout(text: str) -> str:
    """`text`, which must be free of syntax errors, in the canonical layout."""
    return _laid_out(items_of(text))


def layout_part(text: str, following: int) -> str | None:
    """As `layout`, of a part of a file below which a statement of level `following` stands.

    None when the part ends inside of brackets or of a string.
    """
    items = whole_items_of(text, following)
    return None if items is None else _laid_out(items)


def _laid_out(items: list[Item]) -> str:
    lines: list[Row | None] = []  # None is an empty line
    for item, blank in zip(items, blank_lines(items), strict=True):
        lines += [None] * blank
        lines += _rows(item)
    align(lines)
    return "".join(f"{_written(row)}\n" for row in lines)


def _written(row: Row | None) -> str:
    if row is None:
        return ""
    indent = " " * row.indent
    if row.comment is None:
        return f"{indent}{row.code}"
    return f"{indent}{row.code}{' ' * row.gap if row.code else ''}{row.comment}"


def _rows(item: Item) -> list[Row]:
    if isinstance(item, Remark):
        return [Row(item.level * STEP, comment=item.text)]
    return _statement(item.tokens, item.level * STEP)


def _statement(tokens: list[Token], indent: int) -> list[Row]:
    """A block that stands on its header's line stays there where it fits."""
    colon = suite_colon(tokens)
    if colon is None:
        return _settled(tokens, indent)
    head, body = tokens[: colon + 1], tokens[colon + 1 :]
    comment, body[-1].after = body[-1].after, None
    line = _one_line(tokens)
    if line is not None and indent + len(line) <= WIDTH:
        length = len(on_one_line(head) or "") if head[0].text == "as" else 0
        return [Row(indent, line, comment, length)]
    body[-1].after = comment
    return _settled(head, indent) + _statement(body, indent + STEP)


def _one_line(tokens: list[Token]) -> str | None:
    """The statement with the block on its line; None when one of them needs several."""
    colon = suite_colon(tokens)
    if colon is None:
        return on_one_line(tokens)
    head, body = on_one_line(tokens[: colon + 1]), _one_line(tokens[colon + 1 :])
    return None if head is None or body is None else f"{head} {body}"


def _settled(tokens: list[Token], indent: int) -> list[Row]:
    """The rows of a statement that stay as they are when they are laid out again.

    A comma that was put behind a last element asks for one element a line from then on, which may move others.
    """
    rows = rows_of(tokens, indent)
    for _ in range(_PASSES):
        if len(rows) == 1:
            break
        text = "".join(f"{_written(row)}\n" for row in rows)
        again = rows_of(tokens_of(text), indent)
        if "".join(f"{_written(row)}\n" for row in again) == text:
            break
        rows = again
    return rows
