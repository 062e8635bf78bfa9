"""The listening port: connections are taken in, each is looked at by a thread of its own, and there are never more
than the limits say.

While too many are not known yet, the one that has waited longest is cut off: who is a peer says so at once, who
says nothing only lasts while there is room.
"""

import errno
import ipaddress
import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic

from enigmalang.transport.peering.buckets import Recent, TokenBucket
from enigmalang.transport.peering.events import Event, Heard, Kind
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.timed import tune

#: How often what is idle, or waits in vain, is looked for.
SWEEP_SECONDS = 1.0
#: The system has no more files or memory for a connection: wait for some.
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


@dataclass(slots=True, eq=False)
class Visit:
    """A connection whose other end is not known yet."""

    plain: socket.socket
    host: str
    deadline: float
    origin: "_Origin"


class _Origin:
    """A host that connections come from."""

    def __init__(self, limits: Limits) -> None:
        rate = limits.strangers_per_second
        self.bucket = TokenBucket(rate, max(1.0, 2 * rate), monotonic())
        self.told = False  # that it is over its rate: once is enough for a log


class Server:
    """Owns the listening socket and all threads of connections that came in.

    `attend` is called for each connection in a thread, owns the socket, and calls `known` when the other end is;
    `sweep` is called every SWEEP_SECONDS.
    """

    def __init__(
        self,
        listen: tuple[str, int],
        limits: Limits,
        attend: Callable[[Visit], None],
        sweep: Callable[[], None],
        heard: Heard,
    ) -> None:
        self._limits = limits
        self._attend = attend
        self._sweep = sweep
        self._heard = heard
        self._lock = threading.Lock()
        self._pending: dict[Visit, None] = {}  # the oldest first
        self._threads: set[threading.Thread] = set()
        self._done: SimpleQueue[threading.Thread] = SimpleQueue()
        self._closing = False
        self._hosts: Recent[str, _Origin] = Recent(lambda: _Origin(limits))
        burst = float(limits.connections_per_peer + limits.links_per_peer)
        self._peers: Recent[str, TokenBucket] = Recent(
            lambda: TokenBucket(limits.connects_per_second, burst, monotonic())
        )
        self._listening = _listening(listen)
        self.port: int = self._listening.getsockname()[1]
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="peering", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def known(self, visit: Visit, peer: str = "") -> None:
        """The other end is known; if it is a peer, and within its rate, it does not count as a stranger."""
        now = monotonic()
        bucket = self._peers.of(peer) if peer else None
        with self._lock:
            self._pending.pop(visit, None)
            if bucket is not None and not bucket.delay(1.0, now):
                bucket.take(1.0, now)
                visit.origin.bucket.take(-1.0, now)

    def stop(self) -> None:
        """Take nobody in any more, and cut off who is not known."""
        with self._lock:
            self._closing = True
            pending = list(self._pending)
        self._wake.close()
        if self._thread.is_alive():
            self._thread.join()
        for visit in pending:
            _cut(visit.plain)
        self._listening.close()
        self._woken.close()

    def join(self) -> None:
        """Wait for the threads of all connections; what ends them is the business of who attends."""
        while True:
            with self._lock:
                for visit in self._pending:
                    _cut(visit.plain)
                threads = list(self._threads)
            if not threads:
                break
            threads[0].join()
            self._reap()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._listening, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        swept = monotonic()
        while not self._closing:
            if poll.poll(1000 * max(0.0, swept + SWEEP_SECONDS - monotonic())) and not self._closing:
                self._take()
            if monotonic() >= swept + SWEEP_SECONDS:
                swept = monotonic()
                self._reap()
                self._sweep()

    def _take(self) -> None:
        try:
            plain, address = self._listening.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self._heard(Event(Kind.LIMITED, "", "", "the system has no room for more connections"))
                self._pause()
            return  # or it was gone already
        host = host_of(address[0])
        origin, now = self._hosts.of(host), monotonic()
        with self._lock:
            over = origin.bucket.delay(1.0, now) > 0
            if not over:
                origin.bucket.take(1.0, now)
            told, origin.told = origin.told, over
        if over:
            plain.close()
            if not told:
                self._heard(Event(Kind.LIMITED, "", host, "too many connections of this host are not a peer's"))
            return
        try:
            plain.setblocking(True)
            tune(plain, self._limits)
        except OSError:  # gone already
            plain.close()
            return
        self._receive(Visit(plain, host, monotonic() + self._limits.handshake_seconds, origin))

    def _pause(self) -> None:
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        poll.poll(1000 * SWEEP_SECONDS)

    def _receive(self, visit: Visit) -> None:
        with self._lock:
            waiting = len(self._pending)
            oldest = next(iter(self._pending)) if waiting >= self._limits.handshakes else None
            full = waiting >= 2 * self._limits.handshakes or self._closing
            if not full:
                self._pending[visit] = None
        if oldest is not None:
            _cut(oldest.plain)  # its thread sees it, and gives back the room
        if full:
            self._turn_off(visit.plain, visit.host, "too many connections are not known yet")
            return
        thread = threading.Thread(target=self._run_visit, args=(visit,), name="peering-visit", daemon=True)
        with self._lock:
            self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:  # the system grants no thread
            self.known(visit)
            with self._lock:
                self._threads.discard(thread)
            self._turn_off(visit.plain, visit.host, "the system has no room for more threads")

    def _run_visit(self, visit: Visit) -> None:
        try:
            self._attend(visit)
        finally:
            self.known(visit)
            self._done.put(threading.current_thread())

    def _turn_off(self, plain: socket.socket, host: str, reason: str) -> None:
        plain.close()
        self._heard(Event(Kind.LIMITED, "", host, reason))

    def _reap(self) -> None:
        while True:
            try:
                thread = self._done.get_nowait()
            except Empty:
                return
            thread.join()
            with self._lock:
                self._threads.discard(thread)


def host_of(address: str) -> str:
    """Whose connections count together: an IPv4 address, or the 64 bits of an IPv6 one that one customer gets."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


def _listening(listen: tuple[str, int]) -> socket.socket:
    host, _ = listen
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = family is socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
    listening = socket.create_server(listen, family=family, backlog=128, dualstack_ipv6=both)
    listening.setblocking(False)
    return listening


def _cut(plain: socket.socket) -> None:
    with suppress(OSError):  # closed already
        plain.shutdown(socket.SHUT_RDWR)
