"""A `Network` that misbehaves on purpose: seeded, without sleeps, for tests.

Faults strike frames on their way *in*, so a fault stands for a bad peer, a bad link, or both. Time does not
pass: a frame that would come too late is reported late at once.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from enigmalang.transport.network import Network, PeerError
from enigmalang.wire.frames import Buffer


class FaultKind(StrEnum):
    """What happens to one peer's frame."""

    DELAY = "delay"  # it arrives last, within the time-out: nobody may notice
    CORRUPT = "corrupt"  # one bit is turned over: only a check in the protocol can notice
    DROP = "drop"  # it never arrives: PeerError, late
    REORDER = "reorder"  # the peer's next frame comes first: PeerError, another tag
    CLOSE = "close"  # the link is gone from this step on: PeerError, closed


@dataclass(frozen=True, slots=True)
class Fault:
    """`kind` strikes the frame from `peer` in the exchange number `step` (from 0)."""

    step: int
    peer: int
    kind: FaultKind


def random_faults(
    seed: int, steps: int, peers: Iterable[int], rate: float, kinds: Iterable[FaultKind] = tuple(FaultKind)
) -> list[Fault]:
    """Each peer's frame of each step is struck with probability `rate`, by one of `kinds`."""
    choose = Random(seed)
    peers, kinds = sorted(peers), list(kinds)
    return [
        Fault(step, peer, choose.choice(kinds))
        for step in range(steps)
        for peer in peers
        if choose.random() < rate
    ]


class FaultyNetwork:
    """Wraps `inner`; `struck` lists the faults that met a frame so far."""

    def __init__(self, inner: Network, faults: Iterable[Fault], seed: int = 0) -> None:
        self.me = inner.me
        self.n = inner.n
        self.struck: list[Fault] = []
        self._inner = inner
        self._faults = {(fault.step, fault.peer): fault for fault in faults}
        self._choose = Random(seed)
        self._step = 0
        self._closed: set[int] = set()

    def exchange(
        self, tag: int, sends: Mapping[int, Buffer], expects: Mapping[int, int]
    ) -> dict[int, memoryview | bytes]:
        """See `Network.exchange`. Every frame is sent; faults strike what arrives."""
        faults = self._due(sends.keys() | expects.keys(), expects)
        received = self._inner.exchange(tag, sends, expects)
        for fault in faults:
            self._strike(fault, tag, received)
        return received

    def post(self, tag: int, sends: Mapping[int, Buffer]) -> None:
        """See `Network.post`. A link that is gone is noticed by `fetch`."""
        self._inner.post(tag, sends)

    def fetch(self, tag: int, expects: Mapping[int, int]) -> dict[int, memoryview | bytes]:
        """See `Network.fetch`. A step of its own, as an exchange is."""
        faults = self._due(set(expects), expects)
        received = self._inner.fetch(tag, expects)
        for fault in faults:
            self._strike(fault, tag, received)
        return received

    def flush(self) -> None:
        """See `Network.flush`."""
        self._inner.flush()

    def _due(self, touched: Set[int], expects: Mapping[int, int]) -> list[Fault]:
        """This step's faults. Raises PeerError when one of the links that are used is gone."""
        faults = [fault for peer in expects if (fault := self._faults.get((self._step, peer)))]
        self._step += 1
        self._closed |= {fault.peer for fault in faults if fault.kind is FaultKind.CLOSE}
        self.struck += [fault for fault in faults if fault.kind is FaultKind.CLOSE]
        gone = self._closed & touched
        if gone:
            raise PeerError(min(gone), "closed the connection")
        return faults

    def _strike(self, fault: Fault, tag: int, received: dict[int, memoryview | bytes]) -> None:
        self.struck.append(fault)
        peer = fault.peer
        match fault.kind:
            case FaultKind.DELAY:
                received[peer] = received.pop(peer)
            case FaultKind.CORRUPT:
                received[peer] = self._corrupt(received[peer])
            case FaultKind.DROP:
                raise PeerError(peer, "late: nothing came or went within the time-out")
            case FaultKind.REORDER:
                raise PeerError(peer, f"frame with another tag, expected tag {tag}")
            case FaultKind.CLOSE:
                raise AssertionError("a closed link carries no frame")

    def _corrupt(self, body: memoryview | bytes) -> bytes:
        changed = bytearray(body)
        if changed:
            bit = self._choose.randrange(8 * len(changed))
            changed[bit // 8] ^= 1 << (bit % 8)
        return bytes(changed)
