"""`Circuit` ↔ bytes, and the digest that nodes compare before they run it.

A MessagePack document: version, field, shapes, attributes, columns, opens, outputs, keeps. Shapes and attributes stand
there once each, in the order in which nodes first use them; attributes are `[operation, values]` with the values in the
order of the operation table; operations go by their row in the table of this version. The nodes are six columns of
little-endian unsigned integers, each as narrow as its largest value allows: operation, form, shape, attributes (0:
none, else counted from 1), number of arguments, and the arguments one after another. Equal circuits have equal bytes.
Spans stay with the compiler.

The decoder trusts nothing: what it returns has passed `check_circuit`.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from enigmalang.circuits.circuit import Circuit, Output
from enigmalang.circuits.table import OP_LIST, Table, distinct, starts_of, table_of
from enigmalang.wire.arrays import decode_array, decode_big, decode_constant, encode_array, encode_big, encode_constant
from enigmalang.wire.check import FIELDS, check_circuit
from enigmalang.wire.errors import WireError

VERSION = 3
DIGEST_BYTES = 32
#: Nodes of one circuit, and arguments of all of them.
MAX_NODES = 1 << 22
MAX_ARGS = 1 << 24

Attr = int | bytes | list[int]
Record = tuple[int, list[Attr]]  # an operation's number, and its attributes' values
Column = npt.NDArray[Any]


class Document(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A circuit as it is on the wire."""

    version: int
    field: str
    shapes: list[list[int]]
    attrs: list[Record]
    columns: tuple[bytes, bytes, bytes, bytes, bytes, bytes]
    opens: list[int]
    outputs: list[tuple[int, int]]
    keeps: list[tuple[int, int]]


_MODES = ("exact", "fast")


def _int(value: Any) -> int:
    # A Python integer or a NumPy integer scalar, but no boolean and no float.
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise WireError(f"{type(value).__name__} where an integer is needed")
    return int(value)


def _ints(value: Any) -> list[int]:
    return [_int(item) for item in value]


def _mode(value: Any) -> int:
    if value not in _MODES:
        raise WireError(f"mode is none of {_MODES}")
    return _MODES.index(value)


def _read_mode(value: int) -> str:
    if not 0 <= value < len(_MODES):
        raise WireError(f"mode {value} is none of {_MODES}")
    return _MODES[value]


def _big(value: Any) -> bytes:
    return encode_big(_int(value))


def _ranges(value: Any) -> bytes:
    pairs = [[_int(low), _int(high)] for low, high in value]
    return encode_array(np.array(pairs, dtype=object).reshape(len(pairs), 2))


def _read_ranges(data: bytes) -> tuple[tuple[int, int], ...]:
    array = decode_array(data)
    if array.dtype != object or array.shape[1:] != (2,):
        raise WireError("ranges are no pairs of 16-byte integers")
    return tuple((low, high) for low, high in array.tolist())


def _ranks(value: Any) -> list[int]:
    return [0] if value is None else [1, *_ints(value)]


def _read_ranks(value: list[int]) -> tuple[int, ...] | None:
    if value == [0]:
        return None
    if value[:1] != [1]:
        raise WireError("ranks are neither all nor a list")
    return tuple(value[1:])


#: How each attribute is written, the type it has on the wire, and how it is read.
_ATTRS: dict[str, tuple[Callable[[Any], Attr], type, Callable[[Any], Any]]] = {
    "slot": (_int, int, int),
    "handle": (_int, int, int),
    "value": (encode_constant, bytes, decode_constant),
    "factor": (encode_constant, bytes, decode_constant),
    "indices": (encode_constant, bytes, decode_constant),
    "axis": (_int, int, int),
    "axes": (_ints, list, tuple),
    "bits": (_int, int, int),
    "f": (_int, int, int),
    "mode": (_mode, int, _read_mode),
    "divisor": (_big, bytes, decode_big),
    "keys": (_int, int, int),
    "ranges": (_ranges, bytes, _read_ranges),
    "ranks": (_ranks, list, _read_ranks),
}
#: Attributes that are public arrays of any contents.
ARRAYS = frozenset({"value", "factor", "indices"})
_CODECS = {op.name: tuple((name, *_ATTRS[name]) for name in op.attrs) for op in OP_LIST}
_NAMES = [[name for name, *_ in _CODECS[op.name]] for op in OP_LIST]
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Document)


