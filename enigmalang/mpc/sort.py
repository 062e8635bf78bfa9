"""Sorting shared integers: shuffle, then compare and open the outcomes.

Hamada, Kikuchi, Ikarashi, Chida, Takahashi (ICISC 2012): the outcomes of comparisons on a uniformly shuffled sequence
of *distinct* keys tell the order of the items as they lie now, which is uniform whatever the keys are. So they may be
opened, and sorting costs no more than the comparisons that a sorter in the clear would make. Keys are made distinct
by the original index as the last one, which also keeps equal ones in order (stable).

Adversary: honest but curious, at most t parties together, n >= 2t + 1; perfect hiding, as the shuffle and the
comparisons have. Rounds: those of a shuffle, and for each batch of comparisons those of one comparison and an
opening. A batch is worth some 5,000 comparisons, so short sequences take more of them for fewer rounds: m(m - 1)/2 in
one batch for m up to 181; then, as multiples of log2(m!), 3.4 for m = 200, 3.1 for 1,000, 1.4 for 10,000 and 1.03 for
1,000,000 in about 195 batches, for which large ones are cut (`mpc.segments`). One wanted rank, for each item: the least
7 of 200, 9 of 1,000, 2.2 of 10,000, 1.3 of 60,000; the median 10, 22, 3.8, and 2.3 of 100,000 (all measured in M61,
n = 3). Bytes: those comparisons, and a shuffle of all columns and the index. Keys of few values need no comparison
(`mpc.counting`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod

import numpy as np
import numpy.typing as npt

from enigmalang.fields import Field, Raw, unpack_bits
from enigmalang.mpc import heap
from enigmalang.mpc.bits import and_, xor
from enigmalang.mpc.compare import eqz, ltz
from enigmalang.mpc.counting import FEW_VALUES, sort_few_values
from enigmalang.mpc.opening import reveal_bits
from enigmalang.mpc.party import Party
from enigmalang.mpc.pivots import BATCH, Items, Judge
from enigmalang.mpc.segments import sorted_places
from enigmalang.mpc.shuffle import Table, shuffle, take_into
from enigmalang.mpc.signs import opened_ltz
from enigmalang.sharing import ArithShare, BitShare
from enigmalang.sharing.secret import split_bits

#: Comparisons made at a time, to bound the memory: 1 MB of differences in M61.
PIECE = 1 << 17

Ranges = tuple[tuple[int, int], ...]
Test = Callable[[Party, ArithShare, int | None], BitShare]


def sort(party: Party, table: Table, ranges: Ranges, ranks: Sequence[int] | None = None) -> Table:
    """Each row's columns in ascending order of the first len(ranges) of them, lexicographically and stable.

    `ranges` are the keys' inclusive ranges. With `ranks` only those positions of each row, in that order:
    (columns, rows, len(ranks)). A key outside its range makes the order wrong and may show.
    """
    return sort_with_room(party, [with_room(table)], ranges, ranks)


def with_room(table: Table) -> Table:
    """A copy with one column more, that nobody has written yet."""
    columns, rows, n = table.shape
    raw = table.field.empty((columns + 1, rows, n))
    raw[:columns] = table.raw
    return Table(table.field, raw, spare=True)


def sort_with_room(party: Party, tables: list[Table], ranges: Ranges, ranks: Sequence[int] | None = None) -> Table:
    """`sort` of the one table, which is taken out of the list and overwritten: its last column is none yet, but room
    for what makes keys distinct or counts places. So of k columns k + 1 arrays are held, and what the shuffle takes.
    """
    table = tables.pop()
    columns, rows, n = table.shape[0] - 1, *table.shape[1:]
    if n < 2 or not rows:
        return _ranked(Table(table.field, table.raw[:-1]), ranks)
    if prod(high - low + 1 for low, high in ranges) <= FEW_VALUES:
        tables.append(table)
        del table  # its memory is wanted for the shuffle
        return _ranked(sort_few_values(party, tables, ranges), ranks)
    put_order(table.field, list(table.raw[: len(ranges)]), ranges, table.raw[-1])
    given = iter([table])
    del table
    heap.trim(8 * rows * n)
    (shuffled,) = shuffle(party, given)
    party.flush()  # what a slower peer has not read yet would leave a hole later, of up to the table's size
    heap.trim(shuffled.raw.nbytes)
    keys = Keys(party, shuffled.flat(), ranges, n)
    wanted = None if ranks is None else np.array(sorted(set(ranks)), np.int32)
    order = sorted_places(Judge(keys.less, batch_worth(party)), rows, n, wanted)
    heap.trim(shuffled.raw.nbytes)
    return _taken(Table(shuffled.field, shuffled.raw[:columns], spare=True), order, ranks)


def batch_worth(party: Party) -> int:
    """How many more comparisons cost what one batch more does: fewer in a larger field. In larger committees both
    cost more, in much the same proportion (measured for 3, 5 and 7 parties on two cores).
    """
    return BATCH * 61 // party.field.q


def put_order(field: Field, keys: Sequence[Raw], ranges: Ranges, out: Raw) -> None:
    """Into `out`, (rows, n), what makes keys distinct: keys and index packed into one element, or the index alone."""
    rows, n = field.shape_of(out)
    packed, step = packing(field.p, ranges, n), max(1, PIECE // rows)
    for start in range(0, n, step):
        part = slice(start, min(start + step, n))
        key = field.broadcast(_index(field, part), (rows, part.stop - start))
        if len(packed) == 1:
            for column, weight in zip(keys, packed[0][0], strict=False):
                key = field.add(key, field.scale(column[:, part], weight))
        out[:, part] = key


def _index(field: Field, part: slice) -> Raw:
    return field.from_ints(np.arange(part.start, part.stop))


def _ranked(table: Table, ranks: Sequence[int] | None) -> Table:
    """The items of the ranks, or all of them: each row is sorted."""
    _, rows, n = table.shape
    return table if ranks is None else _taken(table, np.arange(rows * n, dtype=np.int32), ranks)


def _taken(table: Table, order: Items, ranks: Sequence[int] | None) -> Table:
    """The items in this order, row by row, then those of the ranks. All of several columns in their own memory, where
    that is spare.
    """
    field, (columns, rows, n) = table.field, table.shape
    if ranks is not None:
        order = order.reshape(rows, n)[:, np.array(ranks, np.int64)].reshape(-1)
    elif table.spare and columns > 1:
        placed = field.empty((rows * n,))
        for column in table.flat():
            take_into(column, order, placed)
            column[...] = placed
        return table
    raw = field.empty((columns, len(order)))
    for column, placed in zip(table.flat(), raw, strict=True):
        take_into(column, order, placed)
    return Table(field, field.reshape(raw, (columns, rows, n if ranks is None else len(ranks))))


@lru_cache(maxsize=256)
def packing(p: int, ranges: Ranges, n: int) -> tuple[tuple[tuple[int, ...], int], ...]:
    """How the keys and the index, below n, are packed into few elements, the most significant first: the weights of
    all columns, and the bits b with |difference of two| < 2^b. The differences lie in (-p/2, p/2).
    """
    widths = [*(high - low + 1 for low, high in ranges), n]
    packed, weights, width = [], [0] * len(widths), 1
    for i in reversed(range(len(widths))):
        if width * widths[i] - 1 > p // 2:
            packed.append((tuple(weights), max(1, (width - 1).bit_length())))
            weights, width = [0] * len(widths), 1
        weights[i] = width
        width *= widths[i]
    packed.append((tuple(weights), max(1, (width - 1).bit_length())))
    return tuple(reversed(packed))


class Keys:
    """Shuffled distinct keys that are compared; the outcomes become public."""

    def __init__(self, party: Party, columns: Raw, ranges: Ranges, n: int) -> None:
        """`columns`: of a table whose last one is what `put_order` put there, flat."""
        packed = packing(party.field.p, ranges, n)
        self.party = party
        self.bits = [bits for _, bits in packed]
        if len(packed) == 1:
            self.elements = columns[-1:]
        else:
            columns = np.concatenate([columns[: len(ranges)], columns[-1:]])
            self.elements = party.field.combine([weights for weights, _ in packed], columns)

    def less(self, left: Items, right: Items) -> npt.NDArray[np.bool_]:
        """Whether each item on the left is less than the one on the right."""
        out = np.empty(len(left), np.bool_)
        for start in range(0, len(left), PIECE):
            part = slice(start, start + PIECE)
            out[part] = self._compare(left[part], right[part])
        return out

    def _compare(self, left: Items, right: Items) -> npt.NDArray[np.bool_]:
        """Lexicographic: less in one element, or equal there and less in the following."""
        field = self.party.field
        differences = [field.sub(np.take(row, left, axis=0), np.take(row, right, axis=0)) for row in self.elements]
        if len(differences) == 1:
            return opened_ltz(self.party, ArithShare(field, differences[0]), self.bits[0])
        less = self._each(ltz, differences)
        equal = self._each(eqz, differences[:-1])
        result = less.pop()
        while less:
            result = xor(less.pop(), and_(self.party, equal.pop(), result))
        return unpack_bits(reveal_bits(self.party, result), result.size).astype(np.bool_)

    def _each(self, test: Test, values: list[Raw]) -> list[BitShare]:
        """A test of several arrays: many values each at the width they need, few together in the same rounds."""
        field, count = self.party.field, self.party.field.size_of(values[0])
        if count > batch_worth(self.party):
            return [test(self.party, ArithShare(field, x), bits) for x, bits in zip(values, self.bits, strict=False)]
        joined = test(self.party, ArithShare(field, np.concatenate(values)), max(self.bits))
        return split_bits(joined, [(count,)] * len(values))
