"""Running a plan again and again on worker processes, and what each run took."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import TracebackType
from weakref import ReferenceType, ref

from enigmalang.circuits.circuit import Circuit
from enigmalang.cli.floor import Work, multiplications
from enigmalang.execute.ports import Engine, EngineStats
from enigmalang.execute.runner import run_function
from enigmalang.execute.trace import Tracer
from enigmalang.execute.world import InputReader, World
from enigmalang.node.cluster import Cluster
from enigmalang.node.local import local_world
from enigmalang.plan.plan import Plan

#: The phase in which the nodes compute and open; what the client does is not in it.
COMPUTING = "node: run"


@dataclass(frozen=True, slots=True)
class Sample:
    """One run. `whole` seconds: from the first statement to the last, with the engine up; `computing`: of them, what
    the nodes took from the masked inputs to the openings. Counts are per node."""

    whole: float
    computing: float
    rounds: int
    sent: int
    products: int
    ands: int
    comparisons: int
    circuits: int
    multiplications: int  # in the field, by each node on its own shares
    phases: dict[str, float] = field(default_factory=dict)
    ahead_rounds: int = 0  # of preprocessing since the run before (at the first: since the start), in no other count
    ahead_sent: int = 0

    @property
    def work(self) -> Work:
        return Work(self.sent, max(self.multiplications, self.products), self.ands)


class Bench:
    """One plan on its own engine, which is closed at the end. A context manager."""

    def __init__(self, plan: Plan, nodes: int = 3, threshold: int | None = None, *, engine: Engine | None = None,
                 timeout: float = 60.0, seen: Callable[[Circuit], object] = lambda circuit: None) -> None:
        """Starts `nodes` workers, or uses `engine`. `seen` is told of each circuit that runs. Raises EngineError."""
        begin = time.perf_counter()
        self.plan = plan
        self._cluster = Cluster.start(nodes, threshold, plan.field, timeout) if engine is None else None
        self._engine: Engine = engine or self._cluster  # type: ignore[assignment]
        self._seen = seen
        self._tracer = Tracer(self._engine, self._watch)
        self._multiplications = 0
        self._counted: dict[int, tuple[ReferenceType[Circuit], int]] = {}  # by id, while that is the circuit's
        self._ahead: dict[str, int] = {}
        self._engine.stats()  # answered when the workers have loaded their protocols
        self.start = time.perf_counter() - begin

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._engine.close()

    def _watch(self, circuit: Circuit) -> None:
        self._seen(circuit)
        known = self._counted.get(id(circuit))
        if known is None or known[0]() is not circuit:
            known = self._counted[id(circuit)] = ref(circuit), multiplications(circuit)
        self._multiplications += known[1]

    def run(self, inputs: InputReader, out: Callable[[str], object] = lambda text: None) -> tuple[Sample, World]:
        """Run the script, or the tests of a plan without one. Raises EnigmaError, EngineError.

        The engine is measured: results of any size go into `L`.
        """
        before, self._multiplications = self._engine.stats(), 0
        known = dict(before.seconds)
        counts = _counts(before)
        begin = time.perf_counter()
        world = local_world(self.plan, self._engine, inputs=inputs, out=out, tracer=self._tracer, bounded=False)
        run_all(self.plan, world)
        whole = time.perf_counter() - begin
        after = self._engine.stats()
        phases = {name: seconds - known.get(name, 0.0) for name, seconds in after.seconds.items()}
        spent = {name: value - counts[name] for name, value in _counts(after).items()}
        ahead = {name: after.ahead.get(name, 0) - self._ahead.get(name, 0) for name in ("rounds", "bytes_sent")}
        self._ahead = after.ahead
        computing = phases.get(COMPUTING, phases.get("evaluate", 0.0))
        sample = Sample(whole, computing, **spent, multiplications=self._multiplications, ahead_rounds=ahead["rounds"],
                        ahead_sent=ahead["bytes_sent"], phases=phases)
        return sample, world

    def peak_memory(self) -> int:
        """The largest resident size that a worker reached, in bytes; 0 where the system does not tell."""
        pids = self._cluster.pids.values() if self._cluster is not None else ()
        return max((peak_memory(pid) for pid in pids), default=0)


def run_all(plan: Plan, world: World) -> None:
    """The script, or the tests of a plan without one. Raises EnigmaError, EngineError."""
    functions = [plan.script] if plan.script is not None else [plan.functions[name].public for name in plan.tests]
    for function in functions:
        run_function(world, function)


def _counts(stats: EngineStats) -> dict[str, int]:
    return {
        "rounds": stats.rounds, "sent": stats.bytes_sent, "products": stats.products, "ands": stats.ands,
        "comparisons": stats.comparisons, "circuits": stats.circuits,
    }


def peak_memory(pid: int) -> int:
    """VmHWM of a process in bytes: the most that it ever held in memory; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def middle(samples: Sequence[Sample]) -> Sample:
    """The medians of the seconds and of what was made ahead; the counts of the last run."""
    last = samples[-1]
    names = {name for sample in samples for name in sample.phases}
    phases = {name: median(s.phases.get(name, 0.0) for s in samples) for name in sorted(names)}
    return Sample(
        median(s.whole for s in samples), median(s.computing for s in samples), last.rounds, last.sent, last.products,
        last.ands, last.comparisons, last.circuits, last.multiplications, phases,
        round(median(s.ahead_rounds for s in samples)), round(median(s.ahead_sent for s in samples)),
    )
