"""Lists that grow by one at a time: chains of `concat`, each with one more part, seen as the parts they have."""

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from enigmalang.circuits.circuit import Circuit, Node
from enigmalang.circuits.table import Table, ends_of, starts_of, table_of


@dataclass(frozen=True, slots=True)
class View:
    """The first `count` of `parts`, and where each ends along the axis. Views of one chain share their lists."""

    parts: list[int]
    ends: list[int]
    count: int

    def at(self, index: int) -> tuple[int, int]:
        """The part that place `index` lies in, and the place there."""
        number = bisect_right(self.ends, index, 0, self.count)
        return self.parts[number], index - (self.ends[number - 1] if number else 0)

    def with_part(self, part: int, length: int) -> "View":
        end = (self.ends[self.count - 1] if self.count else 0) + length
        parts, ends = self.parts, self.ends
        if len(parts) > self.count:  # another chain went on from here
            parts, ends = parts[: self.count], ends[: self.count]
        parts.append(part)
        ends.append(end)
        return View(parts, ends, self.count + 1)


class Nodes(Protocol):
    def node(self, number: int) -> Node: ...


class Views:
    """The views of a growing circuit's concats. They do not hold the circuit, whose arrays would wait for the garbage
    collector: it looks after so many objects, not bytes.
    """

    def __init__(self) -> None:
        self._views: dict[int, View] = {}

    def of(self, nodes: Nodes, number: int) -> View:
        """The view of the concat `number`, the parts of the concats that it begins with included; always with the same
        growing circuit.
        """
        axis = nodes.node(number).attrs["axis"]
        chain: list[tuple[int, Node]] = []
        at = number
        while at not in self._views:
            node = nodes.node(at)
            if node.op != "concat" or node.attrs["axis"] != axis:
                break
            chain.append((at, node))
            at = node.args[0]
        known = at in self._views and nodes.node(at).attrs["axis"] == axis
        view = self._views[at] if known else View([], [], 0)
        for place, node in reversed(chain):
            for part in node.args[1:] if known else node.args:
                view = view.with_part(part, nodes.node(part).shape[axis])
            self._views[place] = view
            known = True
        return view


def flatten(circuit: Circuit) -> Circuit:
    """`circuit` (all of whose nodes are live) with concats that only begin another one put into that."""
    table = table_of(circuit.nodes)
    concats = table.where("concat").tolist()
    if len(concats) < 2:
        return circuit
    count = len(table)
    uses = np.bincount(table.args, minlength=count) + np.bincount(np.array(ends_of(circuit), np.int64), minlength=count)
    found: dict[int, list[int]] = {}
    axes = {number: table.attr_list[table.attrs[number]]["axis"] for number in concats}
    merged = False
    for number in concats:
        args = table.args[table.starts[number] : table.starts[number + 1]].tolist()
        first = args[0]
        if uses[first] == 1 and axes.get(first) == axes[number]:
            whole = found.pop(first)
            whole += args[1:]
            merged = True
        else:
            whole = args
        found[number] = whole
    return replace(circuit, nodes=_with_args(table, found)) if merged else circuit


def _with_args(table: Table, changed: dict[int, list[int]]) -> Table:
    counts, kept = table.counts, np.ones(len(table), np.bool_)
    places = np.repeat(table.starts[:-1], counts)
    new = counts.copy()
    for number, parts in changed.items():
        new[number], kept[number] = len(parts), False
    begins = starts_of(new)
    flat = np.zeros(int(begins[-1]), np.int32)
    stays = np.repeat(kept, counts)
    flat[(np.repeat(begins[:-1], counts) - places + np.arange(len(places)))[stays]] = table.args[stays]
    for number, parts in changed.items():
        flat[begins[number] : begins[number + 1]] = parts
    return Table(table.ops, table.forms, table.shapes, table.attrs, begins, flat, table.shape_list, table.attr_list,
                 table.spans)
