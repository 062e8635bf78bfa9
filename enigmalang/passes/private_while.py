"""`while c max N` with a private `c`: exactly N steps; what a step changes is kept only while `c` has always held."""

from enigmalang.ir.ir import Operation, Program, Region, Tensor, Value
from enigmalang.passes.make import Maker, rewrite
from enigmalang.passes.private_if import guarded
from enigmalang.types.ranges import BIT, Range
from enigmalang.types.types import BOOL, UINT256, Label


def unroll_private_whiles(program: Program) -> Program:
    """Turn every private `while max` of `program` into a public `for`, in place."""
    return rewrite(program, _lower)


def _lower(op: Operation) -> list[Operation] | None:
    private = op.op == "while" and op.regions[0].ops[-1].operands[0].label is Label.PRIVATE
    if not private or op.attrs["max"] is None:
        return None
    made: list[Operation] = []
    maker = Maker(made, op.span, op.via)
    steps = op.attrs["max"]
    bounds = (maker.integer(0), maker.integer(steps), maker.integer(1))
    count = maker.value("range", bounds, Tensor(UINT256, 1), Label.PUBLIC, Range(0, max(0, steps - 1)), (steps,))
    alive = maker.value("const", (), Tensor(BOOL), Label.PUBLIC, BIT, value=True)
    body = _body(op)
    after = Value(Tensor(BOOL), op.span, Label.PRIVATE, BIT)
    for value in (*op.results, *body.params[1:]):
        value.label = Label.PRIVATE
    operands = (count, *op.operands, alive)
    made.append(Operation("for", operands, (*op.results, after), op.span, {"iterated": 1}, (body,), op.via))
    return made


def _body(op: Operation) -> Region:
    """One step: test, run the body, keep its changes where every test so far was true."""
    condition, body = op.regions
    step = Value(Tensor(UINT256), op.span, Label.PUBLIC, Range(0, max(0, op.attrs["max"] - 1)))
    alive = Value(Tensor(BOOL), op.span, Label.PRIVATE, BIT, hint="alive")
    ops = list(condition.ops[:-1])
    maker = Maker(ops, op.span, op.via)
    still = maker.truth("and", alive, condition.ops[-1].operands[0])
    _alias(body, condition)
    ops.extend(guarded(body.ops[:-1], still))
    kept = [maker.select(still, new, old, old)
            for new, old in zip(body.ops[-1].operands, condition.params, strict=True)]
    ops.append(Operation("yield", (*kept, still), (), op.span))
    return Region([step, *condition.params, alive], ops)


def _alias(body: Region, condition: Region) -> None:
    """Let the body use the condition's parameters in place of its own."""
    same = dict(zip(body.params, condition.params, strict=True))

    def rename(region: Region) -> None:
        for o in region.ops:
            o.operands = tuple(same.get(v, v) for v in o.operands)
            for inner in o.regions:
                rename(inner)

    rename(body)
