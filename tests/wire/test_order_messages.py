"""Orders of scripts as bytes: one form, and nothing in them that does not fit together."""

from dataclasses import replace as changed
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from enigmalang.circuits.circuit import Circuit, Form, Node, Output
from enigmalang.wire import orders as o
from enigmalang.wire.codec import encode_circuit
from enigmalang.wire.errors import WireError

KEY, RULE, SESSION, SIGNATURE = b"k" * 32, b"r" * 32, b"s" * 20, b"x" * 65
RECEIVER = b"\x09" + bytes(31)


def load(handle: int, shape: tuple[int, ...] = (2,), form: Form = Form.ARITH) -> Node:
    return Node("load", (), shape, form, {"handle": handle})


#: One input, one read of a temporary, one of an entry; a sum is opened, kept and written.
CIRCUIT = Circuit("M127", (
    load(0), load(1), load(2), Node("add", (0, 1), (2,), Form.ARITH), Node("add", (3, 2), (2,), Form.ARITH)),
    opens=(4,), outputs=(Output(3, 0),), keeps=((3, 3), (4, 4)))
ORDER = o.Order(
    o.RUN, SESSION, encode_circuit(CIRCUIT), b"m" * 32, bytes(32), [[2]], [o.Temporary(5), o.Leaf(KEY, 0)],
    [o.Temporary(6), o.Leaf(KEY, 0)], [o.Write(KEY, RULE, b"uint8", 1)], [RECEIVER], [1, 2],
    [o.Erase(KEY, RULE, 3)], number=7)
LOADS = Circuit("M127", (load(0),), outputs=(Output(0, 0),))
DECLASSIFY = o.Order(
    o.DECLASSIFY, SESSION, encode_circuit(LOADS), reads=[o.Leaf(KEY, 0)], recipients=[RECEIVER])


def read(order: o.Order) -> tuple[o.SignedOrder, o.Order]:
    return o.decode_order(o.encode_order(o.SignedOrder(o.encode_core(order), SIGNATURE)))


@pytest.mark.parametrize("order", [ORDER, DECLASSIFY, o.Order(o.RUN, SESSION, closes=True)])
def test_an_order_is_read_as_it_was_written(order):
    signed, found = read(order)
    assert found == order and signed.signature == SIGNATURE
    circuit = o.circuit_of(found)
    assert (circuit is None) == (not order.circuit)


def test_an_order_has_one_name_and_is_told_apart_from_plans():
    data = o.encode_order(o.SignedOrder(o.encode_core(ORDER), SIGNATURE))
    assert o.is_order(data) and len(o.order_name(data)) == 32
    assert not o.is_order(b"enigma plan 1\n")
    with pytest.raises(WireError):
        o.decode_order(data + b"\0")
    with pytest.raises(WireError):
        o.decode_order(data[:-1])


@pytest.mark.parametrize("fields", [
    {"kind": "copy"},
    {"session": b""},
    {"mask": bytes(32)},
    {"masked": b""},
    {"inputs": []},
    {"inputs": [[1 << 18]]},
    {"keeps": [o.Temporary(6), o.Temporary(6)]},
    {"keeps": [o.Temporary(6), o.Leaf(KEY, 1)]},
    {"writes": []},
    {"writes": [o.Write(KEY, RULE, b"", 2)]},
    {"writes": [o.Write(KEY, RULE[1:], b"", 1)]},
    {"writes": [o.Write(KEY, RULE, bytes(1025), 1)]},
    {"reads": [o.Temporary(-1), o.Leaf(KEY, 0)]},
    {"reads": [o.Temporary(5), o.Leaf(b"", 0)]},
    {"circuit": b""},
    {"closes": True},
    {"kind": o.DECLASSIFY},
])
def test_parts_that_do_not_fit_together_are_refused(fields):
    with pytest.raises(WireError):
        read(replace(ORDER, **fields))


