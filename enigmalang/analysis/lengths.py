"""Lengths as symbols: two tensors with the same symbol have the same length along their first axis, whatever it is.

Needed where a private condition chooses between two lists (their lengths are public, so they must agree), and where
an index is known to lie inside.
"""

from typing import TypeAlias

from enigmalang.analysis.flow import Flow, terminator
from enigmalang.ir.ir import Operation, Tensor, Value
from enigmalang.ir.ops import OPS
from enigmalang.ir.typing import columns

Length: TypeAlias = tuple[object, ...]

#: How many definitions are followed back.
FURTHEST = 100
#: One operand, same length.
_SAME = frozenset(("set_index", "reverse", "cumsum", "share", "convert", "wrap", "clamp", "neg", "abs", "not", "bnot",
                   "reveal"))


class Lengths:
    """Symbols of lengths, found by going back through definitions; parameters and unknowns stand for themselves."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.known: dict[Value, Length] = {}
        self.depth = 0

    def of(self, value: Value) -> Length:
        if value not in self.known:
            self.known[value] = ("value", id(value))  # stops circles
            self.depth += 1
            if self.depth <= FURTHEST:
                self.known[value] = self._find(value)
            self.depth -= 1
        return self.known[value]

    def same(self, a: Value, b: Value) -> bool:
        return a is b or self.of(a) == self.of(b)

    def _find(self, value: Value) -> Length:
        op = self.flow.defined_by.get(value)
        rank = value.type.rank if isinstance(value.type, Tensor) else 0
        if op is None or not rank:
            return ("value", id(value))
        if op.op in _SAME:
            return self.of(op.operands[0])
        if OPS[op.op].elementwise:
            return self._elementwise(op, rank, value)
        match op.op:
            case "const":
                return ("exactly", len(op.attrs["value"]))
            case "empty":
                return ("exactly", 0)
            case "stack" if op.attrs["axis"] == -rank:
                return ("exactly", len(op.operands))
            case "fill" if op.attrs["axis"] == -rank:
                return ("exactly", op.attrs["dims"][0])
            case "state_load":
                return self._slot(op, value)
            case "map" if not op.attrs["filtered"]:
                return self.of(op.operands[0])
            case "range":
                return self._range(op)
            case "sort" if op.attrs["ranked"]:
                return self.of(op.operands[-1])
            case "sort" | "shuffle" | "permute" | "spread":
                return self.of(columns(op.op, op.operands, op.attrs)[op.results.index(value)])
            case "for" | "while":
                return self._carried(op, value)
            case "if":
                return self._chosen(op, value)
            case _:
                return ("value", id(value))

    def _slot(self, op: Operation, value: Value) -> Length:
        """A slot whose length no function of the program changes: only single places of it are written."""
        slot = op.attrs["slot"]
        written = self.flow.stored.get(slot, ())
        kept = all(d is not None and d.op == "set_index" for d in map(self.flow.defined_by.get, written))
        return ("slot", slot) if kept else ("value", id(value))

    def _elementwise(self, op: Operation, rank: int, value: Value) -> Length:
        """Broadcasting: that of an operand of full rank, when all of them agree."""
        found = {self.of(v) for v in op.operands if isinstance(v.type, Tensor) and v.type.rank == rank}
        return found.pop() if len(found) == 1 else ("value", id(value))

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
            case "len" if isinstance(op.operands[0].type, Tensor) and op.attrs["axis"] == -op.operands[0].type.rank:
                symbol = self.of(op.operands[0])
                return ("const", symbol[1]) if symbol[0] == "exactly" else ("len", symbol)
            case "convert":
                return self.scalar(op.operands[0])
            case _:
                return ("value", id(value))

    def _chosen(self, op: Operation, value: Value) -> Length:
        """An `if` both of whose branches yield lists of one length."""
        number = op.results.index(value)
        ends = [terminator(region) for region in op.regions]
        if any(end.op != "yield" for end in ends):
            return ("value", id(value))
        first, second = (end.operands[number] for end in ends)
        return self.of(first) if self.same(first, second) else ("value", id(value))

    def _carried(self, op: Operation, value: Value) -> Length:
        """A loop that keeps the length: what the body yields is as long as what it was given."""
        number = op.results.index(value)
        body = op.regions[-1]
        count = op.attrs["iterated"] if op.op == "for" else 0
        first, last = op.operands[count + number], terminator(body)
        if last.op == "yield" and self.same(last.operands[number], body.params[count + number]):
            return self.of(first)
        return ("value", id(value))
