"""Measuring one workload: EnigmaLang, MPyC and NumPy in turns, medians of several runs after one to warm up."""

import time
from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from benchmarks.check import check
from benchmarks.mpyc import Parties, Took
from benchmarks.mpyc_programs import PROGRAMS
from benchmarks.ours import Given, plan_of, results
from benchmarks.workloads import Data, Workload
from enigmalang.cli.floor import Floor, Gauge, Rates, floor_of, middle_rates
from enigmalang.cli.measure import Bench, Sample, middle

#: MPyC gets no further turn at a workload after so many seconds of its own.
PATIENCE = 25.0


@dataclass(frozen=True, slots=True)
class Mpyc:
    """MPyC's medians at the size that was measured, and scaled to the workload's."""

    size: int
    runs: int
    inputs: float
    computing: float
    peak: int
    factor: float  # from `size` to the workload's size
    law: str

    @property
    def scaled(self) -> bool:
        return self.factor != 1

    @property
    def all_computing(self) -> float:
        return self.computing * self.factor

    @property
    def whole(self) -> float:
        return (self.inputs + self.computing) * self.factor


@dataclass(frozen=True, slots=True)
class Result:
    """One workload at one size among so many nodes."""

    workload: Workload
    size: int
    nodes: int
    runs: int
    ours: Sample
    start: float  # seconds to start the workers
    compile: float
    peak: int
    base: int  # of a worker that has not computed anything
    numpy: float
    floor: Floor
    rates: Rates
    mpyc: Mpyc | None
    begun: tuple[int, int] = (0, 0)  # rounds and bytes of what was made ahead until the first run had ended

    @property
    def floors(self) -> float:
        return self.ours.computing / self.floor.seconds if self.floor.seconds else 0.0

    @property
    def times_mpyc(self) -> float | None:
        """Like with like: MPyC's computing and opening against the nodes'."""
        return self.mpyc.all_computing / self.ours.computing if self.mpyc else None

    @property
    def times_mpyc_whole(self) -> float | None:
        return self.mpyc.whole / self.ours.whole if self.mpyc else None

    @property
    def times_numpy(self) -> float:
        return self.ours.computing / self.numpy if self.numpy else 0.0


def measure(workload: Workload, size: int, nodes: int, runs: int, parties: Parties | None) -> Result:
    """Raises WrongResult, EngineError, OSError."""
    begin = time.perf_counter()
    plan = plan_of(workload, size)
    compiled = time.perf_counter() - begin
    theirs = _Theirs(workload, size, parties)
    samples, clear, rates = [], [], []
    with Gauge(nodes, plan.field) as gauge, Bench(plan, nodes) as bench:
        base = bench.peak_memory()
        for number in range(runs + 1):
            seed = 1 + number * workload.fresh
            data = workload.data(size, seed)
            rates.append(gauge.measure())
            samples.append(run_once(bench, workload, data))
            theirs.run(seed)
            clear.append(numpy_seconds(workload, data))
        peak = bench.peak_memory()
    first, ours, rate = samples[0], middle(samples[1:]), middle_rates(rates[1:])
    return Result(workload, size, nodes, runs, ours, bench.start, compiled, peak, base, median(clear[1:]),
                  floor_of(ours.work, rate), rate, theirs.result(), (first.ahead_rounds, first.ahead_sent))


def run_once(bench: Bench, workload: Workload, data: Data) -> Sample:
    """Raises WrongResult when it computed something else."""
    sample, world = bench.run(Given(data))
    check(workload, data, results(world, workload, data))
    return sample


def numpy_seconds(workload: Workload, data: Data) -> float:
    """Seconds of one call in its turn, as ours and MPyC's are."""
    begin = time.perf_counter()
    workload.numpy(data)
    return time.perf_counter() - begin


class _Theirs:
    """MPyC's turns at one workload; workloads that ask the same of it share them."""

    _known: ClassVar[dict[tuple[str, int, int], list[Took]]] = {}

    def __init__(self, workload: Workload, size: int, parties: Parties | None) -> None:
        self._workload = workload
        self._full = size
        self._size = min(size, workload.mpyc_size)
        self._parties = parties if workload.path.stem in PROGRAMS else None
        key = workload.path.stem, self._size, parties.n if parties else 0
        self._done = key in self._known
        self._took = self._known.setdefault(key, [])

    def run(self, seed: int) -> None:
        if self._parties is None or self._done or sum(t.whole for t in self._took) > PATIENCE:
            return
        self._took.append(self._parties.run(self._workload, self._size, seed))

    def result(self) -> Mpyc | None:
        if not self._took:
            return None
        counted = self._took[1:] or self._took  # the first warmed up, unless it was the only one
        law = self._workload.law
        return Mpyc(
            self._size, len(counted), median(t.inputs for t in counted), median(t.computing for t in counted),
            max(t.peak for t in counted), law(self._full) / law(self._size), self._workload.law_name(),
        )
