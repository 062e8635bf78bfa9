"""What everything observable depends on: the graph of flows (analysis/flow.py), and what leaks do not need of it.

Beside values there are nodes for the *lengths* of lists and for what is kept (*cells*: contract state and databases).
What was let out, by `reveal` and its kin, begins anew as public data, and is followed from there on: through public
computing, through conditions, loops and early ends, through state into other functions.

Sources of three kinds reach a node: secrets (what a revealed value is computed from), what is learnt, and the lengths
of private lists (which public failures, branches, events or outputs depend on these).
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from enigmalang.analysis.flow import NO_FLOW, Flow, build_flow, returned
from enigmalang.ir.ir import Function, Opaque, Operation, Program, Region, Slot, Value
from enigmalang.ir.leaves import leaves_of
from enigmalang.ir.ops import OPS, Effect
from enigmalang.plan.plan import SECRET
from enigmalang.source import Span
from enigmalang.types.types import ContractT, Label, Type

#: What is computed before these is told where it happens.
_APART = ("reveal", "attested", "call_contract", "submit", "await")
_LOOPS = ("for", "while", "map")


@dataclass(frozen=True, slots=True)
class Cell:
    """What is kept: a state variable's leaf, or (`owner` L, DHT, MPC) a whole database."""

    owner: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Length:
    """How many elements `of` has (of a map: which keys it has)."""

    of: "Value | Cell"


Node = Value | Cell | Length


class Origin(StrEnum):
    SECRET = "secret"
    LEARNT = "learnt"  # by everyone
    CLIENT = "client"  # by whoever runs the script, alone
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Source:
    """Where what a node depends on begins. `name` is what it is called; without one, its place says."""

    origin: Origin
    name: str
    span: Span
    via: tuple[Span, ...] = ()


@dataclass(slots=True, eq=False)
class Dependence:
    """The graph, forwards and backwards; the public conditions under which each operation runs; who reaches what."""

    flow: Flow
    out: dict[Node, list[Node]] = field(default_factory=dict)
    into: dict[Node, list[Node]] = field(default_factory=dict)
    controls: dict[Operation, tuple[Node, ...]] = field(default_factory=dict)
    entered: set[Value] = field(default_factory=set)  # parameters of functions that are called from outside
    begins: dict[Source, list[Node]] = field(default_factory=dict)
    _reached: dict[Node, int] = field(default_factory=dict)  # a bit for each source

    def add(self, source: Node, target: Node) -> None:
        self.out.setdefault(source, []).append(target)
        self.into.setdefault(target, []).append(source)

    def begin(self, source: Source, *nodes: Node) -> None:
        self.begins.setdefault(source, []).extend(nodes)

    def spread(self) -> None:
        """Carry each source to all that depends on it."""
        work: list[Node] = []
        for number, nodes in enumerate(self.begins.values()):
            for node in nodes:
                self._reached[node] = self._reached.get(node, 0) | 1 << number
                work.append(node)
        while work:
            node = work.pop()
            bits = self._reached[node]
            for target in self.out.get(node, ()):
                before = self._reached.get(target, 0)
                if before | bits != before:
                    self._reached[target] = before | bits
                    work.append(target)

    def sources(self, nodes: Sequence[Node], *origins: Origin) -> tuple[Source, ...]:
        """The sources of these kinds which any of `nodes` depends on."""
        bits = 0
        for node in nodes:
            bits |= self._reached.get(node, 0)
        return tuple(s for n, s in enumerate(self.begins) if bits >> n & 1 and s.origin in origins)

    def behind(self, value: Value) -> Iterator[Operation]:
        """The operations that `value` is computed by: back to parameters, to what is kept, and to what was learnt."""
        seen: set[Hashable] = {value}
        work: list[Node] = [value]
        while work:
            node = work.pop()
            definition = self.flow.defined_by.get(node) if isinstance(node, Value) else None
            if definition is not None:
                yield definition
                if definition.op in _APART or _enters(definition):
                    continue
            if node in self.entered:
                continue
            for before in self.into.get(node, ()):
                if isinstance(before, Value) and before not in seen:
                    seen.add(before)
                    work.append(before)


def depend(program: Program) -> Dependence:
    """The dependences of all functions of an inlined program but its tests, in which nothing is learnt by anyone."""
    functions = {n: f for n, f in program.functions.items() if f.kind != "test"}
    flow = build_flow(Program(program.path, functions, program.contracts))
    made = Dependence(flow)
    for edges in flow.out.values():
        for edge in edges:
            made.add(edge.source, edge.target)
            if edge.target.rank:
                if edge.control:
                    made.add(edge.source, Length(edge.target))
                elif edge.source.rank:
                    made.add(Length(edge.source), Length(edge.target))
    for contract in program.contracts.values():
        for slot in contract.slots.values():
            _kept(made, contract.name, slot)
    for function in functions.values():
        _Walk(made, program, function).run()
    made.spread()
    return made


