"""The newest block, looked for once for all committees of a node."""

import threading
from time import monotonic

from enigmalang.chain.client import Chain
from enigmalang.chain.errors import ChainError
from enigmalang.node.daemon.log import Log


class Head:
    """`number` is the newest block that the chain told of, -1 before. A thread looks every `pause` seconds."""

    def __init__(self, chain: Chain, pause: float, log: Log) -> None:
        self.number = -1
        self._chain, self._pause, self._log = chain, pause, log
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="head", daemon=True)
        self._said = ""

    def start(self) -> None:
        self._thread.start()

    def wait(self, seen: int, seconds: float) -> int:
        """The newest block, when it is another than `seen` or the time is over."""
        deadline = monotonic() + seconds
        with self._changed:
            self._changed.wait_for(lambda: self.number != seen or self._stop.is_set(), max(0.0, deadline - monotonic()))
            return self.number

    def close(self, seconds: float) -> None:
        """Wakes who waits."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            try:
                number = self._chain.block_number()
            except ChainError as error:
                if self._said != str(error):
                    self._said = str(error)
                    self._log.warning("jobs wait for the chain", reason=self._said)
                continue
            self._said = ""
            if number != self.number:
                with self._changed:
                    self.number = number
                    self._changed.notify_all()
