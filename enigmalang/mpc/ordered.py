"""A layer's sorts, shuffles or permutations: columns of circuit nodes as tables, together where they may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from math import prod

import numpy as np

from enigmalang.circuits.circuit import Circuit
from enigmalang.circuits.table import ends_of, table_of
from enigmalang.fields import Raw
from enigmalang.mpc import heap
from enigmalang.mpc.apart import Column, pays, permute_apart, sort_apart
from enigmalang.mpc.local import Columns, Values, of_columns
from enigmalang.mpc.shuffle import Table, permute, shuffle
from enigmalang.mpc.sort import sort_with_room
from enigmalang.sharing import ArithShare


def _tabled(values: Values, node: int) -> Table:
    """The arguments, columns of shape (*batch, n), as (columns, rows, n). Those used for the last time are given up,
    each when it has been copied.
    """
    field, circuit = values.party.field, values.circuit
    args = circuit.nodes[node].args
    shape = circuit.nodes[args[0]].shape
    rows, n = prod(shape[:-1]), shape[-1]
    if len(args) == 1:
        return Table(field, field.reshape(values.give_up(args[0]).raw, (1, rows, n)))
    raw = field.empty((len(args), rows, n))
    for column, arg in zip(raw, args, strict=True):
        column[...] = field.reshape(values.give_up(arg).raw, (rows, n))
    return Table(field, raw, spare=True)


def _store(values: Values, node: int, table: Table) -> None:
    field = values.party.field
    values[node] = ArithShare(field, field.reshape(table.raw, values.circuit.nodes[node].shape))


def _large(values: Values, node: int) -> bool:
    """Whether a node's columns, more than one, are sorted or permuted one by one."""
    table, found = values.circuit.nodes, values.circuit.nodes[node]
    shape = table[found.args[0]].shape
    rows, n = prod(shape[:-1]), shape[-1]
    if found.op == "sort":
        return len(found.args) > 1 and found.attrs["ranks"] is None and pays(
            values.party, rows, n, tuple(found.attrs["ranges"]))
    return found.op == "permute" and pays(values.party, rows, n)


def _apart(values: Values, node: int) -> None:
    """A large sort or permutation. Arguments are given up when they have been read for the last time."""
    field, found = values.party.field, values.circuit.nodes[node]
    shape = found.shape[1:]
    flat = (prod(shape[:-1]), shape[-1])

    def column(arg: int, last: bool = True) -> Column:
        return lambda: field.reshape((values.give_up if last else values.arith)(arg).raw, flat)

    raws: Sequence[Raw | None]
    if found.op == "permute":
        raws = permute_apart(values.party, column(found.args[0]), [column(arg) for arg in found.args[1:]], flat)
    else:
        wanted, ranges = _wanted(values.circuit, node), tuple(found.attrs["ranges"])
        keys = [column(arg, place not in wanted) for place, arg in enumerate(found.args[: len(ranges)])]
        raws = sort_apart(values.party, keys, [column(arg) for arg in found.args], wanted, ranges, flat)
    values[node] = Columns([None if raw is None else field.reshape(raw, shape) for raw in raws])


def _wanted(circuit: Circuit, node: int) -> frozenset[int]:
    """The columns of a node's value that are used."""
    table, count = table_of(circuit.nodes), circuit.nodes[node].shape[0]
    users = [circuit.nodes[user] for user in table.users()[table.args == node].tolist()]
    if node in ends_of(circuit) or not all(of_columns(circuit, user) for user in users):
        return frozenset(range(count))
    return frozenset(i % count for user in users for i in np.asarray(user.attrs["indices"]).reshape(-1).tolist())


def _each(protocol: Callable[..., list[Table]]) -> Callable[[Values, Sequence[int]], None]:
    """All nodes in the same rounds."""

    def run(values: Values, nodes: Sequence[int]) -> None:
        large = [node for node in nodes if _large(values, node)]
        for node in large:
            _apart(values, node)
        nodes = [node for node in nodes if node not in large]
        if not nodes:
            return
        results = protocol(values.party, (_tabled(values, node) for node in nodes))
        for node, result in zip(nodes, results, strict=True):
            _store(values, node, result)

    return run


def _sorts(values: Values, nodes: Sequence[int]) -> None:
    """The nodes' attributes are equal; those of equally many and long columns are rows of one table."""
    alike: dict[tuple[int, int], list[int]] = {}
    for node in nodes:
        args = values.circuit.nodes[node].args
        if _large(values, node):
            _apart(values, node)
            continue
        alike.setdefault((len(args), values.circuit.nodes[args[0]].shape[-1]), []).append(node)
    for group in alike.values():
        _sort_rows(values, group)


def _sort_rows(values: Values, nodes: list[int]) -> None:
    field, attrs = values.party.field, values.circuit.nodes[nodes[0]].attrs
    shapes = [values.circuit.nodes[values.circuit.nodes[node].args[0]].shape for node in nodes]
    size = sum(map(prod, shapes))
    heap.trim(8 * size * len(values.circuit.nodes[nodes[0]].args))
    with heap.apart(4 * size):
        result = sort_with_room(values.party, [_joined(values, nodes)], tuple(attrs["ranges"]), attrs["ranks"])
    heap.trim(result.raw.nbytes)
    start = 0
    for node, shape in zip(nodes, shapes, strict=True):
        stop = start + prod(shape[:-1])
        _store(values, node, Table(field, np.ascontiguousarray(result.raw[:, start:stop])))
        start = stop


def _joined(values: Values, nodes: list[int]) -> Table:
    """The arguments of all nodes as rows of one table, with room for a column more. As in `_tabled` they are given up.
    """
    field, table = values.party.field, values.circuit.nodes
    shapes = [table[table[node].args[0]].shape for node in nodes]
    n, stops = shapes[0][-1], list(accumulate(prod(shape[:-1]) for shape in shapes))
    raw = field.empty((len(table[nodes[0]].args) + 1, stops[-1], n))
    for node, start, stop in zip(nodes, [0, *stops], stops, strict=False):
        for column, arg in zip(raw, table[node].args, strict=False):
            column[start:stop] = field.reshape(values.give_up(arg).raw, (stop - start, n))
    return Table(field, raw, spare=True)


#: Protocols by operation; called with the nodes of a layer.
ORDERED: dict[str, Callable[[Values, Sequence[int]], None]] = {
    "permute": _each(permute),
    "shuffle": _each(shuffle),
    "sort": _sorts,
}
