"""A script's circuits as orders take them: what goes in, and what is kept, by handles that an order explains."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from enigmalang.chain.vault import FIELD
from enigmalang.circuits.circuit import Array, Circuit, Form, Node, Output
from enigmalang.circuits.table import OP_NUMBER, Table, starts_of, table_of
from enigmalang.wire.codec import encode_circuit
from enigmalang.wire.orders import Order, Place


@dataclass(slots=True)
class Draft:
    """A circuit to be. Its `load`s have the engine's handles; `keeps` are nodes and the engine's handles; `leaves` are
    nodes that become leaves of an entry."""

    table: Table
    inputs: list[Array] = field(repr=False)
    recipients: list[bytes]
    opens: tuple[int, ...] = ()
    outputs: tuple[Output, ...] = ()
    keeps: list[tuple[int, int]] = field(default_factory=list)
    leaves: list[tuple[int, Place]] = field(default_factory=list)

    @classmethod
    def of(cls, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes], handles: Sequence[int] | None
           ) -> "Draft":
        """What an engine is told to run."""
        table, keeps = table_of(circuit.nodes), list(circuit.keeps)
        if handles is not None:
            table = table.with_attrs(table.where("load").tolist(), lambda attrs: {"handle": handles[attrs["handle"]]})
            keeps = [(node, handles[handle]) for node, handle in keeps]
        return cls(table, list(inputs), list(recipients), circuit.opens, circuit.outputs, keeps)

    @classmethod
    def empty(cls) -> "Draft":
        return cls(table_of(()), [], [])

    def append(self, node: Node) -> int:
        """One more node; its number."""
        self.table = _appended(self.table, [node])
        return len(self.table) - 1

    def load(self, handle: int, shape: tuple[int, ...], form: Form) -> int:
        """The node of what is under an engine's handle: one that is here already, if this draft makes it."""
        here = next((node for node, kept in self.keeps if kept == handle), None)
        return here if here is not None else self.append(Node("load", (), shape, form, {"handle": handle}))

    def input(self, value: Array) -> int:
        """The node of one more array that the client masks."""
        self.inputs.append(value)
        return self.append(Node("input", (), np.shape(value), Form.ARITH, {"slot": len(self.inputs) - 1}))

    def given_before(self, handles: Mapping[int, int]) -> "Draft":
        """The same with some of its inputs under handles of the engine: slot -> handle."""
        slots = self.table.where("input").tolist()
        before = [number for number in slots if self.table.attr_list[self.table.attrs[number]]["slot"] in handles]
        fresh = {slot: place for place, slot in enumerate(
            slot for slot in range(len(self.inputs)) if slot not in handles)}
        table = self.table.with_attrs(before, lambda attrs: {"handle": handles[attrs["slot"]]})
        left = [number for number in slots if number not in set(before)]
        table = _with_op(table.with_attrs(left, lambda attrs: {"slot": fresh[attrs["slot"]]}), before, "load")
        return replace(self, table=table, inputs=[self.inputs[slot] for slot in fresh])

    def order(self, kind: str, session: bytes, place: Callable[[int], Place]) -> tuple[Order, list[Array]]:
        """The order without its mask, and the arrays that are to be masked. `place`: what a handle stands for."""
        table, inputs = _without_empty(self.table, self.inputs)
        loads, slots = table.where("load").tolist(), table.where("input").tolist()
        read = list(dict.fromkeys(table.attr_list[table.attrs[number]]["handle"] for number in loads))
        numbers = {handle: len(inputs) + number for number, handle in enumerate(read)}
        table = table.with_attrs(loads, lambda attrs: {"handle": numbers[attrs["handle"]]})
        table = _with_op(table.with_attrs(slots, lambda attrs: {"handle": attrs["slot"]}), slots, "load")
        kept = [*((node, place(handle)) for node, handle in self.keeps), *self.leaves]
        first = len(inputs) + len(read)
        circuit = Circuit(FIELD, table, self.opens, self.outputs,
                          tuple((node, first + number) for number, (node, _) in enumerate(kept)))
        order = Order(kind, session, encode_circuit(circuit), inputs=[list(value.shape) for value in inputs],
                      reads=[place(handle) for handle in read], keeps=[where for _, where in kept],
                      recipients=self.recipients)
        return order, inputs


def _appended(table: Table, nodes: Sequence[Node]) -> Table:
    """`nodes`, whose arguments are numbers of the whole, behind those of `table`."""
    more = table_of(nodes)
    attrs = np.where(more.attrs > 0, more.attrs + (len(table.attr_list) - 1), 0).astype(np.int32)
    places = {shape: number for number, shape in enumerate(table.shape_list)}
    shapes = np.array([places.setdefault(shape, len(places)) for shape in more.shape_list], np.int32)
    return Table(
        np.concatenate([table.ops, more.ops]), np.concatenate([table.forms, more.forms]),
        np.concatenate([table.shapes, shapes[more.shapes]]),
        np.concatenate([table.attrs, attrs]), starts_of(np.concatenate([table.counts, more.counts])),
        np.concatenate([table.args, more.args]), list(places),
        [*table.attr_list, *more.attr_list[1:]])


def _without_empty(table: Table, inputs: list[Array]) -> tuple[Table, list[Array]]:
    """Arrays without a number need no mask: they are constants."""
    full = [slot for slot, value in enumerate(inputs) if np.size(value)]
    if len(full) == len(inputs):
        return table, [np.asarray(value) for value in inputs]
    fresh = {slot: number for number, slot in enumerate(full)}
    slots = table.where("input").tolist()
    gone = [number for number in slots if table.attr_list[table.attrs[number]]["slot"] not in fresh]
    values = [np.asarray(value) for value in inputs]
    left = [number for number in slots if number not in set(gone)]
    table = table.with_attrs(left, lambda attrs: {"slot": fresh[attrs["slot"]]})
    table = table.with_attrs(gone, lambda attrs: {"value": np.zeros(values[attrs["slot"]].shape, np.int64)})
    return _with_op(table, gone, "const"), [values[slot] for slot in full]


def _with_op(table: Table, numbers: list[int], op: str) -> Table:
    """The nodes `numbers`, which have no arguments, as another operation."""
    ops = table.ops.copy()
    ops[numbers] = OP_NUMBER[op]
    return Table(ops, table.forms, table.shapes, table.attrs, table.starts, table.args, table.shape_list,
                 table.attr_list)
