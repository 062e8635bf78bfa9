"""Runs a program in the clear and writes down all that somebody can see, with secrets changed as one likes.

Every secret that comes in (an argument of a contract's function, a `share` of a script) is moved within its type by
`shift`; arrays are rolled. Two runs with different shifts then differ only in secrets, and what an observer saw of
them must be in the manifest.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from enigmalang.cli.inputs import Inputs
from enigmalang.cli.session import Session
from enigmalang.compiler.disclosure import Kind, Manifest
from enigmalang.diagnostics import EnigmaError
from enigmalang.execute.domain import peek
from enigmalang.execute.machine import Machine
from enigmalang.execute.runner import run_function
from enigmalang.execute.secret import Secret
from enigmalang.ir.ir import Function, Operation, Slot, Tensor
from enigmalang.ir.leaves import leaves_of
from enigmalang.plan.plan import Plan
from enigmalang.source import Span
from enigmalang.types.ranges import Range, nominal
from enigmalang.types.types import BoolT, IntT, Label

#: By operation: the kinds of which one must be in the manifest where two runs differ.
SEEN: dict[str, tuple[Kind, ...]] = {
    "print": (Kind.OUTPUT,),
    "reveal": (Kind.VALUE,),
    "reveal_to": (Kind.VALUE,),
    "require": (Kind.FAILURE,),
    "raise": (Kind.FAILURE,),
    "emit": (Kind.EVENT,),
    "send": (Kind.PAYMENT,),
    "state_store": (Kind.STATE, Kind.KEY),
    "map_set": (Kind.STATE, Kind.KEY),
    "map_get": (Kind.KEY, Kind.STATE),
    "db_set": (Kind.STATE, Kind.RECORD),
    "call_contract": (Kind.CALL,),
    "declassify": (Kind.VALUE,),
}
FAULT = (Kind.FAILURE, Kind.BOUND)


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of one operation; `call`: in which call of a contract (0: none)."""

    op: str
    line: int
    shown: str


@dataclass(slots=True)
class Trace:
    """What was seen, a list for each call of a contract in turn; the first is the program's own."""

    calls: list[list[Sight]] = field(default_factory=lambda: [[]])
    depth: list[int] = field(default_factory=lambda: [0])

    def see(self, op: str, span: Span, via: Sequence[Span], main: str, shown: str) -> None:
        places = [s for s in (*via, span) if s.path == main]
        line = places[0].line if places else span.line
        self.calls[self.depth[-1]].append(Sight(op, line, shown))


