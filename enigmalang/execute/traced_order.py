"""The traced domain's operations on order: sort, shuffle, permute, spread, running sums.

A circuit sorts columns of one shape (*batch, n) whose rows stand along the last axis; a column of the program whose
rows have axes of their own is taken apart into as many columns as a row has elements, and put together again after.

**What may be a permutation.** `permute` opens its places after a secret shuffle, which tells nothing exactly when
they are a permutation of 0..n-1. A program's own private numbers need not be one, so no type or range vouches for
them; the class `Places` does. Its values are made here alone: by moving the rows of a column that is a public
permutation, or that is `Places` already, with a sort (of all rows), a shuffle or a permute, whatever the order is.
`permute` refuses every other private value with `NotPlaces`, so not even a mistake of the standard library could
open something else; and programs cannot name the operation (semantics/builtins.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from enigmalang.circuits.circuit import Array
from enigmalang.execute import rules
from enigmalang.execute import wires as w
from enigmalang.execute.orders import check_columns, checked_ranks, element_type, moved, order_of, public_columns
from enigmalang.execute.secret import Secret, Shape
from enigmalang.execute.shapes import check_some
from enigmalang.execute.trace import Traced, Wire
from enigmalang.execute.traced_numbers import range_of
from enigmalang.ir.ir import Operation, Tensor, Value
from enigmalang.ir.typing import columns
from enigmalang.types.ranges import Range, nominal
from enigmalang.types.types import BoolT

if TYPE_CHECKING:
    from enigmalang.execute.traced import TracedDomain

#: A range for what the analysis does not know; every field holds it.
UNKNOWN = Range(-(1 << 58), (1 << 58) - 1)


class Places(Traced):
    """Private numbers that are a permutation of 0..n-1 along the last axis, by how they were made."""

    __slots__ = ()


class NotPlaces(Exception):
    """`permute` by numbers that nothing shows to be a permutation: a bug of the standard library."""


def is_permutation(column: Any) -> bool:
    """Whether the rows of `column` are surely 0..n-1 in some order, in every row of the batch."""
    if isinstance(column, Secret):
        return isinstance(column, Places)
    array = np.asarray(column)
    if array.dtype.kind not in "iu" or not array.shape:
        return False
    return bool(np.array_equal(np.sort(array, axis=-1), np.broadcast_to(np.arange(array.shape[-1]), array.shape)))


# ---- columns of the program as columns of a circuit


@dataclass(frozen=True, slots=True)
class _Layout:
    """Columns as wires of shape (*batch, n): `spans` says which of them make up each column, `rests` the axes of one
    of its rows."""

    wires: tuple[Wire, ...]
    batch: Shape
    spans: tuple[range, ...]
    rests: tuple[Shape, ...]


def _layout(d: "TracedDomain", found: Sequence[Any], axes: Sequence[int], batch: Shape) -> _Layout:
    wires: list[Wire] = []
    spans, rests = [], []
    for column, axis in zip(found, axes, strict=True):
        wire = d.arith(column)
        at = len(wire.shape) + axis
        length, rest = wire.shape[at], wire.shape[at + 1 :]
        wide = w.broadcast(wire, (*batch, length, *rest))
        start = len(wires)
        if rest:
            flat = w.reshape(wide, (*batch, length, int(np.prod(rest))))
            wires += [w.take_one(flat, number, -1) for number in range(flat.shape[-1])]
        else:
            wires.append(wide)
        spans.append(range(start, len(wires)))
        rests.append(rest)
    return _Layout(tuple(wires), batch, tuple(spans), tuple(rests))


def _batch(found: Sequence[Any], axes: Sequence[int]) -> Shape:
    """The axes in front of the rows, of all columns together."""
    return np.broadcast_shapes(*(c.shape[: len(c.shape) + axis] for c, axis in zip(found, axes, strict=True)))


def _column(made: Wire, layout: _Layout, number: int) -> Wire:
    """Column `number` of a circuit's result (c, *batch, m)."""
    span, rest = layout.spans[number], layout.rests[number]
    if not rest:
        return w.take_one(made, span.start, 0)
    part = w.take(made, np.array(span, dtype=np.int64), 0)
    turned = w.transpose(part, (*range(1, len(part.shape)), 0))
    return w.reshape(turned, (*turned.shape[:-1], *rest))


def _columns(d: "TracedDomain", op: Operation, found: Sequence[Any], made: Wire, layout: _Layout, all_rows: bool
             ) -> tuple[Any, ...]:
    results: list[Traced] = []
    for number, column in enumerate(found):
        wire = _column(made, layout, number)
        if all_rows and op.attrs["axes"][number] == -1 and is_permutation(column):
            places = Places(arith=wire)
            d.tracer.live.add(places)
            results.append(places)
        else:
            results.append(d.tracer.traced(wire, _truth(op, number)))
    return tuple(results)


def _truth(op: Operation, number: int) -> bool:
    return isinstance(element_type(op, number), BoolT)


# ---- moving rows by a public order


