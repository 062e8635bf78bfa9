"""From a circuit on arrays of integers to one of gates on bits, as Bristol files hold them.

A node's value becomes an array of wires with one more axis, the bits; ranges follow from those of the inputs, so every
integer gets just the bits it needs. What has no such form is refused by name: a random order, kept shares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.boolean import BooleanCircuit, Gates
from enigmalang.circuits.circuit import Circuit, Node
from enigmalang.circuits.evaluate import LIMITS
from enigmalang.circuits.export_words import Interval, Words, product_of

Grid = npt.NDArray[np.int64]
TRUTH = Interval(0, 1)


class NotBoolean(Exception):
    """The circuit has an operation that gates on bits cannot do; the text says which, `node` is where."""

    def __init__(self, text: str, node: Node) -> None:
        super().__init__(text)
        self.node = node


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: how many values, and which integers they may be."""

    size: int
    reach: Interval

    @property
    def width(self) -> int:
        """Bits of all of them; a value that can only be one still has a wire."""
        return self.size * self.bits

    @property
    def bits(self) -> int:
        return max(1, self.reach.width)


@dataclass(frozen=True, slots=True)
class Bits:
    """A node's value: wires of shape (*shape, width), and the integers it may be."""

    wires: Grid
    reach: Interval

    @property
    def signed(self) -> bool:
        return self.reach.low < 0


def to_boolean(circuit: Circuit, inputs: Sequence[Port], outputs: Sequence[tuple[int, Port | None]]) -> BooleanCircuit:
    """The same function on bits: `inputs` by slot, `outputs` the nodes that come out, each at the width of its port or,
    for None, of its range. Raises NotBoolean.

    An array's values follow each other in C order, each least significant bit first.
    """
    made = _Lowering(circuit, inputs)
    for node in circuit.nodes:
        made.values.append(made.lowered(node))
    found = []
    for number, port in outputs:
        value = made.values[number]
        width = port.bits if port is not None else max(1, value.reach.width)
        found.append(made.fitted(value, width).ravel().tolist())
    return made.gates.finish(found)


class _Lowering:
    def __init__(self, circuit: Circuit, inputs: Sequence[Port]) -> None:
        self.inputs = inputs
        self.gates = Gates([port.width for port in inputs])
        self.starts = np.cumsum([0, *(port.width for port in inputs)]).tolist()
        self.words = Words(self.gates)
        self.values: list[Bits] = []
        limit = LIMITS[circuit.field]
        self.limit = Interval(-limit, limit)

    def lowered(self, node: Node) -> Bits:
        rule = _RULES.get(node.op)
        if rule is None:
            raise NotBoolean(_REFUSED.get(node.op, f"`{node.op}` has no form of gates"), node)
        made = rule(self, node, *(self.values[a] for a in node.args))
        return Bits(made.wires.reshape(*node.shape, made.wires.shape[-1]), made.reach)

    # ---- tools

    def within(self, low: int, high: int) -> Interval:
        """An interval, cut to what the field holds: no value of a sound circuit is beyond."""
        return Interval(max(low, self.limit.low), min(high, self.limit.high))

    def fitted(self, value: Bits, width: int) -> Grid:
        have = value.wires.shape[-1]
        if have >= width:
            return value.wires[..., :width]
        fill = value.wires[..., -1:] if value.signed and have else np.full(
            (*value.wires.shape[:-1], 1), self.gates.ZERO, np.int64)
        return np.concatenate([value.wires, np.repeat(fill, width - have, axis=-1)], axis=-1)

    def each(self, shape: tuple[int, ...], reach: Interval, make: Callable[..., Sequence[int]], *args: Grid) -> Bits:
        """`make` of the words of `args`, for each element of `shape`; results are cut to the width of `reach`."""
        rows = [np.broadcast_to(a, (*shape, a.shape[-1])).reshape(prod(shape), a.shape[-1]).tolist() for a in args]
        width = reach.width
        made = [list(make(*words))[:width] for words in zip(*rows, strict=True)]
        return Bits(np.array(made, np.int64).reshape(*shape, width), reach)

    def grid(self, values: npt.NDArray[np.object_], reach: Interval) -> Bits:
        width = reach.width
        flat = [self.words.constant(int(v), width) for v in values.ravel()]
        return Bits(np.array(flat, np.int64).reshape(*values.shape, width), reach)

    def summed(self, terms: Sequence[Bits], shape: tuple[int, ...], reach: Interval) -> Bits:
        """The sum of arrays of one shape."""
        width = reach.width
        total = self.grid(np.zeros(shape, object), Interval(0, 0))
        wide = self.fitted(total, width)
        for term in terms:
            wide = self.each(shape, reach, lambda x, y: self.words.add(x, y, self.gates.ZERO), wide,
                             self.fitted(term, width)).wires
        return Bits(wide, reach)