def encode_circuit(circuit: Circuit) -> bytes:
    """The canonical bytes of `circuit`. Raises WireError for what the wire cannot carry (see `arrays`)."""
    return encoded(document_of(circuit)[0])


def encoded(document: Document) -> bytes:
    """Raises WireError."""
    try:
        return _ENCODER.encode(document)
    except (OverflowError, TypeError, msgspec.MsgspecError) as error:
        raise WireError(f"circuit cannot be encoded: {error}") from None


def document_of(circuit: Circuit) -> tuple[Document, list[int]]:
    """The document, and for each entry of its `attrs` where in the circuit's table its attributes stand; nothing where
    equal attributes stand there more than once. Raises WireError.
    """
    try:
        table = table_of(circuit.nodes)
        first, shapes = distinct(table.shapes)
        attrs, records, sources = _records(table)
        columns = (table.ops, table.forms, shapes, attrs, table.counts, table.args)
        document = Document(
            VERSION,
            circuit.field,
            [list(table.shape_list[number]) for number in table.shapes[first].tolist()],
            records,
            tuple(_column(column) for column in columns),  # type: ignore[arg-type]
            list(circuit.opens),
            [(output.node, output.recipient) for output in circuit.outputs],
            list(circuit.keeps),
        )
        return document, sources
    except KeyError as error:
        raise WireError(f"unknown operation {error}") from None
    except (OverflowError, TypeError, msgspec.MsgspecError) as error:
        raise WireError(f"circuit cannot be encoded: {error}") from None


def _column(values: Column) -> bytes:
    # A negative number, which no honest circuit has, becomes one that the reader refuses.
    wide = values.astype("<u4")
    return wide.astype(_width(wide)).tobytes()


def _width(values: Column) -> str:
    top = int(values.max(initial=0))
    return "<u1" if top < 1 << 8 else "<u2" if top < 1 << 16 else "<u4"


def _records(table: Table) -> tuple[Column, list[Record], list[int]]:
    """Each node's attributes as a number, what the numbers from 1 on stand for, and where it stands (`document_of`)."""
    first, which = distinct(table.ops, table.attrs)
    records: dict[bytes, Record] = {}
    places: dict[bytes, int] = {}
    numbers, sources = [], []
    for op, attrs in zip(table.ops[first].tolist(), table.attrs[first].tolist(), strict=True):
        values = written(op, table.attr_list[attrs])
        key = _ENCODER.encode((op, values))
        if values:
            records.setdefault(key, (op, values))
            sources.append(attrs)
        numbers.append(places.setdefault(key, len(records)) if values else 0)
    listed = list(records.values())
    return np.array(numbers, np.int64)[which], listed, sources if len(sources) == len(listed) else []


def written(op: int, attrs: dict[str, Any]) -> list[Attr]:
    """An operation's attributes as they are on the wire. Raises WireError."""
    codec = _CODECS[OP_LIST[op].name]
    if not attrs and OP_LIST[op].optional:
        return []
    if attrs.keys() != {name for name, *_ in codec}:
        raise WireError(f"{OP_LIST[op].name} has attributes {sorted(attrs)}, needs {[c[0] for c in codec]}")
    return [write(attrs[name]) for name, write, _, _ in codec]


def decode_circuit(data: bytes) -> Circuit:
    """The circuit whose canonical bytes are `data`, checked. Raises WireError: what is wrong, and where."""
    return circuit_of(read_document(data))


def read_document(data: bytes) -> Document:
    """The document, in the one encoding that it has; what it says is not checked. Raises WireError."""
    try:
        document = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"circuit is malformed: {error}") from None
    if _ENCODER.encode(document) != data:  # MessagePack can say a number in several ways
        raise WireError("circuit is malformed: not the canonical encoding")
    if document.version != VERSION:
        raise WireError(f"circuit format {document.version}, this node reads format {VERSION}")
    return document


def circuit_of(document: Document) -> Circuit:
    """The checked circuit of a document. Raises WireError."""
    if document.field not in FIELDS:
        raise WireError(f"unknown field {document.field[:16]!r}")
    circuit = Circuit(
        document.field,
        _table(document),
        tuple(document.opens),
        tuple(Output(node, recipient) for node, recipient in document.outputs),
        tuple(document.keeps),
    )
    check_circuit(circuit)
    return circuit


