"""Who hangs? Judged from heartbeats, and from the processor time that a silent process uses.

Time is counted in short steps while the cluster waits for its nodes, so a coordinator that was itself stopped
(Ctrl-Z, a busy machine) accuses nobody when it comes back.
"""

from collections.abc import Callable
from time import monotonic

from enigmalang.wire.messages import Heartbeat

#: Seconds between two looks; a step never counts for more than twice this.
STEP = 0.1


class _Sign:
    """What is known of one node."""

    def __init__(self) -> None:
        self.silent = 0.0  # seconds without a heartbeat or processor time
        self.progress = -1
        self.waiting_for = 0
        self.ticks: int | None = None  # processor time when we last looked


class Watch:
    """Counts silence and standstill of nodes 1..n against `limit` seconds.

    `beat` is called by the reading threads, `begin` and `look` by the thread that waits.
    """

    def __init__(self, n: int, limit: float, ticks: Callable[[int], int]) -> None:
        self._limit = limit
        self._ticks = ticks
        self._signs = {node: _Sign() for node in range(1, n + 1)}
        self._still = 0.0  # seconds without progress of any node
        self._last = monotonic()

    def beat(self, node: int, heartbeat: Heartbeat) -> None:
        sign = self._signs[node]
        sign.silent = 0.0
        sign.ticks = None
        sign.waiting_for = heartbeat.waiting_for
        if heartbeat.progress != sign.progress:
            sign.progress = heartbeat.progress
            self._still = 0.0

    def begin(self) -> None:
        """A wait starts: all counts at zero."""
        self._last = monotonic()
        self._still = 0.0
        for sign in self._signs.values():
            sign.silent = 0.0

    def look(self, awaited: set[int]) -> tuple[int, str] | None:
        """(node, reason) when one of the `awaited` nodes hangs, None while there is hope."""
        now = monotonic()
        step = min(now - self._last, 2 * STEP)
        self._last = now
        self._still += step
        for node, sign in self._signs.items():
            sign.silent += step
            if sign.silent > self._limit / 4:
                self._look_closer(node, sign)
            if sign.silent > self._limit:
                return node, f"no sign of life for {self._limit:g} s (stopped or hung)"
        if self._still <= self._limit:
            return None
        idle = [node for node in awaited if not self._signs[node].waiting_for]
        node = min(idle or awaited)
        return node, f"no progress for {self._limit:g} s"

    def _look_closer(self, node: int, sign: _Sign) -> None:
        # Native code may hold the interpreter, and with it the heartbeat thread: it uses processor time.
        ticks = self._ticks(node)
        if sign.ticks is not None and ticks > sign.ticks:
            sign.silent = 0.0
            self._still = 0.0
        sign.ticks = ticks