Rule = Callable[..., Bits]

# ---------------------------------------------------------------------------------------------- leaves and linear ones


def _input(low: _Lowering, node: Node) -> Bits:
    slot = node.attrs["slot"]
    port = low.inputs[slot]
    wires = np.arange(low.starts[slot], low.starts[slot + 1], dtype=np.int64)
    return Bits(wires.reshape(*node.shape, port.bits)[..., : port.reach.width], port.reach)


def _const(low: _Lowering, node: Node) -> Bits:
    values = np.broadcast_to(np.asarray(node.attrs["value"]), node.shape).astype(object)
    numbers = [int(v) for v in values.ravel()] or [0]
    return low.grid(values, Interval(min(numbers), max(numbers)))


def _add(low: _Lowering, node: Node, a: Bits, b: Bits) -> Bits:
    reach = low.within(a.reach.low + b.reach.low, a.reach.high + b.reach.high)
    return low.each(node.shape, reach, lambda x, y: low.words.add(x, y, low.gates.ZERO),
                    low.fitted(a, reach.width), low.fitted(b, reach.width))


def _sub(low: _Lowering, node: Node, a: Bits, b: Bits) -> Bits:
    reach = low.within(a.reach.low - b.reach.high, a.reach.high - b.reach.low)
    return low.each(node.shape, reach, low.words.sub, low.fitted(a, reach.width), low.fitted(b, reach.width))


def _neg(low: _Lowering, node: Node, a: Bits) -> Bits:
    reach = Interval(-a.reach.high, -a.reach.low)
    return low.each(node.shape, reach, low.words.neg, low.fitted(a, reach.width))


def _scale(low: _Lowering, node: Node, a: Bits) -> Bits:
    factor = np.asarray(node.attrs["factor"]).astype(object)
    numbers = [int(v) for v in factor.ravel()] or [0]
    return _mul(low, node, a, low.grid(factor, Interval(min(numbers), max(numbers))))


def _mul(low: _Lowering, node: Node, a: Bits, b: Bits) -> Bits:
    reach = product_of(a.reach, b.reach)
    reach = low.within(reach.low, reach.high)
    return low.each(node.shape, reach, lambda x, y: low.words.mul(x, y, b.signed), low.fitted(a, reach.width), b.wires)


def _times(low: _Lowering, reach: Interval, count: int) -> Interval:
    return low.within(min(0, reach.low * count), max(0, reach.high * count))


def _sum(low: _Lowering, node: Node, a: Bits) -> Bits:
    axis = node.attrs["axis"]
    count = a.wires.shape[axis]
    terms = [Bits(np.asarray(a.wires.take(k, axis)), a.reach) for k in range(count)]
    return low.summed(terms, node.shape, _times(low, a.reach, count))


def _cumsum(low: _Lowering, node: Node, a: Bits) -> Bits:
    count = node.shape[-1]
    reach = _times(low, a.reach, count)
    terms = [Bits(a.wires[..., k, :], a.reach) for k in range(count)]
    sums = [low.summed(terms[: k + 1], node.shape[:-1], reach).wires for k in range(count)]
    empty = np.zeros((*node.shape, reach.width), np.int64)
    return Bits(np.stack(sums, axis=-2) if sums else empty, reach)


