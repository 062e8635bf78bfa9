"""A shared integer as the sum of t + 1 masked addends whose bits are shared: the start of every comparison.

For shared d modulo p = 2^q - 1: r = sum of r_A uniform (no messages), c = d + r opened to the set `last` alone.
Group the r_A by the smallest member of A: with U_i = -(sum of group i) for i = 1..t, known to party i, and
U_last = c - r_last, known to all of `last`, d = U_1 + ... + U_t + U_last modulo p. Party i shares U_i's bits in the
round that opens c; the bits of U_last are shared already, for nothing.

The representatives are U_i in [0, p - 1] and U_last in [1, p]. So the sum as an integer is never 0, and not all
addends are p: carry-save steps keep both facts, which makes the tests below exact, without exceptions.

Adversary: honest but curious, at most t together. c is uniform whatever d is (perfect hiding).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from enigmalang.fields import Field, Raw, bit_planes, words_for
from enigmalang.mpc.deal import and_planes, deal_elements, deal_planes
from enigmalang.mpc.opening import open_elements
from enigmalang.mpc.party import Party, Round, alone
from enigmalang.mpc.pipeline import Rounds, in_round, ranges
from enigmalang.mpc.wide.addends import deal_addends
from enigmalang.sharing.pseudorandom import random_pieces, share_of_pieces
from enigmalang.sharing.shamir import subset_value

PIECE_BYTES = 1 << 21  # bytes of one party's planes in a piece; `pipeline.DEPTH` pieces are under way at a time


@dataclass(frozen=True, slots=True)
class Window:
    """The bit positions that a protocol looks at: -`tops`, …, -1, which are q - tops, …, q - 1, and 0, …, `low` - 1.

    Addition modulo p is cyclic in bits (2^q = 1), so they are neighbours. A carry-save step uses up the first row.
    """

    tops: int
    low: int

    @property
    def count(self) -> int:
        return self.tops + self.low

    def planes(self, field: Field, raw: Raw) -> Raw:
        """The rows of elements (N,) at these positions: (count, words)."""
        first = -self.tops % field.q
        if self.count <= field.q:
            return bit_planes(field, raw, first, self.count)
        return bit_planes(field, raw)[(first + np.arange(self.count)) % field.q]


@dataclass(slots=True, repr=False)
class Addends:
    """d = the sum of t + 1 addends modulo p. `planes[i]` (pieces, rows, words) shares addend i's bits.

    `parts[i]` shares, as integers, the public function of addend i that was asked for.
    """

    lanes: int
    planes: list[Raw]
    parts: list[Raw]


def lane_ranges(party: Party, lanes: int, rows: int | None = None, numbers: int = 0) -> list[slice]:
    """Pieces that keep a party's working memory modest: it holds a few times `rows` (q) planes and as many times
    `numbers` elements for each.
    """
    bits = party.pieces * (rows or party.field.q) + 64 * party.field.limbs * numbers
    return ranges(lanes, PIECE_BYTES * 8 // bits)


Part = Callable[[Raw, bool], Raw]  # addends (lanes,), whether they are the last, to elements (any number * lanes,)


def split_masked(party: Party, d: Raw, window: Window | None = None, part: Part | None = None) -> Rounds[Addends]:
    """The addends of d (flat shares) at the window's positions (all q if None), and shares of `part` of each.

    One round. Bytes for n = 3: an element by each of two parties; q or `window.count` bits, and the parts, by one.
    """
    field, shape, lanes = party.field, party.structure, party.field.size_of(d)
    window = window or Window(0, field.q)
    if shape.wide:
        planes_of = partial(window.planes, field)
        return Addends(lanes, *(yield from deal_addends(party, d, window.count, planes_of, part)))
    pieces = random_pieces(party.streams, field, shape, party.me, party.fresh(), lanes)
    masked = field.add(d, share_of_pieces(field, shape, party.me, pieces))
    del d  # it may be nobody else's, and what follows takes much memory
    own, rest = _own_addend(party, pieces), _last_piece(party, pieces)
    del pieces
    mine = None if own is None else window.planes(field, own)

    round_ = party.round()
    opened = open_elements(party, round_, masked, shape.last)
    dealt = None
    if window.count:
        dealt = deal_planes(party, round_, shape.parties[: party.t], mine, (window.count, words_for(lanes)))
    parts = None if part is None else _deal_parts(party, round_, part, own, lanes)
    del masked, own, mine
    yield round_

    c = opened()
    last = None if c is None or rest is None else _last_addend(field, c, rest)
    del c, rest
    planes = [] if dealt is None else [*dealt(), _known_planes(party, last, lanes, window)]
    return Addends(lanes, planes, [] if parts is None else parts(last))


def random_addends(party: Party, lanes: int) -> tuple[Raw, Addends]:
    """Shares of uniform elements, and the addends of these themselves: nothing is opened. One round."""
    field, shape = party.field, party.structure
    pieces = random_pieces(party.streams, field, shape, party.me, party.fresh(), lanes)
    every = Window(0, field.q)
    own, last = _own_addend(party, pieces), None
    if party.me in shape.last:
        last = _last_addend(field, field.zeros((lanes,)), pieces[party.held.index(shape.last)])
    mine = None if own is None else every.planes(field, own)
    dealers = shape.parties[: party.t]
    dealt = alone(party, lambda r: deal_planes(party, r, dealers, mine, (field.q, words_for(lanes))))
    planes = [*dealt, _known_planes(party, last, lanes, every)]
    # These are addends of -r: of c - r with c = 0.
    return field.neg(share_of_pieces(field, shape, party.me, pieces)), Addends(lanes, planes, [])


def _deal_parts(
    party: Party, round_: Round, part: Part, own: Raw | None, lanes: int
) -> Callable[[Raw | None], list[Raw]]:
    count = lanes * party.field.size_of(part(party.field.zeros((1,)), False))
    dealt = deal_known(party, round_, None if own is None else part(own, False), count)
    return lambda last: dealt(None if last is None else part(last, True))


def _own_addend(party: Party, pieces: Raw) -> Raw | None:
    if party.me > party.t:
        return None
    group = [i for i, subset in enumerate(party.held) if subset[0] == party.me]  # one after the other
    own: Raw = party.field.combine([[-1] * len(group)], pieces[group[0] : group[-1] + 1])[0]
    return own


def _last_piece(party: Party, pieces: Raw) -> Raw | None:
    """What a member of the set `last` still needs of the pieces."""
    if party.me not in party.structure.last:
        return None
    piece: Raw = pieces[party.held.index(party.structure.last)]
    return piece.copy()


def _last_addend(field: Field, c: Raw, piece: Raw) -> Raw:
    last = field.sub(c, piece)
    words = last.reshape(-1, field.limbs)
    zero = ~words.any(axis=1)
    words[zero] = np.frombuffer(field.p.to_bytes(field.nbytes, "little"), np.uint64)
    return last


def _known_planes(party: Party, value: Raw | None, lanes: int, window: Window) -> Raw:
    """Shares of the bits of a value that all of the set `last` know: its piece, the others are 0."""
    planes = np.zeros((party.pieces, window.count, words_for(lanes)), np.uint64)
    if value is not None:
        planes[party.held.index(party.structure.last)] = window.planes(party.field, value)
    return planes


def deal_known(party: Party, round_: Round, mine: Raw | None, count: int) -> Callable[[Raw | None], list[Raw]]:
    """Shares of t + 1 arrays of `count` elements: one known to each of the parties 1..t, who deal them, one known
    to all of `last`, given to the finisher, whose shares are multiples of f_last.
    """
    field, dealers = party.field, party.structure.parties[: party.t]
    dealt = deal_elements(party, round_, dealers, mine, count)

    def finish(last: Raw | None) -> list[Raw]:
        if last is None:
            free = field.zeros((count,))
        else:
            free = field.scale(last, subset_value(field.p, party.n, party.structure.last, party.me))
        shares = dealt()
        return [*(shares[i] for i in dealers), free]

    return finish


@dataclass(slots=True, repr=False)
class Sum:
    """S + C = the sum of the addends modulo p, with S, C (pieces, rows, words) bits of integers in [0, p].

    `majorities` are the carries of the carry-save steps, with the number of rounds before each: row r of one is the
    carry out of position r + that number of the first window.
    """

    lanes: int
    s: Raw
    c: Raw
    majorities: list[tuple[int, Raw]]

    def take(self) -> list[Raw]:
        """S and C, which are not kept here: for who lets go of them while the carries are on their way."""
        taken = [self.s, self.c]
        self.s = self.c = np.empty((0, 0, 0), np.uint64)
        return taken

    def carries_out(self, row: int) -> list[Raw]:
        """Of every step, out of this row of the first window: (pieces, words) each."""
        return [majority[:, row - before] for before, majority in self.majorities]


@lru_cache(maxsize=64)
def save_rounds(t: int) -> int:
    """Rounds from t + 1 addends to two, three to two at a time (Wallace 1964): t - 1 for t <= 4, then 3 for t = 5,
    5 for t = 10, 6 for t = 15. Where the protocols state rounds, t is for this number and 1.
    """
    count, rounds = t + 1, 0
    while count > 2:
        count, rounds = count - count // 3, rounds + 1
    return rounds


def carry_save(party: Party, addends: Addends) -> Rounds[Sum]:
    """t + 1 addends, of all positions, to two; the carry out of bit q - 1 re-enters. `save_rounds`; (t - 1) q ANDs."""
    return _save(party, addends, slice(None), lambda planes: planes, lambda majority: np.roll(majority, 1, axis=1))


def carry_save_window(party: Party, addends: Addends) -> Rounds[Sum]:
    """As `carry_save`, of a window's positions. A step needs the row before, so a round gives one row less."""
    return _save(party, addends, slice(-1), lambda planes: planes[:, 1:], lambda majority: majority)


