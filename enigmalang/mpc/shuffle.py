"""Shuffling: columns of shared integers in a uniformly random order that no t parties know.

Laur, Willemson, Zhang (ISC 2011): sets of parties shuffle one after the other, each with an order from its common key,
so that every t parties are outside of one set (`mpc.hops`). Adversary: honest but curious, at most t parties
together, n >= 2t + 1.

The values travel as additive shares of t + 1 holders. A Shamir share times its Lagrange coefficient is one, so the
start is free. Between two hops only the shares of those who leave the set move: n - 1 of C(n, t) hops send one
share each. Before party a hands its share to b, every other holder h adds the common pseudo-random r_ah and a
takes it off. At the end the holders deal their shares (`mpc.deal`) with degree t.

Perfect hiding, given the keys: of the holders after a move, t + 1, one (h) is honest and was one before. So what an
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

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from enigmalang.fields import Field, Raw
from enigmalang.mpc.deal import deal_elements
from enigmalang.mpc.hops import Hop, hops
from enigmalang.mpc.opening import open_elements
from enigmalang.mpc.party import Party, alone
from enigmalang.mpc.wide import network
from enigmalang.sharing.orders import uniform_orders
from enigmalang.sharing.shamir import lagrange
from enigmalang.sharing.streams import Stream


class OrderError(Exception):
    """What was said to be a permutation is none."""


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """Shares of columns, `raw` of value shape (columns, rows, n): each row has an order of its own."""

    field: Field
    raw: Raw

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


def shuffle(party: Party, tables: Sequence[Table]) -> list[Table]:
    """Each table with its rows in fresh uniform orders, all columns alike: fresh shares. All in the same rounds.

    A committee of so many sets that they have no keys shuffles through networks (`wide.network`).
    """
    with party.counters.phase("shuffles"):
        if not party.held:
            flat = network.shuffle(party, list(tables))
            return [Table(t.field, t.field.reshape(raw, t.shape)) for t, raw in zip(tables, flat, strict=True)]
        return _split(_Shuffle(party, tables).run(), tables)


def _split(flat: Raw, tables: Sequence[Table]) -> list[Table]:
    out, start = [], 0
    for table in tables:
        field = table.field
        out.append(Table(field, field.reshape(flat[start : start + table.size], table.shape)))
        start += table.size
    return out


class _Shuffle:
    """One party's part; `mine` is its additive share of all values while it is a holder."""

    def __init__(self, party: Party, tables: Sequence[Table]) -> None:
        self.party = party
        self.tables = tables
        self.field = party.field
        self.count = sum(table.size for table in tables)
        self.mine: Raw | None = None

    def run(self) -> Raw:
        """Shares of the shuffled values, flat."""
        plan = hops(self.party.structure)
        self._begin(plan[0])
        for hop in plan:
            instruction = self.party.fresh()
            if self.mine is not None:
                self._permute(hop, self.mine, instruction)
            if hop.moves:
                self._move(hop)
        return self._end(plan[-1])

    def _begin(self, hop: Hop) -> None:
        """Shamir to additive: f(0) is the sum of the holders' shares times their coefficients."""
        me, field = self.party.me, self.field
        if me not in hop.holders:
            return
        weight = lagrange(field.p, hop.holders, 0)[hop.holders.index(me)]
        self.mine = field.empty((self.count,))
        start = 0
        for table in self.tables:
            stop = start + table.size
            self.mine[start:stop] = field.combine([[weight]], field.flat(table.raw)[None])[0]
            start = stop

    def _permute(self, hop: Hop, mine: Raw, instruction: int) -> None:
        stream = self._common(hop)
        stream.seek(instruction)
        out = np.empty_like(mine)
        for before, after in zip(_split(mine, self.tables), _split(out, self.tables), strict=True):
            _, rows, n = before.shape
            order = uniform_orders(stream, rows, n)
            for column, placed in zip(before.flat(), after.flat(), strict=True):
                np.take(column, order, axis=0, out=placed, mode="clip")  # "raise" would take twice the time
        self.mine = out

    def _common(self, hop: Hop) -> Stream:
        if len(hop.members) == 2 and self.party.n > 3:
            (peer,) = (i for i in hop.members if i != self.party.me)
            return self.party.streams.of_pair(peer)
        return self.party.streams.of_subset(hop.members)

    def _move(self, hop: Hop) -> None:
        """Masks come on and off, then the shares of those who leave go to those who come. One round."""
        party, field, instruction = self.party, self.field, self.party.fresh()
        if self.mine is not None:
            self._mask(hop, self.mine, instruction)
        round_ = party.round()
        slot = peer = None
        for sender, receiver in hop.moves:
            if sender == party.me:
                assert self.mine is not None
                round_.send(receiver, self.mine)
                self.mine = None
            elif receiver == party.me:
                peer, slot = sender, round_.expect(sender, self.count * field.nbytes)
        round_.run()
        if slot is not None and peer is not None:
            self.mine = party.elements_from(peer, slot(), (self.count,))

    def _mask(self, hop: Hop, mine: Raw, instruction: int) -> None:
        party, field = self.party, self.field
        mask = field.empty((self.count,))
        for leaving, _ in hop.moves:
            for peer in hop.holders:
                if leaving == peer or party.me not in (leaving, peer):
                    continue
                _common_mask(party, peer if leaving == party.me else leaving, instruction, leaving, mask)
                mine = field.sub(mine, mask) if leaving == party.me else field.add(mine, mask)
        self.mine = mine

    def _end(self, hop: Hop) -> Raw:
        """Additive to Shamir: every holder deals its share. One round."""
        dealt = alone(self.party, lambda r: deal_elements(self.party, r, hop.holders, self.mine, self.count))
        total, *others = dealt.values()
        for share in others:
            total = self.field.add(total, share)
        return total


