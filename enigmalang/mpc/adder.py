"""Carries of S + C by a parallel prefix tree (Sklansky 1960) over shared bit planes."""

from functools import lru_cache

import numpy as np

from enigmalang.fields import Raw, Rows
from enigmalang.mpc.addends import Sum
from enigmalang.mpc.deal import and_planes
from enigmalang.mpc.party import Party, alone


@lru_cache(maxsize=256)
def prefix_levels(width: int, wanted: tuple[int, ...]) -> tuple[tuple[Rows, Rows], ...]:
    """Levels of (upper, lower) positions to fold so that every position in `wanted` ends as its whole prefix.

    Sklansky's network with the nodes nobody needs left out; wanted = (width - 1,) is the plain binary tree.
    """
    levels: list[tuple[Rows, Rows]] = []
    needed = set(wanted)
    for k in reversed(range((width - 1).bit_length())):
        pairs = [(i, (i >> k << k) - 1) for i in sorted(needed) if i >> k & 1]
        needed |= {low for _, low in pairs}
        levels.append((np.array([high for high, _ in pairs], np.int64), np.array([low for _, low in pairs], np.int64)))
    return tuple(level for level in reversed(levels) if len(level[0]))


def fold_carries(party: Party, sums: Sum, wanted: tuple[int, ...]) -> tuple[Raw, Raw]:
    """(generate, propagate) planes of S + C, whole prefixes at the `wanted` positions.

    Each (pieces, q, words). Rounds 1 + ceil(log2 q); for wanted = (q - 1,) that is q + 2 (q - 1) ANDs.
    """
    g = alone(party, lambda r: and_planes(party, r, sums.s, None, sums.c, None, sums.lanes))
    p = sums.s ^ sums.c
    for high, low in prefix_levels(g.shape[1], wanted):
        _fold(party, g, p, high, low, sums.lanes)
    return g, p


def _fold(party: Party, g: Raw, p: Raw, high: Rows, low: Rows, lanes: int) -> None:
    """(g, p)[high] := (g, p)[high] after (g, p)[low], in place. One round, two ANDs a pair."""
    round_ = party.round()
    generate = and_planes(party, round_, p, high, g, low, lanes)
    propagate = and_planes(party, round_, p, high, p, low, lanes)
    round_.run()
    g[:, high] ^= generate()
    p[:, high] = propagate()


def wraps_once(g: Raw, p: Raw) -> Raw:
    """S + C >= p, that is S + C + 1 carries out of bit q - 1: (pieces, words). Local."""
    out: Raw = g[:, -1] ^ p[:, -1]
    return out


def and_all(party: Party, planes: Raw, lanes: int) -> Raw:
    """The AND of all planes: (pieces, q, words) -> (pieces, words). ceil(log2 q) rounds, q - 1 ANDs."""
    while (count := planes.shape[1]) > 1:
        half = count // 2
        rows = np.arange(half, dtype=np.int64)
        current = planes
        folded = alone(party, lambda r: and_planes(party, r, current, rows, current, rows + half, lanes))  # noqa: B023
        planes = np.concatenate([folded, planes[:, 2 * half :]], axis=1)
    out: Raw = planes[:, 0]
    return out
