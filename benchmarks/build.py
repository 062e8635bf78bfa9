"""`python -m benchmarks build [--size SIZE]`: what building circuits costs, stage by stage, in CPU seconds and nodes.

Nothing runs on shares here: a program is compiled and traced, its circuit simplified, gathered, encoded, and then
decoded, checked and scheduled as every node does. `chain` is SIZE operations one after another, `wide` as many in
independent chains of 100 that the passes do not vectorise, `small` 100 statements of some operations each. Each is
measured in a process of its own, for its peak memory.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array, Circuit
from enigmalang.circuits.layers import schedule
from enigmalang.cli.columns import columns, told_bytes, told_seconds
from enigmalang.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.execute import building
from enigmalang.execute.ports import EngineStats, RunResult
from enigmalang.execute.runner import run_function
from enigmalang.node.local import local_world
from enigmalang.wire.codec import decode_circuit, encode_circuit

SIZE = 1_000_000
PROGRAMS = {
    "chain": """
private x = True
private y = False
private acc = False
for i in range({half}):
    acc = (acc and x) ^ y
print(reveal(acc))
""",
    "wide": """
private x: int8 = 7
private last: list[bool] = []
k: uint32 = 0
while k < {chains}:
    private a: bool = x * k < 3
    private b: bool = x < k
    step: uint32 = 0
    while step < 25:
        a = (a and b) ^ (b or a)
        b = not (a and b)
        step += 1
    last.append(a)
    k += 1
print(reveal(last))
""",
    "small": """
private a: int16 = 3
private b: int16 = 4
for i in range(100):
    print(reveal(a * b + a < b + i))
""",
}


class Stages:
    """An engine that computes nothing: it does what client and node do before they compute. Nothing is sealed."""

    def __init__(self, field: str) -> None:
        self.field = field
        self.seconds: dict[str, float] = {}
        self.nodes = 0
        self.circuits = 0
        self._known: set[int] = set()

    def timed(self, name: str, work: Callable[..., Any], *args: Any) -> Any:
        began = time.process_time()
        try:
            return work(*args)
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = (),
            handles: Sequence[int] | None = None) -> RunResult:
        self.circuits += 1
        if id(circuit) not in self._known:
            self._known.add(id(circuit))
            self.nodes += len(circuit.nodes)
            data = self.timed("encode", encode_circuit, circuit)
            decoded = self.timed("decode and check", decode_circuit, data)
            self.timed("schedule", schedule, decoded)
        return RunResult(tuple(np.zeros(circuit.nodes[n].shape, dtype=np.int64) for n in circuit.opens), ())

    def forget(self, handles: Sequence[int]) -> None: ...

    def stats(self) -> EngineStats:
        return EngineStats(circuits=self.circuits)

    def close(self) -> None: ...


def measure(name: str, size: int = SIZE) -> dict[str, Any]:
    """Stages of one of the programs: CPU seconds by stage, `operations` (nodes traced), `nodes` (that run)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.enig"
        path.write_text(PROGRAMS[name].format(half=size // 2, chains=size // 125))
        sink = Sink()
        plan = compile_file(str(path), sink)
    if plan is None or plan.script is None:
        raise RuntimeError(f"the program {name} does not compile: {sink.diagnostics}")
    engine = Stages(plan.field)
    traced = 0
    simplify, gather = building.simplify, building.gather

    def simplified(circuit: Circuit) -> Circuit:
        nonlocal traced
        traced += len(circuit.nodes)
        made: Circuit = engine.timed("simplify", simplify, circuit)
        return made

    building.simplify = simplified
    building.gather = lambda circuit: engine.timed("gather", gather, circuit)
    began = time.process_time()
    try:
        run_function(local_world(plan, engine, out=lambda text: None), plan.script)
    finally:
        building.simplify, building.gather = simplify, gather
    whole = time.process_time() - began
    seconds = {"trace": whole - sum(engine.seconds.values()), **engine.seconds, "whole": whole}
    return {"operations": traced, "nodes": engine.nodes, "circuits": engine.circuits,
            "seconds": {stage: round(value, 4) for stage, value in seconds.items()}}


def measure_build(size: int | None = None) -> dict[str, Any]:
    """All programs, each in a process of its own. Raises subprocess.CalledProcessError."""
    return {name: _apart(name, size or SIZE) for name in PROGRAMS}


def _apart(name: str, size: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.build", name, str(size)], stdout=subprocess.PIPE, text=True, check=True,
        cwd=Path(__file__).parent.parent,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def build_table(found: dict[str, Any]) -> str:
    """A line each."""
    stages = list(dict.fromkeys(stage for program in found.values() for stage in program["seconds"]))
    lines = [
        (name, f"{program['operations']:,}", f"{program['nodes']:,}",
         *(told_seconds(program["seconds"].get(stage, 0.0)) for stage in stages), told_bytes(program["peak"]))
        for name, program in found.items()
    ]
    return columns(("building (CPU)", "operations", "that run", *stages, "peak"), lines)


def main(words: Sequence[str]) -> int:
    """One program, for `measure_build`."""
    found = measure(words[0], int(words[1]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(found | {"peak": peak}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
