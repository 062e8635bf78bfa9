"""Circuits for the codec tests: one of every operation, and random ones."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from enigmalang.circuits.circuit import Circuit, Form, Node, Output
from enigmalang.circuits.runs import Runs

A, B = Form.ARITH, Form.BITS


class Builder:
    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def __call__(
        self, op: str, args: tuple[int, ...], shape: tuple[int, ...], form: Form = A, **attrs: Any
    ) -> int:
        self.nodes.append(Node(op, args, shape, form, attrs))
        return len(self.nodes) - 1


def every_operation(field: str = "M61") -> Circuit:
    """Each row of the operation table at least once."""
    add = Builder()
    x = add("input", (), (3, 4), slot=0)
    y = add("load", (), (3, 4), handle=2**40)
    c = add("const", (), (4,), value=np.array([1, -2, 3, -(2**50)]))
    big = 2**100 if field == "M127" else 2**40
    o = add("const", (), (2,), value=np.array([big, -big], dtype=object))
    b = add("const", (), (2, 2), B, value=np.array([[True, False], [False, True]]))
    s = add("add", (x, c), (3, 4))
    d = add("sub", (s, y), (3, 4))
    add("neg", (d,), (3, 4))
    add("scale", (d,), (3, 4), factor=np.array(7))
    add("scale", (o,), (5, 2), factor=np.arange(10).reshape(5, 2))
    add("sum", (d,), (3,), axis=-1)
    add("cumsum", (d,), (3, 4))
    bits = add("input", (), (2, 2), B, slot=1)
    e = add("xor", (bits, b), (2, 2), B)
    add("not", (e,), (2, 2), B)
    add("reshape", (d,), (2, 6))
    add("broadcast", (c,), (5, 4))
    add("take", (d,), (3, 2, 2), indices=np.array([[0, 3], [-1, 1]]), axis=1)
    add("transpose", (d,), (4, 3), axes=(1, 0))
    add("concat", (d, x, y), (9, 4), axis=0)
    add("put", (d, c), (3, 4), indices=np.array([2]))
    m = add("mul", (d, x), (3, 4))
    add("dot", (m, c), (3,))
    t = add("transpose", (m,), (4, 3), axes=(1, 0))
    add("matmul", (m, t), (3, 3))
    f = add("and", (e, bits), (2, 2), B)
    add("ltz", (m,), (3, 4), B)
    add("eqz", (m,), (3, 4), B)
    add("ltz", (m,), (3, 4), B, bits=32)
    add("eqz", (m,), (3, 4), B, bits=1)
    g = add("b2a", (f,), (2, 2))
    add("a2b", (g,), (2, 2, 5), B, bits=5)
    add("select", (g, g, g), (2, 2))
    add("shr", (m,), (3, 4), f=16, mode="exact")
    add("shr", (m,), (3, 4), f=16, mode="fast")
    add("divc", (m,), (3, 4), divisor=10 if field == "M61" else 2**90)
    last = add("divmod", (m, x), (2, 3, 4), bits=20)
    add("permute", (x, y, d), (2, 3, 4))
    add("shuffle", (x, y), (2, 3, 4))
    add("sort", (x, y, d), (3, 3, 4), keys=2, ranges=((-big, big), (0, 9)), ranks=None)
    add("sort", (x, y), (2, 3, 3), keys=1, ranges=((0, 0),), ranks=(3, 0, 0))
    keeps = ((s, 5), (e, 2**50))
    return Circuit(field, tuple(add.nodes), (last, f), (Output(g, 0), Output(m, 3)), keeps)


@st.composite
def circuits(draw: st.DrawFn) -> Circuit:
    """Valid circuits of elementwise and structural operations over one shape, with constants of all kinds."""
    field = draw(st.sampled_from(["M61", "M127"]))
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    size = int(np.prod(shape, dtype=np.int64))
    bound = 2**59 - 1 if field == "M61" else 2**125 - 1
    add = Builder()
    add("input", (), shape, slot=draw(st.integers(0, 9)))
    for _ in range(draw(st.integers(0, 12))):
        args = st.integers(0, len(add.nodes) - 1)
        match draw(st.sampled_from(["const", "object", "add", "mul", "neg", "scale", "divc", "shr"])):
            case "const":
                add("const", (), shape, value=np.full(shape, draw(st.integers(-(2**58), 2**58))))
            case "object":
                value = np.empty(size, dtype=object)
                value[:] = draw(st.lists(st.integers(-bound, bound), min_size=size, max_size=size))
                add("const", (), shape, value=value.reshape(shape))
            case ("add" | "mul") as op:
                add(op, (draw(args), draw(args)), shape)
            case "neg":
                add("neg", (draw(args),), shape)
            case "scale":
                add("scale", (draw(args),), shape, factor=np.array(draw(st.integers(-99, 99))))
            case "divc":
                add("divc", (draw(args),), shape, divisor=draw(st.integers(1, bound)))
            case "shr":
                mode = draw(st.sampled_from(["exact", "fast"]))
                add("shr", (draw(args),), shape, f=draw(st.integers(0, 40)), mode=mode)
    numbers = st.integers(0, len(add.nodes) - 1)
    opens = tuple(draw(st.lists(numbers, max_size=4)))
    outputs = tuple(Output(k, draw(st.integers(0, 5))) for k in draw(st.lists(numbers, max_size=3)))
    handles = draw(st.lists(st.integers(0, 2**63 - 1), max_size=3, unique=True))
    return Circuit(field, tuple(add.nodes), opens, outputs, tuple((draw(numbers), h) for h in handles))


def same(left: Circuit, right: Circuit) -> bool:
    """Equal but for spans; arrays are compared with their element type."""
    if (left.field, left.opens, left.outputs, left.keeps) != (
        right.field,
        right.opens,
        right.outputs,
        right.keeps,
    ):
        return False
    return len(left.nodes) == len(right.nodes) and all(map(_same_node, left.nodes, right.nodes))


def _same_node(x: Node, y: Node) -> bool:
    if (x.op, x.args, x.shape, x.form, x.attrs.keys()) != (y.op, y.args, y.shape, y.form, y.attrs.keys()):
        return False
    return all(_same_value(value, y.attrs[name]) for name, value in x.attrs.items())


def _same_value(x: Any, y: Any) -> bool:
    if isinstance(x, np.ndarray | Runs) and isinstance(y, np.ndarray | Runs):
        return x.dtype == y.dtype and x.shape == y.shape and np.array_equal(x, y)
    return type(x) is type(y) and bool(x == y)
