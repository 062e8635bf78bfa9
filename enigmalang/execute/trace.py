"""The trace: circuit nodes built lazily, simplified and run when something must come out.

A `Wire` is a node that may not have been computed yet. When a run is asked for, the wires it needs are cut out at
those already kept by the engine, written as a circuit, simplified, and run. Wires that something alive still refers
to are kept under handles, so that nothing is computed (or shared by its client) twice.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any
from weakref import ReferenceType, ref

import numpy as np

from enigmalang.circuits.circuit import Array, Circuit, Form, Output
from enigmalang.circuits.table import OP_NUMBER, Rows
from enigmalang.execute.blocks import laid_out
from enigmalang.execute.building import Builder, Built
from enigmalang.execute.ports import Engine, Sealed
from enigmalang.execute.secret import Secret, Shape
from enigmalang.source import Span

#: Handles are unique in the process, so that several traces can use one engine.
_NUMBERS = itertools.count(1)


class Handle:
    """Ownership of shares kept in the engine: they are forgotten after the last reference is gone."""

    __slots__ = ("_dead", "number")

    def __init__(self, number: int, dead: list[int]) -> None:
        self.number = number
        self._dead = dead

    def __del__(self) -> None:
        self._dead.append(self.number)


_SERIALS = itertools.count()


class Wire:
    """One node of the trace. `data` of an input is its client's clear value; `serial` grows with every wire, so that
    arguments have smaller ones than their users; `number` belongs to the run that is being built.
    """

    __slots__ = ("args", "attrs", "data", "form", "handle", "number", "op", "serial", "shape", "span")

    def __init__(self, op: str, args: tuple["Wire", ...], shape: Shape, form: Form, attrs: dict[str, Any],
                 data: Array | None = None, serial: Callable[[], int] = _SERIALS.__next__) -> None:
        self.op = op
        self.args = args
        self.shape = shape
        self.form = form
        self.attrs = attrs
        self.data = data
        self.serial: float = serial()
        self.number = -1
        self.span: Span | None = None
        self.handle: Handle | None = None

    def kept(self, handle: Handle) -> None:
        """From now on the engine has it: what it was made of is not needed."""
        self.handle, self.args, self.data, self.attrs = handle, (), None, {}

    def kept_in(self, array: "Wire", row: int) -> None:
        """From now on it is a row of `array`, which the engine has."""
        array.serial = min(array.serial, self.serial - 0.5)  # made late, used early
        self.op, self.args, self.data, self.attrs = "take", (array,), None, {"indices": np.array(row), "axis": 0}

    @property
    def is_row(self) -> bool:
        """Whether it is taken from what the engine has, which costs nothing."""
        return self.op == "take" and self.args[0].handle is not None

    def __repr__(self) -> str:
        return f"<wire {self.op} {self.shape}>"


class Traced(Secret):
    """A private value as wires: booleans in either form (or both), everything else ARITH."""

    __slots__ = ("arith", "bits", "truth")

    def __init__(self, arith: Wire | None = None, bits: Wire | None = None, truth: bool = False) -> None:
        self.arith = arith
        self.bits = bits
        self.truth = truth

    @property
    def wire(self) -> Wire:
        wire = self.bits if self.bits is not None else self.arith
        assert wire is not None
        return wire

    @property
    def shape(self) -> Shape:
        return self.wire.shape


class _Live:
    """The private values that something refers to. Those that are gone are cleared away now and then: a weak
    reference without a callback is all that a value costs.
    """

    def __init__(self) -> None:
        self._refs: list[ReferenceType[Traced]] = []
        self._full = 1024

    def add(self, value: Traced) -> None:
        self._refs.append(ref(value))
        if len(self._refs) >= self._full:
            self._refs = [r for r in self._refs if r() is not None]
            self._full = max(1024, 2 * len(self._refs))

    def wires(self) -> list[Wire]:
        values = [value for r in self._refs if (value := r()) is not None]
        return [wire for value in values for wire in (value.arith, value.bits) if wire is not None]


class Tracer:
    """Owns the wires of one engine. `watch` is called with each circuit before it runs (for dumps). `numbers`: what the
    engine masks for a client are numbers alone, booleans too."""

    def __init__(self, engine: Engine, watch: Callable[[Circuit], None] | None = None, numbers: bool = False) -> None:
        self.engine = engine
        self.watch = watch
        self.numbers = numbers
        self.live = _Live()
        self.builder = Builder()
        self.additions = 0  # of elements, in the circuits that ran
        self._dead: list[int] = []

    def traced(self, wire: Wire, truth: bool = False) -> Traced:
        made = Traced(None, wire, truth) if wire.form is Form.BITS else Traced(wire, None, truth)
        self.live.add(made)
        return made

    def run(self, opens: Sequence[Wire], outputs: Sequence[tuple[Wire, bytes]] = (), keeps: Sequence[Wire] = ()
            ) -> tuple[list[Array], list[Sealed]]:
        """Open, seal and keep, in one circuit. Raises EngineError."""
        self._forget()
        roots = [*opens, *(w for w, _ in outputs), *keeps]
        if not roots:
            return [], []
        recipients = list(dict.fromkeys(key for _, key in outputs))
        places = {key: number for number, key in enumerate(recipients)}
        with numbered(roots) as order:
            kept = self._kept(keeps, order)
            cut = Cut(order)
            count = len(cut.handles)
            ends = (
                tuple(w.number for w in opens),
                tuple(Output(w.number, places[key]) for w, key in outputs),
                tuple((w.number, count + number) for number, w in enumerate(kept)))
        built = self.builder.built(self.engine.field, cut.rows, cut.table, ends)
        handles = [*cut.handles, *(next(_NUMBERS) for _ in kept)]
        opened, sealed = self._execute(built, cut.inputs, recipients, handles)
        self._keep(built, kept, handles[count:], count)
        return opened, sealed

    def preview(self, opens: Sequence[Wire]) -> Circuit:
        """The circuit that opening `opens` would run now. Nothing runs."""
        with numbered(opens) as order:
            cut = Cut(order)
            ends: Any = (tuple(w.number for w in opens), (), ())
        built = self.builder.built(self.engine.field, cut.rows, cut.table, ends)
        return built.shown if built.idle else built.circuit

    def admit(self, mask: int, masked: bytes, shapes: Sequence[Shape]) -> list[Wire]:
        """The numbers that a client masked with mask `mask`, which the engine keeps from now on. Raises EngineError."""
        held = [self.held(shape, Form.ARITH) for shape in shapes]
        self.engine.admit(mask, masked, shapes, [number for _, number in held])
        return [wire for wire, _ in held]

    def held(self, shape: Shape, form: Form) -> tuple[Wire, int]:
        """A wire for what the engine is about to be given, and the handle to keep it under."""
        wire, number = Wire("load", (), shape, form, {}), next(_NUMBERS)
        wire.kept(Handle(number, self._dead))
        return wire, number

    def _execute(self, built: Built, inputs: list[Array], recipients: list[bytes], handles: list[int]
                 ) -> tuple[list[Array], list[Sealed]]:
        if self.watch is not None and built.shown.nodes:
            self.watch(built.shown if built.idle else built.circuit)
        if built.idle:
            return built.opened(()), []
        self.additions += built.additions
        result = self.engine.run(built.circuit, built.inputs(inputs), recipients, handles)
        return built.opened(result.opened), list(result.sealed)

    def _keep(self, built: Built, kept: list[Wire], numbers: list[int], first: int) -> None:
        """The wires that the engine has now, each under a handle or as a row of what is under one."""
        arrays: dict[int, Wire] = {}
        for node, local in built.circuit.keeps if built.gathered.rows else ():
            made = built.circuit.nodes[node]
            arrays[local] = Wire("load", (), made.shape, made.form, {})
            arrays[local].kept(Handle(numbers[local - first], self._dead))
        for local, (wire, number) in enumerate(zip(kept, numbers, strict=True), first):
            row = built.gathered.rows.get(local)
            if row is None:
                wire.kept(Handle(number, self._dead))
            else:
                wire.kept_in(arrays[row[0]], row[1])

    def _forget(self) -> None:
        """Tell the engine what nothing refers to any more. Popped one by one: `Handle.__del__` may run meanwhile."""
        gone = []
        while self._dead:
            gone.append(self._dead.pop())
        if gone:
            self.engine.forget(gone)

    def _kept(self, keeps: Sequence[Wire], order: list[Wire]) -> list[Wire]:
        """The wires of this run that something alive refers to, directly or through wires not computed now."""
        found: dict[Wire, None] = {}
        stack = [*self.live.wires(), *keeps]
        seen: set[Wire] = set()
        while stack:
            wire = stack.pop()
            if wire in seen or wire.handle is not None or wire.op == "const" or wire.is_row:
                continue
            seen.add(wire)
            if wire.number >= 0:
                found[wire] = None
            elif wire.op == "out" and wire.args[0].number >= 0:  # its block is computed, for another's sake
                wire.number = wire.args[0].number + wire.attrs["place"]
                order.append(wire)
                found[wire] = None
            else:
                stack.extend(wire.args)
        return sorted(found, key=_serial)


_serial = attrgetter("serial")


@contextmanager
def numbered(roots: Sequence[Wire]) -> Iterator[list[Wire]]:
    """What `roots` depend on, arguments first, and numbered in that order meanwhile; kept wires are leaves. A block has
    as many numbers as nodes, and what comes out of it is one of those.
    """
    order: list[Wire] = []
    try:
        stack = list(roots)
        while stack:
            wire = stack.pop()
            if wire.number < 0:
                wire.number = 0
                order.append(wire)
                if wire.handle is None:
                    stack.extend(wire.args)
        order.sort(key=_serial)
        number = 0
        for wire in order:
            if wire.op == "out" and wire.handle is None:
                wire.number = wire.args[0].number + wire.attrs["place"]
                continue
            wire.number = number
            number += wire.attrs["block"].size if wire.op == "block" else 1
        yield order
    finally:
        for wire in order:
            wire.number = -1


class Cut:
    """Wires as the nodes of a circuit: its inputs' values, and the numbers of the handles that it loads."""

    def __init__(self, order: Sequence[Wire]) -> None:
        self.rows = rows = Rows()
        self.inputs: list[Array] = []
        self.handles: list[int] = []
        blocks = [wire for wire in order if wire.op == "block"]
        if blocks:
            order = [w for w in order if w.op != "block" and (w.op != "out" or w.handle is not None)]
        rows.forms = [wire.form is Form.BITS for wire in order]
        rows.shapes = [rows.shape_id(wire.shape) for wire in order]
        rows.args = [tuple([a.number for a in wire.args]) for wire in order]
        rows.spans = [wire.span for wire in order]
        for wire in order:
            op, attrs = wire.op, wire.attrs
            if wire.handle is not None:
                op, attrs = "load", {"handle": len(self.handles)}
                self.handles.append(wire.handle.number)
            elif op == "input":
                assert wire.data is not None
                attrs = {"slot": len(self.inputs)}
                self.inputs.append(wire.data)
            elif op == "param":
                op = "load"
            rows.ops.append(OP_NUMBER[op])
            rows.attrs.append(rows.attr_id(op, attrs) if attrs else 0)
        total = len(order) + sum(wire.attrs["block"].size for wire in blocks)
        self.table = laid_out(rows, order, blocks, total) if blocks else rows.table()
