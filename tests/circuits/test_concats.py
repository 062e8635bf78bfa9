"""Lists that are filled one by one: the parts are found again, and no chain of copies is left."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enigmalang.circuits import gather as module
from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.evaluate import evaluate
from enigmalang.circuits.gather import gather
from enigmalang.circuits.simplify import simplify

A = Form.ARITH
COUNT = 6


@st.composite
def lists(draw: st.DrawFn) -> Circuit:
    """Several lists of rows (2,) that grow from each other, with rows taken from them."""
    nodes = [Node("input", (), (2,), A, {"slot": k}) for k in range(COUNT)]
    nodes.append(Node("input", (), (3, 2), A, {"slot": COUNT}))
    rows, grown = list(range(COUNT)), [COUNT]
    for _ in range(draw(st.integers(1, 25))):
        match draw(st.sampled_from(["append", "append", "take", "join", "other axis"])):
            case "append":
                onto = draw(st.sampled_from(grown))
                nodes.append(Node("reshape", (draw(st.sampled_from(rows)),), (1, 2), A))
                args = (onto, len(nodes) - 1)
                nodes.append(Node("concat", args, (nodes[onto].shape[0] + 1, 2), A, {"axis": 0}))
                grown.append(len(nodes) - 1)
            case "take":
                of = draw(st.sampled_from(grown))
                length = nodes[of].shape[0]
                index = draw(st.integers(-length, length - 1))
                nodes.append(Node("take", (of,), (2,), A, {"indices": np.asarray(index), "axis": 0}))
                rows.append(len(nodes) - 1)
            case "join":
                a, b = draw(st.sampled_from(grown)), draw(st.sampled_from(grown))
                if nodes[a].shape[0] + nodes[b].shape[0] < 200:
                    shape = (nodes[a].shape[0] + nodes[b].shape[0], 2)
                    nodes.append(Node("concat", (a, b), shape, A, {"axis": 0}))
                    grown.append(len(nodes) - 1)
            case _:
                of = draw(st.sampled_from(grown))
                nodes.append(Node("concat", (of, of), (nodes[of].shape[0], 4), A, {"axis": 1}))
                place = {"indices": np.asarray(draw(st.integers(0, 3))), "axis": 1}
                nodes.append(Node("take", (len(nodes) - 1,), (nodes[of].shape[0],), A, place))
    opens = draw(st.lists(st.integers(0, len(nodes) - 1), min_size=1, max_size=6))
    return Circuit("M61", tuple(nodes), tuple(opens))


def values(circuit: Circuit, inputs: list[Any]) -> list[Any]:
    found = evaluate(circuit, inputs, {})
    return [found[n] for n in circuit.opens]


@given(circuit=lists())
@settings(max_examples=200, deadline=None)
def test_the_answer_stays(circuit: Circuit) -> None:
    inputs: list[Any] = [np.array([10 * k, 10 * k + 1]) for k in range(COUNT)] + [np.arange(6).reshape(3, 2) + 900]
    wanted = [x.tolist() for x in values(circuit, inputs)]
    small = simplify(circuit)
    assert [x.tolist() for x in values(small, inputs)] == wanted
    with pytest.MonkeyPatch.context() as patch:
        for name, least in (("LEAST_NODES", 0), ("LEAST_WIDTH", 0), ("LEAST_GROUP", 2)):
            patch.setattr(module, name, least)
        made = gather(small)
    assert [x.tolist() for x in made.split(values(made.circuit, made.stacked(inputs)))] == wanted


def filled(count: int) -> Circuit:
    """A list of `count` squares, filled one by one, from which each is taken again and the list opened."""
    nodes = [Node("input", (), (count,), A, {"slot": 0}), Node("const", (), (0,), A, {"value": np.zeros(0, np.int64)})]
    last = 1
    for k in range(count):
        nodes.append(Node("take", (0,), (), A, {"indices": np.asarray(k), "axis": 0}))
        nodes.append(Node("mul", (len(nodes) - 1, len(nodes) - 1), (), A))
        nodes.append(Node("reshape", (len(nodes) - 1,), (1,), A))
        nodes.append(Node("concat", (last, len(nodes) - 1), (k + 1,), A, {"axis": 0}))
        last = len(nodes) - 1
    taken = []
    for k in range(count):
        nodes.append(Node("take", (last,), (), A, {"indices": np.asarray(k), "axis": 0}))
        nodes.append(Node("neg", (len(nodes) - 1,), (), A))
        taken.append(len(nodes) - 1)
    return Circuit("M61", tuple(nodes), (last, *taken))


def test_a_list_filled_in_a_loop_is_one_array() -> None:
    circuit = filled(300)
    small = simplify(circuit)
    assert sum(node.op == "concat" for node in small.nodes) == 1
    made = gather(small)
    assert [node.op for node in made.circuit.nodes] == ["input", "mul", "neg"]
    value = np.arange(300) - 100
    opened = made.split(values(made.circuit, made.stacked([value])))
    assert opened[0].tolist() == (value * value).tolist()
    assert [int(x) for x in opened[1:]] == (-value * value).tolist()
