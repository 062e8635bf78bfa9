"""Operations on order in the clear: sorting rows, shuffling, running sums. Axes count from the end; a batch in front.

Which results are public is the same on all engines: a column says something of the others only if it decides the
order (`public_columns`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array
from enigmalang.circuits.order import random_orders
from enigmalang.execute import numbers as n
from enigmalang.execute.defaults import zeros
from enigmalang.execute.failures import revert
from enigmalang.execute.kernels import check
from enigmalang.execute.secret import Secret
from enigmalang.execute.shapes import check_index
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.ir.typing import columns


def public_columns(op: Operation, args: Sequence[Any]) -> tuple[bool, ...]:
    """For each result of an operation of `ORDERS` whether it is public: nothing private moved its rows."""
    found = columns(op.op, args, op.attrs)
    deciding = args[: op.attrs["keys"]] if op.op == "sort" else args[: len(args) - len(found)]
    free = op.op != "shuffle" and not any(isinstance(a, Secret) for a in deciding)
    return tuple(free and not isinstance(c, Secret) for c in found)


def element_type(op: Operation, number: int) -> Any:
    type = op.results[number].type
    assert isinstance(type, Tensor)
    return type.element


def check_columns(op: Operation, found: Sequence[Any]) -> int:
    """The common length of the columns; reverts (E0504) when they differ."""
    sizes = [c.shape[axis] for c, axis in zip(found, op.attrs["axes"], strict=True)]
    for size in sizes[1:]:
        if size != sizes[0]:
            raise revert(op, "E0504", f"{sizes[0]} keys for {size} elements", "each element needs a key of its own")
    return int(sizes[0])


def checked_ranks(op: Operation, args: Sequence[Any], length: int) -> Array | None:
    """The places of the order that are asked for, or None for all; reverts (E0504) where there is no such place."""
    if op.op != "sort" or not op.attrs["ranked"]:
        return None
    check_index(op, args[-1], length)
    return np.asarray(args[-1]).astype(np.int64)


def moved(column: Array, order: Array, axis: int) -> Array:
    """Row `order[…, i]` of the column at place i; the batches of both are in step."""
    rest = (1,) * (-axis - 1)
    batch = np.broadcast_shapes(column.shape[: column.ndim + axis], order.shape[:-1])
    wide = np.broadcast_to(column, (*batch, *column.shape[column.ndim + axis :]))
    places = np.broadcast_to(order, (*batch, order.shape[-1])).reshape(*batch, order.shape[-1], *rest)
    return np.take_along_axis(wide, places, axis=axis)


def order_of(keys: Sequence[Array], descending: bool) -> Array:
    """The stable order of rows by `keys` along their last axis, the first key first."""
    keys = np.broadcast_arrays(*keys)
    if descending:  # rows that are equal keep their order: reversed before, and reversed after
        keys = [np.flip(k, -1) for k in keys]
    order = np.argsort(keys[-1], axis=-1, kind="stable")
    for key in reversed(keys[:-1]):
        again = np.argsort(np.take_along_axis(key, order, -1), axis=-1, kind="stable")
        order = np.take_along_axis(order, again, -1)
    return np.asarray(keys[0].shape[-1] - 1 - np.flip(order, -1) if descending else order)


def sort(op: Operation, args: Sequence[Any]) -> tuple[Any, ...]:
    found = columns(op.op, args, op.attrs)
    length = check_columns(op, found)
    ranks = checked_ranks(op, args, length)
    order = order_of(found[: op.attrs["keys"]], op.attrs["descending"])
    if ranks is not None:
        order = np.take(order, ranks, axis=-1)
    return tuple(moved(c, order, axis) for c, axis in zip(found, op.attrs["axes"], strict=True))


def _shuffle(op: Operation, args: Sequence[Any]) -> tuple[Any, ...]:
    length = check_columns(op, args)
    batch = np.broadcast_shapes(*(c.shape[: c.ndim + a] for c, a in zip(args, op.attrs["axes"], strict=True)))
    order = random_orders((*batch, length))
    return tuple(moved(c, order, axis) for c, axis in zip(args, op.attrs["axes"], strict=True))


def _permute(op: Operation, args: Sequence[Any]) -> tuple[Any, ...]:
    order, *found = args
    check_columns(op, found)
    back = np.argsort(order.astype(np.int64), axis=-1, kind="stable")
    return tuple(moved(c, back, axis) for c, axis in zip(found, op.attrs["axes"], strict=True))


def _spread(op: Operation, args: Sequence[Any]) -> tuple[Any, ...]:
    flags, *found = args
    flags = np.asarray(flags, dtype=bool)
    check_columns(op, found)
    last = np.maximum.accumulate(np.where(flags, np.arange(flags.shape[-1]), -1), axis=-1)
    return tuple(
        _blanked(moved(c, np.maximum(last, 0), axis), last < 0, axis, element_type(op, number))
        for number, (c, axis) in enumerate(zip(found, op.attrs["axes"], strict=True)))


def _blanked(column: Array, where: Array, axis: int, element: Any) -> Array:
    """Zeros in the rows that `where` marks."""
    mask = np.broadcast_to(where.reshape(*where.shape, *(1,) * (-axis - 1)), column.shape)
    return np.where(mask, zeros(element, ()), column)


def running(xs: Array, axis: int) -> Array:
    """Running sums, exact."""
    if xs.dtype != object and n.top(xs) * max(1, xs.shape[axis]) < 1 << 62:
        return np.cumsum(xs, axis=axis, dtype=np.int64)
    return np.asarray(n.shrink(np.cumsum(n.wide(xs), axis=axis)))


def _cumsum(op: Operation, args: Sequence[Any]) -> tuple[Any, ...]:
    return (running(args[0], op.attrs["axis"]),)


def _like(op: Operation, args: Sequence[Any]) -> tuple[Any, ...]:
    x, y = args
    return (np.broadcast_to(x, np.broadcast_shapes(np.shape(x), np.shape(y))),)


KERNELS: dict[str, Callable[[Operation, Sequence[Any]], tuple[Any, ...]]] = {
    "sort": sort, "shuffle": _shuffle, "permute": _permute, "spread": _spread, "cumsum": _cumsum, "like": _like,
}
_CHECKED = frozenset(("cumsum", "like"))


def ordered(op: Operation, private: bool, args: Sequence[Any]) -> tuple[Any, ...]:
    """The results of an operation on order; scalars are plain Python values. Reverts E0502, E0504."""
    made = tuple(n.scalar(r) for r in KERNELS[op.op](op, args))
    if not private and op.op in _CHECKED:
        check(op, made[0], element_type(op, 0))
    return made

