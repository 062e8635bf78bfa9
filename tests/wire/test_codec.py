"""The circuit codec: round trips, one encoding per circuit, and nothing malformed gets through."""

import dataclasses
import struct
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_circuits import Builder, circuits, every_operation, same

from enigmalang.circuits.circuit import OPS, Circuit, Form, Node, Output
from enigmalang.source import Span
from enigmalang.wire.arrays import decode_constant
from enigmalang.wire.codec import decode_circuit, digest, encode_circuit
from enigmalang.wire.errors import WireError

A, B = Form.ARITH, Form.BITS


@pytest.mark.parametrize("field", ["M61", "M127"])
def test_every_operation_survives(field: str) -> None:
    circuit = every_operation(field)
    assert {node.op for node in circuit.nodes} == set(OPS)
    assert same(decode_circuit(encode_circuit(circuit)), circuit)


@given(circuits())
@settings(max_examples=150, deadline=None)
def test_round_trip(circuit: Circuit) -> None:
    data = encode_circuit(circuit)
    again = decode_circuit(data)
    assert same(again, circuit)
    assert encode_circuit(again) == data


def test_equal_circuits_have_equal_bytes() -> None:
    one, other = every_operation(), every_operation()
    spanned = Circuit(
        other.field,
        tuple(dataclasses.replace(node, span=Span("x.enig", 1, 1, 1, 2)) for node in other.nodes),
        other.opens,
        other.outputs,
        other.keeps,
    )
    assert encode_circuit(one) == encode_circuit(spanned)
    fortran = Builder()
    fortran("const", (), (2, 3), value=np.asfortranarray(np.arange(6).reshape(2, 3)))
    small = Builder()
    small("const", (), (2, 3), value=np.arange(6, dtype=np.int16).reshape(2, 3))
    layouts = [Circuit("M61", tuple(builder.nodes)) for builder in (fortran, small)]
    assert encode_circuit(layouts[0]) == encode_circuit(layouts[1])


def test_digest_depends_on_everything() -> None:
    base = every_operation()
    variants = [
        base,
        dataclasses.replace(base, opens=base.opens[:1]),
        dataclasses.replace(base, outputs=(Output(0, 1),)),
        dataclasses.replace(base, keeps=((0, 6),)),
        dataclasses.replace(base, nodes=base.nodes[:-1], opens=()),
    ]
    assert len({digest(encode_circuit(circuit)) for circuit in variants}) == len(variants)
    assert len(digest(b"")) == 32


def test_truncation_at_every_byte_is_refused() -> None:
    data = encode_circuit(every_operation())
    for size in range(len(data)):
        with pytest.raises(WireError):
            decode_circuit(data[:size])
    with pytest.raises(WireError):
        decode_circuit(data + b"\0")


def test_longer_spelling_is_refused() -> None:
    """MessagePack can say 1 in one byte, in two, three, ...; a circuit has one digest."""
    data = encode_circuit(every_operation())
    assert data[:2] == b"\x98\x03"  # an array of eight, the version
    for version in (b"\xcc\x03", b"\xcd\x00\x03", b"\xd0\x03"):
        with pytest.raises(WireError, match="not the canonical encoding"):
            decode_circuit(data[:1] + version + data[2:])
    with pytest.raises(WireError, match="not the canonical encoding"):
        decode_circuit(b"\xdc\x00\x08" + data[1:])


def test_largest_products_pass() -> None:
    for circuit in (
        _one("dot", [(2**10, 1, 2**7), (1, 2**10, 2**7)], (2**10, 2**10)),
        _one("matmul", [(2**11, 2**12), (2**12, 2**11)], (2**11, 2**11)),
    ):
        assert same(decode_circuit(encode_circuit(circuit)), circuit)


