"""Our times beside the marks that the issue "The engine at memory speed" sets: `python -m benchmarks marks`.

The marks are seconds of the best C++ framework on such a machine, three parties on loopback, as the issue has them:
measured there, not here, so that the ratios are of two runs, perhaps at two speeds of a machine. Its engines: Shamir
over a 128-bit prime, links in the clear unless said; replicated shares over the ring of 64 bits, for three only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.run import measure
from benchmarks.workloads import WORKLOADS
from enigmalang.cli.columns import columns, told_seconds, told_times


@dataclass(frozen=True, slots=True)
class Mark:
    """Seconds of a workload at a size: of the Shamir engine (the least, where the issue gives two), and of the ring."""

    workload: str
    size: int
    shamir: float
    ring: float


#: Its 32-bit comparisons are held against our 32-bit ones, its 62- and 64-bit ones against our 59-bit ones; its 1,000
#: products in a row are those over TLS, as ours are; the ring's are in the clear.
MARKS = (
    Mark("products", 1_000_000, 0.42, 0.052),
    Mark("comparisons32", 100_000, 4.9, 0.024),
    Mark("comparisons59", 100_000, 7.4, 0.041),
    Mark("sort10k", 1_024, 1.6, 0.064),
    Mark("sort10k", 10_000, 55, 0.51),
    Mark("ranks", 1_000, 49, 0.30),
    Mark("chain", 1_000, 0.11, 0.022),
    Mark("auction", 1_000, 0.18, 0.005),
    Mark("matrix256", 128, 0.16, 0.005),
    Mark("logistic", 1_000, 0.37, 0.002),
)


@dataclass(frozen=True, slots=True)
class Beside:
    """`ours`: seconds of computing, the median; the other two are the mark's."""

    title: str
    size: int
    ours: float
    shamir: float
    ring: float


def measure_marks(nodes: int = 3, runs: int = 5, told: Callable[[str], None] = lambda text: None,
                  marks: Sequence[Mark] = MARKS) -> list[Beside]:
    """Raises WrongResult, EngineError."""
    found = []
    for mark in marks:
        workload = WORKLOADS[mark.workload]
        told(f"{workload.told(mark.size)} …")
        seconds = measure(workload, mark.size, nodes, runs, None).ours.computing
        found.append(Beside(workload.told(mark.size), mark.size, seconds, mark.shamir, mark.ring))
    return found


def marks_table(found: Sequence[Beside]) -> str:
    """A line each: how often faster than the mark; below 1, slower."""
    head = ("against the marks", "computing", "Shamir", "times faster", "ring", "times faster")
    return columns(head, [
        (b.title, told_seconds(b.ours), told_seconds(b.shamir), told_times(b.shamir / b.ours), told_seconds(b.ring),
         told_times(b.ring / b.ours)) for b in found])