def _save(
    party: Party, addends: Addends, used: slice, cut: Callable[[Raw], Raw], shift: Callable[[Raw], Raw]
) -> Rounds[Sum]:
    """Rounds of steps on triples: ANDs of the rows `used`, majorities to carries by `shift`, other planes `cut`."""
    planes, rounds = addends.planes, 0
    majorities: list[tuple[int, Raw]] = []
    while len(planes) > 2:
        whole = len(planes) // 3 * 3
        triples = [planes[i : i + 3] for i in range(0, whole, 3)]
        found = yield from _majorities(party, [[p[:, used] for p in triple] for triple in triples], addends.lanes)
        kept = [cut(p) for p in planes[whole:]]
        for (a, b, c), majority in zip(triples, found, strict=True):
            kept += [cut(a ^ b ^ c), shift(majority)]
            majorities.append((rounds, majority))
        planes, rounds = kept, rounds + 1
    s, c = planes
    return Sum(addends.lanes, np.ascontiguousarray(s), np.ascontiguousarray(c), majorities)


def _majorities(party: Party, triples: list[list[Raw]], lanes: int) -> Rounds[list[Raw]]:
    """(a ^ u)(b ^ u) ^ u of each triple, in one round."""
    lefts, rights = ([triple[i] ^ triple[2] for triple in triples] for i in (0, 1))
    if len(triples) == 1:
        found = [(yield from _and(party, lefts[0], rights[0], lanes))]
    else:
        joined = yield from _and(party, np.concatenate(lefts, axis=1), np.concatenate(rights, axis=1), lanes)
        found = np.split(joined, len(triples), axis=1)
    for majority, triple in zip(found, triples, strict=True):
        majority ^= triple[2]
    return found


def _and(party: Party, x: Raw, y: Raw, lanes: int) -> Rounds[Raw]:
    return in_round(party, lambda r: and_planes(party, r, x, None, y, None, lanes))
