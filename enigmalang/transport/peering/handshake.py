"""From a connected socket to a channel whose other end is known, on both sides.

Dialler and acceptor, in order: opening, reply (`prelude.py`, in the clear); TLS 1.3 with both certificates, each end
taking exactly the one that was named; the dialler's proof; the acceptor's greeting, which is its proof, or a reason
why not. Four round trips with TCP's, then none: connections are kept.
"""

import ssl
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from socket import socket
from time import monotonic

from enigmalang.transport.identity import ChannelKey, client_context, server_context
from enigmalang.transport.mesh import cause
from enigmalang.transport.peering.contacts import Contact, Registry, fingerprint
from enigmalang.transport.peering.errors import (
    MAX_REASON_BYTES,
    PeerRefused,
    PeerUnreachable,
    Refusal,
    as_reason,
    printable,
)
from enigmalang.transport.peering.keys import Keys
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.prelude import Opening, Purpose, Reply, proof, read_opening, read_reply
from enigmalang.transport.peering.timed import TimedChannel, connect, linger, read_exactly, tune
from enigmalang.wire.errors import WireError
from enigmalang.wire.frames import HEADER_BYTES, frame, parse_header

#: Tags of the first frame from the accepting end.
WELCOME, TURNED_AWAY = 0, 1
#: A greeting is a few bytes into an empty buffer.
GREET_SECONDS = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """Who dialled here and is known now; it waits for `greet` or `turn_away`.

    `peer` is an address, empty for an anonymous client. Of a client, `fingerprint` means nothing.
    """

    peer: str
    fingerprint: bytes
    purpose: Purpose
    room: bytes
    host: str
    channel: TimedChannel
    greeting: bytes

    @property
    def party(self) -> str:
        """Whose rate, memory and connections count together."""
        return self.peer or f"clients at {self.host}"

    def greet(self) -> None:
        """Let it go on. Raises OSError."""
        self.channel.until(monotonic() + GREET_SECONDS)
        self.channel.send(frame(WELCOME, self.greeting))

    def turn_away(self, reason: str) -> None:
        """Tell it why not, and close."""
        with suppress(OSError):  # it may be gone
            self.channel.until(monotonic() + GREET_SECONDS)
            self.channel.send(frame(TURNED_AWAY, as_reason(reason)))
        self.channel.shut()
        self.channel.close()


@dataclass(frozen=True, slots=True)
class Gate:
    """What decides who comes in."""

    me: str
    keys: Keys
    registry: Registry
    clients: bool  # anonymous ones are served

    def receive(self, plain: socket, host: str, deadline: float) -> Arrival:
        """Who is at the other end, by `deadline`. Raises Refusal, and OSError when it broke off; the socket is closed
        then. Before TLS begins, the other end is told a Refusal's reason."""
        with ExitStack() as undo:
            undo.callback(plain.close)
            try:
                opening = read_opening(lambda count: read_exactly(plain, count, deadline))
                key, context, peer = self._check(opening)
            except (WireError, Refusal) as error:
                with suppress(OSError):
                    plain.sendall(Reply(reason=str(error)).encode())
                linger(plain)
                raise Refusal(str(error)) from None
            reply = Reply(key.certificate)
            plain.sendall(reply.encode())
            channel = TimedChannel(plain, context, True, deadline)
            channel.handshake()
            _check_agreed(channel, opening, reply)
            known, greeting = fingerprint(opening.certificate), proof("answer", opening, reply)
            undo.pop_all()
            return Arrival(peer, known, opening.purpose, opening.room, host, channel, greeting)

    def _check(self, opening: Opening) -> tuple[ChannelKey, ssl.SSLContext, str]:
        # That the other end holds the key of its certificate is not known yet.
        key = self.keys.holding(opening.wanted)
        if key is None:
            raise Refusal("another key is held here than the one that is wanted")
        peer = self._whose(opening)
        try:
            return key, server_context(key, [opening.certificate]), peer
        except ssl.SSLError:
            raise Refusal("the certificate cannot be read") from None

    def _whose(self, opening: Opening) -> str:
        if opening.purpose is Purpose.CLIENT:
            if not self.clients:
                raise Refusal("no clients are served here")
            return ""
        peer = self.registry.who(fingerprint(opening.certificate))
        if peer is None:
            raise Refusal("the certificate is not that of a registered node")
        if peer == self.me:
            raise Refusal("the certificate is that of this node itself")
        return peer


def call(
    contact: Contact,
    key: ChannelKey,
    purpose: Purpose,
    room: bytes,
    limits: Limits,
    deadline: float,
    met: Callable[[TimedChannel], None] = lambda channel: None,
) -> TimedChannel:
    """A channel to the node of `contact`, which greeted us by `deadline` (monotonic clock).

    All that comes before the greeting is also limited by `Limits.handshake_seconds`; then `met` gets the channel, so
    that others can end the wait for the greeting. Raises PeerUnreachable and PeerRefused, and what `met` raises.
    """
    opening = Opening(purpose, room, contact.fingerprint, key.certificate)
    first = min(deadline, monotonic() + limits.handshake_seconds)
    with ExitStack() as undo:
        try:
            plain = connect(contact.host, contact.port, first)
            undo.callback(plain.close)
            tune(plain, limits)
            channel = _introduce(plain, contact, key, opening, first)
            undo.callback(channel.close)
            met(channel)
            reply = Reply(channel.certificate())
            channel.send(frame(WELCOME, proof("dial", opening, reply)))
            channel.until(deadline)
            _await_greeting(channel, contact.address, proof("answer", opening, reply))
        except OSError as error:
            raise PeerUnreachable(contact.address, f"no connection ({cause(error)})") from None
        except WireError as error:
            where = f"{contact.host}:{contact.port}"
            raise PeerUnreachable(contact.address, f"what listens at {where}: {error}") from None
        undo.pop_all()
        return channel


def _introduce(plain: socket, contact: Contact, key: ChannelKey, opening: Opening, deadline: float) -> TimedChannel:
    plain.sendall(opening.encode())
    reply = read_reply(lambda count: read_exactly(plain, count, deadline))
    if reply.reason:
        raise PeerRefused(contact.address, reply.reason)
    if fingerprint(reply.certificate) != contact.fingerprint:
        raise WireError("its certificate is not the registered one")
    channel = TimedChannel(plain, client_context(key, [reply.certificate]), False, deadline)
    channel.handshake()
    if channel.certificate() != reply.certificate:
        raise WireError("TLS shows another certificate than the one that was named")
    return channel


def _await_greeting(channel: TimedChannel, peer: str, expected: bytes) -> None:
    kind, text = _first_frame(channel)
    if kind == TURNED_AWAY:
        raise PeerRefused(peer, printable(text))
    if kind != WELCOME or text != expected:
        raise WireError("what was said in the clear did not arrive as it was said")


def _check_agreed(channel: TimedChannel, opening: Opening, reply: Reply) -> None:
    if channel.certificate() != opening.certificate:
        raise Refusal("TLS shows another certificate than the one that was named")
    kind, shown = _first_frame(channel)
    if kind != WELCOME or shown != proof("dial", opening, reply):
        raise Refusal("what was said in the clear did not arrive as it was said")


def _first_frame(channel: TimedChannel) -> tuple[int, bytes]:
    length, kind = parse_header(channel.take(HEADER_BYTES), MAX_REASON_BYTES)
    return kind, bytes(channel.take(length))
