"""Who holds what: n parties, t of which learn nothing.

In a small committee a piece of every bit belongs to each of the C(n, t) sets A of n - t parties (replicated
sharing); with more than MAX_PIECES sets it is *wide*: its bits are Shamir shares over GF(2^k), 2^k > n, in k planes.
The sets have keys as long as there are not more than MAX_KEYS.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from enigmalang.fields.gf2k import low_form
from enigmalang.sharing.binary import lagrange as lagrange_binary

MAX_PARTIES = 31  # the points of GF(2^5)
MAX_PIECES = 35  # n = 7, t = 3: the cross terms of pieces, the work of an AND, grow with their square
MAX_KEYS = 500  # n = 11, t = 5 has 462
Subset = tuple[int, ...]


@dataclass(frozen=True, eq=False)  # interned: compared and hashed by identity, which caches do at every round
class Structure:
    """The access structure. `subsets` are in lexicographic order; a piece of a bit belongs to each, unless wide."""

    n: int
    t: int
    wide: bool = False

    def __post_init__(self) -> None:
        if not 3 <= self.n <= MAX_PARTIES or not 1 <= self.t <= (self.n - 1) // 2:
            limits = f"3 <= n <= {MAX_PARTIES} and 1 <= t <= (n-1)/2"
            raise ValueError(f"n = {self.n}, t = {self.t}: wanted {limits}")

    @cached_property
    def parties(self) -> tuple[int, ...]:
        return tuple(range(1, self.n + 1))

    @cached_property
    def degree(self) -> int:
        """k of a wide committee's GF(2^k): the least that gives every party a point."""
        return max(2, self.n.bit_length())

    @cached_property
    def subsets(self) -> tuple[Subset, ...]:
        """None of them when there are too many to have keys."""
        if comb(self.n, self.t) > MAX_KEYS:
            return ()
        return tuple(combinations(self.parties, self.n - self.t))

    @cached_property
    def dealers(self) -> tuple[int, ...]:
        """2t + 1 parties whose local products are enough (any two sets A, B meet in one of them)."""
        return self.parties[: 2 * self.t + 1]

    @lru_cache(maxsize=64)  # noqa: B019  # structures are few, interned by `structure`
    def held(self, me: int) -> tuple[Subset, ...]:
        """The sets that party `me` is in, in order."""
        return tuple(subset for subset in self.subsets if me in subset)

    def pieces(self, me: int) -> int:
        """How many arrays of words hold party `me`'s part of shared bits."""
        return self.degree if self.wide else len(self.held(me))

    @lru_cache(maxsize=4096)  # noqa: B019
    def after(self, party: int, count: int) -> tuple[int, ...]:
        """The `count` parties that follow `party` around the ring."""
        return tuple((party - 1 + k) % self.n + 1 for k in range(1, count + 1))

    @lru_cache(maxsize=1024)  # noqa: B019
    def suppliers(self, receiver: int, degree: int) -> tuple[int, ...]:
        """Whose shares a receiver combines with its own to open a polynomial of degree t or 2t.

        Wide committees have shares of zero of degree 2t for the dealers only: another receiver needs all of theirs.
        """
        if self.wide and degree > self.t:
            return tuple(i for i in self.dealers if i != receiver)
        return self.after(receiver, degree)

    @lru_cache(maxsize=256)  # noqa: B019
    def anchor(self, dealer: int) -> Subset:
        """The set whose members get a dealer's correction; the others' words are pseudo-random."""
        return tuple(sorted((dealer, *self.after(dealer, self.n - self.t - 1))))

    @cached_property
    def last(self) -> Subset:
        """The set without parties 1..t. Every other set has one of them as its smallest member."""
        return self.parties[self.t :]

    @lru_cache(maxsize=64)  # noqa: B019
    def products_of(self, me: int) -> npt.NDArray[np.bool_]:
        """mine[a, b]: the cross term of pieces held[a] and held[b] is this party's to compute.

        Each ordered pair (A, B) is given to one dealer in both, evenly. In a wide committee, the planes whose
        products make the lowest coefficient of the dealer's term of the product, its share times a Lagrange factor.
        """
        if self.wide:
            return low_form(self.degree, lagrange_binary(self.degree, self.dealers, 0)[me - 1]).astype(np.bool_)
        held = self.held(me)
        mine = np.zeros((len(held), len(held)), np.bool_)
        for a, first in enumerate(held):
            for b, second in enumerate(held):
                common = [d for d in self.dealers if d in first and d in second]
                turn = self.subsets.index(first) + 2 * self.subsets.index(second)
                mine[a, b] = common[turn % len(common)] == me if common else False
        return mine


def structure(n: int, t: int, wide: bool | None = None) -> Structure:
    """The interned structure; wide, unless told, when there are many sets. Raises ValueError for n, t out of range."""
    return _interned(n, t, 0 <= t <= n and comb(n, t) > MAX_PIECES if wide is None else wide)


@lru_cache(maxsize=64)
def _interned(n: int, t: int, wide: bool) -> Structure:
    return Structure(n, t, wide)
