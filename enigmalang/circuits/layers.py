"""A circuit cut into layers: what is computed locally, then what is done together in messages.

A layer begins when those are done that it awaits, so layers of different kinds run beside each other, and rounds of
theirs are the same rounds. An operation waits for more of its kind as long as that makes nothing late (see `timeline`):
depth sets the rounds, not the count. Products of all kinds need one round, so all that are ready share a layer.
Products of integers that are only opened need no round of their own: the opening does their reduction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.circuit import Circuit
from enigmalang.circuits.costs import rounds_of
from enigmalang.circuits.table import OP_NUMBER, Table, distinct, ends_of, is_op, live_nodes, starts_of, table_of
from enigmalang.circuits.timeline import Timeline, latest_starts
from enigmalang.circuits.waves import Waves

Truths = npt.NDArray[np.bool_]
Numbers = npt.NDArray[Any]

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


class Layer(NamedTuple):
    """`local` nodes are computed first, in order; then `together` in one call of `protocol`.

    Layers begin in order, each when those before it that it `awaits`, by number, are done.
    """

    local: tuple[int, ...]
    protocol: str  # "products", a key of LONGER, or "" when there is none
    together: tuple[int, ...]
    awaits: tuple[int, ...] = ()


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
    """A circuit's schedule, the same at every party. Linear in the circuit's size."""
    table = table_of(circuit.nodes)
    facts = _Facts(table, circuit)
    return Schedule(
        _Cut(table, facts, circuit.field).layers(),
        facts.known.tolist(),
        facts.uses.tolist(),
        frozenset(np.nonzero(facts.only_opened)[0].tolist()),
    )


def waves_of(circuit: Circuit) -> Numbers | None:
    """For each node of a wide circuit when it runs (see `Waves.stages`), as in `cut_layers`; None for a narrow one."""
    table = table_of(circuit.nodes)
    facts = _Facts(table, circuit)
    users, args = facts.edges
    kinds = _Kinds(table, facts, circuit.field)
    found = Waves(users, args, facts.needed, kinds.of).stages(kinds.timeline(), kinds.latest)
    return None if found is None else found[0]


def cut_layers(circuit: Circuit) -> tuple[Layer, ...]:
    """The layers of the nodes that something depends on, in the order all parties run them."""
    return schedule(circuit).layers


def public_nodes(circuit: Circuit) -> list[bool]:
    """Whether each node's value is known to every party: constants, and what is computed of them locally."""
    return list(_known(table_of(circuit.nodes)).tolist())


def opened_products(circuit: Circuit) -> frozenset[int]:
    """The products of shared integers whose only use is to be opened."""
    return schedule(circuit).only_opened


_LONGER_OPS, _PRODUCT_OPS, _LEAF_OPS = is_op(*LONGER), is_op(*PRODUCTS), is_op(*_LEAVES)
_INTEGER_PRODUCTS = _PRODUCT_OPS & ~is_op("and")


class _Facts:
    """What the layers depend on, one entry a node."""

    def __init__(self, table: Table, circuit: Circuit) -> None:
        users = table.users()
        self.needed = live_nodes(table, ends_of(circuit))
        count = len(table)
        self.edges = (users, table.args) if self.needed.all() else _edges_of(self.needed, users, table.args)
        self.uses = np.bincount(self.edges[1], minlength=count)
        self.uses += np.bincount(np.array(ends_of(circuit), np.int64), minlength=count)
        self.known = _known(table)
        self.local = _local(table, self.known)
        opened = np.bincount(np.array(circuit.opens, np.int64), minlength=count)
        self.only_opened = (
            (opened > 0) & (opened == self.uses) & _INTEGER_PRODUCTS[table.ops] & ~self.local)


def _edges_of(needed: Truths, users: Numbers, args: Numbers) -> tuple[Numbers, Numbers]:
    kept = needed[users]
    return users[kept], args[kept]


