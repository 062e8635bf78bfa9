"""Both bounds at once: in `min(max(x, low), high)` on secrets x itself is compared with both, in one layer and not two,
where the ranges say that low <= high. `clamp(x, low, high)` is made of the same two operations.
"""

from enigmalang.ir.ir import Operation, Program, Region, Tensor, Value
from enigmalang.passes.make import Maker
from enigmalang.types.types import Label

#: What the second bound is compared by: whether x lies beyond it.
_BEYOND = {"min": ("max", "gt"), "max": ("min", "lt")}


def compare_bounds(program: Program) -> Program:
    """Run on every function of `program`, in place."""
    for function in program.functions.values():
        _region(function.body, {})
    return program


def _region(region: Region, makers: dict[Value, Operation]) -> None:
    made: list[Operation] = []
    for op in region.ops:
        for inner in op.regions:
            _region(inner, makers)
        made += _compared(op, makers) or [op]
        makers.update((value, op) for value in op.results)
    region.ops = made


def _compared(op: Operation, makers: dict[Value, Operation]) -> list[Operation] | None:
    """What does the work of `op`, the second bound; None for any other operation."""
    if op.op not in _BEYOND or op.result.label is not Label.PRIVATE:
        return None
    first, compare = _BEYOND[op.op]
    for bounded, bound in (op.operands, op.operands[::-1]):
        inner = makers.get(bounded)
        if inner is None or inner.op != first or bounded.type != op.result.type:
            continue
        for x, other in (inner.operands, inner.operands[::-1]):
            low, high = (other, bound) if op.op == "min" else (bound, other)
            if x.label is Label.PRIVATE and _ordered(low, high) and _of_rank(x, op.result):
                make = Maker([], op.span, op.via)
                beyond = make.truth(compare, x, bound)
                make.effect("select", (beyond, bound, bounded), op.results)
                return make.ops
    return None


def _ordered(low: Value, high: Value) -> bool:
    return low.range is not None and high.range is not None and low.range.high <= high.range.low


def _of_rank(x: Value, result: Value) -> bool:
    return isinstance(x.type, Tensor) and isinstance(result.type, Tensor) and x.type.rank == result.type.rank