def exits_of(region: Region) -> list[tuple[str, tuple[Node, ...]]]:
    """The early ends in a region that end something around it ("loop" or "scope"), each with its conditions."""
    found: list[tuple[str, tuple[Node, ...]]] = []
    for op in region.ops:
        found += _exits(op)
    return found


def _exits(op: Operation) -> list[tuple[str, tuple[Node, ...]]]:
    if op.op in ("break", "continue"):
        return [("loop", ())]
    if op.op == "leave":
        return [("scope", ())]
    inner = [pair for region in op.regions for pair in exits_of(region)]
    if op.op in _LOOPS:
        inner = [pair for pair in inner if pair[0] != "loop"]
    elif op.op == "scope":
        inner = [pair for pair in inner if pair[0] != "scope"]
    return [(kind, (*conditions, *_decides(op))) for kind, conditions in inner]


def _decides(op: Operation) -> tuple[Node, ...]:
    """What decides whether, or how often, the regions of `op` run."""
    match op.op:
        case "if":
            return (op.operands[0],)
        case "while":
            return (op.regions[0].ops[-1].operands[0],)
        case "for" | "map":
            return tuple(Length(v) for v in op.operands[: op.attrs["iterated"]])
        case _:
            return ()


def open_lengths(type: Type) -> tuple[bool, ...]:
    """For each leaf of `type` whether it has an axis whose length the type does not fix."""
    return tuple(not all(leaf.exact) for leaf in leaves_of(type))


def _enters(op: Operation) -> bool:
    """Whether a public value becomes a secret here."""
    return op.op == "share" and op.operands[0].label is Label.PUBLIC


def is_dealt(op: Operation, flow: Flow) -> bool:
    """Whether the client deals what it knows here. A constant that is written where it stands, and not given to a
    private name, is no secret."""
    made = flow.defined_by.get(op.operands[0])
    while made is not None and made.op == "convert":
        made = flow.defined_by.get(made.operands[0])
    return _enters(op) and not (made is not None and made.op == "const" and made.span == op.span)


def _kept(made: Dependence, contract: str, slot: Slot) -> None:
    if slot.label is not Label.PRIVATE:
        return
    cell = Cell(contract, slot.name)
    made.begin(Source(Origin.SECRET, slot.name, slot.span), cell)
    if not all(slot.exact):
        made.begin(Source(Origin.LENGTH, f"the length of {slot.name}", slot.span), Length(cell))


