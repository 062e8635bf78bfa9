"""What a client holds of the circuits that its nodes have."""

import numpy as np
import pytest

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.node import shipping
from enigmalang.node.shipping import Shipping
from enigmalang.wire.codec import decode_circuit, digest


def scaled(by: int, size: int = 100) -> Circuit:
    """A client's numbers times public ones."""
    factor = np.arange(size) + by
    nodes = (Node("input", (), (size,), Form.ARITH, {"slot": 0}),
             Node("scale", (0,), (size,), Form.ARITH, {"factor": factor}))
    return Circuit("M61", nodes, (1,))


def test_a_circuit_is_shipped_once_and_its_bytes_are_not_held() -> None:
    shipping_, circuit = Shipping(), scaled(1)
    first = shipping_.prepared(circuit)
    data, dropped = shipping_.ship(first)
    assert digest(data) == first.digest and not dropped
    np.testing.assert_array_equal(decode_circuit(data).nodes[1].attrs["factor"], np.arange(100) + 1)
    again = shipping_.prepared(circuit)
    assert (again.data, again.digest, again.slots) == (b"", first.digest, first.slots)
    assert shipping_.ship(again) == (b"", [])


def test_what_was_dropped_is_shipped_again(monkeypatch: pytest.MonkeyPatch) -> None:
    circuits, shipping_ = [scaled(by) for by in range(3)], Shipping()
    sizes = [shipping_.prepared(circuit).size for circuit in circuits]
    monkeypatch.setattr(shipping, "KEPT_BYTES", sum(sizes) - 1)
    shipments = [shipping_.prepared(circuit) for circuit in circuits]
    for shipment in shipments[:2]:
        assert shipping_.ship(shipment)[1] == []
    known = shipping_.prepared(circuits[0])  # and is then dropped for another: the least recently shipped
    assert shipping_.ship(shipments[2])[1] == [shipments[0].digest]
    for late in (known, shipping_.prepared(circuits[1])):
        data, _ = shipping_.ship(late)
        assert digest(data) == late.digest
