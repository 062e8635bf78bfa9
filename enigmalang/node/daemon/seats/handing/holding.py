"""Contracts of which a member begins no job, because they are about to be handed over; for a while only.

A hold says who asked for it and to whom the contract is to go: this member deals its shares to nobody else. Members may
ask for it in vain, so each has a contract held for SECONDS on one day at most; t members who do nothing else keep a
contract from its jobs for t times as long.
"""

import threading
from dataclasses import dataclass
from time import monotonic

#: Why a job is not begun.
HELD = "its contract is about to be handed over to another committee"
#: Seconds of one day, by this node's clock, for which one member has a contract held.
SECONDS, DAY = 600.0, 86_400.0


@dataclass(slots=True)
class _Hold:
    """`consent`: which committee it is to go to (`formations.Formation`)."""

    began: float
    until: float
    consent: bytes


class Holds:
    """Of one committee. Threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holds: dict[tuple[str, str], _Hold] = {}  # by contract, and who asked
        self._had: dict[tuple[str, str], float] = {}  # seconds on `day`
        self._day = 0.0

    def hold(self, contract: str, seconds: float, by: str, consent: bytes) -> bool:
        """From now on, for so long at most, because the node `by` asked for it. Not when it had its time today."""
        with self._lock:
            now = monotonic()
            self._tidy(now)
            self._end((contract, by), now)
            left = SECONDS - self._had.get((contract, by), 0.0)
            if left <= 0:
                return False
            self._holds[contract, by] = _Hold(now, now + min(seconds, left), consent)
            return True

    def release(self, contract: str, by: str) -> None:
        """It may go on, if nobody else asked for the opposite."""
        with self._lock:
            self._end((contract, by), monotonic())

    def why(self, contract: str) -> str:
        """Why no job of the contract is begun; empty when it may be."""
        with self._lock:
            self._tidy(monotonic())
            return HELD if any(held == contract for held, _ in self._holds) else ""

    def ready(self, contract: str, by: str, consent: bytes) -> bool:
        """Whether the contract is held for `by`, to go to the committee of this `consent`."""
        with self._lock:
            self._tidy(monotonic())
            held = self._holds.get((contract, by))
            return held is not None and held.consent == consent

    # ---- under the lock

    def _tidy(self, now: float) -> None:
        for key in [key for key, held in self._holds.items() if now > held.until]:
            self._end(key, now)
        if now >= self._day + DAY:
            self._day = now
            self._had.clear()

    def _end(self, key: tuple[str, str], now: float) -> None:
        held = self._holds.pop(key, None)
        if held is not None:
            self._had[key] = self._had.get(key, 0.0) + min(now, held.until) - held.began
