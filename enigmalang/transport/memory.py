"""The in-memory network: n threads of one process, a queue for every ordered pair."""

import threading
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from typing import TypeVar

from enigmalang.transport.network import PeerError

T = TypeVar("T")
Frame = tuple[int, bytes | bytearray | memoryview]
Queues = dict[tuple[int, int], "SimpleQueue[Frame]"]


class MemoryNetwork:
    """Party `me`'s end; `seconds` is how long a frame may take."""

    def __init__(self, me: int, n: int, queues: Queues, seconds: float, stop: threading.Event) -> None:
        self.me = me
        self.n = n
        self._queues = queues
        self._seconds = seconds
        self._stop = stop

    def exchange(
        self,
        tag: int,
        sends: Mapping[int, bytes | bytearray | memoryview],
        expects: Mapping[int, int],
    ) -> dict[int, memoryview | bytes]:
        """See `Network.exchange`."""
        self.post(tag, sends)
        return self.fetch(tag, expects)

    def post(self, tag: int, sends: Mapping[int, bytes | bytearray | memoryview]) -> None:
        """See `Network.post`."""
        for peer, frame in sends.items():
            self._queues[self.me, peer].put((tag, frame))

    def fetch(self, tag: int, expects: Mapping[int, int]) -> dict[int, memoryview | bytes]:
        """See `Network.fetch`."""
        return {peer: self._receive(peer, tag, size) for peer, size in expects.items()}

    def flush(self) -> None:
        """See `Network.flush`. Frames lie in the peers' queues."""

    def _receive(self, peer: int, tag: int, size: int) -> memoryview | bytes:
        got, frame = self._next(peer)
        if got != tag:
            raise PeerError(peer, f"sent round {got} where round {tag} was due")
        if len(frame) != size:
            raise PeerError(peer, f"sent {len(frame)} bytes where {size} were due")
        return memoryview(frame).toreadonly()

    def _next(self, peer: int) -> Frame:
        try:
            frame = self._queues[peer, self.me].get(timeout=self._seconds)
        except Empty:
            raise PeerError(peer, f"nothing received within {self._seconds:g} s") from None
        if self._stop.is_set():
            raise PeerError(peer, "stopped")
        return frame

    def fail(self) -> None:
        """Wake the others: this party has stopped."""
        self._stop.set()
        for peer in range(1, self.n + 1):
            self._queues[self.me, peer].put((0, b""))


def memory_networks(n: int, seconds: float = 60.0) -> list[MemoryNetwork]:
    """The n ends of one in-memory network."""
    parties = range(1, n + 1)
    queues: Queues = {(i, j): SimpleQueue() for i in parties for j in parties}
    stop = threading.Event()
    return [MemoryNetwork(i, n, queues, seconds, stop) for i in parties]


def run_parties(n: int, function: Callable[[MemoryNetwork], T], seconds: float = 60.0) -> list[T]:
    """`function` at every party, each in a thread; their results in order.

    Re-raises the first error that occurred; the others are woken and stop. Raises TimeoutError when a party
    does not end within `seconds` after the others.
    """
    results: dict[int, T] = {}
    errors: list[BaseException] = []

    def body(network: MemoryNetwork) -> None:
        try:
            results[network.me] = function(network)
        except BaseException as error:  # noqa: BLE001  # handed to the caller
            errors.append(error)
            network.fail()

    ends = memory_networks(n, seconds)
    threads = [threading.Thread(target=body, args=(end,), daemon=True) for end in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10 * seconds)
        if thread.is_alive() and not errors:
            raise TimeoutError("a party did not end")
    if errors:
        raise errors[0]
    return [results[end.me] for end in ends]
