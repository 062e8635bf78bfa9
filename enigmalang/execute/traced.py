"""The traced domain: private values are wires; nothing is computed before something must come out."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array
from enigmalang.execute import rules
from enigmalang.execute import wires as w
from enigmalang.execute.domain import Bound, Envelope
from enigmalang.execute.kernels import element_of, fraction
from enigmalang.execute.numbers import scalar, shrink
from enigmalang.execute.secret import Pending, Secret, Shape
from enigmalang.execute.shapes import check_index, check_pop, check_room, clip, fill_shape, full_axes
from enigmalang.execute.trace import Traced, Tracer, Wire
from enigmalang.execute.traced_order import ORDER_RULES
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.types.ranges import Range
from enigmalang.types.types import BoolT, EnumT, FixedT, IntT

#: A range for what the analysis does not know; every field holds it.
UNKNOWN = Range(-(1 << 58), (1 << 58) - 1)


def range_of(op: Operation, number: int) -> Range:
    """What operand `number` can be."""
    value = op.operands[number]
    if value.range is not None:
        return value.range
    element = element_of(op, number)
    match element:
        case IntT() | FixedT():
            return Range(element.low, element.high)
        case EnumT():
            return Range(0, len(element.members) - 1)
        case BoolT():
            return Range(0, 1)
        case _:
            return UNKNOWN


class TracedDomain:
    """Values of one engine. `reveal` is lazy: what is revealed together is opened together."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self._pending: list[Pending] = []

    # ---- making

    def share(self, value: Any, type: Tensor, *, client: bool) -> Secret:
        form = w.B if isinstance(type.element, BoolT) else w.A
        wire = w.given(value, form) if client else w.const(value, form)
        return self.made(wire)

    def made(self, wire: Wire) -> Traced:
        return self.tracer.traced(wire, wire.form is w.B)

    def truth(self, wire: Wire) -> Traced:
        return self.tracer.traced(wire, True)

    def zero(self, type: Tensor, shape: Shape) -> Secret:
        return self.share(np.zeros(shape, dtype=np.int64), type, client=False)

    def rows(self, items: Sequence[Secret], type: Tensor, shape: Shape) -> Secret:
        if not items:
            return self.zero(type, (0, *shape))
        alike = self.alike(items)
        return self.tracer.traced(w.concat([w.expand(i, 0) for i in alike], 0), _truth(type))

    def row(self, secret: Secret, number: int, type: Tensor) -> Secret:
        traced = _traced(secret)
        return self.tracer.traced(w.take_one(traced.wire, number, 0), traced.truth)

    def alike(self, items: Sequence[Any]) -> list[Wire]:
        """Wires of one form: bits if all are booleans that have them."""
        truths = [(isinstance(i, Traced) and i.truth) or isinstance(i, bool | np.bool_) or (
            isinstance(i, np.ndarray) and i.dtype == np.bool_) for i in items]
        if all(truths) and any(isinstance(i, Traced) and i.bits is not None for i in items):
            return [self.bits(i) for i in items]
        return [self.arith(i) for i in items]

    # ---- forms

    def arith(self, value: Any) -> Wire:
        if not isinstance(value, Traced):
            return w.const(value)
        if value.arith is None:
            assert value.bits is not None
            value.arith = w.b2a(value.bits)
        return value.arith

    def bits(self, value: Any) -> Wire:
        if not isinstance(value, Traced):
            return w.const(value, w.B)
        if value.bits is None:
            assert value.arith is not None
            value.bits = w.reshape(w.a2b(value.arith, 1), value.shape)
        return value.bits

    # ---- letting out

    def reveal(self, secret: Secret, type: Tensor) -> Any:
        pending = Pending(secret, type.rank)
        self._pending.append(pending)
        return pending

    def flush(self) -> None:
        self.finish((), ())

    def finish(self, keeps: Sequence[Secret], seals: Sequence[tuple[Secret, Tensor, bytes]]) -> list[Envelope]:
        pending, self._pending = self._pending, []
        revealed = [(_traced(p.secret).wire, _traced(p.secret).truth) for p in pending]
        for item in pending:
            item.secret = None  # what is opened need not be kept as well
        parcels = [(_traced(secret).wire, key) for secret, _, key in seals]
        opened, sealed = self.tracer.run([wire for wire, _ in revealed], parcels, [_traced(k).wire for k in keeps])
        for item, (_, truth), array in zip(pending, revealed, opened, strict=True):
            item.resolve(plain(array, truth))
        return [
            Envelope((parcel, _traced(secret).wire.form is w.B, _traced(secret).truth), type)
            for parcel, (secret, type, _) in zip(sealed, seals, strict=True)]

    def unseal(self, envelope: Envelope, private_key: bytes) -> Any:
        parcel, bits, truth = envelope.content
        return plain(self.tracer.engine.unseal(parcel, private_key, bits), truth)

    def inside(self, bounds: Sequence[Bound]) -> bool:
        outside = [
            w.reshape(check, (int(np.prod(check.shape, dtype=np.int64)),))
            for b in bounds for x in [self.arith(b.secret)] if 0 not in x.shape
            for check in (w.ltz(w.shift(x, -b.low)), w.ltz(w.shift(w.neg(x), b.high)))]
        if not outside:
            return True
        verdict = w.fold(w.concat(outside, 0), 0, w.or_)
        opened, _ = self.tracer.run([verdict])
        return not bool(opened[0].any())

    # ---- computing

    def apply(self, op: Operation, args: tuple[Any, ...]) -> tuple[Any, ...]:
        if op.op == "len":
            return (args[0].shape[op.attrs["axis"]],)
        made = _RULES[op.op](self, op, *args)
        if type(made) is Traced:
            wire = made.arith if made.bits is None else made.bits
            if wire is not None and wire.span is None:
                wire.span = op.span
            return (made,)
        results = made if isinstance(made, tuple) else (made,)
        for result in results:
            for wire in (result.arith, result.bits) if isinstance(result, Traced) else ():
                if wire is not None and wire.span is None:
                    wire.span = op.span
        return results


