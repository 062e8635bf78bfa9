"""Who holds what: n parties, t of which learn nothing, and the C(n, t) sets A of n - t parties."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

MAX_PARTIES = 9
Subset = tuple[int, ...]


@dataclass(frozen=True, eq=False)  # interned: compared and hashed by identity, which caches do at every round
class Structure:
    """The access structure. `subsets` are in lexicographic order; a piece of a bit belongs to each."""

    n: int
    t: int

    def __post_init__(self) -> None:
        if not 3 <= self.n <= MAX_PARTIES or not 1 <= self.t <= (self.n - 1) // 2:
            limits = f"3 <= n <= {MAX_PARTIES} and 1 <= t <= (n-1)/2"
            raise ValueError(f"n = {self.n}, t = {self.t}: wanted {limits}")

    @cached_property
    def parties(self) -> tuple[int, ...]:
        return tuple(range(1, self.n + 1))

    @cached_property
    def subsets(self) -> tuple[Subset, ...]:
        return tuple(combinations(self.parties, self.n - self.t))

    @cached_property
    def dealers(self) -> tuple[int, ...]:
        """2t + 1 parties whose local products are enough (any two sets A, B meet in one of them)."""
        return self.parties[: 2 * self.t + 1]

    @lru_cache(maxsize=64)  # noqa: B019  # structures are few, interned by `structure`
    def held(self, me: int) -> tuple[Subset, ...]:
        """The sets that party `me` is in, in order."""
        return tuple(subset for subset in self.subsets if me in subset)

    @lru_cache(maxsize=4096)  # noqa: B019
    def after(self, party: int, count: int) -> tuple[int, ...]:
        """The `count` parties that follow `party` around the ring."""
        return tuple((party - 1 + k) % self.n + 1 for k in range(1, count + 1))

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

        Each ordered pair (A, B) is given to one dealer in both, evenly.
        """
        held = self.held(me)
        mine = np.zeros((len(held), len(held)), np.bool_)
        for a, first in enumerate(held):
            for b, second in enumerate(held):
                common = [d for d in self.dealers if d in first and d in second]
                turn = self.subsets.index(first) + 2 * self.subsets.index(second)
                mine[a, b] = common[turn % len(common)] == me if common else False
        return mine


@lru_cache(maxsize=64)
def structure(n: int, t: int) -> Structure:
    """The interned structure. Raises ValueError for n, t out of range."""
    return Structure(n, t)
