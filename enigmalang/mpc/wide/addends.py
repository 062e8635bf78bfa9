"""Numbers as sums of t + 1 addends, each known to one party, who shares it: the start of comparisons and conversions.

Adversary: honest but curious, at most t parties together, n >= 2t + 1. Shares of degree t at t + 1 points, times their
Lagrange factors, are an additive sharing already, over F_p and over GF(2): nothing is masked or opened, each of these
parties deals what it has. One round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from enigmalang.fields import Raw, words_for
from enigmalang.mpc.deal import deal_elements
from enigmalang.mpc.wide.words import deal_planes
from enigmalang.sharing.shamir import lagrange

if TYPE_CHECKING:
    from enigmalang.mpc.party import Party
    from enigmalang.mpc.pipeline import Rounds


def own_addend(party: Party, d: Raw) -> Raw | None:
    """Parties 1..t + 1: a term of d (flat shares), modulo p; in [1, p] at party t + 1 and in [0, p - 1] at the others,
    so that the sum as an integer is never 0 and the terms are not all p. None at the others. Local.
    """
    points, field = party.structure.parties[: party.t + 1], party.field
    if party.me not in points:
        return None
    own: Raw = field.combine([[lagrange(field.p, points, 0)[party.me - 1]]], d[None])[0]
    if party.me == points[-1]:
        words = own.reshape(-1, field.limbs)
        words[~words.any(axis=1)] = np.frombuffer(field.p.to_bytes(field.nbytes, "little"), np.uint64)
    return own


def deal_addends(
    party: Party,
    d: Raw,
    rows: int,
    planes: Callable[[Raw], Raw],
    part: Callable[[Raw, bool], Raw] | None,
) -> Rounds[tuple[list[Raw], list[Raw]]]:
    """Bit planes (k, rows, words) of each of the t + 1 addends of d (flat shares), and shares of `part` of each, which
    is told whether it is the last. `planes` gives the rows that are wanted of an addend.

    One round; over all parties (t + 1)(n - 1 - t) times `rows` planes of k bits.
    """
    field, lanes, dealers = party.field, party.field.size_of(d), party.structure.parties[: party.t + 1]
    own = own_addend(party, d)
    mine = None if own is None else planes(own)
    round_ = party.round()
    dealt = deal_planes(party, round_, dealers, mine, (rows, words_for(lanes)))
    parts: Callable[[], dict[int, Raw]] = dict
    if part is not None:
        count = lanes * field.size_of(part(field.zeros((1,)), False))
        mine_of_parts = None if own is None else part(own, party.me == dealers[-1])
        parts = deal_elements(party, round_, dealers, mine_of_parts, count)
    yield round_
    shares = parts()
    return list(dealt()), [shares[i] for i in dealers if i in shares]


def deal_terms(party: Party, mine: Raw | None, count: int) -> Rounds[list[Raw]]:
    """Shares of the t + 1 arrays of `count` elements that parties 1..t + 1 have. One round."""
    dealers, round_ = party.structure.parties[: party.t + 1], party.round()
    dealt = deal_elements(party, round_, dealers, mine, count)
    yield round_
    shares = dealt()
    return [shares[i] for i in dealers]
