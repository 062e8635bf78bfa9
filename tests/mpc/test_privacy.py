"""What one party receives: the same sizes and numbers of messages for two secrets, and bytes that are uniform.

That is little: messages are uniform also if the masks are not. Masks, coalitions and key streams are tested in
test_masks.py, the joint view of t parties in tests/sharing/test_joint_views.py.
"""

from collections.abc import Callable

import numpy as np
import pytest
from committee import Committee

from enigmalang.fields import M61
from enigmalang.mpc.bits import a2b, b2a
from enigmalang.mpc.compare import eqz, ltz
from enigmalang.mpc.divide import divc, divmod_, shr
from enigmalang.mpc.multiply import mul
from enigmalang.mpc.party import Party
from enigmalang.mpc.setup import exchange_keys
from enigmalang.sharing import ArithShare
from enigmalang.sharing.shamir import share
from enigmalang.transport.memory import run_parties

LANES = 4096
#: chi-square of 256 cells, 255 degrees of freedom: above 450 with probability below 1e-12.
LIMIT = 450.0

PROTOCOLS: dict[str, Callable[[Party, ArithShare], object]] = {
    "mul": lambda party, x: mul(party, x, x),
    "ltz": ltz,
    "eqz": eqz,
    "a2b": lambda party, x: a2b(party, x, 8),
    "b2a of ltz": lambda party, x: b2a(party, ltz(party, x)),
    "shr": lambda party, x: shr(party, x, 9),
    "divc": lambda party, x: divc(party, x, 10),
    "divmod": lambda party, x: divmod_(party, x, x, 8),
}


class Recorder:
    """A network that keeps what its party receives."""

    def __init__(self, inner: object) -> None:
        self.inner = inner
        self.me, self.n = inner.me, inner.n
        self.seen: list[tuple[int, int, bytes]] = []

    def exchange(self, tag: int, sends: dict, expects: dict) -> dict:
        received = self.inner.exchange(tag, sends, expects)
        self.seen += [(tag, peer, bytes(data)) for peer, data in sorted(received.items())]
        return received


def views(committee: Committee, value: int, protocol: Callable[[Party, ArithShare], object]) -> list[list]:
    """What each party received in a protocol on LANES copies of one secret."""
    raw = committee.field.from_ints(np.full(LANES, value))
    shares = share(committee.field, raw, committee.n, committee.t)

    def body(network: object) -> list:
        keys = exchange_keys(network, committee.t)
        recorder = Recorder(network)
        party = Party(recorder, keys, committee.field, b"views")
        protocol(party, ArithShare(committee.field, shares[party.me]))
        return recorder.seen

    return run_parties(committee.n, body, seconds=60)


def chi_square(data: bytes) -> float:
    counts = np.bincount(np.frombuffer(data, np.uint8), minlength=256)
    expected = len(data) / 256
    return float((((counts - expected) ** 2) / expected).sum())


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize(("n", "t"), [(3, 1), (5, 2)])
def test_messages_are_uniform_and_of_one_size(name: str, n: int, t: int) -> None:
    """All lanes hold one secret, so a message that depended on it would repeat itself and not be uniform."""
    committee = Committee(n, t, M61)
    runs = [views(committee, value, PROTOCOLS[name]) for value in (0, 200)]
    for first, second in zip(*runs, strict=True):
        assert [(tag, peer, len(data)) for tag, peer, data in first] == [
            (tag, peer, len(data)) for tag, peer, data in second
        ]
    for run in runs:
        for view in run:
            by_round: dict[int, bytes] = {}
            for tag, _, data in view:
                by_round[tag] = by_round.get(tag, b"") + low_bytes(data)
            for tag, data in by_round.items():
                if len(data) >= 256 * 8:
                    assert chi_square(data) < LIMIT, (name, tag)


def low_bytes(data: bytes) -> bytes:
    """The seven low bytes of each word: the top byte of a field element holds five bits only."""
    return np.frombuffer(data, np.uint8).reshape(-1, 8)[:, :7].tobytes()


def test_the_check_sees_a_leak() -> None:
    """An exchange of the secret itself fails the uniformity test."""
    data = np.full(LANES, 200, np.uint64).tobytes()
    assert chi_square(low_bytes(data)) > LIMIT
