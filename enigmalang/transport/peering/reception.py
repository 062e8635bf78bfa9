"""What becomes of a connection that came in: turned away, let into a room, or its requests answered."""

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from enigmalang.transport.mesh import cause
from enigmalang.transport.peering.buckets import Account, Recent
from enigmalang.transport.peering.connections import Connections, Place
from enigmalang.transport.peering.errors import Refusal
from enigmalang.transport.peering.events import Event, Heard, Kind
from enigmalang.transport.peering.handshake import Arrival, Gate
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.prelude import Purpose
from enigmalang.transport.peering.requests import Answer, Closing, Desk
from enigmalang.transport.peering.rooms import Rooms
from enigmalang.transport.peering.server import Server, Visit
from enigmalang.wire.errors import WireError

AnswerPeer = Callable[[str, memoryview], bytes]


@dataclass(slots=True, eq=False)
class Reception:
    """Attends connections that came in (`Server`), in their threads."""

    gate: Gate
    limits: Limits
    connections: Connections
    rooms: Rooms
    answer: AnswerPeer
    serve: Answer | None
    heard: Heard
    closing: threading.Event = field(init=False, default_factory=threading.Event)
    _desk: Desk = field(init=False)
    _accounts: Recent[str, Account] = field(init=False)

    def __post_init__(self) -> None:
        self._desk = Desk(self.limits, self.closing, threading.BoundedSemaphore(self.limits.requests))
        self._accounts = Recent(partial(Account, self.limits))

    def attend(self, server: Server, visit: Visit) -> None:
        """One connection, from its first byte to its last; one for data, until it is in its room."""
        arrival = self._receive(visit)
        if arrival is None:
            return
        server.known(visit, arrival.peer)
        place = self._seat(arrival)
        if place is None:
            return
        if arrival.purpose is Purpose.DATA:
            self._lead_to_room(arrival)
            return
        try:
            reason = self._answer_all(arrival, place)
            place.reason = place.reason or reason
        finally:
            arrival.channel.close()

    def _receive(self, visit: Visit) -> Arrival | None:
        try:
            return self.gate.receive(visit.plain, visit.host, visit.deadline)
        except (Refusal, WireError) as error:
            reason = str(error)
        except ssl.SSLError as error:
            reason = f"TLS failed ({cause(error)})"
        except OSError as error:
            reason = f"broke off before it was known ({cause(error)})"
        self.heard(Event(Kind.REFUSED, "", visit.host, reason))
        return None

    def _seat(self, arrival: Arrival) -> Place | None:
        place = Place(
            arrival.peer,
            arrival.party,
            arrival.fingerprint,
            arrival.purpose,
            True,
            arrival.channel,
            arrival.host,
        )
        try:
            victim = self.connections.enter(place)
        except Refusal as error:
            arrival.turn_away(str(error))
            self._tell(Kind.LIMITED, arrival, str(error))
            return None
        arrival.channel.closed = partial(self._left, arrival, place)
        self._tell(Kind.CONNECTED, arrival, "")
        if victim is not None:
            reason = "an idle connection lost its place to another"
            self.heard(Event(Kind.LIMITED, victim.peer, victim.host, reason, victim.purpose.name.lower()))
        if not self._still_registered(place):  # a refresh may have been before this one was there
            place.reason = "not registered any more"
            arrival.turn_away(place.reason)
            return None
        return place

    def _left(self, arrival: Arrival, place: Place) -> None:
        self.connections.leave(place)
        self._tell(Kind.LOST, arrival, place.reason or "closed")

    def _lead_to_room(self, arrival: Arrival) -> None:
        reason = self.rooms.arrive(arrival)
        if reason:
            self._tell(Kind.REFUSED, arrival, reason)

    def _answer_all(self, arrival: Arrival, place: Place) -> str:
        account = self._accounts.of(arrival.party)
        try:
            arrival.greet()
        except OSError as error:
            return f"broke off before it was greeted ({cause(error)})"
        slowed = partial(self._tell, Kind.LIMITED, arrival)
        return self._desk.serve(place, account, partial(self._one, place), slowed)

    def _one(self, place: Place, body: memoryview) -> bytes:
        if place.purpose is Purpose.CLIENT:
            assert self.serve is not None  # the gate lets no client in otherwise
            return self.serve(body)
        if not self._still_registered(place):
            raise Closing("the certificate is not that of a registered node any more")
        return self.answer(place.peer, body)

    def _still_registered(self, place: Place) -> bool:
        return place.purpose is Purpose.CLIENT or self.gate.registry.who(place.fingerprint) == place.peer

    def _tell(self, kind: Kind, arrival: Arrival, reason: str) -> None:
        self.heard(Event(kind, arrival.peer, arrival.host, reason, arrival.purpose.name.lower()))