@dataclass(slots=True)
class Observer:
    plan: Plan
    shift: int
    trace: Trace = field(default_factory=Trace)
    moves: int = 0

    # ---- secrets

    def moved(self, value: Any, type: Any, within: Range | None) -> Any:
        if not self.shift or isinstance(value, Secret) or not isinstance(type, Tensor):
            return value
        self.moves += 1  # not all by the same, which would keep what is compared with each other
        far = self.shift * self.moves
        if type.rank:
            return np.roll(np.asarray(value), far, axis=-1)
        if isinstance(type.element, BoolT):
            return bool(value) ^ bool(far % 2)
        bound = within or nominal(type.element)
        if not isinstance(type.element, IntT) or bound is None or not bound.low <= int(value) <= bound.high:
            return value  # what is refused stays refused
        return bound.low + (int(value) - bound.low + (bound.high - bound.low) // 7 * far) % (bound.high - bound.low + 1)

    def arguments(self, op: Operation, args: tuple[Any, ...]) -> tuple[Any, ...]:
        skipped = 2 if op.attrs["value"] else 1
        planned = self.plan.functions.get(str(op.attrs["function"]))
        if planned is None:
            return args
        given = list(args)
        leaves = [(v, leaf, p.range) for p in planned.public.params
                  for v, leaf in zip(p.values, leaves_of(p.type, p.private), strict=True)]
        for number, (value, leaf, within) in enumerate(leaves):
            if leaf.private:
                given[skipped + number] = self.moved(given[skipped + number], value.type, within)
        return tuple(given)

    # ---- what is seen

    def wrapped(self, name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        def run(machine: Machine, op: Operation, args: tuple[Any, ...]) -> Any:
            if name == "share" and machine.context.mode == "client":
                args = (self.moved(args[0], op.result.type, None),)
            if name == "assert":
                return ()
            if name == "call_contract":
                return self.called(machine, op, handler, self.arguments(op, args))
            if name in ("require", "print", "emit", "send", "db_set", "raise") or name in ("state_store", "map_set"):
                self.see(machine, op, self.shown(machine, op, args))
            if name == "map_get" and self.private(machine, op):
                self.see(machine, op, self.visible(args))
            results = handler(machine, op, args)
            if name == "reveal" and machine.context.mode != "ledger":
                self.see(machine, op, repr([_plain(machine.forced(r, typed=False)) for r in results]))
            if name == "reveal_to" and machine.context.mode != "ledger":
                self.see(machine, op, repr(_plain(args[0])))
            if name == "declassify":
                self.see(machine, op, repr([_plain(r) for r in results]))
            return results

        return run

    def called(self, machine: Machine, op: Operation, handler: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        self.see(machine, op, self.visible(args))
        self.trace.calls.append([])
        self.trace.depth.append(len(self.trace.calls) - 1)
        try:
            return handler(machine, op, args)
        except EnigmaError as error:
            self.fault(error)
            raise
        finally:
            self.trace.depth.pop()

    def fault(self, error: EnigmaError) -> None:
        places = [n.span for n in error.diagnostic.notes if "called from" in n.text]
        self.trace.see("fault", error.diagnostic.span, places[::-1], self.plan.path, "")

    def see(self, machine: Machine, op: Operation, shown: str) -> None:
        self.trace.see(op.op, op.span, op.via, self.plan.path, shown)

    def slot(self, machine: Machine, op: Operation) -> Slot | None:
        contract = self.plan.contracts.get(machine.context.contract or "")
        return contract.slots.get(op.attrs["slot"]) if contract else None

    def private(self, machine: Machine, op: Operation) -> bool:
        slot = self.slot(machine, op)
        return slot is not None and slot.label is Label.PRIVATE

    def shown(self, machine: Machine, op: Operation, args: tuple[Any, ...]) -> str:
        if op.op in ("state_store", "map_set") and self.private(machine, op):
            return self.visible(args[:-1]) + str(np.shape(peek(args[-1])) if isinstance(args[-1], Secret) else "")
        if op.op == "require":
            return str(bool(args[0]))
        return self.visible(args)

    def visible(self, args: Sequence[Any]) -> str:
        return repr(["secret" if isinstance(a, Secret) else _plain(a) for a in args])


def _plain(value: Any) -> Any:
    found = peek(value) if isinstance(value, Secret) else value
    return found.tolist() if isinstance(found, np.ndarray) else getattr(found, "address", None) or str(found)


@contextmanager
def observed(plan: Plan, shift: int) -> Iterator[Observer]:
    """Machines that are made inside show the observer all they do."""
    observer = Observer(plan, shift)
    original = Machine.__init__

    def init(self: Machine, world: Any, domain: Any, context: Any, handlers: Any) -> None:
        names = (*SEEN, "share", "assert")
        if not isinstance(handlers, _Wrapped):
            handlers = _Wrapped(handlers | {n: observer.wrapped(n, handlers[n]) for n in names if n in handlers})
        original(self, world, domain, context, handlers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Machine, "__init__", init)
        yield observer


class _Wrapped(dict[str, Any]):
    """Handlers that the observer has seen already."""


def run(session: Session, plan: Plan, function: Function, shift: int, inputs: Inputs | None = None) -> Trace:
    """The trace of one run in the clear; an error of the program ends it, and is seen."""
    with observed(plan, shift) as observer:
        world = session.world(plan, inputs or Inputs({}), lambda text: None, engine="clear")
        try:
            run_function(world, function)
        except EnigmaError as error:
            observer.fault(error)
    return observer.trace


def uncovered(manifest: Manifest, one: Trace, other: Trace) -> list[Sight]:
    """Sights of one run only that no entry of the manifest stands for; calls that only one run made do not count."""
    entries = {(e.line, e.kind) for f in manifest.functions for e in f.entries}
    entries |= {(e.at.line, e.kind) for f in manifest.functions for e in f.entries if not e.at.file}
    missing: dict[Sight, None] = {}
    for first, second in zip(one.calls, other.calls, strict=False):
        mine, theirs = _until_a_fault(first, second)
        for sight in _differing(mine, theirs):
            kinds = SEEN.get(sight.op, FAULT)
            if not any((sight.line, kind) in entries for kind in kinds):
                missing[sight] = None
    return list(missing)


def _until_a_fault(a: list[Sight], b: list[Sight]) -> tuple[list[Sight], list[Sight]]:
    """Where one of them fails nothing follows: that is what its failure tells."""
    if a and a[-1].op == "fault" and not (b and b[-1].op == "fault"):
        return a, b[: len(a) - 1]
    if b and b[-1].op == "fault" and not (a and a[-1].op == "fault"):
        return a[: len(b) - 1], b
    return a, b


def _differing(mine: list[Sight], theirs: list[Sight]) -> Iterator[Sight]:
    places = dict.fromkeys((s.op, s.line) for s in (*mine, *theirs))
    for op, line in places:
        a, b = ([s for s in side if (s.op, s.line) == (op, line)] for side in (mine, theirs))
        if a != b:
            yield (a or b)[0]


