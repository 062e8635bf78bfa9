"""The coordinator's side of the control plane: links to all workers, and waiting for their replies.

A reading thread per worker turns frames into events in one queue; the thread that waits takes them from
there, so the death of any worker is seen at once, whoever is being waited for.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeVar

from enigmalang.node.patience import start_seconds
from enigmalang.node.processes import Processes, WorkerFault
from enigmalang.node.watch import STEP, Watch
from enigmalang.transport.identity import new_key
from enigmalang.transport.links import PeerGone, ReceiveLink, SendLink
from enigmalang.transport.mesh import Listener, connect
from enigmalang.transport.network import PeerError
from enigmalang.wire import messages as msg
from enigmalang.wire.errors import WireError
from enigmalang.wire.frames import Buffer

COORDINATOR = 0
T = TypeVar("T", bound=msg.Message)


class NodeFault(Exception):
    """Node `node` is gone, hangs, or broke the protocol; node 0 is this process. The text is for the user."""

    def __init__(self, node: int, reason: str, code: str = "E0703") -> None:
        super().__init__(f"node {node}: {reason}" if node else reason)
        self.node = node
        self.reason = reason
        self.code = code  # of the diagnostic, as EngineError.code


@dataclass(frozen=True, slots=True)
class _Lost:
    """A worker's link ended; `broken` says how when the worker itself may still run."""

    broken: str | None

    @staticmethod
    def by(error: PeerError) -> "_Lost":
        return _Lost(None if isinstance(error, PeerGone) else error.reason)


_Event = tuple[int, msg.Reply | _Lost]


class Control:
    """Links to workers 1..n. `connect`, then `send_all` and `collect` by one thread; `close` by any."""

    def __init__(self, n: int, t: int, field: str, processes: Processes, timeout: float) -> None:
        self._nodes = range(1, n + 1)
        start = start_seconds(n, timeout)
        self._boot = [msg.Bootstrap(msg.VERSION, node, n, t, field, start) for node in self._nodes]
        self._processes = processes
        self._timeout = timeout
        self._watch = Watch(n, timeout, processes.cpu_ticks)
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._senders: dict[int, SendLink] = {}
        self._receivers: dict[int, ReceiveLink] = {}
        self._threads: list[threading.Thread] = []
        self._sent = 0
        self._closed = False

    def connect(self, deadline: float) -> None:
        """Introduce the workers to each other and link up with them.

        `deadline` is on the monotonic clock. Raises WorkerFault, PeerError or NodeFault naming the worker.
        """
        try:
            self._connect(deadline)
        except (PeerError, NodeFault):
            # Those who miss a dead worker are heard before it is: how it ended says more.
            died = self._processes.died()
            if died is None:
                raise
            raise NodeFault(died, self._processes.describe_exit(died), "E0701") from None

    def _connect(self, deadline: float) -> None:
        for boot in self._boot:
            self._processes.send(boot.node, msg.encode_message(boot))
        key = new_key("enigmalang coordinator")
        listener = Listener()
        try:
            members = [self._introduction(node, deadline) for node in self._nodes]
            registry = msg.Registry([msg.Member(COORDINATOR, listener.port, key.certificate), *members])
            for node in self._nodes:
                self._processes.send(node, msg.encode_message(registry))
            self._processes.detach()
            addresses = {member.number: (member.port, member.certificate) for member in members}
            self._senders, self._receivers = connect(COORDINATOR, key, listener, addresses, deadline)
        finally:
            listener.close()
        for node, link in self._receivers.items():
            thread = threading.Thread(target=self._read, args=(node, link), name=f"read-{node}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._await_ready()

    def _introduction(self, node: int, deadline: float) -> msg.Member:
        body = self._processes.receive(node, deadline)
        try:
            member = msg.decode_as(msg.Introduction, body).member
        except WireError as error:
            raise WorkerFault(node, f"started with garbage ({error})") from None
        if member.number != node:
            raise WorkerFault(node, f"introduced itself as node {member.number}")
        return member

    def _read(self, node: int, link: ReceiveLink) -> None:
        while True:
            try:
                _, body = link.receive_any()
                reply = msg.decode_reply(body)
            except PeerError as error:
                self._events.put((node, _Lost.by(error)))
                return
            except WireError as error:
                self._events.put((node, _Lost(str(error))))
                return
            if isinstance(reply, msg.Heartbeat):
                self._watch.beat(node, reply)
            else:
                self._events.put((node, reply))

    def send_all(self, message: msg.Message) -> None:
        """One message to every worker. Raises NodeFault."""
        self._send(self._nodes, msg.encode_message(message))

    def send_input(self, nodes: Iterable[int], number: int, masked: Buffer) -> None:
        """The next masked value of request `number`, which must not change afterwards. Raises NodeFault."""
        announced = msg.encode_message(msg.Input(number, len(masked)))
        self._send(nodes, announced)
        self._send(nodes, masked)

    def _send(self, nodes: Iterable[int], body: Buffer) -> None:
        self._sent += 1
        for node in nodes:
            try:
                self._senders[node].send(self._sent, body)
            except PeerError as error:
                raise self._lost(node, _Lost.by(error)) from None

    def collect(self, kind: type[T], number: int) -> dict[int, T]:
        """The reply of this kind, to request `number`, of every worker.

        Raises NodeFault as soon as one is gone or faulty, and when one hangs for the cluster's time-out.
        """
        replies: dict[int, T] = {}
        self._watch.begin()
        while len(replies) < len(self._nodes):
            event = self._next_event(set(self._nodes) - replies.keys())
            if event is None:
                continue
            node, reply = event
            if not isinstance(reply, kind) or getattr(reply, "number", number) != number or node in replies:
                raise NodeFault(node, f"replied with {type(reply).__name__}, expected {kind.__name__}")
            replies[node] = reply
        return replies

    def _await_ready(self) -> None:
        self.collect(msg.Ready, 0)

    def _next_event(self, awaited: set[int]) -> tuple[int, msg.Reply] | None:
        try:
            node, event = self._events.get(timeout=STEP)
        except Empty:
            hanging = self._watch.look(awaited)
            if hanging is not None:
                raise NodeFault(*hanging, "E0702") from None
            return None
        if isinstance(event, _Lost):
            raise self._lost(node, event)
        if isinstance(event, msg.Fault):
            raise self._blamed(node, event)
        return node, event

    def _lost(self, node: int, lost: _Lost) -> NodeFault:
        if self._closed:
            return NodeFault(COORDINATOR, "the cluster was closed")
        if lost.broken is not None and not self._processes.exited(node):
            return NodeFault(node, lost.broken)
        return NodeFault(node, self._processes.describe_exit(node), "E0701")

    def _blamed(self, node: int, fault: msg.Fault) -> NodeFault:
        # A node that reports a peer gone is usually right; how that peer ended, we know better.
        if fault.peer not in self._nodes:
            return NodeFault(node, fault.text)
        if fault.gone:
            reason = self._processes.describe_exit(fault.peer)
            return NodeFault(fault.peer, reason, "E0701")
        return NodeFault(fault.peer, f"{fault.text} (says node {node})")

    def close(self) -> None:
        """Close all links, which ends the workers; join the reading threads; wake whoever waits."""
        self._closed = True
        for receiver in self._receivers.values():
            receiver.wake()
        for thread in self._threads:
            thread.join()
        for sender in self._senders.values():
            sender.close()
        for receiver in self._receivers.values():
            receiver.close()
        self._events.put((COORDINATOR, _Lost(None)))
