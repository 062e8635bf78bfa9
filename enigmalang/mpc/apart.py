"""Sorts and permutations of large columns, one column after the other, in less memory than all of them together take.

What decides the order is shuffled first: keys, which are compared, or places, which are opened. Each column is then
shuffled in the same orders (`shuffle.shuffle_alike`) and put in order, before the next one is touched. Of k columns k
are held, and what the shuffle of one takes: a second copy of it and two numbers of 32 bits an item.

Adversary, hiding and bytes are those of `mpc.sort`, `mpc.counting` and `shuffle.permute`; rounds: the shuffle's for
each column more. Columns that nobody asks for are not moved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from enigmalang.fields import Field, Raw
from enigmalang.mpc import heap
from enigmalang.mpc.counting import FEW_VALUES, places_of
from enigmalang.mpc.opening import open_elements
from enigmalang.mpc.party import Party, alone
from enigmalang.mpc.pivots import Judge
from enigmalang.mpc.segments import sorted_places
from enigmalang.mpc.shuffle import Places, Table, shuffle_alike, sources_of, take_into
from enigmalang.mpc.sort import Keys, Ranges, batch_worth, packing, put_order

#: Gives a column of value shape (rows, n), which may then be nobody else's.
Column = Callable[[], Raw]


def pays(party: Party, rows: int, n: int, ranges: Ranges | None = None) -> bool:
    """Whether columns of this size are large, and can be moved one by one: committees without keys of sets cannot, nor
    where the keys of a sort fill more than one element.
    """
    if not party.held or party.field.nbytes * rows * n < heap.LARGE or n < 2:
        return False
    if ranges is None:
        return True
    return _values(ranges) > 1 and (_few(ranges) or len(packing(party.field.p, ranges, n)) == 1)


def _values(ranges: Ranges) -> int:
    return prod(high - low + 1 for low, high in ranges)


def _few(ranges: Ranges) -> bool:
    return _values(ranges) <= FEW_VALUES


@dataclass(frozen=True, slots=True, repr=False)
class _Order:
    """How columns are moved: shuffled as one was, by `orders`, then item i comes from place sources[i]."""

    party: Party
    shape: tuple[int, int]
    orders: tuple[int, ...]
    sources: Places

    def moved(self, column: Column) -> Raw:
        """The column in order, (rows, n)."""
        party, field, (rows, n) = self.party, self.party.field, self.shape
        shuffled, _ = shuffle_alike(party, _given_up(field, column, self.shape), self.orders)
        party.flush()  # what a slower peer has not read yet is memory
        placed = field.empty((rows * n,))
        take_into(shuffled.flat()[0], self.sources, placed)
        return field.reshape(placed, self.shape)


def _given_up(field: Field, column: Column, shape: tuple[int, int]) -> Iterator[Table]:
    """The column as a table, made when the shuffle reads it, and held by nobody else."""
    yield Table(field, field.reshape(column(), (1, *shape)))


def sort_apart(
    party: Party, keys: Sequence[Column], columns: Sequence[Column], wanted: Collection[int], ranges: Ranges,
    shape: tuple[int, int],
) -> list[Raw | None]:
    """`sort.sort` of columns of a size that `pays`, (rows, n) each; None for those that are not `wanted`. The keys are
    asked for once to be compared, and again when they are moved as columns.
    """
    with heap.apart(4 * prod(shape)):
        order = (_counted if _few(ranges) else _compared)(party, keys, ranges, shape)
        return [order.moved(column) if number in wanted else None for number, column in enumerate(columns)]


def permute_apart(party: Party, places: Column, columns: Sequence[Column], shape: tuple[int, int]) -> list[Raw]:
    """`shuffle.permute` of columns of a size that `pays`. Raises OrderError."""
    with heap.apart(4 * prod(shape)):
        order = _opened(party, places, shape)
        return [order.moved(column) for column in columns]


def _compared(party: Party, keys: Sequence[Column], ranges: Ranges, shape: tuple[int, int]) -> _Order:
    """The order of keys that are compared; made distinct by their places, they need no payload."""
    rows, n = shape
    packed = party.field.empty((1, *shape))
    put_order(party.field, [key() for key in keys], ranges, packed[0])
    given = iter([Table(party.field, packed, spare=True)])
    del packed
    shuffled, orders = shuffle_alike(party, given)
    party.flush()  # see `sort.sort_with_room`
    heap.trim(shuffled.raw.nbytes)
    less = Keys(party, shuffled.flat(), ranges, n).less
    del shuffled
    sources = sorted_places(Judge(less, batch_worth(party)), rows, n)
    del less
    heap.trim(party.field.nbytes * rows * n)
    return _Order(party, shape, orders, sources)


def _counted(party: Party, keys: Sequence[Column], ranges: Ranges, shape: tuple[int, int]) -> _Order:
    """The order of keys of few values: each item's place is counted."""
    rows = shape[0]

    def places() -> Raw:
        return party.field.reshape(places_of(party, [key() for key in keys], ranges, rows), shape)

    return _opened(party, places, shape)


def _opened(party: Party, places: Column, shape: tuple[int, int]) -> _Order:
    """The order that shared places say: shuffled, they may be opened."""
    field, (rows, n) = party.field, shape
    shuffled, orders = shuffle_alike(party, _given_up(field, places, shape))
    party.flush()
    told = [shuffled.flat()[0]]
    del shuffled
    where = alone(party, lambda r: open_elements(party, r, told.pop(), party.structure.parties))
    assert where is not None
    return _Order(party, shape, orders, sources_of(field, where, rows, n))
