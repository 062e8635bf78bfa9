"""What the kernels are written with: the types of their operands, 128-bit words, and the list of them all.

A kernel gets pointers and lengths, allocates nothing and raises nothing: its code stands alone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from enigmalang.fields.kernels import language
from enigmalang.fields.kernels.language import BYTE, INT, WORD, Entry, Part

P61 = np.uint64((1 << 61) - 1)
TOP63 = np.uint64((1 << 63) - 1)  # the high limb of 2^127 - 1
ONES = np.uint64(0xFFFFFFFFFFFFFFFF)

W, B, R, F, WS = f"{WORD}*", f"{BYTE}*", f"{INT}*", f"{language.REAL}*", f"{WORD}**"
PLACES = f"{language.INT32}*"
N, U, FLAG, REAL = INT, WORD, language.FLAG, language.REAL

carray: Any = language.carray
wide: Any = language.wide
alike: Any = language.alike
four: Any = language.four
put_four: Any = language.put_four
lane: Any = language.lane
lows: Any = language.lows
middles: Any = language.middles
highs: Any = language.highs

#: Kernels by name.
KERNELS: dict[str, Entry] = {}


def kernel(*operands: str, returns: str = "void") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A function that is called from outside, with these operands: pointers (W words, F floats, B bytes, R row
    numbers, PLACES those of 32 bits, WS pointers to words), N lengths, U words, REAL numbers."""

    def keep(function: Callable[..., Any]) -> Callable[..., Any]:
        KERNELS[function.__name__] = Entry(function, operands, returns)
        return function

    return keep


def inline(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that becomes part of those that call it."""
    return Part(function, inline=True)


def loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """A loop that several kernels share, made once."""
    return Part(function, inline=False)


@inline
def wide_mul(a: Any, b: Any) -> Any:
    """(high, low) 64-bit halves of the 128-bit product of two words."""
    product = wide(a, 0) * wide(b, 0)
    return np.uint64(product >> 64), np.uint64(product)
