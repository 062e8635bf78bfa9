"""Carries of S + C by a parallel prefix tree (Sklansky 1960) over shared bit planes, in place.

Adversary: honest but curious, at most t parties together, n >= 2t + 1.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from enigmalang.fields import Raw, Rows
from enigmalang.mpc.deal import and_into, and_planes
from enigmalang.mpc.party import Finish, Party, Round
from enigmalang.mpc.pipeline import Rounds, in_round

Fold = tuple[Rows, Rows, Rows, int]


def prefix_levels(width: int, wanted: tuple[int, ...]) -> tuple[tuple[int, tuple[tuple[int, int], ...]], ...]:
    """Levels (k, pairs (upper, lower)) of positions to fold, for the whole prefix at every position in `wanted`.

    Sklansky's network with the nodes nobody needs left out; wanted = (width - 1,) is the plain binary tree.
    """
    levels = []
    needed = set(wanted)
    for k in reversed(range((width - 1).bit_length())):
        pairs = tuple((i, (i >> k << k) - 1) for i in sorted(needed) if i >> k & 1)
        needed |= {low for _, low in pairs}
        if pairs:
            levels.append((k, pairs))
    return tuple(reversed(levels))


@lru_cache(maxsize=256)
def _folds(width: int, wanted: tuple[int, ...]) -> tuple[Fold, ...]:
    """The levels for generate planes at 0..width-1 and propagate planes after them: rows[left] AND rows[right] is
    put into rows[target], XORed for the first `kept`, the generate planes.

    A node that reaches down to position 0 needs no propagate plane. It comes last in no level: the rows that are
    read for a plane are written after it.
    """
    folds = []
    for k, pairs in prefix_levels(width, wanted):
        inner = [(high, low) for high, low in pairs if high >> k > 1]
        left = np.array([high + width for high, _ in (*pairs, *inner)], np.int64)
        right = np.array([*(low for _, low in pairs), *(low + width for _, low in inner)], np.int64)
        target = np.array([*(high for high, _ in pairs), *(high + width for high, _ in inner)], np.int64)
        folds.append((left, right, target, len(pairs)))
    return tuple(folds)


@lru_cache(maxsize=256)
def _first(width: int) -> Rows:
    return np.arange(width, dtype=np.int64)


def carries(party: Party, sc: list[Raw], width: int, wanted: tuple[int, ...], lanes: int) -> Rounds[Raw]:
    """Carries of S + C, which are taken out of `sc`, over their rows 0..width-1, with a carry of 1 into row 0.

    S, C are (pieces, rows, words). So row 0 gives s OR c. Returns (pieces, width, words), of which rows 0 and `wanted`
    are the carries out of them.
    Rounds 1 + ceil(log2 width). ANDs for wanted = (width - 1,): about 3 width - 2 - log2 width.
    """
    both = yield from _folded(party, sc, width, _folds(width, wanted), lanes)
    return both[:, :width]


def almost_carry(party: Party, sc: list[Raw], width: int, lanes: int) -> Rounds[tuple[Raw, Raw, Raw]]:
    """The carry out of row width - 1 >= 1 as a, x, y of (pieces, words): it is a XOR (x AND y), which is one AND and
    one round more. Otherwise as `carries`.
    """
    *folds, ((left,), (right,), (target,), _) = _folds(width, (width - 1,))
    both = yield from _folded(party, sc, width, folds, lanes)
    return both[:, target], both[:, left], both[:, right]


def _folded(party: Party, sc: list[Raw], width: int, folds: Sequence[Fold], lanes: int) -> Rounds[Raw]:
    """The generate and propagate planes after these levels, (pieces, 2 width, words)."""
    both = np.empty((party.pieces, 2 * width, sc[0].shape[2]), np.uint64)  # one array, so that a level is one call
    rows = _first(width)
    yield from in_round(party, lambda r: _generated(party, r, sc, rows, lanes, both))
    both[:, 0] ^= both[:, width]
    for left, right, target, kept in folds:
        places = left, both, right, lanes, both, target, kept
        yield from in_round(party, lambda r: and_into(party, r, both, *places))  # noqa: B023
    return both


def _generated(party: Party, round_: Round, sc: list[Raw], rows: Rows, lanes: int, both: Raw) -> Finish[None]:
    """Propagate planes, and generate planes; S and C are let go of."""
    c, s = sc.pop(), sc.pop()
    np.bitwise_xor(s[:, : len(rows)], c[:, : len(rows)], out=both[:, len(rows) :])
    return and_into(party, round_, s, rows, c, rows, lanes, both, rows, 0)


def and_all(party: Party, planes: Raw, lanes: int) -> Rounds[Raw]:
    """The AND of all planes: (pieces, q, words) -> (pieces, words). ceil(log2 q) rounds, q - 1 ANDs. Overwrites."""
    count = planes.shape[1]
    planes = np.ascontiguousarray(planes)
    while count > 1:
        half = count // 2
        low, high = _first(half), _first(count)[count - half :]
        places = low, planes, high, lanes, planes, low, 0
        yield from in_round(party, lambda r: and_into(party, r, planes, *places))  # noqa: B023
        count -= half
    out: Raw = planes[:, 0]
    return out


def and_row(party: Party, x: Raw, y: Raw, row: int, lanes: int) -> Rounds[Raw]:
    """One row of x AND one of y: (pieces, words). One round."""
    left, right = x[:, row : row + 1], y[:, row : row + 1]
    both = yield from in_round(party, lambda r: and_planes(party, r, left, None, right, None, lanes))
    return both[:, 0]
