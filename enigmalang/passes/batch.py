"""Batching: one loop body, run for all iterations at once, by giving every varying value one more axis in front.

This is `vmap` on the IR. Attributes count axes from the end, so most operations stay as they are; operands of an
elementwise operation that vary but have fewer axes than the result get axes of size 1 behind the batch axis.
What is the same in every iteration runs once, before the loop, unless it may fail: the loop may have no iteration.
"""

from collections.abc import Sequence

from enigmalang.ir.ir import Operation, Tensor, Value
from enigmalang.ir.ops import OPS, Effect
from enigmalang.ir.typing import ORDERS
from enigmalang.passes.facts import Facts
from enigmalang.source import Span
from enigmalang.types.ranges import Range
from enigmalang.types.types import BOOL, UINT256, Label


class CannotBatch(Exception):
    """The body has an operation with no batched form here: the loop stays a loop."""


#: Operations on one tensor (operand 0) whose other operands must be the same in every iteration.
_FIRST_VARIES = frozenset({
    "reduce_sum", "reduce_any", "reduce_all", "reduce_min", "reduce_max", "reverse", "cumsum", "transpose", "slice",
    "gather", "expand", "netlist",
})
#: Elementwise in all but name.
_LIKE_ELEMENTWISE = frozenset({"share", "reveal"})
#: Operations whose operands must all vary, or be made to.
_ALL_VARY = frozenset({"map_get", "map_has", "concat", "stack"})


