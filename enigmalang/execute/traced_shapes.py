"""The traced domain's rules for lists, arrays and matrices: places, rows, reductions, products of vectors."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from enigmalang.circuits.bristol import circuit_of
from enigmalang.execute import rules
from enigmalang.execute import wires as w
from enigmalang.execute.kernels import element_of
from enigmalang.execute.netlists import gates_on
from enigmalang.execute.secret import Shape
from enigmalang.execute.shapes import check_index, check_pop, check_room, clip, fill_shape, full_axes
from enigmalang.execute.trace import Traced, Wire
from enigmalang.execute.traced_numbers import Rule, equal_rule, is_truth
from enigmalang.ir.ir import Operation
from enigmalang.types.types import fraction

if TYPE_CHECKING:
    from enigmalang.execute.traced import TracedDomain as D


def _structural(build: Callable[..., Wire]) -> Rule:
    """Operations on one array that only move its elements."""
    def make(d: "D", op: Operation, x: Traced, *rest: Any) -> Traced:
        return d.tracer.traced(build(op, x.wire, *rest), x.truth)
    return make


def _stack(d: "D", op: Operation, *parts: Any) -> Traced:
    alike = d.alike(parts)
    shape = np.broadcast_shapes(*(p.shape for p in alike))
    axis = op.attrs["axis"]
    made = w.concat([w.expand(w.broadcast(p, shape), axis) for p in alike], axis)
    return d.tracer.traced(made, is_truth(op.result.type))


def _fill(op: Operation, x: Wire) -> Wire:
    inner, outer = fill_shape(op, x.shape)
    return w.broadcast(w.reshape(x, inner), outer)


def _concat(d: "D", op: Operation, a: Any, b: Any) -> Traced:
    axis = op.attrs["axis"]
    parts = [p for p in (a, b) if p.shape[axis]] or [a]
    return d.tracer.traced(w.concat(d.alike(parts), axis), is_truth(op.result.type))


def _append(d: "D", op: Operation, xs: Any, x: Any) -> Traced:
    axis = op.attrs["axis"]
    check_room(op, xs.shape[axis], op.attrs.get("max"))
    if xs.shape[axis] == 0:
        (row,) = d.alike((x,))
        return d.tracer.traced(w.expand(row, axis), is_truth(op.result.type))
    whole, row = d.alike((xs, x))
    row = w.expand(row, axis)
    shape = list(whole.shape)
    shape[axis] = 1
    return d.tracer.traced(w.concat([whole, w.broadcast(row, tuple(shape))], axis), is_truth(op.result.type))


def _pop(d: "D", op: Operation, xs: Traced) -> tuple[Traced, Traced]:
    axis = op.attrs["axis"]
    length = xs.shape[axis]
    check_pop(op, length)
    return (d.tracer.traced(w.take(xs.wire, np.arange(length - 1), axis), xs.truth),
            d.tracer.traced(w.take_one(xs.wire, length - 1, axis), xs.truth))


def _one_hot(d: "D", i: Any, length: int) -> Wire:
    """Bits on a new last axis: which of `length` places `i` names; none when it lies outside."""
    x = d.arith(i)
    return w.eqz(w.sub(w.expand(x, -1), w.const(np.arange(length))))


def _index(d: "D", op: Operation, xs: Any, i: Any) -> Traced:
    axis, truth = op.attrs["axis"], is_truth(op.result.type)
    length = xs.shape[axis]
    if 0 in xs.shape[:axis]:  # a batch without rows: nothing is outside
        length = 0
    elif not isinstance(i, Traced):
        check_index(op, i, length)
        return d.tracer.traced(_public_row(xs.wire, i, axis), truth)
    if length == 0:
        each = i.shape if isinstance(i, Traced) else np.shape(i)
        shape = (*np.broadcast_shapes(xs.shape[:axis], each), *xs.shape[axis:][1:])
        return d.tracer.traced(w.const(np.zeros(shape, dtype=np.int64), w.B if truth else w.A), truth)
    hot = _one_hot(d, i, length)
    (whole,) = d.alike((xs,)) if not truth else (d.bits(xs),)
    last = w.move_last(whole, axis)  # batch, row, place
    hot = w.reshape(hot, (*hot.shape[:-1], *(1,) * (-axis - 1), length))
    if truth:
        chosen = w.and_(hot, last)
        return d.truth(w.fold(chosen, -1, w.xor))
    return d.made(w.dot(w.b2a(hot), last))


def _public_row(xs: Wire, i: Any, axis: int) -> Wire:
    if not isinstance(i, np.ndarray):
        return w.take_one(xs, int(i), axis)
    if not xs.shape[:axis]:
        return w.take(xs, i, axis)
    batch = np.broadcast_shapes(xs.shape[:axis], i.shape)
    rest = xs.shape[axis:]
    count = int(np.prod(batch, dtype=np.int64))
    flat = w.reshape(w.broadcast(xs, (*batch, *rest)), (count * rest[0], *rest[1:]))
    rows = np.arange(count) * rest[0] + np.broadcast_to(i, batch).ravel().astype(np.int64)
    return w.reshape(w.take(flat, rows, 0), (*batch, *rest[1:]))


def _set_index(d: "D", op: Operation, xs: Any, i: Any, x: Any) -> Traced:
    axis, truth = op.attrs["axis"], is_truth(op.result.type)
    length = xs.shape[axis]
    if 0 in xs.shape[:axis]:  # a batch without rows: nothing is outside
        length = 0
    elif not isinstance(i, Traced):
        check_index(op, i, length)
    whole, row = d.alike((xs, x))
    row = w.expand(row, axis)
    if not isinstance(i, Traced):
        where = np.asarray(i, dtype=np.int64).reshape(np.shape(i) + (1,) * -axis)
        places = np.arange(length).reshape(length, *(1,) * (-axis - 1))
        return d.tracer.traced(w.picked(places == where, row, whole), truth)
    hot = _one_hot(d, i, length)
    hot = w.reshape(hot, (*hot.shape, *(1,) * (-axis - 1)))
    if whole.form is w.B:
        return d.truth(w.xor(whole, w.and_(hot, w.xor(row, whole))))
    return d.tracer.traced(w.select(w.b2a(hot), row, whole), truth)


def _slice(op: Operation, x: Wire, low: int, high: int) -> Wire:
    axis = op.attrs["axis"]
    return w.take(x, np.array(clip(low, high, x.shape[axis]), dtype=np.int64), axis)


def _gather(op: Operation, x: Wire, indices: Any) -> Wire:
    axis = op.attrs["axis"]
    check_index(op, indices, x.shape[axis])
    return w.take(x, np.asarray(indices).astype(np.int64), axis)


def _reverse(op: Operation, x: Wire) -> Wire:
    axis = op.attrs["axis"]
    return w.take(x, np.arange(x.shape[axis])[::-1].copy(), axis)


def _contains(d: "D", op: Operation, xs: Any, x: Any) -> Traced:
    found: Traced = equal_rule(False)(d, op, xs, x)
    if xs.shape[-1] == 0:
        return d.truth(w.const(np.zeros((), dtype=bool), w.B))
    return d.truth(w.fold(d.bits(found), -1, w.or_))


# ---- reductions


def _without(shape: Shape, axis: int) -> Shape:
    axis %= len(shape)
    return shape[:axis] + shape[axis + 1 :]


def _quantified(join: Callable[[Wire, Wire], Wire], empty: bool) -> Rule:
    def make(d: "D", op: Operation, xs: Any) -> Traced:
        axis = op.attrs["axis"]
        if xs.shape[axis] == 0:
            return d.truth(w.const(np.full(_without(xs.shape, axis), empty), w.B))
        return d.truth(w.fold(d.bits(xs), axis, join))
    return make


def _sum(d: "D", op: Operation, xs: Any) -> Traced:
    return d.made(w.total(d.arith(xs), op.attrs["axis"]))


def _dot(d: "D", op: Operation, a: Any, b: Any) -> Traced:
    return d.made(rules.rounded(w.dot(d.arith(a), d.arith(b)), fraction(element_of(op))))


def _matmul(d: "D", op: Operation, a: Any, b: Any) -> Traced:
    """As numpy.matmul: a vector stands for a row on the left, a column on the right."""
    x, y = d.arith(a), d.arith(b)
    left, right = len(x.shape) == 1, len(y.shape) == 1
    x, y = (w.expand(x, 0) if left else x), (w.expand(y, 1) if right else y)
    made = w.matmul(x, y)
    if left:
        made = w.reshape(made, _without(made.shape, -2))
    if right:
        made = w.reshape(made, made.shape[:-1])
    return d.made(rules.rounded(made, fraction(element_of(op))))


SHAPE_RULES: dict[str, Rule] = {
    "stack": _stack,
    "fill": _structural(_fill),
    "expand": _structural(lambda op, x: w.expand(x, op.attrs["axis"])),
    "concat": _concat,
    "append": _append,
    "pop": _pop,
    "index": _index,
    "set_index": _set_index,
    "slice": _structural(_slice),
    "gather": _structural(_gather),
    "reverse": _structural(_reverse),
    "transpose": _structural(lambda op, x: w.transpose(x, full_axes(op.attrs["axes"], len(x.shape)))),
    "contains": _contains,
    "reduce_sum": _sum,
    "reduce_any": _quantified(w.or_, False),
    "reduce_all": _quantified(w.and_, True),
    "netlist": lambda d, op, xs: d.truth(gates_on(circuit_of(op.attrs["circuit"]), d.bits(xs))),
    "dot": _dot,
    "matmul": _matmul,
}
