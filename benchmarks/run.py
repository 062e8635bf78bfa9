"""Measuring one workload: EnigmaLang, MPyC and NumPy in turns, medians of several runs after one to warm up."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.check import check
from benchmarks.mpyc import Parties, Took
from benchmarks.mpyc_programs import PROGRAMS
from benchmarks.ours import Given, plan_of, results
from benchmarks.workloads import Data, Workload
from enigmalang.cli.floor import Floor, Rates, floor_of, measure_rates
from enigmalang.cli.measure import Bench, Sample, middle

#: A run of MPyC that takes longer is made once only.
PATIENCE = 15.0


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
    rates = measure_rates(nodes, plan.field)
    theirs = _Theirs(workload, size, parties)
    samples, clear = [], []
    with Bench(plan, nodes) as bench:
        base = bench.peak_memory()
        for number in range(runs + 1):
            seed = 1 + number * workload.fresh
            data = workload.data(size, seed)
            sample = _once(bench, workload, data)
            theirs.run(seed)
            seconds = _numpy(workload.numpy, data)
            if number:
                samples.append(sample)
                clear.append(seconds)
        peak = bench.peak_memory()
    ours = middle(samples)
    floor = floor_of(ours.work, rates)
    return Result(workload, size, nodes, runs, ours, bench.start, compiled, peak, base, median(clear), floor, rates,
                  theirs.result())


def _once(bench: Bench, workload: Workload, data: Data) -> Sample:
    sample, world = bench.run(Given(data))
    check(workload, data, results(world, workload, data))
    return sample


def _numpy(compute: Callable[[Data], Any], data: Data) -> float:
    """Seconds of one call in its turn, as ours and MPyC's are."""
    begin = time.perf_counter()
    compute(data)
    return time.perf_counter() - begin


class _Theirs:
    """MPyC's turns at one workload."""

    def __init__(self, workload: Workload, size: int, parties: Parties | None) -> None:
        self._workload = workload
        self._full = size
        self._size = min(size, workload.mpyc_size)
        self._parties = parties
        self._took: list[Took] = []

    def run(self, seed: int) -> None:
        known = self._workload.path.stem in PROGRAMS
        if self._parties is None or not known or (self._took and self._took[-1].whole > PATIENCE):
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
