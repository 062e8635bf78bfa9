"""Who is wrong, of several who tell shares of one polynomial or copies of one piece.

Values of a polynomial of degree t at N points are a Reed-Solomon code word: floor((N-t-1)/2) wrong ones are told apart
(Reed, Solomon 1960). The same number of wrong copies is outvoted. A party is wrong for all of an array at once, so one
place where the shares do not fit shows who; there the few sets of possible liars are tried, smallest first. When more
are wrong than that, it is noticed at best: what they say together may look like an innocent one's fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from math import comb

import numpy as np

from enigmalang.fields import Raw
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.spaces import Planes, Space

Buffer = bytes | bytearray | memoryview

#: Sets of liars that are tried: all that can be told apart in committees of up to 12 parties, two liars in any.
MAX_TRIES = 600


def find_liars(space: Space, t: int, shares: Mapping[int, Raw], most: int) -> set[int]:
    """The parties, at most `most` <= (N-t-1)/2, without whom the vectors lie on polynomials of degree t.

    Raises SharingError when there is no such set of parties; `suspects` are then all.
    """
    liars: set[int] = set()
    while True:
        rest = {j: vector for j, vector in shares.items() if j not in liars}
        place = _misfit(space, t, rest)
        if place is None:
            return liars
        column = {j: space.part(vector, place, place + 1) for j, vector in rest.items()}
        found = next(_explanations(space, t, column, most - len(liars)), None)
        if found is None:
            raise SharingError(f"the shares are not on one polynomial of degree {t}", tuple(shares))
        liars |= found


def _explanations(space: Space, t: int, column: Mapping[int, Raw], most: int) -> Iterator[set[int]]:
    """Sets of parties without whom a column fits, smallest first."""
    tries = 0
    for count in range(1, most + 1):
        tries += comb(len(column), count)
        if tries > MAX_TRIES:
            return
        for out in combinations(column, count):
            if _misfit(space, t, {j: vector for j, vector in column.items() if j not in out}) is None:
                yield set(out)


def _misfit(space: Space, t: int, shares: Mapping[int, Raw]) -> int | None:
    """The first unit at which vectors are not on one polynomial of degree t; None when all are."""
    points = tuple(shares)
    base, others = points[: t + 1], points[t + 1 :]
    if not others or not space.size_of(shares[points[0]]):
        return None
    predicted = space.combine(
        tuple(space.lagrange(base, point) for point in others), np.stack([shares[j] for j in base]))
    differs = predicted != np.stack([shares[j] for j in others])
    axis = 2 if isinstance(space, Planes) else 1
    places = np.moveaxis(differs, axis, 0).reshape(differs.shape[axis], -1).any(axis=1)
    return int(places.argmax()) if places.any() else None


def decide(claims: Mapping[int, bytes], most: int) -> set[int]:
    """Who tells another than the rest, when these are at most `most`. Raises SharingError when it cannot be told."""
    votes = list(claims.values())
    if not votes:
        return set()
    common = max(votes, key=votes.count)
    wrong = {j for j, told in claims.items() if told != common}
    if len(wrong) > most:
        raise SharingError("copies of one piece differ", tuple(claims))
    return wrong
