"""Simplification of a circuit before it is cut into layers: fewer nodes, fewer rounds, the same answers.

One forward walk rewrites each node by the rules below and numbers values, so that equal computations become one
node; a backward walk then drops what nothing that leaves depends on. Rules look at a node and its (already
rewritten) arguments only, so the walk is linear in the circuit's size.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array, Circuit, Form, Node, Output
from enigmalang.circuits.concats import Views, flatten
from enigmalang.circuits.contract import contracted
from enigmalang.circuits.evaluate import evaluate
from enigmalang.circuits.rankings import join_sorts
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
    walked = _Walk(circuit).run()
    while (joined := join_sorts(walked)) is not walked:  # what each sort gave is now taken from one
        walked = _Walk(drop_dead(joined)).run()
    return drop_dead(flatten(drop_dead(_fuse_dots(join_slices(walked)))))


#: What a node is to the rules: nothing special, a constant, one of zeros, one of ones.
_CONST, _ZEROS, _ONES = 1, 2, 4
#: Binary operations that stay what they are unless an argument is one of these.
_CAUSES = {"add": _ZEROS, "sub": _ZEROS, "mul": _CONST, "xor": _ZEROS | _ONES, "and": _ZEROS | _ONES}
#: Binary operations that stay what they are even when both arguments are one.
_OF_ITSELF = frozenset({"add", "mul"})


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


class _Walk:
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
        self.views = Views(self)

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
            rule = _RULES.get(node.op)
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
    """The number of arguments with which `_Walk` need not ask the rules, given what else it looks at; or -1."""
    if op in RANDOM:
        return -1
    if op in _CAUSES:
        return 2
    if op in ("shr", "divc"):
        return 1 if attrs.get("divisor", attrs.get("f")) not in (0, 1) else -1
    if op == "scale":
        return 1 if not _special(attrs["factor"]) & (_ZEROS | _ONES) else -1
    if op == "take" and _moves_nothing(attrs["indices"]):
        return -1
    known = {"input": 0, "load": 0, "const": 0, "select": 3, "neg": 1, "not": 1, "take": 1}
    return known.get(op, -1 if op in _RULES else 1)


Result = Node | int


def _add(walk: _Walk, node: Node) -> Result:
    left, right = node.args
    if walk.is_all(right, 0):
        return walk.as_shape(left, node)
    return walk.as_shape(right, node) if walk.is_all(left, 0) else node


def _sub(walk: _Walk, node: Node) -> Result:
    left, right = node.args
    if walk.is_all(right, 0):
        return walk.as_shape(left, node)
    if left == right:
        return _zero(walk, node)
    return node


def _zero(walk: _Walk, node: Node) -> int:
    value = np.zeros(node.shape, dtype=bool if node.form is Form.BITS else np.int64)
    return walk.place(Node("const", (), node.shape, node.form, {"value": value}, node.span))


def _mul(walk: _Walk, node: Node) -> Result:
    for constant, other in (node.args, node.args[::-1]):
        value = walk.constant(constant)
        if value is not None:
            return walk.place(replace(node, op="scale", args=(other,), attrs={"factor": value}))
    return node


def _scale(walk: _Walk, node: Node) -> Result:
    factor = np.asarray(node.attrs["factor"])
    if bool(np.all(factor == 1)):
        return walk.as_shape(node.args[0], node)
    return _zero(walk, node) if bool(np.all(factor == 0)) else node


def _undo(walk: _Walk, node: Node) -> Result:
    inner = walk.node(node.args[0])
    return inner.args[0] if inner.op == node.op else node


def _xor(walk: _Walk, node: Node) -> Result:
    left, right = node.args
    for constant, other in ((left, right), (right, left)):
        if walk.is_all(constant, 0):
            return walk.as_shape(other, node)
        if walk.is_all(constant, 1):
            wide = walk.as_shape(other, node)
            return walk.place(Node("not", (wide,), node.shape, node.form, {}, node.span))
    return _zero(walk, node) if left == right else node


def _and(walk: _Walk, node: Node) -> Result:
    left, right = node.args
    for constant, other in ((left, right), (right, left)):
        if walk.is_all(constant, 1):
            return walk.as_shape(other, node)
        if walk.is_all(constant, 0):
            return _zero(walk, node)
    return left if left == right else node


def _select(walk: _Walk, node: Node) -> Result:
    condition, then, otherwise = node.args
    if walk.is_all(condition, 1) or then == otherwise:
        return walk.as_shape(then, node)
    if walk.is_all(condition, 0):
        return walk.as_shape(otherwise, node)
    if walk.is_all(otherwise, 0):
        return walk.place(replace(node, op="mul", args=(condition, then)))
    return node


def _reshape(walk: _Walk, node: Node) -> Result:
    inner = walk.node(node.args[0])
    if inner.shape == node.shape:
        return node.args[0]
    if node.op != "reshape" or inner.op != "reshape":
        return node
    same = walk.node(inner.args[0]).shape == node.shape
    return inner.args[0] if same else replace(node, args=inner.args)


def _divc(walk: _Walk, node: Node) -> Result:
    return node.args[0] if node.attrs["divisor"] == 1 else node


def _shr(walk: _Walk, node: Node) -> Result:
    return node.args[0] if node.attrs["f"] == 0 else node


def _concat(walk: _Walk, node: Node) -> Result:
    axis = node.attrs["axis"]
    full = [a for a in node.args if walk.node(a).shape[axis] > 0]
    if len(full) == 1:
        return full[0]
    return node if len(full) in (0, len(node.args)) else replace(node, args=tuple(full))


def _moves_nothing(indices: Any) -> bool:
    """All places in order, or the first again and again: of some array that is all that there is."""
    places = np.asarray(indices)
    return places.ndim == 1 and (not places.any() or bool(np.all(places == np.arange(len(places)))))


def _take(walk: _Walk, node: Node) -> Result:
    """One place of a concat lies in one of its parts; the only place of an axis is a matter of shape."""
    inner, axis = walk.node(node.args[0]), node.attrs["axis"]
    indices = np.asarray(node.attrs["indices"])
    if indices.ndim == 1 and indices.size:
        if inner.shape == node.shape and np.array_equal(indices, np.arange(len(indices))):
            return node.args[0]
        if inner.shape[axis] == 1 and not indices.any():
            return walk.place(replace(node, op="broadcast", attrs={}))
        return _twice_taken(walk, node, inner, indices)
    if inner.op != "concat" or np.ndim(node.attrs["indices"]) or inner.attrs["axis"] != axis:
        return node
    index = int(node.attrs["indices"]) % inner.shape[axis]
    part, place = walk.views.of(node.args[0]).at(index)
    if walk.node(part).shape[axis] == 1:
        return walk.place(replace(node, op="reshape", args=(part,), attrs={}))
    return walk.place(replace(node, args=(part,), attrs={"indices": np.array(place), "axis": axis}))


def _twice_taken(walk: _Walk, node: Node, inner: Node, indices: Array) -> Result:
    """Rows of rows taken along the same axis, and rows that all lie in one part of a concat."""
    axis = node.attrs["axis"] % len(inner.shape)
    if inner.op == "take" and np.ndim(inner.attrs["indices"]) == 1 and inner.attrs["axis"] % len(inner.shape) == axis:
        places = np.asarray(inner.attrs["indices"])[indices]
        return walk.place(replace(node, args=inner.args, attrs={"indices": places, "axis": axis}))
    if inner.op == "concat" and inner.attrs["axis"] % len(inner.shape) == axis and indices.min() >= 0:
        view = walk.views.of(node.args[0])
        (part, low), (last, _) = view.at(int(indices.min())), view.at(int(indices.max()))
        if part == last:
            places = indices - indices.min() + low
            return walk.place(replace(node, args=(part,), attrs={"indices": places, "axis": axis}))
        if node.form is Form.BITS and len(inner.args) == 2:
            return _masked(walk, node, inner, indices)
    return node


def _masked(walk: _Walk, node: Node, concat: Node, indices: Array) -> Result:
    """Bits of x in some places and public zeros in the others are bits of x under a public mask."""
    axis, (x, other) = node.attrs["axis"] % len(node.shape), concat.args
    length = walk.node(x).shape[axis]
    mask = indices < length
    if walk.is_all(x, 0):
        x, other, mask, indices = other, x, ~mask, indices - length
        length = walk.node(x).shape[axis]
    if not walk.is_all(other, 0):
        return node
    places = np.where(mask, indices, np.minimum(np.arange(len(indices)), length - 1))
    kept = walk.place(replace(node, args=(x,), attrs={"indices": places, "axis": axis}))
    column = mask.reshape((-1, *(1,) * (len(node.shape) - axis - 1)))
    held = walk.place(Node("const", (), column.shape, Form.BITS, {"value": column}, node.span))
    return walk.place(replace(node, op="and", args=(kept, walk.as_shape(held, node)), attrs={}))


def _contract(walk: _Walk, node: Node) -> Result:
    found = contracted(walk, node)
    return node if found is None else found


_RULES: dict[str, Callable[[_Walk, Node], Result]] = {
    "take": _take,
    "sum": _contract,
    "dot": _contract,
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "scale": _scale,
    "neg": _undo,
    "not": _undo,
    "xor": _xor,
    "and": _and,
    "select": _select,
    "reshape": _reshape,
    "broadcast": _reshape,
    "divc": _divc,
    "shr": _shr,
    "concat": _concat,
}

_COMMUTE = frozenset({"add", "mul", "and", "xor"})


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
