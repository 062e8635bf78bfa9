"""Handing memory back to the system, and keeping it in one place.

The workers' heap keeps what large arrays leave (`node.processes`), for new pages cost more than simple work on them.
Arrays of other sizes fit its holes badly, and the holes stay. So what computes long on much memory lets them go first.
"""

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

#: Bytes of values from which on letting go is worth its while.
LARGE = 7 << 19
#: What the workers are started with.
MMAP_THRESHOLD = 32 << 20
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # malloc.h

_limits = [MMAP_THRESHOLD]  # in force, the last one: it is the process's, not a thread's


def trim(size: int) -> None:
    """Hand back the pages that no array lies in, if arrays of `size` bytes in all have been used or will be, and are
    large. Nothing where the system's heap cannot.
    """
    if size >= LARGE and (function := _function("malloc_trim")) is not None:
        function(0)


def share() -> None:
    """Let all threads of this process take memory from one place, unless its user has chosen (`MALLOC_ARENA_MAX`).

    To be called before there are threads. The system's heap has eight places for each processor, and what was freed in
    one of them is of no use to threads that take from another: a daemon with many threads grows for hours.
    """
    if "MALLOC_ARENA_MAX" not in os.environ and (mallopt := _function("mallopt")) is not None:
        mallopt(_ARENA_MAX, 1)


def collect() -> None:
    """Let go of what nobody can reach, and hand back the pages that nothing lies in: for when nothing is computed.

    Python by itself looks for cycles among what lasts when that has grown by a quarter: beside a program's modules that
    is megabytes, and what they hold outside of Python's count (arrays, buffers, connections).
    """
    gc.collect()
    trim(LARGE)


@contextmanager
def apart(size: int) -> Iterator[None]:
    """Inside, arrays of at least `size` bytes, if that is large and no hole has room for them, lie outside of the heap,
    and their memory is handed back with them.
    """
    mallopt = _function("mallopt") if size >= LARGE else None
    if mallopt is None:
        yield
        return
    _limits.append(min(size, _limits[-1]))
    mallopt(_MMAP_THRESHOLD, _limits[-1])
    try:
        yield
    finally:
        _limits.pop()
        mallopt(_MMAP_THRESHOLD, _limits[-1])


@lru_cache(maxsize=2)
def _function(name: str) -> Callable[..., object] | None:
    if sys.platform != "linux":
        return None
    found: Callable[..., object] | None = getattr(ctypes.CDLL(None), name, None)  # musl has none of them
    return found
