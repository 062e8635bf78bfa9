"""What a node that is its own engine has its session keep."""

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.node import engine
from enigmalang.node.engine import NodeEngine
from enigmalang.wire import messages as msg


@dataclass
class Notes:
    """A session that notes which circuits it holds, as told, and computes nothing."""

    held: dict[bytes, int] = field(default_factory=dict)

    def answer(self, request: msg.Job) -> msg.Done:
        for old in request.drop:
            del self.held[old]
        self.held[request.digest] = len(request.circuit)
        return msg.Done(request.number, [], [])


def constant(number: int) -> Circuit:
    """One of a thousand public numbers, unlike the others."""
    return Circuit("M61", (Node("const", (), (1000,), Form.ARITH, {"value": np.full(1000, number)}),), ())


def test_circuits_are_kept_up_to_a_number_and_up_to_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Notes()
    own = NodeEngine(cast(Any, session), "M61")
    monkeypatch.setattr(engine, "KEPT", 4)
    for number in range(6):
        own.run(constant(number), [])
    names = list(session.held)
    assert len(names) == 4
    own.run(constant(2), [])  # the oldest of them runs again, and another goes next
    own.run(constant(9), [])
    assert names[0] in session.held and names[1] not in session.held
    (size,) = set(session.held.values())
    monkeypatch.setattr(engine, "KEPT_BYTES", 2 * size + 1)
    own.run(constant(10), [])
    assert len(session.held) == 2
    monkeypatch.setattr(engine, "KEPT_BYTES", size // 2)
    own.run(constant(11), [])
    assert list(session.held.values()) == [size]  # what runs is there, however large it is
