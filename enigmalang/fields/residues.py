"""Large matrix products by residues to small primes: floating point products of such residues are exact, so BLAS takes
them, and the Chinese remainder theorem gives the integer product, which is reduced modulo p.

With residues of at most m/2 for m < 5.9 * 10^6 a sum of 1024 products stays below 2^53. The integer is at least 0 and
below 1024 * p^2, which is less than a quarter of the primes' product: 6 primes for M61, 12 for M127. Adding the
residues' parts of their moduli tells how often that product is to be taken off: their sum is within a quarter above
an integer, far more than rounding errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from enigmalang.fields.warm import kernels

#: Terms of a sum that is exact.
TERMS = 1 << 10
#: Elements of a panel, rows of x and of the product: 4 MB of each one's residues. BLAS wants hundreds of rows.
PANEL = 1 << 19
_LARGEST = 5_900_000
_DIGIT = 22
_OFFSET = 1 << 22  # as in `kernels.residues`
#: How many times the work of conversions a product's multiplications must be for residues to pay.
_PAYS = {61: 40, 127: 12}
_COUNT = {61: 6, 127: 12}
_LIMB = {61: 31, 127: 32}

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]


def pays(q: int, m: int, k: int, n: int) -> bool:
    """Whether (m, k) @ (k, n) is faster by residues."""
    return m * k * n >= _PAYS[q] * (m * k + k * n + m * n)


@dataclass(frozen=True, slots=True)
class _Modulus:
    value: float
    left: Floats  # digits' weights, times the inverse of the other primes' product
    right: Floats  # digits' weights
    weight: Words  # the other primes' product modulo p, by limbs


@dataclass(frozen=True, slots=True)
class _System:
    moduli: tuple[_Modulus, ...]
    product: Words  # minus all primes' product modulo p, by limbs
    rest: Words  # what the offsets added, to be taken off: an element


@lru_cache(maxsize=2)
def _system(q: int) -> _System:
    p, primes = (1 << q) - 1, _primes(_COUNT[q])
    whole, digits = prod(primes), range(-(-q // _DIGIT))
    limbs = -(-q // _LIMB[q])

    def by_limbs(value: int) -> Words:
        mask = (1 << _LIMB[q]) - 1
        return np.array([value % p >> (_LIMB[q] * j) & mask for j in range(limbs)], np.uint64)

    moduli = []
    for prime in primes:
        inverse = pow(whole // prime, -1, prime)
        left, right = (
            np.array([_centred((factor << (_DIGIT * j)) % prime, prime) for j in digits], np.float64)
            for factor in (inverse, 1)
        )
        moduli.append(_Modulus(float(prime), left, right, by_limbs(whole // prime)))
    rest = _OFFSET * (whole - sum(whole // prime for prime in primes)) % p
    words = np.frombuffer(rest.to_bytes(8 * ((q + 63) // 64), "little"), "<u8").astype(np.uint64)
    return _System(tuple(moduli), by_limbs(-whole), words)


def _centred(value: int, prime: int) -> int:
    return value - prime if value > prime // 2 else value


@lru_cache(maxsize=4)
def _primes(count: int) -> tuple[int, ...]:
    """The largest below the bound."""
    found: list[int] = []
    candidate = _LARGEST
    while len(found) < count:
        candidate -= 1
        if all(candidate % d for d in range(2, int(candidate**0.5) + 1)):
            found.append(candidate)
    return tuple(found)


def matmul(q: int, x: Words, y: Words, out: Words) -> None:
    """(m, k) @ (k, n) into `out`, contiguous residues modulo 2^q - 1, with their limbs on the last axis of M127."""
    k = x.shape[1]
    for start in range(0, k, TERMS):
        part = slice(start, min(start + TERMS, k))
        _matmul(q, np.ascontiguousarray(x[:, part]), y[part], out, start > 0)


def _matmul(q: int, x: Words, y: Words, out: Words, more: bool) -> None:
    """At most TERMS terms; added to `out` if there is `more`. A panel's residues exist at a time, all of y's again for
    each: converting them is little against multiplying them.
    """
    system, code = _system(q), kernels().residues[q]
    height = max(1, min(len(x), PANEL // max(1, *y.shape[:2])))
    right, limbs = np.empty(y.shape[:2]), len(system.product)
    panels = np.empty((height, x.shape[1])), np.empty((height, out.shape[1]))
    space, all_turns = np.empty(limbs * panels[1].size, np.uint64), np.empty(panels[1].size)
    for start in range(0, len(x), height):
        rows = slice(start, min(start + height, len(x)))
        left, sums = (panel[: rows.stop - start] for panel in panels)
        totals, turns = space[: limbs * sums.size].reshape(limbs, sums.size), all_turns[: sums.size]
        totals[:], turns[:] = 0, 0
        for modulus in system.moduli:
            code.residues(x[rows], modulus.left, modulus.value, left)
            code.residues(y, modulus.right, modulus.value, right)
            np.dot(left, right, out=sums)
            code.collect(sums, modulus.value, modulus.weight, totals, turns)
        code.restore(totals, turns, system.product, system.rest, more, out[rows])


class Residues:
    """The kernels of one field on contiguous arrays."""

    def __init__(self, residues: Any, collect: Any, restore: Any, at: Any) -> None:
        self._residues, self._collect, self._restore = residues, collect, restore
        self._at = at

    def residues(self, x: Words, weights: Floats, modulus: float, out: Floats) -> None:
        """The sums of an element's digits of 22 bits times `weights`, less multiples of the modulus."""
        at = self._at
        self._residues(at(x), at(weights), modulus, 1 / modulus, at(out), out.size)

    def collect(self, sums: Floats, modulus: float, weight: Words, totals: Words, turns: Floats) -> None:
        """Add the sums' residues times `weight` to totals (limbs, N), and their parts of the modulus to turns (N,)."""
        at = self._at
        ends = at(weight), len(weight), at(totals), at(turns), turns.size
        self._collect(at(sums), modulus, 1 / modulus, *ends)

    def restore(self, totals: Words, turns: Floats, product: Words, rest: Words, more: bool, out: Words) -> None:
        """The elements: totals + (turns, rounded) * product + rest, plus `out` if there is `more`."""
        at = self._at
        ends = at(product), at(rest), more, at(out), turns.size
        self._restore(at(totals), at(turns), *ends)
