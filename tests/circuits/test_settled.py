"""Circuits that are as simple as they get are seen at once; any that is not goes through the rules."""

import pytest

from enigmalang.circuits import settled
from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.simplify import simplify

SIZE = 5000


def chain(*more: Node) -> Circuit:
    nodes = [Node("input", (), (), Form.BITS, {"slot": slot}) for slot in range(2)]
    for number in range(2, SIZE):
        nodes.append(Node(("and", "xor")[number % 2], (number - 1, number % 3 % 2), (), Form.BITS, {}))
    nodes += more
    return Circuit("M61", tuple(nodes), (SIZE - 1, len(nodes) - 1), (), ())


def test_what_is_settled_stays() -> None:
    circuit = chain()
    assert tuple(simplify(circuit).nodes) == circuit.nodes


@pytest.mark.parametrize("more", [
    [Node("and", (SIZE - 1, SIZE - 1), (), Form.BITS, {})],  # of itself
    [Node("xor", (3, 2), (), Form.BITS, {}), Node("xor", (2, 3), (), Form.BITS, {}),
     Node("and", (SIZE, SIZE + 1), (), Form.BITS, {})],  # twice the same, one turned
    [Node("not", (3,), (), Form.BITS, {}), Node("not", (SIZE,), (), Form.BITS, {})],
    [Node("const", (), (), Form.BITS, {"value": False}), Node("xor", (3, SIZE), (), Form.BITS, {})],
])
def test_what_is_not_is_simplified_as_ever(more: list[Node], monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = chain(*more)
    found = simplify(circuit)
    assert len(found.nodes) < len(circuit.nodes)
    monkeypatch.setattr(settled, "LEAST", 1 << 60)
    assert tuple(simplify(circuit).nodes) == tuple(found.nodes)
