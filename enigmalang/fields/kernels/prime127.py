"""Arithmetic modulo 2^127 - 1, two words an element, the low one first.

Loops run over `n` elements; an operand is a pointer, its first element's number and a step, 0 for one element that
is repeated, or 1.
"""

from typing import Any

import numpy as np

from enigmalang.fields.kernels.build import ONES, TOP63, N, R, U, W, carray, inline, kernel, loop, wide

NONE, ONE, S62, S63 = np.uint64(0), np.uint64(1), np.uint64(62), np.uint64(63)
_P = (1 << 127) - 1


@inline
def _canonical(x: Any) -> Any:
    """x < 2p to its residue, by limbs: 1 + x carries into bit 127 when x >= p."""
    reduced = (x + ((x + 1) >> 127)) & _P
    return np.uint64(reduced), np.uint64(reduced >> 64)


@inline
def plus(a0: Any, a1: Any, b0: Any, b1: Any) -> Any:
    """a + b for a, b <= p, not both p."""
    return _canonical(wide(a0, a1) + wide(b0, b1))


@inline
def times(a0: Any, a1: Any, b0: Any, b1: Any) -> Any:
    """a * b = h * 2^127 + l, so h + l modulo p; h <= p - 2."""
    bottom = wide(a0, 0) * b0
    middle = wide(a0, 0) * b1 + wide(a1, 0) * b0 + (bottom >> 64)  # below 2^128
    top = wide(a1, 0) * b1 + (middle >> 64)
    h = top + top + (np.uint64(middle) >> S63)
    return _canonical(h + wide(np.uint64(bottom), np.uint64(middle) & TOP63))


# ---------------------------------------------------------------- loops


@loop
def product(x: Any, ix: int, dx: int, y: Any, iy: int, dy: int, out: Any, io: int, n: int) -> None:
    """x * y."""
    for i in range(n):
        j, k = 2 * (ix + i * dx), 2 * (iy + i * dy)
        o = 2 * (io + i)
        out[o], out[o + 1] = times(x[j], x[j + 1], y[k], y[k + 1])


@loop
def difference_product(
    c: Any, ic: int, dc: int, x: Any, ix: int, dx: int, y: Any, iy: int, dy: int, out: Any, io: int, n: int
) -> None:
    """c * (x - y)."""
    for i in range(n):
        m, j, k = 2 * (ic + i * dc), 2 * (ix + i * dx), 2 * (iy + i * dy)
        d0, d1 = plus(x[j], x[j + 1], y[k] ^ ONES, y[k + 1] ^ TOP63)
        o = 2 * (io + i)
        out[o], out[o + 1] = times(c[m], c[m + 1], d0, d1)


@loop
def total(x: Any, ix: int, dx: int, y: Any, iy: int, dy: int, flip: bool, out: Any, io: int, n: int) -> None:
    """x + y, or x - y: the complement of a residue is p less it."""
    mask0 = ONES if flip else NONE
    mask1 = TOP63 if flip else NONE
    for i in range(n):
        j, k = 2 * (ix + i * dx), 2 * (iy + i * dy)
        o = 2 * (io + i)
        out[o], out[o + 1] = plus(x[j], x[j + 1], y[k] ^ mask0, y[k + 1] ^ mask1)


@loop
def added(y: Any, iy: int, dy: int, out: Any, io: int, n: int) -> None:
    """out += y."""
    for i in range(n):
        k, o = 2 * (iy + i * dy), 2 * (io + i)
        out[o], out[o + 1] = plus(out[o], out[o + 1], y[k], y[k + 1])


@loop
def pair(
    x: Any, ix: int, y: Any, iy: int, table: Any, jx: int, jy: int, more: bool, out: Any, io: int, n: int
) -> None:
    """table[jx] * x + table[jy] * y; added to `out` if there is `more`."""
    a0, a1, b0, b1 = table[2 * jx], table[2 * jx + 1], table[2 * jy], table[2 * jy + 1]
    for i in range(n):
        j, k = 2 * (ix + i), 2 * (iy + i)
        p0, p1 = times(x[j], x[j + 1], a0, a1)
        q0, q1 = times(y[k], y[k + 1], b0, b1)
        p0, p1 = plus(p0, p1, q0, q1)
        o = 2 * (io + i)
        if more:
            p0, p1 = plus(p0, p1, out[o], out[o + 1])
        out[o], out[o + 1] = p0, p1


