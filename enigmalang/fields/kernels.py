"""Numba kernels over contiguous uint64 arrays. Import through `fields.warm`, which holds the compile lock.

Signatures are explicit, so importing this module compiles every kernel once and later imports load the cache.
All kernels release the GIL. Residues are canonical (0 <= x < p) on entry and on exit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit
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

_OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy", "boundscheck": False}


def _reads(dimensions: int, dtype: Any = types.uint64) -> Any:
    """A contiguous operand; received frames are read-only arrays."""
    return types.Array(dtype, dimensions, "C", readonly=True)


def _writes(dimensions: int) -> Any:
    return types.Array(types.uint64, dimensions, "C")


def _kernel(*operands: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    compiler: Callable[[Callable[..., None]], Callable[..., None]] = njit(types.void(*operands), **_OPTIONS)
    return compiler


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


@_kernel(_reads(1), _reads(1), _writes(1))
def mul_61(x: Any, y: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        out[i] = _canon61(_fold61(x[i], y[i]))


@_kernel(_reads(1), _reads(1), _writes(1), types.boolean)
def add_61(x: Any, y: Any, out: Any, subtract: bool) -> None:
    """x + y, or x - y; an operand of length 1 is repeated."""
    dx = np.int64(x.shape[0] != 1)
    dy = np.int64(y.shape[0] != 1)
    for i in range(out.shape[0]):
        b = y[i * dy]
        s = x[i * dx] + (P61 - b if subtract else b)
        out[i] = s - P61 if s >= P61 else s


@_kernel(_reads(3), _reads(3), _writes(3))
def matmul_61(x: Any, y: Any, out: Any) -> None:
    """(B, m, k) @ (B, k, n); either batch may be 1."""
    inner = x.shape[2]
    for b in range(out.shape[0]):
        bx = b if x.shape[0] > 1 else 0
        by = b if y.shape[0] > 1 else 0
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                acc = np.uint64(0)
                for k in range(inner):
                    acc = (acc & P61) + (acc >> np.uint64(61)) + _fold61(x[bx, i, k], y[by, k, j])
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


@_kernel(_reads(2), _reads(2), _writes(2))
def mul_127(x: Any, y: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        out[i, 0], out[i, 1] = _mul127(x[i, 0], x[i, 1], y[i, 0], y[i, 1])


@_kernel(_reads(2), _reads(2), _writes(2), types.boolean)
def add_127(x: Any, y: Any, out: Any, subtract: bool) -> None:
    """x + y, or x - y; an operand of length 1 is repeated."""
    dx = np.int64(x.shape[0] != 1)
    dy = np.int64(y.shape[0] != 1)
    flip = ONES if subtract else np.uint64(0)
    for i in range(out.shape[0]):
        b0 = y[i * dy, 0] ^ flip
        b1 = y[i * dy, 1] ^ (flip >> np.uint64(1))
        out[i, 0], out[i, 1] = _add127(x[i * dx, 0], x[i * dx, 1], b0, b1)


@_kernel(_reads(4), _reads(4), _writes(4))
def matmul_127(x: Any, y: Any, out: Any) -> None:
    """(B, m, k) @ (B, k, n), two limbs on the last axis; either batch may be 1."""
    inner = x.shape[2]
    for b in range(out.shape[0]):
        bx = b if x.shape[0] > 1 else 0
        by = b if y.shape[0] > 1 else 0
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                s0 = np.uint64(0)
                s1 = np.uint64(0)
                for k in range(inner):
                    z0, z1 = _mul127(x[bx, i, k, 0], x[bx, i, k, 1], y[by, k, j, 0], y[by, k, j, 1])
                    s0, s1 = _add127(s0, s1, z0, z1)
                out[b, i, j, 0] = s0
                out[b, i, j, 1] = s1


@_kernel(_reads(2), types.uint64, types.uint64, _writes(2), _writes(2))
def divide_127(x: Any, d0: Any, d1: Any, quotient: Any, rest: Any) -> None:
    """Restoring division of 127-bit integers by d = d1 * 2^64 + d0 < 2^127."""
    one = np.uint64(1)
    top = np.uint64(63)
    for i in range(x.shape[0]):
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


@_kernel(_reads(2), _writes(2))
def to_planes(x: Any, out: Any) -> None:
    """Lane-major integers (N, L limbs) to bit planes (64*L, ceil(N/64)); missing lanes are 0.

    64x64 block transposes by recursive swaps (Hacker's Delight, 7-3).
    """
    lanes = x.shape[0]
    block = np.empty(64, np.uint64)
    for limb in range(x.shape[1]):
        for w in range(out.shape[1]):
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


_ROWS = _reads(1, types.int64)


@_kernel(_reads(3), _ROWS, _reads(3), _ROWS, _reads(2, types.boolean), _writes(2))
def cross_and(x: Any, rows_x: Any, y: Any, rows_y: Any, mine: Any, out: Any) -> None:
    """out[r] = XOR over pieces a, b with mine[a, b] of x[a, rows_x[r]] AND y[b, rows_y[r]].

    x and y are (pieces, planes, words); out is (rows, words).
    """
    pieces = x.shape[0]
    words = x.shape[2]
    for r in range(out.shape[0]):
        i = rows_x[r]
        j = rows_y[r]
        out[r] = 0
        for a in range(pieces):
            for b in range(pieces):
                if mine[a, b]:
                    for w in range(words):
                        out[r, w] ^= x[a, i, w] & y[b, j, w]