def _taken(d: "TracedDomain", op: Operation, number: int, column: Any, order: Array) -> Any:
    """Row `order[…, i]` of a column at place i; the column may be private, the order is public."""
    axis = op.attrs["axes"][number]
    if not isinstance(column, Secret):
        return moved(column, order, axis)
    assert isinstance(column, Traced)
    wire = column.wire
    if order.ndim == 1:
        return d.tracer.traced(w.take(wire, order, axis), column.truth)
    at = len(wire.shape) + axis
    batch = np.broadcast_shapes(wire.shape[:at], order.shape[:-1])
    length, rest = wire.shape[at], wire.shape[at + 1 :]
    count = int(np.prod(batch, dtype=np.int64))
    flat = w.reshape(w.broadcast(wire, (*batch, length, *rest)), (count * length, *rest))
    rows = np.arange(count)[:, None] * length + np.broadcast_to(order, (*batch, order.shape[-1])).reshape(count, -1)
    return d.tracer.traced(w.reshape(w.take(flat, rows.ravel(), 0), (*batch, order.shape[-1], *rest)), column.truth)


# ---- sort, shuffle, permute


def _sort(d: "TracedDomain", op: Operation, *args: Any) -> tuple[Any, ...]:
    found = columns(op.op, args, op.attrs)
    length = check_columns(op, found)
    ranks = checked_ranks(op, args, length)
    keys = found[: op.attrs["keys"]]
    descending = bool(op.attrs["descending"])
    if not any(isinstance(k, Secret) for k in keys):
        order = order_of(keys, descending)
        order = order if ranks is None else np.take(order, ranks, axis=-1)
        return tuple(_taken(d, op, number, c, order) for number, c in enumerate(found))
    if length < 2 or (ranks is not None and ranks.size == 0):
        return _short(d, op, args, np.arange(length) if ranks is None else ranks)
    layout = _layout(d, found, op.attrs["axes"], _batch(found, op.attrs["axes"]))
    wires = [w.neg(x) if descending and n < len(keys) else x for n, x in enumerate(layout.wires)]
    ranges = tuple(_bounds(v, descending) for v in op.operands[: len(keys)])
    shape = (len(wires), *layout.batch, length if ranks is None else ranks.size)
    wanted = None if ranks is None else tuple(int(r) for r in ranks)
    made = w.order("sort", tuple(wires), shape, keys=len(keys), ranges=ranges, ranks=wanted)
    results = _columns(d, op, found, made, layout, ranks is None)
    if not descending:
        return results
    back = [d.tracer.traced(w.neg(r.wire), r.truth) for r in results[: len(keys)]]
    return (*back, *results[len(keys) :])


def _short(d: "TracedDomain", op: Operation, args: Sequence[Any], order: Array) -> tuple[Any, ...]:
    """Nothing to sort: one row, none, or none wanted. What came in public becomes private as it would have been."""
    found, public = columns(op.op, args, op.attrs), public_columns(op, args)
    made = []
    for number, (column, free) in enumerate(zip(found, public, strict=True)):
        if not free and not isinstance(column, Secret):
            column = d.tracer.traced(d.arith(column), _truth(op, number))
        made.append(_taken(d, op, number, column, order))
    return tuple(made)


def _bounds(value: Value, descending: bool) -> tuple[int, int]:
    """What a key can be, by the analysis of its operand."""
    element = value.type.element if isinstance(value.type, Tensor) else None
    found = Range(0, 1) if isinstance(element, BoolT) else value.range or nominal(element) or UNKNOWN
    return (-found.high, -found.low) if descending else (found.low, found.high)


def _shuffle(d: "TracedDomain", op: Operation, *args: Any) -> tuple[Any, ...]:
    length = check_columns(op, args)
    if length < 2:
        return _short(d, op, args, np.arange(length))
    layout = _layout(d, args, op.attrs["axes"], _batch(args, op.attrs["axes"]))
    made = w.order("shuffle", layout.wires, (len(layout.wires), *layout.batch, length))
    return _columns(d, op, args, made, layout, True)


def _permute(d: "TracedDomain", op: Operation, order: Any, *found: Any) -> tuple[Any, ...]:
    length = check_columns(op, found)
    if length < 2:  # nothing moves, and nothing is opened
        return _short(d, op, (order, *found), np.arange(length))
    if not is_permutation(order):
        raise NotPlaces(f"at {op.span}")
    if not isinstance(order, Secret):
        back = np.argsort(np.asarray(order), axis=-1)
        return tuple(_taken(d, op, number, c, back) for number, c in enumerate(found))
    batch = np.broadcast_shapes(order.shape[:-1], _batch(found, op.attrs["axes"]))
    layout = _layout(d, found, op.attrs["axes"], batch)
    places = w.broadcast(d.arith(order), (*batch, length))
    made = w.order("permute", (places, *layout.wires), (len(layout.wires), *batch, length))
    return _columns(d, op, found, made, layout, True)


# ---- least and greatest

#: Up to so many numbers in all, the least of each row is found by a sort for one place: some 14 rounds for short rows,
#: 32 for 1,000 numbers, at 9 comparisons a number there and 1.3 for 60,000. A tree takes one comparison a number, and
#: ten rounds a level: more, where a round is worth a thousand comparisons or so (`mpc.sort`).
SELECTED = 1 << 16


