"""Shuffling: columns of shared integers in a uniformly random order that no t parties know.

Laur, Willemson, Zhang (ISC 2011): sets of parties shuffle one after the other, each with an order from its common key,
so that every t parties are outside of one set (`mpc.hops`). Adversary: honest but curious, at most t parties
together, n >= 2t + 1.

The values travel as additive shares of t + 1 holders. A Shamir share times its Lagrange coefficient is one, so the
start is free. Between two hops only the shares of those who leave the set move: n - 1 of C(n, t) hops send one
share each. Before party a hands its share to b, every other holder h adds the common pseudo-random r_ah and a
takes it off. At the end the holders deal their shares (`mpc.deal`) with degree t.

Perfect hiding, given the keys: of the holders after a move, t + 1, one (h) is honest and was one before. (Where
t = 1 and n > 3 both holders change, and hand on under masks that the two have in common; one is honest.) So what an
honest a hands to a curious b is uniform, and independent of all that was there before and of what other moves hand
on: r_ah is drawn for this move alone, and is otherwise only in h's share. Likewise t shares of what an honest holder
deals. So all that t parties receive is uniform and independent of the values and of the order of the hop that they
are outside of, and that order makes the whole uniform, whatever the others are. The shares at the end lie on a
sum of fresh polynomials, one at least of an honest dealer, so opening them tells no more than the values.

Rounds: C(n, t) for n = 2t + 1. Elements, per value of a column and over all parties: one for each hop but the last,
and (t + 1)(n - 1 - t) of the dealing. Rounds and elements per party: 3 and 4/3 for n = 3, 2 and 3/2 for n = 4, 10 and 3
for n = 5, 35 and 6.6 for n = 7, 126 and 16 for n = 9.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from enigmalang.fields import Field, Raw
from enigmalang.mpc.deal import deal_elements
from enigmalang.mpc.dealing import in_pieces
from enigmalang.mpc.hops import Hop, hops
from enigmalang.mpc.opening import open_elements
from enigmalang.mpc.party import PIECE, Finish, Party, alone
from enigmalang.mpc.wide import network
from enigmalang.sharing.orders import uniform_orders
from enigmalang.sharing.secret import join_arith, split_arith
from enigmalang.sharing.shamir import lagrange
from enigmalang.sharing.streams import Stream

#: Pieces of a column under way before one is waited for: each takes a few MB beside the values.
WINDOW = 2
#: Places that NumPy looks at at a time: it counts with numbers of 64 bits, and would make some of all.
BLOCK = 1 << 16

Places = npt.NDArray[np.int32]


class OrderError(Exception):
    """What was said to be a permutation is none."""


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """Shares of columns, `raw` of value shape (columns, rows, n): each row has an order of its own. Who is handed one
    with `spare` memory may overwrite it.
    """

    field: Field
    raw: Raw
    spare: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        columns, rows, n = self.field.shape_of(self.raw)
        return columns, rows, n

    @property
    def size(self) -> int:
        return self.field.size_of(self.raw)

    def flat(self) -> Raw:
        """(columns, rows * n)."""
        columns, rows, n = self.shape
        return self.field.reshape(self.raw, (columns, rows * n))


def shuffle(party: Party, tables: Iterable[Table]) -> list[Table]:
    """Each table with its rows in fresh uniform orders, all columns alike: fresh shares. All in the same rounds.

    A committee of so many sets that they have no keys shuffles through networks (`wide.network`). Tables that nobody
    else holds are given up as they are read: one copy of all values, a column and an order are in memory then.
    """
    with party.counters.phase("shuffles"):
        if not party.held:
            given = list(tables)
            flat = network.shuffle(party, given)
            return [Table(t.field, t.field.reshape(raw, t.shape)) for t, raw in zip(given, flat, strict=True)]
        return _Shuffle(party, tables).run()


def shuffle_alike(party: Party, table: Iterable[Table], orders: tuple[int, ...] = ()) -> tuple[Table, tuple[int, ...]]:
    """As `shuffle` of one table, and by which instructions its orders were drawn. With the `orders` of a table of as
    many rows and items it is shuffled as that was: the orders are the same, all masks are fresh, so what t parties
    receive of both is as uniform as if they had been shuffled together. Not in committees without keys of sets.
    """
    with party.counters.phase("shuffles"):
        going = _Shuffle(party, table, orders)
        (shuffled,) = going.run()
        return shuffled, tuple(going.orders)


def take_into(column: Raw, places: Places, out: Raw) -> None:
    """out[i] = column[places[i]]."""
    for start in range(0, len(places), BLOCK):
        part = slice(start, start + BLOCK)
        np.take(column, places[part], axis=0, out=out[part], mode="clip")  # "raise" would copy


class _Shuffle:
    """One party's part; `mine` is its additive share of all values, flat, while it is a holder."""

    def __init__(self, party: Party, tables: Iterable[Table], orders: tuple[int, ...] = ()) -> None:
        self.party = party
        self.orders = list(orders)  # of the hops
        self.field = party.field
        self.plan = hops(party.structure)
        self.shapes: list[tuple[int, int, int]] = []
        parts = [self._begun(table) for table in tables]
        self.count = sum(prod(shape) for shape in self.shapes)
        self.mine: Raw | None = None
        if party.me in self.plan[0].holders:
            self.mine = parts[0] if len(parts) == 1 else join_arith(self.field, [self.field.empty((0,)), *parts])

    def _begun(self, table: Table) -> Raw:
        """Shamir to additive: f(0) is the sum of the holders' shares times their coefficients."""
        self.shapes.append(table.shape)
        me, field, holders = self.party.me, self.field, self.plan[0].holders
        if me not in holders:
            return field.empty((0,))
        weight, flat = lagrange(field.p, holders, 0)[holders.index(me)], field.flat(table.raw)
        if not table.spare:
            return field.scale(flat, weight)
        for start in range(0, table.size, PIECE):
            flat[start : start + PIECE] = field.scale(flat[start : start + PIECE], weight)
        return flat

    def run(self) -> list[Table]:
        """Shares of the shuffled values."""
        self.orders = self.orders or [self.party.fresh() for _ in self.plan]
        for hop, instruction in zip(self.plan, self.orders, strict=True):
            if self.mine is not None:
                self._permute(hop, self.mine, instruction)
            if hop.moves:
                self._move(hop)
        return _cut(self.field, self._end(self.plan[-1]), self.shapes)

    def _permute(self, hop: Hop, mine: Raw, instruction: int) -> None:
        stream = self._common(hop)
        stream.seek(instruction)
        for table in _cut(self.field, mine, self.shapes):
            _, rows, n = table.shape
            order = uniform_orders(stream, rows, n)
            placed = self.field.empty((rows * n,))
            for column in table.flat():
                take_into(column, order, placed)
                column[...] = placed

    def _common(self, hop: Hop) -> Stream:
        if len(hop.members) == 2 and self.party.n > 3:
            (peer,) = (i for i in hop.members if i != self.party.me)
            return self.party.streams.of_pair(peer)
        return self.party.streams.of_subset(hop.members)

    def _move(self, hop: Hop) -> None:
        """Masks come on and off, then the shares of those who leave go to those who come. One round, in pieces."""
        party, field = self.party, self.field
        mine, masks = self.mine, self._masks(hop)
        receivers = [receiver for sender, receiver in hop.moves if sender == party.me]
        senders = [sender for sender, receiver in hop.moves if receiver == party.me]
        if receivers or senders:
            self.mine = field.empty((self.count,)) if senders else None
        round_ = party.round()

        def piece(part: slice) -> Finish[None]:
            instruction, size = party.fresh(), part.stop - part.start
            if mine is not None:
                self._mask(mine[part], masks, instruction)
                for receiver in receivers:
                    round_.send(receiver, mine[part])
            slots = [(sender, round_.expect(sender, size * field.nbytes)) for sender in senders]

            def finish() -> None:
                for sender, slot in slots:
                    assert self.mine is not None
                    self.mine[part] = party.elements_from(sender, slot(), (size,))

            return finish

        finish = in_pieces(round_, self.count, piece, WINDOW)
        round_.run()
        finish()

    def _masks(self, hop: Hop) -> list[tuple[int, int]]:
        """(peer, party that leaves) of each mask that this party has in common with a peer."""
        if self.mine is None:
            return []
        me = self.party.me
        pairs = [(peer, leaving) for leaving, _ in hop.moves for peer in hop.holders if peer != leaving]
        return [(leaving if peer == me else peer, leaving) for peer, leaving in pairs if me in (peer, leaving)]

    def _mask(self, piece: Raw, masks: list[tuple[int, int]], instruction: int) -> None:
        """In place: what is in common is taken off by the one that leaves, and added by the other."""
        party, field = self.party, self.field
        mask = np.empty_like(piece)
        for peer, leaving in masks:
            _common_mask(party, peer, instruction, leaving, mask)
            piece[...] = field.sub(piece, mask) if leaving == party.me else field.add(piece, mask)

    def _end(self, hop: Hop) -> Raw:
        """Additive to Shamir: every holder deals its share, and all add up what was dealt. One round, in pieces."""
        party, field, mine, round_ = self.party, self.field, self.mine, self.party.round()
        out = field.empty((self.count,)) if mine is None else mine

        def piece(part: slice) -> Finish[None]:
            own = None if mine is None else mine[part]
            dealt = deal_elements(party, round_, hop.holders, own, part.stop - part.start)

            def finish() -> None:
                total, *others = dealt().values()
                for share in others:
                    total = field.add(total, share)
                out[part] = total

            return finish

        finish = in_pieces(round_, self.count, piece, WINDOW)
        round_.run()
        finish()
        return out


