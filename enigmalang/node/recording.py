"""A function as circuits: traced on values that nobody knows, for other tools to take up.

What is traced depends on public values alone, so zeros stand for the secrets, and `--let` gives lengths and public
arguments. Nothing is kept between circuits: each holds all that leads from the inputs to what it lets out. A function
that reveals something only at its end is one circuit; where a revealed value decides what follows there are several,
and the later ones are those that follow on zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array, Circuit, Form, Output
from enigmalang.circuits.evaluate import evaluate
from enigmalang.circuits.export_boolean import Port
from enigmalang.circuits.export_words import Interval
from enigmalang.circuits.simplify import drop_dead, simplify
from enigmalang.circuits.table import table_of
from enigmalang.dht.memory import MemoryStore
from enigmalang.diagnostics import EnigmaError
from enigmalang.execute.circuit_engine import CircuitEngine
from enigmalang.execute.client import CLIENT
from enigmalang.execute.handlers import CONTRACT
from enigmalang.execute.machine import Context, Machine
from enigmalang.execute.ports import Sealed
from enigmalang.execute.requests import Request, compute
from enigmalang.execute.secret import Secret
from enigmalang.execute.trace import Cut, Tracer, Wire, numbered
from enigmalang.execute.values import leaves_from
from enigmalang.execute.world import World
from enigmalang.identity.keys import Keystore
from enigmalang.ir.clone import clone
from enigmalang.ir.ir import Function, Operation, Region, Tensor, operations
from enigmalang.ir.leaves import leaves_of
from enigmalang.node.costing.functions import LIST_FULL, PlacedDomain
from enigmalang.node.costing.unknown import Lets, UnknownInputs, Unknowns, UnknownState
from enigmalang.node.local import local_world
from enigmalang.plan.plan import Plan, PlanFunction
from enigmalang.types.types import BoolT, EnumT, FixedT, IntT

#: What a script does with what it knows: not part of a circuit.
_SINKS = frozenset({"print", "assert", "require", "emit", "declassify"})


@dataclass(frozen=True, slots=True)
class Given:
    """A private input: the name that the source has for it, the type of its elements, its shape."""

    name: str
    type: Tensor
    shape: tuple[int, ...]

    @property
    def reach(self) -> Interval | None:
        """The integers that an element may be; None where its type does not say."""
        return reach_of(self.type)

    @property
    def port(self) -> Port:
        """Raises ValueError where the type does not say which integers it holds."""
        if self.reach is None:
            raise ValueError(f"{self.name} has no known bits")
        return Port(prod(self.shape), self.reach)


@dataclass(frozen=True, slots=True)
class Flow:
    """One circuit, whose slots are the recording's inputs; `opens` and `seals` have the types of what leaves."""

    circuit: Circuit
    opens: tuple[Tensor, ...]
    seals: tuple[Tensor, ...]

    @property
    def outputs(self) -> list[tuple[int, Port | None]]:
        """Nodes that come out, opened, sealed and kept ones: each with the integers that its type holds, if it says."""
        c = self.circuit
        typed = [*zip(c.opens, self.opens, strict=True), *zip((o.node for o in c.outputs), self.seals, strict=True)]
        ports: list[tuple[int, Port | None]] = [(n, _port(type, c.nodes[n].size)) for n, type in typed]
        return ports + [(n, None) for n, _ in c.keeps]


@dataclass(frozen=True, slots=True)
class Recording:
    """All circuits of a function, in order."""

    function: str
    field: str
    inputs: tuple[Given, ...]
    flows: tuple[Flow, ...]
    assumed: tuple[str, ...]
    used: frozenset[str]  # the names of `--let` that were asked for


def reach_of(type: Tensor) -> Interval | None:
    """The integers that stand for values of a type; None where it does not say."""
    match type.element:
        case BoolT():
            return Interval(0, 1)
        case (IntT(low=low, high=high) | FixedT(low=low, high=high)) if high < 1 << 128:
            return Interval(low, high)
        case EnumT(members=members):
            return Interval(0, len(members) - 1)
        case _:
            return None


def _port(type: Tensor, size: int) -> Port | None:
    reach = reach_of(type)
    return None if reach is None else Port(size, reach)


def recordable(plan: Plan) -> list[str]:
    """The names that `record` takes: the script, functions of contracts that nodes work for."""
    found = [f.public.name for f in plan.functions.values() if f.public.kind == "script"]
    return found + [name for contract in plan.contracts.values() for name in contract.functions
                    if name in plan.functions and plan.functions[name].secret is not None]


