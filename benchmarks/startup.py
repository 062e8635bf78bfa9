"""How long until the engine is up: `python -m benchmarks startup`.

Each measurement is a process of its own, from its start to the answer of the first circuit. The first has an empty
kernel cache (a folder that is gone afterwards) and compiles; the others find the kernels there.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from statistics import median

from enigmalang.cli.columns import columns, told_seconds

_PROGRAM = """
import json, time
begin = time.perf_counter()
from enigmalang.node.cluster import Cluster
with Cluster.start(nodes=int({nodes!r}), timeout=120.0) as cluster:
    linked = time.perf_counter() - begin
    cluster.stats()
    print(json.dumps([linked, time.perf_counter() - begin]))
"""


@dataclass(frozen=True, slots=True)
class Startup:
    """Seconds: `linked` until the workers are connected, `up` until they have answered."""

    name: str
    linked: float
    up: float


def measure_startup(nodes: int = 3, runs: int = 3) -> list[Startup]:
    """The first start, and the median of `runs` later ones. Raises subprocess.CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        first = _start(nodes, folder)
        later = [_start(nodes, folder) for _ in range(runs)]
    return [
        Startup("first process, empty kernel cache", *first),
        Startup("later processes", median(t[0] for t in later), median(t[1] for t in later)),
    ]


def _start(nodes: int, cache: str) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROGRAM.format(nodes=nodes)], capture_output=True, text=True, check=True,
        env=os.environ | {"XDG_CACHE_HOME": cache},
    )
    linked, up = json.loads(done.stdout)
    return linked, up


def startup_table(found: list[Startup]) -> str:
    """A line each, and whether a second process is up in less than a second."""
    lines = [(s.name, told_seconds(s.linked), told_seconds(s.up)) for s in found]
    mark = "✓" if found[-1].up < 1 else "✗"
    return columns(("start of the engine", "linked", "answers"), lines) + f"later processes in less than 1 s: {mark}\n"
