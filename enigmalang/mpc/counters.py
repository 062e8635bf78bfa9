"""What a session cost so far."""

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Of one party: message rounds, bytes, elements multiplied, bits ANDed, comparisons; seconds per phase.

    A round that goes in parts is one. Of pieces under way together (`mpc.pipeline`) the rounds that follow one another.
    """

    rounds: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    products: int = 0
    ands: int = 0
    comparisons: int = 0
    circuits: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def phase(self, name: str) -> "Phase":
        """Add the wall time of a `with` block to `seconds[name]`; "network" time is also inside its phase."""
        return Phase(self.seconds, name)

    def add_seconds(self, name: str, took: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + took


class Phase:
    """A timed block: a plain class, for every round has two."""

    __slots__ = ("_name", "_seconds", "_start")

    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self._seconds = seconds
        self._name = name

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        took = time.perf_counter() - self._start
        self._seconds[self._name] = self._seconds.get(self._name, 0.0) + took
