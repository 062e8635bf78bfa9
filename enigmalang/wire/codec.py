"""`Circuit` ↔ bytes, and the digest that nodes compare before they run it.

A MessagePack document: version, field, nodes, opens, outputs, keeps. A node is `[operation, form, arguments,
shape, attributes]` with the attributes in the order of the operation table; operations go by their row in
the table of this version. Equal circuits have equal bytes. Spans stay with the compiler.

The decoder trusts nothing: what it returns has passed `check_circuit`.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np

from enigmalang.circuits.circuit import OPS, Circuit, CircuitOp, Form, Node, Output
from enigmalang.wire.arrays import decode_array, decode_big, encode_array, encode_big
from enigmalang.wire.check import FIELDS, check_circuit
from enigmalang.wire.errors import WireError

VERSION = 1
DIGEST_BYTES = 32
#: Nodes of one circuit.
MAX_NODES = 1 << 22

Attr = int | bytes | list[int]
_Row = tuple[int, int, list[int], list[int], list[Attr]]


class _Document(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    field: str
    nodes: list[_Row]
    opens: list[int]
    outputs: list[tuple[int, int]]
    keeps: list[tuple[int, int]]


_OP_LIST: tuple[CircuitOp, ...] = tuple(OPS.values())
_OP_NUMBER = {op.name: number for number, op in enumerate(_OP_LIST)}
_FORMS = (Form.ARITH, Form.BITS)
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
    "value": (encode_array, bytes, decode_array),
    "factor": (encode_array, bytes, decode_array),
    "indices": (encode_array, bytes, decode_array),
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
_CODECS = {op.name: tuple((name, *_ATTRS[name]) for name in op.attrs) for op in _OP_LIST}
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Document)


def encode_circuit(circuit: Circuit) -> bytes:
    """The canonical bytes of `circuit`. Raises WireError for what the wire cannot carry (see `arrays`)."""
    document = _Document(
        VERSION,
        circuit.field,
        [_row(node) for node in circuit.nodes],
        list(circuit.opens),
        [(output.node, output.recipient) for output in circuit.outputs],
        list(circuit.keeps),
    )
    try:
        return _ENCODER.encode(document)
    except (OverflowError, TypeError, msgspec.MsgspecError) as error:
        raise WireError(f"circuit cannot be encoded: {error}") from None


def _row(node: Node) -> _Row:
    number = _OP_NUMBER.get(node.op)
    if number is None:
        raise WireError(f"unknown operation {node.op!r}")
    attrs: list[Attr] = []
    codec = _CODECS[node.op]
    if codec or node.attrs:
        if node.attrs.keys() != {name for name, *_ in codec}:
            raise WireError(f"{node.op} has attributes {sorted(node.attrs)}, needs {[c[0] for c in codec]}")
        attrs = [write(node.attrs[name]) for name, write, _, _ in codec]
    form = 1 if node.form is Form.BITS else 0
    # msgspec writes a tuple as it writes a list; no copy is needed.
    return (number, form, node.args, node.shape, attrs)  # type: ignore[return-value]


def decode_circuit(data: bytes) -> Circuit:
    """The circuit whose canonical bytes are `data`, checked. Raises WireError: what is wrong, and where."""
    try:
        document = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"circuit is malformed: {error}") from None
    if _ENCODER.encode(document) != data:  # MessagePack can say a number in several ways
        raise WireError("circuit is malformed: not the canonical encoding")
    if document.version != VERSION:
        raise WireError(f"circuit format {document.version}, this node reads format {VERSION}")
    if document.field not in FIELDS:
        raise WireError(f"unknown field {document.field[:16]!r}")
    if len(document.nodes) > MAX_NODES:
        raise WireError(f"circuit of {len(document.nodes)} nodes, at most {MAX_NODES}")
    circuit = Circuit(
        document.field,
        tuple(_nodes(document.nodes)),
        tuple(document.opens),
        tuple(Output(node, recipient) for node, recipient in document.outputs),
        tuple(document.keeps),
    )
    check_circuit(circuit)
    return circuit


def _nodes(rows: list[_Row]) -> list[Node]:
    nodes: list[Node] = []
    for index, (number, form, args, shape, attrs) in enumerate(rows):
        if not 0 <= number < len(_OP_LIST):
            raise WireError(f"node {index}: unknown operation {number}")
        if not 0 <= form < len(_FORMS):
            raise WireError(f"node {index}: unknown form {form}")
        name = _OP_LIST[number].name
        codec = _CODECS[name]
        if len(attrs) != len(codec):
            raise WireError(f"node {index} ({name}): {len(attrs)} attributes, needs {len(codec)}")
        values = _attributes(index, name, attrs) if codec else {}
        nodes.append(Node(name, tuple(args), tuple(shape), _FORMS[form], values))
    return nodes


def _attributes(index: int, op: str, attrs: list[Attr]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for (name, _, kind, read), attr in zip(_CODECS[op], attrs, strict=True):
        if type(attr) is not kind:
            raise WireError(f"node {index} ({op}): attribute {name} has the wrong type")
        try:
            values[name] = read(attr)
        except WireError as error:
            raise WireError(f"node {index} ({op}), {name}: {error}") from None
    return values


def digest(data: bytes) -> bytes:
    """BLAKE2b-256 of canonical bytes."""
    return blake2b(data, digest_size=DIGEST_BYTES, person=b"enig circuit").digest()
