"""What the daemon knows of its connections: who is there since when, who was turned away and why."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import time

from enigmalang.node.daemon.log import Log
from enigmalang.node.daemon.metrics import Metrics
from enigmalang.node.daemon.registry import HubRegistry
from enigmalang.transport.peering.contacts import Contact
from enigmalang.transport.peering.events import Event, Kind

#: Reasons that are counted apart; what peers make up beyond is "other".
MAX_REASONS = 64


class ContactBook:
    """The registry of peering from the start on: empty until there is a chain to read it from."""

    def __init__(self) -> None:
        self._registry: HubRegistry | None = None

    def open(self, registry: HubRegistry) -> None:
        self._registry = registry

    def who(self, fingerprint: bytes) -> str | None:
        """See `transport.peering.contacts.Registry`."""
        return self._registry.who(fingerprint) if self._registry is not None else None

    def contact(self, address: str) -> Contact | None:
        """See `transport.peering.contacts.Registry`."""
        return self._registry.contact(address) if self._registry is not None else None


@dataclass(frozen=True, slots=True)
class Connected:
    """A node with a connection at least: since when (seconds since 1970), and how many."""

    address: str
    since: float
    connections: int


class Hearer:
    """Told of what happens on the channels, by many threads."""

    def __init__(self, log: Log, metrics: Metrics, clock: Callable[[], float] = time) -> None:
        self._log, self._metrics, self._clock = log, metrics, clock
        self._lock = threading.Lock()
        self._connected: dict[str, Connected] = {}
        self._reasons: dict[str, int] = {}

    def connected(self) -> tuple[Connected, ...]:
        """Who is connected, by address."""
        with self._lock:
            return tuple(self._connected[address] for address in sorted(self._connected))

    def __call__(self, event: Event) -> None:
        match event.kind:
            case Kind.CONNECTED:
                self._metrics.add("enig_connections_total", event.purpose or "unknown")
                self._count(event, 1)
            case Kind.LOST:
                self._count(event, -1)
            case Kind.REFUSED | Kind.LIMITED:
                self._refused(event)

    def _count(self, event: Event, change: int) -> None:
        """Clients have no address, and are not kept."""
        if not event.peer:
            return
        with self._lock:
            known = self._connected.get(event.peer, Connected(event.peer, self._clock(), 0))
            number = max(known.connections + change, 0)
            if number:
                self._connected[event.peer] = Connected(event.peer, known.since, number)
            else:
                self._connected.pop(event.peer, None)
        if (known.connections == 0) != (number == 0):
            self._log.info("connected" if number else "lost", peer=event.peer, host=event.host, reason=event.reason)

    def _refused(self, event: Event) -> None:
        """Strangers can come as often as they like: the first, second, fourth, … time is worth a line."""
        with self._lock:
            reason = event.reason if event.reason in self._reasons or len(self._reasons) < MAX_REASONS else "other"
            times = self._reasons[reason] = self._reasons.get(reason, 0) + 1
        self._metrics.add("enig_refusals_total", reason)
        if times & (times - 1) == 0:
            self._log.info(event.kind.value, reason=event.reason, peer=event.peer, host=event.host, times=times)
