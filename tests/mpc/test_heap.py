"""What the heap keeps of large arrays, and what it hands back: of a process of its own, started as workers are."""

import gc
import os
import subprocess
import sys
import weakref

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


#: Prints how many places the heap has that ten threads have taken memory from at once.
PLACES = """
import ctypes, sys, threading
from enigmalang.mpc import heap

heap.share()
system, met = ctypes.CDLL(None), threading.Barrier(10)
system.malloc.restype, system.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
system.malloc_info.argtypes = ctypes.c_int, ctypes.c_void_p
system.fopen.argtypes = ctypes.c_char_p, ctypes.c_char_p
system.fclose.argtypes = [ctypes.c_void_p]

def take():
    met.wait()
    system.malloc(1 << 12)
    met.wait()

threads = [threading.Thread(target=take) for _ in range(10)]
[each.start() for each in threads]
[each.join() for each in threads]
file = system.fopen(sys.argv[1].encode(), b"w")
system.malloc_info(0, file)
system.fclose(file)
print(open(sys.argv[1]).read().count("<heap"))
"""
GLIBC = pytest.mark.skipif(
    sys.platform != "linux" or heap._function("malloc_trim") is None, reason="not glibc's heap")


@GLIBC
@pytest.mark.parametrize(("chosen", "places"), [("", 1), ("3", 3)])
def test_threads_share_one_place_unless_somebody_chose(chosen, places, tmp_path):
    rest = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    done = subprocess.run([sys.executable, "-c", PLACES, str(tmp_path / "info")], capture_output=True, text=True,
                          env=rest | ({"MALLOC_ARENA_MAX": chosen} if chosen else {}), check=True)
    assert int(done.stdout) == places


@GLIBC
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


def test_collecting_lets_go_of_what_holds_itself() -> None:
    class Ring:
        """Python's count alone never lets go of it."""

        def __init__(self) -> None:
            self.me = self

    gone: list[bool] = []
    gc.disable()
    try:
        weakref.finalize(Ring(), gone.append, True)
        assert not gone
        heap.collect()
        assert gone == [True]
    finally:
        gc.enable()
