"""What a party computes on its own: the values of a run, constants, linear and structural operations.

A shared integer's constant polynomial and its Shamir share look alike, so linear operations do not ask which
they have. Public bits are held as one piece and turned into shares where they meet shared ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.runs import LEAST, Runs
from enigmalang.fields import Field, Raw, pack_bits
from enigmalang.mpc.bits import negate, public_bits, xor
from enigmalang.mpc.moves import take_words
from enigmalang.mpc.party import Party
from enigmalang.mpc.sums import WeightedSum
from enigmalang.sharing import ArithShare, BitShare, Share

Bytes = npt.NDArray[np.uint8]

#: Elements of running sums that are worked out at a time.
AT_ONCE = 1 << 14


@dataclass(frozen=True, slots=True, repr=False)
class Columns:
    """Integer arrays of one shape, in memory of their own each: the value that has them along a new first axis. None
    stands for one that nobody takes.
    """

    raws: list[Raw | None]

    def joined(self, field: Field, shape: tuple[int, ...]) -> ArithShare:
        """As one array of this shape; each column is let go when it has been copied."""
        out = field.empty(shape)
        for row in reversed(out):
            raw = self.raws.pop()
            assert raw is not None
            row[...] = raw
        return ArithShare(field, out)


Value = Share | Columns


class Values:
    """The values of a circuit's nodes so far; `known[i]` says that node i is public."""

    def __init__(self, party: Party, circuit: Circuit, known: list[bool]) -> None:
        self.party = party
        self.circuit = circuit
        self.known = known
        self.ending: frozenset[int] = frozenset()  # used once more, by what runs now
        self.sums: Mapping[int, WeightedSum] = {}  # of bits that become integers only to be summed
        self._values: dict[int, Value] = {}

    def __getitem__(self, node: int) -> Share:
        """Its value; a large constant is made anew for each use, and held by who uses it."""
        value = self._values.get(node)
        if isinstance(value, Columns):
            value = self._values[node] = value.joined(self.party.field, self.circuit.nodes[node].shape)
        return constant(self.party, self.circuit.nodes[node]) if value is None else value

    def __setitem__(self, node: int, value: Value) -> None:
        self._values[node] = value

    def columns(self, node: int) -> Columns | None:
        """A value that is held by columns."""
        value = self._values.get(node)
        return value if isinstance(value, Columns) else None

    def drop(self, node: int) -> None:
        self._values.pop(node, None)  # it may have been given up

    def arith(self, node: int) -> ArithShare:
        """An integer array's shares; a public one's are the values themselves (a constant polynomial)."""
        value = self[node]
        if not isinstance(value, ArithShare):
            raise TypeError(f"node {node} holds bits, not integers")
        return value

    def give_up(self, node: int) -> ArithShare:
        """As `arith`; a value that is `ending` is then the caller's alone."""
        value = self.arith(node)
        if node in self.ending:
            self.drop(node)
        return value

    def bits_as_held(self, node: int) -> BitShare:
        """A bit array: pieces, or one piece when it is public."""
        value = self[node]
        if not isinstance(value, BitShare):
            raise TypeError(f"node {node} holds integers, not bits")
        return value

    def bits(self, node: int) -> BitShare:
        """A bit array's shares, public or not."""
        value = self.bits_as_held(node)
        return public_bits(self.party, value.words, value.shape) if self.known[node] else value

    def share(self, node: int) -> Share:
        """A node's shares, of either form."""
        return self.arith(node) if self.circuit.nodes[node].form is Form.ARITH else self.bits(node)


def made_when_used(node: Node) -> bool:
    """Whether a node's value is a large constant, which takes no memory between its uses."""
    return node.op == "const" and node.size >= LEAST


def constant(party: Party, node: Node) -> Share:
    """A public array as a node's value."""
    if isinstance(runs := node.attrs["value"], Runs) and node.form is Form.ARITH:
        raw = party.field.empty(node.shape)
        for part, elements in runs.parts():
            raw[part] = party.field.from_ints(elements)
        return ArithShare(party.field, raw)
    value = np.broadcast_to(np.asarray(node.attrs["value"]), node.shape)
    if node.form is Form.ARITH:
        return ArithShare(party.field, party.field.from_ints(value))
    return BitShare(pack_bits(value.astype(np.uint8).reshape(1, node.size)), node.shape)


def broadcast_bits(value: BitShare, shape: tuple[int, ...]) -> BitShare:
    """As numpy.broadcast_to."""
    if value.shape == shape:
        return value
    bits = value.unpacked()
    aligned = bits.reshape((bits.shape[0], *(1,) * (len(shape) - len(value.shape)), *value.shape))
    return BitShare.packed(np.broadcast_to(aligned, (bits.shape[0], *shape)))


