"""Conversions of an array's places become one conversion: the same answers, and no more is converted than before."""

from math import prod

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from enigmalang.circuits.circuit import Circuit, Form, Node, Output
from enigmalang.circuits.evaluate import evaluate
from enigmalang.circuits.simplify import simplify
from enigmalang.circuits.slices import join_slices
from enigmalang.circuits.table import table_of

A, B = Form.ARITH, Form.BITS
SHAPE = (6,)


def circuit(*chosen: tuple[int, int | list[int]]) -> Circuit:
    """Of two inputs: which, and the places that are taken and converted."""
    nodes = [Node("input", (), SHAPE, B, {"slot": slot}) for slot in range(2)]
    ends = []
    for source, places in chosen:
        indices = np.array(places)
        nodes.append(Node("take", (source,), indices.shape, B, {"indices": indices, "axis": 0}))
        nodes.append(Node("b2a", (len(nodes) - 1,), indices.shape, A))
        ends.append(len(nodes) - 1)
    return Circuit("M61", tuple(nodes), (*ends, 0), (Output(ends[-1], 0),), ((ends[0], 7),))


def values(of: Circuit) -> list[list[object]]:
    found = evaluate(of, [np.array([1, 0, 0, 1, 1, 0], bool), np.array([0, 0, 1, 1, 0, 1], bool)], {})
    return [found[n].tolist() for n in (*of.opens, *(o.node for o in of.outputs), *(n for n, _ in of.keeps))]


def converted(of: Circuit) -> list[tuple[int, ...]]:
    table = table_of(of.nodes)
    return [table[i].shape for i in table.where("b2a").tolist()]


def test_items_one_by_one_are_converted_as_a_list() -> None:
    before = circuit(*[(k % 2, k // 2) for k in range(12)])
    after = simplify(before)
    assert converted(after) == [SHAPE, SHAPE]
    assert values(after) == values(before)


def test_some_of_a_list_are_converted_alone() -> None:
    before = circuit(*[(0, k) for k in range(5)])
    assert join_slices(before) is before


def test_rows_and_items() -> None:
    before = circuit((1, [0, 1]), (0, 3), (1, [1, 2]), (1, 3), (1, [5]), (0, [4, 4]))
    after = join_slices(before)
    assert sorted(converted(after)) == [(), (2,), SHAPE]
    assert values(after) == values(before)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5) | st.lists(st.integers(0, 5), min_size=1, max_size=4)),
                min_size=1, max_size=20))
def test_answers_stay_and_conversions_do_not_grow(chosen: list[tuple[int, int | list[int]]]) -> None:
    before = circuit(*chosen)
    for after in (join_slices(before), simplify(before)):
        assert values(after) == values(before)
        assert sum(map(prod, converted(after))) <= sum(map(prod, converted(before)))
