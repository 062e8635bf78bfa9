"""Inputs on their way from the coordinator: who gets them, and that all nodes run on the same."""

from typing import Any

import pytest
from node_helpers import product

from enigmalang.node.masking import InputsDigest
from enigmalang.node.session import Session
from enigmalang.transport.memory import run_parties
from enigmalang.transport.network import PeerError
from enigmalang.wire import messages as msg
from enigmalang.wire.codec import digest, encode_circuit
from enigmalang.wire.errors import WireError

CIRCUIT = encode_circuit(product())


def session(network: Any) -> Session:
    return Session("M61", 1, network)


def say(session: Session, inputs: list[bytes], digest_: bytes, size: int = 32) -> str:
    """What a node says to a coordinator that sends it these inputs for a run with that digest."""
    session.answer(msg.Prepare(2, digest(CIRCUIT), CIRCUIT, []))
    try:
        for masked in inputs:
            session.take(msg.Input(2, size), masked)
        assert isinstance(session.answer(msg.Run(2, digest_, [])), msg.Done)
    except (PeerError, WireError) as error:
        return str(error)
    return ""


def test_other_inputs_than_the_rest_was_told_of() -> None:
    """Nodes 1 and 2 get the values, node 3 a digest of them."""
    one, other = bytes(32), b"\1" + bytes(31)
    right, wrong = (InputsDigest([one, masked]).digest() for masked in (one, other))

    def told(network: Any) -> str:
        return say(session(network), [one, one] if network.me < 3 else [], wrong if network.me == 3 else right)

    def sent(network: Any) -> str:
        return say(session(network), [[one, one], [one, other], []][network.me - 1], right)

    assert all("runs another circuit" in said for said in run_parties(3, told))
    assert all("runs another circuit" in said for said in run_parties(3, sent))


@pytest.mark.parametrize(
    ("node", "sizes", "text"),
    [
        (1, [32], "1 inputs where the circuit has 2"),
        (2, [32, 32, 32], "an input that no circuit waits for"),
        (2, [32, 31], "an input of 31 bytes, announced were 32"),
        (3, [32, 32], "an input that this node does not need"),
    ],
)
def test_inputs_that_are_not_due(node: int, sizes: list[int], text: str) -> None:
    sessions = run_parties(3, session)
    assert say(sessions[node - 1], [bytes(size) for size in sizes], InputsDigest([bytes(32)] * 2).digest()) == text
