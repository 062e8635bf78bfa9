"""Where empty lines stand: the author's, at most one in a row (two between what stands in no block), none at the start
of a block, at least one around definitions."""

from collections.abc import Sequence

from enigmalang.syntax.formatting.headers import keyword
from enigmalang.syntax.formatting.lexing import Item, Remark, Statement
from enigmalang.syntax.words import BUDGET

_DEFINING = frozenset({"contract", "struct", "enum", "interface", "predicate", "test", "def"})


def blank_lines(items: Sequence[Item]) -> list[int]:
    """For each item how many empty lines stand above it."""
    blanks: list[int] = []
    definitions: list[int] = []  # levels of the definitions whose blocks are open
    opened = True  # the item before begins a block, or there is none
    remarked = False  # the item before is a comment that is attached to this one
    for place, item in enumerate(items):
        ended = False
        while definitions and definitions[-1] >= item.level:
            definitions.pop()
            ended = True
        needed = ended or (not remarked and _defines(_described(items, place)))
        most = 1 if item.level else 2
        blanks.append(0 if opened else max(int(needed), min(item.blanks, most)))
        opened = isinstance(item, Statement) and item.opens
        remarked = isinstance(item, Remark) or _annotates(item)
        if _defines(item):
            definitions.append(item.level)
    return blanks


def _described(items: Sequence[Item], place: int) -> Item:
    """The statement that a comment without an empty line below it belongs to; a statement itself."""
    item = items[place]
    for number in range(place + 1, len(items)):
        following = items[number]
        if (isinstance(item, Statement) and not _annotates(item)) or following.blanks or following.level != item.level:
            break
        item = following
    return item


def _annotates(item: Item) -> bool:
    """Whether `item` is a line that belongs to the definition below it."""
    return isinstance(item, Statement) and item.tokens[0].text == BUDGET


def _defines(item: Item) -> bool:
    """Whether `item` is the header of a definition with a block below it."""
    return isinstance(item, Statement) and item.opens and keyword(item.tokens) in _DEFINING
