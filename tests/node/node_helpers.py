"""Small circuits, and clusters whose node 3 is not what it should be."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.node import processes
from enigmalang.node.cluster import Cluster

A, B = Form.ARITH, Form.BITS
LONG = 60.0  # seconds; only a broken test waits that long
ROGUE = Path(__file__).parent / "rogue_worker.py"


def product(size: int = 4) -> Circuit:
    """Opens x * y and x * y < 0."""
    nodes = (
        Node("input", (), (size,), A, {"slot": 0}),
        Node("input", (), (size,), A, {"slot": 1}),
        Node("mul", (0, 1), (size,), A),
        Node("ltz", (2,), (size,), B),
    )
    return Circuit("M61", nodes, (2, 3))


def chain(length: int, size: int = 100) -> Circuit:
    """`length` products, each of which needs the one before."""
    nodes = [Node("input", (), (size,), A, {"slot": 0})]
    nodes += [Node("mul", (k, 0), (size,), A) for k in range(length)]
    return Circuit("M61", tuple(nodes), (length,))


def endless() -> tuple[Circuit, list[np.ndarray[tuple[int], np.dtype[np.int64]]]]:
    """A circuit with its inputs that takes far longer than any test looks at it."""
    return chain(20_000, 20_000), [np.ones(20_000, dtype=np.int64)]


def run_product(cluster: Cluster) -> None:
    """One correct run."""
    x, y = np.array([3, -5, 0, 2**28]), np.array([-7, -11, 9, 2**29])
    opened = cluster.run(product(), [x, y]).opened
    assert opened[0].tolist() == (x * y).tolist()
    assert opened[1].tolist() == (x * y < 0).tolist()


def impatient(cluster: Cluster, seconds: float) -> Cluster:
    """Started with time to spare, from now on with little."""
    assert cluster._control is not None
    cluster._control._watch._limit = seconds
    return cluster


def alive(pid: int) -> bool:
    """Whether a process of that number exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_gone(pids: list[int]) -> list[int]:
    """Those of `pids` that are still alive after a generous while."""
    deadline = time.monotonic() + LONG / 2
    while time.monotonic() < deadline:
        left = [pid for pid in pids if alive(pid)]
        if not left:
            return []
        time.sleep(0.02)
    return left


def children() -> list[int]:
    """Child processes of this process, zombies included."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == os.getpid():
                found.append(int(entry))
    return found


@contextmanager
def rogue(monkeypatch: pytest.MonkeyPatch, mode: str) -> Iterator[None]:
    """Node 3 of the clusters started inside is `rogue_worker.py MODE`."""
    proper = processes._spawn

    def spawn(node: int) -> subprocess.Popen[bytes]:
        if node != 3:
            return proper(node)
        return subprocess.Popen(
            [sys.executable, "-P", str(ROGUE), mode, "--node", "3"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    with monkeypatch.context() as patch:
        patch.setattr(processes, "_spawn", spawn)
        yield
