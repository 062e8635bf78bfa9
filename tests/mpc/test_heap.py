"""What the heap keeps of large arrays, and what it hands back: of a process of its own, started as workers are."""

import os
import subprocess
import sys

import pytest

from enigmalang.mpc import heap
from enigmalang.node.processes import _KEPT_MEMORY

#: Prints the resident size in MB after small arrays between dropped large ones, and after `trim`; then with arrays
#: made apart.
HOLES = """
import numpy as np
from enigmalang.mpc import heap

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 >> 20

before = resident()
large, small = [], []
for _ in range(10):
    large.append(np.ones(1 << 19))
    small.append(np.ones(1 << 12))
large.clear()
kept = resident() - before
heap.trim(heap.LARGE - 1)
still = resident() - before
heap.trim(heap.LARGE)
print(kept, still, resident() - before)
with heap.apart(1 << 22):
    large = [np.ones(1 << 20) for _ in range(10)]
    small.append(np.ones(1 << 12))
    large.clear()
    print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux" or heap._function("malloc_trim") is None, reason="not glibc's heap")
def test_holes_are_handed_back():
    done = subprocess.run(
        [sys.executable, "-c", HOLES], env=os.environ | _KEPT_MEMORY, capture_output=True, text=True, check=True)
    (kept, still, trimmed), (apart,) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert kept >= 36 and still >= 36
    assert trimmed <= 4
    assert apart <= 16  # of 80: one may lie where those before it lay


def test_small_sizes_ask_for_nothing(monkeypatch):
    monkeypatch.setattr(heap, "_function", lambda name: pytest.fail(name))
    heap.trim(heap.LARGE - 1)
    with heap.apart(heap.LARGE - 1):
        pass


def test_where_the_system_cannot(monkeypatch):
    monkeypatch.setattr(heap, "_function", lambda name: None)
    heap.trim(heap.LARGE)
    with heap.apart(heap.LARGE):
        pass
