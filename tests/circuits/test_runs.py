"""Long public arrays as runs of numbers with a constant step."""

import numpy as np
import pytest

from enigmalang.circuits.runs import BOUND, EACH, LEAST, Runs, runs_of

N = 2 * LEAST


@pytest.mark.parametrize(
    ("array", "count"),
    [
        (np.arange(N), 1),
        (np.zeros(N, np.int64), 1),
        (5 - 3 * np.arange(N), 1),
        (np.repeat([1, 0], LEAST), 2),
        (np.concatenate([np.arange(LEAST), np.arange(LEAST)]), 2),
        (np.append(np.arange(N), -7), 2),  # the last alone
        (np.arange(N) * (BOUND // N), 1),
    ],
)
def test_runs_are_what_the_array_was(array, count):
    runs = runs_of(array)
    assert runs is not None and len(runs.runs) == count
    assert (runs.shape, runs.size, runs.ndim, runs.dtype) == (array.shape, array.size, array.ndim, array.dtype)
    assert (runs.min(), runs.max()) == (array.min(), array.max())
    assert np.array_equal(np.asarray(runs), array) and np.asarray(runs).dtype == np.int64
    for part, elements in runs.parts():
        assert np.array_equal(array[part], elements)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(LEAST - 1),  # short
        np.arange(N) ** 2,
        np.arange(N) % (EACH // 2),  # too many runs
        np.arange(N).astype(np.int32),
        np.zeros((2, N), np.int64),
        np.arange(N) + (BOUND - N // 2),  # differences might not be exact
        np.arange(N) * (1 << 60),  # wraps
        np.array([-BOUND, BOUND] * LEAST),
        np.zeros(N, np.bool_),
    ],
)
def test_other_arrays_stay_arrays(array):
    assert runs_of(array) is None


def test_neighbours_are_a_slice():
    for array in (np.arange(N), np.arange(7, 7 + N)):
        runs = runs_of(array)
        assert runs is not None and np.array_equal(np.arange(3 * N)[runs.stretch()], array)
    for one in (((N, 0, 2),), ((N, -3, 1),), ((N, 0, 1), (N, 0, 1))):
        assert Runs(one).stretch() is None


def test_no_copy_is_not_promised():
    with pytest.raises(ValueError):
        np.asarray(Runs(((N, 0, 1),)), copy=False)