def _known(table: Table) -> Truths:
    ops = table.ops
    known: Truths = ops == OP_NUMBER["const"]
    able = ~(_LONGER_OPS | _LEAF_OPS)[ops]
    if not _all_known(table, known, able).any():
        return known
    found, may, args, starts = known.tolist(), able.tolist(), table.args.tolist(), table.starts.tolist()
    for i, possible in enumerate(may):
        if possible:
            found[i] = all(found[arg] for arg in args[starts[i] : starts[i + 1]])
    return np.array(found, np.bool_)


def _all_known(table: Table, known: Truths, able: Truths) -> Truths:
    hidden = np.zeros(len(table), np.bool_)
    hidden[table.users()[~known[table.args]]] = True
    return able & ~hidden


def _local(table: Table, known: Truths) -> Truths:
    """Whether no message is needed: linear and structural operations, products with a public factor."""
    local = ~(_LONGER_OPS | _PRODUCT_OPS)[table.ops]
    if known.any():
        some = np.zeros(len(table), np.bool_)
        some[table.users()[known[table.args]]] = True
        local |= some & _PRODUCT_OPS[table.ops]
        selects = table.where("select")
        condition, then, otherwise = (known[table.args[table.starts[selects] + k]] for k in range(3))
        local[selects] = condition | (then & otherwise)
    return local


class _Kinds:
    """Which nodes wait for which kind, and what is known of when."""

    def __init__(self, table: Table, facts: _Facts, field: str) -> None:
        self._table, self._facts = table, facts
        self.of, self.listed, self._costs = _kinds(table, facts.local | facts.only_opened, int(field[1:]))
        waiting = self.of[facts.needed & (self.of >= 0)]
        self._totals = np.bincount(waiting, minlength=len(self.listed))
        self.several = np.count_nonzero(self._totals) > 1
        self.latest = self._latest()

    def timeline(self) -> Timeline:
        return Timeline(self._costs, self._totals.tolist())

    def _latest(self) -> Numbers:
        """When each node must start at the latest; one kind has nothing to run beside, so it never waits."""
        if not self.several:
            return np.zeros(len(self.of), np.int64)
        costs = np.where(self.of < 0, 0, np.array(self._costs, np.int64)[self.of])
        users, args = self._facts.edges
        return latest_starts(users, args, self._facts.needed, costs)


