"""Gathering: many small operations of a kind, done at the same time, become one operation on an array.

A program that computes on single values makes a node for each operation. What the schedule runs together anyway is
put together here: additions, products, comparisons, … of one shape become one node whose first axis counts them, and
their arguments are gathered with `take` and `concat`. Nodes that only one chain of dependent operations needs stay
as they are. The number of rounds does not change: a group holds only nodes of one layer of the schedule, so it is
ready when they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.circuit import Array, Circuit, Form, Node, Output
from enigmalang.circuits.layers import Layer, cut_layers, waves_of
from enigmalang.circuits.simplify import drop_dead
from enigmalang.circuits.table import OP_NUMBER, Rows, Shape, Table, distinct, is_op, table_of
from enigmalang.circuits.waves import Waves
from enigmalang.source import Span

#: Fewer nodes than this are not worth looking at, and smaller groups not worth making.
LEAST_NODES = 64
LEAST_GROUP = 4
#: Nodes for each step of the longest chain, below which nothing would be gained.
LEAST_WIDTH = 4
#: Nodes from which walking in waves is faster than from node to node.
LEAST_WAVES = 4096

#: Operations on arguments of one shape, which is the result's but for axes added behind (`a2b`) or before (`divmod`).
_ALIKE = ("add", "sub", "neg", "xor", "not", "mul", "and", "ltz", "eqz", "b2a", "select", "shr", "divc", "a2b",
          "divmod")
_GATHERED = is_op(*_ALIKE, "scale", "take", "input")

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Gathered:
    """A circuit that does the same on fewer nodes, and how to read what goes in and comes out.

    `opens`: for each opening of the old circuit its place among the new ones, and the row there (-1: all of it).
    `inputs`: for each slot of the new circuit the old slots that are its rows, or (one, whole) its old slot.
    `rows`: kept handles that are now rows of what is kept under another.
    """

    circuit: Circuit
    opens: Sequence[tuple[int, int]]
    inputs: Sequence[tuple[tuple[int, ...], bool]]
    rows: dict[int, tuple[int, int]] = field(default_factory=dict)

    def stacked(self, values: Sequence[Array]) -> list[Array]:
        """The inputs of the new circuit from those of the old."""
        return [np.stack([values[slot] for slot in slots]) if rows else values[slots[0]]
                for slots, rows in self.inputs]

    def split(self, opened: Sequence[Array]) -> list[Array]:
        """The openings of the old circuit from those of the new."""
        return [opened[place] if row < 0 else opened[place][row, ...] for place, row in self.opens]


def gather(circuit: Circuit) -> Gathered:
    """`circuit` (all of whose nodes are live) with its small operations gathered, where that makes it smaller."""
    table = table_of(circuit.nodes)
    if len(table) < LEAST_NODES or len(table) < LEAST_WIDTH * _depth(table):
        return _unchanged(circuit, table)
    stages = waves_of(circuit) if len(table) >= LEAST_WAVES else None
    if stages is None:
        stages = _stages(table, cut_layers(circuit))
    groups = _groups(table, stages)
    if groups.max(initial=-1) < 0:
        return _unchanged(circuit, table)
    made = _Gather(circuit, table, stages, groups).run()
    made = replace(made, circuit=drop_dead(made.circuit))
    return made if len(made.circuit.nodes) < len(table) else _unchanged(circuit, table)


def _unchanged(circuit: Circuit, table: Table) -> Gathered:
    slots = max((table.attr_list[table.attrs[i]]["slot"] + 1 for i in table.where("input").tolist()), default=0)
    return Gathered(circuit, [(i, -1) for i in range(len(circuit.opens))], [((slot,), False) for slot in range(slots)])


def _depth(table: Table) -> int:
    """The length of the longest chain."""
    if len(table) >= LEAST_WAVES:
        everything = np.ones(len(table), np.bool_)
        found = Waves(table.users(), table.args, everything).depths()
        if found is not None:
            return found[1]
    depth: list[int] = []
    args, start = table.args.tolist(), 0
    for end in table.starts[1:].tolist():
        if end - start == 2:
            a, b = depth[args[start]], depth[args[start + 1]]
            depth.append((a if a > b else b) + 1)
        else:
            depth.append(max([depth[a] for a in args[start:end]], default=0) + 1)
        start = end
    return max(depth, default=0)


def _stages(table: Table, layers: tuple[Layer, ...]) -> Numbers:
    """For each node when it runs: the layer, and within its local part the length of the chain before it."""
    wide = len(table) + 1
    stages = [0] * len(table)
    args, starts = table.args.tolist(), table.starts.tolist()
    for number, layer in enumerate(layers):
        base = number * wide
        for i in layer.local:
            latest = base
            for arg in args[starts[i] : starts[i + 1]]:
                if stages[arg] >= latest:
                    latest = stages[arg] + 1
            stages[i] = latest
        for i in layer.together:
            stages[i] = base + wide - 1
    return np.array(stages, np.int64)


def _groups(table: Table, stages: Numbers) -> Numbers:
    """For each node the number of its group, or -1: nodes of one stage and kind that can be done as one."""
    able = _GATHERED[table.ops]
    shapes, args, starts, counts = table.shapes, table.args, table.starts, table.counts
    alike = is_op(*_ALIKE, "scale")[table.ops]
    firsts = np.full(len(table), -1, np.int64)
    firsts[counts > 0] = args[starts[:-1][counts > 0]]
    inner = np.where(firsts >= 0, shapes[firsts], shapes)
    users = table.users()
    uneven = np.zeros(len(table), np.bool_)
    uneven[users[shapes[args] != inner[users]]] = True
    able &= ~(alike & uneven)
    scales, takes, inputs = table.where("scale"), table.where("take"), table.where("input")
    able[scales] &= _attr_truths(table, scales, lambda attrs: np.ndim(attrs["factor"]) == 0)
    able[scales] &= shapes[scales] == inner[scales]
    able[takes] &= _attr_truths(table, takes, lambda attrs: np.ndim(attrs["indices"]) == 0)
    attrs = table.attrs.astype(np.int64)
    attrs[scales] = 0
    attrs[inputs] = 0
    attrs[takes] = [attrs_["axis"] + 16 for attrs_ in (table.attr_list[a] for a in table.attrs[takes].tolist())]
    source = np.zeros(len(table), np.int64)
    source[takes] = firsts[takes] + 1
    groups = np.full(len(table), -1, np.int64)
    chosen = np.nonzero(able)[0]
    if not chosen.size:
        return groups
    _, which = distinct(*(c[chosen] for c in (
        distinct(stages)[1], table.ops, table.forms, shapes, inner, attrs, source)))
    sizes = np.bincount(which)
    groups[chosen] = np.where(sizes[which] >= LEAST_GROUP, which, -1)
    return groups


def _attr_truths(table: Table, numbers: Numbers, test: Any) -> npt.NDArray[np.bool_]:
    known = {a: bool(test(table.attr_list[a])) for a in set(table.attrs[numbers].tolist())}
    return np.array([known[a] for a in table.attrs[numbers].tolist()], np.bool_)


class _Gather:
    """Makes the new circuit, stage by stage. Every old node is then a new one, or a row of one."""

    def __init__(self, circuit: Circuit, table: Table, stages: Numbers, groups: Numbers) -> None:
        self.circuit, self.table = circuit, table
        self.stages, self.groups = stages, groups
        self.rows = Rows()
        self.place = np.full(len(table), -1, np.int64)  # new node
        self.row = np.full(len(table), -1, np.int64)  # row there, or -1: all of it
        self.singles: dict[int, int] = {}  # old nodes that are rows, taken out
        self.shapes: list[Shape] = []
        self.inputs: list[tuple[tuple[int, ...], bool]] = []
        self.const = is_op("const")[table.ops]

    def run(self) -> Gathered:
        table = self.table
        order = np.lexsort((np.arange(len(table)), self.groups, self.stages))
        keys = np.stack([self.stages[order], self.groups[order]])
        cuts = np.nonzero((np.diff(keys, axis=1) != 0).any(axis=0))[0] + 1
        for members in np.split(order, cuts):
            if self.groups[members[0]] < 0 or not self.together(members):
                for number in members.tolist():
                    self.alone(number)
        return self.result()

    # ---- new nodes

    def add(self, op: str, args: tuple[int, ...], shape: Shape, form: Form, attrs: dict[str, Any],
            span: Span | None) -> int:
        self.shapes.append(shape)
        return self.rows.add(op, args, shape, form, attrs, span)

    def alone(self, number: int) -> None:
        node = self.table[number]
        attrs = node.attrs
        if node.op == "input":
            self.inputs.append(((attrs["slot"],), False))
            attrs = {"slot": len(self.inputs) - 1}
        args = self.joined(node) if node.op == "concat" else tuple(self.single(arg) for arg in node.args)
        if node.op == "concat" and len(args) == 1:
            self.place[number] = args[0]
            return
        self.place[number] = self.add(node.op, args, node.shape, node.form, attrs, node.span)

    def joined(self, node: Node) -> tuple[int, ...]:
        """The parts of a concat: single values in a row, as lists have that were filled one by one, are gathered."""
        table, inner = self.table, node.shape[1:]
        args = np.array(node.args, np.int64)
        one = (table.ops[args] == OP_NUMBER["reshape"]) & (node.attrs["axis"] == 0)
        values = np.where(one, table.args[np.minimum(table.starts[args], len(table.args) - 1)], -1)
        one &= [table.shape_list[shape] == inner for shape in table.shapes[values].tolist()]
        made: list[int] = []
        for run in np.split(np.arange(len(args)), np.nonzero(np.diff(one))[0] + 1):
            sources = values[run]
            if one[run[0]] and len(run) >= LEAST_GROUP and (sources != sources[0]).any() and (
                    self.spread(sources) <= len(run) // 2):
                made.append(self.gathered(sources, inner))
            else:
                made += [self.single(arg) for arg in args[run].tolist()]
        return tuple(made)

    def single(self, number: int) -> int:
        """The new node with the value of an old one."""
        row, place = int(self.row[number]), int(self.place[number])
        if row < 0:
            return place
        found = self.singles.get(number)
        if found is None:
            table = self.table
            found = self.singles[number] = self.add(
                "take", (place,), table.shape_list[table.shapes[number]], table.form(number),
                {"indices": np.array(row, np.int64), "axis": 0}, None)
        return found

    def together(self, members: Numbers) -> bool:
        """One node for `members`; False if their arguments come from too many places."""
        table, first = self.table, int(members[0])
        node, count = table[first], len(members)
        attrs, shape = node.attrs, (count, *node.shape)
        if node.op == "input":
            slots = tuple(a["slot"] for a in self.attrs_of(members))
            self.inputs.append((slots, True))
            attrs, args = {"slot": len(self.inputs) - 1}, []
        elif node.op == "take":
            return self.taken(members)
        else:
            sources = [table.args[table.starts[members] + place].astype(np.int64) for place in range(len(node.args))]
            if any(self.spread(source) > count // 2 for source in sources):
                return False
            inner = table[node.args[0]].shape
            args = [self.gathered(source, inner) for source in sources]
            if node.op != "scale" and all(self.shapes[arg] == inner for arg in args):  # the same for all members
                args[0] = self.add("broadcast", (args[0],), (count, *inner), table[node.args[0]].form, {}, None)
            if node.op == "scale":
                factors = [int(a["factor"]) for a in self.attrs_of(members)]
                attrs = {"factor": _column(factors, (count,) + (1,) * len(node.shape))}
            elif node.op == "divmod":
                shape = (2, count, *inner)
        made = self.add(node.op, tuple(args), shape, node.form, attrs, node.span)
        if node.op == "divmod":
            made = self.add("transpose", (made,), (count, 2, *inner), node.form,
                            {"axes": (1, 0, *range(2, len(shape)))}, node.span)
        self.place[members] = made
        self.row[members] = np.arange(count)
        return True

    def taken(self, members: Numbers) -> bool:
        """Rows taken from one array: one `take`, with their axis in front."""
        node = self.table[int(members[0])]
        source = self.single(node.args[0])
        whole, count = self.shapes[source], len(members)
        axis = node.attrs["axis"] % len(whole)
        indices = np.array([int(a["indices"]) for a in self.attrs_of(members)], np.int64)
        shape = (*whole[:axis], count, *whole[axis + 1 :])
        if count == whole[axis] and (indices == np.arange(count)).all():
            made = source
        else:
            made = self.add("take", (source,), shape, node.form, {"indices": indices, "axis": axis}, node.span)
        if axis:
            axes = (axis, *(i for i in range(len(shape)) if i != axis))
            made = self.add("transpose", (made,), tuple(shape[i] for i in axes), node.form, {"axes": axes}, node.span)
        self.place[members] = made
        self.row[members] = np.arange(count)
        return True

    def attrs_of(self, members: Numbers) -> list[dict[str, Any]]:
        return [self.table.attr_list[a] for a in self.table.attrs[members].tolist()]

    # ---- arguments

    def spread(self, source: Numbers) -> int:
        """From how many places values would have to be brought together."""
        return 1 if self.const[source].all() else len(np.unique(self.place[source]))

    def gathered(self, source: Numbers, shape: Shape) -> int:
        """A node whose rows are the values of the old nodes `source`; or just their value, if they are one node."""
        if (source == source[0]).all():
            return self.single(int(source[0]))
        form = self.table.form(int(source[0]))
        if self.const[source].all():
            value = np.stack([np.asarray(a["value"]) for a in self.attrs_of(source)])
            return self.add("const", (), value.shape, form, {"value": value}, None)
        places, rows = self.place[source], self.row[source]
        parts: list[int] = []
        where = np.zeros(len(source), np.int64)
        length = 0
        for place in dict.fromkeys(places.tolist()):
            mine = places == place
            wanted, found = np.unique(rows[mine], return_inverse=True)
            if wanted[0] < 0:
                part = self.add("reshape", (place,), (1, *shape), form, {}, None)
            else:
                part = self.row_take(place, wanted, shape, form)
            parts.append(part)
            where[mine] = length + found
            length += len(wanted)
        made = parts[0]
        if len(parts) > 1:
            made = self.add("concat", tuple(parts), (length, *shape), form, {"axis": 0}, None)
        return self.row_take(made, where, shape, form)

    def row_take(self, source: int, rows: Numbers, shape: Shape, form: Form) -> int:
        count = self.shapes[source][0]
        if len(rows) == count and (rows == np.arange(count)).all():
            return source
        return self.add("take", (source,), (len(rows), *shape), form, {"indices": rows, "axis": 0}, None)

    # ---- ends

    def result(self) -> Gathered:
        circuit = self.circuit
        opens, spots = self.opened(circuit.opens)
        outputs = tuple(Output(self.single(out.node), out.recipient) for out in circuit.outputs)
        keeps, rows = self.kept(circuit.keeps)
        made = Circuit(circuit.field, self.rows.table(), tuple(opens), outputs, tuple(keeps))
        return Gathered(made, spots, self.inputs, rows)

    def many(self, numbers: Sequence[int]) -> dict[int, tuple[int, Numbers]]:
        """By new node with rows: a node of just the rows that are among `numbers`, and which they are."""
        old = np.array(sorted(set(numbers)), np.int64)
        found: dict[int, tuple[int, Numbers]] = {}
        for place in np.unique(self.place[old]).tolist():
            mine = old[self.place[old] == place]
            rows = np.sort(self.row[mine])
            if len(mine) >= LEAST_GROUP and rows[0] >= 0:
                number = int(mine[0])
                shape = self.table.shape_list[self.table.shapes[number]]
                found[place] = self.row_take(place, rows, shape, self.table.form(number)), rows
        return found

    def opened(self, numbers: Sequence[int]) -> tuple[list[int], list[tuple[int, int]]]:
        many = self.many(numbers)
        spots: list[tuple[int, int]] = []
        places: dict[int, int] = {}
        for number in numbers:
            group = many.get(int(self.place[number]))
            node = group[0] if group is not None else self.single(number)
            row = int(np.searchsorted(group[1], self.row[number])) if group is not None else -1
            spots.append((places.setdefault(node, len(places)), row))
        return list(places), spots

    def kept(self, keeps: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], dict[int, tuple[int, int]]]:
        many = self.many([node for node, _ in keeps])
        made: list[tuple[int, int]] = []
        owners: dict[int, int] = {}
        rows: dict[int, tuple[int, int]] = {}
        for number, handle in keeps:
            group = many.get(int(self.place[number]))
            if group is None:
                made.append((self.single(number), handle))
                continue
            if group[0] not in owners:
                owners[group[0]] = handle
                made.append((group[0], handle))
            rows[handle] = owners[group[0]], int(np.searchsorted(group[1], self.row[number]))
        return made, rows


def _column(values: list[int], shape: Shape) -> Array:
    wide = any(abs(value) >= 1 << 62 for value in values)
    return np.array(values, dtype=object if wide else np.int64).reshape(shape)
