"""What moves the DHT's state machine (`dht.machine`): its questions go out over the channels, its timers run.

Threads: one for the timers; those of a pool, in which peers are asked and records checked; requests of peers come in
the channels' threads. The machine is behind a lock, and nothing is done under it that waits.
"""

import heapq
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import count
from time import monotonic
from typing import Any, Protocol, assert_never

from enigmalang.dht import ports
from enigmalang.dht.machine import Machine
from enigmalang.node.daemon.storing import messages as m
from enigmalang.transport.peering.errors import PeeringError, Refusal
from enigmalang.wire import dht_messages as dm
from enigmalang.wire.errors import WireError

#: Questions to other nodes that are under way at once.
ASKING = 24
#: Seconds that a local request may take: a lookup among silent nodes ends before.
PATIENCE = 60.0


class Store(Protocol):
    """Storage, as far as routing needs it. Called by many threads."""

    def answer(self, peer: str, request: dm.Store | dm.Offer | dm.FindValue
               ) -> dm.Stored | dm.Have | dm.Value | None:
        """What `peer` asked for. None: there is no such record."""
        ...

    def judge(self, name: bytes, record: bytes) -> int | None:
        """The record's version, None if it is not valid."""
        ...

    @property
    def free(self) -> int:
        """Bytes that can still be taken."""
        ...


