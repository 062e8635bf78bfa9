"""One-way links: a TLS connection that carries frames in one direction.

One-way because one `SSLSocket` must never be read and written by two threads (CPython issues 143756,
151508, 137583). A frame of at most `DIRECT_BYTES` is written by the caller; a larger one by the link's
sender thread, so that two parties that send much to each other cannot deadlock. Receiving is done by the
caller, straight into the frame's own buffer, and only when a frame is expected: a peer cannot make us hold
more than the kernel's socket buffers, and no thread switch lies between a frame's arrival and its use.
"""

import socket
import ssl
import threading
from contextlib import suppress
from queue import SimpleQueue

from enigmalang.transport.network import PeerError
from enigmalang.wire.errors import WireError
from enigmalang.wire.frames import HEADER_BYTES, Buffer, expect_header, header, parse_header

#: Frames up to this size fit one TLS record with their header and the kernel's buffers.
DIRECT_BYTES = (1 << 14) - HEADER_BYTES
#: A large frame goes out in pieces of this size.
PIECE_BYTES = 1 << 18


class PeerGone(PeerError):
    """The peer's end of the connection is closed."""


def shut(sock: socket.socket) -> None:
    """Wake every thread that waits on `sock`. `SSLSocket.shutdown` would first drop the TLS layer and let a
    writer continue in the clear, so the plain socket's method is called."""
    with suppress(OSError):  # not connected any more: nothing waits
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class SendLink:
    """The writing end. Used by one thread; `close` may be called by any."""

    def __init__(self, peer: int, sock: ssl.SSLSocket, limit: int) -> None:
        self.peer = peer
        self.bytes_sent = 0
        self._sock = sock
        self._limit = limit
        self._queue: SimpleQueue[tuple[bytes, memoryview] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._queued = 0  # frames handed to the sender thread; written by the caller only
        self._written = 0  # frames that it wrote; written by the sender thread only
        self._fault: PeerError | None = None

    def send(self, tag: int, body: Buffer) -> None:
        """Send one frame; `body` must not change afterwards. Raises PeerError when the peer is gone or does
        not read for the socket's time-out."""
        if self._fault is not None:
            raise self._fault
        length = len(body)
        try:
            head = header(tag, length, self._limit)
        except WireError as error:
            raise PeerError(self.peer, f"cannot send: {error}") from None
        self.bytes_sent += HEADER_BYTES + length
        if length <= DIRECT_BYTES and self._queued == self._written:
            frame = head + body
            try:  # one record, which goes whole; `sendall` does the same with more Python around it
                sent = self._sock.send(frame)
                if sent < len(frame):
                    self._sock.sendall(frame[sent:])
            except OSError as error:
                raise _failure(self.peer, error) from None
        else:
            self._enqueue(head, memoryview(body))

    def _enqueue(self, head: bytes, view: memoryview) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name=f"send-{self.peer}", daemon=True)
            self._thread.start()
        self._queued += 1
        self._queue.put((head, view))

    def _write(self) -> None:
        while (item := self._queue.get()) is not None:
            head, view = item
            try:
                self._sock.sendall(head)
                for start in range(0, len(view), PIECE_BYTES):
                    self._sock.sendall(view[start : start + PIECE_BYTES])
            except OSError as error:
                self._fault = _failure(self.peer, error)
                return
            self._written += 1

    def set_timeout(self, seconds: float | None) -> None:
        """How long the peer may not read while a `send` is blocked; None for ever."""
        self._sock.settimeout(seconds)

    def close(self) -> None:
        """Close the connection and join the sender thread. What it had not written yet is lost."""
        self._queue.put(None)
        shut(self._sock)
        if self._thread is not None:
            self._thread.join()
        self._sock.close()


class ReceiveLink:
    """The reading end. Used by one thread; `wake` may be called by any."""

    def __init__(self, peer: int, sock: ssl.SSLSocket, limit: int) -> None:
        self.peer = peer
        self._sock = sock
        self._limit = limit

    def receive(self, tag: int, length: int) -> memoryview:
        """The next frame, which must have exactly this tag and length (bytes).

        Raises PeerError when it has not, when the peer is gone, or silent for the socket's time-out.
        """
        if length > self._limit:
            raise PeerError(self.peer, f"frame of {length} bytes is over the limit of {self._limit} bytes")
        total = HEADER_BYTES + length
        buffer = bytearray(total)
        view = memoryview(buffer)
        filled = self._fill(view, 0, HEADER_BYTES, total)
        try:
            expect_header(buffer, tag, length)
        except WireError as error:
            raise PeerError(self.peer, str(error)) from None
        if filled < total:
            self._fill(view, filled, total, total)
        return view[HEADER_BYTES:]

    def receive_any(self) -> tuple[int, memoryview]:
        """(tag, body) of the next frame, whatever it is, up to the link's limit. Raises PeerError."""
        head = memoryview(bytearray(HEADER_BYTES))
        self._fill(head, 0, HEADER_BYTES, HEADER_BYTES)
        try:
            length, tag = parse_header(head, self._limit)
        except WireError as error:
            raise PeerError(self.peer, str(error)) from None
        body = memoryview(bytearray(length))
        self._fill(body, 0, length, length)
        return tag, body

    def _fill(self, view: memoryview, filled: int, needed: int, total: int) -> int:
        # Read until `needed` bytes are there, and up to `total` when the peer's record holds them.
        while filled < needed:
            try:
                count = self._sock.recv_into(view[filled:total])
            except OSError as error:
                raise _failure(self.peer, error) from None
            if count == 0:
                raise PeerGone(self.peer, "closed the connection")
            filled += count
        return filled

    def set_timeout(self, seconds: float | None) -> None:
        """How long the peer may be silent in the middle of a `receive`; None for ever."""
        self._sock.settimeout(seconds)

    def wake(self) -> None:
        """Make a waiting `receive` raise PeerError."""
        shut(self._sock)

    def close(self) -> None:
        shut(self._sock)
        self._sock.close()


def _failure(peer: int, error: OSError) -> PeerError:
    if isinstance(error, TimeoutError):
        return PeerError(peer, "late: nothing came or went within the time-out")
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return PeerGone(peer, "closed the connection")
    if isinstance(error, ssl.SSLError):
        return PeerError(peer, f"broke TLS ({error.reason or 'unknown'})")
    return PeerGone(peer, f"closed the connection ({error.strerror or 'connection lost'})")
