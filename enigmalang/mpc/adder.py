"""Carries of S + C by a parallel prefix tree (Sklansky 1960) over shared bit planes."""

from functools import lru_cache

import numpy as np

from enigmalang.fields import Raw, Rows
from enigmalang.mpc.addends import Sum
from enigmalang.mpc.deal import and_planes
from enigmalang.mpc.party import Party, alone


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


@lru_cache(maxsize=256)
def _folds(width: int, wanted: tuple[int, ...]) -> tuple[tuple[Rows, Rows, Rows], ...]:
    """The levels for generate planes at 0..width-1 and propagate planes after them: (high, left, right) with
    (g, p)[high] := (g, p)[high] after (g, p)[low] from one AND of the planes `left` and `right`.
    """
    return tuple(
        (high, np.concatenate([high + width, high + width]), np.concatenate([low, low + width]))
        for high, low in prefix_levels(width, wanted)
    )


def fold_carries(party: Party, sums: Sum, wanted: tuple[int, ...]) -> tuple[Raw, Raw]:
    """(generate, propagate) planes of S + C, whole prefixes at the `wanted` positions.

    Each (pieces, q, words). Rounds 1 + ceil(log2 q); for wanted = (q - 1,) that is q + 2 (q - 1) ANDs.
    """
    pieces, width, words = sums.s.shape
    both = np.empty((pieces, 2 * width, words), np.uint64)  # one array, so that a level is one AND of planes
    g, p = both[:, :width], both[:, width:]
    g[...] = alone(party, lambda r: and_planes(party, r, sums.s, None, sums.c, None, sums.lanes))
    np.bitwise_xor(sums.s, sums.c, out=p)
    for high, left, right in _folds(width, wanted):
        folded = alone(party, lambda r: and_planes(party, r, both, left, both, right, sums.lanes))  # noqa: B023
        g[:, high] ^= folded[:, : len(high)]
        p[:, high] = folded[:, len(high) :]
    return g, p


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