class _Cut:
    """The walk that cuts the layers: nodes are ready when all their arguments are there."""

    def __init__(self, table: Table, facts: _Facts, field: str) -> None:
        self.edges = users, args = facts.edges
        count = len(table)
        self.users: list[int] = users[np.argsort(args, kind="stable")].tolist()
        self.starts: list[int] = starts_of(np.bincount(args, minlength=count)).tolist()
        missing = np.bincount(users, minlength=count)
        self.ready: list[int] = np.nonzero(facts.needed & (missing == 0))[0].tolist()
        self.missing: list[int] = missing.tolist()
        self.by_kind = _Kinds(table, facts, field)
        self.kinds: list[int] = self.by_kind.of.tolist()

    def layers(self) -> tuple[Layer, ...]:
        return self.beside() if self.by_kind.several else self.in_turn()

    def in_turn(self) -> tuple[Layer, ...]:
        """Of one kind: each layer awaits the one before it."""
        made: list[Layer] = []
        waiting: dict[int, list[int]] = {}
        awaits: tuple[int, ...] = ()
        while self.ready:
            local = self.settle(waiting)
            if not waiting:
                made.append(Layer(local, "", (), awaits))
                break
            kind, nodes = waiting.popitem()
            nodes.sort()
            made.append(Layer(local, self.by_kind.listed[kind][1], tuple(nodes), awaits))
            awaits = (len(made) - 1,)
            for i in nodes:
                self.release(i)
        return tuple(made)

    def beside(self) -> tuple[Layer, ...]:
        """Of several kinds: the timeline says which start."""
        made: list[Layer] = []
        started: list[list[int]] = []
        waiting: dict[int, list[int]] = {}
        timeline, latest = self.by_kind.timeline(), self.by_kind.latest.tolist()
        while True:
            arrived: dict[int, list[int]] = {}
            local = self.settle(arrived)
            for kind, nodes in arrived.items():
                timeline.wait(kind, len(nodes), min([latest[i] for i in nodes]))
                waiting.setdefault(kind, []).extend(nodes)
            chosen = timeline.begin()
            if local and not chosen:
                made.append(Layer(local, "", ()))
            for kind in chosen:
                nodes = waiting.pop(kind)
                nodes.sort()
                started.append(nodes)
                made.append(Layer(local, self.by_kind.listed[kind][1], tuple(nodes)))
                local = ()
            if not timeline.busy:
                break
            for number in timeline.advance():
                for i in started[number]:
                    self.release(i)
        return self.awaited(made)

    def awaited(self, layers: list[Layer]) -> tuple[Layer, ...]:
        """What each layer awaits: those in which arguments of its nodes are computed together."""
        users, args = self.edges
        place, count = np.zeros(len(self.kinds), np.int64), len(layers)
        numbers = np.repeat(np.arange(count), [len(layer.local) + len(layer.together) for layer in layers])
        place[[i for layer in layers for part in (layer.local, layer.together) for i in part]] = numbers
        told = self.by_kind.of[args] >= 0
        pairs = np.sort(place[users[told]] * count + place[args[told]])
        pairs = pairs[np.flatnonzero(np.diff(pairs, prepend=-1))]  # `numpy.unique` would load `numpy.ma`: 5 MB
        cuts = np.searchsorted(pairs, np.arange(count + 1) * count).tolist()
        earlier = (pairs % max(1, count)).tolist()
        return tuple(
            Layer(layer.local, layer.protocol, layer.together, tuple(earlier[start:stop]))
            for layer, start, stop in zip(layers, cuts, cuts[1:], strict=False))

    def settle(self, waiting: dict[int, list[int]]) -> tuple[int, ...]:
        """Take ready nodes: those without messages are done and release their users, others wait by kind."""
        local: list[int] = []
        ready, kinds, users, starts, missing = self.ready, self.kinds, self.users, self.starts, self.missing
        while ready:
            i = ready.pop()
            kind = kinds[i]
            if kind >= 0:
                waiting.setdefault(kind, []).append(i)
                continue
            local.append(i)
            for user in users[starts[i] : starts[i + 1]]:
                left = missing[user] = missing[user] - 1
                if not left:
                    ready.append(user)
        local.sort()
        return tuple(local)

    def release(self, done: int) -> None:
        missing = self.missing
        for user in self.users[self.starts[done] : self.starts[done + 1]]:
            missing[user] -= 1
            if not missing[user]:
                self.ready.append(user)


def _kinds(table: Table, silent: Truths, q: int) -> tuple[Numbers, list[Kind], list[int]]:
    """For each node the place of its kind among those there are, in order, -1 for those without messages; the kinds;
    and their rounds, of the longest of each.
    """
    kinds = np.full(len(table), -1, np.int64)
    longer = np.nonzero(_LONGER_OPS[table.ops])[0]
    first, which = distinct(table.ops[longer], table.attrs[longer])
    told = [(table.op(i), table.attr_list[table.attrs[i]]) for i in longer[first].tolist()]
    named = [_kind(op, attrs) for op, attrs in told]
    ordered = [_PRODUCT_KIND, *sorted(set(named))]
    place = {kind: number for number, kind in enumerate(ordered)}
    costs = [1] * len(ordered)
    for kind, (op, attrs) in zip(named, told, strict=True):
        costs[place[kind]] = max(costs[place[kind]], rounds_of(op, attrs, q))
    kinds[longer] = np.array([place[kind] for kind in named], np.int64)[which]
    kinds[_PRODUCT_OPS[table.ops]] = 0
    kinds[silent] = -1
    return kinds, ordered, costs


def _kind(op: str, attrs: dict[str, Any]) -> Kind:
    return _ORDER[op], op, tuple(str(attrs.get(key)) for key in LONGER[op])
