"""How much memory a worker needs beside the shares it works on: `python -m benchmarks memory`.

A worker's peak (VmHWM) above what it had when it was up, as a multiple of the bytes of the shares that it must hold at
once, whatever it does: those of the inputs and of the result. Each workload has workers of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.check import check
from benchmarks.ours import Given, plan_of, results
from benchmarks.workloads import WORKLOADS
from enigmalang.cli.columns import columns
from enigmalang.cli.measure import Bench

#: Elements of inputs and result for a size; each is 8 bytes of a share. Results of comparisons are bits.
SHARES: dict[str, Callable[[int], int]] = {
    "products": lambda n: 3 * n,
    "comparisons59": lambda n: 2 * n,
    "sort1m": lambda n: 2 * n,
    "matrix1000": lambda n: 3 * n * n,
}
#: Aimed for: the peak is at most so many times the shares.
AIM = 3.0


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes at the worker that needs most."""

    name: str
    size: int
    idle: int
    peak: int
    shares: int

    @property
    def above(self) -> int:
        return max(0, self.peak - self.idle)

    @property
    def ratio(self) -> float:
        return self.above / self.shares


def measure_memory(nodes: int = 3, names: Sequence[str] = tuple(SHARES), size: int | None = None) -> list[Memory]:
    """One run of each, checked. Raises WrongResult, EngineError."""
    found = []
    for name in names:
        workload = WORKLOADS[name]
        count = size or workload.size
        data = workload.data(count)
        with Bench(plan_of(workload, count), nodes) as bench:
            idle = bench.peak_memory()
            _, world = bench.run(Given(data))
            peak = bench.peak_memory()
        check(workload, data, results(world, workload, data))
        found.append(Memory(name, count, idle, peak, 8 * SHARES[name](count)))
    return found


def memory_table(found: Sequence[Memory]) -> str:
    """A line each, in MB, and whether the aim is reached."""
    lines = [
        (m.name, f"{m.size:,}", *(f"{value / 1e6:.0f} MB" for value in (m.shares, m.idle, m.peak, m.above)),
         f"{m.ratio:.1f}", "✓" if m.ratio <= AIM else "✗")
        for m in found
    ]
    return columns(("memory of a worker", "size", "shares", "idle", "peak", "above", "times", f"≤ {AIM:.0f}"), lines)


if __name__ == "__main__":
    print(memory_table(measure_memory()))
