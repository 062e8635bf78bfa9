"""Orders from key streams: permutations, exactly uniform, equal at all who have the stream."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from enigmalang.fields.warm import kernels
from enigmalang.sharing.orders import uniform_orders
from enigmalang.sharing.streams import Stream


def orders(instruction, rows, n):
    stream = Stream(bytes(range(16)))
    stream.seek(instruction)
    return uniform_orders(stream, rows, n)


@pytest.mark.parametrize(("rows", "n"), [(0, 5), (1, 0), (3, 1), (1, 2), (7, 3), (2, 50_000), (50_000, 2), (1, 99_999)])
def test_orders_permute_each_row(rows, n):
    order = orders(1, rows, n)
    assert np.array_equal(np.sort(order.reshape(rows, n), axis=1).reshape(-1), np.arange(rows * n))
    assert np.array_equal(order, orders(1, rows, n))
    if rows * n > 100:
        assert not np.array_equal(order, orders(2, rows, n))


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_every_order_is_as_likely(n):
    """Chi-square of n! - 1 <= 119 degrees of freedom: above 300 with probability below 1e-17 (Chernoff)."""
    every = list(permutations(range(n)))
    rows = 200 * len(every)
    drawn = Counter(map(tuple, (orders(n, rows, n).reshape(rows, n) % n).tolist()))
    assert sum((drawn[order] - 200) ** 2 for order in every) / 200 < 300
    assert set(drawn) == set(every)


def test_words_that_would_bias_are_passed_over():
    """For k = 3 a word w gives place w * 3 >> 64 unless w * 3 mod 2^64 < 2^64 mod 3 = 1: only w = 0."""
    state = np.array([0, 2], np.int64)
    order = np.arange(3, dtype=np.int32)
    third = (1 << 64) // 3
    words = np.array([0, 0, third], np.uint64)  # passed over, passed over, place 0
    kernels().shuffle_rows(words, order, 1, 3, state)
    assert order.tolist() == [2, 1, 0] and state.tolist() == [0, 1]
    kernels().shuffle_rows(np.array([1 << 63], np.uint64), order, 1, 3, state)  # of 2: place 1
    assert order.tolist() == [2, 1, 0] and state.tolist() == [1, 2]
    kernels().shuffle_rows(np.array([5], np.uint64), order, 1, 3, state)  # nothing is left to do
    assert order.tolist() == [2, 1, 0] and state.tolist() == [1, 2]
