"""A coordinator that tells the nodes different things: nothing is computed on values before they have noticed, and a
node that has failed does nothing more."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from node_helpers import product

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.fields import M61
from enigmalang.node import worker as workers
from enigmalang.node.session import Session
from enigmalang.node.worker import Worker
from enigmalang.sharing import ArithShare
from enigmalang.transport.memory import run_parties
from enigmalang.transport.network import PeerError
from enigmalang.wire import messages as msg
from enigmalang.wire.codec import digest, encode_circuit
from enigmalang.wire.errors import WireError

CIRCUIT = encode_circuit(product())
SHARED = encode_circuit(Circuit("M61", (Node("load", (), (2,), Form.ARITH, {"handle": 1}),), (0,)))


def prepare(number: int) -> msg.Prepare:
    """Draws masks, which the job after it does not use."""
    return msg.Prepare(number, digest(CIRCUIT), CIRCUIT, [])


def job(number: int) -> msg.Job:
    """Would open what the nodes keep."""
    return msg.Job(number=number, digest=digest(SHARED), circuit=SHARED, drop=[], masked=[], recipients=[])


def run(requests: dict[int, list[msg.Request]]) -> dict[int, str]:
    """What each node said against its last request, an empty text when it ran."""

    def node(network: Any) -> str:
        session = Session("M61", 1, network)
        session._memory[1] = ArithShare(M61, M61.from_ints(np.array([4, 5])))
        *before, last = requests[network.me]
        for request in before:
            session.answer(request)
        try:
            assert isinstance(session.answer(last), msg.Done)
        except PeerError as error:
            return error.reason
        return ""

    return dict(enumerate(run_parties(3, node), 1))


def test_requests_in_another_order() -> None:
    """All have drawn as much, and have as many values in stock, but from other places of their streams."""
    usual: list[msg.Request] = [msg.Replenish(1), prepare(2), job(3)]
    other: list[msg.Request] = [prepare(2), msg.Replenish(1), job(3)]
    assert run({1: usual, 2: usual, 3: usual}) == {1: "", 2: "", 3: ""}
    assert set(run({1: usual, 2: usual, 3: other}).values()) == {"runs another circuit"}


def test_another_preparation() -> None:
    first: list[msg.Request] = [prepare(1), prepare(2), job(3)]
    second: list[msg.Request] = [prepare(2), prepare(1), job(3)]
    assert set(run({1: first, 2: first, 3: second}).values()) == {"runs another circuit"}


@pytest.mark.parametrize(
    "error", [PeerError(2, "sent 3 bytes where 8 were due"), WireError("a run without its preparation")]
)
def test_a_node_that_failed_does_nothing_more(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[msg.Request] = []
    replies: list[msg.Reply] = []

    class Failing:
        def __init__(self, *args: Any) -> None:
            pass

        def answer(self, request: msg.Request) -> msg.Reply | None:
            asked.append(request)
            if len(asked) == 2:
                raise error
            return msg.Stocked(request.number, False) if isinstance(request, msg.Replenish) else None

    class Lingers(BaseException):
        pass

    def linger(self: Worker) -> None:
        raise Lingers

    boot = msg.Bootstrap(msg.VERSION, 1, 3, 1, "M61", 1.0)
    loading = SimpleNamespace(join=lambda: None)
    worker = Worker(boot, SimpleNamespace(), SimpleNamespace(), SimpleNamespace(), loading)  # type: ignore[arg-type]
    monkeypatch.setattr("enigmalang.node.session.Session", Failing)
    monkeypatch.setattr(Worker, "_reply", lambda self, reply: replies.append(reply))
    monkeypatch.setattr(Worker, "_linger", linger)
    monkeypatch.setattr(workers, "gc", SimpleNamespace(freeze=lambda: None, set_threshold=lambda *limits: None))
    for name in ("_read_requests", "_beat"):
        monkeypatch.setattr(Worker, name, lambda self: None)
    for number in (1, 2, 3):
        worker._queue.put(msg.Replenish(number))
    with pytest.raises(Lingers):
        worker.serve()
    assert [request.number for request in asked if isinstance(request, msg.Replenish)] == [1, 2]
    assert [type(reply) for reply in replies] == [msg.Ready, msg.Stocked, msg.Fault]


def test_messages_do_not_show_what_they_hold() -> None:
    told = np.arange(4, dtype="<u8").tobytes()
    for message in (msg.Masks(1, [told]), msg.Done(1, [told], [told], [told])):
        assert repr(message) == f"<{type(message).__name__}>"