class _Walk:
    """The edges and sources of one function that `Flow` does not have."""

    def __init__(self, made: Dependence, program: Program, function: Function) -> None:
        self.made, self.program, self.function = made, program, function

    def run(self) -> None:
        self.parameters()
        self.region(self.function.body, ())

    def parameters(self) -> None:
        short = self.function.name.removesuffix(SECRET)
        if self.function.contract is not None:
            self.made.entered.update(v for param in self.function.params for v in param.values)
        for param in self.function.params:
            for value, leaf in zip(param.values, leaves_of(param.type, param.private), strict=True):
                if leaf.private and self.function.kind in ("external", "view", "init"):
                    name = ".".join((param.name, *leaf.path))
                    self.made.begin(Source(Origin.SECRET, f"{name} of {short}", param.span), value)
                    if not all(leaf.exact):
                        self.made.begin(Source(Origin.LENGTH, f"the length of {name} of {short}", param.span),
                                        Length(value))

    def region(self, region: Region, controls: tuple[Node, ...]) -> None:
        for op in region.ops:
            self.made.controls[op] = controls
            self.operation(op, controls)
            controls = tuple(dict.fromkeys((*controls, *(v for _, found in _exits(op) for v in found))))

    def operation(self, op: Operation, controls: tuple[Node, ...]) -> None:
        inner = (*controls, *_decides(op))
        if op.op in _LOOPS or op.op == "scope":
            ends = tuple(v for region in op.regions for _, found in exits_of(region) for v in found)
            decided: list[Node] = [*ends, *(_decides(op) if op.op == "for" else ())]
            self.decide(decided, (*op.results, *(p for region in op.regions for p in region.params)))
            if op.op == "map":
                for source in _decides(op):
                    for result in op.results:
                        self.made.add(source, Length(result))
            if op.op != "scope":
                inner = (*inner, *ends)  # an early end decides which later steps run
        for region in op.regions:
            self.region(region, tuple(dict.fromkeys(inner)))
        self.extra(op, controls)
        self.sources(op)

    def decide(self, conditions: Sequence[Node], values: Sequence[Value]) -> None:
        for condition in conditions:
            for value in values:
                self.made.add(condition, value)
                if value.rank:
                    self.made.add(condition, Length(value))

    # ---- edges

    def extra(self, op: Operation, controls: tuple[Node, ...]) -> None:
        add = self.made.add
        match op.op:
            case "len":
                add(Length(op.operands[0]), op.result)
                if op.operands[0].label is Label.PUBLIC:
                    add(op.operands[0], op.result)  # of a text
            case "reveal":
                add(Length(op.operands[0]), Length(op.result))
            case "slice" | "range":
                for operand in op.operands[op.op == "slice":]:
                    add(operand, Length(op.result))
                    add(operand, op.result)
            case "state_load" | "map_get" | "map_has":
                self.loads(op, self.cell(op))
            case "state_store" | "map_set":
                self.stores(op.operands, self.cell(op), controls)
            case "db_set":
                self.stores(op.operands, Cell(op.attrs["db"]), controls)
            case "db_get" | "db_get_at" | "db_has" | "db_history":
                self.loads(op, Cell(op.attrs["db"]))
            case "call_contract" | "submit" | "deploy":
                self.calls(op)
            case "read_contract":
                type = op.operands[0].type
                owner = type.type.name if isinstance(type, Opaque) and isinstance(type.type, ContractT) else ""
                self.loads(op, Cell(owner, op.attrs["slot"]))
            case name if name in NO_FLOW or OPS[name].effect is Effect.CLIENT:
                for source in op.operands:
                    for result in op.results:
                        add(source, result)
            case _:
                pass

    def cell(self, op: Operation) -> Cell:
        return Cell(self.function.contract or "", op.attrs["slot"])

    def loads(self, op: Operation, cell: Cell) -> None:
        for result in op.results:
            if op.op in ("map_has", "db_has"):
                self.made.add(Length(cell), result)
            else:
                self.made.add(cell, result)
                self.made.add(Length(cell), Length(result))
            for key in op.operands:
                self.made.add(key, result)

    def stores(self, values: Sequence[Value], cell: Cell, controls: Sequence[Node]) -> None:
        for value in values:
            self.made.add(value, cell)
            self.made.add(Length(value), Length(cell))
        for key in values[:-1]:
            self.made.add(key, Length(cell))
        for control in controls:
            self.made.add(control, cell)
            self.made.add(control, Length(cell))

    def calls(self, op: Operation) -> None:
        """Arguments become parameters; public results are those of the ledger program."""
        name = f"{op.attrs['contract']}.init" if op.op == "deploy" else str(op.attrs["function"])
        skipped = 0 if op.op == "deploy" else 2 if op.attrs["value"] else 1
        given = op.operands[skipped:]
        programs = [f for n in (name, name + SECRET) if (f := self.program.functions.get(n)) is not None]
        for callee in programs:
            for value, param in zip(given, (v for p in callee.params for v in p.values), strict=False):
                self.made.add(value, param)
                self.made.add(Length(value), Length(param))
        if not programs or op.op == "deploy":
            return
        learnt = any(leaf.private for leaf in leaves_of(programs[0].result, programs[0].result_private))
        for result in op.results:
            for value in returned(programs[0]):
                if value.label is Label.PUBLIC:
                    self.made.add(value, result)
                    self.made.add(Length(value), Length(result))
            if learnt:
                self.learnt(op, result)

    # ---- sources

    def learnt(self, op: Operation, *nodes: Value) -> None:
        """What the client came to know here, and could hand on."""
        lengths = [Length(n) for n in nodes]
        self.made.begin(Source(Origin.CLIENT, "", op.span, op.via), *nodes, *lengths)

    def sources(self, op: Operation) -> None:
        match op.op:
            case "reveal" | "attested":
                self.made.begin(Source(Origin.LEARNT, "", op.span, op.via), op.result)
            case "declassify":
                self.learnt(op, *op.results)
            case "db_get" if op.attrs["db"] == "DHT":
                self.learnt(op, *op.results)
            case "db_get" if op.attrs["db"] == "MPC":
                self.made.begin(Source(Origin.SECRET, "", op.span, op.via), *op.results)
                self.open(op, op.attrs["type"])
            case "input":
                if op.attrs["private"]:
                    self.open(op, op.attrs["type"])
                else:
                    self.learnt(op, *op.results)
            case "share" if self.function.kind == "script" and is_dealt(op, self.made.flow):
                self.made.begin(Source(Origin.SECRET, "", op.span, op.via), op.result)
            case _:
                pass

    def open(self, op: Operation, type: Type) -> None:
        """The lengths of lists that come in here are public, and told by nothing else."""
        for result, open in zip(op.results, open_lengths(type), strict=False):
            if open:
                self.made.begin(Source(Origin.LENGTH, "", op.span, op.via), Length(result))
