"""Structure on packed bits without unpacking them: rows of whole words, and rows that lie within words."""

from __future__ import annotations

from functools import lru_cache
from math import prod

import numpy as np
import numpy.typing as npt

from enigmalang.fields import Raw
from enigmalang.sharing import BitShare

#: More different distances than this and unpacking is as fast.
MOST_SHIFTS = 20
Places = npt.NDArray[np.int64]


def take_words(value: BitShare, places: Places, axis: int, shape: tuple[int, ...]) -> BitShare | None:
    """`numpy.take` (axis >= 0) of bits, where it moves whole words, or bits within rows that divide a word; else None.

    O(words · distances): every place that moves as far is moved at once.
    """
    after = prod(value.shape[axis + 1 :])
    if after % 64 == 0 and after:
        pieces, before = len(value.words), prod(value.shape[:axis])
        rows = value.words.reshape((pieces, before, value.shape[axis], after // 64))
        return BitShare(np.ascontiguousarray(np.take(rows, places, axis=2)).reshape((pieces, -1)), shape)
    width = value.shape[axis]
    if after != 1 or not width or places.shape != (width,) or 64 % width:
        return None
    moves = _moves(width, places.tobytes())
    return None if moves is None else BitShare(_moved(value.words, moves), shape)


def _moved(words: Raw, moves: tuple[tuple[int, int], ...]) -> Raw:
    out: Raw | None = None
    for mask, distance in moves:
        part = words & np.uint64(mask)
        if distance:
            (np.left_shift if distance > 0 else np.right_shift)(part, np.uint64(abs(distance)), out=part)
        out = part if out is None else np.bitwise_or(out, part, out=out)
    assert out is not None
    return out


@lru_cache(maxsize=1024)
def _moves(width: int, places: bytes) -> tuple[tuple[int, int], ...] | None:
    """For each distance: which bits of a word move so far, upwards if positive. None if there are too many."""
    masks: dict[int, int] = {}
    for to, source in enumerate(np.frombuffer(places, np.int64).tolist()):
        masks[to - source % width] = masks.get(to - source % width, 0) | 1 << source % width
    if len(masks) > MOST_SHIFTS:
        return None
    every = sum(1 << start for start in range(0, 64, width))
    return tuple((mask * every, distance) for distance, mask in masks.items())