def record(plan: Plan, name: str, lets: Lets, *, alone: bool = False) -> Recording:
    """The circuits of function `name`, one of `recordable`. `alone`: of a script that `compile_def` made, whose inputs
    are the parameters and nothing else. Raises Missing, BadLet; EnigmaError where the program itself fails.
    """
    found = plan.functions[name]
    unknowns, tracer = Unknowns(lets), _Recorder(plan.field)
    if found.public.kind == "script":
        _run(plan, found.public, unknowns, tracer, alone)
    else:
        try:
            _call(plan, found, unknowns, tracer)
        except EnigmaError as error:
            if error.diagnostic.code != LIST_FULL:
                raise
            unknowns, tracer = Unknowns(lets, spare=1), _Recorder(plan.field)
            _call(plan, found, unknowns, tracer)
    flows = tuple(flow for flow in tracer.flows if flow.circuit.nodes)
    return Recording(name, plan.field, tuple(tracer.given), flows, tuple(unknowns.assumed.values()),
                     frozenset(unknowns.used))


def _run(plan: Plan, function: Function, unknowns: Unknowns, tracer: _Recorder, alone: bool) -> None:
    private = {str(op.attrs["name"]): bool(op.attrs.get("private")) for op in operations(function.body)
               if op.op == "input"}
    inputs = UnknownInputs(unknowns, private)
    world = local_world(plan, tracer.engine, inputs=inputs, out=_silent, on_learn=_unheard, tracer=tracer)
    domain = world.domain = _Domain(tracer)
    own = {"input": tracer.asked, "share": tracer.constant} if alone else {"share": tracer.shared}
    handlers = {**CONTRACT, **CLIENT, **own}
    Machine(world, domain, Context("client"), handlers).run(_without_sinks(function), ())
    domain.flush()


def _call(plan: Plan, found: PlanFunction, unknowns: Unknowns, tracer: _Recorder) -> None:
    assert found.secret is not None
    contract = plan.contracts[found.public.contract or ""]
    ledger = _State(contract, unknowns, tracer)
    world = World(plan, ledger, MemoryStore(), Keystore(), tracer.engine, out=_silent, on_learn=_unheard, tracer=tracer)
    domain = world.domain = _Domain(tracer)
    address = ledger.deploy(contract.name, world.actor.address)
    call = Operation("call_contract", (), (), found.public.span)
    args: list[Any] = []
    for param in found.public.params:
        data = leaves_from(unknowns.data(param.name, param.type, param.private), param.type)
        for value, leaf in zip(data, leaves_of(param.type, param.private), strict=True):
            if leaf.private and isinstance(leaf.type, Tensor):
                tracer.names.append(param.name)
                args.append(domain.share(value, leaf.type, client=True))
            else:
                args.append(value)
    function = replace(found, secret=_without_sinks(found.secret))
    compute(world, Request(call, function, address, contract.name, world.actor.address, 0, tuple(args)))
    domain.flush()


def _without_sinks(function: Function) -> Function:
    made = clone(function)
    _drop_sinks(made.body)
    return made


def _drop_sinks(region: Region) -> None:
    region.ops[:] = [op for op in region.ops if op.op not in _SINKS and not (
        op.op == "db_set" and op.attrs["db"] != "MPC")]
    for op in region.ops:
        for inner in op.regions:
            _drop_sinks(inner)


def _silent(text: str) -> None:
    """What the program prints of zeros is of no interest."""


def _unheard(name: str, text: str) -> None:
    """Nor is what someone learns of them."""


class _State(UnknownState):
    """Private state is an input."""

    def __init__(self, contract: Any, unknowns: Unknowns, tracer: _Recorder) -> None:
        super().__init__(contract, unknowns, tracer)
        self._recorder = tracer

    def _made(self, slot: Any) -> Any:
        self._recorder.stored = slot.name, slot.type
        return super()._made(slot)


