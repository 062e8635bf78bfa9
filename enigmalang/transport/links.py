"""One-way links: a TLS connection that carries frames in one direction.

One-way because one TLS connection must never be read and written by two threads (CPython issues 143756,
151508, 137583). A frame of at most `DIRECT_BYTES` is written by the caller; a larger one by the link's
sender thread, so that two parties that send much to each other cannot deadlock. Receiving is done by the
caller, straight into the frame's own buffer, and only when a frame is expected: a peer cannot make us hold
more than the kernel's socket buffers and what one call takes from them, and no thread switch lies between a
frame's arrival and its use.
"""

import ssl
import threading
from queue import SimpleQueue

import numpy as np

from enigmalang.transport.channel import TRIES, Channel, Ended
from enigmalang.transport.network import PeerError
from enigmalang.wire.errors import WireError
from enigmalang.wire.frames import HEADER_BYTES, Buffer, expect_header, header, parse_header

#: Frames up to this size fit one TLS record with their header and the kernel's buffers.
DIRECT_BYTES = (1 << 14) - HEADER_BYTES


class PeerGone(PeerError):
    """The peer's end of the connection is closed."""


class SendLink:
    """The writing end. Used by one thread; `close` may be called by any."""

    def __init__(self, peer: int, channel: Channel, limit: int) -> None:
        self.peer = peer
        self.bytes_sent = 0
        self._channel = channel
        self._limit = limit
        self._queue: SimpleQueue[tuple[bytes, memoryview] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._queued = 0  # frames handed to the sender thread; written by the caller only
        self._written = 0  # frames that it wrote; written by the sender thread only
        self._fault: PeerError | None = None
        self._idle = threading.Event()  # nothing is queued any more, or never will be written

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
            try:
                self._channel.send(head + body)
            except OSError as error:
                raise _failure(self.peer, error) from None
        else:
            self._enqueue(head, memoryview(body))

    def flush(self) -> None:
        """Wait until every frame is with the system, and its memory free. Raises PeerError as `send` does.

        Who calls it must not have to read first what the peer may be waiting for.
        """
        self._idle.clear()  # first: what is written from here on sets it
        if self._fault is None and self._queued != self._written:
            self._idle.wait()
        if self._fault is not None:
            raise self._fault

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
                self._channel.send_large(head, view)
            except OSError as error:
                self._fault = _failure(self.peer, error)
                break
            del item, view  # what they are a part of may be large, and the next frame may be long in coming
            self._written += 1
            if self._written == self._queued:
                self._idle.set()
        self._idle.set()

    def set_timeout(self, seconds: float | None) -> None:
        """How long the peer may not read while a `send` is blocked; None for ever."""
        self._channel.set_timeout(seconds)

    def close(self) -> None:
        """Close the connection and join the sender thread. What it had not written yet is lost."""
        self._queue.put(None)
        self._channel.shut()
        if self._thread is not None:
            self._thread.join()
        self._channel.close()


class ReceiveLink:
    """The reading end. Used by one thread; `wake` may be called by any."""

    def __init__(self, peer: int, channel: Channel, limit: int) -> None:
        self.peer = peer
        self._channel = channel
        self._limit = limit

    def receive(self, tag: int, length: int) -> memoryview:
        """The next frame, which must have exactly this tag and length (bytes).

        Raises PeerError when it has not, when the peer is gone, or silent for the socket's time-out.
        """
        if length > self._limit:
            raise PeerError(self.peer, f"frame of {length} bytes is over the limit of {self._limit} bytes")
        total = HEADER_BYTES + length
        view = _room(total)
        filled = self._fill(view, 0, HEADER_BYTES)
        try:
            expect_header(view, tag, length)
        except WireError as error:
            raise PeerError(self.peer, str(error)) from None
        if filled < total:
            self._fill(view, filled, total)
        return view[HEADER_BYTES:]

    def receive_any(self) -> tuple[int, memoryview]:
        """(tag, body) of the next frame, whatever it is, up to the link's limit. Raises PeerError.

        For threads that do nothing else: they sleep, for asking again and again would keep others from computing.
        """
        head = memoryview(bytearray(HEADER_BYTES))
        self._fill(head, 0, HEADER_BYTES, tries=0)
        try:
            length, tag = parse_header(head, self._limit)
        except WireError as error:
            raise PeerError(self.peer, str(error)) from None
        body = _room(length)
        self._fill(body, 0, length, tries=0)
        return tag, body

    def _fill(self, view: memoryview, filled: int, needed: int, tries: int = TRIES) -> int:
        try:
            return self._channel.fill(view, filled, needed, tries)
        except OSError as error:
            raise _failure(self.peer, error) from None

    def set_timeout(self, seconds: float | None) -> None:
        """How long the peer may be silent in the middle of a `receive`; None for ever."""
        self._channel.set_timeout(seconds)

    def wake(self) -> None:
        """Make a waiting `receive` raise PeerError."""
        self._channel.shut()

    def close(self) -> None:
        self._channel.shut()
        self._channel.close()


def _room(size: int) -> memoryview:
    if size <= DIRECT_BYTES:
        return memoryview(bytearray(size))
    return np.empty(size, np.uint8).data  # memory that is not cleared first


def _failure(peer: int, error: OSError) -> PeerError:
    if isinstance(error, TimeoutError):
        return PeerError(peer, "late: nothing came or went within the time-out")
    if isinstance(error, (Ended, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return PeerGone(peer, "closed the connection")
    if isinstance(error, ssl.SSLError):
        return PeerError(peer, f"broke TLS ({error.reason or 'unknown'})")
    return PeerGone(peer, f"closed the connection ({error.strerror or 'connection lost'})")
