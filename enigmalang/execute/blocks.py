"""Blocks: many nodes of a trace held as columns, made once and put wherever the same computation comes again.

A loop whose iterations trace alike is one `block` wire, whose arguments are what goes in, and an `out` wire for each
value that comes out. Only when a circuit is written the block's columns are laid out, with NumPy, as often as it is
repeated: the circuit is the one that tracing every iteration gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.table import Rows, Table, starts_of

if TYPE_CHECKING:
    from enigmalang.execute.trace import Wire

Numbers = npt.NDArray[np.int64]
#: What an attribute is in every repetition: arrays without axes.
Column = Sequence[npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Varying:
    """A node of a block whose attribute `name` is another one in every repetition; `attrs` are all of one."""

    node: int
    op: str
    name: str
    attrs: dict[str, Any]
    column: Column

    def each(self, rows: Rows) -> list[int]:
        """The number of its attributes in each repetition."""
        return [rows.attr_id(self.op, {**self.attrs, self.name: value}) for value in self.column]


class Block:
    """`count` repetitions of the nodes of `table`, one after another.

    A reference below `params` names a parameter, any other the node `reference - params` of the same repetition.
    `carried[p]` is the reference that parameter p is in the next repetition; parameters past those stay. The nodes of
    `varying` are not quite the same in each.
    """

    __slots__ = ("_flat", "_passed", "count", "params", "rows", "table", "varying")

    def __init__(self, rows: Rows, table: Table, params: int, count: int, carried: Sequence[int],
                 varying: Sequence[Varying] = ()) -> None:
        """Raises ValueError for parameters that only go round among themselves."""
        self.rows, self.table, self.params, self.count = rows, table, params, count
        self.varying = varying
        self._passed = _Passed(carried, params, len(table), count)
        self._flat: tuple[npt.NDArray[np.bool_], Numbers] | None = None

    @property
    def size(self) -> int:
        return self.count * len(self.table)

    def last(self, reference: int) -> tuple[bool, int]:
        """What a reference is after the last repetition: (a node of the whole block, its number) or a parameter."""
        if reference < self.params:
            inner, number = self._passed.of(reference)
            return bool(inner[self.count - 1]), int(number[self.count - 1])
        return True, reference - self.params + (self.count - 1) * len(self.table)

    def args(self) -> tuple[npt.NDArray[np.bool_], Numbers]:
        """The arguments of all repetitions: whether each is a node of the block, and which; or which parameter."""
        if self._flat is None:
            table, count = self.table, self.count
            flat = table.args.astype(np.int64)
            inner = np.tile(flat >= self.params, (count, 1))
            numbers = (flat - self.params) + len(table) * np.arange(count)[:, None]
            for column in np.nonzero(flat < self.params)[0].tolist():
                inner[:, column], numbers[:, column] = self._passed.of(int(flat[column]))
            self._flat = inner.ravel(), numbers.ravel()
        return self._flat


class _Passed:
    """What each parameter is in every repetition: a node of an earlier one, or a parameter of the first."""

    def __init__(self, carried: Sequence[int], params: int, size: int, count: int) -> None:
        self._carried, self._params, self._size, self._count = carried, params, size, count
        self._known: dict[int, tuple[npt.NDArray[np.bool_], Numbers]] = {}
        for param in range(len(carried)):
            self._find(param, ())

    def of(self, param: int) -> tuple[npt.NDArray[np.bool_], Numbers]:
        return self._find(param, ())

    def _find(self, param: int, path: tuple[int, ...]) -> tuple[npt.NDArray[np.bool_], Numbers]:
        if param in self._known:
            return self._known[param]
        if param in path:
            raise ValueError("values that only change places")
        inner = np.zeros(self._count, np.bool_)
        numbers = np.full(self._count, param, np.int64)
        source = self._carried[param] if param < len(self._carried) else param
        if source >= self._params:
            inner[1:] = True
            numbers[1:] = source - self._params + self._size * np.arange(self._count - 1)
        elif source != param:
            before = self._find(source, (*path, param))
            inner[1:], numbers[1:] = before[0][:-1], before[1][:-1]
        self._known[param] = inner, numbers
        return inner, numbers


def laid_out(rows: Rows, wires: Sequence[Wire], blocks: Sequence[Wire], total: int) -> Table:
    """One table of `rows` (the nodes of `wires`, at their numbers) and of the blocks, laid out at theirs."""
    groups: dict[Block, list[Wire]] = {}
    for wire in blocks:
        groups.setdefault(wire.attrs["block"], []).append(wire)
    plain = rows.table()
    canvas = _Canvas(total)
    places = np.array([wire.number for wire in wires], np.int64)
    canvas.nodes(places, plain, plain.shapes, plain.attrs, 1)
    bases = {}
    for block, users in groups.items():
        table = block.table
        base = bases[block] = np.array([wire.number for wire in users], np.int64)
        shapes = np.array([rows.shape_id(shape) for shape in table.shape_list], np.int32)[table.shapes]
        attrs = np.array(rows.adopted(block.rows), np.int32)[table.attrs]
        canvas.nodes(base[:, None] + np.arange(block.size), table, shapes, attrs, block.count)
        for varying in block.varying:
            every = base[:, None] + varying.node + len(table) * np.arange(block.count)
            canvas.attrs[every] = np.array(varying.each(rows), np.int32)
    starts = starts_of(canvas.counts)
    args = np.zeros(int(starts[-1]), np.int32)
    args[np.repeat(starts[places] - plain.starts[:-1], plain.counts) + np.arange(len(plain.args))] = plain.args
    for block, users in groups.items():
        inner, numbers = block.args()
        base = bases[block][:, None]
        outer = np.array([[arg.number for arg in wire.args] for wire in users], np.int64).reshape(len(users), -1)
        found = np.where(inner, base + numbers, 0)
        if outer.size:
            found = np.where(inner, found, outer[:, np.where(inner, 0, numbers)])
        args[starts[base] + np.arange(len(numbers))] = found
    return Table(canvas.ops, canvas.forms, canvas.shapes, canvas.attrs, starts, args, rows.shape_list, rows.attr_list,
                 canvas.spans.tolist())


class _Canvas:
    def __init__(self, total: int) -> None:
        self.ops, self.forms = np.zeros(total, np.uint8), np.zeros(total, np.uint8)
        self.shapes, self.attrs = np.zeros(total, np.int32), np.zeros(total, np.int32)
        self.counts = np.zeros(total, np.int64)
        self.spans = np.full(total, None, object)

    def nodes(self, where: Numbers, table: Table, shapes: npt.NDArray[np.int32], attrs: npt.NDArray[np.int32],
              count: int) -> None:
        self.ops[where], self.forms[where] = np.tile(table.ops, count), np.tile(table.forms, count)
        self.shapes[where], self.attrs[where] = np.tile(shapes, count), np.tile(attrs, count)
        self.counts[where] = np.tile(table.counts, count)
        spans = np.empty(len(table), object)
        spans[:] = table.spans
        self.spans[where] = np.tile(spans, count)