class Driver:
    """Runs `machine` from `start` to `close`. `ask` asks a peer (`Channels.ask`); `bug` hears of faults of our own;
    `neighbours` that a node came near, or went."""

    def __init__(self, machine: Machine, store: Store, ask: Callable[[str, bytes, float], bytes],
                 due: Callable[[ports.Chore], None], neighbours: Callable[[], None],
                 bug: Callable[[Exception], None]) -> None:
        self.me = machine.me
        self._machine, self._store, self._ask_peer = machine, store, ask
        self._due, self._neighbours, self._bug = due, neighbours, bug
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(ASKING, "dht")
        self._timers: list[tuple[float, int, ports.Timer]] = []
        self._changed = threading.Condition()
        self._closed = False
        self._tickets = count(1)
        self._waiting: dict[int, Future[Any]] = {}
        self._thread = threading.Thread(target=self._run, name="dht-timers", daemon=True)

    def start(self, bootstrap: Sequence[str]) -> None:
        """Join through these nodes; tried again later if none is there. Returns at once."""
        self.post(ports.Room(self._store.free))
        self._thread.start()
        self.join(bootstrap)

    def join(self, nodes: Sequence[str]) -> None:
        """Find this node's place through these nodes too. Returns at once."""
        self.post(ports.Join(next(self._tickets), tuple(nodes)))

    def close(self, seconds: float) -> None:
        """Whoever waits for a lookup gets its end as `TimeoutError`."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)
        self._pool.shutdown(wait=False, cancel_futures=True)
        for waiting in list(self._waiting.values()):
            waiting.cancel()

    # ---- asked by others

    def answer(self, peer: str, request: dm.Request) -> dm.Reply:
        """The reply to a request of a node. Raises Refusal for one that the view of the hub does not have yet."""
        reply: dm.Reply | None = None
        with self._lock:
            effects = self._machine.handle(ports.Heard(peer, request), monotonic())
        for effect in effects:
            match effect:
                case ports.Answer(to, message) if to == peer and message.number == request.number:
                    reply = message
                case ports.Hand(to, handed, otherwise) if to == peer and handed is request:
                    reply = self._store.answer(peer, handed) or otherwise
                case _:
                    self._carry(effect)
        if reply is None:
            raise Refusal("no node that is known here")
        return reply

    # ---- asked by this node

    def rank(self, name: bytes, size: int) -> tuple[str, ...]:
        """Who should hold `size` bytes under `name`, the best first. Raises TimeoutError."""
        found: ports.Found = self._local(lambda ticket: ports.Rank(ticket, name, size))
        return found.nodes

    def find(self, target: int) -> tuple[str, ...]:
        """The nodes nearest to a place that answer, without this one. Raises TimeoutError."""
        found: ports.Found = self._local(lambda ticket: ports.Find(ticket, target))
        return found.nodes

    def get(self, name: bytes, copies: int) -> ports.Got:
        """The record under `name` that others have. Raises TimeoutError."""
        found: ports.Got = self._local(lambda ticket: ports.Get(ticket, name, copies))
        return found

    @property
    def k(self) -> int:
        """How many nodes are near to a key."""
        return self._machine.settings.k

    def contacts(self) -> list[str]:
        with self._lock:
            return self._machine.contacts()

    def snapshot(self) -> dict[str, Any]:
        with self._lock:
            return self._machine.snapshot()

    def left(self, address: str, place: int) -> None:
        """A node is not registered any more."""
        self.post(ports.Left(address, place))

    def room(self) -> None:
        """What is free may have changed."""
        self.post(ports.Room(self._store.free))

    def _local(self, request: Callable[[int], ports.LocalRequest]) -> Any:
        ticket = next(self._tickets)
        waiting: Future[Any] = Future()
        self._waiting[ticket] = waiting
        try:
            if self._closed:
                raise TimeoutError("the node stops")
            self.post(request(ticket))
            return waiting.result(PATIENCE)
        except CancelledError:
            raise TimeoutError("the node stops") from None
        finally:
            del self._waiting[ticket]

    # ---- the machine

    def post(self, event: ports.Event) -> None:
        """Hand an event to the machine and carry out what comes of it."""
        with self._lock:
            effects = self._machine.handle(event, monotonic())
        for effect in effects:
            self._carry(effect)

    def _carry(self, effect: ports.Effect) -> None:
        match effect:
            case ports.Ask(peer, message):
                self._submit(lambda: self._ask(peer, message))
            case ports.Check(number, name, record):
                self._submit(lambda: self.post(ports.Judged(number, self._store.judge(name, record))))
            case ports.SetTimer(at, timer):
                self._set(at, timer)
            case ports.Due(chore):
                self._due(chore)
            case ports.Neighbour():
                self._neighbours()
            case ports.Found(ticket) | ports.Got(ticket) | ports.Placed(ticket):
                waiting = self._waiting.get(ticket)
                if waiting is not None and not waiting.done():
                    waiting.set_result(effect)
            case ports.Answer() | ports.Hand():
                raise AssertionError("an answer to no request")
            case _:
                assert_never(effect)

    def _submit(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001  nobody waits for this thread: the fault is told
                self._bug(error)

        try:
            self._pool.submit(guarded)
        except RuntimeError:
            if not self._closed:
                raise

    def _ask(self, peer: str, message: dm.Request) -> None:
        """Ask, and report the reply. What is no reply is as bad as none."""
        seconds = self._machine.settings.reply
        try:
            if peer == self.me:
                reply = self.answer(peer, message)
            else:
                body = bytes([m.TOPIC]) + m.encode(message)
                reply = dm.decode_reply(self._ask_peer(peer, body, seconds))
        except (PeeringError, WireError, Refusal):
            self.post(ports.Lost(peer, message.number))
        else:
            self.post(ports.Heard(peer, reply))

    # ---- timers

    def _set(self, at: float, timer: ports.Timer) -> None:
        with self._changed:
            first = self._timers[0][0] if self._timers else float("inf")
            heapq.heappush(self._timers, (at, next(self._tickets), timer))
            if at < first:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (not self._timers or self._timers[0][0] > monotonic()):
                    self._changed.wait(self._timers[0][0] - monotonic() if self._timers else None)
                if self._closed:
                    return
                timer = heapq.heappop(self._timers)[2]
            try:
                self.post(ports.Fired(timer))
            except Exception as error:  # noqa: BLE001  without its timers the node is deaf: it is told, and goes on
                self._bug(error)