def _traced(secret: Secret | None) -> Traced:
    assert isinstance(secret, Traced)
    return secret


def plain(array: Array, truth: bool) -> Any:
    """An opened array as a public value."""
    array = np.asarray(array)
    return scalar(array.astype(bool) if truth else shrink(array.astype(object)) if array.dtype == object
                  else array.astype(np.int64))


def _truth(type: Any) -> bool:
    return isinstance(type, Tensor) and isinstance(type.element, BoolT)


D = TracedDomain
Rule = Callable[..., Any]


# ---- numbers


def _two(rule: Callable[[Wire, Wire], Wire]) -> Rule:
    return lambda d, op, a, b: d.made(rule(d.arith(a), d.arith(b)))


def _less(swap: bool = False, negate: bool = False) -> Rule:
    def make(d: D, op: Operation, a: Any, b: Any) -> Traced:
        x, y = (d.arith(b), d.arith(a)) if swap else (d.arith(a), d.arith(b))
        first, second = (1, 0) if swap else (0, 1)
        found = rules.less(x, y, rules.bits_of_difference(range_of(op, first), range_of(op, second)))
        return d.truth(w.not_(found) if negate else found)
    return make


def _equal(negate: bool) -> Rule:
    def make(d: D, op: Operation, a: Any, b: Any) -> Traced:
        if isinstance(element_of(op, 0), BoolT):
            differ = w.xor(d.bits(a), d.bits(b))
            return d.truth(differ if negate else w.not_(differ))
        bits = rules.bits_of_difference(range_of(op, 0), range_of(op, 1))
        found = rules.equal(d.arith(a), d.arith(b), bits)
        return d.truth(w.not_(found) if negate else found)
    return make


def _mul(d: D, op: Operation, a: Any, b: Any) -> Traced:
    return d.made(rules.product(d.arith(a), d.arith(b), fraction(element_of(op))))


def _abs(d: D, op: Operation, a: Any) -> Traced:
    return d.made(rules.absolute(d.arith(a), range_of(op, 0)))


def _pow(d: D, op: Operation, a: Any, exponent: Any) -> Traced:
    bits = fraction(element_of(op))
    x = d.arith(a)
    if not isinstance(exponent, np.ndarray):
        return d.made(rules.power(x, int(exponent), bits))
    shape = np.broadcast_shapes(x.shape, exponent.shape)
    result = w.const(np.zeros(shape, dtype=np.int64))
    for one in np.unique(exponent):
        result = w.picked(exponent == one, w.broadcast(rules.power(x, int(one), bits), shape), result)
    return d.made(result)


def _floordiv(d: D, op: Operation, a: Any, b: Any) -> Traced:
    return d.made(rules.quotient(d.arith(a), d.arith(b), range_of(op, 0), range_of(op, 1)))


def _mod(d: D, op: Operation, a: Any, b: Any) -> Traced:
    return d.made(rules.remainder(d.arith(a), d.arith(b), range_of(op, 0), range_of(op, 1)))


def _div(d: D, op: Operation, a: Any, b: Any) -> Traced:
    bits, x = fraction(element_of(op)), range_of(op, 0)
    wide = Range(x.low << bits, x.high << bits)
    return d.made(rules.quotient(w.scale(d.arith(a), 1 << bits), d.arith(b), wide, range_of(op, 1)))


def _bitwise(d: D, op: Operation, a: Any, b: Any) -> Traced:
    return d.made(rules.bitwise(op.op, d.arith(a), d.arith(b), range_of(op, 0), range_of(op, 1)))


