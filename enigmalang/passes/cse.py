"""Common subexpressions: the same operation on the same values is done once, where the first one dominates."""

from typing import Any

from enigmalang.ir.ir import Operation, Program, Region, Value
from enigmalang.ir.ops import OPS, Effect
from enigmalang.types.ranges import Range


def share_subexpressions(program: Program) -> Program:
    """Run on every function of `program`, in place."""
    for function in program.functions.values():
        _region(function.body, {}, {})
    return program


def _region(region: Region, seen: dict[Any, Operation], known: dict[Value, Value]) -> None:
    made = []
    for op in region.ops:
        op.operands = tuple(known.get(v, v) for v in op.operands)
        if OPS[op.op].effect in (Effect.NONE, Effect.FAILS) and op.results and op.op != "share":
            # two equal secrets stay two: circuits are public
            first = seen.setdefault(_key(op), op)
            if first is not op:
                for ours, theirs in zip(op.results, first.results, strict=True):
                    known[ours] = theirs
                    theirs.range = _widest(ours.range, theirs.range)
                continue
        for inner in op.regions:
            _region(inner, dict(seen), known)
        made.append(op)
    region.ops = made


def _widest(a: Range | None, b: Range | None) -> Range | None:
    """A branch may know a narrower range of the same value."""
    return None if a is None or b is None else a.join(b)


def _key(op: Operation) -> Any:
    attrs = tuple(sorted((name, type(value).__name__, repr(value)) for name, value in op.attrs.items()))
    results = tuple((v.type, v.label) for v in op.results)
    return op.op, tuple(id(v) for v in op.operands), attrs, results
