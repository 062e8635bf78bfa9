"""Small products in a row: what their rounds need beside the values is worked out before the first of them.

One resharing round is, for every dealing party, weights * z + masks (`mpc.deal`: the weights are Lagrange
coefficients, the masks come from key streams alone). So the masks of many coming layers are drawn in one go, and
between two rounds there is one kernel before the messages and one after each.

Adversary, rounds and elements are those of `deal.reshare_products`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np

from enigmalang.circuits.circuit import Circuit, Node
from enigmalang.circuits.layers import Layer, Schedule
from enigmalang.circuits.table import table_of as columns_of
from enigmalang.fields import Field, Raw
from enigmalang.fields.warm import kernels
from enigmalang.mpc.local import Values, local_product, with_offset
from enigmalang.mpc.party import Party
from enigmalang.mpc.pipeline import Rounds
from enigmalang.sharing import Structure
from enigmalang.sharing.secret import join_arith, split_arith
from enigmalang.sharing.shamir import lagrange, table_of
from enigmalang.transport.network import PeerError

#: A layer of at most so many products is small: Python, not memory, is what it costs.
SMALL = 1 << 10
#: Masks are drawn for so many products at a time: they stay in the cache.
BATCH = 1 << 12


@dataclass(frozen=True, slots=True)
class Step:
    """A small layer of products: `count` results; its masks start at `first` of its batch.

    `batch` is the number of products whose masks are drawn before this layer, 0 for all but a batch's first.
    """

    count: int
    first: int
    batch: int


def plan_steps(circuit: Circuit, schedule: Schedule) -> dict[int, Step]:
    """The small layers of integer products, by their number in the schedule. The same at every party."""
    sizes = {}
    each = _integers(circuit)
    for number, layer in enumerate(schedule.layers):
        count = _small(each, layer)
        if count:
            sizes[number] = count
    batches: list[list[int]] = []
    room = 0
    for number, count in sizes.items():
        if count > room:
            batches.append([])
            room = BATCH
        batches[-1].append(number)
        room -= count
    steps = {}
    for batch in batches:
        first, total = 0, sum(sizes[number] for number in batch)
        for number in batch:
            steps[number] = Step(sizes[number], first, 0 if first else total)
            first += sizes[number]
    return steps


def _integers(circuit: Circuit) -> list[int]:
    """For each node how many integers it has; too many for a small layer where they are bits."""
    table = columns_of(circuit.nodes)
    sizes = np.array([prod(shape) for shape in table.shape_list], np.int64)[table.shapes]
    return [int(size) for size in np.where(table.forms == 0, sizes, SMALL + 1).tolist()]


def _small(sizes: list[int], layer: Layer) -> int:
    """How many products, or 0 for a layer that is not small, or has other things than integer products."""
    if layer.protocol != "products" or len(layer.together) > SMALL:
        return 0
    count = sum([sizes[i] for i in layer.together])
    return count if count <= SMALL else 0


@dataclass(frozen=True, slots=True)
class _Role:
    """What a party does in every resharing: it tells `spoken` (in the order of the weights' rows, its own share
    last), draws with `drawn` as their dealer or its own, and hears `heard`.
    """

    spoken: tuple[int, ...]
    silent: tuple[int, ...]
    drawn: tuple[int, ...]
    heard: tuple[int, ...]
    weights: Raw  # (spoken + 1,), of the dealer's value
    table: Raw  # (spoken + 1, t), of the silent parties' shares


@lru_cache(maxsize=64)
def _role(field: Field, shape: Structure, me: int) -> _Role:
    dealers = shape.dealers
    drawn = tuple(d for d in dealers if d != me and me in shape.after(d, shape.t))
    heard = tuple(d for d in dealers if d != me and d not in drawn)
    if me not in dealers:
        return _Role((), (), drawn, heard, field.zeros((1,)), field.zeros((1, 0)))
    silent = shape.after(me, shape.t)
    spoken = tuple(j for j in shape.parties if j != me and j not in silent)
    weight = lagrange(field.p, dealers, 0)[me - 1]
    lines = [lagrange(field.p, (0, *silent), point) for point in (*spoken, me)]
    weights = table_of(field, [[line[0] * weight % field.p for line in lines]])[0]
    return _Role(spoken, silent, drawn, heard, weights, table_of(field, [line[1:] for line in lines]))


class Steps:
    """One run's small layers, in order."""

    __slots__ = ("_absorb", "_deal", "_expects", "_party", "_role", "_steps", "_with_masks")

    def __init__(self, party: Party, steps: dict[int, Step]) -> None:
        self._party = party
        self._steps = {} if party.structure.wide else steps
        self._role = _role(party.field, party.structure, party.me)
        self._expects: dict[int, dict[int, int]] = {}  # by number of products
        self._with_masks, self._absorb = kernels().deal[party.field.q], kernels().absorb[party.field.q]
        self._deal = self._with_masks(self._role.weights, party.field.empty((len(self._role.weights), 0)))

    def run(self, number: int, values: Values, nodes: tuple[int, ...]) -> bool:
        """Compute the products of the schedule's layer `number`, if that is a small one. One round."""
        step = self._steps.get(number)
        if step is None:
            return False
        rows = self._dealt(step, values, nodes)
        count = step.count
        expects = self._expects.get(count)
        if expects is None:
            expects = self._expects[count] = dict.fromkeys(self._role.heard, count * self._party.field.nbytes)
        told = {peer: row.data.cast("B") for peer, row in zip(self._role.spoken, rows, strict=False)}
        self._finish(values, nodes, rows[-1], self._party.swap(told, expects))
        return True

    def rounds(self, number: int, values: Values, nodes: tuple[int, ...]) -> Rounds[None] | None:
        """As `run`, in a round that may be shared with others; None if it is no small layer."""
        step = self._steps.get(number)
        return None if step is None else self._in_round(step, values, nodes)

    def _in_round(self, step: Step, values: Values, nodes: tuple[int, ...]) -> Rounds[None]:
        rows, round_ = self._dealt(step, values, nodes), self._party.round()
        for peer, row in zip(self._role.spoken, rows, strict=False):
            round_.send(peer, row)
        slots = {peer: round_.expect(peer, step.count * self._party.field.nbytes) for peer in self._role.heard}
        yield round_
        self._finish(values, nodes, rows[-1], {peer: slot() for peer, slot in slots.items()})

    def _dealt(self, step: Step, values: Values, nodes: tuple[int, ...]) -> Raw:
        """The shares of the products that are told, and this party's own, before it adds what it hears."""
        party, role = self._party, self._role
        if step.batch:
            self._deal = self._with_masks(role.weights, _draw(party, role, step.batch))
        table, field = values.circuit.nodes, party.field
        if len(nodes) == 1:
            x, y = _factors(values, table[nodes[0]])
        else:
            x, y = join_arith(field, [local_product(values, table[i]) for i in nodes]), _one(field)
        party.counters.products += step.count
        rows = field.empty((len(role.weights), step.count))
        self._deal(x, y, step.first, rows)
        return rows

    def _finish(self, values: Values, nodes: tuple[int, ...], own: Raw, received: Mapping[int, memoryview]) -> None:
        field, table = self._party.field, values.circuit.nodes
        for peer, heard in received.items():
            if not self._absorb(own, heard):
                raise PeerError(peer, f"a number is not reduced modulo {field.name}'s prime")
        if len(nodes) == 1:
            node = table[nodes[0]]
            values[nodes[0]] = with_offset(values, node, field.reshape(own, node.shape))
            return
        for i, product in zip(nodes, split_arith(field, own, [table[i].shape for i in nodes]), strict=True):
            values[i] = with_offset(values, table[i], product)


