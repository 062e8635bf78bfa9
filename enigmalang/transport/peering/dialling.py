"""Connections that go out."""

from functools import partial
from threading import Lock

from enigmalang.transport.peering.connections import Connections, Place
from enigmalang.transport.peering.contacts import Contact, Registry
from enigmalang.transport.peering.errors import PeerRefused, PeerUnreachable, Refusal
from enigmalang.transport.peering.events import Event, Heard, Kind
from enigmalang.transport.peering.handshake import call
from enigmalang.transport.peering.keys import Keys
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.prelude import Purpose
from enigmalang.transport.peering.timed import TimedChannel


class Attempt:
    """Several connections that are wanted together or not at all."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._places: list[Place] = []
        self._over = ""

    def add(self, place: Place) -> None:
        with self._lock:
            self._places.append(place)
            over = self._over
        if over:
            place.end(over)

    def end(self, reason: str) -> None:
        """End those that are there, and those that come: who waits for a greeting does so no longer."""
        with self._lock:
            self._over = reason
            places = list(self._places)
        for place in places:
            place.end(reason)


class Dialler:
    """Dials peers with this node's key; its connections stand in the table from when the peer's key is proved."""

    def __init__(self, keys: Keys, registry: Registry, connections: Connections, limits: Limits, heard: Heard) -> None:
        self._keys = keys
        self._registry = registry
        self._connections = connections
        self._limits = limits
        self._heard = heard

    def dial(
        self, contact: Contact, purpose: Purpose, room: bytes, deadline: float, attempt: Attempt | None = None
    ) -> Place:
        """A connection that the peer greeted by `deadline` (monotonic clock). Raises PeerUnreachable, PeerRefused."""
        entered: list[Place] = []

        def met(channel: TimedChannel) -> None:
            entered.append(self._enter(contact, purpose, channel))
            if attempt is not None:
                attempt.add(entered[0])

        try:
            call(contact, self._keys.registered(), purpose, room, self._limits, deadline, met)
        except PeerRefused as error:
            self._tell(Kind.REFUSED, contact, purpose, error.reason)
            raise
        except PeerUnreachable:
            if entered and entered[0].reason:  # it was ended from here
                raise PeerUnreachable(contact.address, entered[0].reason) from None
            raise
        place = entered[0]
        place.told = True
        self._tell(Kind.CONNECTED, contact, purpose, "")
        return place

    def _enter(self, contact: Contact, purpose: Purpose, channel: TimedChannel) -> Place:
        peer = contact.address
        place = Place(peer, peer, contact.fingerprint, purpose, False, channel, contact.host)
        try:
            self._connections.enter(place)
        except Refusal as error:
            raise PeerUnreachable(peer, str(error)) from None
        channel.closed = partial(self._left, contact, place)
        if self._registry.who(contact.fingerprint) != peer:  # a refresh may have been before this one was there
            raise PeerUnreachable(peer, "is not registered any more")
        return place

    def _left(self, contact: Contact, place: Place) -> None:
        self._connections.leave(place)
        if place.told:
            self._tell(Kind.LOST, contact, place.purpose, place.reason or "closed")

    def _tell(self, kind: Kind, contact: Contact, purpose: Purpose, reason: str) -> None:
        self._heard(Event(kind, contact.address, contact.host, reason, purpose.name.lower(), False))
