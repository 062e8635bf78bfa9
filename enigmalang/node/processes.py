"""The worker processes of one cluster: started together, watched, and always ended.

A keeper thread starts them and stays: Linux ties a child's death signal to the *thread* that started it, so a
worker must not be started by a thread that may end before the cluster does.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from time import monotonic, sleep

from enigmalang.node.layout import alike
from enigmalang.node.pipes import GAVE_UP, read_frame, write_frame
from enigmalang.wire.errors import WireError

#: Seconds that a worker gets to see its links close before it is killed.
GRACE = 0.5
#: Numerical libraries must not start threads of their own: there are as many workers as nodes.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
#: glibc: memory of large arrays is kept for the next ones; new pages for 8 MB cost as much as 1,000,000 additions. All
#: threads take it from one place: what one of them kept of its own would be of no use to the others.
_KEPT_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20), "MALLOC_ARENA_MAX": "1",
}


class WorkerFault(Exception):
    """Worker `node` did not start as it should."""

    def __init__(self, node: int, reason: str) -> None:
        super().__init__(f"node {node}: {reason}")
        self.node = node
        self.reason = reason


class Processes:
    """Workers 1..n. `start`, then `send`/`receive` over their pipes until `detach`, and finally `end`."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._workers: dict[int, subprocess.Popen[bytes]] = {}
        self._error: OSError | None = None
        self._started = threading.Event()
        self._released = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    @property
    def pids(self) -> dict[int, int]:
        """Process ids by node."""
        return {node: worker.pid for node, worker in self._workers.items()}

    def start(self) -> None:
        """Start all workers; a second call changes nothing. Raises OSError when the system refuses a process."""
        if self._keeper.ident is None:
            self._keeper.start()
        self._started.wait()
        if self._error is not None:
            raise self._error

    def _keep(self) -> None:
        # Blocked here and inherited: no Ctrl-C before the worker has said that it ignores it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with alike(self._n):
                for node in range(1, self._n + 1):
                    self._workers[node] = _spawn(node)
        except OSError as error:
            self._error = error
        self._started.set()
        self._released.wait()

    def send(self, node: int, body: bytes) -> None:
        """One frame to a worker's stdin. Raises WorkerFault when it is gone."""
        pipe = self._workers[node].stdin
        assert pipe is not None
        try:
            write_frame(pipe.fileno(), body)
        except OSError:
            raise WorkerFault(node, self.describe_exit(node)) from None

    def receive(self, node: int, deadline: float) -> bytes:
        """One frame from a worker's stdout. Raises WorkerFault when it is gone, late, or writes something
        else.
        """
        pipe = self._workers[node].stdout
        assert pipe is not None
        try:
            return read_frame(pipe.fileno(), deadline)
        except EOFError:
            raise WorkerFault(node, self.describe_exit(node)) from None
        except TimeoutError:
            raise WorkerFault(node, "did not start in time") from None
        except WireError as error:
            raise WorkerFault(node, f"started with garbage ({error})") from None

    def detach(self) -> None:
        """Close the pipes: from now on the links connect us."""
        for worker in self._workers.values():
            for pipe in (worker.stdin, worker.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()

    def describe_exit(self, node: int, wait: float = 1.0) -> str:
        """How the worker ended, in words for the user; it gets `wait` seconds to do so."""
        try:
            status = self._workers[node].wait(wait)
        except subprocess.TimeoutExpired:
            return "closed its connection but still runs"
        if status >= 0:
            return f"its process ended (status {status})"
        return f"its process was killed (signal {-status}, {signal.strsignal(-status)})"

    def exited(self, node: int) -> bool:
        return self._workers[node].poll() is not None

    def died(self, wait: float = 0.5) -> int | None:
        """A worker that ended of its own: killed, or by a fault, not because another one had gone. It gets
        `wait` seconds to be seen; None when there is none."""
        deadline = monotonic() + wait
        while True:
            ended = {node: status for node, worker in self._workers.items() if (status := worker.poll()) is not None}
            guilty = [node for node, status in ended.items() if status not in (0, GAVE_UP)]
            if guilty:
                return min(guilty, key=lambda node: (ended[node] > 0, node))  # killed ones first
            if monotonic() >= deadline:
                return None
            sleep(0.01)

    def cpu_ticks(self, node: int) -> int:
        """CPU time that the process used so far, in clock ticks; 0 where the system does not tell."""
        try:
            with open(f"/proc/{self._workers[node].pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            return 0
        return int(fields[11]) + int(fields[12])  # utime, stime

    def end(self) -> None:
        """Wait for workers whose links were closed, kill those that stay (stopped ones too), reap all."""
        if self._keeper.ident is not None:
            self._started.wait()
        self.detach()
        deadline = monotonic() + GRACE
        for worker in self._workers.values():
            try:
                worker.wait(max(0.0, deadline - monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
        for worker in self._workers.values():
            worker.wait()
        self._released.set()
        if self._keeper.is_alive():
            self._keeper.join()


def _spawn(node: int) -> subprocess.Popen[bytes]:
    # -P: the folder that the user works in is not a place to import from.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "enigmalang.node.worker", "--node", str(node)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_KEPT_MEMORY | os.environ | _ONE_THREAD,
        bufsize=0,
    )
