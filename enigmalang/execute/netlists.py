"""Boolean circuits from elsewhere as part of a trace: a gate is a node on as many bits as there are rows."""

from __future__ import annotations

import numpy as np

from enigmalang.circuits.boolean import BooleanCircuit, Gate
from enigmalang.execute import wires as w
from enigmalang.execute.trace import Wire


def gates_on(circuit: BooleanCircuit, bits: Wire) -> Wire:
    """Outputs `(…, sum(outputs))` of `circuit` for inputs `(…, width)`, wires of bits."""
    if 0 in bits.shape[:-1]:  # no rows: nothing is known of their width
        return w.const(np.zeros((*bits.shape[:-1], len(circuit.ends)), np.bool_), w.B)
    made = [w.take_one(bits, number, -1) for number in range(circuit.width)]
    shape = bits.shape[:-1]
    for kind, a, b in zip(circuit.kinds, circuit.left, circuit.right, strict=True):
        made.append(_gate(Gate(kind), made, a, b, shape))
    return w.concat([w.expand(made[wire], -1) for wire in circuit.ends], -1)


def _gate(kind: Gate, made: list[Wire], a: int, b: int, shape: tuple[int, ...]) -> Wire:
    match kind:
        case Gate.XOR:
            return w.xor(made[a], made[b])
        case Gate.AND:
            return w.and_(made[a], made[b])
        case Gate.OR:
            return w.or_(made[a], made[b])
        case Gate.INV:
            return w.not_(made[a])
        case Gate.COPY:
            return made[a]
        case Gate.ZERO | Gate.ONE:
            return w.broadcast(w.const(kind is Gate.ONE, w.B), shape)
