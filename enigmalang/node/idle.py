"""Using the time in which nobody uses the cluster."""

import threading
from collections.abc import Callable

#: Seconds without a use after which a cluster is idle.
PAUSE = 0.05


class Idle:
    """Calls `step` from a thread of its own whenever nothing was `used` for a while, until it says that there is
    nothing more to do; a further use starts the wait anew. `stop` may be called by any thread.
    """

    def __init__(self, step: Callable[[], bool]) -> None:
        self._step = step
        self._used = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="idle", daemon=True)

    def start(self) -> None:
        """Start to look for idle time."""
        self._used.set()
        self._thread.start()

    def used(self) -> None:
        """Someone else uses the cluster now."""
        if threading.current_thread() is not self._thread:
            self._used.set()

    def stop(self) -> None:
        """No step begins from here on."""
        self._stopped = True
        self._used.set()

    def join(self) -> None:
        """Wait until the thread is gone, unless it is the one that asks."""
        if self._thread.ident is not None and threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            self._used.wait()
            while not self._stopped and self._rests():
                if not self._step():
                    break

    def _rests(self) -> bool:
        """Whether a pause has passed without a use; waits for one when there were uses."""
        while self._used.is_set() and not self._stopped:
            self._used.clear()
            self._used.wait(PAUSE)
        return not self._stopped
