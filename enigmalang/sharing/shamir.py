"""Shamir sharing (CACM 1979): party j holds f(j) for a polynomial f of degree t with f(0) the secret."""

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from enigmalang.fields import Field, Raw
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.structure import Subset

#: So few words are combined as Python integers: the client of a small program loads no kernels.
_FEW = 1 << 10


@lru_cache(maxsize=4096)
def lagrange(p: int, points: tuple[int, ...], at: int) -> tuple[int, ...]:
    """Coefficients c_i with f(at) = sum c_i * f(points[i]) for every f of degree < len(points)."""
    out = []
    for i in points:
        top, bottom = 1, 1
        for j in points:
            if j != i:
                top, bottom = top * (at - j) % p, bottom * (i - j) % p
        out.append(top * pow(bottom, -1, p) % p)
    return tuple(out)


@lru_cache(maxsize=4096)
def subset_value(p: int, n: int, subset: Subset, at: int) -> int:
    """f_A(at): the degree-t polynomial with f_A(0) = 1 that vanishes at every party outside A."""
    value = 1
    for i in range(1, n + 1):
        if i not in subset:
            value = value * (i - at) * pow(i, -1, p) % p
    return value


def share(field: Field, secret: Raw, n: int, t: int) -> dict[int, Raw]:
    """Fresh shares of a secret array for parties 1..n, with randomness from the operating system."""
    flat = field.flat(secret)
    count = field.size_of(flat)
    rows = np.concatenate([flat[None], *[os_uniform(field, count)[None] for _ in range(t)]])
    table = [[pow(j, k, field.p) for k in range(t + 1)] for j in range(1, n + 1)]
    shares = field.combine(table, rows)
    return {j: field.reshape(shares[j - 1], field.shape_of(secret)) for j in range(1, n + 1)}


def os_uniform(field: Field, count: int) -> Raw:
    """`count` uniform elements from the operating system, by exact rejection."""
    out = np.frombuffer(bytearray(os.urandom(count * field.nbytes)), np.uint64).reshape((count, *field.tail))
    while (again := field.mask_words(out)).any():
        out[again] = os_uniform(field, int(again.sum()))
    return out


def reconstruct(field: Field, shares: Mapping[int, Raw], t: int) -> Raw:
    """The secret from t + 1 or more shares; more are checked to lie on one polynomial of degree t.

    Raises SharingError for too few shares or a wrong degree.
    """
    points = tuple(sorted(shares))
    if len(points) <= t:
        raise SharingError(f"{len(points)} shares where {t + 1} are needed")
    base = points[: t + 1]
    shape = field.shape_of(shares[base[0]])
    rows = np.stack([field.flat(shares[j]) for j in points])
    table = [lagrange(field.p, base, at) for at in (0, *points[t + 1 :])]
    if rows.size <= _FEW:
        exact = np.array(table, dtype=object) @ field.to_ints(rows[: t + 1]).astype(object)
        predicted = field.from_ints(exact)
    else:
        predicted = field.combine(table, rows[: t + 1])
    if not np.array_equal(predicted[1:], rows[t + 1 :]):
        raise SharingError(f"the shares are not on one polynomial of degree {t}")
    return field.reshape(predicted[0], shape)


def table_of(field: Field, lines: Sequence[Sequence[int]]) -> Raw:
    """Coefficients as residues, shape (m, k), for `Field.combine_raw`."""
    return field.from_ints(np.array(lines, dtype=object))
