"""Backward slices of structured IR: what a set of root operations needs, and nothing else.

A result of a control operation is kept when it is needed; the operands of terminators, initial values and parameters
at the same position go with it. Values are shared with the original function; operations are made anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from enigmalang.ir.ir import Function, Operation, Region, Value
from enigmalang.ir.ops import OPS

LOOPS = frozenset({"for", "while"})


class Slicer:
    """One function and the operations and values that are needed of it. `rewrite` changes a kept operation."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.definition: dict[Value, tuple[Operation, int]] = {}  # results
        self.parameter: dict[Value, tuple[Operation, int]] = {}  # of regions
        self.parents: dict[Operation, tuple[Operation, ...]] = {}  # innermost last
        self.ends: dict[Operation, list[Operation]] = {}  # terminators that carry a control operation's values
        self.needed: set[Value] = set()
        self.kept: set[Operation] = set()
        self._work: list[Value] = []
        self._index(function.body, ())

    def _index(self, region: Region, parents: tuple[Operation, ...]) -> None:
        for op in region.ops:
            self.parents[op] = parents
            for position, value in enumerate(op.results):
                self.definition[value] = (op, position)
            for inner in op.regions:
                for position, value in enumerate(inner.params):
                    self.parameter[value] = (op, position)
                self._index(inner, (*parents, op))
            if OPS[op.op].terminator:
                self._end(op, parents, region)

    def _end(self, op: Operation, parents: tuple[Operation, ...], region: Region) -> None:
        match op.op:
            case "yield":
                target = parents[-1] if parents else None
                if target is not None and target.op == "while" and target.regions[0] is region:
                    return
            case "leave":
                target = next(p for p in reversed(parents) if p.op == "scope")
            case _:
                target = next(p for p in reversed(parents) if p.op in LOOPS)
        if target is not None:
            self.ends.setdefault(target, []).append(op)

    # ---- marking

    def keep(self, op: Operation, operands: bool = True) -> None:
        """`op` must run, under the control operations around it."""
        for parent in self.parents[op]:
            self._keep_control(parent)
        if op.regions:
            self._keep_control(op)
        elif op not in self.kept:
            self.kept.add(op)
            if operands:
                self.need(op.operands)

    def _keep_control(self, op: Operation) -> None:
        if op in self.kept:
            return
        self.kept.add(op)
        match op.op:
            case "if" | "acting" | "expect_revert":
                self.need(op.operands)
            case "for" | "map":
                self.need(op.operands[: op.attrs["iterated"]])
            case "while":
                self.need(op.regions[0].ops[-1].operands)
            case _:
                pass
        if op.op == "map" and op.attrs["filtered"]:
            for end in self.ends.get(op, ()):
                self.need(end.operands[:1])
        for region in op.regions:
            self._exits(region)

    def _exits(self, region: Region) -> None:
        """Early exits decide what runs: they stay."""
        for op in region.ops:
            if op.op in ("break", "continue", "leave"):
                self.keep(op, operands=False)
            for inner in op.regions:
                self._exits(inner)

    def need(self, values: Sequence[Value]) -> None:
        self._work.extend(v for v in values if v not in self.needed)
        self.needed.update(values)

    def run(self) -> None:
        """Mark until nothing is new."""
        while self._work:
            value = self._work.pop()
            if value in self.definition:
                op, position = self.definition[value]
                self.keep(op)
                if op.regions:
                    self._position(op, position)
            elif value in self.parameter:
                op, position = self.parameter[value]
                self.keep(op)
                items = op.attrs["iterated"] if op.op in ("for", "map") else 0
                if position >= items:
                    self._position(op, position - items)

    def _position(self, op: Operation, position: int) -> None:
        """Value `position` of a control operation is needed: everything it may come from."""
        self.keep(op)
        shift = 1 if op.op == "map" and op.attrs["filtered"] else 0
        for end in self.ends.get(op, ()):
            if position + shift < len(end.operands):
                self.need((end.operands[position + shift],))
        if op.op in LOOPS:
            first = op.attrs["iterated"] if op.op == "for" else 0
            self.need((op.results[position], op.operands[first + position]))
            for region in op.regions:
                self.need((region.params[first + position],))

    # ---- rebuilding

    def rebuilt(self, yields: Sequence[Value], rewrite: Callable[[Operation], Sequence[Operation]]) -> Function:
        """The slice, yielding `yields`."""
        body = Region([], self._region(self.function.body, rewrite))
        last = self.function.body.ops[-1]
        if last.op == "yield":
            body.ops.append(Operation("yield", tuple(yields), (), last.span, {}, (), last.via))
        return replace(self.function, body=body)

    def _region(self, region: Region, rewrite: Callable[[Operation], Sequence[Operation]]) -> list[Operation]:
        made: list[Operation] = []
        for op in region.ops:
            if OPS[op.op].terminator:
                if region is not self.function.body:
                    made.append(self._terminator(op, region))
            elif op.regions and op in self.kept:
                made.append(self._control(op, rewrite))
            elif op in self.kept:
                made.extend(rewrite(op))
        return made

    def _positions(self, op: Operation) -> list[int]:
        return [n for n, value in enumerate(op.results) if value in self.needed]

    def _terminator(self, op: Operation, region: Region) -> Operation:
        target = next((c for c, ends in self.ends.items() if op in ends), None)
        if target is None:
            return op
        shift = 1 if target.op == "map" and target.attrs["filtered"] else 0
        picked = op.operands[:shift] + tuple(
            op.operands[n + shift] for n in self._positions(target) if n + shift < len(op.operands))
        return Operation(op.op, picked, (), op.span, op.attrs, (), op.via)

    def _control(self, op: Operation, rewrite: Callable[[Operation], Sequence[Operation]]) -> Operation:
        positions = self._positions(op)
        first = {"for": op.attrs.get("iterated"), "while": 0}.get(op.op)
        operands = op.operands
        regions = []
        for region in op.regions:
            params = region.params
            if first is not None:
                params = params[:first] + [params[first + n] for n in positions]
            regions.append(Region(params, self._region(region, rewrite)))
        if first is not None:
            operands = operands[:first] + tuple(operands[first + n] for n in positions)
        results = tuple(op.results[n] for n in positions)
        return Operation(op.op, operands, results, op.span, op.attrs, tuple(regions), op.via)
