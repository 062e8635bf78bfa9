"""Arithmetic modulo 2^127 - 1, two words an element, the low one first.

Loops run over `n` elements, four at a time and then the rest; an operand is a pointer, its first element's number and
a step, 0 for one element that is repeated, or 1.
"""

from typing import Any

import numpy as np

from enigmalang.fields.kernels import quads127 as quads
from enigmalang.fields.kernels.build import ONES, TOP63, N, R, U, W, alike, carray, inline, kernel, lane, loop, wide

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


@inline
def _lanes(t0: Any, t1: Any, t2: Any, t3: Any, t4: Any) -> Any:
    """The sum of the four elements with these columns."""
    lows, highs = quads.residue_of(t0, t1, t2, t3, t4)
    low, top = NONE, NONE
    for k in range(4):
        low, top = plus(low, top, lane(lows, k), lane(highs, k))
    return low, top


# ---------------------------------------------------------------- loops


@loop
def product(x: Any, ix: int, dx: int, y: Any, iy: int, dy: int, out: Any, io: int, n: int) -> None:
    """x * y."""
    if dx == 0 and dy == 1:
        single(y, iy, x, ix, False, out, io, n)
    elif dx == 1 and dy == 0:
        single(x, ix, y, iy, False, out, io, n)
    else:
        whole = n - n % 4 if dx == 1 else 0
        for i in range(0, whole, 4):
            a0, a1, a2, a3, a4 = quads.digits(x, ix + i)
            b0, b1, b2, b3, b4 = quads.digits(y, iy + i)
            t0, t1, t2, t3, t4 = quads.columns(a0, a1, a2, a3, a4, b0, b1, b2, b3, b4)
            low, high = quads.product_of(t0, t1, t2, t3, t4)
            quads.put(low, high, out, io + i)
        for i in range(whole, n):
            j, k, o = 2 * (ix + i * dx), 2 * (iy + i * dy), 2 * (io + i)
            out[o], out[o + 1] = times(x[j], x[j + 1], y[k], y[k + 1])


@loop
def difference_product(
    c: Any, ic: int, dc: int, x: Any, ix: int, dx: int, y: Any, iy: int, dy: int, out: Any, io: int, n: int
) -> None:
    """c * (x - y)."""
    whole = n - n % 4 if dc == 1 and dx == 1 and dy == 1 else 0
    for i in range(0, whole, 4):
        a0, a1, a2, a3, a4 = quads.digits(c, ic + i)
        b0, b1, b2, b3, b4 = quads.digits(x, ix + i)
        m0, m1, m2, m3, m4 = quads.complement(y, iy + i)
        b0, b1, b2, b3, b4 = b0 + m0, b1 + m1, b2 + m2, b3 + m3, b4 + m4
        t0, t1, t2, t3, t4 = quads.columns(b0, b1, b2, b3, b4, a0, a1, a2, a3, a4)
        low, high = quads.residue_of(t0, t1, t2, t3, t4)
        quads.put(low, high, out, io + i)
    for i in range(whole, n):
        m, j, k = 2 * (ic + i * dc), 2 * (ix + i * dx), 2 * (iy + i * dy)
        d0, d1 = plus(x[j], x[j + 1], y[k] ^ ONES, y[k + 1] ^ TOP63)
        o = 2 * (io + i)
        out[o], out[o + 1] = times(c[m], c[m + 1], d0, d1)


@loop
def total(x: Any, ix: int, dx: int, y: Any, iy: int, dy: int, flip: bool, out: Any, io: int, n: int) -> None:
    """x + y, or x - y: the complement of a residue is p less it."""
    mask0 = ONES if flip else NONE
    mask1 = TOP63 if flip else NONE
    whole = n - n % 4
    for i in range(0, whole, 4):
        a0, a1 = quads.words(x, ix + i * dx, dx)
        b0, b1 = quads.words(y, iy + i * dy, dy)
        low, high = quads.sum_of(a0, a1, b0 ^ mask0, b1 ^ mask1)
        quads.put(low, high, out, io + i)
    for i in range(whole, n):
        j, k = 2 * (ix + i * dx), 2 * (iy + i * dy)
        o = 2 * (io + i)
        out[o], out[o + 1] = plus(x[j], x[j + 1], y[k] ^ mask0, y[k + 1] ^ mask1)


@loop
def added(y: Any, iy: int, dy: int, out: Any, io: int, n: int) -> None:
    """out += y."""
    whole = n - n % 4
    for i in range(0, whole, 4):
        a0, a1 = quads.words(out, io + i, 1)
        b0, b1 = quads.words(y, iy + i * dy, dy)
        low, high = quads.sum_of(a0, a1, b0, b1)
        quads.put(low, high, out, io + i)
    for i in range(whole, n):
        k, o = 2 * (iy + i * dy), 2 * (io + i)
        out[o], out[o + 1] = plus(out[o], out[o + 1], y[k], y[k + 1])


