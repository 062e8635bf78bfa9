"""What the parties compute together: a layer's operations joined into one call of a protocol, and split again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from enigmalang.circuits.circuit import Form, Node
from enigmalang.fields import Raw
from enigmalang.fields.arithmetic import SELECT
from enigmalang.mpc.bits import a2b_rounds, b2a_rounds, b2a_sums
from enigmalang.mpc.compare import eqz_rounds, ltz_rounds
from enigmalang.mpc.deal import and_planes, reshare_locals
from enigmalang.mpc.divide import divc_rounds, divmod_rounds, shr_rounds
from enigmalang.mpc.local import Values, broadcast_bits, local_product, with_offset
from enigmalang.mpc.party import Finish, Party, Round
from enigmalang.mpc.pipeline import Rounds, overlapping
from enigmalang.mpc.sums import WeightedSum
from enigmalang.sharing import ArithShare, BitShare, Share
from enigmalang.sharing.local import Local, given, product, selection
from enigmalang.sharing.secret import join_arith, join_bits, split_arith, split_bits

#: Products of so many elements on average are not joined before they are reshared.
_LARGE = 1 << 12


#: As which phase the protocols' time is counted.
PHASES = {
    "products": "products",
    "ltz": "comparisons",
    "eqz": "comparisons",
    "b2a": "conversions",
    "a2b": "conversions",
    "shr": "divisions",
    "divc": "divisions",
    "divmod": "divisions",
}


def together(values: Values, protocol: str, nodes: Sequence[int]) -> Rounds[None]:
    """Compute the nodes of one layer's protocol (a key of PHASES) and store their values."""
    if protocol == "products":
        return _products(values, nodes)
    if protocol == "b2a":
        return _of_bits(values, nodes)
    if protocol == "divmod":
        return _of_pairs(values, nodes)
    return _of_integers(values, nodes, UNARY[protocol])


# ------------------------------------------------------------ products: one round for all kinds


def _products(values: Values, nodes: Sequence[int]) -> Rounds[None]:
    circuit, round_ = values.circuit, values.party.round()
    elements = [i for i in nodes if circuit.nodes[i].form is Form.ARITH]
    bits = [i for i in nodes if circuit.nodes[i].form is Form.BITS]
    finishers = []
    if elements:
        finishers.append(_begin_products(values, round_, elements))
    if bits:
        finishers.append(_begin_ands(values, round_, bits))
    yield round_
    for finish in finishers:
        finish()


def _begin_products(values: Values, round_: Round, nodes: list[int]) -> Finish[None]:
    party, table = values.party, values.circuit.nodes
    shapes = [table[i].shape for i in nodes]
    if sum(table[i].size for i in nodes) < _LARGE * len(nodes):
        joined = join_arith(party.field, [local_product(values, table[i]) for i in nodes])
        locals_ = [given(party.field, joined)]
    else:
        locals_ = [_local(values, table[i]) for i in nodes]
    reshared = reshare_locals(party, round_, locals_)
    offset = {i for i, local in zip(nodes, locals_, strict=False) if local.kind == SELECT}  # has it already

    def finish() -> None:
        for i, raw in zip(nodes, split_arith(party.field, reshared(), shapes), strict=True):
            values[i] = ArithShare(party.field, raw) if i in offset else with_offset(values, table[i], raw)

    return finish


def _local(values: Values, node: Node) -> Local:
    """A node's product, left to the resharing when that saves going over memory."""
    field = values.party.field
    raws = [values.arith(arg).raw for arg in node.args]
    if node.op == "mul":
        return product(field, *raws)
    chosen = selection(field, *raws) if node.op == "select" else None
    return chosen or given(field, local_product(values, node))


def _begin_ands(values: Values, round_: Round, nodes: list[int]) -> Finish[None]:
    party, table = values.party, values.circuit.nodes
    left = join_bits([broadcast_bits(values.bits(table[i].args[0]), table[i].shape) for i in nodes])
    right = join_bits([broadcast_bits(values.bits(table[i].args[1]), table[i].shape) for i in nodes])
    reshared = and_planes(party, round_, left.words[:, None], None, right.words[:, None], None, left.size)

    def finish() -> None:
        joined = BitShare(np.ascontiguousarray(reshared()[:, 0]), left.shape)
        for i, value in zip(nodes, split_bits(joined, [table[i].shape for i in nodes]), strict=True):
            values[i] = value

    return finish


