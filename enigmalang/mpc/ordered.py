"""A layer's sorts, shuffles or permutations: columns of circuit nodes as tables, together where they may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from enigmalang.mpc import heap
from enigmalang.mpc.local import Values
from enigmalang.mpc.shuffle import Table, permute, shuffle
from enigmalang.mpc.sort import sort
from enigmalang.sharing import ArithShare


def _tabled(values: Values, node: int) -> Table:
    """The arguments, columns of shape (*batch, n), as (columns, rows, n). Those used for the last time are given up."""
    field, circuit = values.party.field, values.circuit
    args = circuit.nodes[node].args
    shape = circuit.nodes[args[0]].shape
    parts = {arg: field.reshape(values.give_up(arg).raw, (prod(shape[:-1]), shape[-1])) for arg in args}
    return Table(field, parts[args[0]][None] if len(args) == 1 else np.stack([parts[arg] for arg in args]))


def _store(values: Values, node: int, table: Table) -> None:
    field = values.party.field
    values[node] = ArithShare(field, field.reshape(table.raw, values.circuit.nodes[node].shape))


def _each(protocol: Callable[..., list[Table]]) -> Callable[[Values, Sequence[int]], None]:
    """All nodes in the same rounds."""

    def run(values: Values, nodes: Sequence[int]) -> None:
        results = protocol(values.party, (_tabled(values, node) for node in nodes))
        for node, result in zip(nodes, results, strict=True):
            _store(values, node, result)

    return run


def _sorts(values: Values, nodes: Sequence[int]) -> None:
    """The nodes' attributes are equal; those of equally many and long columns are rows of one table."""
    alike: dict[tuple[int, int], list[int]] = {}
    for node in nodes:
        args = values.circuit.nodes[node].args
        alike.setdefault((len(args), values.circuit.nodes[args[0]].shape[-1]), []).append(node)
    for group in alike.values():
        _sort_rows(values, group)


def _sort_rows(values: Values, nodes: list[int]) -> None:
    field, attrs = values.party.field, values.circuit.nodes[nodes[0]].attrs
    shapes = [values.circuit.nodes[values.circuit.nodes[node].args[0]].shape for node in nodes]
    size = sum(map(prod, shapes))
    heap.trim(8 * size)
    with heap.apart(4 * size):
        result = sort(values.party, _joined(values, nodes), tuple(attrs["ranges"]), attrs["ranks"])
    heap.trim(result.raw.nbytes)
    start = 0
    for node, shape in zip(nodes, shapes, strict=True):
        stop = start + prod(shape[:-1])
        _store(values, node, Table(field, np.ascontiguousarray(result.raw[:, start:stop])))
        start = stop


def _joined(values: Values, nodes: list[int]) -> Table:
    if len(nodes) == 1:
        return _tabled(values, nodes[0])
    return Table(values.party.field, np.concatenate([_tabled(values, node).raw for node in nodes], axis=1))


#: Protocols by operation; called with the nodes of a layer.
ORDERED: dict[str, Callable[[Values, Sequence[int]], None]] = {
    "permute": _each(permute),
    "shuffle": _each(shuffle),
    "sort": _sorts,
}
