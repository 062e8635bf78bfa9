"""Sorts of the same rows by the same keys are one sort: of the columns of all of them, for the places of all of them.

An auction's winner and its second price, a list's least and greatest, its quartiles: each alone is a shuffle and a few
batches of comparisons, and together they are no more than that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.circuit import Circuit, Form, Node, Output
from enigmalang.circuits.table import Rows, Table, table_of

Ranks = tuple[int, ...] | None  # None: all, in order
Keys = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]  # the nodes, and the ranges they lie in


@dataclass(frozen=True, slots=True)
class _Joint:
    """The one sort for `members`: its columns, and which places of the order it gives."""

    members: tuple[int, ...]
    columns: tuple[int, ...]
    ranks: Ranks

    @classmethod
    def of(cls, table: Table, members: list[int]) -> _Joint:
        nodes = [table[i] for i in members]
        keys, _ = _keys(nodes[0])
        others = dict.fromkeys(arg for node in nodes for arg in node.args[len(keys) :])
        wanted = [node.attrs["ranks"] for node in nodes]
        ranks = None if None in wanted else tuple(sorted({int(rank) for some in wanted for rank in some}))
        return cls(tuple(members), (*keys, *(arg for arg in others if arg not in keys)), ranks)


def join_sorts(circuit: Circuit) -> Circuit:
    """An equivalent circuit in which no two sorts by the same keys could be one."""
    table = table_of(circuit.nodes)
    sorts = table.where("sort").tolist()
    if len({_keys(table[i]) for i in sorts}) == len(sorts):
        return circuit
    levels = _levels(table)
    alike: dict[tuple[int, Keys], list[int]] = {}
    for i in sorts:
        alike.setdefault((int(levels[i]), _keys(table[i])), []).append(i)
    joints = [_Joint.of(table, members) for members in alike.values() if len(members) > 1]
    return _Rebuilt(circuit, table, levels).run(joints) if joints else circuit


def _keys(node: Node) -> Keys:
    return node.args[: node.attrs["keys"]], tuple((low, high) for low, high in node.attrs["ranges"])


def _levels(table: Table) -> npt.NDArray[np.int64]:
    """For each node how many sorts lie on the longest way to it. Sorts of one level do not depend on each other, and
    when they become one nothing comes to depend on itself: every way out of a sort leads to a higher level.
    """
    own = [0] * len(table)
    for i in table.where("sort").tolist():
        own[i] = 1
    levels, args, starts = [0] * len(table), table.args.tolist(), table.starts.tolist()
    for i in range(len(table)):
        levels[i] = max([levels[a] + own[a] for a in args[starts[i] : starts[i + 1]]], default=0)
    return np.array(levels, np.int64)


class _Rebuilt:
    """The nodes in a new order: level by level, in each the sorts last."""

    def __init__(self, circuit: Circuit, table: Table, levels: npt.NDArray[np.int64]) -> None:
        is_sort = np.zeros(len(table), np.bool_)
        is_sort[table.where("sort")] = True
        self.order: list[int] = np.lexsort((np.arange(len(table)), is_sort, levels)).tolist()
        self.old, self.table = circuit, table
        self.rows = Rows.like(table)
        self.renamed = [-1] * len(table)

    def run(self, joints: list[_Joint]) -> Circuit:
        joint_of = {member: joint for joint in joints for member in joint.members}
        made: dict[int, int] = {}  # the first member of a joint to the number of its sort
        for i in self.order:
            node = self.table[i]
            joint = joint_of.get(i)
            if joint is None:
                self.renamed[i] = self.add(replace(node, args=self.new(node.args)))
                continue
            first = joint.members[0]
            if first not in made:
                made[first] = self.add(self.sort(joint, node))
            self.renamed[i] = self.part(made[first], joint, node)
        old, to = self.old, self.renamed
        return replace(
            old,
            nodes=self.rows.table(),
            opens=tuple(to[n] for n in old.opens),
            outputs=tuple(Output(to[out.node], out.recipient) for out in old.outputs),
            keeps=tuple((to[n], handle) for n, handle in old.keeps),
        )

    def add(self, node: Node) -> int:
        return self.rows.add(node.op, node.args, node.shape, node.form, node.attrs, node.span)

    def new(self, args: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(self.renamed[a] for a in args)

    def sort(self, joint: _Joint, like: Node) -> Node:
        *batch, length = self.table[like.args[0]].shape
        places = length if joint.ranks is None else len(joint.ranks)
        shape = (len(joint.columns), *batch, places)
        return replace(like, args=self.new(joint.columns), shape=shape, attrs=like.attrs | {"ranks": joint.ranks})

    def part(self, made: int, joint: _Joint, node: Node) -> int:
        """What `node` is of the joint sort: some of its columns, at some of its places."""
        columns = [joint.columns.index(arg) for arg in node.args]
        wanted = node.attrs["ranks"]
        last = joint.ranks if joint.ranks is not None else range(self.table[node.args[0]].shape[-1])
        places = list(range(len(last))) if wanted is None else [last.index(rank) for rank in wanted]
        if columns != list(range(len(joint.columns))):
            made = self.take(made, columns, 0, (len(columns), *node.shape[1:-1], len(last)), node)
        if places != list(range(len(last))):
            made = self.take(made, places, len(node.shape) - 1, node.shape, node)
        return made

    def take(self, of: int, indices: list[int], axis: int, shape: tuple[int, ...], like: Node) -> int:
        attrs = {"indices": np.array(indices, np.int64), "axis": axis}
        return self.add(Node("take", (of,), shape, Form.ARITH, attrs, like.span))
