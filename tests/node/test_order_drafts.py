"""An order's circuit does what the script's did, with everything that goes in under handles that it explains."""

import msgspec
import numpy as np

from enigmalang.chain.vault import FIELD
from enigmalang.circuits.circuit import Circuit, Form, Node, Output
from enigmalang.circuits.evaluate import evaluate
from enigmalang.node.network_engine import slices
from enigmalang.node.order_drafts import Draft
from enigmalang.wire.orders import RUN, Leaf, Temporary, circuit_of, decode_order, encode_core, encode_order
from enigmalang.wire.orders import SignedOrder as Signed

A = Form.ARITH
SESSION, KEY = bytes(range(20)), bytes(32)
#: The script's: two inputs of its client, one of them empty, and what is under handles 70 and 71 of its engine.
CIRCUIT = Circuit(FIELD, (
    Node("input", (), (3,), A, {"slot": 0}),
    Node("input", (), (0,), A, {"slot": 1}),
    Node("input", (), (), A, {"slot": 2}),
    Node("load", (), (3,), A, {"handle": 1}),
    Node("load", (), (), A, {"handle": 0}),
    Node("mul", (0, 3), (3,), A),
    Node("concat", (5, 1), (3,), A, {"axis": 0}),
    Node("add", (6, 4), (3,), A),
    Node("mul", (7, 2), (3,), A),
), (8,), (Output(7, 0),), ((6, 2),))
INPUTS = [np.array([1, 2, 3]), np.zeros(0, np.int64), np.array(5)]
STORED = {70: np.array(100), 71: np.array([4, 5, 6])}
HANDLES = [70, 71, 72]


def place(handle):
    return Leaf(KEY, 0) if handle == 71 else Temporary(handle)


def carried_out(draft):
    """What nodes do with the order of `draft`: what is opened, and kept by place."""
    order, inputs = draft.order(RUN, SESSION, place)
    if inputs:
        order = msgspec.structs.replace(order, mask=b"\1" * 32, masked=bytes(16 * sum(value.size for value in inputs)))
    _, read = decode_order(encode_order(Signed(encode_core(order), bytes(65))))
    circuit = circuit_of(read)
    assert circuit is not None
    stored = {place(handle): value for handle, value in STORED.items()}
    memory = dict(enumerate([*inputs, *(stored[each] for each in read.reads)]))
    values = evaluate(circuit, [], memory)
    first = len(inputs) + len(read.reads)
    kept = {each: values[node] for node, handle in circuit.keeps for each in [read.keeps[handle - first]]}
    return [values[node].tolist() for node in circuit.opens], kept


def draft_of():
    return Draft.of(CIRCUIT, INPUTS, [b"\2" * 32], HANDLES)


def test_what_a_script_runs_is_what_its_order_says():
    opened, kept = carried_out(draft_of())
    assert opened == [[520, 550, 590]]
    assert {each: value.tolist() for each, value in kept.items()} == {Temporary(72): [4, 10, 18]}


def test_inputs_that_were_given_before_are_loaded():
    STORED[90] = INPUTS[0]
    try:
        assert carried_out(draft_of().given_before({0: 90}))[0] == [[520, 550, 590]]
    finally:
        del STORED[90]


def test_more_nodes_refer_to_what_is_there():
    draft = draft_of()
    same = draft.load(72, (3,), A)
    assert same == 6  # what it keeps itself is not loaded
    other = draft.load(71, (3,), A)
    total = draft.append(Node("add", (same, other), (3,), A))
    draft.opens = (*draft.opens, total)
    assert carried_out(draft)[0] == [[520, 550, 590], [8, 15, 24]]


def test_parts_are_as_even_as_can_be():
    assert slices(10, 3) == [(0, 3), (3, 6), (6, 10)] and slices(0, 1) == [(0, 0)]
