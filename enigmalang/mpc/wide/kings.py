"""Products of many parties: double sharings made in bulk, and one party that opens the masked product.

Damgard, Nielsen (CRYPTO 2007). Adversary: honest but curious, at most t parties together, n >= 2t + 1. Over F_p and
over GF(2^k) alike (`sharing.spaces`).

The 2t + 1 dealers each share a random number s_i with degree t and again with degree 2t. A Vandermonde matrix of t + 1
rows makes t + 1 numbers of them: whoever the t curious ones are, it is invertible on the other t + 1 columns, so these
are uniform. A product z, of degree 2t, plus such an r is opened to a king, who shares z + r with degree t; minus [r]
of degree t that is the product. z + r is uniform. Kings take turns over the vector, so the load is even.

Two rounds, and no preparation: degree 2t on 2t + 1 points leaves all shares but the dealer's own free, so they are
pseudo-random and cost nothing; the shares of degree t travel with the first round. The king's sharing is 0 at t
parties. A product costs, in units over all parties, (2t + 1)(n - 1)/n to the kings, n - 1 - t from them, and
(2t + 1)(n - 2 - t)/(t + 1) for the double sharing: per party 1.9, 2.0, 2.2, 2.2 for n = 9, 11, 15, 21, where the
one-round dealing costs 4, 5, 7, 10.

The rounds that protocols state are those of products and ANDs that are dealt, one each. Where they are so many that
kings pay, these rounds count twice: R rounds become 2R - D, for D of them without a product: 1 in a comparison or a
conversion, 2 in a shift, 4 in a division by a constant. In M61 with t = 5: a comparison takes 21 rounds for 11, one of
31 bits 19 for 10, `b2a` 7 for 4, a shift by 31 bits 26 for 14, a division by 10 38 for 21.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from enigmalang.fields import Raw
from enigmalang.sharing.spaces import Space, Table
from enigmalang.sharing.structure import Structure
from enigmalang.transport.network import PeerError

if TYPE_CHECKING:
    from enigmalang.mpc.party import Party, Round

#: One more round is worth so many bytes of a party: a message's delay at some hundred megabytes a second.
ROUND_BYTES = 1 << 16
#: Purposes of the draws of degree 2t, apart from those of degree t (the dealer's number).
_DOUBLE = 1 << 8


def kings_pay(shape: Structure, nbytes: int) -> bool:
    """Whether a wide committee's products, `nbytes` of them, should go through kings: what they save of a party's
    traffic is more than a round.
    """
    if not shape.wide:
        return False
    n, t, dealers = shape.n, shape.t, 2 * shape.t + 1
    spoken = n - 1 - t
    saved = dealers * spoken - (dealers * (n - 1) / n + spoken + dealers * (spoken - 1) / (t + 1))
    return saved * nbytes > n * ROUND_BYTES


# ------------------------------------------------------------ random numbers in bulk


@lru_cache(maxsize=256)
def _random_dealing(space: Space, shape: Structure, dealer: int) -> tuple[tuple[int, ...], Table]:
    """Who gets a message of a random polynomial of degree t, and the table from the t + 1 pseudo-random shares to: the
    value, the shares of those, the dealer's own.
    """
    drawn = shape.after(dealer, shape.t + 1)
    spoken = tuple(j for j in shape.parties if j != dealer and j not in drawn)
    return spoken, tuple(space.lagrange(drawn, point) for point in (0, *spoken, dealer))


@lru_cache(maxsize=64)
def _extraction(space: Space, shape: Structure) -> Table:
    """t + 1 rows of a Vandermonde matrix over the dealers: any t + 1 columns are invertible."""
    return tuple(tuple(space.power(i, k) for i in shape.dealers) for k in range(shape.t + 1))


def random_numbers(
    party: Party, round_: Round, space: Space, size: int, double: bool
) -> tuple[Raw | None, Callable[[], Raw]]:
    """Shares of degree 2t, when `double` and this party is a dealer, and a finisher with those of degree t: of one
    vector of `size` uniform units that no t parties know.

    One round; (2t + 1)(n - 2 - t)/(t + 1) units a unit, over all parties.
    """
    shape, batch = party.structure, -(-size // (party.t + 1))
    instruction = party.fresh()
    ready: dict[int, Raw] = {}
    slots = {}
    value = None
    for dealer in shape.dealers:
        if dealer == party.me:
            value, ready[dealer] = _deal_random(party, round_, space, instruction, batch)
        elif party.me in shape.after(dealer, party.t + 1):
            ready[dealer] = _draw(party, space, dealer, instruction, dealer, batch)
        else:
            slots[dealer] = round_.expect(dealer, batch * space.unit)
    doubled = None
    if double and value is not None:
        doubled = _extract(space, shape, _doubles(party, space, instruction, value), size)

    def finish() -> Raw:
        got = {dealer: read(party, space, dealer, slot(), batch) for dealer, slot in slots.items()}
        rows = ready | got
        return _extract(space, shape, [rows[dealer] for dealer in shape.dealers], size)

    return doubled, finish


def _extract(space: Space, shape: Structure, rows: list[Raw], size: int) -> Raw:
    return space.part(space.joined(list(space.combine(_extraction(space, shape), np.stack(rows)))), 0, size)


def _deal_random(party: Party, round_: Round, space: Space, instruction: int, size: int) -> tuple[Raw, Raw]:
    """Deal uniform numbers: (the numbers, the dealer's own shares)."""
    spoken, table = _random_dealing(space, party.structure, party.me)
    rows = space.empty(party.t + 1, size)
    for row, peer in zip(rows, party.structure.after(party.me, party.t + 1), strict=True):
        _fill(party, space, peer, instruction, party.me, row)
    value, *shares, own = space.combine(table, rows)
    for peer, share in zip(spoken, shares, strict=True):
        round_.send(peer, share)
    return value, own


def _doubles(party: Party, space: Space, instruction: int, value: Raw) -> list[Raw]:
    """A dealer's shares of degree 2t of all dealers' numbers: the others' are drawn, its own follow from its number."""
    size, others = space.size_of(value), tuple(i for i in party.structure.dealers if i != party.me)
    rows = space.empty(2 * party.t + 1, size)
    rows[0] = value
    for row, peer in zip(rows[1:], others, strict=True):
        _fill(party, space, peer, instruction, _DOUBLE | party.me, row)
    own = space.combine((space.lagrange((0, *others), party.me),), rows)[0]
    return [
        own if i == party.me else _draw(party, space, i, instruction, _DOUBLE | i, size)
        for i in party.structure.dealers
    ]


def _draw(party: Party, space: Space, peer: int, instruction: int, purpose: int, size: int) -> Raw:
    out: Raw = space.empty(1, size)[0]
    _fill(party, space, peer, instruction, purpose, out)
    return out


def _fill(party: Party, space: Space, peer: int, instruction: int, purpose: int, out: Raw) -> None:
    stream = party.streams.of_pair(peer)
    stream.seek(instruction, purpose)
    space.draw(stream, out)


def read(party: Party, space: Space, peer: int, data: memoryview, size: int) -> Raw:
    """A peer's vector. Raises PeerError when a number is not reduced."""
    try:
        return space.read(data, size)
    except ValueError as fault:
        raise PeerError(peer, str(fault)) from fault


# ------------------------------------------------------------ products


def reshare_by_kings(party: Party, round_: Round, space: Space, local: Raw) -> Callable[[], Raw]:
    """Local products (a vector of shares of degree 2t) to fresh shares of degree t.

    Two rounds: `round_`, and one of its own in the finisher.
    """
    shape, size = party.structure, space.size_of(local)
    bounds = _bounds(size, shape.n)
    doubled, random = random_numbers(party, round_, space, size, True)
    masked = None if doubled is None else space.add(local, doubled)
    own = None
    for king, start, stop in _reigns(bounds):
        if masked is not None:
            piece = space.part(masked, start, stop)
            if king == party.me:
                own = piece
            else:
                round_.send(king, piece)
    start, stop = bounds[party.me - 1], bounds[party.me]
    slots = {}
    if start < stop:
        slots = {i: round_.expect(i, (stop - start) * space.unit) for i in shape.dealers if i != party.me}

    def finish() -> Raw:
        ready = {} if own is None else {party.me: own}
        rows = ready | {i: read(party, space, i, slot(), stop - start) for i, slot in slots.items()}
        opened = None
        if slots:
            line = space.lagrange(shape.dealers, 0)
            opened = space.combine((line,), np.stack([rows[i] for i in shape.dealers]))
        return space.sub(_proclaimed(party, space, bounds, opened), random())

    return finish


def _bounds(size: int, n: int) -> list[int]:
    """King i's part is bounds[i - 1] to bounds[i]."""
    return [size * i // n for i in range(n + 1)]


def _reigns(bounds: list[int]) -> list[tuple[int, int, int]]:
    """(king, start, stop) of the parts that are not empty."""
    return [(i, a, b) for i, (a, b) in enumerate(pairwise(bounds), 1) if a < b]


def _proclaimed(party: Party, space: Space, bounds: list[int], opened: Raw | None) -> Raw:
    """Kings share what they opened, one row (1, size): shares of the whole vector. One round."""
    shape, round_ = party.structure, party.round()
    parts: dict[int, Raw] = {}
    slots = {}
    for king, start, stop in _reigns(bounds):
        silent = shape.after(king, party.t)
        if king == party.me:
            parts[king] = _proclaim(party, round_, space, opened)
        elif party.me in silent:
            parts[king] = space.empty(1, stop - start)[0]
            parts[king][...] = 0
        else:
            slots[king] = round_.expect(king, (stop - start) * space.unit), stop - start
    round_.run()
    parts |= {king: read(party, space, king, slot(), count) for king, (slot, count) in slots.items()}
    return space.joined([parts[king] for king, _, _ in _reigns(bounds)])


def _proclaim(party: Party, round_: Round, space: Space, opened: Raw | None) -> Raw:
    """Share masked values, (1, size), which are no secret, by polynomials that are 0 at t parties; one's own shares."""
    if opened is None:
        raise AssertionError("a king has what it opened")
    silent = party.structure.after(party.me, party.t)
    spoken = [j for j in party.structure.parties if j != party.me and j not in silent]
    table = tuple((space.lagrange((0, *silent), j)[0],) for j in (*spoken, party.me))
    shares = space.combine(table, opened)
    for peer, share in zip(spoken, shares, strict=False):
        round_.send(peer, share)
    own: Raw = shares[-1]
    return own


# ------------------------------------------------------------ zero


def product_zero(party: Party, space: Space, size: int) -> Raw:
    """A share of zero of degree 2t at a dealer, to open a local product at once; zeros at the others. Local.

    On 2t + 1 points the polynomials of degree 2t that vanish at 0 are the vectors whose sum, weighted by Lagrange
    factors, is 0: each pair draws a number that one adds and the other subtracts, divided by its factor. To t parties
    it is uniform among those with the values they hold: the pairs of the t + 1 others make their sum's parts uniform.
    """
    shape, instruction = party.structure, party.fresh()
    total: Raw = space.empty(1, size)[0]
    total[...] = 0
    if party.me not in shape.dealers:
        return total
    for peer in shape.dealers:
        if peer != party.me:
            drawn = _draw(party, space, peer, instruction, 0, size)
            total = space.add(total, drawn) if party.me < peer else space.sub(total, drawn)
    weight = space.lagrange(shape.dealers, 0)[party.me - 1]
    out: Raw = space.combine(((space.inverse(weight),),), total[None])[0]
    return out
