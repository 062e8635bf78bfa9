"""Protocols beside each other: what is ready at the same time runs in lockstep, its rounds being one another's.

Each protocol is told round by round (`mpc.pipeline`). A turn sends what all of them have queued, one frame for each
peer, and takes each to its next round. Who is under way, in which order, follows from the circuit and public sizes, so
frames have the same parts at every party.
"""

from __future__ import annotations

from collections.abc import Iterable

from enigmalang.mpc.party import Party, Round
from enigmalang.mpc.pipeline import Rounds


class Beside:
    """What is under way, by number."""

    __slots__ = ("_counters", "_lines", "_queued")

    def __init__(self, party: Party) -> None:
        self._counters = party.counters
        self._lines: dict[int, tuple[str, Rounds[None]]] = {}
        self._queued: list[Round] = []  # one round of each

    def __bool__(self) -> bool:
        return bool(self._lines)

    def start(self, number: int, phase: str, rounds: Rounds[None]) -> None:
        """It shares the next round of what is under way. Its local work counts for `phase`."""
        self._lines[number] = phase, rounds
        self._step(number)

    def until(self, numbers: Iterable[int]) -> None:
        """Go on till these have ended. Raises PeerError."""
        while any(number in self._lines for number in numbers):
            self._turn()

    def end(self) -> None:
        """Go on till all have ended. Raises PeerError."""
        while self._lines:
            self._turn()

    def _turn(self) -> None:
        """One round; the waiting counts for the phase of what began first."""
        queued, self._queued = self._queued, []
        with self._counters.phase(next(iter(self._lines.values()))[0]):
            Round.run_all(queued)
        del queued  # what was sent may be large
        for number in tuple(self._lines):
            self._step(number)

    def _step(self, number: int) -> None:
        phase, rounds = self._lines[number]
        with self._counters.phase(phase):
            round_ = next(rounds, None)
        if round_ is None:
            del self._lines[number]
        else:
            self._queued.append(round_)
