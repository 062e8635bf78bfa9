"""The physical floor of a run: what its traffic and its arithmetic alone would take on this machine.

On one machine both are work of the same processors (TLS on the loopback is encryption and copying), so the floor is
their *sum*. All parties share the cores: the loopback is measured with all of them at once, and arithmetic counts
parties / cores times where there are more parties than cores. Waiting for answers is not in it.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from types import TracebackType

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from enigmalang.circuits.circuit import Circuit
from enigmalang.cli.loopback import Loopback, Ring
from enigmalang.fields import field_named
from enigmalang.fields.warm import kernels

#: Elements of a measured array: few enough for a core's own caches, many enough to hide what a call costs.
_CACHED = 1 << 15
_REPEATS = 9


@dataclass(frozen=True, slots=True)
class Rates:
    """Of this machine: seconds per operation of one core, and its loopback."""

    product: float  # one multiplication in the field
    word: float  # one AND of two 64-bit words
    random_byte: float  # one byte of AES-128-CTR
    loopback: Loopback
    cores: int


@dataclass(frozen=True, slots=True)
class Work:
    """What one party cannot avoid: bytes it sends, field multiplications, single-bit ANDs."""

    sent: int
    products: int
    ands: int


@dataclass(frozen=True, slots=True)
class Floor:
    """Seconds for the bytes and for the operations of a run; `seconds` is their sum."""

    traffic: float
    operations: float

    @property
    def seconds(self) -> float:
        return self.traffic + self.operations


def floor_of(work: Work, rates: Rates) -> Floor:
    """A byte that is sent is also masked, with at least one byte of key stream."""
    crowd = max(1.0, rates.loopback.parties / rates.cores)
    alone = work.products * rates.product + work.ands / 64 * rates.word + work.sent * rates.random_byte
    return Floor(work.sent / rates.loopback.bandwidth, alone * crowd)


class Gauge:
    """Measures the rates again and again, in a sixth of a second each time: what a machine can do depends on what else
    it does, so a floor is made of what was measured beside its own runs. A context manager; owns a ring of processes.
    """

    def __init__(self, parties: int, field: str) -> None:
        """Raises OSError."""
        self._multiply = kernels().prime[field_named(field).q].mul
        shape = (_CACHED, *field_named(field).tail)
        self._x, self._y = (np.full(shape, n, np.uint64) for n in (0x123456789ABCDEF, 0xFEDCBA987654321))
        self._out, self._zeros = np.empty(shape, np.uint64), bytes(_CACHED * 8)
        self._stream = Cipher(algorithms.AES(bytes(16)), modes.CTR(bytes(16))).encryptor()
        self._into = bytearray(len(self._zeros))
        self._ring = Ring(parties)

    def measure(self) -> Rates:
        """Of now. Raises OSError."""
        x, y, out, layout = self._x, self._y, self._out, (1, _CACHED, 0, 1, 0, 1)
        return Rates(
            product=fastest(lambda: self._multiply(x, y, out, layout), 10) / _CACHED,
            word=fastest(lambda: np.bitwise_and(x, y, out=out), 10) / out.size,
            random_byte=fastest(lambda: self._stream.update_into(self._zeros, self._into), 10) / len(self._zeros),
            loopback=self._ring.measure(),
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        )

    def close(self) -> None:
        self._ring.close()

    def __enter__(self) -> "Gauge":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def middle_rates(found: Sequence[Rates]) -> Rates:
    """The median of each rate."""
    loops = [rates.loopback for rates in found]
    return Rates(
        median(r.product for r in found), median(r.word for r in found), median(r.random_byte for r in found),
        Loopback(loops[0].parties, median(x.bandwidth for x in loops), median(x.latency for x in loops)),
        found[0].cores,
    )


def fastest(action: Callable[[], object], calls: int = 50) -> float:
    """Seconds a call, in the fastest of several rows of `calls`: what else the machine does only adds to it."""
    def once() -> float:
        begin = time.perf_counter()
        for _ in range(calls):
            action()
        return (time.perf_counter() - begin) / calls

    return min(once() for _ in range(_REPEATS))


def multiplications(circuit: Circuit) -> int:
    """Multiplications in the field that each party does on its own shares: m·k·n for a matrix product."""
    total = 0
    for node in circuit.nodes:
        if node.op in ("mul", "select"):
            total += node.size
        elif node.op in ("dot", "matmul"):
            total += node.size * circuit.nodes[node.args[0]].shape[-1]
    return total
