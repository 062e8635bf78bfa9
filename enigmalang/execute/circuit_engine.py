"""The circuit engine: the optimised circuits, evaluated in the clear. Its sealed outputs are not encrypted."""

import time
from collections.abc import Sequence

import numpy as np

from enigmalang.circuits.circuit import OPS, Array, Circuit
from enigmalang.circuits.evaluate import evaluate
from enigmalang.execute.masks import LocalMasks
from enigmalang.execute.ports import EngineStats, RunResult, Sealed

_COMPARISONS = frozenset({"ltz", "eqz"})
_PRODUCTS = frozenset({"mul", "dot", "matmul", "select"})


class CircuitEngine:
    """Keeps handles as arrays. Useful for tests and as the second of the three engines."""

    def __init__(self, field: str = "M61") -> None:
        self.field = field
        self.memory: dict[int, Array] = {}
        self._stats = EngineStats()
        self._masks = LocalMasks(field)

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = (),
            handles: Sequence[int] | None = None) -> RunResult:
        start = time.perf_counter()
        memory = self.memory if handles is None else {
            local: self.memory[number] for local, number in enumerate(handles) if number in self.memory}
        values = evaluate(circuit, inputs, memory)
        self._count(circuit)
        for node, handle in circuit.keeps:
            self.memory[handle if handles is None else handles[handle]] = values[node]
        sealed = tuple(_parcel(values[out.node]) for out in circuit.outputs)
        seconds = self._stats.seconds
        seconds["evaluate"] = seconds.get("evaluate", 0.0) + time.perf_counter() - start
        return RunResult(tuple(values[n] for n in circuit.opens), sealed)

    def _count(self, circuit: Circuit) -> None:
        """Rounds are those of the deepest path, as three nodes would need."""
        depth: list[int] = []
        for node in circuit.nodes:
            depth.append(max((depth[a] for a in node.args), default=0) + OPS[node.op].rounds)
            if node.op in _COMPARISONS:
                self._stats.comparisons += node.size
            elif node.op in _PRODUCTS:
                self._stats.products += node.size
            elif node.op == "sort":  # of all ranks: what opened comparisons of a random order need
                rows = circuit.nodes[node.args[0]]
                self._stats.comparisons += rows.size * max(0, rows.shape[-1] - 1).bit_length()
            elif node.op == "and":
                self._stats.ands += node.size
        self._stats.circuits += 1
        self._stats.rounds += max(depth, default=0)

    def unseal(self, sealed: Sealed, private_key: bytes, form_bits: bool) -> Array:
        numbers = [int(text) for text in sealed.pieces[0].split()] if sealed.pieces[0] else []
        made = np.array(numbers, dtype=object).reshape(sealed.shape)
        return made.astype(bool) if form_bits else made

    def reserve(self, size: int) -> tuple[int, Array]:
        return self._masks.reserve(size)

    def admit(self, mask: int, masked: bytes, shapes: Sequence[tuple[int, ...]], handles: Sequence[int]) -> None:
        self.memory.update(zip(handles, self._masks.admit(mask, masked, shapes), strict=True))

    def forget(self, handles: Sequence[int]) -> None:
        for handle in handles:
            self.memory.pop(handle, None)

    def stats(self) -> EngineStats:
        return self._stats

    def close(self) -> None:
        self.memory.clear()


def _parcel(value: Array) -> Sealed:
    return Sealed(value.shape, (" ".join(str(int(v)) for v in value.ravel()).encode(),))
