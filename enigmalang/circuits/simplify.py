"""Simplification of a circuit before it is cut into layers: fewer nodes, fewer rounds, the same answers.

One forward walk rewrites each node by the rules below and numbers values, so that equal computations become one
node; a backward walk then drops what nothing that leaves depends on. Rules look at a node and its (already
rewritten) arguments only, so the walk is linear in the circuit's size.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import OPS, Array, Circuit, Form, Node, Output
from enigmalang.circuits.evaluate import evaluate

#: Constants larger than this are not folded: the result would only make the circuit bigger.
MAX_FOLDED = 1 << 16
#: Operations that give another result each time they run: never folded, never two made one.
RANDOM = frozenset({"shuffle"})


def simplify(circuit: Circuit) -> Circuit:
    """An equivalent circuit: the same openings, outputs and kept handles, in the same order."""
    return _drop_dead(_fuse_dots(_Walk(circuit).run()))


class _Walk:
    """The forward walk: `renamed[old]` is the number in the new circuit."""

    def __init__(self, circuit: Circuit) -> None:
        self.old = circuit
        self.nodes: list[Node] = []
        self.numbers: dict[tuple[Any, ...], int] = {}
        self.renamed: list[int] = []

    def run(self) -> Circuit:
        for node in self.old.nodes:
            args = tuple(self.renamed[a] for a in node.args)
            self.renamed.append(self.place(replace(node, args=args)))
        return _renumbered(self.old, tuple(self.nodes), self.renamed)

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
        key = _key(node) if node.op not in RANDOM else (len(self.nodes),)
        if key not in self.numbers:
            self.numbers[key] = len(self.nodes)
            self.nodes.append(node)
        return self.numbers[key]

    def fold(self, node: Node) -> Node | None:
        """`node` as a constant, when all it works on is constant and the result is small."""
        parts = [self.nodes[a] for a in node.args]
        if not parts or any(p.op != "const" for p in parts) or node.size > MAX_FOLDED or node.op in RANDOM:
            return None
        local = replace(node, args=tuple(range(len(parts))))
        value = evaluate(Circuit(self.old.field, (*parts, local)), [], {})[-1]
        return Node("const", (), node.shape, node.form, {"value": value}, node.span)

    def constant(self, number: int) -> Array | None:
        node = self.nodes[number]
        return np.asarray(node.attrs["value"]) if node.op == "const" else None

    def is_all(self, number: int, value: int) -> bool:
        constant = self.constant(number)
        return constant is not None and bool(np.all(constant == value))

    def as_shape(self, number: int, node: Node) -> int:
        """Node `number`, broadcast to `node`'s shape if it has another."""
        if self.nodes[number].shape == node.shape:
            return number
        return self.place(Node("broadcast", (number,), node.shape, node.form, {}, node.span))


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
    inner = walk.nodes[node.args[0]]
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
    inner = walk.nodes[node.args[0]]
    if inner.shape == node.shape:
        return node.args[0]
    return replace(node, args=inner.args) if node.op == "reshape" and inner.op == "reshape" else node


def _divc(walk: _Walk, node: Node) -> Result:
    return node.args[0] if node.attrs["divisor"] == 1 else node


def _shr(walk: _Walk, node: Node) -> Result:
    return node.args[0] if node.attrs["f"] == 0 else node


def _concat(walk: _Walk, node: Node) -> Result:
    axis = node.attrs["axis"]
    full = [a for a in node.args if walk.nodes[a].shape[axis] > 0]
    if len(full) == 1:
        return full[0]
    return node if len(full) in (0, len(node.args)) else replace(node, args=tuple(full))


_RULES: dict[str, Callable[[_Walk, Node], Result]] = {
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


def _key(node: Node) -> tuple[Any, ...]:
    args = tuple(sorted(node.args)) if node.op in _COMMUTE else node.args
    attrs = tuple((name, _content(node.attrs.get(name))) for name in OPS[node.op].attrs)
    return node.op, args, node.shape, node.form, attrs


def _content(value: Any) -> Any:
    """Something hashable that is equal for equal attributes."""
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return value.shape, tuple(value.ravel().tolist())
        return value.dtype.str, value.shape, value.tobytes()
    return value


def _fuse_dots(circuit: Circuit) -> Circuit:
    """`sum` over the last axis of a product used nowhere else becomes one `dot`: one resharing for all terms."""
    uses = [0] * len(circuit.nodes)
    for node in circuit.nodes:
        for arg in node.args:
            uses[arg] += 1
    for number in _ends(circuit):
        uses[number] += 1
    nodes = list(circuit.nodes)
    for number, node in enumerate(nodes):
        if node.op != "sum":
            continue
        inner = nodes[node.args[0]]
        last = node.attrs["axis"] in (-1, len(inner.shape) - 1)
        full = inner.op == "mul" and all(nodes[a].shape == inner.shape for a in inner.args)
        if last and full and uses[node.args[0]] == 1:
            nodes[number] = Node("dot", inner.args, node.shape, node.form, {}, node.span)
    return replace(circuit, nodes=tuple(nodes))


def _ends(circuit: Circuit) -> list[int]:
    return [*circuit.opens, *(out.node for out in circuit.outputs), *(keep[0] for keep in circuit.keeps)]


def _drop_dead(circuit: Circuit) -> Circuit:
    live = [False] * len(circuit.nodes)
    for number in _ends(circuit):
        live[number] = True
    for number in range(len(circuit.nodes) - 1, -1, -1):
        if live[number]:
            for arg in circuit.nodes[number].args:
                live[arg] = True
    renamed = [-1] * len(circuit.nodes)
    kept: list[Node] = []
    for number, node in enumerate(circuit.nodes):
        if live[number]:
            renamed[number] = len(kept)
            kept.append(replace(node, args=tuple(renamed[a] for a in node.args)))
    return _renumbered(circuit, tuple(kept), renamed)


def _renumbered(circuit: Circuit, nodes: tuple[Node, ...], renamed: list[int]) -> Circuit:
    return Circuit(
        circuit.field,
        nodes,
        tuple(renamed[n] for n in circuit.opens),
        tuple(Output(renamed[o.node], o.recipient) for o in circuit.outputs),
        tuple((renamed[n], handle) for n, handle in circuit.keeps),
    )
