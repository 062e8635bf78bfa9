"""Private `if` to selects: both sides run, each assigned variable is chosen, each private write keeps the old value
where its side was not taken. (The secrecy analysis has refused everything else that could be inside.)"""

from enigmalang.ir.ir import Operation, Program, Tensor, Value
from enigmalang.passes.make import Maker, rewrite
from enigmalang.types.ranges import nominal
from enigmalang.types.types import BOOL, Label


def flatten_private_ifs(program: Program) -> Program:
    """Run on every function of `program`, in place. Afterwards no `if` has a private condition."""
    return rewrite(program, _flatten)


def _flatten(op: Operation) -> list[Operation] | None:
    if op.op != "if" or op.operands[0].label is not Label.PRIVATE:
        return None
    made: list[Operation] = []
    maker = Maker(made, op.span, op.via)
    condition = op.operands[0]
    then, otherwise = op.regions
    made.extend(guarded(then.ops[:-1], condition))
    if any(_writes(o) for o in otherwise.ops):
        made.extend(guarded(otherwise.ops[:-1], maker.truth("not", condition)))
    else:
        made.extend(otherwise.ops[:-1])
    ends = (then.ops[-1].operands, otherwise.ops[-1].operands)
    for result, a, b in zip(op.results, *ends, strict=True):
        made.append(Operation("select", (condition, a, b), (result,), op.span, {}, (), op.via))
        result.label = Label.PRIVATE
    return made


def _writes(op: Operation) -> bool:
    return op.op in ("state_store", "map_set") or any(_writes(o) for region in op.regions for o in region.ops)


def guarded(ops: list[Operation], condition: Value) -> list[Operation]:
    """`ops` with every private write, also in inner regions, made to keep the old value unless `condition` holds."""
    assert condition.type is not None and getattr(condition.type, "element", None) == BOOL
    made: list[Operation] = []
    for op in ops:
        for region in op.regions:
            region.ops = guarded(region.ops, condition)
        if op.op in ("state_store", "map_set"):
            _guard(op, condition, made)
        made.append(op)
    return made


def _guard(op: Operation, condition: Value, made: list[Operation]) -> None:
    maker = Maker(made, op.span, op.via)
    *keys, new = op.operands
    read = "state_load" if op.op == "state_store" else "map_get"
    kept = nominal(new.type.element) if isinstance(new.type, Tensor) else None
    old = maker.value(read, tuple(keys), new.type, Label.PRIVATE, kept, new.lens, slot=op.attrs["slot"])
    op.operands = (*keys, maker.select(condition, new, old, new))
