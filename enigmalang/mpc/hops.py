"""Who shuffles, one after the other, and who hands a share to whom between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from enigmalang.sharing.structure import Structure, Subset


@dataclass(frozen=True, slots=True)
class Hop:
    """All `members` know the hop's order; the `holders`, t + 1 of them, have additive shares of the values and
    apply it; then each of `moves` (from, to) hands a share on.
    """

    members: Subset
    holders: Subset
    moves: tuple[tuple[int, int], ...]


@lru_cache(maxsize=64)
def hops(shape: Structure) -> tuple[Hop, ...]:
    """The hops of a committee: every t parties are outside one hop's members.

    For n = 2t + 1 the members are the C(n, t) sets of t + 1 parties, and no family is smaller: the set that t given
    parties are outside of lies among the other t + 1, and is all of them, for fewer than t + 1 parties cannot hold
    what any t learn nothing of. In the order of the revolving door (Nijenhuis, Wilf 1975) two sets that follow each
    other differ in one party, so one share moves.
    For t = 1 and n > 3 two pairs without a common party are enough, and one is not: its parties are not outside. A
    pair has a key of its own. Otherwise (n > 2t + 1 > 3) the keys that are there belong to the sets of n - t, and
    each is the only one that some t parties are outside of; t + 1 holders in each are enough.
    """
    if shape.t == 1 and shape.n > 3:
        members: list[Subset] = [(1, 2), (3, 4)]
    else:
        members = _revolving_door(shape.n, shape.n - shape.t)
    holders = [members[0][: shape.t + 1]]
    for following in members[1:]:
        kept = [i for i in holders[-1] if i in following]
        new = [i for i in following if i not in kept]
        holders.append(tuple(sorted(kept + new[: shape.t + 1 - len(kept)])))
    moves = [_moves(one, other) for one, other in pairwise(holders)]
    return tuple(Hop(*hop) for hop in zip(members, holders, [*moves, ()], strict=True))


def _revolving_door(n: int, k: int) -> list[Subset]:
    """All sets of k of 1..n; neighbours differ in one member."""
    if k == 0:
        return [()]
    if k == n:
        return [tuple(range(1, n + 1))]
    return _revolving_door(n - 1, k) + [(*rest, n) for rest in reversed(_revolving_door(n - 1, k - 1))]


def _moves(one: Subset, other: Subset) -> tuple[tuple[int, int], ...]:
    return tuple(zip([i for i in one if i not in other], [i for i in other if i not in one], strict=True))
