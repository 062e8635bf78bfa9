"""Takes of packed bits, without unpacking, give what they give unpacked."""

import numpy as np
import pytest

from enigmalang.mpc.moves import take_words
from enigmalang.sharing import BitShare

CASES = [
    ((5, 32), 1, [(i + 7) % 32 for i in range(32)]),
    ((5, 32), 1, [max(i // 16 * 16, 1) - 1 for i in range(32)]),
    ((3, 7, 8), 2, [7, 0, 1, 2, 2, 2, 7, -1]),
    ((9, 64), 1, list(range(63, 43, -1)) + [0] * 44),
    ((64,), 0, [(i * 3 + 1) % 64 for i in range(64)]),
    ((4, 3, 128), 1, [2, 0]),
    ((4, 3, 2, 32), 1, 2),
    ((5, 64), 0, [4, 4, 0]),
]


@pytest.mark.parametrize(("shape", "axis", "places"), CASES)
def test_take(shape: tuple[int, ...], axis: int, places: list[int] | int) -> None:
    bits = np.random.default_rng(7).integers(0, 2, (3, *shape)).astype(np.uint8)
    wanted = np.take(bits, places, axis=axis + 1)
    made = take_words(BitShare.packed(bits), np.asarray(places, np.int64), axis, wanted.shape[1:])
    if made is None:  # too many distances for it to pay
        assert len({to - place for to, place in enumerate(places)}) > 20
        return
    assert np.array_equal(made.unpacked(), wanted)
    assert np.array_equal(made.words, BitShare.packed(wanted).words), "padding stays 0"


def test_other_takes_are_left() -> None:
    share = BitShare.packed(np.ones((2, 5, 12), np.uint8))
    assert take_words(share, np.arange(12), 1, (5, 12)) is None
    assert take_words(share, np.arange(3), 0, (3, 12)) is None


@pytest.mark.parametrize(("shape", "axis"), [((3, 0), 1), ((0,), 0), ((3, 0, 64), 1), ((3, 64, 0), 1)])
def test_takes_of_no_bits(shape: tuple[int, ...], axis: int) -> None:
    share = BitShare.packed(np.ones((2, *shape), np.uint8))
    made = take_words(share, np.arange(shape[axis]), axis, shape)
    assert made is None or (made.shape == shape and made.unpacked().shape == (2, *shape))
