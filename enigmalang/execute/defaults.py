"""Zeros of types, and arrays of a type's elements."""

from contextlib import suppress
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array
from enigmalang.execute.numbers import grow, shrink
from enigmalang.execute.secret import Shape
from enigmalang.ir.ir import IRType, Slot, Tensor
from enigmalang.types.types import BoolT, EnumT, FixedT, IntT
from enigmalang.types.zeros import zero_scalar


def is_number(element: Any) -> bool:
    return isinstance(element, IntT | FixedT | EnumT)


def zeros(element: Any, shape: Shape) -> Array:
    if is_number(element):
        return np.zeros(shape, dtype=np.int64)
    if isinstance(element, BoolT):
        return np.zeros(shape, dtype=bool)
    return np.full(shape, zero_scalar(element), dtype=object)


def zero_of(type: IRType, shape: Shape) -> Any:
    """The zero of `type`; a scalar for the empty shape."""
    if not isinstance(type, Tensor):
        return None
    return zeros(type.element, shape) if shape else zero_scalar(type.element)


def slot_shape(slot: Slot) -> Shape:
    """The shape of the slot's default: arrays have their size, lists are empty."""
    return tuple((n or 0) if exact else 0 for n, exact in zip(slot.lens, slot.exact, strict=True))


def array_of(element: Any, items: Any, shape: Shape) -> Array:
    """`items` (nested sequences of scalars, or an array) as an array of `shape`."""
    if is_number(element):
        with suppress(OverflowError):  # wider than int64: as Python integers, below
            return grow(np.asarray(items, dtype=np.int64).reshape(shape))
    elif isinstance(items, np.ndarray):
        return items.reshape(shape)
    flat: list[Any] = []
    _flatten(items, len(shape), flat)
    if isinstance(element, BoolT):
        return np.array(flat, dtype=bool).reshape(shape)
    made = np.empty(len(flat), dtype=object)
    made[:] = flat
    made = made.reshape(shape)
    return shrink(made) if is_number(element) else made


def _flatten(items: Any, depth: int, into: list[Any]) -> None:
    if depth == 0:
        into.append(items)
        return
    for item in items:
        _flatten(item, depth - 1, into)


def shape_of_nested(items: Any, rank: int) -> Shape:
    """The shape of nested sequences of depth `rank`."""
    shape: list[int] = []
    for _ in range(rank):
        shape.append(len(items))
        items = items[0] if len(items) else ()
    return tuple(shape)
