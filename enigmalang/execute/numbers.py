"""Exact integer arithmetic on Python integers and NumPy arrays.

A tensor of integers is an int64 array where its values fit, else an object array of Python integers; a scalar is a
Python integer. No operation ever wraps or rounds: int64 is used only when a bound on the result shows that it fits.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array

_LIMIT = 1 << 62


def top(value: Any) -> int:
    """The greatest magnitude in `value`."""
    if not isinstance(value, np.ndarray):
        return abs(int(value))
    if value.size == 0:
        return 0
    return max(abs(int(value.min())), abs(int(value.max())))


def wide(value: Any) -> Any:
    """Python integers."""
    return value.astype(object) if isinstance(value, np.ndarray) and value.dtype != object else value


def shrink(value: Any) -> Any:
    """int64 where all values fit."""
    if isinstance(value, np.ndarray) and value.dtype == object and top(value) < _LIMIT:
        return value.astype(np.int64)
    return value


def grow(value: Array) -> Array:
    """An int64 array, as Python integers where sums of its values might not fit."""
    return value if top(value) < _LIMIT else value.astype(object)


def exactly(operation: Callable[..., Any], bound: int, *values: Any) -> Any:
    """`operation(*values)` with a result of magnitude `bound` at most."""
    if not any(isinstance(v, np.ndarray) for v in values):
        return operation(*values)
    if bound < _LIMIT and not any(isinstance(v, np.ndarray) and v.dtype == object for v in values):
        return operation(*values)
    return shrink(np.asarray(operation(*(wide(v) for v in values)), dtype=object))


def add(a: Any, b: Any) -> Any:
    return exactly(operator.add, top(a) + top(b), a, b)


def sub(a: Any, b: Any) -> Any:
    return exactly(operator.sub, top(a) + top(b), a, b)


def mul(a: Any, b: Any) -> Any:
    return exactly(operator.mul, max(top(a) * top(b), top(a), top(b)), a, b)


def shift_left(a: Any, count: int) -> Any:
    return mul(a, 1 << count)


def floor_shift(a: Any, count: int) -> Any:
    return floor_div(a, 1 << count)


def floor_div(a: Any, b: int) -> Any:
    """Rounded down; `b` a positive Python integer."""
    return exactly(operator.floordiv, max(top(a), b), a, b)


def _truncated(a: Any, b: Any) -> Any:
    quotient = abs(a) // abs(b)
    return np.where((a < 0) != (b < 0), -quotient, quotient) if isinstance(quotient, np.ndarray) else (
        -quotient if (a < 0) != (b < 0) else quotient)


def trunc_div(a: Any, b: Any) -> Any:
    """Rounded toward zero; a zero divisor gives 0."""
    if isinstance(b, np.ndarray):
        zero = np.asarray(b == 0, dtype=bool)
        divided = exactly(_truncated, max(top(a), top(b)), a, np.where(zero, 1, b))
        return np.where(zero, 0, divided)
    if b == 0:
        return a * 0
    return exactly(_truncated, max(top(a), top(b)), a, b)


def trunc_mod(a: Any, b: Any) -> Any:
    """The remainder of `trunc_div`; a zero divisor gives 0."""
    remainder = sub(a, mul(trunc_div(a, b), b))
    return mul(remainder, _nonzero(b))


def _nonzero(b: Any) -> Any:
    return (b != 0).astype(np.int64) if isinstance(b, np.ndarray) else int(b != 0)


def round_shift(a: Any, count: int) -> Any:
    """`a / 2^count` to the nearest integer, halves up."""
    return floor_shift(add(a, 1 << (count - 1)), count) if count else a


def bitwise(operation: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    return exactly(operation, max(top(a), top(b)), a, b)


def compare(operation: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """A bool, or an array of bools; on text too."""
    if not isinstance(a, np.ndarray) and not isinstance(b, np.ndarray):
        return bool(operation(a, b))
    x, y = (_object(v) if _is_object(a) or _is_object(b) else v for v in (a, b))
    return np.asarray(operation(x, y), dtype=bool)


def _is_object(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return bool(value.dtype == object)
    return isinstance(value, str | bytes) or (isinstance(value, int) and abs(value) >= _LIMIT)


def _object(value: Any) -> Array:
    made = np.empty(np.shape(value) if isinstance(value, np.ndarray) else (), dtype=object)
    made[...] = value
    return made


def total(a: Array, axis: int) -> Any:
    """The sum over an axis; 0 where it is empty."""
    if a.dtype != object and top(a) * max(1, a.shape[axis]) < _LIMIT:
        return a.sum(axis=axis, dtype=np.int64)
    return shrink(np.asarray(wide(a).sum(axis=axis), dtype=object)) if a.shape[axis] else np.zeros(
        tuple(n for i, n in enumerate(a.shape) if i != axis % a.ndim), dtype=np.int64)


def dot(a: Array, b: Array) -> Any:
    """Sum of products over the last axis."""
    terms = max(1, a.shape[-1])
    return exactly(lambda x, y: np.asarray((x * y).sum(axis=-1)), max(top(a) * top(b) * terms, top(a), top(b)), a, b)


def matmul(a: Array, b: Array) -> Any:
    terms = max(1, a.shape[-1])
    return exactly(np.matmul, max(top(a) * top(b) * terms, top(a), top(b)), a, b)


def power(a: Any, exponent: int) -> Any:
    """`a` to a power of 0 or more."""
    if not isinstance(a, np.ndarray):
        return a**exponent
    return exactly(lambda x: x**exponent, max(top(a), 1) ** max(exponent, 1), a)


def minimum(a: Any, b: Any) -> Any:
    return exactly(np.minimum, max(top(a), top(b)), a, b) if _any_array(a, b) else min(a, b)


def maximum(a: Any, b: Any) -> Any:
    return exactly(np.maximum, max(top(a), top(b)), a, b) if _any_array(a, b) else max(a, b)


def _any_array(*values: Any) -> bool:
    return any(isinstance(v, np.ndarray) for v in values)


def scalar(value: Any) -> Any:
    """A 0-dimensional array or NumPy scalar as a plain Python value; arrays stay."""
    if isinstance(value, np.ndarray):
        return value.item() if value.ndim == 0 else value
    return value.item() if isinstance(value, np.generic) else value
