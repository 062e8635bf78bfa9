"""The rules of simplification: each looks at one kind of node, whose arguments are simplified already, and gives
another node, or the number of one that has its value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from enigmalang.circuits.circuit import Array, Form, Node
from enigmalang.circuits.contract import contracted

if TYPE_CHECKING:
    from enigmalang.circuits.simplify import Walk

Result = Node | int


def _add(walk: Walk, node: Node) -> Result:
    left, right = node.args
    if walk.is_all(right, 0):
        return walk.as_shape(left, node)
    return walk.as_shape(right, node) if walk.is_all(left, 0) else node


def _sub(walk: Walk, node: Node) -> Result:
    left, right = node.args
    if walk.is_all(right, 0):
        return walk.as_shape(left, node)
    if left == right:
        return _zero(walk, node)
    return node


def _zero(walk: Walk, node: Node) -> int:
    value = np.zeros(node.shape, dtype=bool if node.form is Form.BITS else np.int64)
    return walk.place(Node("const", (), node.shape, node.form, {"value": value}, node.span))


def _mul(walk: Walk, node: Node) -> Result:
    for constant, other in (node.args, node.args[::-1]):
        value = walk.constant(constant)
        if value is not None:
            return walk.place(replace(node, op="scale", args=(other,), attrs={"factor": value}))
    return node


def _scale(walk: Walk, node: Node) -> Result:
    factor = np.asarray(node.attrs["factor"])
    if bool(np.all(factor == 1)):
        return walk.as_shape(node.args[0], node)
    return _zero(walk, node) if bool(np.all(factor == 0)) else node


def _undo(walk: Walk, node: Node) -> Result:
    inner = walk.node(node.args[0])
    return inner.args[0] if inner.op == node.op else node


def _xor(walk: Walk, node: Node) -> Result:
    left, right = node.args
    for constant, other in ((left, right), (right, left)):
        if walk.is_all(constant, 0):
            return walk.as_shape(other, node)
        if walk.is_all(constant, 1):
            wide = walk.as_shape(other, node)
            return walk.place(Node("not", (wide,), node.shape, node.form, {}, node.span))
    return _zero(walk, node) if left == right else node


def _and(walk: Walk, node: Node) -> Result:
    left, right = node.args
    for constant, other in ((left, right), (right, left)):
        if walk.is_all(constant, 1):
            return walk.as_shape(other, node)
        if walk.is_all(constant, 0):
            return _zero(walk, node)
    return left if left == right else node


def _select(walk: Walk, node: Node) -> Result:
    condition, then, otherwise = node.args
    if walk.is_all(condition, 1) or then == otherwise:
        return walk.as_shape(then, node)
    if walk.is_all(condition, 0):
        return walk.as_shape(otherwise, node)
    if walk.is_all(otherwise, 0):
        return walk.place(replace(node, op="mul", args=(condition, then)))
    return node


def _reshape(walk: Walk, node: Node) -> Result:
    inner = walk.node(node.args[0])
    if inner.shape == node.shape:
        return node.args[0]
    if node.op != "reshape" or inner.op != "reshape":
        return node
    same = walk.node(inner.args[0]).shape == node.shape
    return inner.args[0] if same else replace(node, args=inner.args)


def _divc(walk: Walk, node: Node) -> Result:
    return node.args[0] if node.attrs["divisor"] == 1 else node


def _shr(walk: Walk, node: Node) -> Result:
    return node.args[0] if node.attrs["f"] == 0 else node


def _concat(walk: Walk, node: Node) -> Result:
    axis = node.attrs["axis"]
    full = [a for a in node.args if walk.node(a).shape[axis] > 0]
    if len(full) == 1:
        return full[0]
    return node if len(full) in (0, len(node.args)) else replace(node, args=tuple(full))


def moves_nothing(indices: Any) -> bool:
    """All places in order, or the first again and again: of some array that is all that there is."""
    places = np.asarray(indices)
    return places.ndim == 1 and (not places.any() or bool(np.all(places == np.arange(len(places)))))


def _take(walk: Walk, node: Node) -> Result:
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
    part, place = walk.views.of(walk, node.args[0]).at(index)
    if walk.node(part).shape[axis] == 1:
        return walk.place(replace(node, op="reshape", args=(part,), attrs={}))
    return walk.place(replace(node, args=(part,), attrs={"indices": np.array(place), "axis": axis}))


def _twice_taken(walk: Walk, node: Node, inner: Node, indices: Array) -> Result:
    """Rows of rows taken along the same axis, and rows that all lie in one part of a concat."""
    axis = node.attrs["axis"] % len(inner.shape)
    if inner.op == "take" and np.ndim(inner.attrs["indices"]) == 1 and inner.attrs["axis"] % len(inner.shape) == axis:
        places = np.asarray(inner.attrs["indices"])[indices]
        return walk.place(replace(node, args=inner.args, attrs={"indices": places, "axis": axis}))
    if inner.op == "concat" and inner.attrs["axis"] % len(inner.shape) == axis and indices.min() >= 0:
        view = walk.views.of(walk, node.args[0])
        (part, low), (last, _) = view.at(int(indices.min())), view.at(int(indices.max()))
        if part == last:
            places = indices - indices.min() + low
            return walk.place(replace(node, args=(part,), attrs={"indices": places, "axis": axis}))
        if node.form is Form.BITS and len(inner.args) == 2:
            return _masked(walk, node, inner, indices)
    return node


def _masked(walk: Walk, node: Node, concat: Node, indices: Array) -> Result:
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


def _contract(walk: Walk, node: Node) -> Result:
    found = contracted(walk, node)
    return node if found is None else found


RULES: dict[str, Callable[[Walk, Node], Result]] = {
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
