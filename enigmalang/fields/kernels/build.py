"""What the kernels are written with: the types of their operands, 128-bit words, and the list of them all.

A kernel gets pointers and lengths, allocates nothing and raises nothing: its code stands alone.
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


def intrinsic128(build: Callable[[Any, Any, Any], Any]) -> Any:
    """A function of two 128-bit numbers, (a0, a1, b0, b1) to (low, high), made by `build(builder, a, b)`."""
    word = types.uint64

    def typed(typingctx: Any, a0: Any, a1: Any, b0: Any, b1: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            i128, i64 = ir.IntType(128), ir.IntType(64)

            def joined(low: Any, high: Any) -> Any:
                shifted = builder.shl(builder.zext(high, i128), ir.Constant(i128, 64))
                return builder.or_(shifted, builder.zext(low, i128))

            result = build(builder, joined(args[0], args[1]), joined(args[2], args[3]))
            top = builder.trunc(builder.lshr(result, ir.Constant(i128, 64)), i64)
            return cgutils.pack_array(builder, [builder.trunc(result, i64), top])

        return types.UniTuple(word, 2)(word, word, word, word), codegen

    return intrinsic(typed)

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "boundscheck": False, "no_cfunc_wrapper": True}

W, B, R = types.CPointer(types.uint64), types.CPointer(types.uint8), types.CPointer(types.int64)
F, WS = types.CPointer(types.float64), types.CPointer(W)
N, U, FLAG, REAL = types.int64, types.uint64, types.boolean, types.float64

#: Kernels by name: what Numba made of each.
COMPILED: dict[str, Any] = {}


def kernel(*operands: Any, returns: Any = types.void) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile at once, for these operands: pointers (W words, F floats, B bytes, R row numbers, WS pointers to
    words), N lengths, U words, REAL numbers."""

    def compile_it(function: Callable[..., Any]) -> Callable[..., Any]:
        COMPILED[function.__name__] = njit(returns(*operands), **_OPTIONS)(function)
        return function

    return compile_it


inline: Callable[[Callable[..., Any]], Callable[..., Any]] = njit(inline="always")


def loop(*operands: Any, returns: Any = types.void) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A loop that several kernels share, compiled once, for operands as those of `kernel`."""
    compile_it: Callable[[Callable[..., Any]], Callable[..., Any]] = njit(returns(*operands), **_OPTIONS)
    return compile_it
