"""A circuit's nodes as columns: what the stages between tracing and running work on.

A million nodes as objects cost seconds in every stage that looks at them; as columns most stages are a few NumPy
operations, and the rest loops over small integers. A `Table` still reads as a sequence of `Node`s: each is made when
it is first asked for, and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.circuit import OPS, Circuit, CircuitOp, Form, Node
from enigmalang.source import Span

Shape = tuple[int, ...]
Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]

#: Operations by number, and numbers by name: the columns hold numbers.
OP_LIST: tuple[CircuitOp, ...] = tuple(OPS.values())
OP_NUMBER: dict[str, int] = {op.name: number for number, op in enumerate(OP_LIST)}
FORMS = (Form.ARITH, Form.BITS)
#: Rows below which a dictionary is faster than sorting columns.
SMALL = 256
_NO_ATTRS: dict[str, Any] = {}


class Table(Sequence[Node]):
    """Nodes in columns. Node i has operation `ops[i]`, form `forms[i]` (0: ARITH), shape `shape_list[shapes[i]]`,
    attributes `attr_list[attrs[i]]` (entry 0 is empty), and the arguments `args[starts[i]:starts[i + 1]]`.

    `spans` holds a place or None for each node, or nothing at all. Not to be changed.
    """

    __slots__ = ("_made", "args", "attr_list", "attrs", "forms", "ops", "shape_list", "shapes", "spans", "starts")

    def __init__(
        self,
        ops: Bytes,
        forms: Bytes,
        shapes: Ints,
        attrs: Ints,
        starts: npt.NDArray[np.int64],
        args: Ints,
        shape_list: Sequence[Shape],
        attr_list: Sequence[dict[str, Any]],
        spans: Sequence[Span | None] = (),
    ) -> None:
        self.ops, self.forms, self.shapes, self.attrs = ops, forms, shapes, attrs
        self.starts, self.args = starts, args
        self.shape_list, self.attr_list, self.spans = shape_list, attr_list, spans
        self._made: list[Node | None] | None = None

    def __len__(self) -> int:
        return len(self.ops)

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Node, ...]: ...
    def __getitem__(self, index: int | slice) -> Node | tuple[Node, ...]:
        made = self._made
        if made is None:
            made = self._made = [None] * len(self.ops)
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(made))))
        return made[index] or self._make(made, index)

    def __iter__(self) -> Iterator[Node]:
        return (self[i] for i in range(len(self)))

    def _make(self, made: list[Node | None], index: int) -> Node:
        if index < 0:
            index += len(made)
        args = tuple(self.args[self.starts[index] : self.starts[index + 1]].tolist())
        node = made[index] = Node(
            self.op(index),
            args,
            self.shape_list[self.shapes[index]],
            self.form(index),
            self.attr_list[self.attrs[index]],
            self.spans[index] if self.spans else None,
        )
        return node

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many arguments each node has."""
        return np.diff(self.starts)

    def users(self) -> npt.NDArray[np.int64]:
        """For each argument in `args`, the node that uses it."""
        return np.repeat(np.arange(len(self.ops)), self.counts)

    def op(self, index: int) -> str:
        return OP_LIST[int(self.ops[index])].name

    def form(self, index: int) -> Form:
        return FORMS[self.forms[index]]

    def only(self, kept: npt.NDArray[np.bool_], renamed: npt.NDArray[np.int64]) -> Table:
        """The nodes for which `kept` is true; `renamed` are their numbers there."""
        counts = self.counts
        spans = [span for span, stays in zip(self.spans, kept.tolist(), strict=True) if stays] if self.spans else ()
        return Table(
            self.ops[kept], self.forms[kept], self.shapes[kept], self.attrs[kept], starts_of(counts[kept]),
            renamed[self.args[np.repeat(kept, counts)]].astype(np.int32), self.shape_list, self.attr_list, spans,
        )

    def with_two(self, numbers: list[int], op: str, left: list[int], right: list[int]) -> Table:
        """The nodes `numbers`, of one argument each, as operations `op` on two, without attributes."""
        ops, attrs, args, counts = self.ops.copy(), self.attrs.copy(), self.args.copy(), self.counts
        ops[numbers], attrs[numbers], counts[numbers] = OP_NUMBER[op], 0, 2
        places = self.starts[numbers]
        args[places] = left
        args = np.insert(args, places + 1, right).astype(np.int32)
        return Table(ops, self.forms, self.shapes, attrs, starts_of(counts), args, self.shape_list, self.attr_list,
                     self.spans)

    def with_attrs(self, numbers: list[int], change: Callable[[dict[str, Any]], dict[str, Any]]) -> Table:
        """The nodes `numbers` with other attributes."""
        attrs, attr_list = self.attrs.copy(), list(self.attr_list)
        for number in numbers:
            attr_list.append(change(self.attr_list[attrs[number]]))
            attrs[number] = len(attr_list) - 1
        return Table(self.ops, self.forms, self.shapes, attrs, self.starts, self.args, self.shape_list, attr_list,
                     self.spans)

    def with_attr_list(self, attr_list: Sequence[dict[str, Any]], changed: Collection[int]) -> Table:
        """The same nodes with other attributes under the numbers `changed`."""
        table = Table(self.ops, self.forms, self.shapes, self.attrs, self.starts, self.args, self.shape_list, attr_list,
                      self.spans)
        if self._made is not None:
            table._made = [None if number in changed else node
                           for node, number in zip(self._made, self.attrs.tolist(), strict=True)]
        return table

    def where(self, *names: str) -> npt.NDArray[np.int64]:
        """The numbers of the nodes with one of these operations."""
        return np.nonzero(is_op(*names)[self.ops])[0]


