"""Which Vyper type each public value of a ledger program is held in.

Scalars follow from their nominal type. Tensors: an axis is a fixed array where its size follows from the text (state
and parameters declared so, literals, what is made from them alone), else a list bounded by the range analysis. Loops
are a fixed point: what is carried becomes a list as soon as one of its values is one.
"""

from collections.abc import Callable, Sequence

from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.types import (
    NoVyperType,
    VDyn,
    VStatic,
    VText,
    VType,
    element_at,
    join_types,
    leaf_type,
    scalar_type,
)
from enigmalang.ir.ir import Contract, Function, Opaque, Operation, Region, Tensor, Value
from enigmalang.ir.leaves import leaves_of
from enigmalang.types.types import AnyT, BytesNT, BytesT, Label, ListT, StringT

_ROUNDS = 8
_LIKE_FIRST = frozenset({"set_index", "reverse", "share", "reveal", "cumsum", "transpose"})
_TEXTS = (StringT, BytesT)


class Infer:
    """`types` of all public values of `function`."""

    def __init__(self, function: Function, contract: Contract | None) -> None:
        self.types: dict[Value, VType] = {}
        self._contract = contract
        self._ends: list[tuple[Operation, list[Sequence[Value]]]] = []
        for param in function.params:
            for value, leaf in zip(param.values, leaves_of(param.type, param.private), strict=True):
                if not leaf.private:
                    self.types[value] = leaf_type(leaf)
        self._region(function.body)

    # ---- regions

    def _region(self, region: Region) -> Sequence[Value]:
        """The values that the region yields."""
        for op in region.ops:
            try:
                self._operation(op)
            except NoVyperType as problem:
                raise unbounded(op, str(problem)) from None
        last = region.ops[-1]
        return last.operands if last.op == "yield" else ()

    def _operation(self, op: Operation) -> None:
        match op.op:
            case "break" | "continue" | "leave":
                wanted = ("scope",) if op.op == "leave" else ("for", "while")
                next(e for o, e in reversed(self._ends) if o.op in wanted).append(op.operands)
            case "yield":
                return
            case "if":
                self._join(op.results, [self._region(r) for r in op.regions])
            case "scope":
                ends = self._inside(op, op.regions[0])
                self._join(op.results, ends)
            case "for" | "while":
                self._loop(op)
            case "map":
                self._items(op, op.operands, op.regions[0].params)
                yielded = self._region(op.regions[0])[int(op.attrs["filtered"]) :]
                for result, value in zip(op.results, yielded, strict=True):
                    if self._public(result):
                        self.types[result] = self._mapped(op, result, value)
            case _:
                for number, value in enumerate(op.results):
                    if self._public(value):
                        self.types[value] = self._result(op, value, number)

    def _inside(self, op: Operation, region: Region) -> list[Sequence[Value]]:
        self._ends.append((op, []))
        yielded = self._region(region)
        _, ends = self._ends.pop()
        return [*ends, yielded] if yielded or not ends else ends

    def _join(self, results: Sequence[Value], ends: Sequence[Sequence[Value]]) -> None:
        for number, result in enumerate(results):
            if not self._public(result):
                continue
            found = self.types.get(result)
            for values in ends:
                if number < len(values) and values[number] in self.types:
                    other = self.types[values[number]]
                    found = other if found is None else join_types(found, other)
            self.types[result] = self._nominal(result, found)

    def _loop(self, op: Operation) -> None:
        count = op.attrs["iterated"] if op.op == "for" else 0
        carried, body = op.operands[count:], op.regions[-1]
        if count:
            self._items(op, op.operands[:count], body.params[:count])
        before: list[VType | None] | None = None
        self._join(op.results, [carried])
        for _ in range(_ROUNDS):
            now = [self.types.get(r) for r in op.results]
            if now == before:
                return
            before = now
            for region in op.regions:
                for param, result in zip(region.params[count if region is body else 0 :], op.results, strict=True):
                    if self._public(param):
                        self.types[param] = self.types[result]
            if op.op == "while":
                self._region(op.regions[0])
            self._join(op.results, self._inside(op, body))
        raise unbounded(op, "a text that grows in a loop")

    def _items(self, op: Operation, tensors: Sequence[Value], params: Sequence[Value]) -> None:
        for tensor, param in zip(tensors, params, strict=True):
            if self._public(param):
                held = self.types[tensor]
                assert isinstance(held, VStatic | VDyn)
                self.types[param] = held.element

    def _mapped(self, op: Operation, result: Value, value: Value) -> VType:
        first = self.types.get(op.operands[0])
        if not op.attrs["filtered"] and len(op.operands) == 1 and isinstance(first, VStatic):
            return VStatic(self.types[value], first.size)
        return VDyn(self.types[value], _bound(result, 0))

    # ---- results

    def _public(self, value: Value) -> bool:
        return value.label is Label.PUBLIC

    def _nominal(self, value: Value, found: VType | None) -> VType:
        """`found`, with the innermost type that the IR states."""
        type = value.type
        if isinstance(type, Opaque):
            return found or scalar_type(type.type)
        if not type.rank and not isinstance(type.element, _TEXTS):
            return scalar_type(type.element)
        if found is None:
            raise NoVyperType(f"a value of type {type}")
        return found

    def _result(self, op: Operation, value: Value, number: int) -> VType:
        if isinstance(value.type, Opaque):
            return VText("Bytes", 0) if isinstance(value.type.type, AnyT | ListT) else (
                scalar_type(value.type.type))
        if not value.type.rank:
            return self._scalar(op, value.type, number)
        return self._tensor(op, value, value.type)

    def _scalar(self, op: Operation, type: Tensor, number: int) -> VType:
        if not isinstance(type.element, _TEXTS):
            return scalar_type(type.element)
        return self._text(op, type, number)

    def _text(self, op: Operation, type: Tensor, number: int) -> VType:
        kind = "String" if isinstance(type.element, StringT) else "Bytes"
        operands = [self.types[v] for v in op.operands if v in self.types]
        texts = [t if isinstance(t, VText) else _as_bytes(v) for v, t in zip(op.operands, operands, strict=False)]
        match op.op:
            case "const":
                value = op.attrs["value"]
                return VText(kind, len(value.encode() if isinstance(value, str) else value))
            case "state_load" | "map_get":
                return self._slot(op)
            case "add" | "concat":
                return VText(kind, sum(t.max for t in texts if t is not None))
            case "select":
                return VText(kind, max(t.max for t in texts if isinstance(t, VText)))
            case "index" if op.attrs["axis"] is not None:
                return element_at(operands[0])
            case "index":
                return VText(kind, 1)
            case "pop":
                assert isinstance(operands[0], VDyn)
                return operands[0].element
            case "slice" | "share" | "like":
                assert isinstance(operands[0], VText)
                return operands[0]
            case "convert" if getattr(type.element, "max", None) is None:
                found = texts[0]
                if found is None:
                    raise NoVyperType(f"a {type.element} without a greatest length")
                return VText(kind, found.max)
            case _:
                return scalar_type(type.element)

    def _slot(self, op: Operation) -> VType:
        assert self._contract is not None
        return leaf_type(self._contract.slots[op.attrs["slot"]])

    def _tensor(self, op: Operation, value: Value, type: Tensor) -> VType:
        operands = [self.types[v] for v in op.operands if v in self.types]
        ranks = [v.rank for v in op.operands]
        match op.op:
            case "state_load" | "map_get":
                slot = self._slot(op)
                batch = next((t for t, r in zip(operands, ranks, strict=True) if r), None)
                if batch is None:
                    return slot
                return VStatic(slot, batch.size) if isinstance(batch, VStatic) else VDyn(slot, _bound(value, 0))
            case "map_has":
                batch = next(t for t, r in zip(operands, ranks, strict=True) if r)
                return self._rebuilt(value, type, [batch])
            case "const":
                return self._literal(op.attrs["value"], type, type.rank)
            case "stack":
                joined = operands[0]
                for other in operands[1:]:
                    joined = join_types(joined, other)
                return VStatic(joined, len(operands)) if op.attrs["axis"] == -type.rank else (
                    self._rebuilt(value, type, []))
            case "fill":
                made = operands[0]
                for size in reversed(op.attrs["dims"]):
                    made = VStatic(made, size) if size else VDyn(made, 0)
                return made if op.attrs["axis"] == -type.rank else self._rebuilt(value, type, [])
            case _ if op.op in _LIKE_FIRST:
                return operands[0]
            case "index":
                return element_at(operands[0]) if op.attrs["axis"] == -ranks[0] else self._rebuilt(value, type, [])
            case "empty" | "range" | "append" | "pop" | "slice" | "gather" | "concat":
                return self._list(op, value, type, operands)
            case "db_history" if isinstance(op.attrs["type"], ListT) and op.attrs["type"].max is not None:
                lens = leaves_of(op.attrs["type"])[op.results.index(value)].lens
                return self._rebuilt(value, type, [], lambda value, axis: lens[axis] or _bound(value, axis))
            case "attested" | "external_call" | "db_get" | "db_get_at" | "call" | "sort" | "expand":
                return self._rebuilt(value, type, [])
            case _:
                return self._rebuilt(value, type, [t for t, r in zip(operands, ranks, strict=True) if r == type.rank])

    def _literal(self, value: object, type: Tensor, rank: int) -> VType:
        if not rank:
            if isinstance(type.element, _TEXTS):
                assert isinstance(value, str | bytes)
                kind = "String" if isinstance(value, str) else "Bytes"
                return VText(kind, len(value.encode() if isinstance(value, str) else value))
            return scalar_type(type.element)
        assert isinstance(value, tuple)
        if not value:
            return VDyn(scalar_type(type.element), 0)
        inner = self._literal(value[0], type, rank - 1)
        for other in value[1:]:
            inner = join_types(inner, self._literal(other, type, rank - 1))
        return VStatic(inner, len(value))

    def _list(self, op: Operation, value: Value, type: Tensor, operands: Sequence[VType]) -> VType:
        if op.op == "empty":
            return self._rebuilt(value, type, [], lambda value, axis: 0)
        if op.op == "range":
            return VDyn(scalar_type(type.element), _bound(value, 0))
        first = operands[0]
        if op.attrs["axis"] != -type.rank:
            return self._rebuilt(value, type, [])
        row = element_at(first)
        if op.op in ("append", "concat"):
            row = join_types(row, operands[1] if op.op == "append" else element_at(operands[1]))
        return VDyn(row, _bound(value, 0))

    def _rebuilt(self, value: Value, type: Tensor, like: Sequence[VType],
                 bound: Callable[[Value, int], int] | None = None) -> VType:
        """Axes as all of `like` have them, else lists as long as the analysis says."""
        bound = bound or _bound
        made: VType
        if isinstance(type.element, _TEXTS) and type.element.max is None:
            made = VText("String", 0)
        else:
            made = scalar_type(type.element)
        sizes: list[int | None] = []
        for depth in range(type.rank):
            rows = [element_at(t, depth) for t in like]
            same = rows and all(isinstance(r, VStatic) and r.size == getattr(rows[0], "size", None) for r in rows)
            sizes.append(rows[0].size if same and isinstance(rows[0], VStatic) else None)
        for depth in reversed(range(type.rank)):
            size = sizes[depth]
            made = VStatic(made, size) if size is not None else VDyn(made, bound(value, depth))
        return made


def _as_bytes(value: Value) -> VText | None:
    element = value.type.element if isinstance(value.type, Tensor) else None
    if isinstance(element, BytesNT):
        return VText("Bytes", element.size)
    return VText("Bytes", 20) if str(element) == "address" else None


def _bound(value: Value, axis: int) -> int:
    found = value.lens[axis] if axis < len(value.lens) else None
    if found is None:
        raise NoVyperType("a list without a greatest length")
    return found


def unbounded(op: Operation, what: str) -> Unsupported:
    return Unsupported("E0802", f"{what} cannot live on the chain: everything there has a greatest size", op.span,
                       "declare it with a size (`list[T, max]`, `string[max]`), or shorten it first")