class Batch:
    """The batched form of a region: `varying` maps a value of the body to its tensor over all iterations.

    `facts` says what may fail; `many` is a tensor with as many rows as there are iterations.
    """

    def __init__(
        self, items: Sequence[Value], tensors: Sequence[Value], known: dict[Value, Value], facts: Facts,
    ) -> None:
        self.varying: dict[Value, Value] = dict(zip(items, tensors, strict=True))
        self.known = known  # substitutions of the enclosing function
        self.facts = facts
        self.ops: list[Operation] = []
        self.many: Value | None = tensors[0] if tensors else None
        self.count = next((t.lens[0] for t in tensors if t.lens and t.lens[0] is not None), None)
        self.zeros: Value | None = None
        self.via: tuple[Span, ...] = ()  # call sites of what is batched: what is made for it is of them, too

    def value_of(self, value: Value) -> Value:
        """`value` batched if it varies, else what stands for it outside."""
        return self.varying[value] if value in self.varying else self.known.get(value, value)

    def varies(self, op: Operation) -> bool:
        return self.any_varies(op.operands)

    def run(self, ops: Sequence[Operation]) -> None:
        """Batch `ops` (without a terminator). Raises CannotBatch."""
        for op in ops:
            self.operation(op)

    def operation(self, op: Operation) -> None:
        self.via = op.via
        if op.op == "if" and op.operands[0] in self.varying:
            self.branch(op)
        elif op.op == "if":
            from enigmalang.passes.batch_branch import batch_branch  # a region inside has a Batch of its own

            batch_branch(self, op)
        elif op.op in ("for", "while"):
            from enigmalang.passes.batch_loop import batch_loop  # a loop inside is batched with a Batch of its own

            batch_loop(self, op)
        elif op.op == "require" and not self.facts.may_fail(op):
            return
        elif op.regions or OPS[op.op].terminator:
            raise CannotBatch(op.op)
        elif op.op in ORDERS and (self.varies(op) or OPS[op.op].effect is Effect.RANDOM):
            self.order(op)
        elif not self.varies(op):
            self.hoist(op)
        else:
            self.vary(op)

    def vary(self, op: Operation) -> None:
        if OPS[op.op].elementwise or op.op in _LIKE_ELEMENTWISE or op.op == "dot":
            self.elementwise(op)
        elif op.op in _FIRST_VARIES and op.operands[0] in self.varying and not self.any_varies(op.operands[1:]):
            self.emit(op, [self.value_of(v) for v in op.operands])
        elif op.op == "len":
            self.length(op)
        elif op.op == "index":
            self.index(op)
        elif op.op == "contains":
            self.contains(op)
        elif op.op == "append" and op.attrs.get("max") is None:
            self.append(op)
        elif op.op in _ALL_VARY:
            self.all_varying(op)
        elif op.op == "matmul":
            self.matmul(op)
        else:
            raise CannotBatch(op.op)

    def any_varies(self, values: Sequence[Value]) -> bool:
        return any(v in self.varying for v in values)

    # ---- what does not vary

    def hoist(self, op: Operation) -> None:
        """An operation that is the same in every iteration."""
        row = OPS[op.op]
        if row.effect not in (Effect.NONE, Effect.READS, Effect.FAILS):
            raise CannotBatch(op.op)
        if row.effect is Effect.FAILS and self.facts.may_fail(op):
            if not op.operands or not op.results:
                raise CannotBatch(op.op)
            one = op.operands[1 if op.op == "index" else 0]
            self.varying[one] = self.spread(one)
            if op.op in ORDERS:
                self.order(op)
            else:
                self.vary(op)
            del self.varying[one]
            return
        operands = tuple(self.known.get(v, v) for v in op.operands)
        self.ops.append(Operation(op.op, operands, op.results, op.span, op.attrs, (), op.via))

    def spread(self, value: Value) -> Value:
        """One value for all iterations, as a tensor with a row for each: row 0 of one row, again and again."""
        if value in self.varying:
            return self.varying[value]
        whole = self.known.get(value, value)
        if not isinstance(whole.type, Tensor):
            raise CannotBatch(str(whole.type))
        rank = whole.type.rank
        lens = whole.lens or (None,) * rank
        row = self.new("expand", (whole,), whole, rank + 1, whole.span, axis=-(rank + 1))
        row.lens = (1, *lens)
        rows = self.new("gather", (row, self.zero_rows(whole.span)), whole, rank + 1, whole.span, axis=-(rank + 1))
        rows.lens, rows.hint = (self.count, *lens), whole.hint
        return rows

    def zero_rows(self, span: Span) -> Value:
        """A 0 for each iteration."""
        if self.zeros is None:
            assert self.many is not None and isinstance(self.many.type, Tensor)
            number = Value(Tensor(UINT256), span, Label.PUBLIC, Range(0, 0))
            zero, one = self.const(0, number), self.const(1, number)
            size = self.new("len", (self.many,), number, 0, span, axis=-self.many.type.rank)
            size.range = Range(0, self.count if self.count is not None else (1 << 32) - 1)
            rows = self.new("range", (zero, size, one), number, 1, span)
            rows.range, rows.lens = Range(0, max(size.range.high - 1, 0)), (self.count,)
            self.zeros = self.new("mul", (rows, zero), number, 1, span)
            self.zeros.lens = (self.count,)
        return self.zeros

    def const(self, value: int, like: Value) -> Value:
        made = self.new("const", (), like, 0, like.span, value=value)
        made.range = Range(value, value)
        return made

    # ---- what varies

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
        full = dict.fromkeys(OPS[op].attrs) | attrs
        self.ops.append(Operation(op, tuple(operands), (result,), span, full, (), self.via))
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
        wide = [self.aligned(v, max(ranks), op.span) for v in op.operands]
        if self.facts.divides_publicly_by_zero(op) and not self.any_varies(op.operands[1:]):
            if max(ranks):
                raise CannotBatch("a divisor for rows")
            wide[1] = self.spread(op.operands[1])  # with no iterations, no divisor is 0
        self.emit(op, wide)

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
        axis = op.attrs["axis"]
        if not isinstance(xs.type, Tensor) or not isinstance(i.type, Tensor) or i.type.rank:
            raise CannotBatch("an index into an index")
        if i not in self.varying and not self.facts.may_fail(op):
            self.emit(op, (self.value_of(xs), self.value_of(i)))
            return
        if xs in self.varying:
            if axis != -xs.type.rank:
                raise CannotBatch("an index that varies with what it indexes")
            self.emit(op, (self.value_of(xs), self.spread(i)))  # in step
            return
        if i.label is Label.PRIVATE:
            raise CannotBatch("a private index")
        gather = Operation("gather", op.operands, op.results, op.span, {"axis": axis}, (), op.via)
        self.emit(gather, (self.value_of(xs), self.value_of(i)))
        if axis != -xs.type.rank:
            self.to_front(op.result, axis, op.span)

    def to_front(self, value: Value, axis: int, span: Span) -> None:
        """The batch axis of `value` stands at `axis`: bring it to the front."""
        wide = self.varying[value]
        assert isinstance(wide.type, Tensor)
        rest = [a for a in range(-wide.type.rank, 0) if a != axis]
        lens = value.lens or (None,) * (wide.type.rank - 1)
        at = wide.type.rank + axis
        wide.lens = (*lens[:at], self.count, *lens[at:])
        front = self.new("transpose", (wide,), wide, wide.type.rank, span, axes=(axis, *rest))
        front.lens = (self.count, *lens)
        self.varying[value] = front

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

    def append(self, op: Operation) -> None:
        """All rows of a list grow by one element: a concatenation."""
        xs, x = op.operands
        assert isinstance(xs.type, Tensor)
        item = self.spread(x)
        rank = xs.type.rank
        last = self.new("expand", (item,), item, rank + 1, op.span, axis=-rank)
        joined = Operation("concat", (xs, x), op.results, op.span, {"axis": op.attrs["axis"]}, (), op.via)
        self.emit(joined, (self.spread(xs), last))

    def all_varying(self, op: Operation) -> None:
        if op.op in ("map_get", "map_has") and any(
                not isinstance(v.type, Tensor) or v.type.rank for v in op.operands):
            raise CannotBatch(op.op)
        self.emit(op, [self.spread(v) for v in op.operands])

    def order(self, op: Operation) -> None:
        """Each row of the batch is put in an order of its own; the places that are asked for are the same in all."""
        ranked = op.op == "sort" and op.attrs["ranked"]
        if ranked and op.operands[-1] in self.varying:
            raise CannotBatch("places in the order that vary")
        last = (self.value_of(op.operands[-1]),) if ranked else ()
        self.emit(op, [*(self.spread(v) for v in op.operands[:len(op.operands) - len(last)]), *last])

    def matmul(self, op: Operation) -> None:
        if any(not isinstance(v.type, Tensor) or v.type.rank != 2 for v in op.operands):
            raise CannotBatch("a matrix product with a vector")
        self.emit(op, [self.value_of(v) for v in op.operands])

    def branch(self, op: Operation) -> None:
        """A public `if` that goes one way here and another there: both sides, then a select. Nothing in it may fail or
        have an effect."""
        condition = op.operands[0]
        then, otherwise = op.regions
        if not (self.facts.harmless(then) and self.facts.harmless(otherwise)):
            raise CannotBatch("if")
        for region in op.regions:
            self.run(region.ops[:-1])
        for result, a, b in zip(op.results, then.ops[-1].operands, otherwise.ops[-1].operands, strict=True):
            chosen = Operation("select", (condition, a, b), (result,), op.span, {}, (), op.via)
            if self.varies(chosen):
                self.elementwise(chosen)
            else:
                self.hoist(chosen)


def inside(outer: Batch) -> Batch:
    """A batch over the same iterations for a region inside; what it makes stays in there."""
    inner = Batch((), (), dict(outer.known), outer.facts)
    inner.many = outer.many
    inner.varying = dict(outer.varying)
    inner.count, inner.zeros = outer.count, outer.zeros
    return inner
