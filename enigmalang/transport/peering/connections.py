"""The table of live connections: who has how many, whose place is given away, and which must end."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from enigmalang.transport.peering.errors import Refusal
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.prelude import Purpose
from enigmalang.transport.peering.timed import TimedChannel

CLOSED = "this end is closed"


@dataclass(slots=True, eq=False)
class Place:
    """One connection in the table. `party` is whose connections count together; `idle_since` (monotonic clock) is
    None while a request is under way, and always for data."""

    peer: str
    party: str
    fingerprint: bytes
    purpose: Purpose
    incoming: bool
    channel: TimedChannel
    host: str = ""
    idle_since: float | None = None
    reason: str = ""  # why it was ended from here
    told: bool = False  # that it is connected: then its end is told too
    left: bool = False

    def end(self, reason: str) -> None:
        """Make whoever uses the connection see its end."""
        self.reason = self.reason or reason
        self.channel.shut()


class Connections:
    """All connections of one node, both ways. Those that came in are limited; those that go out only stand here
    so that they can be ended."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = Lock()
        self._places: set[Place] = set()
        self._past: dict[str, tuple[int, int]] = {}  # peer -> bytes of connections that have ended
        self._closed = False

    def enter(self, place: Place) -> Place | None:
        """Take a place, and return the idle connection that lost its own for it, if one did.

        A party over its limit loses its connection that is idle longest; a full table that of an anonymous client
        first. Raises Refusal when none is idle, and when the table is closed.
        """
        with self._lock:
            if self._closed:
                raise Refusal(CLOSED)
            victim = self._make_room(place) if place.incoming else None
            if victim is not None:
                self._places.discard(victim)
            self._places.add(place)
        if victim is not None:
            victim.end("another connection took its place")
        return victim

    def leave(self, place: Place) -> None:
        """Give the place back; a second time does nothing. The channel is closed."""
        with self._lock:
            self._places.discard(place)
            if not place.left:
                place.left = True
                self._past[place.peer] = _sum(self._past.get(place.peer, (0, 0)), place.channel.traffic())

    def traffic(self) -> dict[str, tuple[int, int]]:
        """Bytes received and sent so far, by peer; anonymous clients together under ""."""
        with self._lock:
            found = dict(self._past)
            for place in self._places:
                if not place.left:
                    found[place.peer] = _sum(found.get(place.peer, (0, 0)), place.channel.traffic())
        return found

    def end(self, unwanted: Callable[[Place], bool], reason: str) -> None:
        """End those that are not wanted; they leave when who uses them sees it."""
        with self._lock:
            found = [place for place in self._places if unwanted(place)]
        for place in found:
            place.end(reason)

    def close(self) -> None:
        """End all, and let none in any more."""
        with self._lock:
            self._closed = True
        self.end(lambda place: True, CLOSED)

    def count(self, wanted: Callable[[Place], bool]) -> int:
        with self._lock:
            return sum(map(wanted, self._places))

    def _make_room(self, place: Place) -> Place | None:
        limits = self._limits
        incoming = [other for other in self._places if other.incoming]
        alike = [other for other in incoming if other.purpose is place.purpose]
        own = [other for other in alike if other.party == place.party]
        most = {
            Purpose.CONTROL: limits.connections_per_peer,
            Purpose.DATA: limits.links_per_peer,
            Purpose.CLIENT: limits.clients_per_host,
        }[place.purpose]
        if len(own) >= most:
            return _idle_longest(own, f"{most} connections of {place.party} are open, the most that may be")
        if place.purpose is Purpose.CLIENT and len(alike) >= limits.clients:
            return _idle_longest(alike, f"{limits.clients} clients are connected, the most that may be")
        if len(incoming) >= limits.connections:
            clients = [other for other in incoming if other.purpose is Purpose.CLIENT and other.idle_since is not None]
            text = f"{limits.connections} connections are open, the most that may be"
            return _idle_longest(clients or incoming, text)
        return None


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def idle_now(place: Place) -> None:
    """Its request is done: it may lose its place."""
    place.idle_since = monotonic()


def _idle_longest(places: list[Place], reason: str) -> Place:
    idle = [(place.idle_since, id(place), place) for place in places if place.idle_since is not None]
    if not idle:
        raise Refusal(reason)
    return min(idle)[2]
