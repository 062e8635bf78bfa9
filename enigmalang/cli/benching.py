"""What `enig bench` does, once its options are known to be good."""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from enigmalang.cli.columns import columns, told_bytes, told_seconds, told_times
from enigmalang.cli.floor import Floor, Gauge, Rates, floor_of, middle_rates
from enigmalang.cli.inputs import Inputs
from enigmalang.cli.measure import Bench, Sample, middle, run_all
from enigmalang.cli.programs import Refused, check_inputs, compiled, tell
from enigmalang.cli.progress import Progress
from enigmalang.cli.session import Settings
from enigmalang.diagnostics import EnigmaError
from enigmalang.execute.ports import EngineError
from enigmalang.node.local import local_world
from enigmalang.plan.plan import Plan
from enigmalang.source import Span
from enigmalang.types.types import Type

SCHEMA = 1


class Kept:
    """Inputs read once: files are no part of what is measured."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._read: dict[tuple[str, str], Any] = {}

    def read(self, name: str, type: Type, span: Span) -> Any:
        """As `Inputs.read`."""
        key = name, str(type)
        if key not in self._read:
            self._read[key] = self._inputs.read(name, type, span)
        return self._read[key]


@dataclass(frozen=True, slots=True)
class Measured:
    """A program's medians; seconds, bytes."""

    file: str
    field: str
    nodes: int
    runs: int
    compile: float
    start: float
    ours: Sample
    clear: float  # the whole program on the clear engine
    peak: int  # the largest resident size of a worker; `base` before it computed
    base: int
    floor: Floor
    rates: Rates


class Empty(Exception):
    """A program that does nothing; the text is for the user."""


def bench_file(path: str, settings: Settings, inputs: Inputs, runs: int, as_json: bool) -> int:
    """Measure the program at `path` and write what was found; the exit status."""
    with Progress() as progress:
        try:
            progress.phase(f"compiling {path}")
            begin = time.perf_counter()
            plan = compiled(path)
            seconds = time.perf_counter() - begin
            if not plan.tests and (plan.script is None or all(op.op == "yield" for op in plan.script.body.ops)):
                raise Empty(f"{path} has no statements and no tests: there is nothing to measure")
            check_inputs(plan, inputs)
            progress.phase("measuring")
            found = measure(plan, settings, inputs, runs, seconds)
        except (Refused, EnigmaError, EngineError) as error:
            return tell(error, path, progress)
        except Empty as error:
            with progress.paused():
                print(f"enig: {error}", file=sys.stderr)
            return 1
    sys.stdout.write(as_text(found) if not as_json else json.dumps(as_dict(found), indent=2) + "\n")
    return 0


def measure(plan: Plan, settings: Settings, inputs: Inputs, runs: int, seconds: float = 0.0) -> Measured:
    """Run `plan` on workers and in the clear, in turns. Raises EnigmaError, EngineError, OSError."""
    kept = Kept(inputs)
    samples, clear, measured = [], [], []
    with (Gauge(settings.nodes, plan.field) as gauge,
          Bench(plan, settings.nodes, settings.threshold, timeout=settings.timeout) as bench):
        base = bench.peak_memory()
        for number in range(runs + 1):
            measured.append(gauge.measure())
            sample, _ = bench.run(kept)
            took = _in_the_clear(plan, kept)
            if number:
                samples.append(sample)
                clear.append(took)
        peak = bench.peak_memory()
    ours, rates = middle(samples), middle_rates(measured)
    return Measured(plan.path, plan.field, settings.nodes, runs, seconds, bench.start, ours, median(clear), peak, base,
                    floor_of(ours.work, rates), rates)


def _in_the_clear(plan: Plan, inputs: Kept) -> float:
    begin = time.perf_counter()
    run_all(plan, local_world(plan, inputs=inputs, out=lambda text: None))
    return time.perf_counter() - begin


def as_text(m: Measured) -> str:
    """Rows of what, how much, and what that is in terms of the clear engine or of the floor."""
    ours, floor = m.ours, m.floor.seconds
    rows = [
        ("whole run, engine up", told_seconds(ours.whole), f"{told_times(ours.whole / m.clear)} × in the clear"),
        ("  of it nodes computing", told_seconds(ours.computing),
         f"{told_times(ours.computing / floor)} × the floor" if floor else ""),
        ("in the clear", told_seconds(m.clear), "no engine"),
        ("physical floor", told_seconds(floor),
         f"{told_seconds(m.floor.traffic)} traffic + {told_seconds(m.floor.operations)} operations"),
        ("waiting, at least", told_seconds(ours.rounds * m.rates.loopback.latency),
         f"{told_seconds(m.rates.loopback.latency)} a round"),
        ("rounds", f"{ours.rounds:,}", ""),
        ("bytes sent by a node", told_bytes(ours.sent), ""),
        ("made ahead, between runs", told_bytes(ours.ahead_sent), f"in {ours.ahead_rounds:,} rounds"),
        ("products", f"{ours.products:,}", ""),
        ("ANDs", f"{ours.ands:,}", ""),
        ("comparisons", f"{ours.comparisons:,}", ""),
        ("circuits", f"{ours.circuits:,}", ""),
        ("peak memory of a worker", told_bytes(m.peak), f"{told_bytes(m.base)} before the first run"),
        ("compiling", told_seconds(m.compile), "once"),
        ("starting the workers", told_seconds(m.start), "once"),
    ]
    load = os.getloadavg()[0]
    head = (f"{m.nodes} nodes, {m.field}", f"median of {m.runs}", f"{m.rates.cores} cores, load {load:.1f}")
    return columns(head, rows, left=(0, 2))


def as_dict(m: Measured) -> dict[str, Any]:
    """Everything, for JSON."""
    return {"schema": SCHEMA, "load": list(os.getloadavg())} | asdict(m) | {
        "floor": asdict(m.floor) | {"seconds": m.floor.seconds},
    }
