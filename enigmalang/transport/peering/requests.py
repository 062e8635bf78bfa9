"""Requests and answers on one connection, which carries one request at a time.

One connection per request under way, kept and used again, rather than many requests with numbers on one connection: a
TLS connection must not be read and written by two threads (CPython issues 143756, 151508, 137583), a large body holds
up no small one, nobody has to sort answers, and who waits for an answer sees himself that the peer died. The price is
a handshake for each request beyond those that were ever under way at once.

The k-th request has tag 4k, and so has its answer; a refusal, which is a reason as text, has tag 4k+1, or 4k+2 when the
connection ends with it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from enigmalang.transport.channel import Ended
from enigmalang.transport.peering.buckets import Account
from enigmalang.transport.peering.connections import Place, idle_now
from enigmalang.transport.peering.errors import MAX_REASON_BYTES, Refusal, as_reason, printable
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.timed import TimedChannel
from enigmalang.wire.errors import WireError
from enigmalang.wire.frames import HEADER_BYTES, header, parse_header

Answer = Callable[[memoryview], bytes]
_STEP, _REFUSED, _CLOSING = 4, 1, 2


class Closing(Refusal):
    """A refusal with which the connection ends."""


class Line:
    """The asking end. Used by one thread at a time."""

    def __init__(self, place: Place, limits: Limits) -> None:
        self.place = place
        place.channel.spare()
        self._limit = limits.frame_bytes
        self._asked = 0

    def ask(self, body: bytes, deadline: float) -> bytes:
        """The answer to one request, by `deadline` (monotonic clock).

        Raises Refusal with the peer's reason: the line is still good unless it is Closing. Raises OSError, and
        WireError when the peer breaks the protocol: it is not.
        """
        channel, tag = self.place.channel, _STEP * self._asked
        self._asked += 1
        channel.until(deadline)
        channel.send_large(header(tag, len(body), self._limit), memoryview(body))
        length, kind = parse_header(channel.take(HEADER_BYTES), self._limit)
        if kind in (tag + _REFUSED, tag + _CLOSING) and length <= MAX_REASON_BYTES:
            reason = printable(bytes(channel.take(length)))
            raise Refusal(reason) if kind == tag + _REFUSED else Closing(reason)
        if kind != tag:
            raise WireError(f"answer with tag {kind} to the request with tag {tag}")
        return bytes(channel.take(length))


@dataclass(frozen=True, slots=True)
class Desk:
    """What all connections share that are answered here."""

    limits: Limits
    closing: threading.Event
    hands: threading.Semaphore  # requests being answered at once

    def serve(self, place: Place, account: Account, answer: Answer, slowed: Callable[[str], None]) -> str:
        """Answer requests until the connection ends; returns why it did. `slowed` hears of limits."""
        place.channel.spare()
        asked = 0
        while True:
            idle_now(place)
            try:
                self._serve_one(place, _STEP * asked, account, answer, slowed)
            except TimeoutError:
                return "idle for too long" if place.idle_since is not None else "late in the middle of a request"
            except OSError as error:
                return place.reason or ("closed the connection" if isinstance(error, Ended) else "broke off")
            except (WireError, Refusal) as error:
                return str(error)
            asked += 1

    def _serve_one(
        self, place: Place, tag: int, account: Account, answer: Answer, slowed: Callable[[str], None]
    ) -> None:
        # Raises WireError and Refusal when the connection is to be closed: what was announced is not read.
        channel = place.channel
        channel.until(monotonic() + self.limits.idle_seconds)
        head = channel.take(HEADER_BYTES)
        place.idle_since = None
        try:
            length, kind = parse_header(head, self.limits.frame_bytes)
            if kind != tag:
                raise WireError(f"request with tag {kind}, expected tag {tag}")
            self._wait(account, length, slowed)
        except (WireError, Refusal) as error:
            self._send(channel, tag + _CLOSING, as_reason(str(error)))
            channel.part(self.limits.frame_bytes)
            raise
        try:
            channel.until(monotonic() + self.limits.frame_seconds)
            body = channel.take(length)
            kind, result = self._result(tag, body, answer)
        finally:
            account.release(length)
        account.answered(len(result))
        self._send(channel, kind, result)
        if kind == tag + _CLOSING:
            raise Closing(printable(result))

    def _wait(self, account: Account, length: int, slowed: Callable[[str], None]) -> None:
        # The other end waits too: its bytes stay in the system's buffers, and then in its own.
        wait = account.charge(HEADER_BYTES + length)
        if wait is None:
            slowed("refused: far over its rate")
            raise Refusal("over the rate of one peer: ask again later")
        if account.slowed(wait):
            slowed(f"slowed: over its rate by {wait:.1f} s")
        if wait and self.closing.wait(wait):
            raise Refusal("closing")
        if not account.hold(length):
            slowed("refused: over its memory")
            raise Refusal("over the memory of one peer: ask again later")

    def _result(self, tag: int, body: memoryview, answer: Answer) -> tuple[int, bytes]:
        if not self.hands.acquire(timeout=self.limits.slow_seconds):
            return tag + _REFUSED, as_reason("busy: ask again later")
        try:
            result = answer(body)
        except (WireError, Refusal) as error:
            return tag + (_CLOSING if isinstance(error, Closing) else _REFUSED), as_reason(str(error))
        except OSError as error:  # not one of this connection: like any other, it ends this thread loudly
            raise RuntimeError("what answers requests failed") from error
        finally:
            self.hands.release()
        if len(result) > self.limits.frame_bytes:
            reason = f"the answer has {len(result)} bytes, at most {self.limits.frame_bytes} may be sent"
            return tag + _REFUSED, as_reason(reason)
        return tag, result

    def _send(self, channel: TimedChannel, tag: int, body: bytes) -> None:
        channel.until(monotonic() + self.limits.frame_seconds)
        channel.send_large(header(tag, len(body)), memoryview(body))
