"""Circuits of known structure: the bytes, the circuits and the refusals are those of the codec."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_circuits import Builder, circuits, every_operation, same

from enigmalang.circuits.circuit import Circuit
from enigmalang.wire.check import check_circuit
from enigmalang.wire.codec import decode_circuit, encode_circuit
from enigmalang.wire.errors import WireError
from enigmalang.wire.structures import KEPT, LARGEST, Reader, Writer


def _statement(constant: Any = 5, factor: Any = 3, place: int = 1) -> Circuit:
    """What somebody enters again and again, with other numbers."""
    add = Builder()
    x = add("load", (), (4,), handle=0)
    one = add("take", (x,), (), indices=np.array(place), axis=0)
    scaled = add("scale", (one,), (), factor=np.array(factor))
    moved = add("add", (scaled, add("const", (), (), value=np.array(constant))), ())
    return Circuit("M61", tuple(add.nodes), (moved,))


def _counting() -> tuple[Reader[int], list[Circuit]]:
    seen: list[Circuit] = []

    def work_out(circuit: Circuit) -> int:
        seen.append(circuit)
        return len(seen)

    return Reader(work_out), seen


def test_other_numbers_are_the_same_structure() -> None:
    writer, (reader, seen) = Writer(), _counting()
    for numbers in ((5, 3, 1), (6, 3, 1), (-7, 1 << 40, 3), (5, 3, 1)):
        circuit = _statement(*numbers)
        data = writer.write(circuit)
        assert data == encode_circuit(circuit)
        again, number = reader.read(data)
        assert same(again, circuit) and number == 1
    assert len(seen) == 1


def test_what_is_no_array_is_structure() -> None:
    reader, seen = _counting()
    for handle in range(3):
        reader.read(encode_circuit(_loads(handle)))
    assert len(seen) == 3


def _loads(handle: int) -> Circuit:
    add = Builder()
    found = add("load", (), (2,), handle=handle)
    return Circuit("M61", tuple(add.nodes), (found,))


@given(st.lists(circuits(), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_as_the_codec(several: list[Circuit]) -> None:
    writer, (reader, _) = Writer(), _counting()
    for circuit in [*several, *several]:
        data = writer.write(circuit)
        assert data == encode_circuit(circuit)
        assert same(reader.read(data)[0], circuit)


BAD = {
    "constant too big": (_statement(constant=1 << 59), "constant is outside"),
    "constant's shape": (_statement(constant=[1, 2]), "expected"),
    "factor too big": (_statement(factor=-(1 << 59)), "constant is outside"),
    "factor's shape": (_statement(factor=[1, 2]), "expected"),
    "place outside": (_statement(place=4), "index is outside"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_numbers_are_refused(name: str) -> None:
    circuit, text = BAD[name]
    writer, (reader, _) = Writer(), _counting()
    fine = writer.write(_statement())
    reader.read(fine)
    with pytest.raises(WireError, match=text):
        check_circuit(circuit)
    with pytest.raises(WireError, match=text):
        writer.write(circuit)
    with pytest.raises(WireError, match=text):
        reader.read(encode_circuit(circuit))
    assert same(reader.read(fine)[0], _statement())  # what is known was not changed


def _changed(change: Callable[[list[Any]], None]) -> bytes:
    document = msgspec.msgpack.decode(encode_circuit(_statement()))
    change(document)
    return msgspec.msgpack.encode(document)


def _record(document: list[Any], place: int) -> list[Any]:
    found: list[Any] = document[3][place][1]
    return found


#: The records: the handle, the places and axis, the factor, the constant.
MALFORMED: dict[str, Callable[[list[Any]], None]] = {
    "a value more": lambda d: _record(d, 3).append(0),
    "a value less": lambda d: _record(d, 1).pop(),
    "a number for an array": lambda d: _record(d, 3).__setitem__(0, 5),
    "an array cut short": lambda d: _record(d, 3).__setitem__(0, _record(d, 3)[0][:-1]),
    "a record more": lambda d: d[3].append(d[3][3]),
    "another version": lambda d: d.__setitem__(0, 9),
    "another operation": lambda d: d[3][3].__setitem__(0, 99),
    "a negative operation": lambda d: d[3][3].__setitem__(0, -1),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_bytes_are_refused(name: str) -> None:
    reader, _ = _counting()
    reader.read(encode_circuit(_statement()))
    data = _changed(MALFORMED[name])
    with pytest.raises(WireError):
        decode_circuit(data)
    with pytest.raises(WireError):
        reader.read(data)


def _two(first: int, second: int) -> Circuit:
    add = Builder()
    ends = (add("const", (), (), value=np.array(first)), add("const", (), (), value=np.array(second)))
    return Circuit("M61", tuple(add.nodes), ends)


def test_numbers_that_happen_to_be_equal() -> None:
    """Two constants of one value are one entry on the wire: another structure, whichever came first."""
    for order in ((1, 2), (3, 3), (4, 5)), ((3, 3), (1, 2), (6, 6)):
        writer, (reader, _) = Writer(), _counting()
        for numbers in order:
            circuit = _two(*numbers)
            data = writer.write(circuit)
            assert data == encode_circuit(circuit)
            assert same(reader.read(data)[0], circuit)
    twice = msgspec.msgpack.decode(encode_circuit(_two(1, 2)))
    twice[3][1][1][0] = twice[3][0][1][0]
    with pytest.raises(WireError, match="attributes twice"):
        reader.read(msgspec.msgpack.encode(twice))


def test_little_is_remembered() -> None:
    reader, seen = _counting()
    for handle in range(KEPT + 1):
        reader.read(encode_circuit(_loads(handle)))
    reader.read(encode_circuit(_loads(KEPT)))
    assert len(seen) == KEPT + 1
    reader.read(encode_circuit(_loads(0)))
    assert len(seen) == KEPT + 2
    large = encode_circuit(replace(_statement(), opens=(4,) * LARGEST))
    for _ in range(2):
        reader.read(large)
    assert len(seen) == KEPT + 4
    add = Builder()
    many = add("const", (), (LARGEST // 8,), value=np.arange(LARGEST // 8) ** 2)
    wide = encode_circuit(Circuit("M61", tuple(add.nodes), (many,)))
    for _ in range(2):
        reader.read(wide)
    assert len(seen) == KEPT + 6, "arrays count"


def test_every_operation() -> None:
    writer, (reader, _) = Writer(), _counting()
    for circuit in (every_operation(), every_operation("M127"), every_operation()):
        data = writer.write(circuit)
        assert data == encode_circuit(circuit) and same(reader.read(data)[0], circuit)
