"""Computing during which Python's collector of cycles stands still, in all threads of the process."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_computing, _computing_lock = [0], threading.Lock()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Which values are kept depends on which are alive: the collector must not run at one node here, at another there,
    nor for another thread of this process in between.
    """
    with _computing_lock:
        if not _computing[0]:
            gc.collect()
            gc.disable()
        _computing[0] += 1
    try:
        yield
    finally:
        with _computing_lock:
            _computing[0] -= 1
            if not _computing[0]:
                gc.enable()
