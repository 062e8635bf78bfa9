"""How many bytes of shares a circuit holds at once: what running its layers in their order cannot do without."""

from math import comb

import numpy as np

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.layers import schedule
from enigmalang.fields import field_named


def held(circuit: Circuit, nodes: int = 3) -> int:
    """At one of `nodes`, most of whom are honest. A value is held from where it is computed (an input: from the start)
    until it was used last; what is opened, sealed or kept, to the end. Public values, and what an operation needs
    inside, are not counted. A shared integer has the bytes of its field, a shared bit a bit for each set of members
    that could do without this one.
    """
    plan, made = schedule(circuit), list(circuit.nodes)
    times, last, time = dict[int, int](), dict[int, int](), 0
    for layer in plan.layers:
        for group in (*((i,) for i in layer.local), layer.together):
            for i in group:
                times[i] = 0 if made[i].op == "input" else time
                last.update((arg, time) for arg in made[i].args)
            time += 1
    last.update((i, time) for i in (*circuit.opens, *(o.node for o in circuit.outputs), *(i for i, _ in circuit.keeps)))
    change = np.zeros(time + 2)
    for i, start in times.items():
        if not plan.known[i]:
            size = _bytes(made[i], circuit.field, nodes)
            change[start] += size
            change[last.get(i, start) + 1] -= size
    return int(np.cumsum(change).max())


def _bytes(node: Node, field: str, nodes: int) -> float:
    if node.form is Form.ARITH:
        return float(8 * node.size * field_named(field).limbs)
    return node.size * comb(nodes - 1, (nodes - 1) // 2) / 8