# ------------------------------------------------------------ integers


def _add(values: Values, node: Node) -> Share:
    left, right = node.args
    x, y = values.arith(left), values.arith(right)
    return ArithShare(x.field, x.field.add(x.raw, y.raw))


def _sub(values: Values, node: Node) -> Share:
    left, right = node.args
    x, y = values.arith(left), values.arith(right)
    return ArithShare(x.field, x.field.sub(x.raw, y.raw))


def _neg(values: Values, node: Node) -> Share:
    x = values.arith(node.args[0])
    return ArithShare(x.field, x.field.neg(x.raw))


def _scale(values: Values, node: Node) -> Share:
    x, factor = values.arith(node.args[0]), np.asarray(node.attrs["factor"])
    return ArithShare(x.field, x.field.scale(x.raw, int(factor) if factor.ndim == 0 else factor))


def _sum(values: Values, node: Node) -> Share:
    x = values.arith(node.args[0])
    return ArithShare(x.field, x.field.sum(x.raw, node.attrs["axis"]))


def _cumsum(values: Values, node: Node) -> Share:
    """By doubling: after the step s, each element is the sum of the last 2s up to it. A block at a time, in a cache."""
    x = values.arith(node.args[0])
    length, field = node.shape[-1], x.field
    if not x.size:
        return x
    given, out = field.reshape(x.raw, (-1, length)), field.empty((x.size // length, length))
    block = max(1, AT_ONCE // len(given))
    for start in range(0, length, block):
        raw, step = given[:, start : start + block].copy(), 1
        if start:
            raw[:, :1] = field.add(raw[:, :1], out[:, start - 1 : start])
        while step < field.shape_of(raw)[1]:
            raw[:, step:] = field.add(raw[:, step:], raw[:, :-step])
            step *= 2
        out[:, start : start + block] = raw
    return ArithShare(field, field.reshape(out, node.shape))


# ------------------------------------------------------------ products with a public factor


def local_product(values: Values, node: Node) -> Raw:
    """The product of what this party holds: of degree 2t if both factors are shared, else of degree t."""
    field = values.party.field
    if node.op == "select":
        c, x, y = (values.arith(arg).raw for arg in node.args)
        return field.mul(c, field.sub(x, y))
    x, y = (values.arith(arg).raw for arg in node.args)
    operation = {"mul": field.mul, "dot": field.dot, "matmul": field.matmul}[node.op]
    return operation(x, y)


def with_offset(values: Values, node: Node, product: Raw) -> ArithShare:
    """A product node's value: for `select`, y is added."""
    field = values.party.field
    if node.op == "select":
        product = field.add(values.arith(node.args[2]).raw, product)
    return ArithShare(field, product)


def _product(values: Values, node: Node) -> Share:
    return with_offset(values, node, local_product(values, node))


def _and(values: Values, node: Node) -> Share:
    x, y = (broadcast_bits(values.bits_as_held(arg), node.shape) for arg in node.args)
    return BitShare(x.words & y.words, node.shape)  # one of them is public: one piece against all


# ------------------------------------------------------------ bits


def _xor(values: Values, node: Node) -> Share:
    public = all(values.known[arg] for arg in node.args)
    held = [values.bits_as_held(arg) if public else values.bits(arg) for arg in node.args]
    return xor(broadcast_bits(held[0], node.shape), broadcast_bits(held[1], node.shape))


def _not(values: Values, node: Node) -> Share:
    (arg,) = node.args
    if values.known[arg]:
        value = values.bits_as_held(arg)
        return BitShare.packed(1 - value.unpacked())
    return negate(values.party, values.bits(arg))


# ------------------------------------------------------------ structure, both forms


Move = Callable[[Node, npt.NDArray[np.generic], int], npt.NDArray[np.generic]]


def _structural(move: Move) -> Callable[[Values, Node], Share]:
    """`move(node, array, lead)` acts on the value's axes, which start at `lead` and may have axes after them."""

    def operation(values: Values, node: Node) -> Share:
        (arg,) = node.args
        if node.form is Form.ARITH:
            x = values.arith(arg)
            return ArithShare(x.field, np.asarray(move(node, x.raw, 0), np.uint64, order="C"))  # of no axes, too
        bits = values.bits_as_held(arg).unpacked()
        return BitShare.packed(np.ascontiguousarray(move(node, bits, 1), np.uint8))

    return operation


def _reshape(values: Values, node: Node) -> Share:
    value = values[node.args[0]]
    if isinstance(value, BitShare):
        return BitShare(value.words, node.shape)
    return ArithShare(value.field, value.field.reshape(value.raw, node.shape))


def _broadcast(values: Values, node: Node) -> Share:
    value = values[node.args[0]]
    if isinstance(value, BitShare):
        return broadcast_bits(value, node.shape)
    return ArithShare(value.field, np.asarray(value.field.broadcast(value.raw, node.shape), order="C"))


def of_columns(circuit: Circuit, node: Node) -> bool:
    """Whether a node takes whole columns, of those along its argument's first axis."""
    rank = len(circuit.nodes[node.args[0]].shape)
    return node.op == "take" and node.attrs["axis"] % rank == 0 and np.ndim(node.attrs["indices"]) < 2


def _take(values: Values, node: Node) -> Value:
    indices, axis = node.attrs["indices"], node.attrs["axis"]
    columns = values.columns(node.args[0])
    if columns is not None and of_columns(values.circuit, node):
        if np.ndim(indices):
            return Columns([columns.raws[i] for i in np.asarray(indices).tolist()])
        raw = columns.raws[int(indices)]
        assert raw is not None
        return ArithShare(values.party.field, raw)
    stretch = indices.stretch() if isinstance(indices, Runs) else None
    if node.form is Form.ARITH and stretch is not None:
        x = values.arith(node.args[0])
        raw = x.raw[(slice(None),) * (axis % len(x.shape)) + (stretch,)]
        return ArithShare(x.field, raw if 2 * node.size > x.size else raw.copy())  # a view holds it all
    if node.form is Form.ARITH and axis == 0 and not np.ndim(indices):  # in loops, thousands of times
        x = values.arith(node.args[0])
        return ArithShare(x.field, x.raw[int(indices), ...].copy())
    rank = len(values[node.args[0]].shape)
    if node.form is Form.BITS:
        places = np.asarray(indices, np.int64)
        held = values.bits_as_held(node.args[0])
        moved = take_words(held, places, axis % rank, node.shape)
        if moved is not None:
            return moved

    def move(node: Node, array: npt.NDArray[np.generic], lead: int) -> npt.NDArray[np.generic]:
        taken: npt.NDArray[np.generic] = np.take(array, indices, axis=axis % rank + lead)
        return taken

    return _structural(move)(values, node)


def _transpose(node: Node, array: npt.NDArray[np.generic], lead: int) -> npt.NDArray[np.generic]:
    axes = node.attrs["axes"]
    rank = len(axes)
    after = range(lead + rank, array.ndim)
    return np.transpose(array, (*range(lead), *(axis % rank + lead for axis in axes), *after))


def _concat(values: Values, node: Node) -> Share:
    axis = node.attrs["axis"] % len(node.shape)
    if node.form is Form.ARITH:
        parts = [values.arith(arg).raw for arg in node.args]
        return ArithShare(values.party.field, np.concatenate(parts, axis=axis))
    return BitShare.packed(np.concatenate(_unpacked(values, node.args), axis=axis + 1))


def _unpacked(values: Values, args: Sequence[int]) -> list[Bytes]:
    """Bits of several nodes, as pieces of one number: shares, unless all are public."""
    public = all(values.known[arg] for arg in args)
    return [(values.bits_as_held(arg) if public else values.bits(arg)).unpacked() for arg in args]


def _put(values: Values, node: Node) -> Share:
    indices = np.asarray(node.attrs["indices"])
    if node.form is Form.ARITH:
        field = values.party.field
        raw = values.arith(node.args[0]).raw.copy()
        raw[indices] = field.broadcast(values.arith(node.args[1]).raw, indices.shape + node.shape[1:])
        return ArithShare(field, raw)
    into, bits = _unpacked(values, node.args)
    target = indices.shape + node.shape[1:]
    into[:, indices] = bits.reshape((bits.shape[0], *(1,) * (len(target) - bits.ndim + 1), *bits.shape[1:]))
    return BitShare.packed(into)


LOCAL: dict[str, Callable[[Values, Node], Value]] = {
    "add": _add,
    "sub": _sub,
    "neg": _neg,
    "scale": _scale,
    "sum": _sum,
    "cumsum": _cumsum,
    "mul": _product,
    "dot": _product,
    "matmul": _product,
    "select": _product,
    "and": _and,
    "xor": _xor,
    "not": _not,
    "reshape": _reshape,
    "broadcast": _broadcast,
    "take": _take,
    "transpose": _structural(_transpose),
    "concat": _concat,
    "put": _put,
}
