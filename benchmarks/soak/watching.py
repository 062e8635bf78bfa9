"""Memory, threads and open files of every node, and memory of the chain, over time.

What is judged of a node's memory is its own (anonymous) pages: those of files the system shares and takes back. It is
judged by the node's longest life without a kill, after WARM seconds, and some nodes (the last) are spared, so that
there are long lives. The rule: the line of least squares through the samples of a life rises over that life by at most
RISE of its median, or by FLOOR (what is larger); the same for threads and files with a floor of theirs.

Why the first WARM seconds do not count. A node that begins has nothing yet of what it keeps by a fixed bound: pages of
its databases (0.5 MB for each of five connections), places on the chain with their logs (`chain.follow.MEMORY`),
circuits, threads of its pools, and connections. Two nodes that were watched over 30 minutes and 700 jobs gained 5 and 8
MB in the first five minutes, and 4 and 8 in the 25 that followed: the heap, of which 21 to 29 MB were in use, grew to
its largest need and kept what was free. Since that is handed back (`seats.part`) what comes with a busy minute goes
with it: 78 MB after four minutes, 83 after twelve, 77 after seventeen. A line through that bend would take warming up
for growth, and its limit would have to be so wide that slow growth passes. What grows with jobs is seen all the same:
WARM is a sixth of a soak, and jobs go on at the same rate after it.
"""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import monotonic

from benchmarks.soak.network import Devnet, Node
from enigmalang.node.daemon.pidfile import running
from enigmalang.node.devnet import folder as folders

#: Seconds between two samples; of a life that are not judged; and that are judged at least.
EVERY, WARM, LEAST = 2.0, 300.0, 600.0
#: Seconds between two rows of what is reported of a life.
THINNED = 30.0
#: How much may be gained over a life: a part of the median, or bytes, threads, files.
RISE = 0.05
FLOORS = {"memory": 6e6, "threads": 12.0, "files": 12.0}
#: Of a row; `memory`: anonymous bytes, `resident`: with pages of files.
COLUMNS = ("seconds", *FLOORS, "resident")
Row = tuple[float, float, float, float, float]


@dataclass(slots=True)
class Life:
    """Of one process, by `COLUMNS`; seconds since the watch began."""

    node: int
    life: int
    rows: list[Row] = field(default_factory=list)

    def thinned(self) -> list[Row]:
        """A row in THINNED seconds."""
        return self.rows[:: round(THINNED / EVERY)]


@dataclass(frozen=True, slots=True)
class Trend:
    """What was measured of one quantity in a life: its median, by how much its line rises over `seconds`, and the
    medians of the first and of the last tenth."""

    node: int
    what: str
    median: float
    rise: float
    seconds: float
    first: float
    last: float

    @property
    def flat(self) -> bool:
        return self.rise <= max(RISE * self.median, FLOORS[self.what])


class Watch:
    """Samples all nodes, and the chain's processes, in a thread, until `close`. `chain`: seconds, and resident bytes
    of the chain's process and of those that it started (anvil), together."""

    def __init__(self, net: Devnet) -> None:
        self._nodes, self._chain_folder = net.nodes, folders.chain_folder(net.folder)
        self.lives = dict[tuple[int, int], Life]()
        self.chain = list[tuple[float, float]]()
        self._began, self._stop = monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            for node in self._nodes:
                self._look(node)
            if not self.chain or self._now - self.chain[-1][0] >= THINNED:
                pid = running(self._chain_folder)
                self.chain.append((self._now, sum(map(_resident, _family(pid))) if pid else 0.0))

    @property
    def _now(self) -> float:
        return monotonic() - self._began

    def _look(self, node: Node) -> None:
        lives, pid = node.lives, node.pid
        row = _sample(pid) if pid else None
        if row is not None and lives == node.lives:
            life = self.lives.setdefault((node.number, lives), Life(node.number, lives))
            life.rows.append((self._now, *row))

    def trends(self) -> list[Trend]:
        """Of the longest life of each node, as far as it is long enough."""
        found = []
        for longest in self._longest():
            rows = [row for row in longest.rows if row[0] - longest.rows[0][0] >= WARM]
            if rows and rows[-1][0] - rows[0][0] >= LEAST:
                found += [trend(longest.node, what, [row[0] for row in rows], [row[place] for row in rows])
                          for place, what in enumerate(FLOORS, 1)]
        return found

    def courses(self) -> dict[int, list[Row]]:
        """By node, the course of the lives that are judged: whether what grows comes to rest."""
        judged = {trend.node for trend in self.trends()}
        return {life.node: life.thinned() for life in self._longest() if life.node in judged}

    def peak(self) -> float:
        """The most resident bytes that any node had."""
        return max((row[-1] for life in self.lives.values() for row in life.rows), default=0.0)

    def _longest(self) -> list[Life]:
        """One for each node."""
        found: dict[int, Life] = {}
        for life in self.lives.values():
            known = found.get(life.node)
            if known is None or len(known.rows) < len(life.rows):
                found[life.node] = life
        return [found[number] for number in sorted(found)]


def _sample(pid: int) -> tuple[float, float, float, float] | None:
    """None when the process is gone."""
    try:
        process = Path(f"/proc/{pid}")
        status = (process / "status").read_text()
        return (_kilobytes(status, "RssAnon"), len(os.listdir(process / "task")), len(os.listdir(process / "fd")),
                _kilobytes(status, "VmRSS"))
    except (FileNotFoundError, ProcessLookupError):
        return None


def _resident(pid: int) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        return _kilobytes(Path(f"/proc/{pid}/status").read_text(), "VmRSS")
    return 0.0


def _kilobytes(status: str, name: str) -> float:
    """In bytes; 0 for a process that is about to go."""
    found = [line.split()[1] for line in status.splitlines() if line.startswith(name + ":")]
    return 1024.0 * int(found[0]) if found else 0.0


def _family(pid: int) -> list[int]:
    """A process, and all that it started."""
    found = [pid]
    for each in found:
        for path in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(FileNotFoundError, ProcessLookupError):
                found += [int(child) for child in path.read_text().split()]
    return found


def trend(node: int, what: str, times: Sequence[float], values: Sequence[float]) -> Trend:
    """By the line of least squares."""
    n = len(times)
    mean_t, mean_v = sum(times) / n, sum(values) / n
    spread = sum((t - mean_t) ** 2 for t in times)
    slope = sum((t - mean_t) * (v - mean_v) for t, v in zip(times, values, strict=True)) / spread
    seconds, tenth = times[-1] - times[0], max(1, n // 10)
    return Trend(node, what, median(values), slope * seconds, seconds, median(values[:tenth]),
                 median(values[-tenth:]))
