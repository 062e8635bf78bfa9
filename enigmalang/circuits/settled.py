"""Whether a circuit is as simple as it gets, seen for all nodes at once: long chains mostly are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.table import OP_NUMBER, Table, distinct, is_op

#: Nodes from which looking is worth it.
LEAST = 4096


def is_settled(table: Table, which: npt.NDArray[np.int64], kinds: Sequence[Any]) -> bool:
    """Whether no rule can apply to any node, and no two nodes compute the same. `which`: the nodes' `kinds`, as
    `simplify` has them.

    Sound because rules look at a node and its arguments only: if none applies to the nodes as they are, the walk
    changes none.
    """
    if len(table) < LEAST:
        return False
    counts = table.counts
    if counts.max() > 3:
        return False
    quick = np.array([kind.quick for kind in kinds])[which]
    special = np.array([kind.special for kind in kinds])[which]
    if (quick != counts).any() or special[table.args].any():
        return False
    columns = np.full((3, len(table)), -1, np.int64)
    for place in range(3):
        has = counts > place
        columns[place, has] = table.args[table.starts[:-1][has] + place]
    return not _alike(table, which, kinds, counts, columns) and _all_distinct(which, kinds, counts, columns)


def _alike(table: Table, which: npt.NDArray[np.int64], kinds: Sequence[Any], counts: npt.NDArray[np.int64],
           columns: npt.NDArray[np.int64]) -> bool:
    """Whether what a node works on is such that a rule may apply."""
    ops, (first, second, third) = table.ops, columns
    one, two, three = (counts == count for count in (1, 2, 3))
    inner = ops[first]
    takes = (ops == OP_NUMBER["take"]) & is_op("concat")[inner]
    itself = np.array([kind.of_itself for kind in kinds])[which]
    return bool((one & ((inner == ops) | takes)).any() or (two & ~itself & (first == second)).any()
                or (three & (second == third)).any())


def _all_distinct(which: npt.NDArray[np.int64], kinds: Sequence[Any], counts: npt.NDArray[np.int64],
                  columns: npt.NDArray[np.int64]) -> bool:
    first, second, third = columns
    turned = np.array([kind.commutes for kind in kinds])[which] & (counts == 2) & (first > second)
    low, high = np.where(turned, second, first), np.where(turned, first, second)
    return len(distinct(which, low + 1, high + 1, third + 1)[0]) == len(which)
