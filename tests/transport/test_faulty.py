"""The faulty twin: each fault does what its name says, and the same seed gives the same faults."""

from collections.abc import Mapping

import pytest

from enigmalang.transport.faulty import Fault, FaultKind, FaultyNetwork, random_faults
from enigmalang.transport.network import PeerError
from enigmalang.wire.frames import Buffer


class _Echo:
    """A network whose peers answer with bytes that tell who and which round."""

    me, n = 1, 3

    def exchange(
        self, tag: int, sends: Mapping[int, Buffer], expects: Mapping[int, int]
    ) -> dict[int, memoryview | bytes]:
        return {peer: bytes([peer, tag]) * (length // 2) for peer, length in expects.items()}


def _run(fault: Fault | None, steps: int = 3, seed: int = 0) -> list[dict[int, bytes]]:
    network = FaultyNetwork(_Echo(), [fault] if fault else [], seed)
    rounds = [network.exchange(tag, {2: b"", 3: b""}, {2: 4, 3: 4}) for tag in range(steps)]
    assert network.struck == ([fault] if fault else [])
    return [{peer: bytes(body) for peer, body in received.items()} for received in rounds]


def test_delay_changes_nothing_but_the_order() -> None:
    clean = _run(None)
    delayed = _run(Fault(1, 2, FaultKind.DELAY))
    assert delayed == clean
    assert list(delayed[1]) == [3, 2]


def test_corrupt_turns_one_bit() -> None:
    clean, corrupt = _run(None), _run(Fault(1, 3, FaultKind.CORRUPT), seed=5)
    differences = [
        int.from_bytes(one[peer], "big") ^ int.from_bytes(other[peer], "big")
        for one, other in zip(clean, corrupt, strict=True)
        for peer in one
    ]
    assert [value.bit_count() for value in differences] == [0, 0, 0, 1, 0, 0]
    assert corrupt == _run(Fault(1, 3, FaultKind.CORRUPT), seed=5)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (FaultKind.DROP, "node 2: late"),
        (FaultKind.REORDER, "node 2: frame with another tag, expected tag 1"),
        (FaultKind.CLOSE, "node 2: closed the connection"),
    ],
)
def test_lost_frames_are_named(kind: FaultKind, text: str) -> None:
    network = FaultyNetwork(_Echo(), [Fault(1, 2, kind)])
    network.exchange(0, {}, {2: 4})
    with pytest.raises(PeerError, match=text):
        network.exchange(1, {}, {2: 4})
    assert [fault.kind for fault in network.struck] == [kind]


def test_closed_stays_closed() -> None:
    network = FaultyNetwork(_Echo(), [Fault(0, 2, FaultKind.CLOSE)])
    for tag in range(2):
        with pytest.raises(PeerError, match="node 2: closed"):
            network.exchange(tag, {2: b""}, {2: 4})
    assert network.exchange(2, {}, {3: 2}) == {3: b"\x03\x02"}


def test_seeded_faults() -> None:
    faults = random_faults(seed=3, steps=200, peers=[2, 3], rate=0.1)
    assert faults == random_faults(seed=3, steps=200, peers=[3, 2], rate=0.1)
    assert faults != random_faults(seed=4, steps=200, peers=[2, 3], rate=0.1)
    assert {fault.kind for fault in faults} == set(FaultKind)
    assert 20 <= len(faults) <= 60
    assert random_faults(seed=3, steps=200, peers=[2], rate=0) == []
