"""Sorts by the same keys become one: the same answers, fewer sorts; sorts that depend on each other stay apart."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.evaluate import evaluate
from enigmalang.circuits.layers import cut_layers
from enigmalang.circuits.simplify import simplify
from enigmalang.circuits.table import table_of

A = Form.ARITH
N = 5
SMALL = (0, 40)


class Maker:
    """Nodes of columns of N."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def add(self, op: str, args: tuple[int, ...], shape: tuple[int, ...], **attrs: Any) -> int:
        self.nodes.append(Node(op, args, shape, A, attrs))
        return len(self.nodes) - 1

    def input(self, slot: int) -> int:
        return self.add("input", (), (N,), slot=slot)

    def sort(self, columns: list[int], ranks: tuple[int, ...] | None, keys: int = 1,
             limits: tuple[int, int] = SMALL) -> int:
        shape = (len(columns), N if ranks is None else len(ranks))
        return self.add("sort", tuple(columns), shape, keys=keys, ranges=(limits,) * keys, ranks=ranks)

    def row(self, of: int, number: int, count: int) -> int:
        return self.add("take", (of,), (count,), indices=np.asarray(number), axis=0)

    def circuit(self, *opens: int) -> Circuit:
        return Circuit("M61", tuple(self.nodes), opens)


def count(circuit: Circuit) -> int:
    return len(table_of(circuit.nodes).where("sort"))


def opened(circuit: Circuit, *inputs: list[int]) -> list[Any]:
    values = evaluate(circuit, [np.array(x) for x in inputs], {})
    return [values[n].tolist() for n in circuit.opens]


def same(circuit: Circuit, *inputs: list[int]) -> Circuit:
    small = simplify(circuit)
    assert opened(small, *inputs) == opened(circuit, *inputs)
    return small


def test_the_winner_and_the_second_price_are_one_sort() -> None:
    m = Maker()
    x, y = m.input(0), m.input(1)
    small = same(m.circuit(m.sort([x, y], (0,)), m.sort([x], (1, 0))), [3, 1, 4, 1, 5], [0, 1, 2, 3, 4])
    assert count(small) == 1
    assert [layer.protocol for layer in cut_layers(small) if layer.together] == ["sort"]
    (node,) = [node for node in small.nodes if node.op == "sort"]
    assert node.attrs["ranks"] == (0, 1)


def test_all_places_and_some_are_all_places() -> None:
    m = Maker()
    x, y = m.input(0), m.input(1)
    small = same(m.circuit(m.sort([x], (4, 0)), m.sort([x, y], None)), [3, 1, 4, 1, 5], [9, 8, 7, 6, 5])
    assert [node.attrs["ranks"] for node in small.nodes if node.op == "sort"] == [None]


def test_a_column_made_later_comes_first() -> None:
    m = Maker()
    x = m.input(0)
    first = m.sort([x], (0,))
    late = m.add("scale", (m.input(1),), (N,), factor=np.array(3))
    small = same(m.circuit(first, m.sort([x, late], (0, 2))), [3, 1, 4, 1, 5], [0, 1, 2, 3, 4])
    assert count(small) == 1


@pytest.mark.parametrize("other", ["keys", "ranges", "dependent"])
def test_others_stay_apart(other: str) -> None:
    m = Maker()
    x, y = m.input(0), m.input(1)
    first = m.sort([x, y], None)
    match other:
        case "keys":
            second = m.sort([y, x], None)
        case "ranges":
            second = m.sort([x, y], (0,), limits=(0, 50))
        case _:
            second = m.sort([x, m.row(first, 1, N)], (0,))
    assert count(same(m.circuit(first, second), [3, 1, 4, 1, 5], [0, 1, 2, 3, 4])) == 2


def test_equal_keys_twice() -> None:
    m = Maker()
    x, y = m.input(0), m.input(1)
    circuit = m.circuit(m.sort([x, x, y], (0,), keys=2), m.sort([x, x, y, y], (3, 0), keys=2))
    assert count(same(circuit, [3, 1, 4, 1, 5], [0, 1, 2, 3, 4])) == 1


@st.composite
def several(draw: st.DrawFn) -> Circuit:
    m = Maker()
    columns = [m.input(slot) for slot in range(3)]
    sorts = []
    for _ in range(draw(st.integers(2, 6))):
        chosen = draw(st.lists(st.sampled_from(columns), min_size=1, max_size=3))
        ranks = draw(st.none() | st.lists(st.integers(0, N - 1), min_size=1, max_size=3).map(tuple))
        sorts.append(m.sort(chosen, ranks, keys=draw(st.integers(1, len(chosen)))))
        if ranks is None:
            columns.append(m.row(sorts[-1], draw(st.integers(0, len(chosen) - 1)), N))
    return m.circuit(*sorts)


@settings(max_examples=60, deadline=None)
@given(several(), st.lists(st.lists(st.integers(0, 3), min_size=N, max_size=N), min_size=3, max_size=3))
def test_answers_stay(circuit: Circuit, inputs: list[list[int]]) -> None:
    small = same(circuit, *inputs)
    same(small, *inputs)
    assert count(simplify(small)) == count(small)