def is_op(*names: str) -> npt.NDArray[np.bool_]:
    """A truth for each operation number."""
    found = np.zeros(len(OP_LIST), dtype=np.bool_)
    found[[OP_NUMBER[name] for name in names]] = True
    return found


class Rows:
    """Grows a table: equal shapes and equal attributes are stored once."""

    __slots__ = ("_attr_ids", "_shape_ids", "args", "attr_list", "attrs", "forms", "ops", "shape_list", "shapes",
                 "spans")

    def __init__(self) -> None:
        self.ops: list[int] = []
        self.forms: list[bool] = []
        self.shapes: list[int] = []
        self.attrs: list[int] = []
        self.args: list[tuple[int, ...]] = []
        self.spans: list[Span | None] = []
        self.shape_list: list[Shape] = []
        self.attr_list: list[dict[str, Any]] = [_NO_ATTRS]
        self._shape_ids: dict[Shape, int] = {}
        self._attr_ids: dict[Any, int] = {}

    @classmethod
    def like(cls, table: Table) -> Rows:
        """No nodes yet, but the shapes and attributes of `table`, under the same numbers if each is there once."""
        rows = cls()
        for shape in table.shape_list:
            rows.shape_id(shape)
        return rows

    def __len__(self) -> int:
        return len(self.ops)

    def add(self, op: str, args: tuple[int, ...], shape: Shape, form: Form, attrs: dict[str, Any],
            span: Span | None) -> int:
        """One more node; its number. An unknown operation is a KeyError."""
        self.ops.append(OP_NUMBER[op])
        self.args.append(args)
        self.shapes.append(self.shape_id(shape))
        self.forms.append(form is Form.BITS)
        self.attrs.append(self.attr_id(op, attrs) if attrs else 0)
        self.spans.append(span)
        return len(self.ops) - 1

    def shape_id(self, shape: Shape) -> int:
        number = self._shape_ids.get(shape)
        if number is None:
            number = self._shape_ids[shape] = len(self.shape_list)
            self.shape_list.append(shape)
        return number

    def attr_id(self, op: str, attrs: dict[str, Any]) -> int:
        key = (op, *((name, content(value)) for name, value in attrs.items()))
        number = self._attr_ids.setdefault(key, len(self.attr_list))
        if number == len(self.attr_list):
            self.attr_list.append(attrs)
        return number

    def adopted(self, other: Rows) -> list[int]:
        """The numbers here of the attributes that `other` has, taken over where they are missing."""
        numbers = [0]
        for key, attrs in zip(other._attr_ids, other.attr_list[1:], strict=True):
            number = self._attr_ids.setdefault(key, len(self.attr_list))
            if number == len(self.attr_list):
                self.attr_list.append(attrs)
            numbers.append(number)
        return numbers

    @property
    def attr_keys(self) -> tuple[Any, ...]:
        """The contents of `attr_list`, to compare and to hash."""
        return tuple(self._attr_ids)

    @property
    def attr_bytes(self) -> int:
        """Bytes of the arrays among them."""
        return sum(v.nbytes for attrs in self.attr_list for v in attrs.values() if isinstance(v, np.ndarray))

    def table(self) -> Table:
        starts, args = flat_args(self.args)
        return Table(
            np.array(self.ops, np.uint8),
            np.array(self.forms, np.uint8),
            np.array(self.shapes, np.int32),
            np.array(self.attrs, np.int32),
            starts,
            args,
            self.shape_list,
            self.attr_list,
            self.spans,
        )