def _common_mask(party: Party, peer: int, instruction: int, leaving: int, out: Raw) -> None:
    """What a pair of parties draws alike for the share of the one that leaves."""
    stream = party.streams.of_pair(peer)
    stream.seek(instruction, leaving)
    stream.elements(party.field, out)


def permute(party: Party, tables: Sequence[Table]) -> list[Table]:
    """result[c, r, perm[r, i]] = column[c, r, i], where perm is each table's first column; the others are placed.

    Shuffled together, the column of places may be opened: it is a uniform permutation whatever it was. The rounds of
    a shuffle of all columns and one opening. Raises OrderError when the first column is no permutation of 0..n-1.
    """
    shuffled = shuffle(party, tables)
    return place(party, [Table(t.field, t.raw[0:1]) for t in shuffled], [Table(t.field, t.raw[1:]) for t in shuffled])


def place(party: Party, places: Sequence[Table], tables: Sequence[Table]) -> list[Table]:
    """Open one column of places for each table, which must have been shuffled, and put its items there. One round."""
    joined = np.concatenate([party.field.flat(table.raw) for table in places])
    opened = alone(party, lambda r: open_elements(party, r, joined, party.structure.parties))
    assert opened is not None
    out = []
    for where, table in zip(_split(opened, places), tables, strict=True):
        out.append(_placed(where, table))
    return out


def _placed(where: Table, table: Table) -> Table:
    field, (columns, rows, n) = table.field, table.shape
    order = field.to_ints(where.raw).reshape(rows, n).astype(np.int64)
    target = (order + np.arange(rows)[:, None] * n).reshape(-1)
    seen = np.zeros(rows * n, np.bool_)
    if order.size and order.min() >= 0 and order.max() < n:
        seen[target] = True
    if not seen.all():
        raise OrderError("a permutation that is none")
    out = field.empty((columns, rows * n))
    out[:, target] = table.flat()
    return Table(field, field.reshape(out, table.shape))
