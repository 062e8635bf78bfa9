"""Arithmetic modulo 2^61 - 1, one word an element."""

from typing import Any

import numpy as np
from numba import carray  # type: ignore[attr-defined]

from enigmalang.fields.kernels.build import FLAG, P61, N, W, inline, kernel, wide_mul


@inline
def _fold61(a: Any, b: Any) -> Any:
    """a*b modulo p up to one multiple: the result is below 2^62."""
    high, low = wide_mul(a, b)
    return (low & P61) + ((high << np.uint64(3)) | (low >> np.uint64(61)))


@inline
def _canon61(x: Any) -> Any:
    """Any uint64 to its residue."""
    y = (x & P61) + (x >> np.uint64(61))
    return y - P61 if y >= P61 else y


@kernel(W, W, W, N)
def mul_61(x: Any, y: Any, out: Any, n: int) -> None:
    for i in range(n):
        out[i] = _canon61(_fold61(x[i], y[i]))


@kernel(W, N, W, N, W, N, FLAG)
def add_61(x: Any, nx: int, y: Any, ny: int, out: Any, n: int, subtract: bool) -> None:
    """x + y, or x - y; an operand of length 1 is repeated."""
    dx = np.int64(nx != 1)
    dy = np.int64(ny != 1)
    for i in range(n):
        b = y[i * dy]
        s = x[i * dx] + (P61 - b if subtract else b)
        out[i] = s - P61 if s >= P61 else s


@kernel(W, N, W, N, W, N, N, N, N)
def matmul_61(px: Any, bx: int, py: Any, by: int, pout: Any, bo: int, m: int, inner: int, n: int) -> None:
    """(B, m, k) @ (B, k, n); either batch may be 1."""
    x, y, out = carray(px, (bx, m, inner)), carray(py, (by, inner, n)), carray(pout, (bo, m, n))
    for b in range(bo):
        ix = b if bx > 1 else 0
        iy = b if by > 1 else 0
        for i in range(m):
            for j in range(n):
                acc = np.uint64(0)
                for k in range(inner):
                    acc = (acc & P61) + (acc >> np.uint64(61)) + _fold61(x[ix, i, k], y[iy, k, j])
                out[b, i, j] = _canon61(acc)
