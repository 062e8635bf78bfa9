"""Walking in waves finds what walking from node to node does."""

import random

import numpy as np
import pytest

from enigmalang.circuits import gather as gathering
from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.layers import cut_layers, waves_of
from enigmalang.circuits.table import table_of


def tangled(seed: int, width: int, depth: int) -> Circuit:
    """Steps of `width` nodes of several kinds, each on nodes of any step before it."""
    rng = random.Random(seed)
    nodes = [Node("input", (), (), Form.ARITH, {"slot": slot}) for slot in range(width)]
    numbers = list(range(width))
    for _ in range(depth):
        made = []
        for _ in range(width):
            op = rng.choice(["add", "mul", "mul", "neg", "ltz"])
            args = tuple(rng.choice(numbers[-3 * width :]) for _ in range(2 if op in ("add", "mul") else 1))
            form = Form.BITS if op == "ltz" else Form.ARITH
            nodes.append(Node(op, args, (), form, {}))
            if op == "ltz":
                nodes.append(Node("b2a", (len(nodes) - 1,), (), Form.ARITH, {}))
            made.append(len(nodes) - 1)
        numbers += made
    used = {arg for node in nodes for arg in node.args}
    return Circuit("M61", tuple(nodes), tuple(n for n in range(len(nodes)) if n not in used), (), ())


@pytest.mark.parametrize("seed", range(3))
def test_stages_and_depth(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = tangled(seed, 400, 15)
    table = table_of(circuit.nodes)
    assert len(table) > gathering.LEAST_WAVES
    found = waves_of(circuit)
    assert found is not None
    assert np.array_equal(found, gathering._stages(table, cut_layers(circuit)))
    depth = gathering._depth(table)
    monkeypatch.setattr(gathering, "LEAST_WAVES", 1 << 60)
    assert depth == gathering._depth(table)


def test_narrow_circuits_are_given_up() -> None:
    assert waves_of(tangled(5, 3, 2000)) is None
