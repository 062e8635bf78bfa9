"""Where values flow: one edge for each way in which knowing one value tells something about another.

Labels are then nothing but reachability from the places where secrets are born, and the shortest path from there
is what a leak error shows.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from enigmalang.ir.ir import Function, Operation, Program, Region, Value, operations
from enigmalang.ir.leaves import Leaf, leaves_of
from enigmalang.ir.ops import OPS, Effect
from enigmalang.ir.typing import columns

#: Results of these say nothing of their operands: lengths are public, private bounds of a `range` and private keys are
#: refused where they stand, and the rest comes from elsewhere.
NO_FLOW = frozenset(("len", "reveal", "range", "map_has", "external_call", "attested"))


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """`target` depends on `source`: through the data of `op`, or (`control`) because `source` decides it."""

    source: Value
    target: Value
    op: Operation
    control: bool = False


@dataclass(slots=True, eq=False)
class Flow:
    """Edges by source, the operation that defines each value (none for parameters), and the slots of lists whose
    length the program may change. A loop's parameters: the operation and their place in its region; a function's: the
    leaf that its type says."""

    out: dict[Value, list[Edge]] = field(default_factory=dict)
    defined_by: dict[Value, Operation] = field(default_factory=dict)
    resized: Collection[str] = ()
    entered: dict[Value, tuple[Operation, int]] = field(default_factory=dict)
    given: dict[Value, Leaf] = field(default_factory=dict)

    def define(self, op: Operation) -> None:
        """Where the results and the loop parameters of `op` come from (of what is inside: told apart)."""
        for value in op.results:
            self.defined_by[value] = op
        if op.op in ("for", "while", "map"):
            for region in op.regions:
                self.entered.update((value, (op, number)) for number, value in enumerate(region.params))

    def add(self, source: Value, target: Value, op: Operation, control: bool = False) -> None:
        self.out.setdefault(source, []).append(Edge(source, target, op, control))


def build_flow(program: Program, functions: Iterable[Function] | None = None, resized: Collection[str] = ()) -> Flow:
    """The flow of `program`; or of some of its functions that call no others, with what they all resize."""
    builder = _Builder(program)
    builder.flow.resized = resized
    if functions is None:
        functions = program.functions.values()
        builder.flow.resized = {slot for function in functions for slot in resized_by(function)}
    for function in functions:
        for param in function.params:
            builder.flow.given.update(zip(param.values, leaves_of(param.type, param.private), strict=True))
        builder.region(function.body)
    return builder.flow


def resized_by(function: Function) -> set[str]:
    """The slots that `function` writes other than by changing single places."""
    made = {value: op for op in operations(function.body) for value in op.results if op.op == "set_index"}
    return {op.attrs["slot"] for op in operations(function.body)
            if op.op == "state_store" and op.operands[0] not in made}


def terminator(region: Region) -> Operation:
    return region.ops[-1]


def returned(function: Function) -> Sequence[Value]:
    """The values of a function's result."""
    return function.body.ops[-1].operands


class _Builder:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.flow = Flow()
        self.parents: list[Operation] = []

    def region(self, region: Region) -> None:
        for op in region.ops:
            self.operation(op)

    def operation(self, op: Operation) -> None:
        self.flow.define(op)
        self.parents.append(op)
        for region in op.regions:
            self.region(region)
        self.parents.pop()
        self.edges(op)

    def edges(self, op: Operation) -> None:
        match op.op:
            case "if":
                for region in op.regions:
                    self.pairs(terminator(region).operands if _yields(region) else (), op.results, op)
                self.decides(op.operands[0], op.results, op)
            case "for":
                self.loop(op)
            case "while":
                self.while_loop(op)
            case "map":
                self.comprehension(op)
            case "scope" | "acting" | "expect_revert":
                for region in op.regions:
                    self.pairs(terminator(region).operands if _yields(region) else (), op.results, op)
            case "call":
                self.call(op)
            case "break" | "continue":
                self.leaves_loop(op)
            case "leave":
                scope = next(p for p in reversed(self.parents) if p.op == "scope")
                self.pairs(op.operands, scope.results, op)
            case "sort" | "shuffle" | "permute" | "spread":
                self.ordered(op)
            case _:
                self.plain(op)

    def plain(self, op: Operation) -> None:
        if op.op in NO_FLOW or OPS[op.op].effect is Effect.CLIENT:
            return
        for source in op.operands:
            for target in op.results:
                self.flow.add(source, target, op)

    def ordered(self, op: Operation) -> None:
        """A column says something of the others only where it decides the order."""
        found = columns(op.op, op.operands, op.attrs)
        self.pairs(found, op.results, op)
        deciding = op.operands[:op.attrs["keys"]] if op.op == "sort" else op.operands[:len(op.operands) - len(found)]
        for source in deciding:
            for target in op.results:
                self.flow.add(source, target, op)

    def pairs(self, sources: Sequence[Value], targets: Sequence[Value], op: Operation) -> None:
        for source, target in zip(sources, targets, strict=False):
            self.flow.add(source, target, op)

    def decides(self, condition: Value, targets: Sequence[Value], op: Operation) -> None:
        for target in targets:
            self.flow.add(condition, target, op, control=True)

    def loop(self, op: Operation) -> None:
        count = op.attrs["iterated"]
        (region,) = op.regions
        self.pairs(op.operands, region.params, op)
        self.pairs(op.operands[count:], op.results, op)
        if _yields(region):
            self.pairs(terminator(region).operands, region.params[count:], op)
            self.pairs(terminator(region).operands, op.results, op)

    def while_loop(self, op: Operation) -> None:
        condition, body = op.regions
        targets = (condition.params, body.params, op.results)
        for target in targets:
            self.pairs(op.operands, target, op)
            if _yields(body):
                self.pairs(terminator(body).operands, target, op)
            self.decides(terminator(condition).operands[0], target, op)

    def comprehension(self, op: Operation) -> None:
        (region,) = op.regions
        self.pairs(op.operands, region.params, op)
        made = terminator(region).operands
        if op.attrs["filtered"]:
            self.decides(made[0], op.results, op)
            made = made[1:]
        self.pairs(made, op.results, op)

    def leaves_loop(self, op: Operation) -> None:
        loop = next(p for p in reversed(self.parents) if p.op in ("for", "while"))
        count = loop.attrs["iterated"] if loop.op == "for" else 0
        self.pairs(op.operands, loop.results, op)
        if op.op == "continue":
            for region in loop.regions:
                self.pairs(op.operands, region.params[count:], op)

    def call(self, op: Operation) -> None:
        callee = self.program.functions[op.attrs["function"]]
        self.pairs(op.operands, [v for p in callee.params for v in p.values], op)
        self.pairs(returned(callee), op.results, op)


def _yields(region: Region) -> bool:
    return terminator(region).op == "yield"
