"""Operations on shapes, access and reductions, in the clear. Axes count from the end; a batch stands in front."""

from collections.abc import Callable
from typing import Any

import numpy as np

from enigmalang.circuits.bristol import circuit_of
from enigmalang.circuits.circuit import Array
from enigmalang.execute import numbers as n
from enigmalang.execute.defaults import array_of, is_number, shape_of_nested, zeros
from enigmalang.execute.failures import Revert, revert
from enigmalang.execute.kernels import check, element_of
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.types.types import fraction
from enigmalang.types.zeros import zero_scalar


def const(op: Operation, private: bool) -> Any:
    value, type = op.attrs["value"], op.results[0].type
    if isinstance(type, Tensor) and type.rank:
        return array_of(type.element, value, shape_of_nested(value, type.rank))
    return value


def tensor(element: Any, value: Any) -> Array:
    """A scalar as a 0-dimensional array; arrays stay."""
    if isinstance(value, np.ndarray):
        return value
    made = zeros(element, ())
    if is_number(element) and abs(value) >= 1 << 62:
        made = made.astype(object)
    made[()] = value
    return made


def join_arrays(element: Any, parts: list[Array], axis: int) -> Array:
    """Concatenate; int64 and object arrays mix."""
    if not is_number(element):
        return np.concatenate(parts, axis=axis)
    if any(p.dtype == object for p in parts):
        parts = [p.astype(object) for p in parts]
    return np.concatenate(parts, axis=axis)


def _rows(xs: Array, x: Any, element: Any, axis: int) -> tuple[Array, Array]:
    """`x` as one row of `xs`: with an axis of size 1; an empty list takes its row's shape."""
    row = np.expand_dims(tensor(element, x), axis)
    if xs.shape[axis] == 0:
        xs = np.zeros((*row.shape[:axis], 0, *row.shape[axis:][1:]), dtype=row.dtype)
    shape = list(xs.shape)
    shape[axis] = 1
    return xs, np.broadcast_to(row, shape)


def _stack(op: Operation, private: bool, *parts: Any) -> Any:
    element = element_of(op)
    arrays = np.broadcast_arrays(*[tensor(element, p) for p in parts])
    return join_arrays(element, [np.expand_dims(a, op.attrs["axis"]) for a in arrays], op.attrs["axis"])


def _empty(op: Operation, private: bool) -> Any:
    type = op.results[0].type
    assert isinstance(type, Tensor)
    return zeros(type.element, (0,) * type.rank)


