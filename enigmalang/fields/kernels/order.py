"""Random orders."""

from typing import Any

import numpy as np

from enigmalang.fields.kernels.build import ONES, PLACES, N, R, W, kernel, wide_mul


@kernel(W, N, PLACES, N, N, R)
def shuffle_rows(words: Any, count: int, order: Any, rows: int, n: int, state: Any) -> None:
    """Shuffle each row of `order` (rows, n) in place, from where `state` = (row, last place not yet filled) says.

    Durstenfeld's form of Fisher and Yates (CACM 1964). Each of the `count` uniform words gives a place below k by
    multiplication, or is passed over, with probability below k / 2^64, so that the places are exactly uniform (Lemire,
    TOMACS 2019).
    """
    row = state[0]
    i = state[1]
    for w in range(count):
        if row >= rows:
            break
        k = np.uint64(i + 1)
        high, low = wide_mul(words[w], k)
        if low < k and low < (ONES - k + np.uint64(1)) % k:
            continue
        start = row * n
        j = start + np.int64(high)
        kept = order[start + i]
        order[start + i] = order[j]
        order[j] = kept
        i -= 1
        if i == 0:
            row += 1
            i = n - 1
    state[0] = row
    state[1] = i
