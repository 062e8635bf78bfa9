"""Boolean circuits: gates on single bits, as Bristol files hold them and other tools exchange them.

Wires 0..i-1 are the inputs, in order; gate k computes wire i+k, so gates stand in topological order. A value of
several bits is on neighbouring wires, least significant bit first, unless who made the circuit says otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]

#: Rows that are evaluated together: their bits fill whole words.
_BATCH = 4096


class Gate(IntEnum):
    """What a gate computes of its wires a and b. ZERO and ONE have none, INV and COPY only a."""

    XOR = 0
    AND = 1
    INV = 2
    COPY = 3
    ZERO = 4
    ONE = 5
    OR = 6


#: How many wires a gate reads.
ARITY = {Gate.XOR: 2, Gate.AND: 2, Gate.OR: 2, Gate.INV: 1, Gate.COPY: 1, Gate.ZERO: 0, Gate.ONE: 0}
#: Gates that need a message between the nodes; the others are local.
NONLINEAR = frozenset({Gate.AND, Gate.OR})


@dataclass(frozen=True, eq=False)
class BooleanCircuit:
    """`inputs` and `outputs` are widths in bits. `kinds`, `left` and `right` hold a number a gate (wires that a gate
    does not read are -1); `ends` are the wires of the outputs, in order.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    kinds: Sequence[int]
    left: Sequence[int]
    right: Sequence[int]
    ends: Sequence[int]

    def __post_init__(self) -> None:
        if not len(self.kinds) == len(self.left) == len(self.right) or len(self.ends) != sum(self.outputs):
            raise ValueError("columns of different lengths")

    @property
    def width(self) -> int:
        """Bits of all inputs."""
        return sum(self.inputs)

    @property
    def counts(self) -> dict[str, int]:
        """Gates by kind."""
        found = Counter(self.kinds)
        return {kind.name: found[kind] for kind in Gate if found[kind]}

    @property
    def and_depth(self) -> int:
        """The most gates one after the other that need a message, on any path to an output."""
        depth = self._depths(NONLINEAR)
        return max((depth[wire] for wire in self.ends), default=0)

    def _depths(self, counted: frozenset[Gate]) -> list[int]:
        """For each wire, the gates of the kinds `counted` on the longest path to it."""
        depth = [0] * self.width
        for kind, a, b in zip(self.kinds, self.left, self.right, strict=True):
            below = 0 if a < 0 else depth[a]
            if b >= 0 and depth[b] > below:
                below = depth[b]
            depth.append(below + (kind in counted))
        return depth

    @cached_property
    def groups(self) -> tuple[tuple[Gate, npt.NDArray[np.int64]], ...]:
        """Numbers of gates of one kind that depend on none of each other, group by group in order."""
        levels = np.array(self._depths(frozenset(Gate))[self.width :], np.int64)
        kinds = np.array(self.kinds, np.int64)
        order = np.lexsort((kinds, levels))
        keys = levels[order] * len(Gate) + kinds[order]
        cuts = np.nonzero(np.diff(keys))[0] + 1
        return tuple((Gate(int(kinds[part[0]])), part) for part in np.split(order, cuts) if len(part))

    def evaluate(self, rows: Bits) -> Bits:
        """Outputs `(n, sum(outputs))` of inputs `(n, width)`, in the clear. Raises ValueError for another width."""
        if rows.ndim != 2 or rows.shape[1] != self.width:
            raise ValueError(f"rows of {self.width} bits are needed")
        parts = [self._evaluate(rows[at : at + _BATCH]) for at in range(0, len(rows), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.ends)), np.bool_)

    def _evaluate(self, rows: Bits) -> Bits:
        count = len(rows)
        words = -(-count // 64)
        wires = np.zeros((self.width + len(self.kinds), words), np.uint64)
        wires[: self.width] = _packed(rows.T, words)
        left, right = (np.array(column, np.int64) for column in (self.left, self.right))
        for kind, gates in self.groups:
            wires[gates + self.width] = _computed(kind, wires, left[gates], right[gates])
        return _unpacked(wires[np.array(self.ends, np.int64)], count).T

    def splits(self, rows: Bits) -> Iterator[tuple[Bits, ...]]:
        """The outputs of each row of `evaluate`, apart."""
        cuts = np.cumsum(self.outputs)[:-1]
        return (tuple(np.split(row, cuts)) for row in rows)


def _packed(columns: Bits, words: int) -> Words:
    """`(wires, n)` bits as `(wires, words)`."""
    packed = np.zeros((len(columns), words * 8), np.uint8)
    found = np.packbits(columns, axis=1, bitorder="little")
    packed[:, : found.shape[1]] = found
    return packed.view(np.uint64)


def _unpacked(words: Words, count: int) -> Bits:
    flat = np.ascontiguousarray(words).view(np.uint8)
    return np.unpackbits(flat, axis=1, bitorder="little", count=count).astype(np.bool_)


def _computed(kind: Gate, wires: Words, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> Words | np.uint64:
    match kind:
        case Gate.XOR:
            return wires[left] ^ wires[right]
        case Gate.AND:
            return wires[left] & wires[right]
        case Gate.OR:
            return wires[left] | wires[right]
        case Gate.INV:
            return ~wires[left]
        case Gate.COPY:
            return wires[left]
        case Gate.ZERO:
            return np.uint64(0)
        case Gate.ONE:
            return ~np.uint64(0)


def to_bits(value: int, width: int) -> Bits:
    """The low `width` bits of an integer, least significant first; negative ones as two's complement."""
    data = (value & ((1 << width) - 1)).to_bytes(-(-width // 8), "little")
    return np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little", count=width).astype(np.bool_)


def from_bits(bits: Bits) -> int:
    """The unsigned integer of bits, least significant first."""
    return int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")


class Gates:
    """Grows a boolean circuit gate by gate; equal gates are made once, and constants are folded.

    Wires are integers; `ZERO` and `ONE` stand for the constants, which become gates only where an output needs them.
    """

    ZERO, ONE = -1, -2

    def __init__(self, inputs: Sequence[int]) -> None:
        self.inputs = tuple(inputs)
        self.width = sum(self.inputs)
        self._kinds: list[int] = []
        self._left: list[int] = []
        self._right: list[int] = []
        self._known: dict[tuple[int, int, int], int] = {}
        self._inverse: dict[int, int] = {self.ZERO: self.ONE, self.ONE: self.ZERO}

    def _gate(self, kind: Gate, a: int, b: int = -1) -> int:
        key = (kind, a, b)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self.width + len(self._kinds)
            self._kinds.append(kind)
            self._left.append(a)
            self._right.append(b)
        return found

    def inv(self, a: int) -> int:
        found = self._inverse.get(a)
        if found is None:
            found = self._inverse[a] = self._gate(Gate.INV, a)
            self._inverse[found] = a
        return found

    def xor(self, a: int, b: int) -> int:
        if a == b:
            return self.ZERO
        if a < b:
            a, b = b, a
        if b == self.ZERO:
            return a
        if b == self.ONE:
            return self.inv(a)
        if self._inverse.get(a) == b:
            return self.ONE
        return self._gate(Gate.XOR, a, b)

    def and_(self, a: int, b: int) -> int:
        if a < b:
            a, b = b, a
        if b == self.ZERO or self._inverse.get(a) == b:
            return self.ZERO
        if b == self.ONE or a == b:
            return a
        return self._gate(Gate.AND, a, b)

    def or_(self, a: int, b: int) -> int:
        return self.inv(self.and_(self.inv(a), self.inv(b)))

    def mux(self, c: int, x: int, y: int) -> int:
        """x where c, else y."""
        return self.xor(y, self.and_(c, self.xor(x, y)))

    def finish(self, outputs: Sequence[Sequence[int]]) -> BooleanCircuit:
        """The circuit of these output wires, without the gates that none of them needs."""
        ends = [wire for output in outputs for wire in output]
        constants = {self.ZERO: self._gate(Gate.ZERO, -1)} if self.ZERO in ends else {}
        if self.ONE in ends:
            constants[self.ONE] = self._gate(Gate.ONE, -1)
        whole = BooleanCircuit(self.inputs, tuple(len(o) for o in outputs), self._kinds, self._left, self._right,
                               [constants.get(wire, wire) for wire in ends])
        return without_dead(whole)


def without_dead(circuit: BooleanCircuit) -> BooleanCircuit:
    """The circuit without gates that no output depends on."""
    width, count = circuit.width, len(circuit.kinds)
    needed = [False] * (width + count)
    for wire in circuit.ends:
        needed[wire] = True
    for gate in range(count - 1, -1, -1):
        if needed[width + gate]:
            for wire in (circuit.left[gate], circuit.right[gate]):
                if wire >= 0:
                    needed[wire] = True
    fresh = {wire: wire for wire in range(-1, width)}
    kept = [gate for gate in range(count) if needed[width + gate]]
    for number, gate in enumerate(kept, width):
        fresh[width + gate] = number
    return BooleanCircuit(
        circuit.inputs, circuit.outputs, [circuit.kinds[g] for g in kept], [fresh[circuit.left[g]] for g in kept],
        [fresh[circuit.right[g]] for g in kept], [fresh[wire] for wire in circuit.ends])
