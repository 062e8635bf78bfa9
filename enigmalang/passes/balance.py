"""Trees instead of chains: `a * b * c * d` and `a and b and c and d` on secrets, in log2 as many rounds.

Only exact, associative operations on private values are regrouped: public arithmetic checks each step, and a
product of `fixed` values rounds at each step. Sums are free of rounds and stay as they are.
"""

from collections import Counter

from enigmalang.ir.ir import Operation, Program, Region, Tensor, Value, operations
from enigmalang.types.ranges import Range
from enigmalang.types.types import FixedT, Label

_TREES = frozenset({"mul", "and", "or", "min", "max"})


def balance(program: Program) -> Program:
    """Regroup chains in every function of `program`, in place."""
    for function in program.functions.values():
        uses = Counter(v for op in operations(function.body) for v in op.operands)
        _region(function.body, uses)
    return program


def _region(region: Region, uses: Counter[Value]) -> None:
    makers: dict[Value, Operation] = {}
    inside: set[Operation] = set()
    for op in region.ops:
        for inner in op.regions:
            _region(inner, uses)
        if _regroups(op):
            makers[op.result] = op
            inside.update(m for v in op.operands if (m := makers.get(v)) is not None and _joins(m, op, uses))
    made: list[Operation] = []
    for op in region.ops:
        if op in inside:
            continue
        leaves = _leaves(op, makers, inside) if _regroups(op) else []
        made.extend(_tree(op, leaves) if len(leaves) > 2 else [op])
    region.ops = made


def _regroups(op: Operation) -> bool:
    if op.op not in _TREES or op.result.label is not Label.PRIVATE or not isinstance(op.result.type, Tensor):
        return False
    return not (op.op == "mul" and isinstance(op.result.type.element, FixedT))


def _joins(inner: Operation, outer: Operation, uses: Counter[Value]) -> bool:
    return inner.op == outer.op and uses[inner.result] == 1 and inner.result.type == outer.result.type


def _leaves(op: Operation, makers: dict[Value, Operation], inside: set[Operation]) -> list[Value]:
    found: list[Value] = []
    rest = list(op.operands)
    while rest:
        value = rest.pop(0)
        maker = makers.get(value)
        if maker is not None and maker in inside and maker.op == op.op:
            rest[:0] = maker.operands
        else:
            found.append(value)
    return found


def _tree(op: Operation, leaves: list[Value]) -> list[Operation]:
    made: list[Operation] = []
    level = leaves
    while len(level) > 2:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [pair[0] if len(pair) == 1 else _join(op, pair[0], pair[1], made) for pair in pairs]
    made.append(Operation(op.op, tuple(level), op.results, op.span, op.attrs, (), op.via))
    return made


def _join(op: Operation, a: Value, b: Value, made: list[Operation]) -> Value:
    out = op.result
    label = a.label.with_(b.label)
    rank = max(v.type.rank for v in (a, b) if isinstance(v.type, Tensor))
    assert isinstance(out.type, Tensor)
    lens = a.lens if isinstance(a.type, Tensor) and a.type.rank == rank else b.lens
    value = Value(Tensor(out.type.element, rank), op.span, label, _joined_range(op.op, a.range, b.range, out), lens)
    made.append(Operation(op.op, (a, b), (value,), op.span, op.attrs, (), op.via))
    return value


def _joined_range(op: str, a: Range | None, b: Range | None, out: Value) -> Range | None:
    if a is None or b is None:
        return out.range
    match op:
        case "mul":
            corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
            return Range(min(corners), max(corners))
        case "min":
            return Range(min(a.low, b.low), min(a.high, b.high))
        case "max":
            return Range(max(a.low, b.low), max(a.high, b.high))
        case _:
            return out.range
