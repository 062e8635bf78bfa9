"""A circuit cut into layers: what is computed locally, then what is done together in messages.

Products of all kinds need one round, so all that are ready share a layer. A longer protocol waits until no
cheaper one is ready, so that more of its kind run at once: multiplicative depth sets the rounds, not the count.
Products of integers that are only opened need no round of their own: the opening does their reduction.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass

from enigmalang.circuits.circuit import Circuit, Form, Node

PRODUCTS = frozenset({"mul", "dot", "matmul", "select", "and"})
#: Protocols of more rounds, cheapest first, with the attribute that calls must have in common.
LONGER = {
    "b2a": (),
    "eqz": (),
    "ltz": (),
    "a2b": ("bits",),
    "shr": ("f", "mode"),
    "divc": ("divisor",),
    "divmod": ("bits",),
    "permute": (),
    "shuffle": (),
    "sort": ("keys", "ranges", "ranks"),
}
_ORDER = {name: number for number, name in enumerate(LONGER, start=1)}
_LEAVES = frozenset({"input", "load", "const"})

Kind = tuple[int, str, tuple[str, ...]]  # order, protocol ("products" or an operation), attributes in common
_PRODUCT_KIND: Kind = (0, "products", ())


@dataclass(frozen=True, slots=True)
class Layer:
    """`local` nodes are computed first, in order; then `together` in one call of `protocol`."""

    local: tuple[int, ...]
    protocol: str  # "products", a key of LONGER, or "" when nothing remains
    together: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """What running a circuit needs to know of it, worked out once: the layers, which nodes are public, how
    many uses each node's value has, and which are products that are only opened.
    """

    layers: tuple[Layer, ...]
    known: list[bool]
    uses: list[int]
    only_opened: frozenset[int]


def schedule(circuit: Circuit) -> Schedule:
    """A circuit's schedule, the same at every party."""
    return Schedule(cut_layers(circuit), public_nodes(circuit), _count_uses(circuit), opened_products(circuit))


def _count_uses(circuit: Circuit) -> list[int]:
    uses = [0] * len(circuit.nodes)
    for node, needed in zip(circuit.nodes, needed_nodes(circuit), strict=True):
        for arg in node.args if needed else ():
            uses[arg] += 1
    for i in (*circuit.opens, *(out.node for out in circuit.outputs), *(node for node, _ in circuit.keeps)):
        uses[i] += 1
    return uses


def public_nodes(circuit: Circuit) -> list[bool]:
    """Whether each node's value is known to every party: constants, and what is computed of them locally."""
    known: list[bool] = []
    for node in circuit.nodes:
        if node.op in _LEAVES:
            known.append(node.op == "const")
        else:
            known.append(node.op not in LONGER and all(known[arg] for arg in node.args))
    return known


def is_local(node: Node, known: list[bool]) -> bool:
    """Whether no message is needed: linear and structural operations, products with a public factor."""
    if node.op in LONGER:
        return False
    if node.op not in PRODUCTS:
        return True
    if node.op == "select":
        return known[node.args[0]] or (known[node.args[1]] and known[node.args[2]])
    return any(known[arg] for arg in node.args)


def opened_products(circuit: Circuit) -> frozenset[int]:
    """The products of shared integers whose only use is to be opened."""
    known, uses, opens = public_nodes(circuit), _count_uses(circuit), Counter(circuit.opens)
    return frozenset(
        i
        for i, count in opens.items()
        if uses[i] == count
        and circuit.nodes[i].op in PRODUCTS
        and circuit.nodes[i].form is Form.ARITH
        and not is_local(circuit.nodes[i], known)
    )


def cut_layers(circuit: Circuit) -> tuple[Layer, ...]:
    """The layers of the nodes that something depends on, in the order all parties run them."""
    needed = needed_nodes(circuit)
    known, only_opened = public_nodes(circuit), opened_products(circuit)
    silent = [i in only_opened or is_local(node, known) for i, node in enumerate(circuit.nodes)]
    users, missing = _edges(circuit, needed)
    ready = [i for i in range(len(circuit.nodes)) if needed[i] and missing[i] == 0]
    waiting: dict[Kind, list[int]] = {}
    layers: list[Layer] = []
    while ready or waiting:
        local = _settle(circuit, ready, silent, users, missing, waiting)
        if not waiting:
            layers.append(Layer(tuple(local), "", ()))
            break
        kind = min(waiting)
        together = tuple(sorted(waiting.pop(kind)))
        layers.append(Layer(tuple(local), kind[1], together))
        ready = [user for i in together for user in _release(i, users, missing)]
    return tuple(layers)


def needed_nodes(circuit: Circuit) -> list[bool]:
    """Nodes that an opening, output or kept handle depends on."""
    needed = [False] * len(circuit.nodes)
    for i in (*circuit.opens, *(out.node for out in circuit.outputs), *(node for node, _ in circuit.keeps)):
        needed[i] = True
    for i in range(len(circuit.nodes) - 1, -1, -1):
        if needed[i]:
            for arg in circuit.nodes[i].args:
                needed[arg] = True
    return needed


def _edges(circuit: Circuit, needed: list[bool]) -> tuple[list[list[int]], list[int]]:
    users: list[list[int]] = [[] for _ in circuit.nodes]
    missing = [0] * len(circuit.nodes)
    for i, node in enumerate(circuit.nodes):
        if needed[i]:
            for arg in set(node.args):
                users[arg].append(i)
                missing[i] += 1
    return users, missing


def _settle(
    circuit: Circuit,
    ready: list[int],
    silent: list[bool],
    users: list[list[int]],
    missing: list[int],
    waiting: dict[Kind, list[int]],
) -> list[int]:
    """Take ready nodes in order: those without messages are done and release their users, others wait by kind."""
    local: list[int] = []
    heapq.heapify(ready)
    while ready:
        i = heapq.heappop(ready)
        if not silent[i]:
            waiting.setdefault(_kind(circuit.nodes[i]), []).append(i)
            continue
        local.append(i)
        for user in _release(i, users, missing):
            heapq.heappush(ready, user)
    return local


def _release(done: int, users: list[list[int]], missing: list[int]) -> list[int]:
    freed = []
    for user in users[done]:
        missing[user] -= 1
        if missing[user] == 0:
            freed.append(user)
    return freed


def _kind(node: Node) -> Kind:
    if node.op in PRODUCTS:
        return _PRODUCT_KIND
    return _ORDER[node.op], node.op, tuple(str(node.attrs.get(key)) for key in LONGER[node.op])
