"""Circuits that differ in their public arrays only (constants, factors, places), coded and checked in little time.

A statement entered again with another number in it is the circuit of before with another constant. What a circuit is
but for the contents of its arrays is its *structure*. Of each structure seen lately the readers and writers here
remember what is worked out of it. The bytes are those of `wire.codec`, and what comes out has passed the same checks:
of a circuit of known structure, those of the nodes that have arrays, for all others depend on the structure alone.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import msgspec

from enigmalang.circuits.circuit import Circuit
from enigmalang.circuits.table import Table, content, table_of
from enigmalang.wire.check import check_circuit, check_nodes, checked_nodes
from enigmalang.wire.codec import (
    ARRAYS,
    Attr,
    Document,
    Record,
    attributes,
    circuit_of,
    document_of,
    encoded,
    has_twins,
    names_of,
    read_document,
    written,
)
from enigmalang.wire.errors import WireError

#: Structures that are remembered, and bytes of the circuits they are remembered by, of one and of all together: each is
#: kept with its arrays, and what is kept of its structure takes some thirty times its bytes.
KEPT, LARGEST, KEPT_BYTES = 256, 1 << 16, 1 << 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Arrays:
    """Where a structure has arrays: numbers of attributes, and the nodes whose rules look at them."""

    attrs: frozenset[int]
    nodes: tuple[int, ...]


def _arrays_of(table: Table) -> _Arrays:
    attrs = frozenset(number for number, values in enumerate(table.attr_list) if not ARRAYS.isdisjoint(values))
    owners = table.attrs.tolist()
    return _Arrays(attrs, tuple(node for node in checked_nodes(table) if owners[node] in attrs))


class _Kept(Generic[T]):
    """What is remembered, by structure, least recently used first."""

    def __init__(self) -> None:
        self._found: OrderedDict[Any, tuple[T, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Any) -> T | None:
        found = self._found.get(key)
        if found is None:
            return None
        self._found.move_to_end(key)
        return found[0]

    def add(self, key: Any, value: T, size: int) -> None:
        if size > LARGEST:
            return
        self._bytes += size - self._found.pop(key, (value, 0))[1]
        self._found[key] = value, size
        while len(self._found) > KEPT or self._bytes > KEPT_BYTES:
            self._bytes -= self._found.popitem(last=False)[1][1]


class Reader(Generic[T]):
    """Decodes circuits. `work_out` is called with the first of each structure; what it returns must follow from the
    structure alone.
    """

    def __init__(self, work_out: Callable[[Circuit], T]) -> None:
        self._work_out = work_out
        self._kept: _Kept[tuple[Circuit, _Arrays, T]] = _Kept()

    def read(self, data: bytes) -> tuple[Circuit, T]:
        """As `decode_circuit`, and what is worked out of the circuit's structure. Raises WireError."""
        document = read_document(data)
        key = encoded(_bare(document))
        found = self._kept.get(key)
        if found is not None:
            circuit, arrays, made = found
            return _filled(circuit, arrays, document.attrs), made
        circuit = circuit_of(document)
        made = self._work_out(circuit)
        self._kept.add(key, (circuit, _arrays_of(table_of(circuit.nodes)), made), len(data))
        return circuit, made


def _bare(document: Document) -> Document:
    """A document without the contents of its arrays."""
    return msgspec.structs.replace(document, attrs=[_without_arrays(*record) for record in document.attrs])


def _without_arrays(op: int, values: list[Attr]) -> Record:
    names = names_of(op)
    if len(names) != len(values):
        return op, values  # which no circuit has: the reader refuses it
    return op, [b"" if name in ARRAYS else value for name, value in zip(names, values, strict=True)]


def _filled(circuit: Circuit, arrays: _Arrays, records: list[Record]) -> Circuit:
    """The checked circuit of the same structure with the arrays of `records`. Raises WireError."""
    if has_twins(records):
        raise WireError("circuit is malformed: attributes twice")
    table = table_of(circuit.nodes)
    attrs = [{}, *(attributes(*record) if number in arrays.attrs else table.attr_list[number]
                   for number, record in enumerate(records, 1))]
    filled = replace(circuit, nodes=table.with_attr_list(attrs, arrays.attrs))
    check_nodes(filled, arrays.nodes)
    return filled


class Writer:
    """Encodes circuits, which are checked before."""

    def __init__(self) -> None:
        self._kept: _Kept[tuple[Document, list[int], _Arrays]] = _Kept()

    def write(self, circuit: Circuit) -> bytes:
        """As `encode_circuit`, of what passes `check_circuit`. Raises WireError."""
        try:
            table = table_of(circuit.nodes)
        except KeyError as error:
            raise WireError(f"unknown operation {error}") from None
        columns = [column.tobytes() for column in (
            table.ops, table.forms, table.shapes, table.attrs, table.starts, table.args)]
        key = (circuit.field, *columns, tuple(table.shape_list), tuple([_kind(values) for values in table.attr_list]),
               circuit.opens, circuit.outputs, circuit.keeps)
        found = self._kept.get(key)
        if found is not None:
            document, sources, arrays = found
            records = [(op, written(op, table.attr_list[source]) if source in arrays.attrs else values)
                       for (op, values), source in zip(document.attrs, sources, strict=True)]
            if not has_twins(records):
                check_nodes(circuit, arrays.nodes)
                return encoded(msgspec.structs.replace(document, attrs=records))
        check_circuit(circuit)
        document, sources = document_of(circuit)
        data = encoded(document)
        if len(sources) == len(document.attrs):
            self._kept.add(key, (document, sources, _arrays_of(table)), len(data))
        return data


def _kind(values: dict[str, Any]) -> tuple[Any, ...]:
    """What attributes are but for the contents of arrays, to compare and to hash."""
    return tuple([(name, None if name in ARRAYS else content(value)) for name, value in values.items()])
