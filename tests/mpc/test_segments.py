"""Sorting with public outcomes: right for any order of the items, near the fewest comparisons, in few batches."""

from itertools import permutations
from math import lgamma, log

import numpy as np
import pytest

from enigmalang.mpc import segments
from enigmalang.mpc.pivots import BATCH, Judge
from enigmalang.mpc.segments import sorted_places


class Count:
    """Knows the items' values; counts what it is asked."""

    def __init__(self, values, batch=BATCH):
        self.batch = batch
        self.values = np.asarray(values).reshape(-1)
        self.batches = self.comparisons = 0
        self.asked = []

    def less(self, left, right):
        assert len(left) == len(right) > 0 and (left != right).all()
        self.batches += 1
        self.comparisons += len(left)
        self.asked.append((left.tolist(), right.tolist()))
        return self.values[left] < self.values[right]

    def sort(self, rows, n, ranks=None):
        wanted = None if ranks is None else np.array(ranks, np.int64)
        return sorted_places(Judge(self.less, self.batch), rows, n, wanted)


def shuffled(rows, n, seed=1):
    generator = np.random.default_rng(seed)
    return np.argsort(generator.random((rows, n)), axis=1)


SHAPES = [(1, 0), (0, 4), (1, 1), (3, 2), (1, 191), (1, 1000), (40, 30), (7, 900), (999, 5)]


@pytest.mark.parametrize(("rows", "n"), SHAPES)
def test_rows_are_sorted(rows, n):
    values = shuffled(rows, n)
    judge = Count(values)
    order = judge.sort(rows, n)
    assert np.array_equal(order // max(n, 1), np.repeat(np.arange(rows), n))
    assert np.array_equal(judge.values[order].reshape(rows, n), np.broadcast_to(np.arange(n), (rows, n)))


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_every_order(n, monkeypatch):
    """Also by pivots, with short segments of two at most."""
    for few, batch in ((4, BATCH), (2, 1)):
        monkeypatch.setattr(segments, "FEW", few)
        for values in permutations(range(n)):
            assert np.array(values)[Count(values, batch).sort(1, n)].tolist() == list(range(n))


@pytest.mark.parametrize("values", [np.arange(3000), np.arange(3000)[::-1], np.arange(3000) * 7 % 3000])
def test_orders_that_are_not_random_are_sorted_too(values):
    judge = Count(values)
    assert np.array_equal(judge.values[judge.sort(1, 3000)], np.arange(3000))


@pytest.mark.parametrize("ranks", [(0,), (2999,), (1500,), (0, 1, 2, 3), (2998, 2999), tuple(range(0, 3000, 30)), (),
                                   tuple(range(1000, 2000)), (3, 1499, 2400)])
@pytest.mark.parametrize("rows", [1, 3])
def test_wanted_ranks(ranks, rows):
    judge = Count(shuffled(rows, 3000))
    order = judge.sort(rows, 3000, ranks)
    assert np.array_equal(np.sort(order), np.arange(3000 * rows))
    at = np.array(ranks, np.int64)
    got = judge.values[order].reshape(rows, 3000)
    assert np.array_equal(got[:, at], np.broadcast_to(at, (rows, len(ranks))))


def test_comparisons_are_near_the_least():
    for n, factor, batches in ((1000, 3.5, 8), (10_000, 1.6, 25), (200_000, 1.08, 110)):
        judge = Count(shuffled(1, n))
        judge.sort(1, n)
        assert judge.comparisons < factor * lgamma(n + 1) / log(2)
        assert judge.batches <= batches


def test_few_ranks_cost_little():
    for n, ranks, factor, batches in (
        (50_000, (25_000,), 3, 14), (50_000, (49_999,), 1.5, 6), (1000, (998, 999), 10, 3), (1000, (), 0, 0),
    ):
        judge = Count(shuffled(1, n))
        judge.sort(1, n, ranks)
        assert judge.comparisons <= factor * n and judge.batches <= batches


def test_short_rows_take_one_batch():
    judge = Count(shuffled(1, 150))
    judge.sort(1, 150)
    assert (judge.batches, judge.comparisons) == (1, 150 * 149 // 2)
    judge = Count(shuffled(500, 4))
    judge.sort(500, 4)
    assert (judge.batches, judge.comparisons) == (1, 3000)


@pytest.mark.parametrize("ranks", [None, (0, 250)])
def test_what_is_asked_depends_on_the_outcomes_only(ranks):
    """Values in the same order ask the same: the sequence of pairs tells no more than the order does."""
    values = shuffled(1, 500)
    one, other = Count(values), Count(values**3 * 7 - 100)
    one.sort(1, 500, ranks)
    other.sort(1, 500, ranks)
    assert one.asked == other.asked