class _Recorder(Tracer):
    """Writes circuits down where another tracer runs them, and answers with what zeros give. Nothing is kept in an
    engine, so every circuit begins with the inputs.
    """

    def __init__(self, field: str) -> None:
        super().__init__(CircuitEngine(field))
        self.given: list[Given] = []
        self.wires: list[Wire] = []
        self.flows: list[Flow] = []
        self.names: list[str] = []
        self.stored: tuple[str, Tensor] | None = None
        self.types: tuple[tuple[Tensor, ...], tuple[Tensor, ...]] = (), ()

    def enters(self, name: str, type: Tensor, wire: Wire) -> None:
        """`wire` is an input of the function."""
        self.given.append(Given(name, type, wire.shape))
        self.wires.append(wire)

    def shared(self, machine: Machine, op: Operation, args: tuple[Any, ...]) -> Any:
        """What a script shares has a name there."""
        self.names.append(op.result.hint)
        return CONTRACT["share"](machine, op, args)

    def asked(self, machine: Machine, op: Operation, args: tuple[Any, ...]) -> Any:
        """A parameter: an input even where nothing depends on it, so that callers can count on the inputs."""
        values = CLIENT["input"](machine, op, args)
        if not op.attrs.get("private"):
            return values
        made = []
        for value, result in zip(values, op.results, strict=True):
            assert isinstance(result.type, Tensor)
            self.names.append(str(op.attrs["name"]))
            made.append(machine.domain.share(value, result.type, client=True))
        return tuple(made)

    def constant(self, machine: Machine, op: Operation, args: tuple[Any, ...]) -> Any:
        """What a function writes down itself and makes private is known to who compiles it."""
        (value,) = args
        if isinstance(value, Secret) or not isinstance(op.result.type, Tensor):
            return (value,)
        return (machine.domain.share(value, op.result.type, client=False),)

    def admit(self, mask: int, masked: bytes, shapes: Sequence[tuple[int, ...]]) -> list[Wire]:
        """State that somebody wrote before."""
        assert self.stored is not None
        name, type = self.stored
        made = [Wire("input", (), shape, Form.ARITH, {}, np.zeros(shape, np.int64)) for shape in shapes]
        for wire in made:
            self.enters(name, type, wire)
        return made

    def run(self, opens: Sequence[Wire], outputs: Sequence[tuple[Wire, bytes]] = (), keeps: Sequence[Wire] = ()
            ) -> tuple[list[Array], list[Sealed]]:
        roots = [*opens, *(w for w, _ in outputs), *keeps]
        if not roots:
            return [], []
        with numbered(roots) as order:
            cut = Cut(order)
            slots = [self.wires.index(w) for w in order if w.op == "input" and w.handle is None]
            ends = (tuple(w.number for w in opens), tuple(Output(w.number, 0) for w, _ in outputs),
                    tuple((w.number, number) for number, w in enumerate(keeps)))
        circuit = drop_dead(simplify(Circuit(self.engine.field, cut.table, *ends)))
        values = evaluate(circuit, cut.inputs, {})
        opened, sealed = self.types
        self.flows.append(Flow(_with_slots(circuit, slots), opened, sealed))
        return [values[n] for n in circuit.opens], [
            Sealed(values[o.node].shape, (b" ".join(str(int(v)).encode() for v in values[o.node].ravel()),))
            for o in circuit.outputs]


def _with_slots(circuit: Circuit, slots: Sequence[int]) -> Circuit:
    """Slots counted as the inputs of the function are."""
    table = table_of(circuit.nodes)
    numbers = table.where("input").tolist()
    return replace(circuit, nodes=table.with_attrs(numbers, lambda attrs: {"slot": slots[attrs["slot"]]}))


class _Domain(PlacedDomain):
    """Remembers the types of what enters and leaves."""

    def __init__(self, tracer: _Recorder) -> None:
        super().__init__(tracer)
        self._recorder = tracer
        self._types: list[Tensor] = []

    def share(self, value: Any, type: Tensor, *, client: bool) -> Secret:
        made = super().share(value, type, client=client)
        if client:
            names = self._recorder.names
            name = (names.pop() if names else "") or f"input{len(self._recorder.given) + 1}"
            self._recorder.enters(name, type, made.wire)  # type: ignore[attr-defined]
        return made

    def reveal(self, secret: Secret, type: Tensor) -> Any:
        self._types.append(type)
        return super().reveal(secret, type)

    def finish(self, keeps: Sequence[Secret], seals: Sequence[tuple[Secret, Tensor, bytes]]) -> Any:
        self._recorder.types = tuple(self._types), tuple(type for _, type, _ in seals)
        self._types = []
        return super().finish(keeps, seals)
