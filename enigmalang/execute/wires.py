"""Circuit operations on wires: one function each, shapes worked out, small simplifications done on the way."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array, Form
from enigmalang.execute.numbers import shrink
from enigmalang.execute.secret import Shape
from enigmalang.execute.trace import Wire

A, B = Form.ARITH, Form.BITS


def number(value: Any, form: Form = A) -> Array:
    """A public value as constants have it."""
    array = np.asarray(value)
    return array.astype(bool) if form is B else _integers(array)


def const(value: Any, form: Form = A) -> Wire:
    array = number(value, form)
    return Wire("const", (), array.shape, form, {"value": array})


def _integers(array: Array) -> Array:
    if array.dtype == object or array.dtype.kind == "u":  # uint64 is what NumPy makes of 2^63 and more
        return np.asarray(shrink(array.astype(object)))
    return array.astype(np.int64)


def given(value: Any, form: Form) -> Wire:
    """A client's own value, which it masks."""
    array = number(value, form)
    return Wire("input", (), array.shape, form, {}, array)


#: Shared by all wires without attributes; nobody changes it.
NO_ATTRS: dict[str, Any] = {}


def _node(op: str, args: tuple[Wire, ...], shape: Shape, form: Form, **attrs: Any) -> Wire:
    return Wire(op, args, shape, form, attrs)


def _wide(first: Wire, *others: Wire) -> Shape:
    shape = first.shape
    for wire in others:
        if wire.shape != shape:
            return np.broadcast_shapes(shape, *(w.shape for w in others))
    return shape


def add(a: Wire, b: Wire) -> Wire:
    return Wire("add", (a, b), _wide(a, b), A, NO_ATTRS)


def sub(a: Wire, b: Wire) -> Wire:
    return Wire("sub", (a, b), _wide(a, b), A, NO_ATTRS)


def neg(a: Wire) -> Wire:
    return Wire("neg", (a,), a.shape, A, NO_ATTRS)


def shift(a: Wire, amount: int) -> Wire:
    """`a + amount`."""
    return add(a, const(amount)) if amount else a


def scale(a: Wire, factor: Any) -> Wire:
    array = _integers(np.asarray(factor))
    return _node("scale", (a,), np.broadcast_shapes(a.shape, array.shape), A, factor=array)


def total(a: Wire, axis: int) -> Wire:
    axis %= len(a.shape)
    return _node("sum", (a,), a.shape[:axis] + a.shape[axis + 1 :], A, axis=axis)


def running(a: Wire) -> Wire:
    """Running sums along the last axis."""
    return _node("cumsum", (a,), a.shape, A)


def mul(a: Wire, b: Wire) -> Wire:
    if a.op == "const":
        a, b = b, a
    if b.op == "const" and b.handle is None:
        return scale(a, b.attrs["value"])
    return Wire("mul", (a, b), _wide(a, b), A, NO_ATTRS)


def dot(a: Wire, b: Wire) -> Wire:
    if a.op == "const" or b.op == "const" or a.shape[-1] == 0:
        wide = _wide(a, b)
        return total(broadcast(mul(a, b), wide), -1)
    return Wire("dot", (a, b), np.broadcast_shapes(a.shape[:-1], b.shape[:-1]), A, NO_ATTRS)


def matmul(a: Wire, b: Wire) -> Wire:
    """`(..., m, k) @ (..., k, n)`."""
    shape = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])
    return Wire("matmul", (a, b), shape, A, NO_ATTRS)


def ltz(a: Wire, bits: int | None = None) -> Wire:
    """`a < 0`; of fewer bits, for `-2^bits <= a < 2^bits`."""
    return Wire("ltz", (a,), a.shape, B, NO_ATTRS if bits is None else {"bits": bits})


def eqz(a: Wire, bits: int | None = None) -> Wire:
    """`a == 0`; of fewer bits, for `|a| <= 2^bits`."""
    return Wire("eqz", (a,), a.shape, B, NO_ATTRS if bits is None else {"bits": bits})


def b2a(a: Wire) -> Wire:
    return const(a.attrs["value"]) if a.op == "const" else Wire("b2a", (a,), a.shape, A, NO_ATTRS)


def a2b(a: Wire, bits: int) -> Wire:
    return _node("a2b", (a,), (*a.shape, bits), B, bits=bits)


def select(c: Wire, x: Wire, y: Wire) -> Wire:
    """`c` is 0 or 1."""
    return Wire("select", (c, x, y), _wide(c, x, y), A, NO_ATTRS)


def shr(a: Wire, count: int) -> Wire:
    """The floor of `a / 2^count`. Of what was shifted, the shift of the whole: beside the first, not after it."""
    exact = divided(a, count)
    if exact is not None:
        return exact
    if a.op == "shr" and a.handle is None and a.attrs["mode"] == "exact":
        return shr(a.args[0], a.attrs["f"] + count)
    return _node("shr", (a,), a.shape, A, f=count, mode="exact")


def divided(a: Wire, count: int) -> Wire | None:
    """`a / 2^count` where `a` is a multiple of that by its making, else None."""
    if count == 0:
        return a
    if a.op != "scale" or a.handle is not None:
        return None
    factor = np.asarray(a.attrs["factor"])
    low = int(np.bitwise_or.reduce(factor, axis=None)) if factor.size else 0
    twos = min(count, (low & -low).bit_length() - 1) if low else count  # zeros are multiples of anything
    inner = divided(a.args[0], count - twos)
    if inner is None:
        return None
    left = factor >> twos
    return inner if left.size and inner.shape == a.shape and bool(np.all(left == 1)) else scale(inner, left)


