"""A cluster in one process: the same coordinator and the same nodes, as threads that talk through memory.

What they compute on are zeros, so nothing has to be hidden and nothing leaves the process; their keys are always the
same, so that a program always costs the same. Every count is that of a cluster of processes, for it is the same code
that counts. Preprocessing is what a session starts with: nothing is made ahead in pauses, which depends on time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import partial
from hashlib import sha256
from queue import SimpleQueue
from typing import TypeVar

from enigmalang.circuits.circuit import Array, Circuit
from enigmalang.circuits.table import table_of
from enigmalang.execute.ports import EngineError, RunResult
from enigmalang.fields import field_named
from enigmalang.node.cluster import Cluster, check_numbers
from enigmalang.node.control import COORDINATOR, NodeFault
from enigmalang.node.costing.meter import Meter, MeteredRun, Place, Spent
from enigmalang.node.session import Session
from enigmalang.sharing import ArithShare, Keys, structure
from enigmalang.sharing.keys import shared_groups
from enigmalang.source import Span
from enigmalang.transport.memory import MemoryNetwork, memory_networks
from enigmalang.transport.network import PeerError
from enigmalang.wire import messages as msg
from enigmalang.wire.errors import WireError
from enigmalang.wire.frames import Buffer

T = TypeVar("T", bound=msg.Message)
#: Seconds that one node may compute while others wait for it: a bound for bugs, not for programs.
PATIENCE = 3600.0
#: The mask of what no client ever masked; those of requests count from 1.
UNMASKED = 0
#: Rows of so many are sorted by comparing all pairs, whatever their order (`mpc.sort`).
ALL_PAIRS = 181
_Asked = msg.Message | tuple[msg.Input, Buffer] | None


class _Node:
    """One node, in a thread of its own."""

    def __init__(self, network: MemoryNetwork, t: int, field: str, replies: SimpleQueue[tuple[int, object]]) -> None:
        self.number = network.me
        self.meter = Meter()
        self.session: Session | None = None
        self.asked: SimpleQueue[_Asked] = SimpleQueue()
        self._network, self._replies = network, replies
        self.thread = threading.Thread(
            target=self._serve, args=(t, field), name=f"rehearsal {self.number}", daemon=True)

    def _serve(self, t: int, field: str) -> None:
        try:
            self.session = Session(field, t, self._network, partial(MeteredRun, self.meter),
                                   keys=_same_keys(self.number, self._network.n, t))
            self._replies.put((self.number, msg.Ready()))
            while (asked := self.asked.get()) is not None:
                self._answer(self.session, asked)
        except BaseException as error:  # noqa: BLE001 — told by the thread that waits for a reply
            self._replies.put((self.number, error))
            self._network.fail()

    def _answer(self, session: Session, asked: msg.Message | tuple[msg.Input, Buffer]) -> None:
        if isinstance(asked, tuple):
            session.take(*asked)
            return
        reply = session.answer(msg.decode_request(msg.encode_message(asked)))
        if reply is not None:
            self._replies.put((self.number, reply))


def _same_keys(me: int, n: int, t: int) -> Keys:
    """The same in every rehearsal, so that random orders, and with them costs, are the same too."""
    shape = structure(n, t)
    sets = {group: sha256(repr(group).encode()).digest() for peer in shape.parties if peer != me
            for group in shared_groups(shape, me, peer)}
    return Keys(me, shape, sets)


class _Threads:
    """What `Cluster` wants of its `Control`, without processes and links."""

    def __init__(self, n: int, t: int, field: str) -> None:
        self._replies: SimpleQueue[tuple[int, object]] = SimpleQueue()
        self.nodes = [_Node(network, t, field, self._replies) for network in memory_networks(n, PATIENCE)]
        for node in self.nodes:
            node.thread.start()
        self.collect(msg.Ready, 0)

    def send_all(self, message: msg.Message) -> None:
        for node in self.nodes:
            node.asked.put(message)

    def send_input(self, nodes: Iterable[int], number: int, masked: Buffer) -> None:
        for node in nodes:
            self.nodes[node - 1].asked.put((msg.Input(number, len(masked)), masked))

    def collect(self, kind: type[T], number: int) -> dict[int, T]:
        """See `Control.collect`. A fault of a node is raised here."""
        found: dict[int, T] = {}
        while len(found) < len(self.nodes):
            node, reply = self._replies.get()
            if isinstance(reply, PeerError | WireError):
                raise NodeFault(node, str(reply))
            if isinstance(reply, BaseException):
                raise reply
            if not isinstance(reply, kind):
                raise NodeFault(COORDINATOR, f"node {node} replied with {type(reply).__name__}")
            found[node] = reply
        return found

    def close(self) -> None:
        for node in self.nodes:
            node.asked.put(None)
        for node in self.nodes:
            node.thread.join()


class Rehearsal(Cluster):
    """An `Engine` whose nodes are threads; it also knows where in the source the costs come from. A context manager."""

    _threads: _Threads
    #: The place of what has none of its own, such as the check of a private argument's range.
    at: Span | None = None
    #: Whether something was sorted in batches that depend on a random order.
    long_sorts = False

    @classmethod
    def of(cls, nodes: int, threshold: int | None, field: str) -> Rehearsal:
        """Raises ValueError for impossible numbers."""
        made = cls(nodes, check_numbers(nodes, threshold, field, PATIENCE), field, PATIENCE)
        made._threads = _Threads(made.n, made.t, field)
        made._control = made._threads  # type: ignore[assignment]  # the part of it that a cluster uses
        return made

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = (),
            handles: Sequence[int] | None = None) -> RunResult:
        """See `Engine.run`."""
        spans = _places(circuit, self.at)
        self.long_sorts = self.long_sorts or _sorts_many(circuit)
        for node in self._threads.nodes:
            node.meter.spans = spans
        return super().run(circuit, inputs, recipients, handles)

    def admit(self, mask: int, masked: bytes, shapes: Sequence[tuple[int, ...]], handles: Sequence[int]) -> None:
        """See `Engine.admit`. With mask UNMASKED every node holds sharings of zeros, as if an earlier run had kept
        them, which costs nothing.
        """
        if mask != UNMASKED:
            super().admit(mask, masked, shapes, handles)
            return
        for node in self._threads.nodes:
            if node.session is None:
                raise EngineError("the rehearsal did not start")
            for handle, shape in zip(handles, shapes, strict=True):
                kind = field_named(self.field)
                node.session.hold(handle, ArithShare(kind, kind.zeros(tuple(shape))))

    def __enter__(self) -> Rehearsal:
        return self

    def lines(self) -> dict[Place, Spent]:
        """By line, of the node that sends most."""
        meters = [node.meter for node in self._threads.nodes]
        return max(meters, key=lambda meter: sum(spent.counts[0] for spent in meter.lines.values())).lines


def _places(circuit: Circuit, otherwise: Span | None) -> list[Span | None]:
    """A place for each node: of several that an operation became, the last has one, and those before it have its."""
    table = table_of(circuit.nodes)
    spans: list[Span | None] = list(table.spans) if table.spans else [None] * len(table)
    starts, args = table.starts.tolist(), table.args.tolist()
    for number in reversed(range(len(table))):
        if spans[number] is None:
            continue
        for arg in args[starts[number] : starts[number + 1]]:
            if spans[arg] is None:
                spans[arg] = spans[number]
    return [span or otherwise for span in spans]


def _sorts_many(circuit: Circuit) -> bool:
    """Whether a sort does more than compare all pairs at once (`mpc.sort`), or looks for some ranks only."""
    table = table_of(circuit.nodes)
    nodes = [table[number] for number in table.where("sort").tolist()]
    return any(circuit.nodes[node.args[0]].shape[-1] > ALL_PAIRS or node.attrs["ranks"] is not None for node in nodes)
