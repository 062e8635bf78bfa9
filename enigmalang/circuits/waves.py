"""Walks over wide circuits, a wave of ready nodes at a time: NumPy instead of a loop over nodes.

A wave costs some dozen array operations however small it is, so narrow circuits (long chains) are given up early.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.table import starts_of

#: Nodes a wave must have on average to be worth it, and waves after which that is looked at.
LEAST_WAVE = 64
FREE_WAVES = 16

Numbers = npt.NDArray[Any]


class Waves:
    """Nodes by when they are ready. `kinds`: what a node waits for (see `layers`), or -1: it runs at once."""

    def __init__(self, users: Numbers, args: Numbers, needed: npt.NDArray[np.bool_], kinds: Numbers) -> None:
        count = len(needed)
        self._users = users[np.argsort(args, kind="stable")]
        self._starts = starts_of(np.bincount(args, minlength=count))
        self._missing = np.bincount(users, minlength=count)
        self._needed, self._kinds = needed, kinds
        self._waves = self._done = 0

    def stages(self) -> tuple[Numbers, int] | None:
        """For each node when it runs: the layer, and within its local part the length of the chain before it (what
        waits comes last in its layer); and the number of waves. None for a narrow circuit.
        """
        count = len(self._needed)
        stages = np.zeros(count, np.int64)
        waiting: dict[int, list[Numbers]] = {}
        ready = np.nonzero(self._needed & (self._missing == 0))[0]
        base = 0
        while True:
            step = base
            while ready.size:
                if self._narrow(ready):
                    return None
                silent = self._sorted_out(ready, waiting)
                stages[silent] = step
                step += 1
                ready = self._released(silent)
            if not waiting:
                return stages, self._waves
            together = np.concatenate(waiting.pop(min(waiting)))
            stages[together] = base + count
            ready = self._released(together)
            base += count + 1

    def _narrow(self, ready: Numbers) -> bool:
        self._waves += 1
        self._done += len(ready)
        return self._waves > FREE_WAVES and self._done < LEAST_WAVE * self._waves

    def _sorted_out(self, ready: Numbers, waiting: dict[int, list[Numbers]]) -> Numbers:
        """Those that run at once; the others are put with what waits."""
        kinds = self._kinds[ready]
        if (kinds < 0).all():
            return ready
        for kind in np.unique(kinds[kinds >= 0]).tolist():
            waiting.setdefault(kind, []).append(ready[kinds == kind])
        found: Numbers = ready[kinds < 0]
        return found

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
