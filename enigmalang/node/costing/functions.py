"""Costs of functions and of whole programs: run in a rehearsal, on values that nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

import numpy as np

from enigmalang.chain.digests import Work
from enigmalang.chain.hub import Parameters
from enigmalang.chain.vault import FIELD
from enigmalang.dht.memory import MemoryStore
from enigmalang.diagnostics import EnigmaError
from enigmalang.execute.client import CLIENT, finish_queue
from enigmalang.execute.handlers import CONTRACT
from enigmalang.execute.machine import Context, Handler, Machine
from enigmalang.execute.ports import Engine, EngineStats
from enigmalang.execute.ranges import limits
from enigmalang.execute.requests import Request, check_ranges, compute, private_leaves
from enigmalang.execute.trace import Traced, Tracer
from enigmalang.execute.traced import TracedDomain
from enigmalang.execute.values import leaves_from
from enigmalang.execute.world import World
from enigmalang.identity.keys import Keystore
from enigmalang.ir.clone import clone
from enigmalang.ir.ir import Function, Operation, Param, Region, Value, operations
from enigmalang.ir.leaves import Leaf, leaves_of
from enigmalang.node.costing.cost import Cost, LineCost, in_order
from enigmalang.node.costing.meter import Place, Spent
from enigmalang.node.costing.orders import Entries, Ordering
from enigmalang.node.costing.rehearsal import Rehearsal
from enigmalang.node.costing.unknown import BadLet, Lets, Missing, UnknownInputs, Unknowns, UnknownState, unused
from enigmalang.node.local import local_world
from enigmalang.node.network_check import uses_entries
from enigmalang.plan.plan import Plan, PlanFunction
from enigmalang.semantics.loader import in_stdlib
from enigmalang.source import Span

__all__ = ["BadLet", "Lets", "Missing", "cost_of", "cost_of_program", "priced_functions"]

#: What appending to a full list says.
LIST_FULL = "E0508"


def priced_functions(plan: Plan) -> list[str]:
    """The names that `cost_of` takes, in the source's order: the script, contracts' functions, tests."""
    found = [name for name, f in plan.functions.items() if f.public.kind == "script"]
    found += [name for contract in plan.contracts.values() for name in contract.functions
              if name in plan.functions and plan.functions[name].public.kind in ("external", "view", "init")]
    return [*found, *plan.tests]


def cost_of(plan: Plan, function: str, nodes: int = 3, lets: Lets | None = None, threshold: int | None = None,
            network: bool = False) -> Cost:
    """What a call of `function` (one of `priced_functions`) costs `nodes` nodes; `lets` are lengths of lists and public
    values by name.

    A script or test runs from top to bottom, with zeros for its private inputs; what it reveals is what comes of those.
    `network`: as `enig run --network` runs a script, with the nodes of a vault if it uses `MPC`.
    A contract's function runs on state that is all zeros where it is private, with every `require` taken as holding.
    Raises Missing, BadLet; ValueError for impossible numbers of nodes; EnigmaError where the program itself fails.
    """
    found = plan.functions[function]
    unknowns = Unknowns(lets or {})
    if found.public.contract is not None and found.public.kind not in ("script", "test"):
        try:
            cost = _of_call(plan, found, unknowns, nodes, threshold)
        except EnigmaError as error:
            if error.diagnostic.code != LIST_FULL:
                raise
            unknowns = Unknowns(lets or {}, spare=1)
            cost = _of_call(plan, found, unknowns, nodes, threshold)
    elif network and found.public.kind == "script" and uses_entries(plan):
        cost = _of_orders(plan, found.public, unknowns, nodes, threshold)
    else:
        cost = _of_runs(plan, [found.public], unknowns, nodes, threshold)
    return cost


def cost_of_program(plan: Plan, nodes: int = 3, lets: Lets | None = None, threshold: int | None = None,
                    chain: Callable[[], Any] | None = None) -> Cost:
    """What `enig run` of the file costs: its script, or all its tests. `chain` makes the ledger of each, as for
    `local_world`; without it contracts are run in memory. Raises as `cost_of`.
    """
    unknowns = Unknowns(lets or {})
    runs = [plan.script] if plan.script is not None else [plan.functions[name].public for name in plan.tests]
    return _of_runs(plan, runs, unknowns, nodes, threshold, chain)


def names_of(plan: Plan) -> set[str]:
    """Every name that a `--let` may have, but for fields of structs."""
    inputs = {str(op.attrs["name"]) for f in plan.functions.values() for op in operations(f.public.body)
              if op.op == "input"}
    params = {p.name for f in plan.functions.values() for p in f.public.params}
    slots = {slot.name for contract in plan.contracts.values() for slot in contract.slots.values()}
    return inputs | params | slots


def unknown_lets(plan: Plan, lets: Lets) -> list[str]:
    """Names that nothing in the program has."""
    known = names_of(plan)
    return list(unused({name: value for name, value in lets.items() if "." not in name and "[" not in name}, known))


# ------------------------------------------------------------------------------------------- runs of scripts and tests


def _of_runs(plan: Plan, runs: list[Function], unknowns: Unknowns, nodes: int, threshold: int | None,
             chain: Callable[[], Any] | None = None) -> Cost:
    private = _inputs(runs, unknowns.lets)
    with Stage.of(plan, nodes, threshold) as stage:
        for function in runs:
            world = local_world(plan, stage.rehearsal, inputs=UnknownInputs(unknowns, private), out=_silent,
                                on_learn=_unheard, tracer=stage.tracer, chain=chain, bounded=False)
            stage.run(world, function, unknowns)
        first = runs[0] if runs else None
        return stage.cost(first, unknowns) if first is not None else stage.nothing()


def _of_orders(plan: Plan, function: Function, unknowns: Unknowns, nodes: int, threshold: int | None) -> Cost:
    """On a network: see `costing.orders`."""
    private = _inputs([function], unknowns.lets)
    with Stage.of(replace(plan, field=FIELD), nodes, threshold) as stage:
        ordering = Ordering(stage.rehearsal)
        stage.tracer = Tracer(cast(Engine, ordering), numbers=True)
        world = local_world(plan, cast(Engine, ordering), inputs=UnknownInputs(unknowns, private), out=_silent,
                            on_learn=_unheard, tracer=stage.tracer, bounded=False)
        world.held = Entries(ordering)
        stage.run(world, function, unknowns)
        counted = ordering.ended()
        unknowns.assumed["orders"] = counted.assumed(fee_of(Work(counted.room)))
        cost = stage.cost(function, unknowns)
        fee = fee_of(Work(cost.rounds + counted.room, cost.products, cost.additions))
        return replace(cost, orders=counted.orders, gas=counted.gas, fee=fee)


def _inputs(runs: list[Function], lets: Lets) -> dict[str, bool]:
    """The inputs that are read, and whether they are private. Raises Missing for public ones that are not given."""
    found = {str(op.attrs["name"]): (bool(op.attrs.get("private")), op)
             for function in runs for op in operations(function.body) if op.op == "input"}
    missing = {name: f"a public input ({op.attrs['type']})" for name, (private, op) in found.items()
               if not private and name not in lets}
    if missing:
        raise Missing(missing)
    return {name: private for name, (private, _) in found.items()}


def _silent(text: str) -> None:
    """What the program prints of zeros is of no interest."""


def _unheard(name: str, text: str) -> None:
    """Nor is what someone learns of them."""


def _tell_branches(function: Function, unknowns: Unknowns) -> None:
    """Assumed: which way a branch goes, or how often a loop runs, where a revealed value decides."""
    revealed: set[Value] = set()
    for op in operations(function.body):
        ends = [v for region in op.regions if region.ops for v in region.ops[-1].operands if op.op == "while"]
        if op.op == "reveal" or not revealed.isdisjoint((*op.operands, *ends)):
            revealed.update(op.results)
            if op.regions:
                unknowns.assumed["revealed"] = ("what depends on revealed values goes as with secrets that are zero, "
                                                "where the program does not say them")


# ------------------------------------------------------------------------------------------- calls of contracts


def _of_call(plan: Plan, found: PlanFunction, unknowns: Unknowns, nodes: int, threshold: int | None) -> Cost:
    if found.secret is None:
        return Cost(found.name, found.public.kind, found.public.span, plan.field, nodes, threshold or (nodes - 1) // 2)
    contract = plan.contracts[found.public.contract or ""]
    with Stage.of(plan, nodes, threshold) as stage:
        ledger = UnknownState(contract, unknowns, stage.tracer)
        world = World(plan, ledger, MemoryStore(), Keystore(), stage.rehearsal, out=_silent, on_learn=_unheard,
                      tracer=stage.tracer)
        stage.enter(world, found.public)
        address = ledger.deploy(contract.name, world.actor.address)
        call = Operation("call_contract", (), (), found.public.span)
        function = replace(found, secret=without_checks(found.secret))
        _tell_branches(found.secret, unknowns)
        args = _arguments(world, found.public, unknowns)
        request = Request(call, function, address, contract.name, world.actor.address, 0, args)
        check_ranges(world, request, truths=True)
        compute(world, request)
        if any(op.op == "require" for op in operations(found.secret.body)):
            unknowns.assumed["require"] = "every `require` holds"
        cost = stage.cost(found.public, unknowns)
        return replace(cost, fee=fee_of(Work(cost.rounds, cost.products, cost.additions)))


def fee_of(work: Work) -> int:
    """Wei that a job of this work costs by the weights that a hub has unless it is deployed with others."""
    weights = Parameters()
    return (work.rounds * weights.round_weight + work.products * weights.product_weight
            + work.additions * weights.addition_weight)


def without_checks(function: Function) -> Function:
    """A copy in which every `require` is taken as holding: values that nobody knows decide about them."""
    made = clone(function)
    _drop_checks(made.body)
    return made


def _drop_checks(region: Region) -> None:
    region.ops[:] = [op for op in region.ops if op.op != "require"]
    for op in region.ops:
        for inner in op.regions:
            _drop_checks(inner)


def _arguments(world: World, function: Function, unknowns: Unknowns) -> tuple[Any, ...]:
    """The leaves of the parameters; private ones come masked over the ledger, as they do on a chain."""
    leaves = [_inside(value, leaf, p) for p in function.params
              for value, leaf in zip(leaves_from(unknowns.data(p.name, p.type, p.private), p.type),
                                     leaves_of(p.type, p.private), strict=True)]
    kinds = private_leaves(function)
    hidden = [(leaf, kind) for leaf, kind in zip(leaves, kinds, strict=True) if kind is not None]
    if not hidden:
        return tuple(leaves)
    masked = world.domain.mask([leaf for leaf, _ in hidden])
    secrets = iter(world.domain.admit(masked, [kind for _, kind in hidden]))
    return tuple(leaf if kind is None else next(secrets) for leaf, kind in zip(leaves, kinds, strict=True))


def _inside(value: Any, leaf: Leaf, param: Param) -> Any:
    """`value`, or where it is zero and zero is outside the parameter's range, the number of the range next to it."""
    reach = limits(leaf.type, param.range)
    if reach is None or reach[0] <= 0 <= reach[1] or np.any(value):
        return value
    return np.zeros_like(value) + reach[0] if isinstance(value, np.ndarray) else reach[0]


