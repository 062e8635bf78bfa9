"""Arithmetic modulo 2^61 - 1, one word an element.

Products are taken by 31-bit halves, which processors multiply several at a time: a third of the time of 64-bit
multiplications. Loops run over `n` elements; an operand is a pointer, its first element's number and a step, 0 for
one element that is repeated, or 1.
"""

from typing import Any

import numpy as np

from enigmalang.fields.kernels.build import P61, N, R, U, W, inline, kernel, loop

LOW32 = np.uint64((1 << 32) - 1)
LOW31 = np.uint64((1 << 31) - 1)
LOW30 = np.uint64((1 << 30) - 1)
LOW29 = np.uint64((1 << 29) - 1)
S1, S29, S30, S31, S32, S61 = (np.uint64(k) for k in (1, 29, 30, 31, 32, 61))
NONE = np.uint64(0)
HALF = np.int64((1 << 60) - 1)


@inline
def once(s: Any) -> Any:
    """s < 2^63, s <= 2p, less p if it is not below."""
    t = s - P61
    return s if np.int64(t) < 0 else t


@inline
def folded(s: Any) -> Any:
    """Any word to its residue."""
    return once((s & P61) + (s >> S61))


@inline
def high(a: Any) -> Any:
    """The upper half of a residue, 30 bits; the mask tells the compiler that it fits 32."""
    return (a >> S31) & LOW32


@inline
def shifted31(mid: Any) -> Any:
    """mid * 2^31 modulo p, below 2^61 + 2^34."""
    return (mid >> S30) + ((mid & LOW30) << S31)


@inline
def times(a: Any, b: Any) -> Any:
    """a * b modulo p."""
    a0, a1, b0, b1 = a & LOW31, high(a), b & LOW31, high(b)
    return folded(a0 * b0 + ((a1 * b1) << S1) + shifted31(a0 * b1 + a1 * b0))


@inline
def halves(low: Any, top: Any) -> Any:
    """low + top * 2^32 modulo p for any two words."""
    upper = folded(top)
    return folded(folded(low) + ((upper & LOW29) << S32) + (upper >> S29))


# ---------------------------------------------------------------- loops


@loop
def product(x: Any, ix: int, dx: int, y: Any, iy: int, dy: int, out: Any, io: int, n: int) -> None:
    """x * y."""
    if dx == 0:
        a = x[ix]
        for i in range(n):
            out[io + i] = times(a, y[iy + i * dy])
    elif dy == 0:
        b = y[iy]
        for i in range(n):
            out[io + i] = times(x[ix + i], b)
    else:
        for i in range(n):
            out[io + i] = times(x[ix + i], y[iy + i])


@loop
def difference_product(
    c: Any, ic: int, dc: int, x: Any, ix: int, dx: int, y: Any, iy: int, dy: int, out: Any, io: int, n: int
) -> None:
    """c * (x - y)."""
    if dx == 1 and dy == 1 and dc == 1:
        for i in range(n):
            out[io + i] = times(c[ic + i], once(x[ix + i] + (P61 - y[iy + i])))
    else:
        for i in range(n):
            out[io + i] = times(c[ic + i * dc], once(x[ix + i * dx] + (P61 - y[iy + i * dy])))


@loop
def total(x: Any, ix: int, dx: int, y: Any, iy: int, dy: int, flip: bool, out: Any, io: int, n: int) -> None:
    """x + y, or x - y: the complement of a residue is p less it."""
    mask = P61 if flip else NONE
    if dx == 0:
        a = x[ix]
        for i in range(n):
            out[io + i] = once(a + (y[iy + i * dy] ^ mask))
    elif dy == 0:
        b = y[iy] ^ mask
        for i in range(n):
            out[io + i] = once(x[ix + i] + b)
    else:
        for i in range(n):
            out[io + i] = once(x[ix + i] + (y[iy + i] ^ mask))


@loop
def added(y: Any, iy: int, dy: int, out: Any, io: int, n: int) -> None:
    """out += y."""
    if dy == 0:
        b = y[iy]
        for i in range(n):
            out[io + i] = once(out[io + i] + b)
    else:
        for i in range(n):
            out[io + i] = once(out[io + i] + y[iy + i])


