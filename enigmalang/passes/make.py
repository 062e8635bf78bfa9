"""Making operations inside passes: values with all facts stated, appended to a list."""

from collections.abc import Callable

from enigmalang.ir.ir import IRType, Operation, Program, Region, Tensor, Value
from enigmalang.ir.ops import OPS
from enigmalang.source import Span
from enigmalang.types.ranges import BIT, Range
from enigmalang.types.types import BOOL, UINT256, Label


def rewrite(program: Program, replacement: Callable[[Operation], list[Operation] | None]) -> Program:
    """Put what `replacement` gives in the place of each operation (None: it stays), inner regions first. In place."""
    for function in program.functions.values():
        _rewrite_region(function.body, replacement)
    return program


def _rewrite_region(region: Region, replacement: Callable[[Operation], list[Operation] | None]) -> None:
    made: list[Operation] = []
    for op in region.ops:
        for inner in op.regions:
            _rewrite_region(inner, replacement)
        new = replacement(op)
        made.extend([op] if new is None else new)
    region.ops = made


class Maker:
    """Appends operations at one place in the source to `ops`."""

    def __init__(self, ops: list[Operation], span: Span, via: tuple[Span, ...] = ()) -> None:
        self.ops, self.span, self.via = ops, span, via

    def value(
        self, op: str, operands: tuple[Value, ...], type: IRType, label: Label, range: Range | None,
        lens: tuple[int | None, ...] = (), hint: str = "", **attrs: object,
    ) -> Value:
        """One operation with one result of the stated type, label, range and lengths."""
        result = Value(type, self.span, label, range, lens, hint)
        self.effect(op, operands, (result,), **attrs)
        return result

    def effect(self, op: str, operands: tuple[Value, ...], results: tuple[Value, ...] = (), **attrs: object) -> None:
        full = dict.fromkeys(OPS[op].attrs) | attrs
        self.ops.append(Operation(op, operands, results, self.span, full, (), self.via))

    def integer(self, value: int) -> Value:
        return self.value("const", (), Tensor(UINT256), Label.PUBLIC, Range(value, value), value=value)

    def truth(self, op: str, *operands: Value) -> Value:
        """A bool made elementwise from `operands`."""
        rank = max(v.type.rank for v in operands if isinstance(v.type, Tensor))
        lens = max((v.lens for v in operands), key=len)
        label = Label.PRIVATE if any(v.label is Label.PRIVATE for v in operands) else Label.PUBLIC
        return self.value(op, operands, Tensor(BOOL, rank), label, BIT, lens if len(lens) == rank else (None,) * rank)

    def select(self, condition: Value, then: Value, otherwise: Value, like: Value) -> Value:
        """`then` where the private `condition` holds, else `otherwise`; type and name of `like`."""
        both = (then.range, otherwise.range)
        range = both[0].join(both[1]) if both[0] is not None and both[1] is not None else None
        return self.value("select", (condition, then, otherwise), like.type, Label.PRIVATE, range, like.lens, like.hint)
