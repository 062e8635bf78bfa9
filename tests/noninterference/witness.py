"""An engine of real parties in threads that writes down the circuits and the sizes of all messages received."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array, Circuit, Form
from enigmalang.circuits.table import table_of
from enigmalang.execute.ports import EngineStats, RunResult, Sealed
from enigmalang.fields import field_named, pack_bits
from enigmalang.mpc.machine import execute
from enigmalang.mpc.outputs import unseal
from enigmalang.mpc.party import Party
from enigmalang.mpc.setup import exchange_keys
from enigmalang.sharing import ArithShare, BitShare, Share, structure
from enigmalang.sharing.shamir import share
from enigmalang.transport.memory import run_parties
from enigmalang.wire.codec import encode_circuit


def with_handles(circuit: Circuit, handles: Sequence[int]) -> Circuit:
    """`circuit` with `handles[h]` for each handle h."""
    table = table_of(circuit.nodes)
    nodes = table.with_attrs(table.where("load").tolist(), lambda attrs: {"handle": handles[attrs["handle"]]})
    return replace(circuit, nodes=nodes, keeps=tuple((node, handles[handle]) for node, handle in circuit.keeps))


class Recorder:
    """A network that keeps the number of the round, the sender and the size of each message its party receives."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.me, self.n = inner.me, inner.n
        self.seen: list[tuple[int, int, int]] = []

    def exchange(self, tag: int, sends: Any, expects: Any) -> Any:
        received = self._inner.exchange(tag, sends, expects)
        self.seen += [(tag, peer, len(data)) for peer, data in sorted(received.items())]
        return received

    def flush(self) -> None:
        self._inner.flush()


class WitnessEngine:
    """An `Engine` of `n` parties in this process. `trace`: for each run the circuit's hash and what parties saw."""

    def __init__(self, field: str, n: int = 3, t: int = 1) -> None:
        self.field = field
        self._field, self._shape = field_named(field), structure(n, t)
        self.n, self.t = n, t
        self._memory: list[dict[int, Share]] = [{} for _ in range(n)]
        self.trace: list[tuple[str, list[list[tuple[int, int, int]]]]] = []
        self._names: dict[int, int] = {}

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = (),
            handles: Sequence[int] | None = None) -> RunResult:
        if handles is not None:
            circuit = with_handles(circuit, handles)
        forms = {n.attrs["slot"]: (n.form, n.shape) for n in circuit.nodes if n.op == "input"}
        dealt = {slot: self._deal(inputs[slot], *forms[slot]) for slot in forms}
        label = f"run {len(self.trace)}".encode()

        def body(network: Any) -> Any:
            keys = exchange_keys(network, self.t)
            recorder = Recorder(network)
            party = Party(recorder, keys, self._field, label)
            mine = {slot: shares[party.me] for slot, shares in dealt.items()}
            return execute(party, circuit, mine, self._memory[party.me - 1], recipients), recorder.seen

        done = run_parties(self.n, body, seconds=60)
        digest = hashlib.sha256(encode_circuit(self._renamed(circuit))).hexdigest()
        self.trace.append((digest, [seen for _, seen in done]))
        results = [result for result, _ in done]
        sealed = tuple(
            Sealed(circuit.nodes[out.node].shape, tuple(r.sealed[i] for r in results))
            for i, out in enumerate(circuit.outputs)
        )
        return RunResult(results[0].opened, sealed)

    def _renamed(self, circuit: Circuit) -> Circuit:
        """The handles of kept shares count on from run to run in one process; here each engine counts from 0."""
        for _, handle in circuit.keeps:
            self._names.setdefault(handle, len(self._names))
        nodes = tuple(
            replace(n, attrs={"handle": self._names[n.attrs["handle"]]}) if n.op == "load" else n for n in circuit.nodes
        )
        return replace(circuit, nodes=nodes, keeps=tuple((node, self._names[h]) for node, h in circuit.keeps))

    def _deal(self, value: Array, form: Form, shape: tuple[int, ...]) -> dict[int, Share]:
        array = np.asarray(value).reshape(shape)
        parties = range(1, self.n + 1)
        if form is Form.ARITH:
            raw = self._field.from_ints(array.astype(object))
            shares = share(self._field, raw, self.n, self.t)
            return {i: ArithShare(self._field, shares[i]) for i in parties}
        generator = np.random.default_rng()
        subsets = self._shape.subsets
        pieces = {a: generator.integers(0, 2, shape, dtype=np.uint8) for a in subsets[1:]}
        pieces[subsets[0]] = np.bitwise_xor.reduce([array.astype(np.uint8), *pieces.values()])
        packed = {a: pack_bits(p.reshape(1, -1)) for a, p in pieces.items()}
        return {
            i: BitShare(np.concatenate([packed[a] for a in self._shape.held(i)]), shape) for i in parties
        }

    def unseal(self, sealed: Sealed, private_key: bytes, form_bits: bool) -> Array:
        form = Form.BITS if form_bits else Form.ARITH
        pieces = dict(enumerate(sealed.pieces, 1))
        return unseal(pieces, private_key, sealed.shape, form, self._field, self._shape)

    def forget(self, handles: Sequence[int]) -> None:
        for memory in self._memory:
            for handle in handles:
                memory.pop(handle, None)

    def stats(self) -> EngineStats:
        return EngineStats(circuits=len(self.trace))

    def close(self) -> None:
        self._memory.clear()
