"""The kernels, written for Numba: loops over contiguous uint64 memory. Imported only to compile them.

`fields.native` keeps the machine code and calls it, so a process needs no compiler once one has compiled. A
kernel gets pointers and lengths, allocates nothing and raises nothing: its code stands alone. Residues are
canonical (0 <= x < p) on entry and on exit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, njit  # type: ignore[attr-defined]
from numba import types as _types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic

types: Any = _types  # numba leaves these untyped
cgutils: Any = _cgutils

P61 = np.uint64((1 << 61) - 1)
TOP63 = np.uint64((1 << 63) - 1)  # the high limb of 2^127 - 1
ONES = np.uint64(0xFFFFFFFFFFFFFFFF)


def _wide_mul(typingctx: Any, a: Any, b: Any) -> Any:
    """(high, low) 64-bit halves of the 128-bit product of two uint64."""
    signature = types.UniTuple(types.uint64, 2)(types.uint64, types.uint64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i128, i64 = ir.IntType(128), ir.IntType(64)
        product = builder.mul(builder.zext(args[0], i128), builder.zext(args[1], i128))
        high = builder.trunc(builder.lshr(product, ir.Constant(i128, 64)), i64)
        return cgutils.pack_array(builder, [high, builder.trunc(product, i64)])

    return signature, codegen


wide_mul: Any = intrinsic(_wide_mul)

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "boundscheck": False, "no_cfunc_wrapper": True}

W, B, R = types.CPointer(types.uint64), types.CPointer(types.uint8), types.CPointer(types.int64)
N, U, FLAG = types.int64, types.uint64, types.boolean

#: Kernels by name: what Numba made of each.
COMPILED: dict[str, Any] = {}


def _kernel(*operands: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Compile at once, for these operands: pointers (W words, B bytes, R row numbers), N lengths, U numbers."""

    def compile_it(function: Callable[..., None]) -> Callable[..., None]:
        COMPILED[function.__name__] = njit(types.void(*operands), **_OPTIONS)(function)
        return function

    return compile_it


_inline: Callable[[Callable[..., Any]], Callable[..., Any]] = njit(inline="always")


# ---------------------------------------------------------------- modulo 2^61 - 1


@_inline
def _fold61(a: Any, b: Any) -> Any:
    """a*b modulo p up to one multiple: the result is below 2^62."""
    high, low = wide_mul(a, b)
    return (low & P61) + ((high << np.uint64(3)) | (low >> np.uint64(61)))


@_inline
def _canon61(x: Any) -> Any:
    """Any uint64 to its residue."""
    y = (x & P61) + (x >> np.uint64(61))
    return y - P61 if y >= P61 else y


@_kernel(W, W, W, N)
def mul_61(x: Any, y: Any, out: Any, n: int) -> None:
    for i in range(n):
        out[i] = _canon61(_fold61(x[i], y[i]))


@_kernel(W, N, W, N, W, N, FLAG)
def add_61(x: Any, nx: int, y: Any, ny: int, out: Any, n: int, subtract: bool) -> None:
    """x + y, or x - y; an operand of length 1 is repeated."""
    dx = np.int64(nx != 1)
    dy = np.int64(ny != 1)
    for i in range(n):
        b = y[i * dy]
        s = x[i * dx] + (P61 - b if subtract else b)
        out[i] = s - P61 if s >= P61 else s


@_kernel(W, N, W, N, W, N, N, N, N)
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


# ---------------------------------------------------------------- modulo 2^127 - 1


@_inline
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


@_inline
def _add127(a0: Any, a1: Any, b0: Any, b1: Any) -> Any:
    low = a0 + b0
    return _canon127(low, a1 + b1 + np.uint64(low < a0))


@_inline
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


@_kernel(W, W, W, N)
def mul_127(px: Any, py: Any, pout: Any, n: int) -> None:
    x, y, out = carray(px, (n, 2)), carray(py, (n, 2)), carray(pout, (n, 2))
    for i in range(n):
        out[i, 0], out[i, 1] = _mul127(x[i, 0], x[i, 1], y[i, 0], y[i, 1])


@_kernel(W, N, W, N, W, N, FLAG)
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


@_kernel(W, N, W, N, W, N, N, N, N)
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


@_kernel(W, U, U, W, W, N)
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


# ---------------------------------------------------------------- GF(2), 64 lanes a word


@_kernel(W, W, W, N, N, N)
def to_planes(px: Any, pout: Any, block: Any, lanes: int, limbs: int, words: int) -> None:
    """Lane-major integers (lanes, limbs) to bit planes (64*limbs, words); missing lanes are 0. `block`: 64 words.

    64x64 block transposes by recursive swaps (Hacker's Delight, 7-3).
    """
    x, out = carray(px, (lanes, limbs)), carray(pout, (64 * limbs, words))
    for limb in range(limbs):
        for w in range(words):
            base = w * 64
            for i in range(64):
                block[i] = x[base + i, limb] if base + i < lanes else np.uint64(0)
            width = 32
            mask = np.uint64(0x00000000FFFFFFFF)
            while width:
                shift = np.uint64(width)
                for start in range(0, 64, 2 * width):
                    for i in range(start, start + width):
                        swap = ((block[i] >> shift) ^ block[i + width]) & mask
                        block[i + width] ^= swap
                        block[i] ^= swap << shift
                width >>= 1
                mask ^= mask << np.uint64(width)
            for i in range(64):
                out[limb * 64 + i, w] = block[i]


@_kernel(W, R, N, W, R, N, B, W, N, N, N)
def cross_and(
    px: Any, rows_x: Any, planes_x: int, py: Any, rows_y: Any, planes_y: int, pmine: Any, pout: Any,
    count: int, pieces: int, words: int,
) -> None:
    """out[r] = XOR over pieces a, b with mine[a, b] of x[a, rows_x[r]] AND y[b, rows_y[r]].

    x and y are (pieces, planes, words); out is (rows, words).
    """
    x, y = carray(px, (pieces, planes_x, words)), carray(py, (pieces, planes_y, words))
    mine, out = carray(pmine, (pieces, pieces)), carray(pout, (count, words))
    for r in range(count):
        i = rows_x[r]
        j = rows_y[r]
        for w in range(words):
            out[r, w] = np.uint64(0)
        for a in range(pieces):
            for b in range(pieces):
                if mine[a, b]:
                    for w in range(words):
                        out[r, w] ^= x[a, i, w] & y[b, j, w]
