"""The network of a session: worker processes that start while the person types, and stay.

Every request is made in one thread of its own, and the caller waits for it. So Ctrl-C ends the *waiting*: the nodes,
which cannot stop in the middle of a circuit without losing what they hold, finish it behind the prompt, and what it
would have kept is forgotten. The next request waits its turn.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, TypeVar

from enigmalang.circuits.circuit import Array, Circuit
from enigmalang.execute.ports import EngineError, EngineStats, RunResult, Sealed

if TYPE_CHECKING:
    from enigmalang.node.cluster import Cluster
    from enigmalang.node.processes import Processes

T = TypeVar("T")
#: Seconds after which whoever waits for the nodes looks up, for Ctrl-C.
AWAKE = 0.5


class Network:
    """An `Engine`. It is started at once, in the background, of `workers` that were started before if there are any;
    `close` ends every worker."""

    def __init__(
        self, nodes: int, threshold: int | None, field: str, timeout: float, workers: "Processes | None" = None,
    ) -> None:
        self.nodes = nodes
        self.threshold = (nodes - 1) // 2 if threshold is None else threshold
        self.field = field
        self._timeout = timeout
        self._workers = workers
        self._closed = False
        self._lost: EngineError | None = None  # what ended the nodes, as it was first seen
        self._stopped: Future[Any] | None = None  # what nobody waits for any more
        self._pool = ThreadPoolExecutor(1, "network")
        self._started: Future[Cluster] = self._pool.submit(self._start)

    def _start(self) -> "Cluster":
        from enigmalang.node.cluster import Cluster

        cluster = Cluster.start(self.nodes, self.threshold, self.field, self._timeout, self._workers)
        if self._closed:
            cluster.close()
        return cluster

    # ---- how it is

    @property
    def state(self) -> str:
        """In a word, without waiting: "starting", "ready", "lost"."""
        if not self._started.done():
            return "starting"
        return "ready" if self.failure() is None else "lost"

    @property
    def ending(self) -> bool:
        """Whether the nodes are still at what was stopped: the next request waits for its end."""
        return self._stopped is not None and not self._stopped.done()

    def wait(self) -> None:
        """Until the nodes have started, or could not."""
        self._started.exception()

    def failure(self) -> str | None:
        """Why nothing can be computed any more; None while all is well, or nothing is known yet. It stays the same."""
        if self._lost is None and (failure := self._failure_now()) is not None:
            self._lost = EngineError(failure, "E0701")
        return None if self._lost is None else str(self._lost)

    def _failure_now(self) -> str | None:
        if not self._started.done():
            return None
        error = self._started.exception()
        return str(error) if error is not None else self._started.result().failure()

    @property
    def pids(self) -> dict[int, int]:
        """Process ids by node, as soon as they have started."""
        return self._started.result().pids

    # ---- the Engine port

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = (),
            handles: Sequence[int] | None = None) -> RunResult:
        given = threading.Event()
        numbers = [number if handles is None else handles[number] for _, number in circuit.keeps]

        def work(cluster: "Cluster") -> RunResult:
            result = cluster.run(circuit, inputs, recipients, handles)
            if given.is_set():
                cluster.forget(numbers)
            return result

        return self._asked(work, given)

    def reserve(self, size: int) -> tuple[int, Array]:
        return self._asked(lambda cluster: cluster.reserve(size))

    def admit(self, mask: int, masked: bytes, shapes: Sequence[tuple[int, ...]], handles: Sequence[int]) -> None:
        self._asked(lambda cluster: cluster.admit(mask, masked, shapes, handles))

    def unseal(self, sealed: Sealed, private_key: bytes, form_bits: bool) -> Array:
        return self._asked(lambda cluster: cluster.unseal(sealed, private_key, form_bits), local=True)

    def forget(self, handles: Sequence[int]) -> None:
        self._asked(lambda cluster: cluster.forget(handles))

    def stats(self) -> EngineStats:
        return self._asked(lambda cluster: cluster.stats())

    def _asked(
        self, work: "Callable[[Cluster], T]", given_up: threading.Event | None = None, local: bool = False,
    ) -> T:
        """What `work` gives; `local`: no node has a part in it. Raises EngineError: with the same text each time that
        the nodes are asked after they were lost."""
        if self._closed:
            raise EngineError("the network is closed")
        if self._lost is not None and not local:
            raise EngineError(str(self._lost), self._lost.code)
        future: Future[T] | None = None
        try:
            future = self._pool.submit(lambda: work(self._started.result()))
            while not future.done():  # a Ctrl-C just before a wait begins is seen when that wait ends
                wait((future,), AWAKE)
            return future.result()
        except EngineError as error:
            if self._lost is None and self._failure_now() is not None:
                self._lost = error
            raise
        except KeyboardInterrupt:
            if future is not None and not future.cancel():
                self._stopped = future
            if given_up is not None:
                given_up.set()
            raise

    def close(self) -> None:
        """End all workers, whatever they do, and wait until they are gone."""
        self._closed = True
        self._close_started()  # ends what runs there
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._close_started()

    def _close_started(self) -> None:
        if self._started.done() and not self._started.cancelled() and self._started.exception() is None:
            self._started.result().close()
