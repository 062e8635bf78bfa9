"""The `Engine` that a node is to itself: the interpreter of a job runs inside the node, and what it traces is run with
the other nodes, who trace the same. No coordinator ships a circuit; before one runs, the nodes compare digests.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NoReturn

from enigmalang.circuits.circuit import Array, Circuit
from enigmalang.execute.ports import EngineStats, RunResult, Sealed
from enigmalang.node.session import Session
from enigmalang.wire import messages as msg
from enigmalang.wire.arrays import decode_array
from enigmalang.wire.codec import digest, encode_circuit

#: A node's own numbers, for requests that no coordinator made, and for what it keeps.
FIRST = 1 << 48
#: Circuits that are kept, in case they run again.
KEPT = 64


class NodeEngine:
    """Runs circuits with the other nodes of the session. Each sealed output has this node's piece alone."""

    def __init__(self, session: Session, field: str) -> None:
        self.field = field
        self._session = session
        self._number = FIRST
        self._last: OrderedDict[bytes, None] = OrderedDict()  # digests of the circuits that the session keeps

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = (),
            handles: Sequence[int] | None = None) -> RunResult:
        """See `Engine.run`; there are no inputs in the clear. Raises PeerError, WireError."""
        if inputs:
            raise ValueError("a node gives no inputs of its own")
        self._number += 1
        data = encode_circuit(circuit)
        name = digest(data)
        self._last[name] = None
        self._last.move_to_end(name)
        drop = [self._last.popitem(last=False)[0]] if len(self._last) > KEPT else []
        done = self._session.answer(msg.Job(
            self._number, name, data, drop, [], list(recipients), list(handles or ())))
        assert isinstance(done, msg.Done)
        sealed = [Sealed(circuit.nodes[output.node].shape, (piece,))
                  for output, piece in zip(circuit.outputs, done.sealed, strict=True)]
        return RunResult(tuple(map(decode_array, done.opened)), tuple(sealed))

    def reserve(self, size: int) -> NoReturn:
        raise NotImplementedError("masks are for clients")

    def admit(self, mask: int, masked: bytes, shapes: Sequence[tuple[int, ...]], handles: Sequence[int]) -> None:
        """See `Engine.admit`. Raises WireError."""
        self._number += 1
        rows = [list(shape) for shape in shapes]
        self._session.answer(msg.Admit(self._number, mask, masked, rows, list(handles)))

    def unseal(self, sealed: Sealed, private_key: bytes, form_bits: bool) -> NoReturn:
        raise NotImplementedError("a node opens nothing that is sealed")

    def forget(self, handles: Sequence[int]) -> None:
        self._session.answer(msg.Forget(list(handles)))

    def stats(self) -> EngineStats:
        found = self._session.answer(msg.AskStats(0))
        assert isinstance(found, msg.Stats)
        counts = found.counters
        return EngineStats(counts["rounds"], counts["bytes_sent"], counts["products"], counts["ands"],
                           counts["comparisons"])

    def close(self) -> None:
        """Nothing is held."""
