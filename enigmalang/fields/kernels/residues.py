"""Matrix products by residues: to a small modulus as floating point numbers, whose products BLAS sums exactly, and
from the residues to all moduli back to the field (`fields.residues`).
"""

from typing import Any

import numpy as np

from enigmalang.fields.kernels import prime61, prime127
from enigmalang.fields.kernels.build import FLAG, REAL, TOP63, F, N, W, inline, kernel

DIGIT = 22  # bits of an element handled as one number
SHIFT = np.float64(3 << 51)  # adding it rounds to an integer
OFFSET = np.int64(1 << 22)  # makes a residue, at most half a modulus, positive
LOW = np.uint64((1 << DIGIT) - 1)
LOW32, S32, S63 = np.uint64((1 << 32) - 1), np.uint64(32), np.uint64(63)


@inline
def nearest(v: Any, modulus: Any, inverse: Any) -> Any:
    """v less a multiple of the modulus: at most about half of it."""
    return v - ((v * inverse + SHIFT) - SHIFT) * modulus


@inline
def digit(word: Any, shift: Any) -> Any:
    return np.float64(np.int32((word >> np.uint64(shift)) & LOW))


@kernel(W, F, REAL, REAL, F, N)
def residues_61(x: Any, weights: Any, modulus: float, inverse: float, out: Any, n: int) -> None:
    """The digits of each element times `weights`."""
    w0, w1, w2 = weights[0], weights[1], weights[2]
    for i in range(n):
        a = x[i]
        out[i] = nearest(digit(a, 0) * w0 + digit(a, 22) * w1 + digit(a, 44) * w2, modulus, inverse)


@kernel(W, F, REAL, REAL, F, N)
def residues_127(x: Any, weights: Any, modulus: float, inverse: float, out: Any, n: int) -> None:
    """The digits of each element times `weights`."""
    w0, w1, w2, w3, w4, w5 = weights[0], weights[1], weights[2], weights[3], weights[4], weights[5]
    for i in range(n):
        a, b = x[2 * i], x[2 * i + 1]
        c = (a >> np.uint64(44)) | (b << np.uint64(20))  # digits 2 and 3
        v = digit(a, 0) * w0 + digit(a, 22) * w1 + digit(c, 0) * w2
        out[i] = nearest(v + digit(b, 2) * w3 + digit(b, 24) * w4 + digit(b, 46) * w5, modulus, inverse)


@kernel(F, REAL, REAL, W, N, W, F, N)
def collect(
    sums: Any, modulus: float, inverse: float, weight: Any, limbs: int, totals: Any, turns: Any, n: int
) -> None:  # fmt: skip
    """Add each sum's residue times `weight`, by limbs, to totals (limbs, n), and its part of the modulus to turns."""
    for i in range(n):
        v = nearest(sums[i], modulus, inverse)
        sums[i] = v
        turns[i] += v * inverse
    for j in range(limbs):
        w = weight[j]
        for i in range(n):
            totals[j * n + i] += np.uint64(np.int64(np.int32(sums[i])) + OFFSET) * w


@inline
def times_turns(totals: Any, n: int, i: int, j: int, turn: Any, product: Any) -> Any:
    return totals[j * n + i] + turn * product[j]


@kernel(W, F, W, W, FLAG, W, N)
def restore_61(totals: Any, turns: Any, product: Any, rest: Any, more: bool, out: Any, n: int) -> None:
    """The totals, less all moduli's product as often as `turns` says, plus `rest`; added to `out` if `more`."""
    for i in range(n):
        turn = np.uint64(np.int64(np.int32((turns[i] + SHIFT) - SHIFT)) + OFFSET)
        low = prime61.folded(times_turns(totals, n, i, 0, turn, product))
        high = times_turns(totals, n, i, 1, turn, product)
        value = prime61.folded(low + prime61.shifted31(high) + rest[0])
        out[i] = prime61.once(out[i] + value) if more else value


@kernel(W, F, W, W, FLAG, W, N)
def restore_127(totals: Any, turns: Any, product: Any, rest: Any, more: bool, out: Any, n: int) -> None:
    """As `restore_61`: four limbs of 32 bits."""
    for i in range(n):
        turn = np.uint64(np.int64(np.int32((turns[i] + SHIFT) - SHIFT)) + OFFSET)
        a = times_turns(totals, n, i, 0, turn, product)
        b = times_turns(totals, n, i, 1, turn, product) + (a >> S32)
        c = times_turns(totals, n, i, 2, turn, product) + (b >> S32)
        d = times_turns(totals, n, i, 3, turn, product) + (c >> S32)
        low, high = (a & LOW32) | (b << S32), (c & LOW32) | (d << S32)
        above = ((d >> S32) << np.uint64(1)) + (high >> S63)  # 2^128 = 2 and 2^127 = 1 modulo p
        low, high = prime127.plus(low, high & TOP63, above, np.uint64(0))
        low, high = prime127.plus(low, high, rest[0], rest[1])
        if more:
            low, high = prime127.plus(low, high, out[2 * i], out[2 * i + 1])
        out[2 * i], out[2 * i + 1] = low, high