def _factors(values: Values, node: Node) -> tuple[Raw, Raw]:
    """Two flat arrays whose product, elementwise, is the node's local product."""
    field = values.party.field
    if node.op == "mul":
        left, right = node.args
        x, y = values.arith(left).raw, values.arith(right).raw
        if x.shape == y.shape:
            return field.flat(x), field.flat(y)
    return field.flat(local_product(values, node)), _one(field)


@lru_cache(maxsize=4)
def _one(field: Field) -> Raw:
    return field.from_ints(np.array([1]))


def _draw(party: Party, role: _Role, count: int) -> Raw:
    """The masks of `count` products, (spoken + 1, count): a dealing of zeros, without its messages. Local."""
    field, instruction = party.field, party.fresh()
    rows = field.empty((len(role.silent), count))
    for row, peer in zip(rows, role.silent, strict=True):
        stream = party.streams.of_pair(peer)
        stream.seek(instruction, party.me)
        stream.elements(field, row)
    masks = field.combine_raw(role.table, rows) if role.silent else field.zeros((1, count))
    draw = field.empty((count,))
    for dealer in role.drawn:
        stream = party.streams.of_pair(dealer)
        stream.seek(instruction, dealer)
        stream.elements(field, draw)
        masks[-1] = field.add(masks[-1], draw)
    return masks
