"""Placeholders: private values that stand for others while a computation is traced, which then becomes a `block`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from enigmalang.execute import wires as w
from enigmalang.execute.blocks import Block, Column, Varying
from enigmalang.execute.secret import Pending
from enigmalang.execute.trace import Cut, Traced, Tracer, Wire, numbered


@dataclass(slots=True)
class Hole:
    """A private value that comes in, and what stands for it meanwhile: `params` for `wires`."""

    value: Traced
    standing: Traced
    wires: list[Wire]
    params: list[Wire]


def wires_of(value: Traced) -> list[Wire]:
    return [wire for wire in (value.arith, value.bits) if wire is not None]


def is_not(wire: Wire | None) -> bool:
    return wire is not None and wire.op == "not" and bool(wire.args)


def shape_of(value: Traced) -> tuple[Any, ...]:
    """What the trace of a computation can depend on."""
    return value.shape, value.truth, value.arith is not None, value.bits is not None


def is_const(value: Traced) -> bool:
    return any(wire.op == "const" and wire.handle is None for wire in wires_of(value))


def waiting(value: Any) -> bool:
    return type(value) is Pending and not value.ready


def param_like(wire: Wire) -> Wire:
    """A placeholder of the same form and shape, which is nobody's value and made of nothing."""
    made = Wire("param", (), wire.shape, wire.form, w.NO_ATTRS)
    made.span = wire.span
    return made


def stand_in(value: Traced) -> Traced:
    arith, bits = (None if wire is None else param_like(wire) for wire in (value.arith, value.bits))
    return Traced(arith, bits, value.truth)


def hole_for(value: Traced, through: bool) -> Hole:
    """`through`: for a negation stands the negation of a placeholder, so that negating it again costs nothing."""
    if through and is_not(value.bits):
        assert value.bits is not None
        inner = value.bits.args[0]
        arith = None if value.arith is None else param_like(value.arith)
        bits = param_like(inner)
        standing = Traced(arith, w.not_(bits), value.truth)
        known = [] if arith is None or value.arith is None else [(value.arith, arith)]
        pairs = [*known, (inner, bits)]
        return Hole(value, standing, [a for a, _ in pairs], [b for _, b in pairs])
    standing = stand_in(value)
    return Hole(value, standing, wires_of(value), wires_of(standing))


def again(value: Traced) -> Traced:
    """The same constant, made now: a trace begins with its placeholders."""
    arith, bits = (None if wire is None else Wire("const", (), wire.shape, wire.form, wire.attrs)
                   for wire in (value.arith, value.bits))
    return Traced(arith, bits, value.truth)


@dataclass(slots=True)
class Traces:
    """What was traced on placeholders: nodes, what comes out, as references (see `Block`), and the nodes that have an
    attribute of another number each time: node, attribute, which numbers.
    """

    cut: Cut
    params: int
    outs: list[int]
    varying: list[tuple[int, str, int]]


def traces_of(params: Sequence[Wire], outs: Sequence[Wire], varying: Sequence[tuple[Wire, str, int]] = ()
              ) -> Traces | None:
    """None where something but the placeholders and constants goes in."""
    with numbered([*params, *outs]) as order:
        if any(wire.op in ("input", "load") or wire.handle is not None for wire in order):
            return None
        if [wire.number for wire in params] != list(range(len(params))):  # a constant from outside comes first
            return None
        changing = [(wire.number - len(params), name, which) for wire, name, which in varying if wire.number >= 0]
        return Traces(Cut(order), len(params), [wire.number for wire in outs], changing)


def block_of(traces: Traces, count: int, carried: Sequence[int], columns: Sequence[Column] = ()) -> Block | None:
    """`count` repetitions, or None for what only changes places. `columns`: the numbers that vary."""
    table, params = traces.cut.table, traces.params
    keep = np.ones(len(table), np.bool_)
    keep[:params] = False
    varying = [Varying(node, table.op(params + node), name, table.attr_list[table.attrs[params + node]], columns[which])
               for node, name, which in traces.varying if columns]
    try:
        return Block(traces.cut.rows, table.only(keep, np.arange(len(table))), params, count, carried, varying)
    except ValueError:
        return None


def put(block: Block, args: Sequence[Wire]) -> Wire:
    return Wire("block", tuple(args), (), w.A, {"block": block})


def came_out(tracer: Tracer, standing: Traced, found: Sequence[Wire]) -> Traced:
    """A traced value with the forms of `standing`."""
    wires = iter(found)
    arith, bits = (None if wire is None else next(wires) for wire in (standing.arith, standing.bits))
    made = Traced(arith, bits, standing.truth)
    tracer.live.add(made)
    return made


def came_from(made: Wire, args: Sequence[Wire], like: Wire, inner: bool, number: int) -> Wire:
    if not inner:
        return args[number]
    wire = Wire("out", (made,), like.shape, like.form, {"place": number})
    wire.span = like.span
    return wire
