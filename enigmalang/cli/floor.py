"""The physical floor of a run: what its traffic and its arithmetic alone would take on this machine.

On one machine both are work of the same processors (TLS on the loopback is encryption and copying), so the floor is
their *sum*. All parties share the cores: the loopback is measured with all of them at once, and arithmetic counts
parties / cores times where there are more parties than cores. Waiting for answers is not in it.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from enigmalang.circuits.circuit import Circuit
from enigmalang.cli.loopback import Loopback, measure_loopback
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


@cache
def measure_rates(parties: int, field: str) -> Rates:
    """Measured once a process, in about a second. Raises OSError."""
    kernel, layout = kernels().prime[field_named(field).q].mul, (1, _CACHED, 0, 1, 0, 1)
    shape = (_CACHED, *field_named(field).tail)
    x, y = (np.full(shape, n, np.uint64) for n in (0x123456789ABCDEF, 0xFEDCBA987654321))
    out, zeros = np.empty(shape, np.uint64), bytes(_CACHED * 8)
    stream = Cipher(algorithms.AES(bytes(16)), modes.CTR(bytes(16))).encryptor()
    into = bytearray(len(zeros))
    return Rates(
        product=fastest(lambda: kernel(x, y, out, layout)) / _CACHED,
        word=fastest(lambda: np.bitwise_and(x, y, out=out)) / out.size,
        random_byte=fastest(lambda: stream.update_into(zeros, into)) / len(zeros),
        loopback=measure_loopback(parties),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
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
