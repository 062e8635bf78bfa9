"""Arithmetic on constants, as the running program would do it but without limits: integers, truths, text, fractions."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from enigmalang.semantics.relations import element_of
from enigmalang.types.types import FixedT, IntT, TupleT, Type

#: No constant is folded beyond this many bits; no type could hold it.
MAX_BITS = 1024


def truncated(a: int, b: int) -> int | None:
    """a // b, toward zero."""
    if b == 0:
        return None
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _remainder(a: int, b: int) -> int | None:
    quotient = truncated(a, b)
    return None if quotient is None else a - quotient * b


def _power(a: int, b: int) -> int | None:
    return a**b if b >= 0 and max(a.bit_length(), 1) * b <= MAX_BITS * 4 else None


def _left(a: int, b: int) -> int | None:
    return a << b if 0 <= b <= MAX_BITS else None


_INTEGERS: dict[str, Callable[[int, int], int | None]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "//": truncated, "%": _remainder,
    "**": _power, "&": lambda a, b: a & b, "|": lambda a, b: a | b, "^": lambda a, b: a ^ b, "<<": _left,
    ">>": lambda a, b: a >> b if b >= 0 else None,
}
_FRACTIONS: dict[str, Callable[[Fraction, Fraction], Fraction | None]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else None,
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}


def fold_binary(op: str, a: Any, b: Any) -> Any:
    """The value of `a op b` on constants; None where it has none (or is left to run time)."""
    if a is None or b is None:
        return None
    if isinstance(a, bool) and isinstance(b, bool):
        return bool(_INTEGERS[op](a, b)) if op in ("&", "|", "^") else None
    if isinstance(a, str) and isinstance(b, str):
        return a + b if op == "+" else None
    if isinstance(a, bytes) and isinstance(b, bytes):
        return a + b if op == "+" else None
    if isinstance(a, int) and isinstance(b, int):
        return _INTEGERS[op](a, b) if op in _INTEGERS else None
    if isinstance(a, int | Fraction) and isinstance(b, int | Fraction) and op in _FRACTIONS:
        return _FRACTIONS[op](Fraction(a), Fraction(b))
    return None


def fold_compare(op: str, a: Any, b: Any) -> bool | None:
    numbers = isinstance(a, int | Fraction) and isinstance(b, int | Fraction)
    texts = type(a) is type(b) and isinstance(a, str | bytes)
    if not (numbers or texts) or op not in _COMPARISONS:
        return None
    return _COMPARISONS[op](a, b)


def raw(value: Any, type: Type) -> Any:
    """A constant (int, Fraction, tuples of them, or text) as the tables hold it for `type`: decimals to the nearest."""
    if isinstance(value, tuple):
        if isinstance(type, TupleT):
            return tuple(raw(v, t) for v, t in zip(value, type.items, strict=True))
        element = element_of(type)
        return tuple(raw(v, element) for v in value) if element is not None else value
    if isinstance(type, FixedT) and isinstance(value, int | Fraction):
        return math.floor(Fraction(value) * (1 << type.fraction) + Fraction(1, 2))
    return value


def outside(value: Any, type: Type) -> bool:
    """Whether the raw constant `value` does not fit `type`."""
    if isinstance(value, tuple):
        element = element_of(type)
        return element is not None and any(outside(v, element) for v in value)
    return isinstance(type, IntT | FixedT) and isinstance(value, int) and not type.low <= value <= type.high
