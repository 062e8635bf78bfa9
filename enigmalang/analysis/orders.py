"""Ranges and lengths of the operations on order: rows move, and their values stay what they were."""

from collections.abc import Sequence

from enigmalang.analysis.fact import Fact, Lens, full_lens, kept
from enigmalang.analysis.scalars import broadcast_lens
from enigmalang.ir.ir import Operation
from enigmalang.ir.typing import ORDERS, columns
from enigmalang.types import ranges as r
from enigmalang.types.ranges import ZERO

#: The operations whose rule is here.
ORDERED = ORDERS | {"cumsum", "like"}


def ordered(op: Operation, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """The facts of the results of `sort`, `shuffle`, `permute`, `spread`, `cumsum` and `like`."""
    if op.op == "cumsum":
        return (kept(op.result, _running(op, facts[0])),)
    if op.op == "like":
        return (kept(op.result, Fact(facts[1].range, broadcast_lens(op, facts))),)
    ranks = full_lens(facts[-1], op.operands[-1])
    made = (_column(op, fact, number, ranks) for number, fact in enumerate(columns(op.op, facts, op.attrs)))
    return tuple(kept(value, fact) for value, fact in zip(op.results, made, strict=True))


def _column(op: Operation, fact: Fact, number: int, ranks: Lens) -> Fact:
    lens = full_lens(fact, op.results[number])
    if op.op == "sort" and op.attrs["ranked"]:
        lens = _resized(lens, op.attrs["axes"][number], ranks)
    found = fact.range
    if op.op == "spread" and found is not None:
        found = found.join(ZERO)
    return Fact(found, lens)


def _resized(lens: Lens, axis: int, ranks: Lens) -> Lens:
    made = list(lens)
    made[axis] = ranks[0] if ranks else None
    return tuple(made)


def _running(op: Operation, fact: Fact) -> Fact:
    """Sums of up to as many elements as there are."""
    lens = full_lens(fact, op.operands[0])
    most = lens[op.attrs["axis"]]
    if fact.range is None or (most is None and fact.range != ZERO):
        return Fact(None, lens)
    return Fact(r.repeated(fact.range, most or 0), lens)
