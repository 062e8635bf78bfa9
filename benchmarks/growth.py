"""How seconds grow: each program at three sizes among 3, 5 and 7 nodes, as points that `plots` draws.

What takes too long is left out, not waited for: a program has `patience` seconds for each size; it is run less often
when a run is long, and a size is not begun that would take more. MPyC is measured
among three parties, once, at the sizes that it is measured at in the table; NumPy at all.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.mpyc import Parties
from benchmarks.mpyc_programs import PROGRAMS
from benchmarks.ours import plan_of
from benchmarks.run import numpy_seconds, run_once
from benchmarks.workloads import Workload
from enigmalang.cli.floor import Gauge, floor_of, middle_rates
from enigmalang.cli.measure import Bench, middle
from enigmalang.diagnostics import EnigmaError
from enigmalang.execute.ports import EngineError

FILE = Path(__file__).parent / "results" / "growth.json"
NODES = (3, 5, 7)
#: A run of MPyC that takes longer is not repeated.
_SHORT = 1.0
Point = dict[str, Any]


def measure_growth(workloads: Sequence[Workload], runs: int, patience: float, tiny: bool, mpyc: bool,
                   among: Sequence[int] = NODES) -> Iterator[list[Point]]:
    """The points of each program, of several workloads that run one program only once."""
    for workload in {w.path: w for w in reversed(workloads)}.values():
        sizes = (workload.tiny, 2 * workload.tiny, 3 * workload.tiny) if tiny else workload.growth
        points = [point for nodes in among for point in _ours(workload, sizes, nodes, runs, patience)]
        if mpyc and workload.path.stem in PROGRAMS:
            points += _theirs(workload, sizes, patience)
        yield points


def _told(workload: Workload, size: int, who: str) -> None:
    print(f"{workload.told(size)}, {who} …", file=sys.stderr, flush=True)


def _point(workload: Workload, size: int, nodes: int, **values: float) -> Point:
    return {"program": workload.path.stem, "title": workload.title.format(size="n"), "size": size, "nodes": nodes,
            **{name: float(f"{value:.4g}") for name, value in values.items()}}


def _ours(workload: Workload, sizes: Sequence[int], nodes: int, runs: int, patience: float) -> Iterator[Point]:
    """While patience lasts."""
    last, before = 0.0, sizes[0]
    for size in sizes:
        if 2 * last * size / before > patience:  # one to warm up, one that counts
            _told(workload, size, f"{nodes} nodes: left out")
            return
        _told(workload, size, f"{nodes} nodes")
        try:
            point, last = _measured(workload, size, nodes, runs, patience)
        except (EngineError, EnigmaError) as error:
            print(f"✗ {workload.name}: {type(error).__name__}: {error}", file=sys.stderr)
            return
        before = size
        yield point


def _measured(workload: Workload, size: int, nodes: int, runs: int, patience: float) -> tuple[Point, float]:
    """A point, and the seconds of its longest run."""
    plan, data = plan_of(workload, size), workload.data(size)
    samples, clear, rates, longest = [], [], [], 0.0
    with Gauge(nodes, plan.field) as gauge, Bench(plan, nodes) as bench:
        spent = run_once(bench, workload, data).whole
        while len(samples) < runs and (not samples or spent + longest < patience):
            rates.append(gauge.measure())
            samples.append(run_once(bench, workload, data))
            clear.append(numpy_seconds(workload, data))
            longest = max(sample.whole for sample in samples)
            spent += samples[-1].whole
    ours = middle(samples)
    floor = floor_of(ours.work, middle_rates(rates)).seconds
    return _point(workload, size, nodes, computing=ours.computing, whole=ours.whole, floor=floor, numpy=min(clear),
                  rounds=ours.rounds, sent=ours.sent, runs=len(samples)), longest


def _theirs(workload: Workload, sizes: Sequence[int], patience: float) -> Iterator[Point]:
    """MPyC's points: sizes up to the one that the table measures, or that one alone."""
    few = [size for size in sizes if size <= workload.mpyc_size] or [min(workload.mpyc_size, sizes[0])]
    begin = time.perf_counter()
    with Parties(3) as parties:
        for size in few:
            if time.perf_counter() - begin > patience / 2:
                return
            _told(workload, size, "MPyC")
            took = parties.run(workload, size)
            if took.whole < _SHORT:  # the first of a process warms up
                took = parties.run(workload, size)
            yield _point(workload, size, 0, mpyc=took.computing)
