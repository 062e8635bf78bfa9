"""The traced domain's rules for numbers and truths: one IR operation each, as wires."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from enigmalang.execute import rules
from enigmalang.execute import wires as w
from enigmalang.execute.kernels import check_shift, checked_exponent, element_of
from enigmalang.execute.trace import Traced, Wire
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.types.ranges import Range
from enigmalang.types.types import BoolT, EnumT, FixedT, IntT, fraction

if TYPE_CHECKING:
    from enigmalang.execute.traced import TracedDomain as D

Rule = Callable[..., Any]
#: Of the ranges of an operand and of the other one: beyond which numbers the first, if it is public, may be changed.
Reach = Callable[[Range, Range], Range]

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


def is_truth(type: Any) -> bool:
    return isinstance(type, Tensor) and isinstance(type.element, BoolT)


# ---- numbers


def _two(rule: Callable[[Wire, Wire], Wire]) -> Rule:
    return lambda d, op, a, b: d.made(rule(d.arith(a), d.arith(b)))


def _compared(d: "D", op: Operation, a: Any, b: Any, reach: Reach = lambda own, other: other) -> tuple[Wire, Wire, int]:
    """Both operands, as `rules.near` has them for a comparison, and `rules.bits_of_difference` of them."""
    x, y = range_of(op, 0), range_of(op, 1)
    (first, own), (second, other) = rules.near(d.arith(a), x, reach(x, y)), rules.near(d.arith(b), y, reach(y, x))
    return first, second, rules.bits_of_difference(own, other)


def _either(rule: Callable[[Wire, Wire, int], Wire], reach: Reach) -> Rule:
    """The less or the greater of two: what is public may be it on one side, and stays what it is there."""
    return lambda d, op, a, b: d.made(rule(*_compared(d, op, a, b, reach)))


def _less(swap: bool = False, negate: bool = False) -> Rule:
    def make(d: "D", op: Operation, a: Any, b: Any) -> Traced:
        x, y, bits = _compared(d, op, a, b)
        found = rules.less(y, x, bits) if swap else rules.less(x, y, bits)
        return d.truth(w.not_(found) if negate else found)
    return make


def equal_rule(negate: bool) -> Rule:
    def make(d: "D", op: Operation, a: Any, b: Any) -> Traced:
        if isinstance(element_of(op, 0), BoolT):
            differ = w.xor(d.bits(a), d.bits(b))
            return d.truth(differ if negate else w.not_(differ))
        found = rules.equal(*_compared(d, op, a, b))
        return d.truth(w.not_(found) if negate else found)
    return make


def _mul(d: "D", op: Operation, a: Any, b: Any) -> Traced:
    return d.made(rules.product(d.arith(a), d.arith(b), fraction(element_of(op))))


def _abs(d: "D", op: Operation, a: Any) -> Traced:
    return d.made(rules.absolute(d.arith(a), range_of(op, 0)))


def _pow(d: "D", op: Operation, a: Any, exponent: Any) -> Traced:
    bits = fraction(element_of(op))
    x = d.arith(a)
    if not isinstance(exponent, np.ndarray):
        return d.made(rules.power(x, checked_exponent(op, exponent), bits))
    shape = np.broadcast_shapes(x.shape, exponent.shape)
    result = w.const(np.zeros(shape, dtype=np.int64))
    for one in np.unique(exponent):
        result = w.picked(exponent == one, w.broadcast(rules.power(x, checked_exponent(op, one), bits), shape), result)
    return d.made(result)


def _floordiv(d: "D", op: Operation, a: Any, b: Any) -> Traced:
    return d.made(rules.quotient(d.arith(a), d.arith(b), range_of(op, 0), range_of(op, 1)))


def _mod(d: "D", op: Operation, a: Any, b: Any) -> Traced:
    return d.made(rules.remainder(d.arith(a), d.arith(b), range_of(op, 0), range_of(op, 1)))


def _div(d: "D", op: Operation, a: Any, b: Any) -> Traced:
    bits, x = fraction(element_of(op)), range_of(op, 0)
    wide = Range(x.low << bits, x.high << bits)
    return d.made(rules.quotient(w.scale(d.arith(a), 1 << bits), d.arith(b), wide, range_of(op, 1)))


def _bitwise(d: "D", op: Operation, a: Any, b: Any) -> Traced:
    return d.made(rules.bitwise(op.op, d.arith(a), d.arith(b), range_of(op, 0), range_of(op, 1)))


def _bnot(d: "D", op: Operation, a: Any) -> Traced:
    element = element_of(op)
    return d.made(w.sub(w.const(np.array(element.high if not element.signed else -1, dtype=object)), d.arith(a)))


def _shl(d: "D", op: Operation, a: Any, count: Any) -> Traced:
    check_shift(op, count)
    factor = np.array([1 << int(c) for c in np.asarray(count).flat], dtype=object).reshape(np.shape(count))
    return d.made(w.scale(d.arith(a), factor))


def _shr(d: "D", op: Operation, a: Any, count: Any) -> Traced:
    check_shift(op, count)
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
    return w.const(np.zeros(x.shape, dtype=np.int64)) if range.low >= 0 else w.neg(w.b2a(w.ltz(x, max(1, range.bits))))


def _scaled(d: "D", op: Operation, a: Any) -> tuple[Wire, Range]:
    """The operand with the result's fraction bits, and its range there."""
    x, range = d.arith(a), range_of(op, 0)
    source, target = fraction(element_of(op, 0)), fraction(element_of(op))
    if target >= source:
        by = target - source
        return (w.scale(x, 1 << by) if by else x), Range(range.low << by, range.high << by)
    low, high = (-(-v >> source - target) if v < 0 else v >> source - target for v in (range.low, range.high))
    return rules.toward_zero(x, range, source - target), Range(low, high)


