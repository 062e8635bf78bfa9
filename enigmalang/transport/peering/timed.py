"""Sockets and TLS connections on which every wait ends by a deadline.

A socket's time-out begins anew with every byte: who sends one byte at a time would hold a thread for ever. Here the
time that is left is set before every call to the system.
"""

import errno
import math
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from enigmalang.transport.channel import TRIES, Channel, Ended
from enigmalang.transport.peering.limits import Limits
from enigmalang.wire.frames import Buffer

#: How much, and how long, is read and thrown away, so that who is told no hears it before the connection breaks.
LINGER_BYTES, LINGER_SECONDS = 1 << 16, 1.0


def tune(plain: socket.socket, limits: Limits) -> None:
    """Small frames go at once; a machine that answers nothing, to data or to probes, is noticed."""
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    third = max(1, round(limits.dead_seconds / 3))
    for name, value in (
        ("TCP_KEEPIDLE", third),  # quiet for a third, then probes, until two thirds more have passed
        ("TCP_KEEPINTVL", max(1, third // 2)),
        ("TCP_KEEPCNT", 4),
        ("TCP_USER_TIMEOUT", round(limits.dead_seconds * 1000)),
    ):
        if hasattr(socket, name):  # not every system has each
            plain.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def connect(host: str, port: int, deadline: float) -> socket.socket:
    """A connection to one of the host's addresses, by `deadline` (monotonic clock) for all of them together; a name
    takes as long as the system needs for it. Raises OSError, also when it is no address at all."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (ValueError, OverflowError):  # endpoints are what somebody wrote into a registry
        raise OSError(errno.EINVAL, "not an address") from None
    fault = OSError(errno.EINVAL, "no address")
    for family, kind, protocol, _, address in found:
        plain = socket.socket(family, kind, protocol)
        try:
            hurry(plain, deadline)
            plain.connect(address)
            return plain
        except OSError as error:
            plain.close()
            fault = error
    raise fault


def hurry(plain: socket.socket, deadline: float) -> None:
    """Let the next call wait no longer than `deadline` (monotonic clock). Raises TimeoutError when it has passed."""
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError("no time is left")
    plain.settimeout(left)


def read_exactly(plain: socket.socket, count: int, deadline: float) -> bytes:
    """So many bytes and no more. Raises OSError."""
    data = bytearray()
    while len(data) < count:
        hurry(plain, deadline)
        piece = plain.recv(count - len(data))
        if not piece:
            raise Ended
        data += piece
    return bytes(data)


def linger(plain: socket.socket, most: int = LINGER_BYTES) -> None:
    """Say that nothing more comes, and wait a little for the other end to hang up.

    Closing while unread bytes lie here would reset the connection, and what was told last could be lost.
    """
    deadline = monotonic() + LINGER_SECONDS
    left = most
    with suppress(OSError):
        plain.shutdown(socket.SHUT_WR)
        while left > 0:
            hurry(plain, deadline)
            piece = plain.recv(min(left, 1 << 14))
            if not piece:
                return
            left -= len(piece)


class TimedChannel(Channel):
    """A channel whose calls all end by the deadline set last; `set_timeout` counts when there is none.

    `closed` is called once, when the channel is closed.
    """

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, server_side: bool, deadline: float) -> None:
        super().__init__(plain, context, server_side)
        self._deadline = deadline
        self.closed: Callable[[], None] | None = None

    def until(self, deadline: float) -> None:
        """Calls from here on raise TimeoutError at `deadline` (monotonic clock)."""
        self._deadline = deadline

    def forever(self) -> None:
        """No deadline any more: the socket's own time-out counts, and there is none until it is set."""
        self._deadline = math.inf
        self.set_timeout(None)

    def take(self, count: int) -> memoryview:
        """The next `count` bytes."""
        room = memoryview(bytearray(count))
        if count:
            self.fill(room, 0, count)
        return room

    def quiet(self) -> bool:
        """Connected, and nothing to read: as a connection must be that waits for its next use."""
        if self._incoming.pending or self._tls.pending():
            return False
        try:
            self._peek()
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False  # the end, or what nobody asked for

    def ended(self) -> bool:
        """The other end hung up, with nothing left to read."""
        if self._incoming.pending or self._tls.pending():
            return False
        try:
            return not self._peek()
        except BlockingIOError:
            return False
        except OSError:
            return True

    def part(self, most: int) -> None:
        """Let the other end read what was sent last, as `linger`, though it may still be sending so many bytes."""
        linger(self._sock, most + LINGER_BYTES)

    def close(self) -> None:
        super().close()
        closed, self.closed = self.closed, None
        if closed is not None:
            closed()

    def _peek(self) -> bytes:
        self._sock.setblocking(False)
        return self._sock.recv(1, socket.MSG_PEEK)

    def _more(self, room: memoryview, tries: int = TRIES) -> None:
        self._hurry()
        super()._more(room, tries)

    def _sent(self, data: Buffer) -> int:
        self._hurry()
        return super()._sent(data)

    def _hurry(self) -> None:
        if self._deadline != math.inf:
            hurry(self._sock, self._deadline)
