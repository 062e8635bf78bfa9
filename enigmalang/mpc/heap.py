"""Handing memory back to the system.

The workers' heap keeps what large arrays leave (`node.processes`), for new pages cost more than simple work on them.
Arrays of other sizes fit its holes badly, and the holes stay. So what computes long on much memory lets them go first.
"""

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

#: Bytes of values from which on letting go is worth its while.
LARGE = 7 << 19
#: What the workers are started with.
MMAP_THRESHOLD = 32 << 20
_MMAP_THRESHOLD = -3  # malloc.h


def trim(size: int) -> None:
    """Hand back the pages that no array lies in, if arrays of `size` bytes in all have been used or will be, and are
    large. Nothing where the system's heap cannot.
    """
    if size >= LARGE and (function := _function("malloc_trim")) is not None:
        function(0)


@contextmanager
def apart(size: int) -> Iterator[None]:
    """Inside, arrays of at least `size` bytes, if that is large and no hole has room for them, lie outside of the heap,
    and their memory is handed back with them.
    """
    mallopt = _function("mallopt") if size >= LARGE else None
    if mallopt is None:
        yield
        return
    mallopt(_MMAP_THRESHOLD, size)
    try:
        yield
    finally:
        mallopt(_MMAP_THRESHOLD, MMAP_THRESHOLD)


@lru_cache(maxsize=2)
def _function(name: str) -> Callable[..., object] | None:
    if sys.platform != "linux":
        return None
    found: Callable[..., object] | None = getattr(ctypes.CDLL(None), name, None)  # musl has none of them
    return found
