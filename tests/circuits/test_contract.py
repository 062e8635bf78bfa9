"""Sums of products become matrix products, and rows of rows are taken at once: with the same values."""

from itertools import product

import numpy as np
import pytest

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.evaluate import evaluate
from enigmalang.circuits.simplify import simplify

A = Form.ARITH
Shape = tuple[int, ...]


def opened(circuit: Circuit, inputs: list[np.ndarray]) -> np.ndarray:
    return np.asarray(evaluate(circuit, inputs, {})[circuit.opens[0]])


def both_ways(nodes: tuple[Node, ...], inputs: list[np.ndarray]) -> Circuit:
    """The simplified circuit, which gives what the circuit as it is gives."""
    circuit = Circuit("M61", nodes, opens=(len(nodes) - 1,))
    simple = simplify(circuit)
    assert np.array_equal(opened(circuit, inputs), opened(simple, inputs))
    return simple


SIZES = (2, 3, 4)
#: Which of three axes x and y have: all but those that neither has.
MASKS = list(product(((1, 1), (1, 0), (0, 1)), repeat=3))
CASES = [("sum", axis, masks) for masks in MASKS for axis in range(3)] + [
    ("dot", 2, masks) for masks in MASKS if masks[2] == (1, 1)]


@pytest.mark.parametrize(("name", "axis", "masks"), CASES)
def test_sums_of_products(name: str, axis: int, masks: tuple[tuple[int, int], ...]) -> None:
    x, y = (tuple(n if m[i] else 1 for n, m in zip(SIZES, masks, strict=True)) for i in (0, 1))
    inputs = [np.arange(1, 1 + np.prod(s)).reshape(s) ** 2 for s in (x, y)]
    summed = tuple(n for i, n in enumerate(SIZES) if i != axis)
    given = (Node("input", (), x, A, {"slot": 0}), Node("input", (), y, A, {"slot": 1}))
    rest = (Node("mul", (0, 1), SIZES, A, {}), Node("sum", (2,), summed, A, {"axis": axis})) if name == "sum" else (
        Node("dot", (0, 1), summed, A, {}),)
    simple = both_ways((*given, *rest), inputs)
    found = [n.op for n in simple.nodes]
    whole = masks[axis] == (1, 1)
    shared = all(m == (1, 1) for m in masks)
    assert ("matmul" in found) == (whole and not shared)
    assert not ("matmul" in found and "mul" in found)


@pytest.mark.parametrize("form", [A, Form.BITS])
def test_rows_of_rows(form: Form) -> None:
    def take(arg: int, indices: list[int], axis: int, shape: Shape) -> Node:
        return Node("take", (arg,), shape, form, {"indices": np.array(indices), "axis": axis})

    nodes = (
        Node("input", (), (3, 4), form, {"slot": 0}),
        Node("input", (), (3, 2), form, {"slot": 1}),
        Node("concat", (0, 1), (3, 6), form, {"axis": 1}),
        take(2, [1, 3, 0], 1, (3, 3)),
        take(3, [2, 2, 1, 0], -1, (3, 4)),
        take(4, [0, 1, 2, 3], 1, (3, 4)),
    )
    inputs = [np.arange(12).reshape(3, 4) % 2, np.ones((3, 2), int)]
    simple = both_ways(nodes, [i.astype(bool) if form is Form.BITS else i for i in inputs])
    assert [n.op for n in simple.nodes] == ["input", "take"]


def test_one_row_again_and_again() -> None:
    nodes = (
        Node("input", (), (2, 1, 5), A, {"slot": 0}),
        Node("take", (0,), (2, 3, 5), A, {"indices": np.zeros(3, np.int64), "axis": 1}),
        Node("input", (), (3, 5), A, {"slot": 1}),
        Node("mul", (1, 2), (2, 3, 5), A, {}),
        Node("sum", (3,), (2, 3), A, {"axis": -1}),
    )
    simple = both_ways(nodes, [np.arange(10).reshape(2, 1, 5), np.arange(15).reshape(3, 5)])
    assert "matmul" in [n.op for n in simple.nodes]
    assert "mul" not in [n.op for n in simple.nodes]


@pytest.mark.parametrize("zeros_first", [False, True])
def test_bits_among_zeros_are_masked(zeros_first: bool) -> None:
    nodes = (
        Node("input", (), (3, 4), Form.BITS, {"slot": 0}),
        Node("const", (), (3, 4), Form.BITS, {"value": np.zeros((3, 4), bool)}),
        Node("concat", (1, 0) if zeros_first else (0, 1), (3, 8), Form.BITS, {"axis": 1}),
        Node("take", (2,), (3, 4), Form.BITS, {"indices": np.array([4, 0, 1, 6]), "axis": 1}),
    )
    simple = both_ways(nodes, [np.array([[1, 1, 1, 1], [0, 1, 0, 1], [1, 0, 0, 1]], bool)])
    assert "concat" not in [n.op for n in simple.nodes]