def _bnot(d: D, op: Operation, a: Any) -> Traced:
    element = element_of(op)
    return d.made(w.sub(w.const(np.array(element.high if not element.signed else -1, dtype=object)), d.arith(a)))


def _shl(d: D, op: Operation, a: Any, count: Any) -> Traced:
    factor = np.array([1 << int(c) for c in np.asarray(count).flat], dtype=object).reshape(np.shape(count))
    return d.made(w.scale(d.arith(a), factor))


def _shr(d: D, op: Operation, a: Any, count: Any) -> Traced:
    x = d.arith(a)
    if not isinstance(count, np.ndarray):
        return d.made(_shifted(x, int(count), range_of(op, 0)))
    shape = np.broadcast_shapes(x.shape, count.shape)
    result = w.const(np.zeros(shape, dtype=np.int64))
    for one in np.unique(count):
        result = w.picked(count == one, w.broadcast(_shifted(x, int(one), range_of(op, 0)), shape), result)
    return d.made(result)


def _shifted(x: Wire, count: int, range: Range) -> Wire:
    """Shifts past all bits leave 0 or -1."""
    if count <= range.bits:
        return w.shr(x, count)
    return w.const(np.zeros(x.shape, dtype=np.int64)) if range.low >= 0 else w.neg(w.b2a(w.ltz(x)))


def _scaled(d: D, op: Operation, a: Any) -> tuple[Wire, Range]:
    """The operand with the result's fraction bits, and its range there."""
    x, range = d.arith(a), range_of(op, 0)
    source, target = fraction(element_of(op, 0)), fraction(element_of(op))
    if target >= source:
        by = target - source
        return (w.scale(x, 1 << by) if by else x), Range(range.low << by, range.high << by)
    low, high = (-(-v >> source - target) if v < 0 else v >> source - target for v in (range.low, range.high))
    return rules.toward_zero(x, range, source - target), Range(low, high)


def _convert(d: D, op: Operation, a: Any) -> Traced:
    if isinstance(element_of(op), BoolT):
        return d.truth(a.wire) if a.truth else d.truth(w.not_(w.eqz(d.arith(a))))
    return d.made(_scaled(d, op, a)[0])


def _wrap(d: D, op: Operation, a: Any) -> Traced:
    x, range = _scaled(d, op, a)
    target = element_of(op)
    return d.made(rules.wrap(x, range, target.low, target.high))


def _clamp(d: D, op: Operation, a: Any) -> Traced:
    x, range = _scaled(d, op, a)
    target = element_of(op)
    return d.made(rules.clamp(x, range, target.low, target.high))


# ---- truths


def _logic(rule: Callable[[Wire, Wire], Wire]) -> Rule:
    return lambda d, op, a, b: d.truth(rule(d.bits(a), d.bits(b)))


def _select(d: D, op: Operation, c: Any, a: Any, b: Any) -> Any:
    if not isinstance(c, Traced):
        x, y = d.alike((a, b))
        return d.tracer.traced(w.picked(np.asarray(c, dtype=bool), x, y), _truth(op.result.type))
    if _truth(op.result.type):
        chosen = w.xor(d.bits(b), w.and_(d.bits(c), w.xor(d.bits(a), d.bits(b))))
        return d.truth(chosen)
    if not isinstance(a, Traced) and not isinstance(b, Traced):
        x, y = d.arith(a), d.arith(b)
        step = w.const(np.asarray(x.attrs["value"], dtype=object) - np.asarray(y.attrs["value"], dtype=object))
        return d.made(w.add(y, w.mul(d.arith(c), step)))
    return d.made(w.select(d.arith(c), d.arith(a), d.arith(b)))


# ---- shapes


def _structural(build: Callable[..., Wire]) -> Rule:
    """Operations on one array that only move its elements."""
    def make(d: D, op: Operation, x: Traced, *rest: Any) -> Traced:
        return d.tracer.traced(build(op, x.wire, *rest), x.truth)
    return make


def _stack(d: D, op: Operation, *parts: Any) -> Traced:
    alike = d.alike(parts)
    shape = np.broadcast_shapes(*(p.shape for p in alike))
    axis = op.attrs["axis"]
    made = w.concat([w.expand(w.broadcast(p, shape), axis) for p in alike], axis)
    return d.tracer.traced(made, _truth(op.result.type))


def _fill(op: Operation, x: Wire) -> Wire:
    inner, outer = fill_shape(op, x.shape)
    return w.broadcast(w.reshape(x, inner), outer)


def _concat(d: D, op: Operation, a: Any, b: Any) -> Traced:
    axis = op.attrs["axis"]
    parts = [p for p in (a, b) if p.shape[axis]] or [a]
    return d.tracer.traced(w.concat(d.alike(parts), axis), _truth(op.result.type))