# ------------------------------------------------------------ protocols of several rounds

Unary = Callable[[Party, ArithShare, list[Node]], Rounds[ArithShare] | Rounds[BitShare]]

UNARY: dict[str, Unary] = {
    "ltz": lambda party, x, nodes: ltz_rounds(party, x, _common_bits(nodes)),
    "eqz": lambda party, x, nodes: eqz_rounds(party, x, _common_bits(nodes)),
    "a2b": lambda party, x, nodes: a2b_rounds(party, x, nodes[0].attrs["bits"]),
    "shr": lambda party, x, nodes: shr_rounds(party, x, nodes[0].attrs["f"], nodes[0].attrs["mode"] == "exact"),
    "divc": lambda party, x, nodes: divc_rounds(party, x, int(nodes[0].attrs["divisor"])),
}


def _common_bits(nodes: list[Node]) -> int | None:
    """Comparisons run together over the widest of their ranges: rounds are dearer than bits."""
    widths = [node.attrs.get("bits") for node in nodes]
    return None if None in widths else max(width for width in widths if width is not None)


def _of_integers(values: Values, nodes: Sequence[int], protocol: Unary) -> Rounds[None]:
    party, table = values.party, values.circuit.nodes
    joined = join_arith(party.field, [values.arith(table[i].args[0]).raw for i in nodes])
    result = yield from protocol(party, ArithShare(party.field, joined), [table[i] for i in nodes])
    _store(values, nodes, result)


def _of_bits(values: Values, nodes: Sequence[int]) -> Rounds[None]:
    """Those that are only summed with weights are stored as their sums."""
    party, table, sums = values.party, values.circuit.nodes, values.sums
    if sums:
        yield from overlapping(party, [piece for i in nodes if i in sums for piece in _summed(values, i, sums[i])])
        nodes = [i for i in nodes if i not in sums]
    if nodes:
        joined = join_bits([values.bits(table[i].args[0]) for i in nodes])
        _store(values, nodes, (yield from b2a_rounds(party, joined)))


def _summed(values: Values, node: int, found: WeightedSum) -> list[Rounds[None]]:
    field, table = values.party.field, values.circuit.nodes
    shape = table[found.sum].shape
    out = field.empty((prod(shape),))
    values[found.sum] = ArithShare(field, field.reshape(out, shape))
    weights = field.from_ints(table[found.scale].attrs["factor"].reshape(-1))
    return b2a_sums(values.party, values.bits(table[node].args[0]), weights, out)


def _store(values: Values, nodes: Sequence[int], result: Share) -> None:
    shapes = [values.circuit.nodes[i].shape for i in nodes]
    if isinstance(result, BitShare):
        for i, bits in zip(nodes, split_bits(result, shapes), strict=True):
            values[i] = bits
        return
    field = result.field
    for i, raw in zip(nodes, split_arith(field, result.flat(), shapes), strict=True):
        values[i] = ArithShare(field, raw)


def _of_pairs(values: Values, nodes: Sequence[int]) -> Rounds[None]:
    """divmod: a result has a new first axis, so its two halves are split apart and joined again."""
    party, table = values.party, values.circuit.nodes
    field = party.field
    shapes = [table[i].shape[1:] for i in nodes]
    left, right = (_joined_side(values, nodes, side) for side in (0, 1))
    bits = table[nodes[0]].attrs["bits"]
    result = yield from divmod_rounds(party, ArithShare(field, left), ArithShare(field, right), bits)
    halves = [split_arith(field, half, shapes) for half in result.raw]
    for i, quotient, rest in zip(nodes, *halves, strict=True):
        values[i] = ArithShare(field, np.stack([quotient, rest]))


def _joined_side(values: Values, nodes: Sequence[int], side: int) -> Raw:
    field, table = values.party.field, values.circuit.nodes
    return join_arith(
        field, [field.broadcast(values.arith(table[i].args[side]).raw, table[i].shape[1:]) for i in nodes]
    )
