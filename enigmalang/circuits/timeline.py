"""When the operations of a schedule start, where there are several kinds of them: a clock that counts rounds.

What is ready at the same time runs beside each other, each round of theirs being one. An operation waits for others of
its kind as long as that keeps nothing waiting: till its latest start, from which the longest chain behind it still ends
with the longest chain of all. So a schedule has as few rounds as the longest chain, if the costs are right, and as few
calls as that allows. What runs takes the rounds it takes: an order of starts follows from this, and what each start
must await, not a timetable.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.waves import Waves

Numbers = npt.NDArray[Any]


class Timeline:
    """`costs[kind]` rounds; `totals[kind]` nodes in all."""

    def __init__(self, costs: Sequence[int], totals: Sequence[int]) -> None:
        self._costs = costs
        self._missing = list(totals)  # not ready yet
        self._due: dict[int, int] = {}  # of the kinds that wait: their earliest latest start
        self._running: list[tuple[int, int]] = []  # when it ends, its number
        self._now = self._started = 0

    def wait(self, kind: int, count: int, latest: int) -> None:
        """`count` more nodes of a kind are ready; the first of them must start by `latest`."""
        self._missing[kind] -= count
        self._due[kind] = min(latest, self._due.get(kind, latest))

    def begin(self) -> list[int]:
        """The kinds of which all that is ready starts now; starts are numbered in this order."""
        due, now = self._due, self._now
        chosen = [kind for kind, latest in due.items() if latest <= now or not self._missing[kind]]
        chosen.sort()
        if not chosen and due and not self._running:
            chosen = [min(due, key=lambda kind: (due[kind], kind))]
        for kind in chosen:
            del due[kind]
            heappush(self._running, (now + self._costs[kind], self._started))
            self._started += 1
        return chosen

    def advance(self) -> list[int]:
        """The clock goes on till something ends, or can wait no longer: the numbers of what ends."""
        running, ended = self._running, []
        if running:
            self._now = max(self._now, min(running[0][0], min(self._due.values(), default=running[0][0])))
        while running and running[0][0] <= self._now:
            ended.append(heappop(running)[1])
        return ended

    @property
    def busy(self) -> bool:
        """Whether anything waits or runs."""
        return bool(self._due or self._running)


def latest_starts(users: Numbers, args: Numbers, needed: npt.NDArray[np.bool_], costs: Numbers) -> Numbers:
    """For each node the round in which it must start, so that all ends as early as possible. Edges as in `Waves`."""
    found = Waves(users, args, needed).depths()
    totals = _totals(users, args, costs) if found is None else _totals_by_depth(users, args, costs, *found)
    latest: Numbers = totals.max(initial=0) - totals
    return latest


def _totals(users: Numbers, args: Numbers, costs: Numbers) -> Numbers:
    """For each node the rounds of the longest chain from it on, its own with them; from user to user."""
    order = np.argsort(users, kind="stable")[::-1]
    totals, own = costs.tolist(), costs.tolist()
    for user, arg in zip(users[order].tolist(), args[order].tolist(), strict=True):
        total = totals[user] + own[arg]
        if total > totals[arg]:
            totals[arg] = total
    return np.array(totals, np.int64)


def _totals_by_depth(users: Numbers, args: Numbers, costs: Numbers, depth: Numbers, waves: int) -> Numbers:
    """The same of a wide circuit, all users of a depth together."""
    behind = np.zeros(len(costs), np.int64)
    level = depth[users]
    order = np.argsort(level, kind="stable")
    cuts = np.searchsorted(level[order], np.arange(waves + 1))
    for wave in reversed(range(waves)):
        edges = order[cuts[wave] : cuts[wave + 1]]
        at = users[edges]
        np.maximum.at(behind, args[edges], behind[at] + costs[at])
    return behind + costs