def _append(d: D, op: Operation, xs: Any, x: Any) -> Traced:
    axis = op.attrs["axis"]
    check_room(op, xs.shape[axis], op.attrs.get("max"))
    if xs.shape[axis] == 0:
        (row,) = d.alike((x,))
        return d.tracer.traced(w.expand(row, axis), _truth(op.result.type))
    whole, row = d.alike((xs, x))
    row = w.expand(row, axis)
    shape = list(whole.shape)
    shape[axis] = 1
    return d.tracer.traced(w.concat([whole, w.broadcast(row, tuple(shape))], axis), _truth(op.result.type))


def _pop(d: D, op: Operation, xs: Traced) -> tuple[Traced, Traced]:
    axis = op.attrs["axis"]
    length = xs.shape[axis]
    check_pop(op, length)
    return (d.tracer.traced(w.take(xs.wire, np.arange(length - 1), axis), xs.truth),
            d.tracer.traced(w.take_one(xs.wire, length - 1, axis), xs.truth))


def _one_hot(d: D, i: Any, length: int) -> Wire:
    """Bits on a new last axis: which of `length` places `i` names; none when it lies outside."""
    x = d.arith(i)
    return w.eqz(w.sub(w.expand(x, -1), w.const(np.arange(length))))


def _index(d: D, op: Operation, xs: Any, i: Any) -> Traced:
    axis, truth = op.attrs["axis"], _truth(op.result.type)
    length = xs.shape[axis]
    if not isinstance(i, Traced):
        check_index(op, i, length)
        return d.tracer.traced(_public_row(xs.wire, i, axis), truth)
    if length == 0:
        shape = (*np.broadcast_shapes(xs.shape[:axis], i.shape), *xs.shape[axis:][1:])
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


def _set_index(d: D, op: Operation, xs: Any, i: Any, x: Any) -> Traced:
    axis, truth = op.attrs["axis"], _truth(op.result.type)
    length = xs.shape[axis]
    if not isinstance(i, Traced):
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


def _contains(d: D, op: Operation, xs: Any, x: Any) -> Traced:
    found: Traced = _equal(False)(d, op, xs, x)
    if xs.shape[-1] == 0:
        return d.truth(w.const(np.zeros((), dtype=bool), w.B))
    return d.truth(w.fold(d.bits(found), -1, w.or_))


# ---- reductions


def _without(shape: Shape, axis: int) -> Shape:
    axis %= len(shape)
    return shape[:axis] + shape[axis + 1 :]


def _quantified(join: Callable[[Wire, Wire], Wire], empty: bool) -> Rule:
    def make(d: D, op: Operation, xs: Any) -> Traced:
        axis = op.attrs["axis"]
        if xs.shape[axis] == 0:
            return d.truth(w.const(np.full(_without(xs.shape, axis), empty), w.B))
        return d.truth(w.fold(d.bits(xs), axis, join))
    return make


def _sum(d: D, op: Operation, xs: Any) -> Traced:
    return d.made(w.total(d.arith(xs), op.attrs["axis"]))


def _dot(d: D, op: Operation, a: Any, b: Any) -> Traced:
    return d.made(rules.rounded(w.dot(d.arith(a), d.arith(b)), fraction(element_of(op))))


def _matmul(d: D, op: Operation, a: Any, b: Any) -> Traced:
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


_RULES: dict[str, Rule] = {
    "add": _two(w.add),
    "sub": _two(w.sub),
    "mul": _mul,
    "neg": lambda d, op, a: d.made(w.neg(d.arith(a))),
    "abs": _abs,
    "pow": _pow,
    "floordiv": _floordiv,
    "mod": _mod,
    "div": _div,
    "min": _two(rules.minimum),
    "max": _two(rules.maximum),
    "band": _bitwise,
    "bor": _bitwise,
    "bxor": _bitwise,
    "bnot": _bnot,
    "shl": _shl,
    "shr": _shr,
    "lt": _less(),
    "le": _less(swap=True, negate=True),
    "gt": _less(swap=True),
    "ge": _less(negate=True),
    "eq": _equal(False),
    "ne": _equal(True),
    "and": _logic(w.and_),
    "or": _logic(w.or_),
    "xor": _logic(w.xor),
    "not": lambda d, op, a: d.truth(w.not_(d.bits(a))),
    "select": _select,
    "convert": _convert,
    "wrap": _wrap,
    "clamp": _clamp,
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
    **ORDER_RULES,
    "reduce_sum": _sum,
    "reduce_any": _quantified(w.or_, False),
    "reduce_all": _quantified(w.and_, True),
    "dot": _dot,
    "matmul": _matmul,
}
