"""The trace: circuit nodes built lazily, simplified and run when something must come out.

A `Wire` is a node that may not have been computed yet. When a run is asked for, the wires it needs are cut out at
those already kept by the engine, written as a circuit, simplified, and run. Wires that something alive still refers
to are kept under handles, so that nothing is computed (or shared by its client) twice.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

import numpy as np

from enigmalang.circuits.circuit import Array, Circuit, Form, Node, Output
from enigmalang.circuits.simplify import simplify
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


class Wire:
    """One node of the trace. `data` of an input is its client's clear value."""

    __slots__ = ("args", "attrs", "data", "form", "handle", "op", "shape", "span")

    def __init__(self, op: str, args: tuple["Wire", ...], shape: Shape, form: Form, attrs: dict[str, Any],
                 span: Span | None, data: Array | None = None) -> None:
        self.op, self.args, self.shape, self.form, self.attrs, self.span = op, args, shape, form, attrs, span
        self.data = data
        self.handle: Handle | None = None

    def kept(self, handle: Handle) -> None:
        """From now on the engine has it: what it was made of is not needed."""
        self.handle, self.args, self.data, self.attrs = handle, (), None, {}

    def __repr__(self) -> str:
        return f"<wire {self.op} {self.shape}>"


class Traced(Secret):
    """A private value as wires: booleans in either form (or both), everything else ARITH."""

    __slots__ = ("arith", "bits", "truth")

    def __init__(self, *, arith: Wire | None = None, bits: Wire | None = None, truth: bool = False) -> None:
        self.arith, self.bits, self.truth = arith, bits, truth

    @property
    def wire(self) -> Wire:
        wire = self.bits if self.bits is not None else self.arith
        assert wire is not None
        return wire

    @property
    def shape(self) -> Shape:
        return self.wire.shape


class Tracer:
    """Owns the wires of one engine. `watch` is called with each circuit before it runs (for dumps)."""

    def __init__(self, engine: Engine, watch: Callable[[Circuit], None] | None = None) -> None:
        self.engine = engine
        self.watch = watch
        self.live: WeakSet[Traced] = WeakSet()
        self._dead: list[int] = []

    def traced(self, wire: Wire, truth: bool = False) -> Traced:
        made = Traced(bits=wire, truth=truth) if wire.form is Form.BITS else Traced(arith=wire, truth=truth)
        self.live.add(made)
        return made

    def run(self, opens: Sequence[Wire], outputs: Sequence[tuple[Wire, bytes]] = (), keeps: Sequence[Wire] = ()
            ) -> tuple[list[Array], list[Sealed]]:
        """Open, seal and keep, in one circuit. Raises EngineError."""
        self._forget()
        roots = [*opens, *(w for w, _ in outputs), *keeps]
        if not roots:
            return [], []
        order = _needed(roots)
        kept = self._kept(order, keeps)
        recipients = list(dict.fromkeys(key for _, key in outputs))
        cut = _Cut(order, self.engine.field)
        handles = {wire: Handle(next(_NUMBERS), self._dead) for wire in kept}
        circuit = Circuit(
            self.engine.field, tuple(cut.nodes), tuple(cut.numbers[w] for w in opens),
            tuple(Output(cut.numbers[w], recipients.index(key)) for w, key in outputs),
            tuple((cut.numbers[w], h.number) for w, h in handles.items()))
        opened, sealed = self._execute(simplify(circuit), cut.inputs, recipients)
        for wire, handle in handles.items():
            wire.kept(handle)
        return opened, sealed

    def _execute(self, circuit: Circuit, inputs: list[Array], recipients: list[bytes]
                 ) -> tuple[list[Array], list[Sealed]]:
        """Openings that are constants by now need no engine."""
        if self.watch is not None and circuit.nodes:
            self.watch(circuit)
        secret = tuple(n for n in circuit.opens if circuit.nodes[n].op != "const")
        sealed: tuple[Sealed, ...] = ()
        opened: dict[int, Array] = {}
        if secret or circuit.outputs or circuit.keeps:
            used, renumbered = _used_inputs(Circuit(
                circuit.field, circuit.nodes, secret, circuit.outputs, circuit.keeps))
            result = self.engine.run(renumbered, [inputs[slot] for slot in used], recipients)
            opened = dict(zip(secret, result.opened, strict=True))
            sealed = result.sealed
        return [opened[n] if n in opened else np.asarray(circuit.nodes[n].attrs["value"])
                for n in circuit.opens], list(sealed)

    def _forget(self) -> None:
        """Tell the engine what nothing refers to any more. Popped one by one: `Handle.__del__` may run meanwhile."""
        gone = []
        while self._dead:
            gone.append(self._dead.pop())
        if gone:
            self.engine.forget(gone)

    def _kept(self, order: list[Wire], keeps: Sequence[Wire]) -> list[Wire]:
        """The wires of this run that something alive refers to, directly or through wires not computed now."""
        inside = set(order)
        found: dict[Wire, None] = {}
        stack = [w for t in list(self.live) for w in (t.arith, t.bits) if w is not None]
        stack += keeps
        seen: set[Wire] = set()
        while stack:
            wire = stack.pop()
            if wire in seen or wire.handle is not None or wire.op == "const":
                continue
            seen.add(wire)
            if wire in inside:
                found[wire] = None
            else:
                stack.extend(wire.args)
        return [w for w in order if w in found]


def _needed(roots: Sequence[Wire]) -> list[Wire]:
    """What `roots` depend on, arguments first; kept wires are leaves."""
    order: list[Wire] = []
    seen: set[Wire] = set()
    stack: list[tuple[Wire, bool]] = [(w, False) for w in reversed(roots)]
    while stack:
        wire, ready = stack.pop()
        if ready:
            order.append(wire)
            continue
        if wire in seen:
            continue
        seen.add(wire)
        stack.append((wire, True))
        if wire.handle is None:
            stack.extend((a, False) for a in reversed(wire.args) if a not in seen)
    return order


class _Cut:
    """Wires as the nodes of a circuit."""

    def __init__(self, order: Sequence[Wire], field: str) -> None:
        self.nodes: list[Node] = []
        self.numbers: dict[Wire, int] = {}
        self.inputs: list[Array] = []
        for wire in order:
            self.numbers[wire] = len(self.nodes)
            self.nodes.append(self._node(wire))

    def _node(self, wire: Wire) -> Node:
        if wire.handle is not None:
            return Node("load", (), wire.shape, wire.form, {"handle": wire.handle.number}, wire.span)
        if wire.op == "input":
            assert wire.data is not None
            self.inputs.append(wire.data)
            return Node("input", (), wire.shape, wire.form, {"slot": len(self.inputs) - 1}, wire.span)
        args = tuple(self.numbers[a] for a in wire.args)
        return Node(wire.op, args, wire.shape, wire.form, wire.attrs, wire.span)


def _used_inputs(circuit: Circuit) -> tuple[list[int], Circuit]:
    """The slots that are left after simplification, and the circuit with its slots counted afresh."""
    used = sorted({n.attrs["slot"] for n in circuit.nodes if n.op == "input"})
    if used == list(range(len(used))):
        return used, circuit
    fresh = {slot: number for number, slot in enumerate(used)}
    nodes = tuple(
        Node(n.op, n.args, n.shape, n.form, {"slot": fresh[n.attrs["slot"]]}, n.span) if n.op == "input" else n
        for n in circuit.nodes)
    return used, Circuit(circuit.field, nodes, circuit.opens, circuit.outputs, circuit.keeps)
