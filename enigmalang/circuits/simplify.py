"""Simplification of a circuit before it is cut into layers: fewer nodes, fewer rounds, the same answers.

One forward walk rewrites each node by rules (`rewrites`) and numbers values, so that equal computations become one
node; a backward walk then drops what nothing that leaves depends on. Rules look at a node and its (already
rewritten) arguments only, so the walk is linear in the circuit's size.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array, Circuit, Form, Node, Output
from enigmalang.circuits.concats import Views, flatten
from enigmalang.circuits.evaluate import evaluate
from enigmalang.circuits.rankings import join_sorts
from enigmalang.circuits.rewrites import RULES, moves_nothing
from enigmalang.circuits.settled import is_settled
from enigmalang.circuits.slices import join_slices
from enigmalang.circuits.table import OP_NUMBER, Rows, Table, distinct, ends_of, flat_args, live_nodes, table_of
from enigmalang.source import Span

#: Constants larger than this are not folded: the result would only make the circuit bigger.
MAX_FOLDED = 1 << 16
#: Operations that give another result each time they run: never folded, never two made one.
RANDOM = frozenset({"shuffle"})


def simplify(circuit: Circuit) -> Circuit:
    """An equivalent circuit: the same openings, outputs and kept handles, in the same order."""
    walked = Walk(circuit).run()
    while (joined := join_sorts(walked)) is not walked:  # what each sort gave is now taken from one
        walked = Walk(drop_dead(joined)).run()
    return drop_dead(flatten(drop_dead(_fuse_dots(join_slices(walked)))))


#: What a node is to the rules: nothing special, a constant, one of zeros, one of ones.
_CONST, _ZEROS, _ONES = 1, 2, 4
#: Binary operations that stay what they are unless an argument is one of these.
_CAUSES = {"add": _ZEROS, "sub": _ZEROS, "mul": _CONST, "xor": _ZEROS | _ONES, "and": _ZEROS | _ONES}
#: Binary operations that stay what they are even when both arguments are one.
_OF_ITSELF = frozenset({"add", "mul"})
_COMMUTE = frozenset({"add", "mul", "and", "xor"})


@dataclass(slots=True)
class _Kind:
    """What nodes have in common that differ in arguments only, and the nodes made of it, by arguments."""

    op: str
    form: Form
    shape: tuple[int, ...]
    attrs: dict[str, Any]
    row: tuple[int, int, int]  # operation, shape, attributes: as in the table
    quick: int  # number of arguments for which the walk needs no rule; -1: never
    causes: int
    special: int  # what its nodes are to the rules
    of_itself: bool
    commutes: bool
    made: dict[tuple[int, ...], int]


class Walk:
    """The forward walk: `renamed[old]` is the number in the new circuit.

    Most nodes stay what they are with new arguments: the walk sees that by their kind. The rules see to the others.
    """

    def __init__(self, circuit: Circuit) -> None:
        self.old = circuit
        self.table = table_of(circuit.nodes)
        self.rows = Rows.like(self.table)
        self.kinds: list[_Kind] = []
        self.kind_ids: dict[tuple[int, int, int, bool], int] = {}
        # the new nodes
        self.kind_of: list[int] = []
        self.args: list[tuple[int, ...]] = []
        self.spans: list[Span | None] = []
        self.special: list[int] = []
        self.views = Views()

    def run(self) -> Circuit:
        table, renamed = self.table, list[int]()
        first, which = distinct(table.ops, table.forms, table.shapes, table.attrs)
        for i in first.tolist():
            self.kind(table.op(i), table.shape_list[table.shapes[i]], table.form(i), table.attr_list[table.attrs[i]])
        if is_settled(table, which, self.kinds):
            return replace(self.old, nodes=table)
        kinds, special, args = self.kinds, self.special, table.args.tolist()
        kind_of, made_args, made_spans = self.kind_of, self.args, self.spans
        spans = table.spans or [None] * len(table)
        start = 0
        for number, (end, k) in enumerate(zip(table.starts[1:].tolist(), which.tolist(), strict=True)):
            kind = kinds[k]
            count = end - start
            new: tuple[int, ...]
            key: tuple[int, ...] | None
            if count == 2 == kind.quick:
                x, y = renamed[args[start]], renamed[args[start + 1]]
                a, b = special[x], special[y]
                new = key = (x, y)
                if (a | b) & kind.causes or a & b & _CONST or (x == y and not kind.of_itself):
                    key = None
                elif x > y and kind.commutes:
                    key = (y, x)
            elif count == 1 == kind.quick:
                x = renamed[args[start]]
                inner = kinds[kind_of[x]].op
                new = key = (x,)
                if special[x] or inner == kind.op or (inner == "concat" and kind.op == "take"):
                    key = None
            else:
                new = tuple([renamed[a] for a in args[start:end]])
                key = new if self.is_plain(kind, new) else None
            if key is None:
                renamed.append(self.place(self.old_node(number, kind, new)))
            else:
                found = kind.made.get(key)
                if found is None:
                    found = kind.made[key] = len(kind_of)
                    kind_of.append(k)
                    made_args.append(new)
                    made_spans.append(spans[number])
                    special.append(kind.special)
                renamed.append(found)
            start = end
        return _renumbered(self.old, self.made(), renamed)

    def is_plain(self, kind: _Kind, args: tuple[int, ...]) -> bool:
        """Whether no rule can apply to such a node, of no argument or of three."""
        if kind.quick != len(args):
            return False
        if kind.quick == 0:
            return True
        condition, then, otherwise = args
        return not self.special[condition] | self.special[otherwise] and then != otherwise

    def old_node(self, number: int, kind: _Kind, args: tuple[int, ...]) -> Node:
        span = self.table.spans[number] if self.table.spans else None
        return Node(kind.op, args, kind.shape, kind.form, kind.attrs, span)

    def node(self, number: int) -> Node:
        """A node of the new circuit."""
        kind = self.kinds[self.kind_of[number]]
        return Node(kind.op, self.args[number], kind.shape, kind.form, kind.attrs, self.spans[number])

    def kind(self, op: str, shape: tuple[int, ...], form: Form, attrs: dict[str, Any]) -> int:
        """The number of a kind; a new one only where there is none yet."""
        row = OP_NUMBER[op], self.rows.shape_id(shape), self.rows.attr_id(op, attrs) if attrs else 0
        key = (*row, form is Form.BITS)
        found = self.kind_ids.setdefault(key, len(self.kinds))
        if found == len(self.kinds):
            special = _special(attrs["value"]) if op == "const" else 0
            self.kinds.append(_Kind(op, form, shape, attrs, row, _quick(op, attrs), _CAUSES.get(op, 0), special,
                                    op in _OF_ITSELF, op in _COMMUTE, {}))
        return found

    def new(self, kind: int, args: tuple[int, ...], key: tuple[int, ...], span: Span | None) -> int:
        number = self.kinds[kind].made[key] = len(self.kind_of)
        self.kind_of.append(kind)
        self.args.append(args)
        self.spans.append(span)
        self.special.append(self.kinds[kind].special)
        return number

    def made(self) -> Table:
        rows = np.array([kind.row for kind in self.kinds], np.int32).reshape(-1, 3)
        forms = np.array([kind.form is Form.BITS for kind in self.kinds], np.uint8)
        which = np.array(self.kind_of, np.int64)
        ops, shapes, attrs = (rows[which, column] for column in range(3))
        starts, args = flat_args(self.args)
        return Table(ops.astype(np.uint8), forms[which], shapes, attrs, starts, args,
                     self.rows.shape_list, self.rows.attr_list, self.spans)

    def place(self, node: Node) -> int:
        """The number of a node that has the value of `node`; a new one only where there is none yet."""
        if node.op not in ("input", "load", "const"):
            folded = self.fold(node)
            if folded is not None:
                node = folded
            rule = RULES.get(node.op)
            same = rule(self, node) if rule is not None else node
            if isinstance(same, int):
                return same
            node = same
        key = (len(self.kind_of), -1) if node.op in RANDOM else (
            tuple(sorted(node.args)) if node.op in _COMMUTE else node.args)
        kind = self.kind(node.op, node.shape, node.form, node.attrs)
        found = self.kinds[kind].made.get(key)
        return self.new(kind, node.args, key, node.span) if found is None else found

    def fold(self, node: Node) -> Node | None:
        """`node` as a constant, when all it works on is constant and the result is small."""
        if not node.args or not all(self.special[a] for a in node.args):
            return None
        if node.size > MAX_FOLDED or node.op in RANDOM:
            return None
        parts = [self.node(a) for a in node.args]
        local = replace(node, args=tuple(range(len(parts))))
        value = evaluate(Circuit(self.old.field, (*parts, local)), [], {})[-1]
        return Node("const", (), node.shape, node.form, {"value": value}, node.span)

    def constant(self, number: int) -> Array | None:
        if not self.special[number]:
            return None
        return np.asarray(self.kinds[self.kind_of[number]].attrs["value"])

    def is_all(self, number: int, value: int) -> bool:
        """Whether a node is a constant of zeros (`value` 0) or of ones (`value` 1)."""
        return bool(self.special[number] & (_ONES if value else _ZEROS))

    def as_shape(self, number: int, node: Node) -> int:
        """Node `number`, broadcast to `node`'s shape if it has another."""
        if self.kinds[self.kind_of[number]].shape == node.shape:
            return number
        return self.place(Node("broadcast", (number,), node.shape, node.form, {}, node.span))