def _extreme(join: Callable[[Wire, Wire, int], Wire], greatest: bool) -> Callable[..., Traced]:
    """The least or greatest along an axis. Without an element there it reverts: lengths are public."""
    def make(d: "TracedDomain", op: Operation, xs: Any) -> Traced:
        axis = op.attrs["axis"]
        check_some(op, xs.shape)
        length = xs.shape[axis]
        rows = w.move_last(d.arith(xs), axis)
        if length == 0:
            return d.made(w.const(np.zeros(rows.shape[:-1], dtype=np.int64)))
        if length < 3 or rows.shape[-1] * int(np.prod(rows.shape[:-1])) > SELECTED or rows.op == "const":
            each = range_of(op, 0)
            bits = rules.bits_of_difference(each, each)
            return d.made(w.fold(rows, -1, lambda x, y: join(x, y, bits)))
        place = (length - 1,) if greatest else (0,)
        attrs = {"keys": 1, "ranges": (_bounds(op.operands[0], False),), "ranks": place}
        made = w.order("sort", (rows,), (1, *rows.shape[:-1], 1), **attrs)
        return d.made(w.reshape(made, rows.shape[:-1]))
    return make


# ---- scans


#: From so many rows on, rows are spread by moving them rather than by a scan.
LONG = 512


def _spread(d: "TracedDomain", op: Operation, flags: Any, *found: Any) -> tuple[Any, ...]:
    length = check_columns(op, found)
    batch = np.broadcast_shapes(flags.shape[:-1], _batch(found, op.attrs["axes"]))
    layout = _layout(d, found, op.attrs["axes"], batch)
    has = w.broadcast(d.arith(flags), (*batch, length))
    rows = w.concat([w.expand(x, 0) for x in layout.wires], 0)
    if length:
        rows = (_moved_on if length >= LONG and isinstance(flags, Secret) else _scanned)(has, rows)
    return _columns(d, op, found, rows, layout, False)


def _scanned(has: Wire, columns: Wire) -> Wire:
    """A scan of logarithmic depth: what a row does not have yet it takes from the row 1, 2, 4, … before it, and whether
    that one has it (Hillis and Steele 1986). One round of products a step."""
    count, length = columns.shape[0], columns.shape[-1]
    rows = w.concat([w.mul(columns, has), w.expand(has, 0)], 0)
    step = 1
    while step < length:
        head, tail = w.take(rows, np.arange(step), -1), w.take(rows, np.arange(step, length), -1)
        before = w.take(rows, np.arange(length - step), -1)
        lacks = w.shift(w.neg(w.take(tail, np.array([count]), 0)), 1)
        rows = w.concat([head, w.add(tail, w.mul(lacks, before))], -1)
        step *= 2
    return rows


def _moved_on(has: Wire, columns: Wire) -> Wire:
    """The rows that have a value are moved to the end, and the others, as zeros, to the front. There each takes the
    difference to the one before it; back in their places, the running sums of the differences are the values. A
    product, a sort of truths, a permutation. Column by column: they may be large.

    The places are 0..n-1 as that sort moved them, and so a permutation.
    """
    count, length = columns.shape[0], columns.shape[-1]
    parts = [w.mul(w.take_one(columns, number, 0), has) for number in range(count)]
    places = w.broadcast(w.const(np.arange(length)), has.shape)
    made = w.order("sort", (has, *parts, places), (count + 2, *has.shape), keys=1, ranges=((0, 1),), ranks=None)
    steps = [_steps(w.take_one(made, number, 0), length) for number in range(1, count + 1)]
    back = w.order("permute", (w.take_one(made, count + 1, 0), *steps), columns.shape)
    return w.concat([w.expand(w.running(w.take_one(back, number, 0)), 0) for number in range(count)], 0)


def _steps(row: Wire, length: int) -> Wire:
    """Each number less the one before it."""
    before, after = w.take(row, np.arange(length - 1), -1), w.take(row, np.arange(1, length), -1)
    return w.concat([w.take(row, np.arange(1), -1), w.sub(after, before)], -1)


def _cumsum(d: "TracedDomain", op: Operation, xs: Any) -> Traced:
    """Running sums: local work."""
    rows = w.running(w.move_last(d.arith(xs), op.attrs["axis"]))
    rank = len(rows.shape)
    at = rank + op.attrs["axis"]
    return d.made(w.transpose(rows, [i if i < at else rank - 1 if i == at else i - 1 for i in range(rank)]))


def _like(d: "TracedDomain", op: Operation, x: Any, y: Any) -> Traced:
    return d.made(w.broadcast(d.arith(x), np.broadcast_shapes(np.shape(x), np.shape(y))))


ORDER_RULES: dict[str, Callable[..., Any]] = {
    "sort": _sort, "shuffle": _shuffle, "permute": _permute, "spread": _spread, "cumsum": _cumsum, "like": _like,
    "reduce_min": _extreme(rules.minimum, False), "reduce_max": _extreme(rules.maximum, True),
}
