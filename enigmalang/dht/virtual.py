"""A network of DHT nodes in virtual time: real `Machine`s, simulated channels, storage and clock. For tests and the
simulator. Everything follows from the seed; nothing here is secret.

The first nodes start with the tables that a network has after running for long: of each bucket k nodes drawn at
random, or all if there are fewer. Later ones join through the protocol. Nodes that crash stay registered (the worst
case), and messages to them vanish.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import Protocol

from enigmalang.dht import ports
from enigmalang.dht.ids import BITS, node_id
from enigmalang.dht.machine import Machine
from enigmalang.dht.placement import Standing
from enigmalang.dht.ports import Effect, Event
from enigmalang.dht.settings import Settings
from enigmalang.wire import dht_messages as wire

#: Bytes that each node says it can take.
FREE = 1 << 30
_STANDING = Standing(10**18)

Answer = ports.Found | ports.Got | ports.Placed


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to messages: each takes `fastest` to `slowest` seconds, and a share of `loss` never arrives."""

    fastest: float = 0.02
    slowest: float = 0.2
    loss: float = 0.0


class Peer(Protocol):
    """What stands behind an address: a `Machine`, or something that lies."""

    def handle(self, event: Event, now: float) -> list[Effect]: ...


class Network:
    """`Members`, channels, storage and clock of all nodes. Local requests are made with `request`, and answered into
    `answers` by their tickets, with the time of the answer.
    """

    def __init__(self, nodes: int, seed: int, settings: Settings | None = None, weather: Weather | None = None) -> None:
        self._rng = Random(seed)
        self._settings = settings or Settings()
        self.weather = weather or Weather()
        self._places: dict[str, int] = {}
        self._addresses: dict[int, str] = {}
        self._peers: dict[str, Peer] = {}
        self._shelves: dict[str, dict[bytes, bytes]] = {}
        self._queue: list[tuple[float, int, str, Event]] = []
        self._pushed = 0
        self.now = 0.0
        self.events = 0
        self.answers: dict[int, tuple[Answer, float]] = {}
        # Calls of the protocol `Members`, without a step between: they are most of the calls there are.
        self.place = self._places.get
        self.address = self._addresses.get
        self.alive = sorted(self._register() for _ in range(nodes))
        self._first = list(self.alive)

    def standing(self, address: str) -> Standing | None:
        return _STANDING if address in self._places else None

    def machine(self, address: str) -> Machine:
        """The machine of an honest node that lives. KeyError for others."""
        peer = self._peer(address)
        if not isinstance(peer, Machine):
            raise KeyError(address)
        return peer

    def random_node(self) -> str:
        """One of those that live."""
        return self._addresses[self._rng.choice(self.alive)]

    def nearest(self, target: int, count: int) -> list[str]:
        """The living nodes nearest to a place, without asking any."""
        return [self._addresses[place] for place in nearest_places(self.alive, target, count)]

    def shelf(self, address: str) -> dict[bytes, bytes]:
        """What a node holds, by key."""
        return self._shelves.setdefault(address, {})

    def replace(self, address: str, peer: Peer) -> None:
        """From now on something else answers for this node."""
        self._peers[address] = peer

    def add(self, bootstrap: Iterable[str], ticket: int) -> str:
        """A new node, which joins through these; its address. Answered like a `request`."""
        place = self._register()
        insort(self.alive, place)
        address = self._addresses[place]
        self._peers[address] = self._new(address)
        self.request(address, ports.Join(ticket, tuple(bootstrap)))
        return address

    def crash(self, address: str) -> None:
        """The node is gone, with what it holds; the registry does not know."""
        self.alive.remove(self._places[address])
        self._peers.pop(address, None)
        self._shelves.pop(address, None)

    def request(self, address: str, request: ports.LocalRequest) -> None:
        """Make a local request of a living node."""
        self._deliver(address, request)

    def run(self, until: float, tickets: Iterable[int] = ()) -> None:
        """Let time pass up to `until`, or less if there are tickets and all of them are answered."""
        waiting = list(tickets)
        wanted = bool(waiting)
        while self._queue and self._queue[0][0] <= until:
            while waiting and waiting[-1] in self.answers:
                waiting.pop()
            if wanted and not waiting:
                return
            self.now, _, address, event = heappop(self._queue)
            self.events += 1
            self._deliver(address, event)
        self.now = max(self.now, until)

    def _register(self) -> int:
        address = "0x" + self._rng.randbytes(20).hex()
        place = node_id(address)
        self._places[address] = place
        self._addresses[place] = address
        return place

    def _new(self, address: str) -> Machine:
        machine = Machine(address, self._places[address], self, self._rng.randbytes(8), self._settings)
        machine.handle(ports.Room(FREE), self.now)
        return machine

    def _peer(self, address: str) -> Peer:
        peer = self._peers.get(address)
        if peer is None:
            place = self._places[address]
            if nearest_places(self.alive, place, 1) != [place]:
                raise KeyError(address)
            peer = self._peers[address] = self._seasoned(address, place)
        return peer

    def _seasoned(self, address: str, place: int) -> Machine:
        machine = self._new(address)
        contacts: list[int] = []
        for bucket in range(BITS - 1, -1, -1):
            low, high = _bounds(self._first, (place >> bucket) ^ 1, bucket)
            contacts += [self._first[i] for i in self._draw(low, high)]
            mine, end = _bounds(self._first, place >> bucket, bucket)
            if end - mine == 1:
                break
        machine.know(contacts)
        return machine

    def _draw(self, low: int, high: int) -> Iterable[int]:
        """Up to k of low to high - 1, different ones."""
        count = self._settings.k
        if high - low <= count:
            return range(low, high)
        if high - low < 8 * count:
            return self._rng.sample(range(low, high), count)
        draw = self._rng.random  # sampling with the rare double left out is much faster
        return {low + int(draw() * (high - low)) for _ in range(count)}

    def _push(self, at: float, address: str, event: Event) -> None:
        self._pushed += 1
        heappush(self._queue, (at, self._pushed, address, event))

    def _deliver(self, address: str, event: Event) -> None:
        try:
            peer = self._peer(address)
        except KeyError:
            return  # it crashed
        for effect in peer.handle(event, self.now):
            self._carry_out(address, effect)

    def _carry_out(self, me: str, effect: Effect) -> None:
        match effect:
            case ports.Ask(peer, message) | ports.Answer(peer, message):
                self._send(me, peer, message)
            case ports.SetTimer(at, timer):
                self._push(at, me, ports.Fired(timer))
            case ports.Hand(peer, request, otherwise):
                self._send(me, peer, self._store(me, request, otherwise))
            case ports.Check(number, _, record):
                self._push(self.now, me, ports.Judged(number, version_of(record)))
            case ports.Found() | ports.Got() | ports.Placed():
                self.answers[effect.ticket] = (effect, self.now)
            case ports.Due() | ports.Neighbour():
                pass

    def _send(self, sender: str, receiver: str, message: wire.Request | wire.Reply) -> None:
        weather = self.weather
        if sender == receiver:
            self._push(self.now, receiver, ports.Heard(sender, message))
        elif self._rng.random() >= weather.loss:
            delay = weather.fastest + (weather.slowest - weather.fastest) * self._rng.random()
            self._push(self.now + delay, receiver, ports.Heard(sender, message))

    def _store(self, me: str, request: wire.Store | wire.Offer | wire.FindValue, otherwise: wire.Nodes | None
               ) -> wire.Reply:
        shelf = self.shelf(me)
        match request:
            case wire.Store(number, key, record):
                shelf[key] = record
                return wire.Stored(number, True)
            case wire.Offer(number, keys):
                return wire.Have(number, [key in shelf for key in keys])
            case wire.FindValue(number, key):
                held = shelf.get(key, b"")
                return otherwise if otherwise is not None and key not in shelf else wire.Value(number, held)


def nearest_places(places: list[int], target: int, count: int) -> list[int]:
    """Up to `count` of the sorted `places`, nearest to `target` first."""
    for shift in range(0, BITS, 4):
        low, high = _bounds(places, target >> shift, shift)
        if high - low >= count:
            break  # everything outside differs from the target in a higher bit
    else:
        low, high = 0, len(places)
    return sorted(places[low:high], key=target.__xor__)[:count]


def version_of(record: bytes) -> int | None:
    """The simulated storage holds a record for valid if it begins with "ok"; the next 8 bytes are its version."""
    return int.from_bytes(record[2:10], "big") if record[:2] == b"ok" else None


def _bounds(places: list[int], prefix: int, shift: int) -> tuple[int, int]:
    """Where those whose id begins with `prefix`, but for its last `shift` bits, are among the sorted `places`."""
    low = prefix << shift
    return bisect_left(places, low), bisect_left(places, low + (1 << shift))
