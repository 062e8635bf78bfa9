"""Arithmetic modulo 2^127 - 1, two words an element, the low one first."""

from typing import Any

import numpy as np
from numba import carray  # type: ignore[attr-defined]

from enigmalang.fields.kernels.build import FLAG, ONES, TOP63, N, U, W, inline, kernel, wide_mul


@inline
def _canon127(low: Any, high: Any) -> Any:
    """A 128-bit number, at most 2p, to its residue."""
    carry = high >> np.uint64(63)
    high = high & TOP63
    low = low + carry
    if low < carry:
        high = high + np.uint64(1)
        carry = high >> np.uint64(63)
        high = high & TOP63
        low = low + carry
    if low == ONES and high == TOP63:
        return np.uint64(0), np.uint64(0)
    return low, high


@inline
def _add127(a0: Any, a1: Any, b0: Any, b1: Any) -> Any:
    low = a0 + b0
    return _canon127(low, a1 + b1 + np.uint64(low < a0))


@inline
def _mul127(a0: Any, a1: Any, b0: Any, b1: Any) -> Any:
    h00, r0 = wide_mul(a0, b0)
    h01, l01 = wide_mul(a0, b1)
    h10, l10 = wide_mul(a1, b0)
    h11, l11 = wide_mul(a1, b1)
    r1 = h00 + l01
    c1 = np.uint64(r1 < l01)
    r1 += l10
    c1 += np.uint64(r1 < l10)
    r2 = l11 + h01
    c2 = np.uint64(r2 < h01)
    r2 += h10
    c2 += np.uint64(r2 < h10)
    r2 += c1
    c2 += np.uint64(r2 < c1)
    r3 = h11 + c2
    top0 = (r2 << np.uint64(1)) | (r1 >> np.uint64(63))
    top1 = (r3 << np.uint64(1)) | (r2 >> np.uint64(63))
    return _add127(r0, r1 & TOP63, top0, top1)


@kernel(W, W, W, N)
def mul_127(px: Any, py: Any, pout: Any, n: int) -> None:
    x, y, out = carray(px, (n, 2)), carray(py, (n, 2)), carray(pout, (n, 2))
    for i in range(n):
        out[i, 0], out[i, 1] = _mul127(x[i, 0], x[i, 1], y[i, 0], y[i, 1])


@kernel(W, N, W, N, W, N, FLAG)
def add_127(px: Any, nx: int, py: Any, ny: int, pout: Any, n: int, subtract: bool) -> None:
    """x + y, or x - y; an operand of length 1 is repeated."""
    x, y, out = carray(px, (nx, 2)), carray(py, (ny, 2)), carray(pout, (n, 2))
    dx = np.int64(nx != 1)
    dy = np.int64(ny != 1)
    flip = ONES if subtract else np.uint64(0)
    for i in range(n):
        b0 = y[i * dy, 0] ^ flip
        b1 = y[i * dy, 1] ^ (flip >> np.uint64(1))
        out[i, 0], out[i, 1] = _add127(x[i * dx, 0], x[i * dx, 1], b0, b1)


@kernel(W, N, W, N, W, N, N, N, N)
def matmul_127(px: Any, bx: int, py: Any, by: int, pout: Any, bo: int, m: int, inner: int, n: int) -> None:
    """(B, m, k) @ (B, k, n), two limbs on the last axis; either batch may be 1."""
    x, y, out = carray(px, (bx, m, inner, 2)), carray(py, (by, inner, n, 2)), carray(pout, (bo, m, n, 2))
    for b in range(bo):
        ix = b if bx > 1 else 0
        iy = b if by > 1 else 0
        for i in range(m):
            for j in range(n):
                s0 = np.uint64(0)
                s1 = np.uint64(0)
                for k in range(inner):
                    z0, z1 = _mul127(x[ix, i, k, 0], x[ix, i, k, 1], y[iy, k, j, 0], y[iy, k, j, 1])
                    s0, s1 = _add127(s0, s1, z0, z1)
                out[b, i, j, 0] = s0
                out[b, i, j, 1] = s1


@kernel(W, U, U, W, W, N)
def divide_127(px: Any, d0: Any, d1: Any, pquotient: Any, prest: Any, n: int) -> None:
    """Restoring division of 127-bit integers by d = d1 * 2^64 + d0 < 2^127."""
    x, quotient, rest = carray(px, (n, 2)), carray(pquotient, (n, 2)), carray(prest, (n, 2))
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
