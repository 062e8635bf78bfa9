"""A loop inside a batched body: it stays a loop, and each of its steps runs for all outer iterations at once."""

from collections.abc import Sequence

from enigmalang.ir.ir import Operation, Region, Tensor, Value, operations
from enigmalang.passes.batch import Batch, CannotBatch, inside


def batch_loop(outer: Batch, op: Operation) -> None:
    """Batch the `for` or `while` `op`. What it carries varies if its first value or what its body makes of it does.

    Raises CannotBatch, also for loops with `break`, `continue` or a condition that varies.
    """
    count = op.attrs["iterated"] if op.op == "for" else 0
    if any(region.ops[-1].op != "yield" for region in op.regions) or any(
            inner.op in ("break", "continue", "leave") for region in op.regions for inner in operations(region)):
        raise CannotBatch("a loop that is left early")
    for value in op.results:
        if not isinstance(value.type, Tensor):
            raise CannotBatch(str(value.type))
    varying = [v in outer.varying for v in op.operands[count:]]
    zeros = outer.zeros
    while True:
        outer.zeros = zeros  # what a failed attempt made is gone
        attempt = _Attempt(outer, op, count, varying)
        attempt.run()
        if attempt.varying == varying:
            break
        varying = attempt.varying
    attempt.finish()


class _Attempt:
    """One try: with these carried values varying, does the body agree?"""

    def __init__(self, outer: Batch, op: Operation, count: int, varying: Sequence[bool]) -> None:
        self.outer, self.op, self.count, self.varying = outer, op, count, list(varying)
        self.regions: list[Region] = []
        self.before = list(outer.ops)
        outer.ops.clear()
        self.starts = [
            outer.spread(v) if vary else outer.value_of(v)
            for v, vary in zip(op.operands[count:], varying, strict=True)]
        self.items = [self.stepped(v) for v in op.operands[:count]]
        self.setup = list(outer.ops)
        outer.ops[:] = self.before

    def stepped(self, tensor: Value) -> Value:
        """What the loop goes through: a varying tensor is turned, so that its rows are the steps."""
        if tensor not in self.outer.varying:
            return self.outer.value_of(tensor)
        wide = self.outer.varying[tensor]
        assert isinstance(wide.type, Tensor)
        rank = wide.type.rank
        axes = (1 - rank, -rank, *range(2 - rank, 0))
        turned = self.outer.new("transpose", (wide,), wide, rank, self.op.span, axes=axes)
        lens = wide.lens or (None,) * rank
        turned.lens = (lens[1], lens[0], *lens[2:])
        return turned

    def run(self) -> None:
        for number, region in enumerate(self.op.regions):
            self.regions.append(self.region(region, condition=self.op.op == "while" and number == 0))

    def region(self, region: Region, condition: bool) -> Region:
        """The batched body, as far as the outer iterations go; notes which carried values vary after all."""
        outer = self.outer
        inner = inside(outer)
        params: list[Value] = []
        for number, param in enumerate(region.params):
            source = self.op.operands[number]
            vary = source in outer.varying if number < self.count else self.varying[number - self.count]
            fresh = outer.batched(param) if vary else Value(
                param.type, param.span, param.label, param.range, param.lens, param.hint)
            params.append(fresh)
            if vary:
                inner.varying[param] = fresh
            else:
                inner.known[param] = fresh
        inner.run(region.ops[:-1])
        end = region.ops[-1]
        if condition:
            if inner.varies(end):
                raise CannotBatch("a condition that varies")
            made = [inner.value_of(v) for v in end.operands]
        else:
            made = []
            for number, v in enumerate(end.operands):
                if v in inner.varying:
                    self.varying[number] = True
                made.append(inner.spread(v) if self.varying[number] else inner.value_of(v))
        return Region(params, [*inner.ops, Operation("yield", tuple(made), (), end.span, {}, (), end.via)])

    def finish(self) -> None:
        op, outer = self.op, self.outer
        results: list[Value] = []
        for value, vary in zip(op.results, self.varying, strict=True):
            made = outer.batched(value) if vary else Value(
                value.type, value.span, value.label, value.range, value.lens, value.hint)
            results.append(made)
        outer.ops += self.setup
        operands = (*self.items, *self.starts)
        outer.ops.append(
            Operation(op.op, operands, tuple(results), op.span, op.attrs, tuple(self.regions), op.via))
        for value, made, vary in zip(op.results, results, self.varying, strict=True):
            if vary:
                outer.varying[value] = made
            else:
                outer.known[value] = made