def test_signatures_have_one_length():
    core = o.encode_core(ORDER)
    for signature, approvals in ((b"", []), (SIGNATURE, [b"x"]), (SIGNATURE, [SIGNATURE] * 17)):
        with pytest.raises(WireError):
            o.decode_order(o.encode_order(o.SignedOrder(core, signature, approvals)))


@pytest.mark.parametrize("fields", [
    {"nodes": (Node("input", (), (2,), Form.ARITH, {"slot": 0}), *CIRCUIT.nodes[1:])},
    {"nodes": (load(0, (3,)), Node("reshape", (0,), (3,), Form.ARITH), *(load(2, (2,)) for _ in range(3)))},
    {"nodes": (load(0, (2,), Form.BITS), *(load(1) for _ in range(4)))},
    {"nodes": (load(3), *CIRCUIT.nodes[1:])},
    {"keeps": ((3, 3),)},
    {"keeps": ((3, 3), (4, 5))},
    {"keeps": ((3, 2), (4, 3))},
    {"outputs": (Output(3, 1),)},
])
def test_a_circuit_takes_and_keeps_what_its_order_says(fields: dict[str, Any]):
    with pytest.raises(WireError):
        o.circuit_of(replace(ORDER, circuit=encode_circuit(changed(CIRCUIT, **fields))))


@pytest.mark.parametrize("circuit", [
    changed(LOADS, opens=(0,)),
    changed(LOADS, nodes=(load(0), Node("neg", (0,), (2,), Form.ARITH)), outputs=(Output(1, 0),)),
])
def test_to_declassify_is_to_give_what_is_stored_and_nothing_else(circuit):
    with pytest.raises(WireError, match="declassify"):
        o.circuit_of(replace(DECLASSIFY, circuit=encode_circuit(circuit)))


def test_strangers_cannot_have_nodes_hold_whatever_they_like():
    nodes = (Node("const", (), (), Form.ARITH, {"value": np.array(1)}),
             *(Node("broadcast", (0,), (1 << 23,), Form.ARITH) for _ in range(5)))
    with pytest.raises(WireError, match="elements"):
        o.circuit_of(o.Order(o.RUN, SESSION, encode_circuit(Circuit("M127", nodes, opens=(5,)))))
    kept = Circuit("M127", nodes[:2], keeps=((1, 0),))
    with pytest.raises(WireError, match="elements of a kept value"):
        o.circuit_of(o.Order(o.RUN, SESSION, encode_circuit(kept), keeps=[o.Temporary(0)]))


@pytest.mark.parametrize(("op", "shape", "attrs", "count", "what"), [
    ("divmod", (2,), {"bits": 60}, 1000, "rounds"),
    ("matmul", (2, 2), {}, 1 << 13, "multiplications"),
])
def test_strangers_cannot_keep_nodes_busy_for_as_long_as_they_like(op, shape, attrs, count, what):
    wide = 1 << 20
    first = [Node("const", (), (), Form.ARITH, {"value": np.array(1)}),
             Node("broadcast", (0,), (2, wide), Form.ARITH), Node("broadcast", (0,), (wide, 2), Form.ARITH)]
    for number in range(count):
        if op == "matmul":
            first.append(Node(op, (1, 2), shape, Form.ARITH, attrs))
        else:
            first += [Node(op, (2 * number + 2 if number else 0, 0), shape, Form.ARITH, attrs),
                      Node("sum", (2 * number + 3,), (), Form.ARITH, {"axis": 0})]
    order = o.Order(o.RUN, SESSION, encode_circuit(Circuit("M127", tuple(first), opens=(len(first) - 1,))))
    with pytest.raises(WireError, match=what):
        o.circuit_of(order)


def test_what_was_opened_is_taken_by_its_digest():
    arrays = [np.array([1, -2]), np.array([True, False]), np.array(2**100, dtype=object)]
    data = o.encode_opened(arrays)
    found = o.decode_opened(data, o.opened_digest(data))
    assert [each.tolist() for each in found] == [each.tolist() for each in arrays]
    with pytest.raises(WireError):
        o.decode_opened(data, bytes(32))