def divc(a: Wire, divisor: int) -> Wire:
    if divisor & (divisor - 1) == 0:
        return shr(a, divisor.bit_length() - 1)
    return _node("divc", (a,), a.shape, A, divisor=divisor)


def divmod_(a: Wire, b: Wire, bits: int) -> tuple[Wire, Wire]:
    """Quotient and remainder; `0 <= a < 2^bits`, `b >= 0`."""
    shape = _wide(a, b)
    both = _node("divmod", (a, b), (2, *shape), A, bits=max(1, bits))
    return take_one(both, 0, 0), take_one(both, 1, 0)


def xor(a: Wire, b: Wire) -> Wire:
    return Wire("xor", (a, b), _wide(a, b), B, NO_ATTRS)


def not_(a: Wire) -> Wire:
    return a.args[0] if a.op == "not" and a.args else Wire("not", (a,), a.shape, B, NO_ATTRS)


def and_(a: Wire, b: Wire) -> Wire:
    for known, other in ((a, b), (b, a)):
        if known.op == "const" and other.op != "const":
            return masked(other, known.attrs["value"])
    return Wire("and", (a, b), _wide(a, b), B, NO_ATTRS)


def or_(a: Wire, b: Wire) -> Wire:
    return not_(and_(not_(a), not_(b)))


def order(op: str, args: tuple[Wire, ...], shape: Shape, **attrs: Any) -> Wire:
    """`sort`, `shuffle`, `permute`: a result (columns, *batch, rows)."""
    return _node(op, args, shape, A, **attrs)


# ---- structure


def reshape(a: Wire, shape: Shape) -> Wire:
    return a if a.shape == tuple(shape) else _node("reshape", (a,), tuple(shape), a.form)


def broadcast(a: Wire, shape: Shape) -> Wire:
    return a if a.shape == tuple(shape) else _node("broadcast", (a,), tuple(shape), a.form)


def take(a: Wire, indices: Any, axis: int) -> Wire:
    where = np.asarray(indices, dtype=np.int64)
    axis %= len(a.shape)
    return _node("take", (a,), a.shape[:axis] + where.shape + a.shape[axis + 1 :], a.form, indices=where, axis=axis)


def take_one(a: Wire, index: int, axis: int) -> Wire:
    return take(a, np.int64(index), axis)


def transpose(a: Wire, axes: Sequence[int]) -> Wire:
    axes = tuple(axes)
    if axes == tuple(range(len(axes))):
        return a
    return _node("transpose", (a,), tuple(a.shape[i] for i in axes), a.form, axes=axes)


def move_last(a: Wire, axis: int) -> Wire:
    rank = len(a.shape)
    axis %= rank
    return transpose(a, [i for i in range(rank) if i != axis] + [axis])


def concat(parts: Sequence[Wire], axis: int) -> Wire:
    if len(parts) == 1:
        return parts[0]
    axis %= len(parts[0].shape)
    shape = list(parts[0].shape)
    shape[axis] = sum(p.shape[axis] for p in parts)
    return _node("concat", tuple(parts), tuple(shape), parts[0].form, axis=axis)


def expand(a: Wire, axis: int) -> Wire:
    """A new axis of size 1 at `axis` of the result."""
    axis %= len(a.shape) + 1
    return reshape(a, (*a.shape[:axis], 1, *a.shape[axis:]))


def picked(mask: Array, a: Wire, b: Wire) -> Wire:
    """`a` where the public `mask` is true, else `b`: a matter of taking, in either form."""
    shape = np.broadcast_shapes(mask.shape, a.shape, b.shape)
    mask = _without_repeats(mask)
    if mask.size and mask.all():
        return broadcast(a, shape)
    if not mask.any():
        return broadcast(b, shape)
    axes = [axis for axis in range(-mask.ndim, 0) if mask.shape[axis] > 1]
    a, b = broadcast(a, shape), broadcast(b, shape)
    if len(axes) == 1:  # whole rows along one axis: as many numbers as it has places, not elements
        places = np.arange(shape[axes[0]])
        return take(concat([a, b], axes[0]), np.where(mask.ravel(), places, len(places) + places), axes[0])
    size = int(np.prod(shape, dtype=np.int64))
    places = np.arange(size)
    chosen = np.where(np.broadcast_to(mask, shape).ravel(), places, size + places)
    return reshape(take(concat([reshape(x, (size,)) for x in (a, b)], 0), chosen, 0), shape)


def _without_repeats(mask: Array) -> Array:
    """The mask with every axis along which it does not change cut to one place."""
    for axis in range(mask.ndim):
        first = mask.take([0], axis) if mask.shape[axis] > 1 else mask
        if first is not mask and (mask == first).all():
            mask = first
    return mask


def masked(a: Wire, mask: Array) -> Wire:
    """`a` where the public `mask` is true, else 0."""
    mask = np.asarray(mask, dtype=bool)
    return picked(mask, a, const(np.zeros((), dtype=np.int64), a.form))


def fold(a: Wire, axis: int, join: Callable[[Wire, Wire], Wire]) -> Wire:
    """Join all elements of an axis (at least one) in a tree of logarithmic depth; the axis goes."""
    axis %= len(a.shape)
    while (length := a.shape[axis]) > 1:
        half = length // 2
        joined = join(take(a, np.arange(half), axis), take(a, np.arange(half, 2 * half), axis))
        a = joined if length % 2 == 0 else concat([joined, take(a, np.array([length - 1]), axis)], axis)
    return reshape(a, a.shape[:axis] + a.shape[axis + 1 :])