def _dot(low: _Lowering, node: Node, a: Bits, b: Bits) -> Bits:
    count = max(a.wires.shape[-2], b.wires.shape[-2])
    parts = [Bits(np.broadcast_to(v.wires, (*v.wires.shape[:-2], count, v.wires.shape[-1])), v.reach) for v in (a, b)]
    return _added_products(low, node, [[Bits(v.wires[..., k, :], v.reach) for v in parts] for k in range(count)])


def _matmul(low: _Lowering, node: Node, a: Bits, b: Bits) -> Bits:
    pairs = [[Bits(a.wires[..., :, k, None, :], a.reach), Bits(b.wires[..., None, k, :, :], b.reach)]
             for k in range(a.wires.shape[-2])]
    return _added_products(low, node, pairs)


def _added_products(low: _Lowering, node: Node, pairs: Sequence[Sequence[Bits]]) -> Bits:
    terms = [_mul(low, node, *pair) for pair in pairs]
    reach = _times(low, terms[0].reach, len(terms)) if terms else Interval(0, 0)
    return low.summed(terms, node.shape, reach)


# ---------------------------------------------------------------------------------------------- truths


def _gate(name: str) -> Rule:
    def make(low: _Lowering, node: Node, *args: Bits) -> Bits:
        gate = getattr(low.gates, name)
        return low.each(node.shape, TRUTH, lambda *words: [gate(*(w[0] for w in words))],
                        *(low.fitted(a, 1) for a in args))
    return make


def _ltz(low: _Lowering, node: Node, a: Bits) -> Bits:
    if not a.signed:
        return low.grid(np.zeros(node.shape, object), TRUTH)
    return Bits(a.wires[..., -1:], TRUTH)


def _eqz(low: _Lowering, node: Node, a: Bits) -> Bits:
    return low.each(node.shape, TRUTH, lambda x: [low.words.is_zero(x)], a.wires)


def _b2a(low: _Lowering, node: Node, a: Bits) -> Bits:
    return Bits(low.fitted(a, 1), TRUTH)


def _a2b(low: _Lowering, node: Node, a: Bits) -> Bits:
    return Bits(low.fitted(a, node.attrs["bits"])[..., None], TRUTH)


def _select(low: _Lowering, node: Node, c: Bits, x: Bits, y: Bits) -> Bits:
    reach = x.reach.join(y.reach)
    return low.each(node.shape, reach, lambda c, x, y: low.words.mux(c[0], x, y),
                    low.fitted(c, 1), low.fitted(x, reach.width), low.fitted(y, reach.width))


# ---------------------------------------------------------------------------------------------- division


def _shr(low: _Lowering, node: Node, a: Bits) -> Bits:
    reach = Interval(a.reach.low >> node.attrs["f"], a.reach.high >> node.attrs["f"])
    width = a.wires.shape[-1]
    return Bits(low.fitted(Bits(a.wires[..., min(node.attrs["f"], max(0, width - 1)) :], a.reach), reach.width), reach)


