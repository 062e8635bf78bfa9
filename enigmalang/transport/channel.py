"""One TLS connection over a blocking socket, its records made and read in memory.

A peer's answer in a round is often some microseconds away. To sleep for it costs more than that: on a virtual machine
the processor that has nothing to do is given back to the host, and waking it is slow. So a reader asks a few times
first, and lets others compute in between.

`SSLSocket` makes a system call for every record written and two for every record read. Here records lie in memory
(`ssl.MemoryBIO`), so that one call carries all of a large piece, or a small frame: per byte a quarter less work of
both ends together, and nothing more where frames are small.
"""

import errno
import os
import socket
import ssl
import struct
from contextlib import suppress

from enigmalang.wire.frames import Buffer

#: What `send` encrypts before it makes a system call; measured: the copies on the way stay in the cache.
PIECE_BYTES = 1 << 17
#: What is asked of the system at a time, for a small frame and for a large one.
SMALL_BYTES, LARGE_BYTES = 1 << 14, 1 << 18
#: How often a reader asks before it sleeps, 2 µs each; measured: a round of three on two cores takes 36 µs, not 66.
TRIES = 32


class Ended(ConnectionError):
    """The peer closed the connection, with or without saying so in TLS."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "closed the connection")


class Channel:
    """A connection to one peer. One thread may use it at a time; `shut` may be called by any.

    Every method raises OSError: `ssl.SSLError` when the peer breaks TLS, `Ended` when it closes the
    connection, TimeoutError when nothing comes or goes for the socket's time-out.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, server_side: bool) -> None:
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side)
        self._small = memoryview(bytearray(SMALL_BYTES))
        self._large = memoryview(b"")  # made when there is something large to read
        self._piece, self._sparing = PIECE_BYTES, False
        self._counted = (0, 0)

    def spare(self) -> None:
        """Pass large data through TLS in small parts from here on: for connections that are many and last long.

        What lay in TLS's memory at once is given back at the end alone: 0.4 MB after large frames, and 40 kB so.
        Measured with 4 MB: a fifth more work to send them, half as much again to read them.
        """
        self._piece, self._sparing = SMALL_BYTES, True

    def handshake(self) -> None:
        """Agree keys. The peer is told of a failure."""
        agreed = False
        while not agreed:
            try:
                self._tls.do_handshake()
                agreed = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                with suppress(OSError):  # the peer may be gone
                    self._flush()
                raise
            self._flush()
            if not agreed:
                self._more(self._small)

    def certificate(self) -> bytes:
        """The peer's, in DER; empty when it showed none."""
        return self._tls.getpeercert(binary_form=True) or b""

    def send(self, data: Buffer) -> None:
        """Write all of it, as one record when it is small."""
        self._tls.write(data)
        records = self._outgoing.read()
        sent = self._sent(records)
        while sent < len(records):
            sent += self._sent(memoryview(records)[sent:])

    def send_large(self, head: Buffer, body: memoryview) -> None:
        """Write both, piece by piece."""
        if not body:
            self.send(head)
            return
        self._tls.write(head)
        for start in range(0, len(body), self._piece):
            self.send(body[start : start + self._piece])

    def fill(self, view: memoryview, filled: int, needed: int, tries: int = TRIES) -> int:
        """Read into `view` from place `filled` until `needed` bytes are there, and more of it where the peer's record
        holds more: how many there are. `tries`: how often to ask before sleeping."""
        total, tls, incoming = len(view), self._tls, self._incoming
        if not (incoming.pending or tls.pending()):
            self._more(self._room(needed - filled), tries)
        while filled < needed:
            try:
                count = int(tls.read(total - filled, view[filled:]))
            except ssl.SSLWantReadError:
                self._more(self._room(needed - filled), tries)
                continue
            if not count:
                raise Ended
            filled += count
        return filled

    def _room(self, wanted: int) -> memoryview:
        if wanted <= SMALL_BYTES or self._sparing:
            return self._small
        if not self._large:
            self._large = memoryview(bytearray(LARGE_BYTES))
        return self._large

    def _more(self, room: memoryview, tries: int = TRIES) -> None:
        if self._outgoing.pending:  # what TLS would answer to requests for new keys grows with them
            error = ssl.SSLError("asks for new keys, which no link needs")
            error.reason = "NEW_KEYS"
            raise error
        count = self._arrived(room, tries)
        if not count:
            raise Ended
        self._incoming.write(room[:count])

    def _arrived(self, room: memoryview, tries: int) -> int:
        """How many bytes came, 0 at the connection's end."""
        sock = self._sock
        for _ in range(tries):
            try:
                return sock.recv_into(room, 0, socket.MSG_DONTWAIT)
            except BlockingIOError:
                os.sched_yield()
        try:
            return sock.recv_into(room)
        except BlockingIOError:
            raise TimeoutError("nothing came within the time-out") from None

    def _sent(self, data: Buffer) -> int:
        try:
            return self._sock.send(data)
        except BlockingIOError:
            raise TimeoutError("nothing went within the time-out") from None

    def _flush(self) -> None:
        if self._outgoing.pending:
            records = memoryview(self._outgoing.read())
            while records:
                records = records[self._sent(records) :]

    def set_timeout(self, seconds: float | None) -> None:
        """How long one call may wait for the peer; None for ever.

        The system's own time-out, for Python's asks the system twice for what one call does.
        """
        self._sock.settimeout(None)
        micros = 0 if seconds is None else max(1, round(seconds * 1e6))
        for option in socket.SO_RCVTIMEO, socket.SO_SNDTIMEO:
            self._sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", *divmod(micros, 1_000_000)))

    def shut(self) -> None:
        """End the connection and wake every thread that waits on it."""
        with suppress(OSError):  # not connected any more: nothing waits
            self._sock.shutdown(socket.SHUT_RDWR)

    def traffic(self) -> tuple[int, int]:
        """Bytes that came, and that the other end has, with TLS's own; 0 where the system does not count."""
        with suppress(OSError):  # closed: what was counted last
            self._counted = _counted(self._sock)
        return self._counted

    def close(self) -> None:
        """To be called by the last who uses it."""
        self.traffic()
        self._sock.close()


def _counted(sock: socket.socket) -> tuple[int, int]:
    """From the kernel, so that it costs nothing where bytes pass: `struct tcp_info` of Linux, at tcpi_bytes_acked."""
    if not hasattr(socket, "TCP_INFO") or sock.family == socket.AF_UNIX:
        return 0, 0
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    if len(info) < 136:
        return 0, 0
    acknowledged, received = struct.unpack_from("=QQ", info, 120)
    return received, acknowledged
