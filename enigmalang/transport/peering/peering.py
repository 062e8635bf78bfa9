"""A node's channels to all other nodes, and from its clients, on one port.

Who may do what. A *peer* is a node whose certificate the registry knows; it proves its key in TLS 1.3, and each
connection serves one purpose: requests (`ask`), or one-way data into a room (`link`, `meet`). Anonymous *clients* know
the node by its fingerprint and only make requests. Everybody else is turned away before TLS begins, with a reason.

Adversary: who controls the network reads and changes everything on the wire, connects as often as he likes, and holds
the keys of some registered nodes. He learns from the wire who speaks with whom, for which purpose, in which room, when
and how much. He can cut connections; he cannot read or forge what passes, take part as a node whose key he has not, or
make this node use more memory, threads or files than `Limits` say. A node whose key he holds has its own share only.

Threads: one that accepts, and one for each connection for requests that came in. What is asked, and what passes on data
links, passes in the threads of the callers.
"""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from time import monotonic

from enigmalang.transport.identity import ChannelKey
from enigmalang.transport.links import ReceiveLink, SendLink
from enigmalang.transport.peering.connections import Connections, Place
from enigmalang.transport.peering.contacts import Contact, Registry
from enigmalang.transport.peering.dialling import Attempt, Dialler
from enigmalang.transport.peering.errors import PeerUnreachable
from enigmalang.transport.peering.events import Event, Heard, Kind, unheard
from enigmalang.transport.peering.handshake import Arrival, Gate
from enigmalang.transport.peering.keys import Keys
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.pool import Pool
from enigmalang.transport.peering.prelude import NO_ROOM, ROOM_BYTES, Purpose
from enigmalang.transport.peering.reception import AnswerPeer, Reception
from enigmalang.transport.peering.requests import Answer, Line
from enigmalang.transport.peering.rooms import Rooms
from enigmalang.transport.peering.server import Server, Visit
from enigmalang.transport.tls import TlsNetwork


