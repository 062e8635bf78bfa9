"""Batching: one loop body, run for all iterations at once, by giving every varying value one more axis in front.

This is `vmap` on the IR. Attributes count axes from the end, so most operations stay as they are; operands of an
elementwise operation that vary but have fewer axes than the result get axes of size 1 behind the batch axis.
"""

from collections.abc import Sequence

from enigmalang.ir.ir import Operation, Region, Tensor, Value
from enigmalang.ir.ops import OPS, Effect
from enigmalang.source import Span
from enigmalang.types.types import BOOL, Label


class CannotBatch(Exception):
    """The body has an operation with no batched form here: the loop stays a loop."""


#: Operations on one tensor (operand 0) whose other operands must be the same in every iteration.
_FIRST_VARIES = frozenset({
    "reduce_sum", "reduce_any", "reduce_all", "reduce_min", "reduce_max", "reverse", "sort", "transpose", "slice",
    "gather",
})
#: Elementwise in all but name.
_LIKE_ELEMENTWISE = frozenset({"share", "reveal"})


class Batch:
    """The batched form of a region: `varying` maps a value of the body to its tensor over all iterations."""

    def __init__(self, items: Sequence[Value], tensors: Sequence[Value], known: dict[Value, Value]) -> None:
        self.varying: dict[Value, Value] = dict(zip(items, tensors, strict=True))
        self.known = known  # substitutions of the enclosing function
        self.ops: list[Operation] = []
        self.count = next((t.lens[0] if t.lens else None for t in tensors), None)

    def value_of(self, value: Value) -> Value:
        """`value` batched if it varies, else what stands for it outside."""
        return self.varying[value] if value in self.varying else self.known.get(value, value)

    def varies(self, op: Operation) -> bool:
        return any(v in self.varying for v in op.operands)

    def run(self, ops: Sequence[Operation]) -> None:
        """Batch `ops` (without a terminator). Raises CannotBatch."""
        for op in ops:
            self.operation(op)

    def operation(self, op: Operation) -> None:
        if op.op == "if":
            self.branch(op)
        elif op.regions or OPS[op.op].terminator:
            raise CannotBatch(op.op)
        elif not self.varies(op):
            self.hoist(op)
        elif OPS[op.op].elementwise or op.op in _LIKE_ELEMENTWISE or op.op == "dot":
            self.elementwise(op)
        elif op.op in _FIRST_VARIES and op.operands[0] in self.varying and not self.any_varies(op.operands[1:]):
            self.emit(op, [self.value_of(v) for v in op.operands])
        elif op.op == "len":
            self.length(op)
        elif op.op == "index":
            self.index(op)
        elif op.op == "contains":
            self.contains(op)
        elif op.op in ("map_get", "map_has", "concat", "append", "stack"):
            self.all_varying(op)
        elif op.op == "matmul":
            self.matmul(op)
        else:
            raise CannotBatch(op.op)

    def any_varies(self, values: Sequence[Value]) -> bool:
        return any(v in self.varying for v in values)

    def hoist(self, op: Operation) -> None:
        """An operation that is the same in every iteration runs once, before the loop, if it may run at all then."""
        row = OPS[op.op]
        failing = row.effect is Effect.FAILS and any(v.label is Label.PUBLIC for v in op.results)
        if failing or row.effect not in (Effect.NONE, Effect.READS, Effect.FAILS):
            raise CannotBatch(op.op)
        operands = tuple(self.known.get(v, v) for v in op.operands)
        self.ops.append(Operation(op.op, operands, op.results, op.span, op.attrs, (), op.via))

    def emit(self, op: Operation, operands: Sequence[Value]) -> None:
        """The same operation on batched operands; its results vary."""
        results = tuple(self.batched(v) for v in op.results)
        self.ops.append(Operation(op.op, tuple(operands), results, op.span, op.attrs, (), op.via))
        self.varying.update(zip(op.results, results, strict=True))

    def batched(self, value: Value) -> Value:
        if not isinstance(value.type, Tensor):
            raise CannotBatch(str(value.type))
        type = Tensor(value.type.element, value.type.rank + 1)
        lens = value.lens or (None,) * value.type.rank
        return Value(type, value.span, value.label, value.range, (self.count, *lens), value.hint)

    def new(self, op: str, operands: Sequence[Value], like: Value, rank: int, span: Span, **attrs: object) -> Value:
        """One more operation, with a result like `like` but of `rank`."""
        assert isinstance(like.type, Tensor)
        lens = (like.lens + (None,) * rank)[:rank]
        result = Value(Tensor(like.type.element, rank), span, like.label, like.range, lens)
        self.ops.append(Operation(op, tuple(operands), (result,), span, dict.fromkeys(OPS[op].attrs) | attrs))
        return result

    def aligned(self, value: Value, rank: int, span: Span) -> Value:
        """`value` for an operation whose result has `rank` axes in each iteration."""
        wide = self.value_of(value)
        if value not in self.varying:
            return wide
        assert isinstance(wide.type, Tensor)
        for have in range(wide.type.rank - 1, rank):
            lens = wide.lens or (None,) * (have + 1)
            wide = self.new("expand", (wide,), wide, have + 2, span, axis=-(have + 1))
            wide.lens = (lens[0], 1, *lens[1:])
        return wide

    def elementwise(self, op: Operation) -> None:
        ranks = [v.type.rank for v in op.operands if isinstance(v.type, Tensor)]
        if len(ranks) != len(op.operands):
            raise CannotBatch(op.op)
        self.emit(op, [self.aligned(v, max(ranks), op.span) for v in op.operands])

    def length(self, op: Operation) -> None:
        """All rows of a tensor have one length: it does not vary."""
        operand = self.value_of(op.operands[0])
        if not isinstance(operand.type, Tensor) or not isinstance(op.operands[0].type, Tensor):
            raise CannotBatch(op.op)
        if op.operands[0].type.rank == 0:
            raise CannotBatch("the length of a text")
        self.ops.append(Operation(op.op, (operand,), op.results, op.span, op.attrs, (), op.via))

    def index(self, op: Operation) -> None:
        xs, i = op.operands
        if i not in self.varying:
            self.emit(op, (self.value_of(xs), self.value_of(i)))
            return
        first = isinstance(xs.type, Tensor) and op.attrs["axis"] == -xs.type.rank
        if xs in self.varying or not first or i.label is Label.PRIVATE:
            raise CannotBatch("an index that varies with what it indexes")
        gather = Operation("gather", op.operands, op.results, op.span, {"axis": op.attrs["axis"]}, (), op.via)
        self.emit(gather, (self.value_of(xs), self.value_of(i)))

    def contains(self, op: Operation) -> None:
        xs, x = op.operands
        flat = isinstance(xs.type, Tensor) and xs.type.rank == 1 and isinstance(x.type, Tensor) and x.type.rank == 0
        if not flat:
            raise CannotBatch(op.op)
        rows = self.value_of(xs)
        found = op.result
        left = self.aligned(x, 1, op.span)
        probe = Value(Tensor(BOOL), op.span, found.label, found.range)
        equal = self.new("eq", (left, rows), probe, 2, op.span)
        equal.lens = (self.count, *(xs.lens or (None,)))
        self.varying[found] = self.new("reduce_any", (equal,), probe, 1, op.span, axis=-1)
        self.varying[found].lens = (self.count,)

    def all_varying(self, op: Operation) -> None:
        if not all(v in self.varying for v in op.operands):
            raise CannotBatch(f"{op.op} of some that vary and some that do not")
        if op.op in ("map_get", "map_has") and any(v.type != Tensor(v.type.element) for v in op.operands
                                                   if isinstance(v.type, Tensor)):
            raise CannotBatch(op.op)
        self.emit(op, [self.varying[v] for v in op.operands])

    def matmul(self, op: Operation) -> None:
        if any(not isinstance(v.type, Tensor) or v.type.rank != 2 for v in op.operands):
            raise CannotBatch("a matrix product with a vector")
        self.emit(op, [self.value_of(v) for v in op.operands])

    def branch(self, op: Operation) -> None:
        """A public `if` that differs between iterations: both sides, then a select. Nothing in it may fail."""
        condition = op.operands[0]
        then, otherwise = op.regions
        if condition not in self.varying or not (_harmless(then) and _harmless(otherwise)):
            raise CannotBatch("if")
        for region in op.regions:
            self.run(region.ops[:-1])
        for result, a, b in zip(op.results, then.ops[-1].operands, otherwise.ops[-1].operands, strict=True):
            self.elementwise(Operation("select", (condition, a, b), (result,), op.span, {}, (), op.via))


def _harmless(region: Region) -> bool:
    """Whether `region` may run although not chosen: no effects, nothing that can fail, a plain end."""
    return region.ops[-1].op == "yield" and all(
        OPS[op.op].effect is Effect.NONE
        or (OPS[op.op].effect is Effect.FAILS and bool(op.results)
            and all(v.label is Label.PRIVATE for v in op.results))
        for op in region.ops[:-1])
