"""Who misbehaves at a node's port: a stranger, an anonymous client, and a registered node gone bad."""

import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from random import Random
from time import monotonic

from fault_town import SOON, Node

from enigmalang.node.daemon.keys import KeyFolder
from enigmalang.transport.identity import ChannelKey, new_key
from enigmalang.transport.peering.contacts import Contact, fingerprint
from enigmalang.transport.peering.errors import PeeringError
from enigmalang.transport.peering.handshake import call
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.prelude import MAGIC, NO_ROOM, VERSION, Opening, Purpose
from enigmalang.transport.peering.timed import TimedChannel
from enigmalang.wire.frames import HEADER_BYTES, frame, header, parse_header
from tests.transport.tls_helpers import RecordingProxy

LIMITS = Limits()
#: The parts of a node that peers ask, by their first byte; and none.
TOPICS = (2, 3, 9)
Attack = Callable[[Contact, ChannelKey, Random], None]


def contact_of(node: Node) -> Contact:
    """Where it is, and by which certificate it is known."""
    channel = KeyFolder(node.folder).open(node.password()).channel
    endpoint = node.config.endpoint
    return Contact(node.address, endpoint.host, endpoint.port, fingerprint(channel.certificate))


def gone_bad(node: Node) -> ChannelKey:
    """The key of a registered node, which does not run."""
    return KeyFolder(node.folder).open(node.password()).channel


@contextmanager
def connected(contact: Contact) -> Iterator[socket.socket]:
    with socket.create_connection((contact.host, contact.port), SOON) as plain:
        plain.settimeout(SOON)
        yield plain


def hung_up(plain: socket.socket) -> None:
    """Until the other end hangs up."""
    with suppress(ConnectionError):
        while plain.recv(1 << 16):
            pass


# ---- strangers


def noise(contact: Contact, key: ChannelKey, rng: Random) -> None:
    """Bytes that mean nothing; some begin as they should."""
    for start in (b"", MAGIC, MAGIC + struct.pack("<H", VERSION), b"GET / HTTP/1.1\r\n", b"\x16\x03\x01"):
        with connected(contact) as plain:
            with suppress(ConnectionError):
                plain.sendall(start + rng.randbytes(4096))
            hung_up(plain)


def half_a_handshake(contact: Contact, key: ChannelKey, rng: Random) -> None:
    """Who opens as a client, and says half of what TLS begins with, or nothing, and leaves."""
    mine = new_key("nobody")
    for said in (b"", b"\x16\x03\x01\x02\x00\x01"):
        with connected(contact) as plain, suppress(ConnectionError):  # it may have enough of strangers
            plain.sendall(Opening(Purpose.CLIENT, NO_ROOM, contact.fingerprint, mine.certificate).encode())
            plain.recv(1 << 12)
            plain.sendall(said)


def crowd(contact: Contact, key: ChannelKey, rng: Random) -> None:
    """Many connections at once that say nothing."""
    there: list[socket.socket] = []
    try:
        for _ in range(150):
            with suppress(OSError):  # the node does not have to take them all
                there.append(socket.create_connection((contact.host, contact.port), 1.0))
    finally:
        for plain in there:
            plain.close()


# ---- whoever is known, or need not be


def _met(contact: Contact, key: ChannelKey, purpose: Purpose) -> TimedChannel | None:
    """A channel with which TLS and all are in order; None when the node has enough of us for now."""
    try:
        return call(contact, key, purpose, NO_ROOM, LIMITS, monotonic() + SOON)
    except PeeringError:
        return None


def _ways(contact: Contact, key: ChannelKey) -> Iterator[TimedChannel]:
    """As an anonymous client, and as the registered node."""
    for purpose, mine in ((Purpose.CLIENT, new_key("nobody")), (Purpose.CONTROL, key)):
        channel = _met(contact, mine, purpose)
        if channel is not None:
            with suppress(OSError, ssl.SSLError):
                channel.until(monotonic() + SOON)
                yield channel
            channel.close()


def _until_it_ends(channel: TimedChannel) -> None:
    with suppress(OSError, ssl.SSLError):
        while True:
            channel.take(1)


def nonsense(contact: Contact, key: ChannelKey, rng: Random) -> None:
    """Requests in order, whose bodies mean nothing."""
    for channel in _ways(contact, key):
        for number, topic in enumerate(TOPICS * 3):
            channel.send(frame(4 * number, bytes([topic]) + rng.randbytes(rng.randrange(2000))))
            channel.take(parse_header(channel.take(HEADER_BYTES))[0])


def too_large(contact: Contact, key: ChannelKey, rng: Random) -> None:
    """A request that is said to have two gigabytes, and some of them."""
    for channel in _ways(contact, key):
        channel.send(header(0, (1 << 31) - 1, 1 << 31) + bytes(1 << 16))
        _until_it_ends(channel)


def again(contact: Contact, key: ChannelKey, rng: Random) -> None:
    """A frame that was sent before."""
    for channel in _ways(contact, key):
        sent = frame(0, bytes([TOPICS[0]]) + b"{}")
        channel.send(sent + sent)
        _until_it_ends(channel)


def overheard(contact: Contact, key: ChannelKey, rng: Random) -> None:
    """All bytes of a conversation that somebody else had, sent once more."""
    proxy = RecordingProxy(contact.port)
    try:
        for channel in _ways(replace(contact, port=proxy.port), key):
            channel.send(frame(0, bytes([TOPICS[0]]) + b"{}"))
            channel.take(parse_header(channel.take(HEADER_BYTES))[0])
    finally:
        proxy.close()
    for stream in proxy.streams:
        with connected(contact) as plain:
            with suppress(ConnectionError):
                plain.sendall(bytes(stream))
            hung_up(plain)


ATTACKS: tuple[Attack, ...] = (noise, half_a_handshake, crowd, nonsense, too_large, again, overheard)