def _cut(field: Field, flat: Raw, shapes: Sequence[tuple[int, int, int]]) -> list[Table]:
    """Flat values as tables: views."""
    return [Table(field, raw) for raw in split_arith(field, flat, shapes)]


def _common_mask(party: Party, peer: int, instruction: int, leaving: int, out: Raw) -> None:
    """What a pair of parties draws alike for the share of the one that leaves."""
    stream = party.streams.of_pair(peer)
    stream.seek(instruction, leaving)
    stream.elements(party.field, out)


def permute(party: Party, tables: Iterable[Table]) -> list[Table]:
    """result[c, r, perm[r, i]] = column[c, r, i], where perm is each table's first column; the others are placed.

    Shuffled together, the column of places may be opened: it is a uniform permutation whatever it was. The rounds of
    a shuffle of all columns and one opening. Raises OrderError when the first column is no permutation of 0..n-1.
    """
    shuffled = shuffle(party, tables)
    columns = [Table(t.field, t.raw[1:], spare=True) for t in shuffled]
    return place(party, [Table(t.field, t.raw[0:1]) for t in shuffled], columns)


def place(party: Party, places: Sequence[Table], tables: Sequence[Table]) -> list[Table]:
    """Open one column of places for each table, which must have been shuffled, and put its items there: in their own
    memory where that is spare. One round.
    """
    joined = join_arith(party.field, [table.raw for table in places])
    opened = alone(party, lambda r: open_elements(party, r, joined, party.structure.parties))
    assert opened is not None
    where = _cut(party.field, opened, [table.shape for table in places])
    return [_placed(*both) for both in zip(where, tables, strict=True)]


def _placed(where: Table, table: Table) -> Table:
    field, (columns, rows, n) = table.field, table.shape
    sources = sources_of(field, where.flat()[0], rows, n)
    out, placed = table.raw if table.spare else field.empty(table.shape), field.empty((rows * n,))
    for column, into in zip(table.flat(), field.reshape(out, (columns, rows * n)), strict=True):
        take_into(column, sources, placed)
        into[...] = placed
    return Table(field, out, spare=True)


def sources_of(field: Field, where: Raw, rows: int, n: int) -> Places:
    """For each place of each row, which item is put there: item i of row r goes to place where[r * n + i] of it.

    Raises OrderError where two go to one.
    """
    sources = np.full(rows * n, -1, np.int32)
    for start in range(0, rows * n, BLOCK):
        part = slice(start, min(start + BLOCK, rows * n))
        items = np.arange(part.start, part.stop)
        places = field.to_ints(where[part])
        if places.min() < 0 or places.max() >= n:
            raise OrderError("a permutation that is none")
        sources[places.astype(np.int64) + items // n * n] = items
    if sources.size and sources.min() < 0:
        raise OrderError("a permutation that is none")
    return sources
