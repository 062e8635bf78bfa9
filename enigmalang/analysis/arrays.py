"""The range rules of operations on lists and arrays: how long they can be, and what can be in them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from enigmalang.analysis.fact import Fact, Lens, element, full_lens, is_private, kept, longest
from enigmalang.analysis.scalars import convert
from enigmalang.ir.ir import Operation
from enigmalang.types import ranges as r
from enigmalang.types.ranges import BIT, ZERO, Range, nominal
from enigmalang.types.types import FixedT


def _const(op: Operation, _: Sequence[Fact]) -> Fact:
    value, lens, known = op.attrs["value"], [], []
    level = [value]
    for _axis in range(op.result.rank):
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
    return Fact(ZERO if bound is not None else None, (0,) * op.result.rank)


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


def popped(op: Operation, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """The shorter list, and the element that was its last."""
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
        shorter = (None,) * (op.result.rank + 1 - min(len(a), len(b)))
        lens = longest((*shorter, *a)[-op.result.rank - 1:], (*shorter, *b)[-op.result.rank - 1:])[:-1]
        return Fact(wide, lens if len(lens) == op.result.rank else (None,) * op.result.rank)
    front = a[:-1] if len(a) > 1 else ()
    lens = (*front, *(b[-1:] if len(b) > 1 else ()))
    return Fact(wide, lens if len(lens) == op.result.rank else (None,) * op.result.rank)


def wide_product(op: Operation, facts: Sequence[Fact]) -> Range | None:
    """The sum of products of `dot` or `matmul` before `fixed` is scaled back."""
    a, b = (full_lens(f, v) for f, v in zip(facts, op.operands, strict=True))
    counts = [n for n in (a[-1], b[-1] if op.op == "dot" or len(b) == 1 else b[-2]) if n is not None]
    x, y = facts[0].range, facts[1].range
    product = None if x is None or y is None else r.mul(x, y)
    return None if product is None or not counts else r.repeated(product, min(counts))


def _netlist(op: Operation, facts: Sequence[Fact]) -> Fact:
    return Fact(BIT, (*full_lens(facts[0], op.operands[0])[:-1], op.attrs["width"]))


def _text(op: Operation, _: Sequence[Fact]) -> Fact:
    return Fact(BIT, (None,) * op.result.rank)


ARRAY_RULES: dict[str, Callable[[Operation, Sequence[Fact]], Fact]] = {
    "convert": convert, "const": _const, "share": _share, "stack": _stack, "empty": _empty, "fill": _fill,
    "expand": _expand, "concat": _concat, "append": _append, "len": _len, "index": _index, "set_index": _set_index,
    "slice": _slice, "gather": _gather, "range": _range, "transpose": _transpose, "reduce_sum": _reduce_sum,
    "reduce_any": _reduce_bool, "reduce_all": _reduce_bool, "reduce_min": _reduce, "reduce_max": _reduce,
    "netlist": _netlist, "dot": _product, "matmul": _product, "contains": _text, "map_has": _text, "db_has": _text,
    **dict.fromkeys(("reverse", "reveal"), _same),
}
