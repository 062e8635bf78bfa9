"""Sorting, shuffling and permuting in the clear, and what simplification leaves of them."""

from collections import Counter

import numpy as np
import pytest

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.evaluate import FieldOverflow, evaluate
from enigmalang.circuits.layers import cut_layers
from enigmalang.circuits.simplify import simplify
from enigmalang.circuits.text import circuit_to_json, print_circuit

A = Form.ARITH
WIDE = ((-(2**58), 2**58),)


def given(slot, shape):
    return Node("input", (), shape, A, {"slot": slot})


def const(value):
    return Node("const", (), np.shape(value), A, {"value": np.array(value)})


def sorting(columns, shape, ranges=WIDE, ranks=None, field="M61"):
    attrs = {"keys": len(ranges), "ranges": ranges, "ranks": ranks}
    size = shape if ranks is None else (*shape[:-1], len(ranks))
    nodes = [given(slot, shape) for slot in range(columns)]
    return Circuit(field, (*nodes, Node("sort", tuple(range(columns)), (columns, *size), A, attrs)), (columns,))


def result(circuit, *inputs):
    return evaluate(circuit, [np.array(x) for x in inputs], {})[-1].tolist()


@pytest.mark.parametrize("field", ["M61", "M127"])
def test_sort_is_stable_and_by_the_first_columns(field):
    keys, payload = [3, -1, 3, 0, -1], [10, 11, 12, 13, 14]
    assert result(sorting(2, (5,), field=field), keys, payload) == [[-1, -1, 0, 3, 3], [11, 14, 13, 10, 12]]
    both = sorting(2, (5,), WIDE * 2, field=field)
    assert result(both, [1, 0, 1, 0, 1], [5, 5, -4, 4, 5]) == [[0, 0, 1, 1, 1], [4, 5, -4, 5, 5]]


def test_sort_of_rows_and_ranks():
    assert result(sorting(1, (2, 3)), [[3, 1, 2], [0, -1, -2]]) == [[[1, 2, 3], [-2, -1, 0]]]
    assert result(sorting(1, (2, 3), ranks=(2, 0, 2)), [[3, 1, 2], [0, -1, -2]]) == [[[3, 1, 3], [0, -2, 0]]]
    assert result(sorting(1, (0,)), []) == [[]]
    assert result(sorting(1, (3,), ranks=()), [3, 1, 2]) == [[]]


def test_a_key_outside_its_range_is_found():
    with pytest.raises(FieldOverflow, match=r"key 0 of a sort leaves its range 0\.\.2"):
        result(sorting(1, (3,), ((0, 2),)), [0, 1, 3])


def test_permute_places():
    circuit = Circuit("M61", (given(0, (2, 3)), given(1, (2, 3)), Node("permute", (0, 1, 1), (2, 2, 3), A)), (2,))
    placed = result(circuit, [[2, 0, 1], [0, 2, 1]], [[7, 8, 9], [4, 5, 6]])
    assert placed == [[[8, 9, 7], [4, 6, 5]]] * 2
    with pytest.raises(ValueError, match="no permutation"):
        result(circuit, [[2, 0, 1], [0, 2, 2]], [[7, 8, 9], [4, 5, 6]])


def test_shuffle_is_a_uniform_order_of_rows():
    shape = (6000, 3)
    circuit = Circuit("M61", (given(0, shape), Node("shuffle", (0, 0), (2, *shape), A)), (1,))
    first, second = np.array(result(circuit, np.broadcast_to(np.arange(3), shape)))
    assert np.array_equal(first, second)
    counts = Counter(map(tuple, first.tolist()))
    assert len(counts) == 6  # each 1000 times; outside ±250 with probability below 6 * 2e^(-2 * 250^2 / 6000) < 1e-7
    assert all(abs(count - 1000) < 250 for count in counts.values())


def test_shuffles_stay_apart_and_unfolded():
    nodes = (const([1, 2, 3]), Node("shuffle", (0,), (1, 3), A), Node("shuffle", (0,), (1, 3), A))
    made = simplify(Circuit("M61", nodes, (1, 2, 1)))
    assert [node.op for node in made.nodes] == ["const", "shuffle", "shuffle"]
    assert made.opens == (1, 2, 1)


def test_sorts_of_constants_are_folded_and_equal_sorts_are_one():
    attrs = {"keys": 1, "ranges": ((1, 3),), "ranks": None}
    nodes = (const([3, 2, 1]), Node("sort", (0,), (1, 3), A, attrs))
    (made,) = simplify(Circuit("M61", nodes, (1,))).nodes
    assert made.attrs["value"].tolist() == [[1, 2, 3]]
    nodes = (given(0, (3,)), Node("sort", (0,), (1, 3), A, attrs), Node("sort", (0,), (1, 3), A, dict(attrs)))
    assert len(simplify(Circuit("M61", nodes, (1, 2))).nodes) == 2


def test_layers_and_text():
    circuit = sorting(2, (5,), ranks=(4,))
    assert [layer.protocol for layer in cut_layers(circuit)] == ["sort"]
    assert "sort %0 %1 [keys=1, ranges=((" in print_circuit(circuit)
    assert '"ranks": [\n' in circuit_to_json(circuit)
