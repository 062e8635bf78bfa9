"""The range rule of every operation that has no regions: facts of the operands in, facts of the results out.

A fact is what is known of a value: its interval (`None`: unbounded, or not a number), the greatest length of each
axis, and, inside a loop, how far it is from the value that a carried variable had at the start of the step.
Public results are cut to their nominal type, because they revert otherwise; private ones are exact.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from enigmalang.ir.ir import Operation, Slot, Tensor, Value
from enigmalang.ir.ops import OPS
from enigmalang.types import ranges as r
from enigmalang.types.ranges import BIT, ZERO, Range, nominal
from enigmalang.types.types import BoolT, FixedT, IntT, Label

Lens = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """`base` and `offset`: every element lies within the interval of `base` (a loop's variable) shifted by `offset`."""

    range: Range | None
    lens: Lens = ()
    base: Value | None = None
    offset: Range = ZERO

    def join(self, other: "Fact") -> "Fact":
        joined = None if self.range is None or other.range is None else self.range.join(other.range)
        base = self.base if self.base is other.base else None
        offset = self.offset.join(other.offset) if base is not None else ZERO
        return Fact(joined, longest(self.lens, other.lens), base, offset)


def longest(a: Lens, b: Lens) -> Lens:
    """Bounds that hold of both."""
    if len(a) != len(b):
        return a if not b else b if not a else ()
    return tuple(None if x is None or y is None else max(x, y) for x, y in zip(a, b, strict=True))


def element(value: Value) -> object:
    return value.type.element if isinstance(value.type, Tensor) else None


def rank(value: Value) -> int:
    return value.type.rank if isinstance(value.type, Tensor) else 0


def is_private(value: Value) -> bool:
    return value.label is Label.PRIVATE


def full_lens(fact: Fact, value: Value) -> Lens:
    """One entry for each axis, also when nothing is known."""
    return fact.lens if len(fact.lens) == rank(value) else (None,) * rank(value)


def transfer(op: Operation, facts: Sequence[Fact], slot: Slot | None = None) -> tuple[Fact, ...]:
    """The facts of the results of `op`; `slot` is the state that a load reads."""
    if op.op == "pop":
        return _popped(op, facts)
    if op.op in ("state_load", "map_get"):
        return (_loaded(op, slot),)
    if len(op.results) != 1:
        return tuple(declared(v) for v in op.results)
    rule = _RULES.get(op.op)
    if rule is not None:
        fact = rule(op, facts)
    elif OPS[op.op].elementwise:
        fact = _elementwise(op, facts)
    else:
        fact = declared(op.result)
    return (kept(op.result, fact),)


def kept(value: Value, fact: Fact) -> Fact:
    """`fact` as it may be said of `value`: public values stay within their type, texts have no interval."""
    bound = nominal(element(value))
    if bound is None:
        return Fact(None, fact.lens)
    if is_private(value):
        return fact
    cut = bound if fact.range is None else fact.range.meet(bound) or bound
    return replace(fact, range=cut) if cut == fact.range else Fact(cut, fact.lens)


def declared(value: Value) -> Fact:
    """What the type alone says."""
    return Fact(nominal(element(value)), value.lens)


def _loaded(op: Operation, slot: Slot | None) -> Fact:
    if slot is None:
        return declared(op.result)
    lens = slot.lens
    extra = rank(op.result) - len(lens)  # a batch of keys
    if extra > 0:
        lens = (None,) * extra + lens
    return Fact(nominal(element(op.result)), lens)


# --------------------------------------------------------------------------------------------- elementwise


def _elementwise(op: Operation, facts: Sequence[Fact]) -> Fact:
    lens = broadcast_lens(op, facts)
    ranges = [f.range for f in facts]
    if op.op in ("add", "sub", "select"):
        return replace(_relative(op, facts), lens=lens)
    if isinstance(element(op.result), BoolT):
        return Fact(BIT, lens)
    return Fact(scalar(op, ranges), lens)


def broadcast_lens(op: Operation, facts: Sequence[Fact]) -> Lens:
    """NumPy's rule on bounds: axes line up from the end."""
    size = rank(op.result)
    columns = [(None,) * (size - rank(v)) + full_lens(f, v) for v, f in zip(op.operands, facts, strict=True)]
    present = [[rank(v) >= size - n for v in op.operands] for n in range(size)]
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
    for _ in range(min(max(known[1].high, 0), 64)):
        result = None if result is None else r.mul(result, known[0])
        result = None if result is None else r.rounded_shift(result, fraction)
    return result if known[1].high <= 64 else None


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
    shift = _fraction(target) - _fraction(source)
    if x is None or shift == 0:
        return x
    return scaled(x, shift) if shift > 0 else r.truncated_shift(x, -shift)


def _fraction(kind: object) -> int:
    return kind.fraction if isinstance(kind, FixedT) else 0


def converted(op: Operation, x: Range | None) -> Range | None:
    """What `convert` would give were nothing checked: the interval that its proof is about."""
    return _rescaled(op, x)


# --------------------------------------------------------------------------------- conversions, constants, shape


def _convert(op: Operation, facts: Sequence[Fact]) -> Fact:
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


def _const(op: Operation, _: Sequence[Fact]) -> Fact:
    value, lens, known = op.attrs["value"], [], []
    level = [value]
    for _axis in range(rank(op.result)):
        lens.append(max((len(v) for v in level), default=0))
        level = [item for v in level for item in v]
    known = [int(v) for v in level if isinstance(v, int)]
    found = Range(min(known), max(known)) if known else nominal(element(op.result))
    return Fact(found, tuple(lens))


def share_range(op: Operation, fact: Fact) -> Range | None:
    """A public value that becomes a secret has the range of its type, so that the plan does not carry the value;
    of types too wide for a field, the whole bytes that its interval needs."""
    bound = nominal(element(op.result))
    if is_private(op.operands[0]) or bound is None or fact.range is None or bound.bits <= 64:
        return fact.range if is_private(op.operands[0]) else bound
    most = 1 << -(-max(fact.range.bits, 1) // 8) * 8
    return Range(-most if fact.range.low < 0 else 0, most - 1).meet(bound)


def _share(op: Operation, facts: Sequence[Fact]) -> Fact:
    return replace(facts[0], range=share_range(op, facts[0]))


def _same(op: Operation, facts: Sequence[Fact]) -> Fact:
    return replace(facts[0], lens=full_lens(facts[0], op.operands[0]))


def _joined(facts: Sequence[Fact]) -> Fact:
    result = facts[0]
    for fact in facts[1:]:
        result = result.join(fact)
    return result


def _stack(op: Operation, facts: Sequence[Fact]) -> Fact:
    joined = _joined([replace(f, lens=full_lens(f, v)) for f, v in zip(facts, op.operands, strict=True)])
    return replace(joined, lens=_inserted(joined.lens, op.attrs["axis"], (len(op.operands),)))


def _inserted(lens: Lens, axis: int, new: Lens) -> Lens:
    at = len(lens) + len(new) + axis
    return (*lens[:at], *new, *lens[at:])


def _empty(op: Operation, _: Sequence[Fact]) -> Fact:
    bound = nominal(element(op.result))
    return Fact(ZERO if bound is not None else None, (0,) * rank(op.result))


def _fill(op: Operation, facts: Sequence[Fact]) -> Fact:
    inner = full_lens(facts[0], op.operands[0])
    return replace(facts[0], lens=(*op.attrs["dims"], *inner))


def _expand(op: Operation, facts: Sequence[Fact]) -> Fact:
    return replace(facts[0], lens=_inserted(full_lens(facts[0], op.operands[0]), op.attrs["axis"], (1,)))


def _changed(lens: Lens, axis: int, new: int | None) -> Lens:
    made = list(lens)
    made[axis] = new
    return tuple(made)


def _sum_of(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b


def _concat(op: Operation, facts: Sequence[Fact]) -> Fact:
    lens = [full_lens(f, v) for f, v in zip(facts, op.operands, strict=True)]
    axis = op.attrs["axis"]
    number = None if axis is None else _sum_of(lens[0][axis], lens[1][axis])
    joined = _nonempty(facts, [n[axis] == 0 for n in lens] if axis is not None else [False, False])
    whole = lens[0] if lens[1] and lens[1][axis] == 0 else lens[1] if lens[0] and lens[0][axis] == 0 else longest(*lens)
    return replace(joined, lens=_changed(whole, axis, number) if axis is not None else ())


def _nonempty(facts: Sequence[Fact], empty: Sequence[bool]) -> Fact:
    """What holds of the elements: an empty part has none."""
    full = [f for f, e in zip(facts, empty, strict=True) if not e]
    return _joined(full or facts[:1])


def _append(op: Operation, facts: Sequence[Fact]) -> Fact:
    lens = full_lens(facts[0], op.operands[0])
    if not lens:
        return Fact(None)
    axis = op.attrs["axis"]
    number, most = _sum_of(lens[axis], 1), op.attrs.get("max")
    if most is not None:
        number = most if number is None else min(number, most)
    fact = _nonempty(facts, [lens[axis] == 0, False])
    inner = full_lens(facts[1], op.operands[1])
    rows = lens if lens[axis] != 0 else (0, *inner)
    return replace(fact, lens=_changed(rows, axis, number))


def _popped(op: Operation, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    lens = full_lens(facts[0], op.operands[0])
    return kept(op.results[0], replace(facts[0], lens=lens)), kept(op.results[1], replace(facts[0], lens=lens[1:]))


def _len(op: Operation, facts: Sequence[Fact]) -> Fact:
    lens = full_lens(facts[0], op.operands[0])
    most = lens[op.attrs["axis"]] if lens and op.attrs["axis"] is not None else None
    return Fact(Range(0, most if most is not None else (1 << 32) - 1))


def _without(lens: Lens, axis: int | None) -> Lens:
    if not lens or axis is None:
        return ()
    at = len(lens) + axis
    return (*lens[:at], *lens[at + 1:])


def _index(op: Operation, facts: Sequence[Fact]) -> Fact:
    fact = replace(facts[0], lens=_without(full_lens(facts[0], op.operands[0]), op.attrs["axis"]))
    if is_private(op.operands[1]) and fact.range is not None:
        return Fact(fact.range.join(ZERO), fact.lens)
    return fact


def _set_index(op: Operation, facts: Sequence[Fact]) -> Fact:
    return replace(facts[0].join(facts[2]), lens=full_lens(facts[0], op.operands[0]))


def _slice(op: Operation, facts: Sequence[Fact]) -> Fact:
    lens = full_lens(facts[0], op.operands[0])
    axis = op.attrs["axis"]
    if not lens or axis is None:
        return Fact(None)
    number, low, high = lens[axis], facts[1].range, facts[2].range
    if low is not None and high is not None and low.low >= 0 and high.low >= 0:
        most = max(high.high - low.low, 0)
        number = most if number is None else min(number, most)
    return replace(facts[0], lens=_changed(lens, axis, number))


def _gather(op: Operation, facts: Sequence[Fact]) -> Fact:
    lens = full_lens(facts[0], op.operands[0])
    indices = full_lens(facts[1], op.operands[1])
    return replace(facts[0], lens=_changed(lens, op.attrs["axis"], indices[0] if indices else None))


def _range(op: Operation, facts: Sequence[Fact]) -> Fact:
    low, high, step = (f.range for f in facts)
    if low is None or high is None or step is None:
        return Fact(nominal(element(op.result)), (None,))
    if step.low <= 0:
        whole = low.join(high)
        return Fact(whole, (whole.high - whole.low + 1,) if step.high < 0 else (None,))
    count = max(-(-(high.high - low.low) // step.low), 0)
    return Fact(Range(low.low, max(high.high - 1, low.low)), (count if count < 1 << 32 else None,))


def _transpose(op: Operation, facts: Sequence[Fact]) -> Fact:
    lens, axes = full_lens(facts[0], op.operands[0]), op.attrs["axes"]
    front = lens[:len(lens) - len(axes)]
    return replace(facts[0], lens=(*front, *(lens[a] for a in axes)))


def _reduce(op: Operation, facts: Sequence[Fact]) -> Fact:
    return replace(facts[0], lens=_without(full_lens(facts[0], op.operands[0]), op.attrs["axis"]))


def _reduce_bool(op: Operation, facts: Sequence[Fact]) -> Fact:
    return Fact(BIT, _without(full_lens(facts[0], op.operands[0]), op.attrs["axis"]))


def _reduce_sum(op: Operation, facts: Sequence[Fact]) -> Fact:
    lens = full_lens(facts[0], op.operands[0])
    most = lens[op.attrs["axis"]] if lens else None
    known = facts[0].range
    total = None if most is None or known is None else r.repeated(known, most)
    if known == ZERO:
        total = ZERO
    return Fact(total, _without(lens, op.attrs["axis"]))


def _product(op: Operation, facts: Sequence[Fact]) -> Fact:
    """`dot` and `matmul`: sums of products over a common axis."""
    a, b = (full_lens(f, v) for f, v in zip(facts, op.operands, strict=True))
    wide = wide_product(op, facts)
    fixed = element(op.result)
    if wide is not None and isinstance(fixed, FixedT):
        wide = r.rounded_shift(wide, fixed.fraction)
    if op.op == "dot":
        shorter = (None,) * (rank(op.result) + 1 - min(len(a), len(b)))
        lens = longest((*shorter, *a)[-rank(op.result) - 1:], (*shorter, *b)[-rank(op.result) - 1:])[:-1]
        return Fact(wide, lens if len(lens) == rank(op.result) else (None,) * rank(op.result))
    front = a[:-1] if len(a) > 1 else ()
    lens = (*front, *(b[-1:] if len(b) > 1 else ()))
    return Fact(wide, lens if len(lens) == rank(op.result) else (None,) * rank(op.result))


def wide_product(op: Operation, facts: Sequence[Fact]) -> Range | None:
    """The sum of products of `dot` or `matmul` before `fixed` is scaled back."""
    a, b = (full_lens(f, v) for f, v in zip(facts, op.operands, strict=True))
    counts = [n for n in (a[-1], b[-1] if op.op == "dot" or len(b) == 1 else b[-2]) if n is not None]
    x, y = facts[0].range, facts[1].range
    product = None if x is None or y is None else r.mul(x, y)
    return None if product is None or not counts else r.repeated(product, min(counts))


def _text(op: Operation, _: Sequence[Fact]) -> Fact:
    return Fact(BIT, (None,) * rank(op.result))


_RULES: dict[str, Callable[[Operation, Sequence[Fact]], Fact]] = {
    "convert": _convert, "const": _const, "share": _share, "stack": _stack, "empty": _empty, "fill": _fill,
    "expand": _expand, "concat": _concat, "append": _append, "len": _len, "index": _index, "set_index": _set_index,
    "slice": _slice, "gather": _gather, "range": _range, "transpose": _transpose, "reduce_sum": _reduce_sum,
    "reduce_any": _reduce_bool, "reduce_all": _reduce_bool, "reduce_min": _reduce, "reduce_max": _reduce,
    "dot": _product, "matmul": _product, "contains": _text, "map_has": _text, "db_has": _text,
    **dict.fromkeys(("reverse", "reveal"), _same),
}