@loop
def pair(
    x: Any, ix: int, y: Any, iy: int, table: Any, jx: int, jy: int, more: bool, out: Any, io: int, n: int
) -> None:
    """table[jx] * x + table[jy] * y; added to `out` if there is `more`."""
    a0, a1, a2, a3, a4 = quads.repeated(table, jx)
    b0, b1, b2, b3, b4 = quads.repeated(table, jy)
    whole = n - n % 4
    for i in range(0, whole, 4):
        p0, p1, p2, p3, p4 = quads.digits(x, ix + i)
        s0, s1, s2, s3, s4 = quads.columns(p0, p1, p2, p3, p4, a0, a1, a2, a3, a4)
        q0, q1, q2, q3, q4 = quads.digits(y, iy + i)
        t0, t1, t2, t3, t4 = quads.columns(q0, q1, q2, q3, q4, b0, b1, b2, b3, b4)
        t0, t1, t2, t3, t4 = s0 + t0, s1 + t1, s2 + t2, s3 + t3, s4 + t4
        if more:
            t0, t1, t2, t3, t4 = quads.increased(t0, t1, t2, t3, t4, out, io + i)
        low, high = quads.residue_of(t0, t1, t2, t3, t4)
        quads.put(low, high, out, io + i)
    for i in range(whole, n):
        j, k = 2 * (ix + i), 2 * (iy + i)
        u0, u1 = times(x[j], x[j + 1], table[2 * jx], table[2 * jx + 1])
        v0, v1 = times(y[k], y[k + 1], table[2 * jy], table[2 * jy + 1])
        u0, u1 = plus(u0, u1, v0, v1)
        o = 2 * (io + i)
        if more:
            u0, u1 = plus(u0, u1, out[o], out[o + 1])
        out[o], out[o + 1] = u0, u1


@loop
def single(x: Any, ix: int, table: Any, jx: int, more: bool, out: Any, io: int, n: int) -> None:
    """table[jx] * x; added to `out` if there is `more`."""
    a0, a1, a2, a3, a4 = quads.repeated(table, jx)
    whole = n - n % 4
    for i in range(0, whole, 4):
        p0, p1, p2, p3, p4 = quads.digits(x, ix + i)
        t0, t1, t2, t3, t4 = quads.columns(p0, p1, p2, p3, p4, a0, a1, a2, a3, a4)
        if more:
            t0, t1, t2, t3, t4 = quads.increased(t0, t1, t2, t3, t4, out, io + i)
        low, high = quads.residue_of(t0, t1, t2, t3, t4)
        quads.put(low, high, out, io + i)
    for i in range(whole, n):
        j, o = 2 * (ix + i), 2 * (io + i)
        u0, u1 = times(x[j], x[j + 1], table[2 * jx], table[2 * jx + 1])
        if more:
            u0, u1 = plus(u0, u1, out[o], out[o + 1])
        out[o], out[o + 1] = u0, u1


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
    whole = n - n % 4
    found, bad = alike(NONE), NONE
    for i in range(0, whole, 4):
        low, high = quads.words(x, ix + i, 1)
        found |= quads.excess(low, high)
    for k in range(4):
        bad |= lane(found, k) >> S63
    for i in range(whole, n):
        bad |= quads.excess(x[2 * (ix + i)], x[2 * (ix + i) + 1]) >> S63
    return bad


@loop
def inner(x: Any, ix: int, y: Any, iy: int, out: Any, io: int, n: int) -> None:
    """out[io] = the sum of x * y: 64 times four products are summed before anything is carried."""
    zero = alike(NONE)
    t0, t1, t2, t3, t4 = zero, zero, zero, zero, zero
    whole = n - n % 4
    for start in range(0, whole, 256):
        for i in range(start, min(start + 256, whole), 4):
            a0, a1, a2, a3, a4 = quads.digits(x, ix + i)
            b0, b1, b2, b3, b4 = quads.digits(y, iy + i)
            s0, s1, s2, s3, s4 = quads.columns(a0, a1, a2, a3, a4, b0, b1, b2, b3, b4)
            t0, t1, t2, t3, t4 = t0 + s0, t1 + s1, t2 + s2, t3 + s3, t4 + s4
        t0, t1, t2, t3, t4 = quads.settled(t0, t1, t2, t3, t4)
    low, top = _lanes(t0, t1, t2, t3, t4)
    for i in range(whole, n):
        j, k = 2 * (ix + i), 2 * (iy + i)
        p0, p1 = times(x[j], x[j + 1], y[k], y[k + 1])
        low, top = plus(low, top, p0, p1)
    out[2 * io], out[2 * io + 1] = low, top


@loop
def summed(x: Any, ix: int, out: Any, io: int, n: int) -> None:
    """out[io] = the sum of x: 2048 times four before anything is carried."""
    zero = alike(NONE)
    t0, t1, t2, t3, t4 = zero, zero, zero, zero, zero
    whole = n - n % 4
    for start in range(0, whole, 8192):
        for i in range(start, min(start + 8192, whole), 4):
            t0, t1, t2, t3, t4 = quads.increased(t0, t1, t2, t3, t4, x, ix + i)
        t0, t1, t2, t3, t4 = quads.settled(t0, t1, t2, t3, t4)
    low, top = _lanes(t0, t1, t2, t3, t4)
    for i in range(whole, n):
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
