"""What passes must know before they move an operation: whether it can fail, and what else it does."""

from collections.abc import Sequence

from enigmalang.analysis.fact import element
from enigmalang.analysis.flow import Flow, build_flow
from enigmalang.analysis.lengths import Lengths
from enigmalang.analysis.scalars import converted, scalar
from enigmalang.ir.ir import Operation, Program, Region, Value
from enigmalang.ir.ops import OPS, Effect
from enigmalang.types.ranges import nominal
from enigmalang.types.types import FixedT, IntT, Label

_ARITHMETIC = frozenset(("add", "sub", "mul", "neg", "abs", "min", "max"))
_BITWISE = frozenset(("band", "bor", "bxor", "shl", "shr"))
_DIVISIONS = frozenset(("floordiv", "mod"))


class Facts:
    """Definitions, loops' items, and lengths of one program, as they were before the pass, and what it makes."""

    def __init__(self, program: Program) -> None:
        self.flow: Flow = build_flow(program)
        self.lengths = Lengths(self.flow)

    def learn(self, made: Sequence[Operation]) -> None:
        """Operations that came after the analysis."""
        for op in made:
            self.flow.define(op)
            for region in op.regions:
                self.learn(region.ops)

    def iterated(self, item: Value) -> Value | None:
        """The tensor that a loop's item comes from."""
        op, number = self.flow.entered.get(item, (None, 0))
        return op.operands[number] if op is not None and op.op != "while" and number < op.attrs["iterated"] else None

    def may_fail(self, op: Operation) -> bool:
        """Whether a public failure of `op` cannot be excluded."""
        if OPS[op.op].effect is not Effect.FAILS:
            return False
        if op.op == "require":
            return not self._holds(op.operands[0])
        if not op.results:
            return True
        if op.op in ("index", "set_index", "gather"):
            return op.operands[1].label is Label.PUBLIC and not self.inside(op)
        if op.op == "sort":
            return bool(op.attrs["ranked"]) or not all(self.lengths.same(v, op.operands[0]) for v in op.operands)
        if OPS[op.op].elementwise and op.result.label is Label.PRIVATE:
            return op.op in ("div", "floordiv", "mod") and op.operands[1].label is Label.PUBLIC and self._zero(op)
        if op.op in _ARITHMETIC | _BITWISE | {"convert"} | _DIVISIONS:
            return not self._proven(op)
        return not (op.op in ("reduce_sum", "cumsum", "dot", "matmul") and op.result.label is Label.PRIVATE)

    def _holds(self, condition: Value) -> bool:
        """Whether it compares two lengths that are known to be one, or did before it was folded."""
        made = self.flow.defined_by.get(condition)
        if made is not None and made.op == "const":
            return made.attrs["value"] is True
        if made is None or made.op != "eq":
            return False
        one, other = (self.lengths.scalar(v) for v in made.operands)
        return one[0] in ("len", "const") and one == other

    def divides_publicly_by_zero(self, op: Operation) -> bool:
        """A public division whose divisor may be 0."""
        return op.op in ("floordiv", "mod", "div") and op.result.label is Label.PUBLIC and self._zero(op)

    def _zero(self, op: Operation) -> bool:
        y = op.operands[1].range
        return y is None or y.holds(0)

    def _proven(self, op: Operation) -> bool:
        """Public arithmetic whose exact interval lies within its type."""
        bound = nominal(element(op.result))
        ranges = [v.range for v in op.operands]
        if bound is None or any(x is None for x in ranges) or not isinstance(element(op.result), IntT | FixedT):
            return False
        if op.op in _DIVISIONS and self._zero(op):
            return False
        if op.op in ("shl", "shr") and (ranges[1] is None or ranges[1].low < 0):
            return False
        found = converted(op, ranges[0]) if op.op == "convert" else scalar(op, ranges)
        return found is not None and found.within(bound) and (op.op != "convert" or not op.result.rank)

    def inside(self, op: Operation) -> bool:
        """The index (or all of them) is among `range(0, …)`, no further than the indexed tensor is long."""
        xs, i = op.operands[:2]
        while (definition := self.flow.defined_by.get(i)) is not None and definition.op == "convert":
            i = definition.operands[0]
        tensor = i if op.op == "gather" else self.iterated(i)
        shape = self.lengths.shape(xs)
        if op.attrs["axis"] is None or not shape:
            return False
        size = shape[op.attrs["axis"]]
        if size[0] == "exactly" and i.range is not None:
            return i.range.low >= 0 and i.range.high < int(str(size[1]))
        made = self.flow.defined_by.get(tensor) if tensor is not None else None
        if made is None or made.op != "range":
            return False
        low, high, step = (self.lengths.scalar(v) for v in made.operands)
        starts = low[0] == "const" and int(str(low[1])) >= 0 and step == ("const", 1)
        return starts and high == ("len", size)

    def harmless(self, region: Region) -> bool:
        """Whether `region` may run although not chosen: no effects, nothing that can fail, a plain end."""
        return region.ops[-1].op == "yield" and all(self._quiet(op) for op in region.ops[:-1])

    def _quiet(self, op: Operation) -> bool:
        effect = OPS[op.op].effect
        if effect is Effect.CONTROL:
            return op.op in ("if", "map", "for") and all(self.harmless(r) for r in op.regions)
        none = (Effect.NONE, Effect.READS, Effect.RANDOM)
        return effect in none or (effect is Effect.FAILS and not self.may_fail(op))