def _convert(d: "D", op: Operation, a: Any) -> Traced:
    if isinstance(element_of(op), BoolT):
        return d.truth(a.wire) if a.truth else d.truth(w.not_(w.eqz(d.arith(a))))
    return d.made(_scaled(d, op, a)[0])


def _wrap(d: "D", op: Operation, a: Any) -> Traced:
    x, range = _scaled(d, op, a)
    target = element_of(op)
    return d.made(rules.wrap(x, range, target.low, target.high))


def _clamp(d: "D", op: Operation, a: Any) -> Traced:
    x, range = _scaled(d, op, a)
    target = element_of(op)
    return d.made(rules.clamp(x, range, target.low, target.high))


# ---- truths


def _logic(rule: Callable[[Wire, Wire], Wire]) -> Rule:
    return lambda d, op, a, b: d.truth(rule(d.bits(a), d.bits(b)))


def _not(d: "D", op: Operation, a: Any) -> Traced:
    """A truth that is held as a number (a sort gives such ones) stays a number."""
    if a.bits is None:
        return d.tracer.traced(w.shift(w.neg(d.arith(a)), 1), True)
    return d.truth(w.not_(d.bits(a)))


def _select(d: "D", op: Operation, c: Any, a: Any, b: Any) -> Any:
    if not isinstance(c, Traced):
        x, y = d.alike((a, b))
        return d.tracer.traced(w.picked(np.asarray(c, dtype=bool), x, y), is_truth(op.result.type))
    if is_truth(op.result.type):
        chosen = w.xor(d.bits(b), w.and_(d.bits(c), w.xor(d.bits(a), d.bits(b))))
        return d.truth(chosen)
    x, y = d.arith(a), d.arith(b)
    if op.result.range is not None:  # `passes.bounds` may offer a public bound that the result never comes near
        x, _ = rules.kept_within(x, range_of(op, 1), op.result.range)
        y, _ = rules.kept_within(y, range_of(op, 2), op.result.range)
    if not isinstance(a, Traced) and not isinstance(b, Traced):
        step = w.const(np.asarray(x.attrs["value"], dtype=object) - np.asarray(y.attrs["value"], dtype=object))
        return d.made(w.add(y, w.mul(d.arith(c), step)))
    return d.made(w.select(d.arith(c), x, y))


NUMBER_RULES: dict[str, Rule] = {
    "add": _two(w.add),
    "sub": _two(w.sub),
    "mul": _mul,
    "neg": lambda d, op, a: d.made(w.neg(d.arith(a))),
    "abs": _abs,
    "pow": _pow,
    "floordiv": _floordiv,
    "mod": _mod,
    "div": _div,
    "min": _either(rules.minimum, lambda own, other: Range(min(own.low, other.low), other.high)),
    "max": _either(rules.maximum, lambda own, other: Range(other.low, max(own.high, other.high))),
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
    "eq": equal_rule(False),
    "ne": equal_rule(True),
    "and": _logic(w.and_),
    "or": _logic(w.or_),
    "xor": _logic(w.xor),
    "not": _not,
    "select": _select,
    "convert": _convert,
    "wrap": _wrap,
    "clamp": _clamp,
}
