"""Shamir sharing of bits over GF(2^k), bit-sliced: party j at the point whose binary digits are j's, j < 2^k.

A share is k planes of words. The lowest coefficient of (a Lagrange factor times a share) is one bit of a sum over GF(2)
that gives the secret bit: so t + 1 shares are turned into an additive sharing without talking, a bit each.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from enigmalang.fields import Raw, gf2k
from enigmalang.fields.gf2k import Matrix, inverse, spread, times
from enigmalang.sharing.faults import SharingError


@lru_cache(maxsize=4096)
def lagrange(degree: int, points: tuple[int, ...], at: int) -> tuple[int, ...]:
    """Coefficients c_i with f(at) = sum c_i * f(points[i]) for every f of degree < len(points)."""
    out = []
    for i in points:
        top, bottom = 1, 1
        for j in points:
            if j != i:
                top, bottom = times(degree, top, at ^ j), times(degree, bottom, i ^ j)
        out.append(times(degree, top, inverse(degree, bottom)))
    return tuple(out)


@lru_cache(maxsize=1024)
def _low(degree: int, points: tuple[int, ...], me: int) -> Matrix:
    factor = lagrange(degree, points, 0)[points.index(me)]
    return spread(degree, [[factor]])[:1]


def reconstruct(degree: int, shares: Mapping[int, Raw], t: int) -> Raw:
    """The bits (N,) from all parties' planes (degree, N), checked to lie on one polynomial of degree t each.

    Raises SharingError otherwise, or when a value is not a bit.
    """
    points = tuple(sorted(shares))
    base = points[: t + 1]
    rows = np.concatenate([shares[j] for j in base])
    for point, found in [(0, None), *((j, shares[j]) for j in points[t + 1 :])]:
        matrix = spread(degree, [lagrange(degree, base, point)]) != 0
        planes = np.stack([np.bitwise_xor.reduce(rows[line], axis=0) for line in matrix])
        if found is None:
            value = planes
        elif not np.array_equal(planes, found):
            raise SharingError(f"the shares are not on one polynomial of degree {t}")
    if value[1:].any():
        raise SharingError("a shared bit is not 0 or 1")
    bits: Raw = value[0]
    return bits


def additive(degree: int, points: tuple[int, ...], me: int, planes: Raw) -> Raw:
    """Party me's bits (N,), whose XOR over `points` is the secret: planes (degree, ...) of a polynomial of lower degree
    than there are points, whose value at 0 is a bit.
    """
    flat = np.ascontiguousarray(planes).reshape(degree, -1)
    out: Raw = gf2k.combine(_low(degree, points, me), flat)[0]
    return out.reshape(planes.shape[1:])