def _divc(low: _Lowering, node: Node, a: Bits) -> Bits:
    divisor = int(node.attrs["divisor"])
    reach = Interval(a.reach.low // divisor, a.reach.high // divisor)
    made = low.each(node.shape, a.reach, lambda x: low.words.floor_divided(x, a.signed, divisor), a.wires)
    return Bits(low.fitted(made, reach.width), reach)


def _divmod(low: _Lowering, node: Node, a: Bits, b: Bits) -> Bits:
    bits = node.attrs["bits"]
    reach = Interval(0, (1 << bits) - 1)
    divisor = b.wires[..., :-1] if b.signed else b.wires

    def make(x: Sequence[int], y: Sequence[int]) -> list[int]:
        quotient, rest = low.words.divide(x, y)
        there = low.gates.inv(low.words.is_zero(y))
        wide = low.words.fitted(rest, False, bits)
        return [low.gates.and_(there, wire) for wire in (*quotient, *wide)]

    shape = node.shape[1:]
    both = low.each(shape, Interval(0, (1 << 2 * bits) - 1), make, low.fitted(a, bits), divisor)
    return Bits(np.stack([both.wires[..., :bits], both.wires[..., bits:]]), reach)


# ---------------------------------------------------------------------------------------------- structure and order


def _same(move: Callable[[Node, Grid], Grid]) -> Rule:
    return lambda low, node, a: Bits(move(node, a.wires), a.reach)


def _concat(low: _Lowering, node: Node, *parts: Bits) -> Bits:
    reach = parts[0].reach
    for part in parts[1:]:
        reach = reach.join(part.reach)
    return Bits(np.concatenate([low.fitted(p, reach.width) for p in parts], axis=node.attrs["axis"]), reach)


def _put(low: _Lowering, node: Node, a: Bits, rows: Bits) -> Bits:
    reach = a.reach.join(rows.reach)
    made = low.fitted(a, reach.width).copy()
    made[node.attrs["indices"]] = low.fitted(rows, reach.width)
    return Bits(made, reach)


def _sort(low: _Lowering, node: Node, *columns: Bits) -> Bits:
    return _ordered(low, columns[: node.attrs["keys"]], columns, node.attrs["ranks"])


def _permute(low: _Lowering, node: Node, perm: Bits, *columns: Bits) -> Bits:
    return _ordered(low, (perm,), columns, None)


def _ordered(low: _Lowering, keys: Sequence[Bits], columns: Sequence[Bits], ranks: Sequence[int] | None) -> Bits:
    """Columns in ascending order of `keys`: (c, *batch, rows)."""
    reach = columns[0].reach
    for column in columns[1:]:
        reach = reach.join(column.reach)
    loads = np.stack([low.fitted(c, reach.width) for c in columns])
    count, *batch, rows, width = loads.shape
    wanted = list(range(rows)) if ranks is None else list(ranks)
    made = np.empty((count, *batch, len(wanted), width), np.int64)
    for at in product(*map(range, batch)):
        place: Any = (slice(None), *at)
        items: Grid = loads[place]
        words = [[_unsigned(low, key, row) for row in key.wires[at].tolist()] for key in reversed(keys)]
        pairs = [([wire for key in words for wire in key[row]], items[:, row].ravel().tolist()) for row in range(rows)]
        done = low.words.sorted_rows(pairs)
        chosen = [np.array(done[rank], np.int64).reshape(count, width) for rank in wanted]
        made[place] = np.stack(chosen, axis=1)
    return Bits(made, reach)


def _unsigned(low: _Lowering, key: Bits, wires: list[int]) -> list[int]:
    """A word whose unsigned order is the order of `wires`: the sign turned round."""
    return [*wires[:-1], low.gates.inv(wires[-1])] if key.signed else wires


_RULES: dict[str, Rule] = {
    "input": _input, "const": _const, "add": _add, "sub": _sub, "neg": _neg, "scale": _scale, "sum": _sum,
    "cumsum": _cumsum, "xor": _gate("xor"), "not": _gate("inv"), "and": _gate("and_"), "mul": _mul, "dot": _dot,
    "matmul": _matmul, "ltz": _ltz, "eqz": _eqz, "b2a": _b2a, "a2b": _a2b, "select": _select, "shr": _shr,
    "divc": _divc, "divmod": _divmod, "concat": _concat, "put": _put, "sort": _sort, "permute": _permute,
    "reshape": _same(lambda node, x: x.reshape(*node.shape, x.shape[-1])),
    "broadcast": _same(lambda node, x: np.broadcast_to(
        x.reshape(*(1,) * (len(node.shape) + 1 - x.ndim), *x.shape), (*node.shape, x.shape[-1]))),
    "take": _same(lambda node, x: x.take(node.attrs["indices"], node.attrs["axis"])),
    "transpose": _same(lambda node, x: x.transpose(*node.attrs["axes"], x.ndim - 1)),
}
_REFUSED = {
    "shuffle": "a random order is no function of the inputs, and gates have no randomness",
    "load": "values that an earlier computation kept are no inputs of this one",
}