@loop
def pair(
    x: Any, ix: int, y: Any, iy: int, table: Any, jx: int, jy: int, more: bool, out: Any, io: int, n: int
) -> None:
    """table[jx] * x + table[jy] * y; added to `out` if there is `more`."""
    a0, a1, b0, b1 = table[jx] & LOW31, high(table[jx]), table[jy] & LOW31, high(table[jy])
    a2, b2 = (a1 << S1) & LOW32, (b1 << S1) & LOW32  # 2^62 = 2 modulo p
    if more:
        for i in range(n):
            p, q = x[ix + i], y[iy + i]
            p0, p1, q0, q1 = p & LOW31, high(p), q & LOW31, high(q)
            low = p0 * a0 + q0 * b0
            low = (low & P61) + (low >> S61) + p1 * a2 + q1 * b2
            out[io + i] = folded(low + shifted31(p0 * a1 + p1 * a0 + q0 * b1 + q1 * b0) + out[io + i])
    else:
        for i in range(n):
            p, q = x[ix + i], y[iy + i]
            p0, p1, q0, q1 = p & LOW31, high(p), q & LOW31, high(q)
            low = p0 * a0 + q0 * b0
            low = (low & P61) + (low >> S61) + p1 * a2 + q1 * b2
            out[io + i] = folded(low + shifted31(p0 * a1 + p1 * a0 + q0 * b1 + q1 * b0))


@loop
def single(x: Any, ix: int, table: Any, jx: int, more: bool, out: Any, io: int, n: int) -> None:
    """table[jx] * x; added to `out` if there is `more`."""
    c = table[jx]
    if more:
        for i in range(n):
            out[io + i] = once(times(x[ix + i], c) + out[io + i])
    else:
        for i in range(n):
            out[io + i] = times(x[ix + i], c)


@loop
def masked(x: Any, ix: int, n: int) -> Any:
    """Clear the bits above q in place; not 0 if an element is p itself."""
    bad = NONE
    for i in range(n):
        word = x[ix + i] & P61
        x[ix + i] = word
        bad |= np.uint64(word == P61)
    return bad


@loop
def unreduced(x: Any, ix: int, n: int) -> Any:
    """Not 0 if a word is not a residue."""
    bad = NONE
    for i in range(n):
        word = x[ix + i]
        bad |= (word + S1) >> S61 | (word >> S61)
    return bad


@loop
def inner(x: Any, ix: int, y: Any, iy: int, out: Any, io: int, n: int) -> None:
    """out[io] = the sum of x * y, at most 2^31 terms: summed by 32-bit halves, which needs no reduction."""
    low, top = NONE, NONE
    for i in range(n):
        a, b = x[ix + i], y[iy + i]
        a0, a1, b0, b1 = a & LOW31, high(a), b & LOW31, high(b)
        term = a0 * b0 + ((a1 * b1) << S1) + shifted31(a0 * b1 + a1 * b0)
        low += term & LOW32
        top += term >> S32
    out[io] = halves(low, top)


@loop
def summed(x: Any, ix: int, out: Any, io: int, n: int) -> None:
    """out[io] = the sum of x, at most 2^31 terms."""
    low, top = NONE, NONE
    for i in range(n):
        low += x[ix + i] & LOW32
        top += x[ix + i] >> S32
    out[io] = halves(low, top)


@kernel(R, W, N)
def signed_61(x: Any, out: Any, n: int) -> None:
    """Signed words to residues."""
    for i in range(n):
        v = (x[i] & np.int64(P61)) + (x[i] >> np.int64(61))  # from -4 to p + 3
        w = np.uint64(v + np.int64(P61) if v < 0 else v)
        out[i] = once(w)


@kernel(W, R, N, returns=U)
def centred_61(x: Any, out: Any, n: int) -> Any:
    """Residues to signed words of least size. In place, too. Returns 0: all fit."""
    for i in range(n):
        v = np.int64(x[i])
        out[i] = v - np.int64(P61) if v > HALF else v
    return NONE
