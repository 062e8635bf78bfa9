"""The product of a list of secrets as a tree: halves are multiplied with each other until one element is left."""

from enigmalang.ir.ir import Operation, Region, Tensor, Value
from enigmalang.ir.ops import OPS
from enigmalang.source import Span
from enigmalang.types.ranges import BIT, Range
from enigmalang.types.types import BOOL, UINT256, Label

_SIZE = Range(0, (1 << 32) - 1)


class ProductTree:
    """Emits the loop that multiplies the `count` elements at most of `factors` (rank 1, at least one element)."""

    def __init__(self, span: Span, via: tuple[Span, ...] = ()) -> None:
        self.span, self.via = span, via
        self.ops: list[Operation] = []

    def emit(self, op: str, operands: tuple[Value, ...], type: Tensor, label: Label, range: Range | None,
             ops: list[Operation], **attrs: object) -> Value:
        lens = (None,) * type.rank
        result = Value(type, self.span, label, range, lens)
        self.put(ops, op, operands, (result,), dict.fromkeys(OPS[op].attrs) | attrs)
        return result

    def put(self, ops: list[Operation], op: str, operands: tuple[Value, ...], results: tuple[Value, ...] = (),
            attrs: dict[str, object] | None = None, regions: tuple[Region, ...] = ()) -> None:
        ops.append(Operation(op, operands, results, self.span, attrs or {}, regions, self.via))

    def number(self, value: int, ops: list[Operation]) -> Value:
        return self.emit("const", (), Tensor(UINT256), Label.PUBLIC, Range(value, value), ops, value=value)

    def size(self, xs: Value, ops: list[Operation]) -> Value:
        return self.emit("len", (xs,), Tensor(UINT256), Label.PUBLIC, _SIZE, ops, axis=-1)

    def build(self, factors: Value, partial: Range | None) -> Value:
        """The product; every partial product lies in `partial`."""
        row = factors.type
        assert isinstance(row, Tensor)
        left = Value(row, self.span, Label.PRIVATE, partial, (None,))
        head, body = self.fresh(left), self.fresh(left)
        self.put(self.ops, "while", (factors,), (left,), {"max": None}, (self.more(head), self.step(body)))
        zero = self.number(0, self.ops)
        return self.emit("index", (left, zero), Tensor(row.element), Label.PRIVATE, partial, self.ops, axis=-1)

    def fresh(self, like: Value) -> Value:
        return Value(like.type, self.span, like.label, like.range, like.lens)

    def more(self, xs: Value) -> Region:
        ops: list[Operation] = []
        one = self.number(1, ops)
        going = self.emit("gt", (self.size(xs, ops), one), Tensor(BOOL), Label.PUBLIC, BIT, ops)
        self.put(ops, "yield", (going,))
        return Region([xs], ops)

    def step(self, xs: Value) -> Region:
        ops: list[Operation] = []
        size, zero, two = self.size(xs, ops), self.number(0, ops), self.number(2, ops)
        half = self.emit("floordiv", (size, two), Tensor(UINT256), Label.PUBLIC, _SIZE, ops)
        even = self.emit("mul", (half, two), Tensor(UINT256), Label.PUBLIC, _SIZE, ops)
        bounds = ((zero, half), (half, even), (even, size))
        first, second, rest = (self.part(xs, low, high, ops) for low, high in bounds)
        assert isinstance(xs.type, Tensor)
        made = self.emit("mul", (first, second), xs.type, Label.PRIVATE, xs.range, ops)
        joined = self.emit("concat", (made, rest), xs.type, Label.PRIVATE, xs.range, ops, axis=-1)
        self.put(ops, "yield", (joined,))
        return Region([xs], ops)

    def part(self, xs: Value, low: Value, high: Value, ops: list[Operation]) -> Value:
        assert isinstance(xs.type, Tensor)
        return self.emit("slice", (xs, low, high), xs.type, Label.PRIVATE, xs.range, ops, axis=-1)
