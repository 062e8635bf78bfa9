"""Processes that take turns on the same cores, at the same addresses.

A core predicts branches by their addresses. Linux puts each process elsewhere (address space layout randomization),
so that every switch from one node of a machine to another starts with what was learnt of the other one's: with three
nodes on two cores, whose rounds are tens of microseconds apart, that doubles the time that all of Python takes.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: Set to 1 in the coordinator's environment, nodes are put at random addresses whatever it costs.
SWITCH = "ENIGMALANG_ASLR"
_NO_RANDOM = 0x0040000  # ADDR_NO_RANDOMIZE, personality(2)
_ASK = 0xFFFFFFFF


@contextmanager
def alike(processes: int) -> Iterator[bool]:
    """So many processes are started inside, by the calling thread: at the same addresses if they have to share cores.

    Gives whether they are: on Linux, where the system permits it, unless the environment says otherwise.
    """
    before = _personality(_ASK) if _crowded(processes) else -1
    if before < 0 or _personality(before | _NO_RANDOM) < 0:
        yield False
        return
    try:
        yield True
    finally:
        _personality(before)


def _crowded(processes: int) -> bool:
    if sys.platform != "linux" or os.environ.get(SWITCH) == "1":
        return False
    return processes > len(os.sched_getaffinity(0))


def _personality(wanted: int) -> int:
    """What it was, of the calling thread; -1 where the system refuses."""
    import ctypes  # not at the start of every command

    call = ctypes.CDLL(None).personality
    call.argtypes = [ctypes.c_ulong]
    return int(call(wanted))