def flat_args(args: Sequence[tuple[int, ...]]) -> tuple[npt.NDArray[np.int64], Ints]:
    """`starts` and `args` of a table."""
    starts = starts_of(np.fromiter(map(len, args), np.int64, len(args)))
    return starts, np.fromiter(chain.from_iterable(args), np.int32, int(starts[-1]))


def starts_of(counts: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Where each run begins, and where the last one ends."""
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def content(value: Any) -> Any:
    """Something hashable that is equal for equal attributes of one type."""
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return value.shape, tuple(value.ravel().tolist())
        return value.dtype.str, value.shape, value.tobytes()
    return type(value), value


def table_of(nodes: Iterable[Node]) -> Table:
    """`nodes` as a table; a table as it is."""
    if isinstance(nodes, Table):
        return nodes
    rows = Rows()
    for node in nodes:
        rows.add(node.op, node.args, node.shape, node.form, node.attrs, node.span)
    return rows.table()


def ends_of(circuit: Circuit) -> list[int]:
    """The nodes that something leaves from: openings, outputs, keeps."""
    return [*circuit.opens, *(out.node for out in circuit.outputs), *(node for node, _ in circuit.keeps)]


def live_nodes(table: Table, ends: list[int]) -> npt.NDArray[np.bool_]:
    """Whether something in `ends` depends on each node, or is it."""
    found = np.zeros(len(table), np.bool_)
    found[ends] = True
    used = found.copy()
    used[table.args] = True
    if used.all():  # then so is the user of each, and the last node is an end
        return used
    live, args, starts = found.tolist(), table.args.tolist(), table.starts.tolist()
    for i in range(len(live) - 1, -1, -1):
        if live[i]:
            for arg in args[starts[i] : starts[i + 1]]:
                live[arg] = True
    return np.array(live, np.bool_)


def distinct(*columns: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of non-negative integers: where each distinct row comes first, in that order, and each row's place there."""
    if len(columns[0]) < SMALL:
        places: dict[tuple[int, ...], int] = {}
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        which_row = [places.setdefault(row, len(places)) for row in rows]
        first_row = [0] * len(places)
        for number in range(len(rows) - 1, -1, -1):
            first_row[which_row[number]] = number
        return np.array(first_row, np.int64), np.array(which_row, np.int64)
    codes = np.zeros(len(columns[0]), np.int64)
    top = 1
    for column in columns:
        size = int(column.max(initial=0)) + 1
        if top * size >= 1 << 62:
            values, codes = np.unique(codes, return_inverse=True)
            top = len(values)
        codes = codes * size + column
        top *= size
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], place[which]
