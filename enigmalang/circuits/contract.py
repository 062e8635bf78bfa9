"""Sums of products as matrix products: `sum(x * y)` over an axis, where x is the same along some of the other axes and
y along others, is `matmul` of the two. It sends a number for each sum, not for each product.

The sum of products is an Einstein summation of two operands; its axes are those of both (the batch), of x alone (rows),
of y alone (columns), and the one that is summed over.
"""

from math import prod
from typing import Protocol

from enigmalang.circuits.circuit import Form, Node
from enigmalang.source import Span

Shape = tuple[int, ...]


class Nodes(Protocol):
    def node(self, number: int) -> Node: ...
    def place(self, node: Node) -> int: ...


def contracted(nodes: Nodes, node: Node) -> int | None:
    """The number of an equal node made of a `matmul`; None where `node` (a `sum` or `dot`) is no such sum."""
    if node.op == "sum":
        product = nodes.node(node.args[0])
        if product.op != "mul":
            return None
        args, full, axis = product.args, product.shape, node.attrs["axis"] % len(product.shape)
    else:
        args, axis = node.args, len(node.shape)
        full = (*node.shape, max(nodes.node(a).shape[-1] for a in args))
    if 0 in full:
        return None
    (x, wide_x), (y, wide_y) = (_narrow(nodes, a, len(full)) for a in args)
    rest = [n for n in range(len(full)) if n != axis and full[n] > 1]
    rows = [n for n in rest if wide_y[n] == 1]
    columns = [n for n in rest if wide_x[n] == 1]
    if (not rows and not columns) or wide_x[axis] == 1 or wide_y[axis] == 1:
        return None
    batch = [n for n in rest if n not in rows and n not in columns]
    make = _Maker(nodes, node.span)
    left = make.ordered(x, wide_x, (batch, rows, [axis]))
    right = make.ordered(y, wide_y, (batch, [axis], columns))
    shape = (*(full[n] for n in batch), _size(full, rows), _size(full, columns))
    made = nodes.place(Node("matmul", (left, right), shape, Form.ARITH, {}, node.span))
    order = [*batch, *rows, *columns]
    unfolded = make.reshape(made, tuple(full[n] for n in order))
    return make.reshape(make.transpose(unfolded, [order.index(n) for n in rest]), node.shape)


def _narrow(nodes: Nodes, number: int, rank: int) -> tuple[int, Shape]:
    """What is broadcast, and its shape with `rank` axes."""
    node = nodes.node(number)
    while node.op == "broadcast":
        (number,) = node.args
        node = nodes.node(number)
    return number, (1,) * (rank - len(node.shape)) + node.shape


def _size(shape: Shape, axes: list[int]) -> int:
    return prod(shape[n] for n in axes)


class _Maker:
    """Local operations on the structure of numbers; none that would change nothing."""

    def __init__(self, nodes: Nodes, span: Span | None) -> None:
        self.nodes, self.span = nodes, span

    def ordered(self, number: int, shape: Shape, groups: tuple[list[int], list[int], list[int]]) -> int:
        """The axes of the first group, then one for each of the others; all axes that are not named have length 1."""
        order = [n for group in groups for n in group]
        kept = [n for n in range(len(shape)) if n in order]
        moved = self.transpose(self.reshape(number, tuple(shape[n] for n in kept)), [kept.index(n) for n in order])
        return self.reshape(moved, (*(shape[n] for n in groups[0]), *(_size(shape, group) for group in groups[1:])))

    def reshape(self, number: int, shape: Shape) -> int:
        if self.nodes.node(number).shape == shape:
            return number
        return self.nodes.place(Node("reshape", (number,), shape, Form.ARITH, {}, self.span))

    def transpose(self, number: int, axes: list[int]) -> int:
        if axes == sorted(axes):
            return number
        before = self.nodes.node(number).shape
        shape = tuple(before[a] for a in axes)
        return self.nodes.place(Node("transpose", (number,), shape, Form.ARITH, {"axes": tuple(axes)}, self.span))
