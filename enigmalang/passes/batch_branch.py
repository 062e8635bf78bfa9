"""An `if` inside a batched body whose condition is the same in every iteration: it stays an `if`, and the side that is
taken runs for all iterations at once."""

from enigmalang.ir.ir import Operation, Region, Value
from enigmalang.passes.batch import Batch, CannotBatch, inside


def batch_branch(outer: Batch, op: Operation) -> None:
    """Batch the `if` `op`. A result varies if it does on either side.

    Raises CannotBatch, also for sides that leave early.
    """
    if any(region.ops[-1].op != "yield" for region in op.regions):
        raise CannotBatch("a branch that leaves")
    sides = [inside(outer) for _ in op.regions]
    for side, region in zip(sides, op.regions, strict=True):
        side.run(region.ops[:-1])
    ends = [region.ops[-1] for region in op.regions]
    results: list[Value] = []
    made: list[list[Value]] = [[] for _ in sides]
    for number, result in enumerate(op.results):
        values = [end.operands[number] for end in ends]
        varies = any(v in side.varying for v, side in zip(values, sides, strict=True))
        for column, side, value in zip(made, sides, values, strict=True):
            column.append(side.spread(value) if varies else side.value_of(value))
        fresh = outer.batched(result) if varies else Value(
            result.type, result.span, result.label, result.range, result.lens, result.hint)
        (outer.varying if varies else outer.known)[result] = fresh
        results.append(fresh)
    regions = tuple(
        Region([], [*side.ops, Operation("yield", tuple(column), (), end.span, {}, (), end.via)])
        for side, column, end in zip(sides, made, ends, strict=True))
    condition = outer.value_of(op.operands[0])
    outer.ops.append(Operation(op.op, (condition,), tuple(results), op.span, op.attrs, regions, op.via))