def fill_shape(op: Operation, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The operand with axes of size 1 where the new ones come, and the result's shape."""
    dims = tuple(op.attrs["dims"])
    own = -op.attrs["axis"] - len(dims)
    at = len(shape) - own
    return (*shape[:at], *(1,) * len(dims), *shape[at:]), (*shape[:at], *dims, *shape[at:])


def _fill(op: Operation, private: bool, x: Any) -> Any:
    array = tensor(element_of(op), x)
    inner, outer = fill_shape(op, array.shape)
    return np.broadcast_to(array.reshape(inner), outer)


def _concat(op: Operation, private: bool, a: Any, b: Any) -> Any:
    axis = op.attrs["axis"]
    if not isinstance(a, np.ndarray) and not isinstance(b, np.ndarray):
        return a + b
    return concat_fitting(element_of(op), a, b, axis)


def concat_fitting(element: Any, a: Array, b: Array, axis: int) -> Array:
    """Concatenate; an empty side takes the shape of the other one's rows."""
    if a.shape[axis] == 0 and b.shape[axis] != 0:
        return b
    if b.shape[axis] == 0:
        return a
    return join_arrays(element, [a, b], axis)


def _append(op: Operation, private: bool, xs: Array, x: Any) -> Any:
    axis, most = op.attrs["axis"], op.attrs.get("max")
    check_room(op, xs.shape[axis], most)
    whole, row = _rows(xs, x, element_of(op), axis)
    return join_arrays(element_of(op), [whole, row], axis)


def check_room(op: Operation, length: int, most: int | None) -> None:
    if most is not None and length >= most:
        raise revert(op, "E0508", f"the list is full: it holds at most {most}")


def check_pop(op: Operation, length: int) -> None:
    if length == 0:
        raise revert(op, "E0508", "the list is empty")


def _pop(op: Operation, private: bool, xs: Array) -> Any:
    axis = op.attrs["axis"]
    check_pop(op, xs.shape[axis])
    last = xs.shape[axis] - 1
    return np.take(xs, range(last), axis=axis), n.scalar(np.take(xs, last, axis=axis))


def _len(op: Operation, private: bool, xs: Any) -> Any:
    return xs.shape[op.attrs["axis"]] if isinstance(xs, np.ndarray) else len(
        xs.encode() if isinstance(xs, str) else xs)


def outside(op: Operation, index: int, length: int) -> Revert:
    return revert(op, "E0504", f"index {index} is outside of the {length} elements",
                  "indices count from 0 and are not negative" if index < 0 else None)


def check_index(op: Operation, index: Any, length: int) -> None:
    array = np.asarray(index, dtype=object)
    for item in (array.min(), array.max()) if array.size else ():
        if not 0 <= item < length:
            raise outside(op, int(item), length)


def _index(op: Operation, private: bool, xs: Any, i: Any) -> Any:
    axis = op.attrs["axis"]
    if not isinstance(xs, np.ndarray):
        check_index(op, i, len(xs))
        return xs[i : i + 1] if isinstance(xs, str | bytes) else xs[i]
    length = xs.shape[axis]
    rows = 0 not in xs.shape[:axis]  # of a batch: no row, nothing outside
    if not private and rows:
        check_index(op, i, length)
        return take_at(xs, i, axis)
    if length == 0 or not rows:
        shape = (*np.broadcast_shapes(xs.shape[:axis], np.shape(i)), *xs.shape[axis:][1:])
        return n.scalar(zeros(element_of(op), shape))
    inside = np.asarray((np.asarray(i) >= 0) & (np.asarray(i) < length), dtype=bool)
    safe = np.where(inside, np.asarray(i), 0).astype(np.int64)
    taken = np.asarray(take_at(xs, n.scalar(safe), axis))
    mask = inside.reshape(inside.shape + (1,) * (-axis - 1))
    return np.where(mask, taken, np.asarray(zero_scalar(element_of(op)), dtype=taken.dtype))


def take_at(xs: Array, i: Any, axis: int) -> Any:
    """Row `i` along `axis`; `i` may have a batch of its own, in step with the one in front of `axis`."""
    if not isinstance(i, np.ndarray):
        return np.take(xs, int(i), axis=axis)
    batch = np.broadcast_shapes(xs.shape[:axis], i.shape)
    wide = np.broadcast_to(xs, (*batch, *xs.shape[axis:]))
    where = np.broadcast_to(i, batch).reshape(*batch, *(1,) * -axis).astype(np.int64)
    return np.squeeze(np.take_along_axis(wide, where, axis=axis), axis=axis)


def _set_index(op: Operation, private: bool, xs: Array, i: Any, x: Any) -> Any:
    axis = op.attrs["axis"]
    length = xs.shape[axis]
    if not private:
        check_index(op, i, length)
    positions = np.arange(length).reshape(length, *(1,) * (-axis - 1))
    where = np.asarray(i, dtype=object).reshape(np.shape(i) + (1,) * -axis)
    row = np.expand_dims(tensor(element_of(op), x), axis)
    mask = np.asarray(positions == where, dtype=bool)
    made = np.where(mask, row, xs)
    return n.shrink(made) if is_number(element_of(op)) else made


def clip(low: int, high: int, length: int) -> range:
    """Python's slice `[low:high]` of `length` elements."""
    return range(*slice(low, high).indices(length))


def _slice(op: Operation, private: bool, xs: Any, low: Any, high: Any) -> Any:
    if not isinstance(xs, np.ndarray):
        return xs[low:high]
    axis = op.attrs["axis"]
    return np.take(xs, np.array(clip(low, high, xs.shape[axis]), dtype=np.int64), axis=axis)


def _gather(op: Operation, private: bool, xs: Any, indices: Any) -> Any:
    axis = op.attrs["axis"]
    check_index(op, indices, xs.shape[axis])
    return np.take(xs, np.asarray(indices).astype(np.int64), axis=axis)


def _range(op: Operation, private: bool, low: int, high: int, step: int) -> Any:
    if step == 0:
        raise revert(op, "E0503", "the step of a range is 0")
    count = -((low - high) // step) if (low < high) == (step > 0) else 0
    if count > 1 << 28:
        raise revert(op, "E0515", f"a range of {count} steps", "a range has at most 2^28 steps")
    if max(abs(low), abs(high), abs(step)) < 1 << 62:
        return np.arange(low, high, step, dtype=np.int64)
    return np.array(range(low, high, step), dtype=object)


def _transpose(op: Operation, private: bool, x: Array) -> Any:
    return np.transpose(x, full_axes(op.attrs["axes"], x.ndim))


def full_axes(axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """A permutation of the last axes as one of all."""
    return (*range(rank - len(axes)), *(a % rank for a in axes))


def _contains(op: Operation, private: bool, xs: Any, x: Any) -> Any:
    if not isinstance(xs, np.ndarray):
        return x in xs
    return bool(np.any(n.compare(lambda a, b: a == b, xs, x))) if xs.size else False


# ---- reductions


def check_some(op: Operation, shape: tuple[int, ...]) -> None:
    """What is least or greatest along an axis needs an element there, in a batch that has rows."""
    axis = op.attrs["axis"] % len(shape)
    if shape[axis] == 0 and 0 not in shape[:axis] + shape[axis + 1 :]:
        raise revert(op, "E0508", "the list is empty: it has no least and no greatest element")


def _extreme(pick: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(op: Operation, private: bool, xs: Array) -> Any:
        check_some(op, xs.shape)
        axis = op.attrs["axis"]
        if xs.shape[axis] == 0:
            return zeros(element_of(op), tuple(s for i, s in enumerate(xs.shape) if i != axis % xs.ndim))
        return pick(xs, axis=axis)
    return reduce


def _reduce_any(op: Operation, private: bool, xs: Array) -> Any:
    return np.any(np.asarray(xs, dtype=bool), axis=op.attrs["axis"])


def _reduce_all(op: Operation, private: bool, xs: Array) -> Any:
    return np.all(np.asarray(xs, dtype=bool), axis=op.attrs["axis"])


def _dot(op: Operation, private: bool, a: Array, b: Array) -> Any:
    return n.round_shift(n.dot(a, b), fraction(element_of(op)))


def _matmul(op: Operation, private: bool, a: Array, b: Array) -> Any:
    return n.round_shift(n.matmul(a, b), fraction(element_of(op)))


def _netlist(op: Operation, private: bool, xs: Array) -> Any:
    circuit = circuit_of(op.attrs["circuit"])
    bits = np.asarray(xs, dtype=bool)
    if 0 in bits.shape[:-1]:  # no rows: nothing is known of their width
        return np.zeros((*bits.shape[:-1], len(circuit.ends)), dtype=bool)
    made = circuit.evaluate(bits.reshape(-1, circuit.width))
    return made.reshape(*bits.shape[:-1], len(circuit.ends))


SHAPED: dict[str, Callable[..., Any]] = {
    "const": const,
    "stack": _stack,
    "empty": _empty,
    "fill": _fill,
    "expand": lambda op, private, x: np.expand_dims(tensor(element_of(op), x), op.attrs["axis"]),
    "concat": _concat,
    "append": _append,
    "pop": _pop,
    "len": _len,
    "index": _index,
    "set_index": _set_index,
    "slice": _slice,
    "gather": _gather,
    "range": _range,
    "reverse": lambda op, private, xs: np.flip(xs, axis=op.attrs["axis"]),
    "transpose": _transpose,
    "contains": _contains,
    "reduce_sum": lambda op, private, xs: n.total(xs, op.attrs["axis"]),
    "reduce_any": _reduce_any,
    "reduce_all": _reduce_all,
    "reduce_min": _extreme(np.min),
    "reduce_max": _extreme(np.max),
    "netlist": _netlist,
    "dot": _dot,
    "matmul": _matmul,
}

_CHECKED = frozenset({"reduce_sum", "dot", "matmul"})


def shaped(op: Operation, private: bool, args: tuple[Any, ...]) -> Any:
    """The result (a tuple of two for `pop`); scalars are plain Python values."""
    made = SHAPED[op.op](op, private, *args)
    if isinstance(made, tuple):
        return made
    value = n.scalar(made)
    return check(op, value, element_of(op)) if not private and op.op in _CHECKED else value