@loop
def single(x: Any, ix: int, table: Any, jx: int, more: bool, out: Any, io: int, n: int) -> None:
    """table[jx] * x; added to `out` if there is `more`."""
    c0, c1 = table[2 * jx], table[2 * jx + 1]
    for i in range(n):
        j = 2 * (ix + i)
        p0, p1 = times(x[j], x[j + 1], c0, c1)
        o = 2 * (io + i)
        if more:
            p0, p1 = plus(p0, p1, out[o], out[o + 1])
        out[o], out[o + 1] = p0, p1


@loop
def masked(x: Any, ix: int, n: int) -> Any:
    """Clear the bits above q in place; not 0 if an element is p itself."""
    bad = NONE
    for i in range(n):
        o = 2 * (ix + i)
        top = x[o + 1] & TOP63
        x[o + 1] = top
        bad |= np.uint64(top == TOP63 and x[o] == ONES)
    return bad


@loop
def unreduced(x: Any, ix: int, n: int) -> Any:
    """Not 0 if an element is not a residue."""
    bad = NONE
    for i in range(n):
        o = 2 * (ix + i)
        bad |= np.uint64(x[o + 1] == TOP63 and x[o] == ONES) | (x[o + 1] >> S63)
    return bad


@loop
def inner(x: Any, ix: int, y: Any, iy: int, out: Any, io: int, n: int) -> None:
    """out[io] = the sum of x * y."""
    low, top = NONE, NONE
    for i in range(n):
        j, k = 2 * (ix + i), 2 * (iy + i)
        p0, p1 = times(x[j], x[j + 1], y[k], y[k + 1])
        low, top = plus(low, top, p0, p1)
    out[2 * io], out[2 * io + 1] = low, top


@loop
def summed(x: Any, ix: int, out: Any, io: int, n: int) -> None:
    """out[io] = the sum of x."""
    low, top = NONE, NONE
    for i in range(n):
        low, top = plus(low, top, x[2 * (ix + i)], x[2 * (ix + i) + 1])
    out[2 * io], out[2 * io + 1] = low, top


@kernel(R, W, N)
def signed_127(x: Any, out: Any, n: int) -> None:
    """Signed words to residues: p + v = (2^63 - 1) * 2^64 + (2^64 - 1 + v)."""
    for i in range(n):
        negative = np.uint64(x[i]) >> S63
        out[2 * i] = np.uint64(x[i]) - negative
        out[2 * i + 1] = (NONE - negative) >> ONE


@kernel(W, R, N, returns=U)
def centred_127(x: Any, out: Any, n: int) -> Any:
    """Residues to signed words; not 0 if one does not fit."""
    bad = NONE
    for i in range(n):
        low, top = x[2 * i], x[2 * i + 1]
        negative = top >> S62
        bad |= (top ^ ((NONE - negative) >> ONE)) | ((low + negative) >> S63) ^ negative
        out[i] = np.int64(low + negative)
    return bad


@kernel(W, U, U, W, W, N)
def divide_127(px: Any, d0: Any, d1: Any, pquotient: Any, prest: Any, n: int) -> None:
    """Division of 128-bit integers by d = d1 * 2^64 + d0 < 2^127: in digits of 32 bits by a d of so many, else by
    restoring, bit for bit.
    """
    x, quotient, rest = carray(px, (n, 2)), carray(pquotient, (n, 2)), carray(prest, (n, 2))
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    if d1 == 0 and d0 <= low:
        for i in range(n):
            a3 = x[i, 1] >> half
            b3 = a3 // d0
            a2 = ((a3 - b3 * d0) << half) | (x[i, 1] & low)
            b2 = a2 // d0
            a1 = ((a2 - b2 * d0) << half) | (x[i, 0] >> half)
            b1 = a1 // d0
            a0 = ((a1 - b1 * d0) << half) | (x[i, 0] & low)
            b0 = a0 // d0
            quotient[i, 0] = (b1 << half) | b0
            quotient[i, 1] = (b3 << half) | b2
            rest[i, 0] = a0 - b0 * d0
            rest[i, 1] = np.uint64(0)
        return
    one = np.uint64(1)
    top = np.uint64(63)
    for i in range(n):
        q0 = x[i, 0]
        q1 = x[i, 1]
        r0 = np.uint64(0)
        r1 = np.uint64(0)
        for _ in range(128):
            r1 = (r1 << one) | (r0 >> top)
            r0 = (r0 << one) | (q1 >> top)
            q1 = (q1 << one) | (q0 >> top)
            q0 = q0 << one
            if r1 > d1 or (r1 == d1 and r0 >= d0):
                r1 = r1 - d1 - np.uint64(r0 < d0)
                r0 = r0 - d0
                q0 = q0 | one
        quotient[i, 0] = q0
        quotient[i, 1] = q1
        rest[i, 0] = r0
        rest[i, 1] = r1
