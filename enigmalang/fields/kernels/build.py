"""What the kernels are written with: the types of their operands, 128-bit words, and the list of them all.

A kernel gets pointers and lengths, allocates nothing and raises nothing: its code stands alone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit  # type: ignore[attr-defined]
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


def kernel(*operands: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Compile at once, for these operands: pointers (W words, B bytes, R row numbers), N lengths, U numbers."""

    def compile_it(function: Callable[..., None]) -> Callable[..., None]:
        COMPILED[function.__name__] = njit(types.void(*operands), **_OPTIONS)(function)
        return function

    return compile_it


inline: Callable[[Callable[..., Any]], Callable[..., Any]] = njit(inline="always")
