"""Where empty lines stand: the author's, at most one in a row, none at the start of a block, one around definitions."""

from collections.abc import Sequence

from enigmalang.syntax.formatting.headers import keyword
from enigmalang.syntax.formatting.lexing import Item, Remark, Statement

_DEFINING = frozenset({"contract", "struct", "enum", "interface", "predicate", "test", "def"})


def blank_lines(items: Sequence[Item]) -> list[bool]:
    """For each item whether an empty line stands above it."""
    blanks: list[bool] = []
    definitions: list[int] = []  # levels of the definitions whose blocks are open
    opened = True  # the item before begins a block, or there is none
    remarked = False  # the item before is a comment that is attached to this one
    for place, item in enumerate(items):
        ended = False
        while definitions and definitions[-1] >= item.level:
            definitions.pop()
            ended = True
        wanted = item.blanks > 0 or ended
        if not wanted and not remarked:
            wanted = _defines(_described(items, place))
        blanks.append(wanted and not opened)
        opened = isinstance(item, Statement) and item.opens
        remarked = isinstance(item, Remark)
        if _defines(item):
            definitions.append(item.level)
    return blanks


def _described(items: Sequence[Item], place: int) -> Item:
    """The statement that a comment without an empty line below it belongs to; a statement itself."""
    item = items[place]
    for following in items[place + 1 :]:
        if isinstance(item, Statement) or following.blanks or following.level != item.level:
            break
        item = following
    return item


def _defines(item: Item) -> bool:
    """Whether `item` is the header of a definition with a block below it."""
    return isinstance(item, Statement) and item.opens and keyword(item.tokens) in _DEFINING
