"""Lengths as symbols: two tensors with the same symbol have the same length along an axis, whatever it is.

Needed where a private condition chooses between two lists (their lengths are public, so they must agree), and where
an index is known to lie inside. What lies inside a list without elements has no length that anything could depend on.
"""

from collections.abc import Sequence
from typing import TypeAlias

from enigmalang.analysis.flow import Flow, terminator
from enigmalang.ir.ir import Operation, Tensor, Value, operations
from enigmalang.ir.leaves import Leaf, leaves_of
from enigmalang.ir.ops import OPS
from enigmalang.ir.typing import columns

Length: TypeAlias = tuple[object, ...]
Shape: TypeAlias = tuple[Length, ...]

#: How many definitions are followed back.
FURTHEST = 100
#: One operand, same shape.
_SAME = frozenset(("set_index", "reverse", "cumsum", "share", "convert", "wrap", "clamp", "neg", "abs", "not", "bnot",
                   "reveal"))
#: One operand, one axis less.
_LESS = frozenset(("index", "reduce_sum", "reduce_any", "reduce_all", "reduce_min", "reduce_max"))
_LOOPS = frozenset(("for", "while"))
_ONE: Length = ("exactly", 1)


class Lengths:
    """Symbols of lengths, found by going back through definitions; parameters and unknowns stand for themselves."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.known: dict[Value, Shape] = {}
        self.depth = 0

    def of(self, value: Value) -> Length:
        """The length along the first axis."""
        shape = self.shape(value)
        return shape[0] if shape else ("value", id(value))

    def shape(self, value: Value) -> Shape:
        """One symbol for each axis."""
        if value not in self.known:
            self.known[value] = self.itself(value)  # stops circles
            self.depth += 1
            if self.depth <= FURTHEST and value.rank:
                found = self._find(value)
                self.known[value] = found if len(found) == value.rank else self.itself(value)
            self.depth -= 1
        return self.known[value]

    def same(self, a: Value, b: Value) -> bool:
        return a is b or self.of(a) == self.of(b)

    def itself(self, value: Value) -> Shape:
        """An unknown shape: its own symbols."""
        return tuple(("value", id(value), axis) if axis else ("value", id(value)) for axis in range(value.rank))

    def _find(self, value: Value) -> Shape:
        op = self.flow.defined_by.get(value)
        if op is None:
            return self._entered(value)
        if op.op in _SAME:
            return self.shape(op.operands[0])
        if OPS[op.op].elementwise:
            return self._elementwise(op, value)
        if op.op in _LESS:
            axis, whole = op.attrs["axis"], self.shape(op.operands[0])
            return () if axis is None else (*whole[:axis], *whole[axis:][1:])
        match op.op:
            case "const":
                return self._constant(op, value)
            case "empty":
                return (("exactly", 0), *self.itself(value)[1:])
            case "stack":
                return _inserted(self._elementwise(op, value, 1), op.attrs["axis"], (("exactly", len(op.operands)),))
            case "fill":
                new = tuple(("exactly", n) for n in op.attrs["dims"])
                return _inserted(self.shape(op.operands[0]), op.attrs["axis"] + len(new) - 1, new)
            case "expand":
                return _inserted(self.shape(op.operands[0]), op.attrs["axis"], (_ONE,))
            case "transpose":
                axes, whole = op.attrs["axes"], self.shape(op.operands[0])
                return (*whole[:len(whole) - len(axes)], *(whole[a] for a in axes)) if whole else ()
            case "gather":
                return _replaced(self.shape(op.operands[0]), op.attrs["axis"], self.of(op.operands[1]))
            case "concat" | "append" | "slice":
                return self._grown(op, value)
            case "input" | "db_get":
                return self._declared(op, value)
            case "state_load":
                return self._slot(op, value)
            case "map":
                return self._mapped(op, value)
            case "range":
                return (self._range(op),)
            case "sort" if op.attrs["ranked"]:
                return (self.of(op.operands[-1]),) if value.rank == 1 else ()
            case "sort" | "shuffle" | "permute" | "spread":
                return self.shape(columns(op.op, op.operands, op.attrs)[op.results.index(value)])
            case "for" | "while":
                return self._carried(op, op.results.index(value))
            case "if":
                return self._chosen(op, value)
            case _:
                return ()

    def _entered(self, value: Value) -> Shape:
        """A loop's item is a row; what it carries keeps its shape if every step does."""
        if (leaf := self.flow.given.get(value)) is not None:
            return self._exactly(leaf, value)
        op, number = self.flow.entered.get(value, (None, 0))
        if op is None:
            return ()
        items = op.attrs["iterated"] if op.op in ("for", "map") else 0
        return self.shape(op.operands[number])[1:] if number < items else self._carried(op, number - items)

    def _constant(self, op: Operation, value: Value) -> Shape:
        found: list[Length] = []
        level = [op.attrs["value"]]
        for _ in range(value.rank):
            sizes = {len(v) for v in level}
            if len(sizes) != 1:
                return (*found, *self.itself(value)[len(found):])
            found.append(("exactly", sizes.pop()))
            level = [item for v in level for item in v]
        return tuple(found)

    def _declared(self, op: Operation, value: Value) -> Shape:
        """What comes in from outside has the lengths of its arrays: that is checked."""
        leaves = leaves_of(op.attrs["type"])
        leaf = leaves[op.results.index(value)] if len(leaves) == len(op.results) else None
        return () if leaf is None else self._exactly(leaf, value)

    def _exactly(self, leaf: Leaf, value: Value) -> Shape:
        if len(leaf.exact) != value.rank:
            return ()
        return tuple(("exactly", n) if exact else own
                     for n, exact, own in zip(leaf.lens, leaf.exact, self.itself(value), strict=True))

    def _slot(self, op: Operation, value: Value) -> Shape:
        """A slot whose length no function of the program changes: only single places of it are written."""
        slot = op.attrs["slot"]
        return () if slot in self.flow.resized else (("slot", slot), *self.itself(value)[1:])

    def _elementwise(self, op: Operation, value: Value, less: int = 0) -> Shape:
        """Broadcasting, axis by axis from the end: that of the operands that are not 1 there, when they agree."""
        size, own = value.rank - less, self.itself(value)
        shapes = [self.shape(v) for v in op.operands if isinstance(v.type, Tensor)]
        found: list[Length] = []
        for axis in range(-size, 0):
            there = {s[axis] for s in shapes if len(s) >= -axis}
            wide = there - {_ONE}
            found.append(next(iter(wide or there)) if len(wide or there) == 1 else own[axis])
        return tuple(found)

    def _grown(self, op: Operation, value: Value) -> Shape:
        """Other than along its axis, a list keeps the shape of its rows. (An empty one takes that of what joins it.)"""
        whole, own, axis = self.shape(op.operands[0]), self.itself(value), op.attrs["axis"]
        if axis is None or not whole:
            return ()
        if op.op == "slice":
            return _replaced(whole, axis, own[axis])
        other = self.shape(op.operands[1])
        if op.op == "append":
            other = _inserted(other, axis, (_ONE,))
        if len(other) != len(whole):
            return ()
        long = own[axis]
        if whole[axis][0] == other[axis][0] == "exactly" and op.attrs.get("max") is None:
            long = ("exactly", int(str(whole[axis][1])) + int(str(other[axis][1])))
        empty = [s[axis] == ("exactly", 0) for s in (whole, other)]
        joined = other if empty[0] else whole if empty[1] else tuple(
            a if a == b else o for a, b, o in zip(whole, other, own, strict=True))
        return _replaced(joined, axis, long)

    def _mapped(self, op: Operation, value: Value) -> Shape:
        inner = terminator(op.regions[0])
        number = op.results.index(value) + (1 if op.attrs["filtered"] else 0)
        row = self.shape(inner.operands[number]) if inner.op == "yield" else self.itself(value)[1:]
        return (self.itself(value)[0] if op.attrs["filtered"] else self.of(op.operands[0]), *row)

    def _range(self, op: Operation) -> Length:
        low, high, step = (self.scalar(v) for v in op.operands)
        if low == ("const", 0) and step == ("const", 1):
            if high[0] == "len":
                return high[1]  # type: ignore[return-value]
            if high[0] == "const":
                return ("exactly", max(int(str(high[1])), 0))
        return ("range", low, high, step)

    def scalar(self, value: Value) -> Length:
        """A public integer as a symbol: a constant, a list's length, or itself."""
        op = self.flow.defined_by.get(value)
        if op is None:
            return ("value", id(value))
        match op.op:
            case "const":
                return ("const", op.attrs["value"])
            case "len" if isinstance(op.operands[0].type, Tensor) and op.attrs["axis"] is not None:
                symbol = self.shape(op.operands[0])[op.attrs["axis"]]
                return ("const", symbol[1]) if symbol[0] == "exactly" else ("len", symbol)
            case "convert":
                return self.scalar(op.operands[0])
            case _:
                return ("value", id(value))

    def _chosen(self, op: Operation, value: Value) -> Shape:
        """An `if` both of whose branches yield tensors of one shape."""
        number = op.results.index(value)
        ends = [terminator(region) for region in op.regions]
        if any(end.op != "yield" for end in ends):
            return ()
        first, second = (self.shape(end.operands[number]) for end in ends)
        return tuple(a if a == b else own for a, b, own in zip(first, second, self.itself(value), strict=True))

    def _carried(self, op: Operation, number: int) -> Shape:
        """What a loop carries, if each step keeps the shape: that is assumed of the steps before, then looked at."""
        count = op.attrs["iterated"] if op.op == "for" else 0
        first, last = op.operands[count + number], terminator(op.regions[-1])
        if last.op != "yield" or any(o.op in ("break", "continue", "leave") for r in op.regions for o in operations(r)):
            return ()
        shape, before = self.shape(first), dict(self.known)
        for region in op.regions:
            self.known[region.params[(count if op.op == "for" else 0) + number]] = shape
        if self.shape(last.operands[number]) == shape:
            return shape
        self.known = before
        return ()


def _inserted(shape: Shape, axis: int, new: Sequence[Length]) -> Shape:
    """`new` axes in front of what then stands at `axis + 1`."""
    at = len(shape) + 1 + axis
    return (*shape[:at], *new, *shape[at:])


def _replaced(shape: Shape, axis: int, new: Length) -> Shape:
    at = len(shape) + axis
    return (*shape[:at], new, *shape[at + 1:]) if shape else ()
