"""Walks over wide circuits, a wave of ready nodes at a time: NumPy instead of a loop over nodes.

A wave costs some dozen array operations however small it is, so narrow circuits (long chains) are given up early.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.table import starts_of

#: Nodes a wave must have on average to be worth it, and waves after which that is looked at.
LEAST_WAVE = 64
FREE_WAVES = 16

Numbers = npt.NDArray[Any]


class Clock(Protocol):
    """What says when kinds start: see `timeline.Timeline`."""

    def wait(self, kind: int, count: int, latest: int) -> None: ...
    def begin(self) -> list[int]: ...
    def advance(self) -> list[int]: ...
    @property
    def busy(self) -> bool: ...


class Waves:
    """Nodes by when they are ready. `kinds`: what a node waits for (see `layers`), or -1: it runs at once."""

    def __init__(
        self, users: Numbers, args: Numbers, needed: npt.NDArray[np.bool_], kinds: Numbers | None = None
    ) -> None:
        count = len(needed)
        self._users = users[np.argsort(args, kind="stable")]
        self._starts = starts_of(np.bincount(args, minlength=count))
        self._missing = np.bincount(users, minlength=count)
        self._needed, self._kinds = needed, np.full(count, -1) if kinds is None else kinds
        self._waves = self._done = 0

    def depths(self) -> tuple[Numbers, int] | None:
        """As `stages`, where nothing waits."""
        depths = np.zeros(len(self._needed), np.int64)
        ready, step = np.nonzero(self._needed & (self._missing == 0))[0], 0
        while ready.size:
            if self._narrow(ready):
                return None
            depths[ready] = step
            step += 1
            ready = self._released(ready)
        return depths, self._waves

    def stages(self, timeline: Clock, latest: Numbers) -> tuple[Numbers, int] | None:
        """For each node when it runs: the layer, and within its local part the length of the chain before it (what
        waits comes last in its layer); and the number of waves. None for a narrow circuit.
        """
        count = len(self._needed)
        stages = np.zeros(count, np.int64)
        waiting: dict[int, list[Numbers]] = {}
        started: list[Numbers] = []
        ready = np.nonzero(self._needed & (self._missing == 0))[0]
        base = 0
        while True:
            step, local = base, False
            while ready.size:
                if self._narrow(ready):
                    return None
                silent, told = self._sorted_out(ready)
                for kind, nodes in told:
                    waiting.setdefault(kind, []).append(nodes)
                    timeline.wait(kind, len(nodes), int(latest[nodes].min()))
                stages[silent] = step
                step, local = step + 1, local or silent.size > 0
                ready = self._released(silent)
            chosen = timeline.begin()
            for kind in chosen:
                started.append(np.concatenate(waiting.pop(kind)))
                stages[started[-1]] = base + count
                base += count + 1
            if local and not chosen:
                base += count + 1
            if not timeline.busy:
                return stages, self._waves
            ended = [started[number] for number in timeline.advance()]
            ready = self._released(np.concatenate(ended)) if ended else ready

    def _narrow(self, ready: Numbers) -> bool:
        self._waves += 1
        self._done += len(ready)
        return self._waves > FREE_WAVES and self._done < LEAST_WAVE * self._waves

    def _sorted_out(self, ready: Numbers) -> tuple[Numbers, list[tuple[int, Numbers]]]:
        """Those that run at once, and the others by kind."""
        kinds = self._kinds[ready]
        if (kinds < 0).all():
            return ready, []
        return ready[kinds < 0], [(kind, ready[kinds == kind]) for kind in np.unique(kinds[kinds >= 0]).tolist()]

    def _released(self, done: Numbers) -> Numbers:
        """The nodes that waited for nothing else."""
        starts = self._starts[done]
        counts = self._starts[done + 1] - starts
        ends = np.cumsum(counts)
        if not ends.size or not ends[-1]:
            return np.zeros(0, np.int64)
        users = self._users[np.repeat(starts - ends + counts, counts) + np.arange(ends[-1])]
        found, uses = np.unique(users, return_counts=True)
        self._missing[found] -= uses
        ready: Numbers = found[self._missing[found] == 0]
        return ready
