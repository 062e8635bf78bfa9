"""The range rules of elementwise operations: intervals of numbers, and lengths by broadcasting."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from enigmalang.analysis.fact import Fact, Lens, element, full_lens, is_private
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.types import ranges as r
from enigmalang.types.ranges import BIT, ZERO, Range, nominal
from enigmalang.types.types import BoolT, FixedT, IntT, fraction

#: Powers of fixed point with greater exponents have no bound that is followed.
MOST_FACTORS = 64


def elementwise(op: Operation, facts: Sequence[Fact]) -> Fact:
    """Of an operation without a rule of its own."""
    lens = broadcast_lens(op, facts)
    ranges = [f.range for f in facts]
    if op.op in ("add", "sub", "select"):
        return replace(_relative(op, facts), lens=lens)
    if isinstance(element(op.result), BoolT):
        return Fact(BIT, lens)
    return Fact(scalar(op, ranges), lens)


def broadcast_lens(op: Operation, facts: Sequence[Fact]) -> Lens:
    """NumPy's rule on bounds: axes line up from the end."""
    size = op.result.rank
    columns = [(None,) * (size - v.rank) + full_lens(f, v) for v, f in zip(op.operands, facts, strict=True)]
    present = [[v.rank >= size - n for v in op.operands] for n in range(size)]
    return tuple(
        _longest_axis([c[n] for c, here in zip(columns, present[n], strict=True) if here]) for n in range(size))


def _longest_axis(bounds: list[int | None]) -> int | None:
    known = [b for b in bounds if b is not None]
    return max(known) if known and (len(known) == len(bounds) or max(known) > 1) else None


def _relative(op: Operation, facts: Sequence[Fact]) -> Fact:
    """Sums and choices, which keep the distance from a loop's variable."""
    if op.op == "select":
        return replace(facts[1].join(facts[2]))
    x, y = facts
    if x.range is None or y.range is None:
        return Fact(None)
    if op.op == "sub":
        return Fact(r.sub(x.range, y.range), (), x.base, r.sub(x.offset, y.range) if x.base else ZERO)
    if x.base is None and y.base is not None:
        x, y = y, x
    assert x.range is not None and y.range is not None
    return Fact(r.add(x.range, y.range), (), x.base, r.add(x.offset, y.range) if x.base else ZERO)


_BINARY: dict[str, Callable[[Range, Range], Range | None]] = {
    "add": r.add, "sub": r.sub, "mul": r.mul, "floordiv": r.floordiv, "mod": r.mod, "min": r.minimum, "max": r.maximum,
    "pow": r.power, "shl": r.shift_left, "shr": r.shift_right, "band": r.bit_and, "bor": r.bit_or, "bxor": r.bit_or,
}
_UNARY: dict[str, Callable[[Range], Range]] = {
    "neg": r.neg, "abs": r.absolute, "bnot": lambda x: Range(-x.high - 1, -x.low - 1),
}


def scalar(op: Operation, ranges: Sequence[Range | None]) -> Range | None:
    """The interval of an elementwise operation on numbers."""
    if op.op in ("wrap", "clamp"):
        return _narrowed(op, ranges[0])
    known = [x for x in ranges if x is not None]
    if len(known) != len(ranges) or (op.op in ("pow", "shl", "shr") and is_private(op.operands[1])):
        return None
    fixed = element(op.result)
    if isinstance(fixed, FixedT) and op.op in ("mul", "div", "pow"):
        return _fixed(op.op, fixed.fraction, known)
    if op.op == "bnot" and isinstance(fixed, IntT) and not fixed.signed:
        return Range(fixed.high - known[0].high, fixed.high - known[0].low) if known[0].low >= 0 else nominal(fixed)
    if unary := _UNARY.get(op.op):
        return unary(known[0])
    if binary := _BINARY.get(op.op):
        return binary(known[0], known[1])
    return nominal(fixed)


def _fixed(op: str, fraction: int, known: Sequence[Range]) -> Range | None:
    if op == "mul":
        wide = r.mul(known[0], known[1])
        return None if wide is None else r.rounded_shift(wide, fraction)
    if op == "div":
        return r.floordiv(scaled(known[0], fraction), known[1])
    result: Range | None = Range(1 << fraction, 1 << fraction)
    for _ in range(min(max(known[1].high, 0), MOST_FACTORS)):
        result = None if result is None else r.mul(result, known[0])
        result = None if result is None else r.rounded_shift(result, fraction)
    return result if known[1].high <= MOST_FACTORS else None


def scaled(x: Range, fraction: int) -> Range:
    return Range(x.low << fraction, x.high << fraction)


def _narrowed(op: Operation, x: Range | None) -> Range | None:
    bound = nominal(element(op.result))
    x = _rescaled(op, x)
    if bound is None or x is None:
        return bound
    if op.op == "wrap":
        return x if x.within(bound) else bound
    return Range(min(max(x.low, bound.low), bound.high), min(max(x.high, bound.low), bound.high))


def _rescaled(op: Operation, x: Range | None) -> Range | None:
    """The interval in the representation of the result: raw numbers of `fixed` have another scale."""
    source, target = element(op.operands[0]), element(op.result)
    shift = fraction(target) - fraction(source)
    if x is None or shift == 0:
        return x
    return scaled(x, shift) if shift > 0 else r.truncated_shift(x, -shift)


def converted(op: Operation, x: Range | None) -> Range | None:
    """What `convert` would give were nothing checked: the interval that its proof is about."""
    return _rescaled(op, x)


def convert(op: Operation, facts: Sequence[Fact]) -> Fact:
    """What comes out of the check that a conversion is: what its type holds."""
    (fact,) = facts
    bound = nominal(element(op.result))
    if not isinstance(op.operands[0].type, Tensor):
        return Fact(bound, op.result.lens)
    lens = _meet_lens(full_lens(fact, op.result), op.result.lens)
    x = _rescaled(op, fact.range)
    if x is None or bound is None:
        return Fact(bound, lens)
    same = x == fact.range
    if x.within(bound):
        return Fact(x, lens, fact.base if same else None, fact.offset if same else ZERO)
    return Fact(x.meet(bound) or bound, lens)


def _meet_lens(a: Lens, b: Lens) -> Lens:
    if len(a) != len(b):
        return a
    return tuple(y if x is None else x if y is None else min(x, y) for x, y in zip(a, b, strict=True))
