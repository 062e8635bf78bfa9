"""The range rule of every operation that has no regions: facts of the operands in, facts of the results out.

Public results are cut to their nominal type, because they revert otherwise; private ones are exact.
"""

from collections.abc import Sequence

from enigmalang.analysis.arrays import ARRAY_RULES, popped
from enigmalang.analysis.fact import Fact, declared, element, kept
from enigmalang.analysis.scalars import elementwise
from enigmalang.ir.ir import Operation, Slot
from enigmalang.ir.ops import OPS
from enigmalang.types.ranges import nominal


def transfer(op: Operation, facts: Sequence[Fact], slot: Slot | None = None) -> tuple[Fact, ...]:
    """The facts of the results of `op`; `slot` is the state that a load reads."""
    if op.op == "pop":
        return popped(op, facts)
    if op.op in ("state_load", "map_get"):
        return (_loaded(op, slot),)
    if len(op.results) != 1:
        return tuple(declared(v) for v in op.results)
    rule = ARRAY_RULES.get(op.op)
    if rule is not None:
        fact = rule(op, facts)
    elif OPS[op.op].elementwise:
        fact = elementwise(op, facts)
    else:
        fact = declared(op.result)
    return (kept(op.result, fact),)


def _loaded(op: Operation, slot: Slot | None) -> Fact:
    if slot is None:
        return declared(op.result)
    lens = slot.lens
    extra = op.result.rank - len(lens)  # a batch of keys
    if extra > 0:
        lens = (None,) * extra + lens
    return Fact(nominal(element(op.result)), lens)