class Peering:
    """See the module. A context manager; all methods may be called by any thread.

    `answer(peer, body)` answers a peer's request, `serve(body)` an anonymous client's; without it there are none. Both
    are called in many threads at once, must end by themselves, and may raise Refusal or WireError, whose text the other
    end is told; any other exception ends the connection and shows in `threading.excepthook`. `heard`: `events.Heard`.

    Raises OSError when the port cannot be had, and ssl.SSLError when `key` is no key.
    """

    def __init__(
        self,
        me: str,
        key: ChannelKey,
        registry: Registry,
        listen: tuple[str, int],
        limits: Limits,
        answer: AnswerPeer,
        serve: Answer | None = None,
        heard: Heard = unheard,
    ) -> None:
        self.me = me
        self._registry = registry
        self._limits = limits
        self._heard = heard
        self._keys = Keys(me, key, registry)
        self._connections = Connections(limits)
        self._dialler = Dialler(self._keys, registry, self._connections, limits, heard)
        self._rooms = Rooms()
        self._pool = Pool(limits, self._dial)
        gate = Gate(me, self._keys, registry, serve is not None)
        self._reception = Reception(gate, limits, self._connections, self._rooms, answer, serve, heard)
        self._closed = False
        self._lock = threading.Lock()
        self._server = Server(listen, limits, self._attend, self._sweep, heard)
        self.port = self._server.port
        self._server.start()

    def ask(self, peer: str, body: bytes, seconds: float) -> bytes:
        """The answer of `peer` to one request; at most once: nothing is sent again by itself.

        Many may ask at once, one peer or several. Raises PeerUnreachable after at most `seconds` (a name that the
        system resolves slowly can add to it), PeerRefused, and ValueError when the request is larger than a frame.
        """
        return self._pool.ask(self._contact(peer), body, seconds)

    def link(self, peer: str, room: bytes, deadline: float, number: int = 0) -> SendLink:
        """A one-way data link to `peer`, who meets us in `room` (32 bytes) by `deadline` (monotonic clock).

        `number` is the peer's among the parties, for PeerError. The caller closes the link. Raises PeerUnreachable
        at once when nobody listens, or when the peer does not open the room by then; PeerRefused when we are not of it.
        """
        _check_room(room)
        return self._link(peer, room, deadline, number)

    def meet(self, room: bytes, peers: Collection[str] | Mapping[str, int], deadline: float) -> dict[str, ReceiveLink]:
        """The data links of all `peers` into `room` (32 bytes), by `deadline` (monotonic clock). Who is not among
        them is turned away. When `peers` gives their numbers among the parties, PeerError has them, otherwise 0.

        The caller closes the links. Raises PeerUnreachable naming one that did not come, and ValueError when a meeting
        is going on in this room.
        """
        _check_room(room)
        return self._links(self._rooms.wait(self._rooms.open(room, peers), deadline), peers)

    def network(self, room: bytes, seats: Sequence[str], deadline: float, timeout: float | None = None) -> TlsNetwork:
        """All of `seats` (addresses; the first is party 1, and this node is among them) linked up in `room`.

        `timeout` as in TlsNetwork. The caller closes it. Raises PeerUnreachable or PeerRefused naming a node that is
        not there by `deadline` (monotonic clock), and ValueError when `seats` are not such, or `room` as in `meet`.
        """
        numbers = {peer: number for number, peer in enumerate(seats, 1)}
        if len(numbers) < len(seats) or self.me not in numbers:
            raise ValueError("each node has one seat, and this node has one")
        me = numbers.pop(self.me)
        _check_room(room)
        meeting = self._rooms.open(room, numbers)
        try:
            senders = self._link_all(room, numbers, deadline)
        except BaseException:
            self._rooms.cancel(meeting, "another member is missing")
            with suppress(PeerUnreachable):  # whom we missed first says more
                self._rooms.wait(meeting, deadline)
            raise
        try:
            links = self._links(self._rooms.wait(meeting, deadline), numbers)
        except BaseException:
            _close_all(senders.values())
            raise
        receivers = {numbers[peer]: link for peer, link in links.items()}
        return TlsNetwork(me, len(seats), senders, receivers, timeout)

    def rekey(self, key: ChannelKey) -> None:
        """Use another key for new connections. To be called before the hub registers it: who expects the old one is
        still met with it, until `refresh` finds the new one registered. Raises ssl.SSLError when it is no key."""
        self._keys.rekey(key)

    def refresh(self) -> None:
        """The registry changed: end connections, data links too, of keys that are not registered any more."""
        self._keys.forget()
        self._connections.end(self._outdated, "the key is not registered any more")
        self._pool.sweep(monotonic())

    def traffic(self) -> dict[str, tuple[int, int]]:
        """Bytes received and sent so far, by peer, as the system counts them; anonymous clients together under ""."""
        return self._connections.traffic()

    def close(self) -> None:
        """End all connections and join all threads. Data links belong to who has them: they are ended, and to be
        closed there. Whoever asks or meets gets PeerUnreachable. Waits for requests that are being answered. Not to
        be called while answering one."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._reception.closing.set()
        self._server.stop()
        self._rooms.close()
        self._connections.close()
        self._pool.close()
        self._server.join()

    def __enter__(self) -> "Peering":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _links(
        self, arrivals: Mapping[str, Arrival], peers: Collection[str] | Mapping[str, int]
    ) -> dict[str, ReceiveLink]:
        links = {}
        for peer, arrival in arrivals.items():
            arrival.channel.forever()
            number = peers[peer] if isinstance(peers, Mapping) else 0
            links[peer] = ReceiveLink(number, arrival.channel, self._limits.link_bytes)
        return links

    def _attend(self, visit: Visit) -> None:
        self._reception.attend(self._server, visit)

    def _sweep(self) -> None:
        now = monotonic()
        self._pool.sweep(now)
        for guest in self._rooms.sweep(now - self._limits.parked_seconds):
            self._heard(Event(Kind.REFUSED, guest.peer, guest.host, "nobody opened its room in time", "data"))

    def _contact(self, peer: str) -> Contact:
        if peer == self.me:
            raise ValueError("a node has no connection with itself")
        contact = self._registry.contact(peer)
        if contact is None:
            raise PeerUnreachable(peer, "is not registered")
        return contact

    def _dial(self, contact: Contact, deadline: float) -> Line:
        return Line(self._dialler.dial(contact, Purpose.CONTROL, NO_ROOM, deadline), self._limits)

    def _link(self, peer: str, room: bytes, deadline: float, number: int, attempt: Attempt | None = None) -> SendLink:
        place = self._dialler.dial(self._contact(peer), Purpose.DATA, room, deadline, attempt)
        place.channel.forever()
        return SendLink(number, place.channel, self._limits.link_bytes)

    def _link_all(self, room: bytes, numbers: Mapping[str, int], deadline: float) -> dict[int, SendLink]:
        # All at once: who is missing is seen at once, and then nobody is waited for.
        attempt = Attempt()
        fault: BaseException | None = None
        with ThreadPoolExecutor(max(1, len(numbers)), "peering-link") as pool:
            dials = {
                pool.submit(self._link, peer, room, deadline, number, attempt): number
                for peer, number in numbers.items()
            }
            for dialled in as_completed(dials):
                if fault is None and (fault := dialled.exception()) is not None:
                    attempt.end("another member is missing")
        if fault is not None:
            _close_all([dialled.result() for dialled in dials if dialled.exception() is None])
            raise fault
        return {number: dialled.result() for dialled, number in dials.items()}

    def _outdated(self, place: Place) -> bool:
        return place.purpose is not Purpose.CLIENT and self._registry.who(place.fingerprint) != place.peer


def _close_all(senders: Iterable[SendLink]) -> None:
    for sender in senders:
        sender.close()


def _check_room(room: bytes) -> None:
    if len(room) != ROOM_BYTES or room == NO_ROOM:
        raise ValueError(f"a room is {ROOM_BYTES} bytes, not all of them zero")
