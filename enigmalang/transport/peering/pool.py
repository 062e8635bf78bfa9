"""Connections that go out, for requests: each carries one at a time, and is kept for the next."""

import threading
from collections import defaultdict
from collections.abc import Callable
from time import monotonic

from enigmalang.transport.mesh import cause
from enigmalang.transport.peering.contacts import Contact
from enigmalang.transport.peering.errors import PeerRefused, PeerUnreachable, Refusal
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.requests import Closing, Line
from enigmalang.wire.errors import WireError

#: A new line to this node, by a deadline on the monotonic clock. Raises PeerUnreachable, PeerRefused.
Dial = Callable[[Contact, float], Line]


class Pool:
    """Lines to nodes. Any thread may ask; nobody waits longer than he says."""

    def __init__(self, limits: Limits, dial: Dial) -> None:
        self._limits = limits
        self._dial = dial
        self._changed = threading.Condition()
        self._idle: dict[str, list[tuple[Line, float]]] = {}  # by address, used last at the end; with that time
        self._busy: dict[str, set[Line]] = defaultdict(set)
        self._open: dict[str, int] = defaultdict(int)  # idle, busy, and being dialled
        self._closed = False

    def ask(self, contact: Contact, body: bytes, seconds: float) -> bytes:
        """The answer to one request. Raises PeerUnreachable, PeerRefused; ValueError when the request is too large."""
        if len(body) > self._limits.frame_bytes:
            raise ValueError(f"request of {len(body)} bytes is over the limit of {self._limits.frame_bytes} bytes")
        peer, deadline = contact.address, monotonic() + seconds
        line = self._line(contact, deadline)
        good = False
        try:
            answer = line.ask(body, deadline)
            good = True
            return answer
        except Refusal as error:
            good = not isinstance(error, Closing)
            raise PeerRefused(peer, str(error)) from None
        except OSError as error:
            self._drop_idle(peer)  # they go to the same machine
            raise PeerUnreachable(peer, line.place.reason or cause(error)) from None
        except WireError as error:
            raise PeerUnreachable(peer, f"broke the protocol: {error}") from None
        finally:
            self._give_back(peer, line, good)

    def sweep(self, now: float) -> None:
        """Close lines that were not used for half of `Limits.idle_seconds`, or whose peer hung up.

        Half, so that a request is hardly ever sent while the other end is closing the line for the same reason.
        """
        with self._changed:
            stale = [
                (peer, entry)
                for peer, entries in self._idle.items()
                for entry in entries
                if now - entry[1] > self._limits.idle_seconds / 2 or not entry[0].place.channel.quiet()
            ]
            for peer, entry in stale:
                self._remove(peer, entry)
        for _, (line, _) in stale:
            line.place.channel.close()

    def close(self) -> None:
        """Close all lines; who waits for an answer gets PeerUnreachable."""
        with self._changed:
            self._closed = True
            idle = [line for entries in self._idle.values() for line, _ in entries]
            self._idle.clear()
            self._changed.notify_all()
            for lines in self._busy.values():
                for line in lines:
                    line.place.end("this end is closed")
        for line in idle:
            line.place.channel.close()
        with self._changed:  # who was asking closes his line, as soon as he sees its end
            self._changed.wait_for(lambda: not any(self._busy.values()), self._limits.frame_seconds)

    def _line(self, contact: Contact, deadline: float) -> Line:
        useless: list[Line] = []
        try:
            with self._changed:
                while (line := self._take_idle(contact, useless)) is None and not self._may_dial(contact, useless):
                    if not self._changed.wait(deadline - monotonic()) and monotonic() >= deadline:
                        raise PeerUnreachable(contact.address, "no connection was free in time")
                if line is None:
                    self._open[contact.address] += 1
        finally:
            for spent in useless:
                spent.place.channel.close()
        return line or self._dialled(contact, deadline)

    def _take_idle(self, contact: Contact, useless: list[Line]) -> Line | None:
        if self._closed:
            raise PeerUnreachable(contact.address, "this end is closed")
        entries = self._idle.get(contact.address, [])
        while entries:
            entry = entries[-1]
            line, since = entry
            self._unlist(contact.address, entry)
            fresh = monotonic() - since <= self._limits.idle_seconds / 2
            if fresh and line.place.fingerprint == contact.fingerprint and line.place.channel.quiet():
                self._busy[contact.address].add(line)
                return line
            self._forget(contact.address)
            useless.append(line)
        return None

    def _may_dial(self, contact: Contact, useless: list[Line]) -> bool:
        if self._open.get(contact.address, 0) >= self._limits.connections_per_peer:
            return False
        if sum(self._open.values()) < self._limits.connections:
            return True
        oldest = min(((entries[0][1], peer) for peer, entries in self._idle.items() if entries), default=None)
        if oldest is None:
            return False
        entry = self._idle[oldest[1]][0]
        self._remove(oldest[1], entry)
        useless.append(entry[0])
        return True

    def _dialled(self, contact: Contact, deadline: float) -> Line:
        try:
            line = self._dial(contact, deadline)
        except BaseException:
            with self._changed:
                self._forget(contact.address)
            raise
        with self._changed:
            closed = self._closed
            if closed:
                self._forget(contact.address)
            else:
                self._busy[contact.address].add(line)
        if closed:
            line.place.channel.close()
            raise PeerUnreachable(contact.address, "this end is closed")
        return line

    def _give_back(self, peer: str, line: Line, good: bool) -> None:
        with self._changed:
            keep = good and not self._closed
            if keep:
                self._not_busy(peer, line)
                self._idle.setdefault(peer, []).append((line, monotonic()))
                self._changed.notify_all()
        if not keep:
            line.place.channel.close()  # first: who closes the pool waits until no line is busy
            with self._changed:
                self._not_busy(peer, line)
                self._forget(peer)

    def _not_busy(self, peer: str, line: Line) -> None:
        self._busy[peer].discard(line)
        if not self._busy[peer]:
            del self._busy[peer]

    def _drop_idle(self, peer: str) -> None:
        with self._changed:
            entries = list(self._idle.get(peer, ()))
            for entry in entries:
                self._remove(peer, entry)
        for line, _ in entries:
            line.place.channel.close()

    def _unlist(self, peer: str, entry: tuple[Line, float]) -> None:
        self._idle[peer].remove(entry)
        if not self._idle[peer]:
            del self._idle[peer]

    def _remove(self, peer: str, entry: tuple[Line, float]) -> None:
        self._unlist(peer, entry)
        self._forget(peer)

    def _forget(self, peer: str) -> None:
        # One connection fewer to this peer. The lock is held.
        self._open[peer] -= 1
        if not self._open[peer]:
            del self._open[peer]
        self._changed.notify_all()
