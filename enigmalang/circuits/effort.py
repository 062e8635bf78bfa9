"""What running a circuit takes, before it is run: for nodes that strangers give circuits to."""

from math import prod

import numpy as np

from enigmalang.circuits.circuit import Circuit
from enigmalang.circuits.costs import rounds_of
from enigmalang.circuits.table import Table, distinct, table_of


def chain_rounds(circuit: Circuit) -> int:
    """The rounds of its longest chain of operations, about (`costs`): none less can do."""
    table = table_of(circuit.nodes)
    ends: list[int] = []
    starts, args = table.starts.tolist(), table.args.tolist()
    for number, cost in enumerate(_rounds(circuit, table).tolist()):
        ends.append(cost + max((ends[arg] for arg in args[starts[number] : starts[number + 1]]), default=0))
    return max(ends, default=0)


def number_rounds(circuit: Circuit) -> int:
    """The numbers of each operation times its rounds, of all: about what is computed and sent."""
    table = table_of(circuit.nodes)
    sizes = np.array([prod(shape) for shape in table.shape_list], dtype=object)
    return int((sizes[table.shapes] * _rounds(circuit, table)).sum()) if len(table) else 0


def _rounds(circuit: Circuit, table: Table) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Of each operation."""
    first, which = distinct(table.ops, table.attrs)
    q = int(circuit.field[1:])
    costs = [rounds_of(table.op(i), table.attr_list[table.attrs[i]], q) for i in first.tolist()]
    return np.array(costs, np.int64)[which]


def inner_products(circuit: Circuit) -> int:
    """The multiplications within its products of matrices and vectors, which its sizes do not show."""
    table = table_of(circuit.nodes)
    return sum(_multiplications(table, number) for number in table.where("dot", "matmul").tolist())


def _multiplications(table: Table, number: int) -> int:
    left = table[int(table.args[table.starts[number]])].shape
    return table[number].size * (left[-1] if left else 1)
