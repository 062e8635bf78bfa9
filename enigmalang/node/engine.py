"""The `Engine` that a node is to itself: the interpreter of a job runs inside the node, and what it traces is run with
the other nodes, who trace the same. No coordinator ships a circuit; before one runs, the nodes compare digests.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NoReturn

from enigmalang.circuits.circuit import Array, Circuit
from enigmalang.execute.ports import EngineStats, RunResult, Sealed
from enigmalang.node.session import Session
from enigmalang.plan.calls import WrongSide
from enigmalang.sharing import Share
from enigmalang.wire import messages as msg
from enigmalang.wire.arrays import decode_array
from enigmalang.wire.codec import digest, encode_circuit

#: A node's own numbers, for requests that no coordinator made, and for what it keeps.
FIRST = 1 << 48
#: Circuits that are kept, in case they run again, and the bytes of all of them on the wire. Each node drops the same.
KEPT, KEPT_BYTES = 64, 1 << 24


class NodeEngine:
    """Runs circuits with the other nodes of the session. Each sealed output has this node's piece alone.

    Handles are the process's own; nodes compare those of the session, which are counted as they come up here.
    """

    def __init__(self, session: Session, field: str) -> None:
        self.field = field
        self.job: int | None = None  # which masks are used for
        self._session = session
        self._number = FIRST
        self._handles: dict[int, int] = {}  # the session's, by the process's
        self._next = FIRST
        self._last: OrderedDict[bytes, int] = OrderedDict()  # what the session keeps: digests, and bytes on the wire

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = (),
            handles: Sequence[int] | None = None) -> RunResult:
        """See `Engine.run`; there are no inputs in the clear. Raises PeerError, WireError."""
        if inputs:
            raise ValueError("a node gives no inputs of its own")
        self._number += 1
        data = encode_circuit(circuit)
        name = digest(data)
        drop = self._keep(name, len(data))
        done = self._session.answer(msg.Job(
            self._number, name, data, drop, [], list(recipients), self._named(handles or ())))
        assert isinstance(done, msg.Done)
        sealed = [Sealed(circuit.nodes[output.node].shape, (piece,))
                  for output, piece in zip(circuit.outputs, done.sealed, strict=True)]
        return RunResult(tuple(map(decode_array, done.opened)), tuple(sealed))

    def reserve(self, size: int) -> NoReturn:
        raise WrongSide("masks are for clients")

    def admit(self, mask: int, masked: bytes, shapes: Sequence[tuple[int, ...]], handles: Sequence[int]) -> None:
        """See `Engine.admit`. Raises WireError."""
        self._number += 1
        rows = [list(shape) for shape in shapes]
        self._session.admit(msg.Admit(self._number, mask, masked, rows, self._named(handles)), self.job)

    def hold(self, handle: int, share: Share) -> None:
        """Keep a share under `handle`, as if a circuit had kept it."""
        (own,) = self._named([handle])
        self._session.hold(own, share)

    def share(self, handle: int) -> Share:
        """What is kept under `handle`. KeyError for nothing."""
        return self._session.share(self._handles[handle])

    @property
    def run_name(self) -> bytes:
        """Equal at all nodes that have run the same, and unlike what it was before the last circuit, for ever."""
        return self._session.name + self._number.to_bytes(8, "big")

    @property
    def pieces(self) -> int:
        """Of a shared bit, that this node has."""
        return self._session.pieces

    def _keep(self, name: bytes, size: int) -> list[bytes]:
        """Which circuits go for this one."""
        self._last[name] = size
        self._last.move_to_end(name)
        dropped = []
        while len(self._last) > 1 and (len(self._last) > KEPT or sum(self._last.values()) > KEPT_BYTES):
            dropped.append(self._last.popitem(last=False)[0])
        return dropped

    def _named(self, handles: Sequence[int]) -> list[int]:
        made = []
        for handle in handles:
            if handle not in self._handles:
                self._next += 1
                self._handles[handle] = self._next
            made.append(self._handles[handle])
        return made

    def unseal(self, sealed: Sealed, private_key: bytes, form_bits: bool) -> NoReturn:
        raise WrongSide("a node opens nothing that is sealed")

    def forget(self, handles: Sequence[int]) -> None:
        known = [self._handles.pop(handle) for handle in handles if handle in self._handles]
        self._session.answer(msg.Forget(known))

    def stats(self) -> EngineStats:
        found = self._session.answer(msg.AskStats(0))
        assert isinstance(found, msg.Stats)
        counts = found.counters
        return EngineStats(counts["rounds"], counts["bytes_sent"], counts["products"], counts["ands"],
                           counts["comparisons"])

    def close(self) -> None:
        """Nothing is held."""