# ------------------------------------------------------------------------------------------- what both need


class PlacedDomain(TracedDomain):
    """Operations of the standard library count for the line that calls it."""

    def __init__(self, tracer: Tracer) -> None:
        super().__init__(tracer)
        self._placed: dict[Operation, Operation] = {}

    def apply(self, op: Operation, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """See `TracedDomain.apply`."""
        placed = self._placed.get(op)
        if placed is None:
            placed = self._placed[op] = _placed(op)
        return super().apply(placed, args)


def _revealed(machine: Machine, op: Operation, args: tuple[Any, ...]) -> Any:
    for secret in args:
        if isinstance(secret, Traced) and secret.wire.span is None:
            secret.wire.span = _placed(op).span
    return CONTRACT["reveal"](machine, op, args)


def _placed(op: Operation) -> Operation:
    for span in (op.span, *reversed(op.via)):
        if not _in_stdlib(span.path):
            return op if span is op.span else replace(op, span=span)
    return op


_in_stdlib = lru_cache(maxsize=64)(in_stdlib)


@dataclass(slots=True)
class Stage:
    """A rehearsal and what is traced for it."""

    plan: Plan
    rehearsal: Rehearsal
    tracer: Tracer

    @classmethod
    @contextmanager
    def of(cls, plan: Plan, nodes: int, threshold: int | None) -> Iterator[Stage]:
        """Raises ValueError for impossible numbers of nodes."""
        with Rehearsal.of(nodes, threshold, plan.field) as rehearsal:
            yield cls(plan, rehearsal, Tracer(rehearsal))

    def enter(self, world: World, function: Function) -> None:
        """`function` begins."""
        world.domain = PlacedDomain(self.tracer)
        self.rehearsal.at = function.span

    def run(self, world: World, function: Function, unknowns: Unknowns) -> None:
        """A script or a test, from top to bottom."""
        self.enter(world, function)
        _tell_branches(function, unknowns)
        machine = Machine(world, world.domain, Context("client"), {**CONTRACT, **CLIENT, **self.handlers()})
        machine.run(function, ())
        finish_queue(world)

    def handlers(self) -> dict[str, Handler]:
        """What scripts and tests do differently: what a call does to arguments counts for the function's header, an
        input that is revealed as it is for that line, and what is asserted of zeros need not hold.
        """
        return {"call_contract": self._called, "reveal": _revealed, "assert": lambda machine, op, args: ()}

    def _called(self, machine: Machine, op: Operation, args: tuple[Any, ...]) -> Any:
        before, name = self.rehearsal.at, f"{args[0].name}.{op.attrs['function'].rpartition('.')[2]}"
        callee = self.plan.functions.get(name)
        self.rehearsal.at = callee.public.span if callee is not None else op.span
        try:
            return CLIENT["call_contract"](machine, op, args)
        finally:
            self.rehearsal.at = before

    def cost(self, function: Function, unknowns: Unknowns) -> Cost:
        """What was spent since the beginning."""
        stats, spent = self.rehearsal.stats(), self.rehearsal.lines()
        if self.rehearsal.long_sorts:
            unknowns.assumed["sort"] = "long sorts take more or fewer comparisons with each random order"
        lines = in_order(list(_lines(spent, stats)), self.plan.path)
        told = sum(line.bytes_sent for line in lines)
        return Cost(
            function.name, function.kind, function.span, self.plan.field, self.rehearsal.n, self.rehearsal.t,
            stats.rounds, stats.bytes_sent, stats.products, stats.ands, stats.comparisons, stats.circuits,
            self.tracer.additions, stats.bytes_sent - told, lines, dict(stats.ahead),
            tuple(unknowns.assumed.values()))

    def nothing(self) -> Cost:
        """Of a program that does nothing."""
        return Cost("script", "script", Span(self.plan.path, 1, 1, 1, 1), self.plan.field, self.rehearsal.n,
                    self.rehearsal.t)


def _lines(spent: Mapping[Place, Spent], stats: EngineStats) -> Iterator[LineCost]:
    """Fractions become whole numbers that add up."""
    wanted = [round(sum(found.counts[which] for found in spent.values())) for which in range(4)]
    columns = [_rounded([found.counts[which] for found in spent.values()], wanted[which]) for which in range(4)]
    for number, ((path, line), found) in enumerate(spent.items()):
        sent, products, ands, comparisons = (column[number] for column in columns)
        yield LineCost(
            path, line, len(found.rounds), sent, products, ands, comparisons, frozenset(found.rounds))


def _rounded(parts: list[float], total: int) -> list[int]:
    """Whole numbers next to `parts` with the sum `total`: the largest remainders are rounded up."""
    floors = [int(part + 1e-9) for part in parts]
    order = sorted(range(len(parts)), key=lambda n: floors[n] - parts[n])
    for n in order[: total - sum(floors)]:
        floors[n] += 1
    return floors
