"""A term at one member: links to all others, and the thread that computes on them, one request after the other.

The links meet in a room that only this term has. Whatever goes wrong on them ends the term here: all that lasts is in
the state, and the next term begins with new links and new session keys.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from hashlib import blake2b
from queue import SimpleQueue
from time import monotonic
from typing import Protocol

from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.durable.errors import StateError
from enigmalang.node.faults import describe_bug
from enigmalang.transport.network import Network, PeerError
from enigmalang.transport.peering.errors import PeeringError
from enigmalang.transport.tls import TlsNetwork
from enigmalang.wire.errors import WireError

#: Seconds for which a member may be silent in the middle of a job; it is asked how it stands beside that.
SILENT = 120.0


class TermOver(Exception):
    """The term has ended, or never came up; the text says why."""


class Work(Protocol):
    """What a member does on the links of a term. Made, used and dropped by the mesh's thread."""

    def answer(self, field: str, request: bytes) -> bytes:
        """A reply of `wire.messages`. Raises PeerError, WireError, StateError: then the term is over."""
        ...


@dataclass(frozen=True, slots=True)
class _Asked:
    field: str
    request: bytes
    reply: "Future[bytes]"


def room_of(hub: str, chain: int, place: Place, term: int, leader: int) -> bytes:
    """Where the members of a term meet: 32 bytes."""
    words = b"".join(number.to_bytes(8, "big") for number in (chain, place.committee, term, leader))
    return blake2b(bytes.fromhex(hub[2:]) + words, digest_size=32, person=b"enig term").digest()


class Mesh:
    """One member's part in `term` of `leader`. `begin` makes its work on the network; `up` is told when all have met,
    `lost` why it is over, unless `close` ended it. Both are called from the mesh's thread.
    """

    def __init__(self, here: Here, place: Place, term: int, leader: int, begin: Callable[[Network], Work],
                 up: Callable[[int], None], lost: Callable[[int, str], None]) -> None:
        self.term, self.leader = term, leader
        self._here, self._place = here, place
        self._begin, self._up, self._lost = begin, up, lost
        self._room = room_of(here.hub.address, here.hub.chain.id, place, term, leader)
        self._queue: SimpleQueue[_Asked | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._network: TlsNetwork | None = None
        self._closed = False
        self._number = 0  # of the last request that was taken
        self.busy = 0.0  # since when a request is computed; 0: none is
        self.worked = monotonic()  # when something was computed last
        self._thread = threading.Thread(target=self._run, name=f"term-{place.committee}-{term}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def do(self, number: int, field: str, request: bytes) -> bytes:
        """The reply to request `number`, which must be the next one. Raises TermOver."""
        reply: Future[bytes] = Future()
        with self._lock:
            if self._closed:
                raise TermOver(f"term {self.term} is over")
            if number != self._number + 1:
                raise TermOver(f"request {number} where {self._number + 1} was due")
            self._number = number
            self._queue.put(_Asked(field, request, reply))
        return reply.result()

    def close(self) -> None:
        """End it: who waits for the others or for a reply is woken. Returns at once."""
        with self._lock:
            self._closed = True
            network, self._network = self._network, None
        if network is not None:
            network.wake()
        self._queue.put(None)

    def join(self, seconds: float) -> None:
        """Wait until its thread has ended."""
        self._thread.join(seconds)

    # ---- the thread

    def _run(self) -> None:
        reason, asked = "it was left", None
        try:
            network = self._met()
            try:
                work = self._begin(network)
                self._up(self.term)
                while (asked := self._queue.get()) is not None:
                    self._answer(work, asked)
            finally:
                network.close()
        except (PeerError, PeeringError, WireError, StateError, TermOver) as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  a bug ends the term, and is told; values may be in its text
            reason = describe_bug(error)
            self._here.log.error("a bug ended a term", committee=self._place.committee, reason=reason)
        finally:
            with self._lock:
                left, self._closed = self._closed, True
            self._give_up(asked, reason)
        if not left:
            self._lost(self.term, reason)

    def _answer(self, work: Work, asked: _Asked) -> None:
        self.busy = monotonic()
        try:
            reply = work.answer(asked.field, asked.request)
        finally:
            self.busy, self.worked = 0.0, monotonic()
        asked.reply.set_result(reply)

    def _give_up(self, asked: _Asked | None, reason: str) -> None:
        """Nobody waits for a thread that has ended."""
        waiting = [asked] if asked is not None else []
        while not self._queue.empty():
            each = self._queue.get()
            if each is not None:
                waiting.append(each)
        for each in waiting:
            if not each.reply.done():
                each.reply.set_exception(TermOver(f"term {self.term} is over: {reason}"))

    def _met(self) -> TlsNetwork:
        """Links both ways with everybody. Raises PeeringError, TermOver."""
        deadline = monotonic() + self._here.pace.timing.meet
        network = self._here.peering.network(self._room, self._place.members, deadline, SILENT)
        with self._lock:
            if not self._closed:
                self._network = network
                return network
        network.close()
        raise TermOver(f"term {self.term} was left")
