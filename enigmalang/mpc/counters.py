"""What a session cost so far."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Of one party: message rounds, bytes, elements multiplied, bits ANDed, comparisons; seconds per phase."""

    rounds: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    products: int = 0
    ands: int = 0
    comparisons: int = 0
    circuits: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the wall time of a block to `seconds[name]`; "network" time is also inside its phase."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