def _table(document: Document) -> Table:
    ops, forms, shapes, attrs, counts, args = document.columns
    size = len(ops)
    if size > MAX_NODES:
        raise WireError(f"circuit of {size} nodes, at most {MAX_NODES}")
    columns = [_read_column(name, column, size) for name, column in (
        ("operation", ops), ("form", forms), ("shape", shapes), ("attributes", attrs), ("arguments", counts))]
    for name, column, limit in (("operation", columns[0], len(OP_LIST)), ("form", columns[1], 2)):
        if (column >= limit).any():
            index = int(np.argmax(column >= limit))
            raise WireError(f"node {index}: unknown {name} {column[index]}")
    total = int(columns[4].sum())
    if total > MAX_ARGS:
        raise WireError(f"circuit of {total} arguments, at most {MAX_ARGS}")
    flat = _read_column("argument", args, total)
    if (flat >= size).any():
        index = int(np.searchsorted(np.cumsum(columns[4]), int(np.argmax(flat >= size)), side="right"))
        raise WireError(f"node {index}: an argument is not an earlier node")
    _check_order("shape", columns[2], len(document.shapes))
    _check_order("attribute", columns[3][columns[3] > 0] - 1, len(document.attrs))
    _check_owner(columns[0], columns[3], [op for op, _ in document.attrs])
    if len(set(map(tuple, document.shapes))) != len(document.shapes):
        raise WireError("circuit is malformed: a shape twice")
    if has_twins(document.attrs):
        raise WireError("circuit is malformed: attributes twice")
    return Table(
        columns[0].astype(np.uint8), columns[1].astype(np.uint8), columns[2].astype(np.int32),
        columns[3].astype(np.int32), starts_of(columns[4]), flat.astype(np.int32),
        [tuple(shape) for shape in document.shapes],
        [{}, *(attributes(op, values) for op, values in document.attrs)],
    )


def _read_column(name: str, data: bytes, size: int) -> Column:
    width = len(data) // size if size else 1
    if width not in (1, 2, 4) or width * size != len(data):
        raise WireError(f"circuit is malformed: {len(data)} bytes of the column {name!r} for {size} entries")
    column = np.frombuffer(data, f"<u{width}")
    if column.dtype != np.dtype(_width(column)):
        raise WireError(f"circuit is malformed: not the canonical encoding of the column {name!r}")
    return column.astype(np.int64)


def _check_order(name: str, numbers: Column, size: int) -> None:
    # Each number's first use comes after those of all smaller ones, and all are used.
    fresh = np.maximum.accumulate(numbers) if numbers.size else numbers
    if int(numbers.max(initial=-1)) + 1 != size or (np.diff(fresh, prepend=-1) > 1).any():
        raise WireError(f"circuit is malformed: a {name} is missing, unused or out of order")


def _check_owner(ops: Column, attrs: Column, owners: Sequence[int]) -> None:
    """Nodes have attributes exactly if their operation has, and of that operation; some may be without."""
    if any(not 0 <= op < len(OP_LIST) for op in owners):
        raise WireError("circuit is malformed: attributes of an unknown operation")
    needs = np.array([bool(op.attrs) and not op.optional for op in OP_LIST])
    wrong = np.where(attrs > 0, np.array([-1, *owners])[attrs] != ops, needs[ops])
    if wrong.any():
        index = int(np.argmax(wrong))
        raise WireError(f"node {index} ({OP_LIST[ops[index]].name}): other attributes than the operation has")


def has_twins(records: list[Record]) -> bool:
    """Whether the same attributes of an operation are listed twice."""
    return len({_ENCODER.encode(record) for record in records}) != len(records)


def names_of(op: int) -> list[str]:
    """The attributes of an operation, by its number, in the order of its records; none of one that there is not."""
    return _NAMES[op] if 0 <= op < len(_NAMES) else []


def attributes(op: int, attrs: list[Attr]) -> dict[str, Any]:
    """The attributes of a record. Raises WireError."""
    name = OP_LIST[op].name
    codec = _CODECS[name]
    if not codec or len(attrs) != len(codec):
        raise WireError(f"{name}: {len(attrs)} attributes, needs {len(codec)}")
    values: dict[str, Any] = {}
    for (attr, _, kind, read), value in zip(codec, attrs, strict=True):
        if type(value) is not kind:
            raise WireError(f"{name}: attribute {attr} has the wrong type")
        try:
            values[attr] = read(value)
        except WireError as error:
            raise WireError(f"{name}, {attr}: {error}") from None
    return values


def digest(data: bytes) -> bytes:
    """BLAKE2b-256 of canonical bytes."""
    return blake2b(data, digest_size=DIGEST_BYTES, person=b"enig circuit").digest()