@given(st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_changed_bytes_never_crash(data: st.DataObject) -> None:
    encoded = bytearray(encode_circuit(every_operation()))
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    try:
        circuit = decode_circuit(bytes(encoded))
    except WireError:
        return
    encode_circuit(circuit)  # what was accepted is a circuit


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_crash(data: bytes) -> None:
    with pytest.raises(WireError):
        decode_circuit(data)


def _one(
    op: str, shapes: list[tuple[int, ...]], shape: tuple[int, ...], form: Form = A, **attrs: Any
) -> Circuit:
    add = Builder()
    argform = B if op in ("xor", "not", "and", "b2a") else A
    args = tuple(add("input", (), s, argform, slot=k) for k, s in enumerate(shapes))
    add(op, args, shape, form, **attrs)
    return Circuit("M61", tuple(add.nodes))


BAD: dict[str, tuple[Circuit, str]] = {
    "shape of a product": (_one("mul", [(2,), (3,)], (2,)), "do not broadcast"),
    "shape stated wrongly": (_one("add", [(2,), (2,)], (3,)), r"shape \(3,\), expected \(2,\)"),
    "form of a result": (_one("ltz", [(2,)], (2,), A), "form is arith, expected bits"),
    "form of an argument": (_one("xor", [(2,), (2,)], (2,), A), "form is arith"),
    "too few arguments": (_one("add", [(2,)], (2,)), "1 arguments, needs 2"),
    "nothing to concatenate": (_one("concat", [], (2,), axis=0), "at least one"),
    "running sum of one number": (_one("cumsum", [()], ()), "axis -1 is outside"),
    "axis outside": (_one("sum", [(2, 3)], (2,), axis=2), "axis 2 is outside"),
    "axes no permutation": (_one("transpose", [(2, 3)], (2, 2), axes=(0, 0)), "do not permute"),
    "reshape changes size": (_one("reshape", [(2, 3)], (5,)), "cannot reshape"),
    "broadcast shrinks": (_one("broadcast", [(2, 3)], (1, 3)), "expected"),
    "index outside": (_one("take", [(4,)], (2,), indices=np.array([0, 4]), axis=0), "index is outside"),
    "index far below": (_one("take", [(4,)], (1,), indices=np.array([-5]), axis=0), "index is outside"),
    "rows that do not fit": (_one("put", [(4, 2), (3,)], (4, 2), indices=np.array([0])), "fit|broadcast"),
    "matrix sizes": (_one("matmul", [(2, 3), (4, 2)], (2, 2)), "no matrix product"),
    "a dot of much by much": (_one("dot", [(2**12, 1, 16), (1, 2**12, 16)], (2**12, 2**12)), "when broadcast"),
    "a matmul whose operand grows": (
        _one("matmul", [(2**14, 1, 2**7), (2**7, 2**7)], (2**14, 1, 2**7)),
        "when broadcast",
    ),
    "a matmul of much work": (
        _one("matmul", [(2**12, 2**13), (2**13, 2**12)], (2**12, 2**12)),
        "137438953472 multiplications, at most 17179869184",
    ),
    "lengths of a dot": (_one("dot", [(2, 3), (2, 4)], (2,)), "differ"),
    "constant too big": (_one("const", [], (), value=np.array(2**60)), "constant is outside"),
    "constant of bits": (_one("const", [], (1,), B, value=np.array([2])), "neither 0 nor 1"),
    "constant's shape": (_one("const", [], (3,), value=np.array([2])), "expected"),
    "shift too far": (_one("shr", [()], (), f=60, mode="exact"), "f is outside"),
    "too many bits": (_one("a2b", [()], (61,), B, bits=61), "bits is outside"),
    "columns of two shapes": (_one("shuffle", [(3,), (4,)], (2, 3)), "differ in shape"),
    "columns without an axis": (_one("shuffle", [()], (1,)), "no axis"),
    "nothing to permute": (_one("permute", [(3,)], (0, 3)), "nothing to permute"),
    "columns too many": (
        Circuit("M61", (Node("input", (), (2**20,), A, {"slot": 0}), Node("shuffle", (0,) * 129, (129, 2**20), A))),
        "elements, at most"),
    "columns too many, of which few are wanted": (
        Circuit("M61", (Node("input", (), (2**20,), A, {"slot": 0}), Node(
            "sort", (0,) * 129, (129, 1), A, {"keys": 1, "ranges": ((0, 1),), "ranks": (0,)}))),
        "columns of 135266304 elements"),
    "keys that are no columns": (
        _one("sort", [(3,)], (1, 3), keys=2, ranges=((0, 1), (0, 1)), ranks=None), "keys is outside 1..1"),
    "no key": (_one("sort", [(3,)], (1, 3), keys=0, ranges=(), ranks=None), "keys is outside 1..1"),
    "ranges of other keys": (_one("sort", [(3,)], (1, 3), keys=1, ranges=(), ranks=None), "0 ranges of 1 keys"),
    "empty range": (_one("sort", [(3,)], (1, 3), keys=1, ranges=((1, 0),), ranks=None), "range is empty"),
    "range too wide": (_one("sort", [(3,)], (1, 3), keys=1, ranges=((0, 2**59),), ranks=None), "outside ±2"),
    "rank outside": (_one("sort", [(3,)], (1, 1), keys=1, ranges=((0, 1),), ranks=(3,)), r"outside 0\.\.2"),
    "rank negative": (_one("sort", [(3,)], (1, 1), keys=1, ranges=((0, 1),), ranks=(-1,)), "rank is outside"),
    "divisor zero": (_one("divc", [()], (), divisor=0), "divisor is outside"),
    "slot negative": (Circuit("M61", (Node("input", (), (), A, {"slot": -1}),)), "slot is outside"),
    "handle negative": (Circuit("M61", (Node("load", (), (), A, {"handle": -1}),)), "handle is outside"),
    "negative axis": (Circuit("M61", (Node("input", (), (-1,), A, {"slot": 0}),)), "negative axis"),
    "too large": (Circuit("M61", (Node("input", (), (2**20, 2**20), A, {"slot": 0}),)), "elements, at most"),
    "too many axes": (Circuit("M61", (Node("input", (), (1,) * 17, A, {"slot": 0}),)), "axes, at most"),
    "argument is itself": (Circuit("M61", (Node("neg", (0,), (), A),)), "not an earlier node"),
    "argument negative": (
        Circuit("M61", (Node("input", (), (), A, {"slot": 0}), Node("neg", (-1,), (), A))),
        "not an earlier node",
    ),
    "opens nothing": (Circuit("M61", (), (0,)), "names a node outside"),
    "unknown field": (Circuit("M62", ()), "unknown field"),
    "handle kept twice": (
        Circuit("M61", (Node("input", (), (), A, {"slot": 0}),), keeps=((0, 1), (0, 1))),
        "one handle",
    ),
    "slot of two shapes": (
        Circuit("M61", (Node("input", (), (), A, {"slot": 0}), Node("input", (), (1,), A, {"slot": 0}))),
        "one slot",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_circuit_is_refused(name: str) -> None:
    circuit, text = BAD[name]
    with pytest.raises(WireError, match=text):
        decode_circuit(encode_circuit(circuit))


def _plain(change: Callable[[list[Any]], None]) -> bytes:
    document = msgspec.msgpack.decode(encode_circuit(every_operation()))
    change(document)
    return msgspec.msgpack.encode(document)


def _set(document: list[Any], path: tuple[int, ...], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


def _column(number: int, change: Callable[[Any], Any], width: str = "<u1") -> Callable[[list[Any]], None]:
    """Change one of the columns: operations, forms, shapes, attributes, numbers of arguments, arguments."""

    def apply(document: list[Any]) -> None:
        document[4][number] = change(np.frombuffer(document[4][number], width).copy())

    return apply


def _first(value: int) -> Callable[[Any], Any]:
    def apply(column: Any) -> bytes:
        column[0] = value
        return bytes(column.tobytes())

    return apply


def _at(*path: int, value: Any) -> Callable[[list[Any]], None]:
    return lambda document: _set(document, path, value)


def _twice(place: int) -> Callable[[list[Any]], None]:
    def apply(document: list[Any]) -> None:
        entries = document[place]  # of attributes, the first two of one operation
        one, other = next((i, j) for i in range(len(entries)) for j in range(i)
                          if place == 2 or entries[i][0] == entries[j][0])
        entries[one] = entries[other]

    return apply


FIRST_ATTRS = (3, 0, 1)  # the slot of the first input; the third are those of a constant
CONST_ATTRS = (3, 3, 1)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_at(0, value=1), "circuit format 1"),
        (_at(1, value="M89"), "unknown field"),
        (_column(0, _first(199)), "node 0: unknown operation 199"),
        (_column(1, _first(2)), "node 0: unknown form 2"),
        (_column(0, _first(1)), "node 0 .load.: other attributes"),
        (_column(0, lambda c: b""), "missing, unused or out of order|bytes of the column"),
        (_column(1, lambda c: c[1:].tobytes()), "bytes of the column"),
        (_column(1, lambda c: c.astype("<u2").tobytes()), "canonical encoding of the column 'form'"),
        (_column(2, _first(1)), "a shape is missing, unused or out of order"),
        (_column(3, _first(2)), "an? attribute is missing, unused or out of order"),
        (_column(3, _first(0)), "missing, unused or out of order|other attributes"),
        (_column(4, _first(1)), "bytes of the column 'argument'"),
        (_column(4, lambda c: (np.full(len(c), 2**31, "<u4")).tobytes()), "arguments, at most"),
        (_column(5, _first(250)), "not an earlier node"),
        (_twice(2), "a shape twice"),
        (_twice(3), "attributes twice"),
        (_at(3, 0, 0, value=999), "attributes of an unknown operation"),
        (_at(3, 0, 0, value=-1), "attributes of an unknown operation"),
        (_at(3, 0, 0, value=2), "node 0 .input.: other attributes"),
        (_at(*FIRST_ATTRS, value=[]), "input: 0 attributes, needs 1"),
        (_at(*FIRST_ATTRS, value=[b"x"]), "slot has the wrong type"),
        (_at(*CONST_ATTRS, value=[b""]), "no header"),
        (_at(*CONST_ATTRS, value=[b"q\x00"]), "unknown kind"),
        (_at(*CONST_ATTRS, value=[b"i\x01\x04"]), "cut short"),
        (_at(*CONST_ATTRS, value=[b"b\x00\x02"]), "neither 0 nor 1"),
        (_at(*CONST_ATTRS, value=[b"i\x00" + bytes(9)]), "9 bytes of elements, expected 8"),
        (_at(*CONST_ATTRS, value=[b"i\x02" + b"\xff" * 16]), "elements, at most"),
        (_at(*CONST_ATTRS, value=[b"i" + struct.pack("<B2Q", 2, 0, 2**63)]), "empty axes counted as 1"),
        (_at(*CONST_ATTRS, value=[b"i" + struct.pack("<B4Q", 4, 2**27, 2**27, 2**27, 0)]), "empty axes counted as 1"),
        (_at(2, 0, value=["a"]), "malformed"),
        (_at(4, value=5), "malformed"),
    ],
)
def test_bad_document_is_refused(change: Callable[[list[Any]], None], text: str) -> None:
    with pytest.raises(WireError, match=text):
        decode_circuit(_plain(change))


def test_alike_nodes_are_all_checked() -> None:
    """The verifier looks at one of several nodes that are alike: each place, one wrong node among many is found."""
    fine = [Node("input", (), (2,), A, {"slot": 0}), Node("input", (), (2,), B, {"slot": 1})]
    fine += [Node("add", (0, 0), (2,), A) for _ in range(300)]
    wrong = [
        Node("add", (0, 1), (2,), A), Node("add", (1, 0), (2,), A), Node("add", (0, 0), (2,), B),
        Node("add", (0, 0), (3,), A), Node("add", (0,), (2,), A), Node("add", (0, 0, 0), (2,), A),
        Node("add", (999, 0), (2,), A), Node("select", (0, 0, 1), (2,), A),
        Node("concat", (0, 0, 0, 0, 1), (10,), A, {"axis": 0}), Node("concat", (0, 0, 0, 0, 0), (8,), A, {"axis": 0}),
    ]
    for place in (2, 150, 302):
        for node in wrong:
            nodes = (*fine[:place], node, *fine[place:])
            with pytest.raises(WireError, match=rf"node {place}\b"):
                decode_circuit(encode_circuit(Circuit("M61", nodes)))


@pytest.mark.parametrize(
    "attrs",
    [{}, {"slot": 1.5}, {"slot": True}, {"slot": 2**64}, {"slot": 0, "more": 1}, {"value": np.zeros(1)}],
)
def test_encoder_refuses_wrong_attributes(attrs: dict[str, Any]) -> None:
    op = "const" if "value" in attrs else "input"
    with pytest.raises(WireError):
        encode_circuit(Circuit("M61", (Node(op, (), (1,), A, attrs),)))


def test_large_circuits() -> None:
    add = Builder()
    last = add("input", (), (10,), slot=0)
    for _ in range(100_000):
        last = add("mul", (last, 0), (10,))
    million = add("const", (), (10**6,), value=np.arange(10**6))
    circuit = Circuit("M61", tuple(add.nodes), (last, million))
    data = encode_circuit(circuit)
    assert len(data) < 20 * 100_001  # places are one run
    assert same(decode_circuit(data), circuit)


def _run(*runs: tuple[int, int, int]) -> bytes:
    return b"r" + b"".join(struct.pack("<Qqq", *run) for run in runs)


@pytest.mark.parametrize(
    "data",
    [
        b"r", _run((1 << 13, 0, 1))[:-1], _run((8, 0, 1)), _run((1 << 28, 0, 0)), _run((0, 0, 1), (1 << 13, 5, 1)),
        _run((1 << 12, 0, 1), (1 << 12, 1 << 12, 1)), _run((1, 3, 0), (1 << 13, 0, 1)),
        _run((1 << 13, 0, 1), (1, 7, 2)),
        _run((1 << 13, 0, 1 << 60)), _run(*[(2, 0, 1)] * (1 << 12)),
        b"i\x01" + struct.pack("<Q", 1 << 13) + np.arange(1 << 13).tobytes(),
    ],
)
def test_runs_have_one_encoding(data: bytes) -> None:
    with pytest.raises(WireError):
        decode_constant(data)


def test_what_runs_say_is_checked() -> None:
    """As an array's elements are: indices within their axis, constants within the field."""
    add = Builder()
    x = add("input", (), (1 << 13,), slot=0)
    beyond = add("take", (x,), (1 << 13,), indices=np.arange(1, (1 << 13) + 1), axis=0)
    with pytest.raises(WireError, match="an index is outside"):
        decode_circuit(encode_circuit(Circuit("M61", tuple(add.nodes), (beyond,))))
    add = Builder()
    large = add("const", (), (1 << 13,), value=np.arange(1 << 13) * (1 << 47))
    with pytest.raises(WireError, match="a constant is outside"):
        decode_circuit(encode_circuit(Circuit("M61", tuple(add.nodes), (large,))))