def _special(value: Any) -> int:
    array = np.asarray(value)
    return _CONST | _ZEROS * bool(np.all(array == 0)) | _ONES * bool(np.all(array == 1))


def _quick(op: str, attrs: dict[str, Any]) -> int:
    """The number of arguments with which `Walk` need not ask the rules, given what else it looks at; or -1."""
    if op in RANDOM:
        return -1
    if op in _CAUSES:
        return 2
    if op in ("shr", "divc"):
        return 1 if attrs.get("divisor", attrs.get("f")) not in (0, 1) else -1
    if op == "scale":
        return 1 if not _special(attrs["factor"]) & (_ZEROS | _ONES) else -1
    if op == "take" and moves_nothing(attrs["indices"]):
        return -1
    known = {"input": 0, "load": 0, "const": 0, "select": 3, "neg": 1, "not": 1, "take": 1}
    return known.get(op, -1 if op in RULES else 1)


def _fuse_dots(circuit: Circuit) -> Circuit:
    """`sum` over the last axis of a product used nowhere else becomes one `dot`: one resharing for all terms."""
    table = table_of(circuit.nodes)
    sums = table.where("sum")
    if not sums.size:
        return circuit
    count = len(table)
    uses = np.bincount(table.args, minlength=count) + np.bincount(np.array(ends_of(circuit), np.int64), minlength=count)
    fused, left, right = [], [], []
    for number in sums.tolist():
        node = table[number]
        (product,) = node.args
        inner = table[product]
        last = node.attrs["axis"] in (-1, len(inner.shape) - 1)
        if inner.op == "mul" and last and uses[product] == 1 and all(table[a].shape == inner.shape for a in inner.args):
            fused.append(number)
            left.append(inner.args[0])
            right.append(inner.args[1])
    return replace(circuit, nodes=table.with_two(fused, "dot", left, right)) if fused else circuit


def drop_dead(circuit: Circuit) -> Circuit:
    """Without the nodes that nothing which leaves depends on."""
    table = table_of(circuit.nodes)
    live = live_nodes(table, ends_of(circuit))
    if live.all():
        return circuit
    renamed = np.cumsum(live) - 1
    return _renumbered(circuit, table.only(live, renamed), renamed.tolist())


def _renumbered(circuit: Circuit, nodes: Table, renamed: list[int]) -> Circuit:
    return Circuit(
        circuit.field,
        nodes,
        tuple(renamed[n] for n in circuit.opens),
        tuple(Output(renamed[o.node], o.recipient) for o in circuit.outputs),
        tuple((renamed[n], handle) for n, handle in circuit.keeps),
    )
