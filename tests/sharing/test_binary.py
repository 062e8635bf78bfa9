"""Bits as Shamir shares over GF(2^k): what t parties hold is uniform, t + 1 of them hold an additive sharing."""

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest

from enigmalang.fields import M61, gf2k, pack_bits, unpack_bits
from enigmalang.sharing import spaces, structure
from enigmalang.sharing.binary import additive, lagrange

View = tuple[int, ...]


def at(degree: int, polynomial: View, point: int) -> int:
    out = 0
    for k, c in enumerate(polynomial):
        out ^= gf2k.times(degree, c, gf2k.power(degree, point, k))
    return out


@pytest.mark.parametrize(("n", "t"), [(3, 1), (5, 2), (7, 2)])
def test_shares_of_a_coalition(n: int, t: int) -> None:
    """All polynomials over GF(2^k) are listed: any t shares have one distribution for both bits, t + 1 do not."""
    degree = structure(n, t, True).degree
    numbers = range(1 << degree)

    def views(bit: int, coalition: View) -> Counter[View]:
        return Counter(
            tuple(at(degree, (bit, *rest), i) for i in coalition) for rest in product(numbers, repeat=t)
        )

    for coalition in combinations(range(1, n + 1), t):
        seen = views(0, coalition)
        assert seen == views(1, coalition)
        assert set(seen.values()) == {1}, "uniform"
    assert views(0, tuple(range(1, t + 2))) != views(1, tuple(range(1, t + 2)))


@pytest.mark.parametrize(("n", "t"), [(3, 1), (11, 5), (21, 10), (31, 15), (10, 2)])
def test_shares_are_added_up(n: int, t: int) -> None:
    shape = structure(n, t, True)
    degree, generator = shape.degree, np.random.default_rng(n)
    assert 1 << degree > n
    bits = generator.integers(0, 2, 100).tolist()
    polynomials = [(bit, *generator.integers(0, 1 << degree, t).tolist()) for bit in bits]
    for points in (shape.parties[: t + 1], shape.parties[-t - 1 :], shape.dealers):
        total = 0
        for i in points:
            numbers = np.array([at(degree, f, i) for f in polynomials])
            planes = pack_bits(np.stack([numbers >> b & 1 for b in range(degree)]))
            total = total ^ additive(degree, points, i, planes)
        assert unpack_bits(total[None], 100)[0].tolist() == bits


def test_lagrange() -> None:
    points = (1, 2, 5, 9, 14)
    f = (7, 3, 0, 11, 6)
    for target in (0, 1, 6):
        total = 0
        for i, c in zip(points, lagrange(4, points, target), strict=True):
            total ^= gf2k.times(4, c, at(4, f, i))
        assert total == at(4, f, target)


@pytest.mark.parametrize("space", [spaces.elements(M61), spaces.planes(4)], ids=["elements", "planes"])
def test_spaces(space: spaces.Space) -> None:
    rows = space.empty(2, 6)
    rows[...] = np.arange(rows.size).reshape(rows.shape)
    assert space.size_of(rows[0]) == 6
    both = space.combine(((1, 1), (0, 1), (space.inverse(3), 0)), rows)
    assert np.array_equal(space.sub(both[0], rows[1]), rows[0])
    assert np.array_equal(space.add(rows[0], rows[1]), both[0])
    assert np.array_equal(space.combine(((3,),), both[2:])[0], rows[0])
    parts = [space.part(rows[0], 0, 2), space.part(rows[0], 2, 6)]
    assert np.array_equal(space.joined(parts), rows[0])
    data = np.ascontiguousarray(rows[1]).tobytes()
    assert len(data) == 6 * space.unit
    assert np.array_equal(space.read(memoryview(data), 6), rows[1])
