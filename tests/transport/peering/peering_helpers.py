"""Towns of peerings in one process, with a registry, ears for their events, and ways to misbehave."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import monotonic

from enigmalang.transport.identity import ChannelKey, new_key
from enigmalang.transport.peering.contacts import Contact, fingerprint
from enigmalang.transport.peering.events import Event, Kind
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.peering import Peering
from enigmalang.transport.peering.timed import read_exactly

HOST = "127.0.0.1"
LONG = 30.0  # seconds; only a broken test waits that long
LIMITS = Limits(strangers_per_second=1000.0)


class Book:
    """A registry that tests write in."""

    def __init__(self) -> None:
        self._contacts: dict[str, Contact] = {}

    def register(self, address: str, port: int, key: ChannelKey) -> Contact:
        contact = Contact(address, HOST, port, fingerprint(key.certificate))
        self._contacts = {**self._contacts, address: contact}
        return contact

    def remove(self, address: str) -> None:
        self._contacts = {known: contact for known, contact in self._contacts.items() if known != address}

    def who(self, wanted: bytes) -> str | None:
        return next((known for known, contact in self._contacts.items() if contact.fingerprint == wanted), None)

    def contact(self, address: str) -> Contact | None:
        return self._contacts.get(address)

    def of(self, address: str) -> Contact:
        return self._contacts[address]


class Ear:
    """Hears events, and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def has(self, kind: Kind, text: str = "", peer: str | None = None) -> bool:
        return self.count(kind, text, peer) > 0

    def count(self, kind: Kind, text: str = "", peer: str | None = None) -> int:
        return sum(e.kind is kind and text in e.reason and peer in (None, e.peer) for e in list(self.events))

    def wait(self, kind: Kind, text: str = "", peer: str | None = None, times: int = 1) -> None:
        with self._changed:
            heard = self._changed.wait_for(lambda: self.count(kind, text, peer) >= times, LONG)
        assert heard, f"nobody said {text!r}: {self.events}"


@dataclass
class Node:
    peering: Peering
    key: ChannelKey
    ear: Ear
    contact: Contact


Town = dict[str, Node]


def echo(peer: str, body: memoryview) -> bytes:
    return peer.encode() + b":" + bytes(body)


def serve(body: memoryview) -> bytes:
    return b"anybody:" + bytes(body)


@contextmanager
def town(
    names: Sequence[str],
    book: Book | None = None,
    limits: Limits = LIMITS,
    answer: Callable[[str, memoryview], bytes] = echo,
    clients: Callable[[memoryview], bytes] | None = serve,
    each: dict[str, Limits] | None = None,
) -> Iterator[Town]:
    """Peerings that know each other; `each` has other limits for some."""
    book = book or Book()
    with ExitStack() as stack:
        nodes = {}
        for name in names:
            key, ear = new_key(name), Ear()
            own = (each or {}).get(name, limits)
            peering = stack.enter_context(Peering(name, key, book, (HOST, 0), own, answer, clients, ear))
            nodes[name] = Node(peering, key, ear, book.register(name, peering.port, key))
        yield nodes


def until(true: Callable[[], object], what: str) -> None:
    """Wait for what nobody tells of."""
    deadline, pause = soon(), threading.Event()
    while not true():
        assert monotonic() < deadline, f"{what} does not happen"
        pause.wait(0.001)


def until_idle(node: Node, peer: str = "") -> None:
    """Wait until no request on a connection of `peer` (a client: "") is under way: its asker has the answer a little
    before."""
    connections = node.peering._connections
    until(lambda: not connections.count(lambda place: place.peer == peer and place.incoming and not place.idle_since),
          f"{peer or 'the client'} idle")


def soon(seconds: float = LONG) -> float:
    return monotonic() + seconds


def connect(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), LONG)


def said(plain: socket.socket, count: int) -> bytes:
    """The next bytes that the other end says."""
    return read_exactly(plain, count, soon())


def hung_up(plain: socket.socket) -> bool:
    """True when the other end closes the connection, whatever it says before."""
    plain.settimeout(LONG)
    try:
        while plain.recv(1 << 14):
            pass
    except ConnectionError:
        return True
    return True


class Ghost:
    """Listens at a port, and does to each connection what a test says, in a thread."""

    def __init__(self, act: Callable[[socket.socket], None]) -> None:
        self._listening = socket.create_server((HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        self._act = act
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            with plain:
                plain.settimeout(LONG)
                try:
                    self._act(plain)
                except OSError:
                    continue

    def __enter__(self) -> "Ghost":
        return self

    def __exit__(self, *exc: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(LONG)
        self._listening.close()
