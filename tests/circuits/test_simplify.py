"""Simplification keeps what a circuit computes, and makes it smaller."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.evaluate import FieldOverflow, evaluate
from enigmalang.circuits.simplify import simplify
from enigmalang.circuits.text import circuit_to_json, print_circuit

A, B = Form.ARITH, Form.BITS


def const(value):
    return Node("const", (), (), A, {"value": np.asarray(value)})


def source(slot, form=A):
    return Node("input", (), (), form, {"slot": slot})


BINARY = {"add": A, "sub": A, "mul": A, "xor": B, "and": B}
UNARY = {"neg": (A, A), "ltz": (A, B), "eqz": (A, B), "not": (B, B), "b2a": (B, A)}


@st.composite
def circuits(draw):
    nodes = [source(0), source(1), const(0), const(1), const(draw(st.integers(-3, 3))), source(2, B),
             Node("const", (), (), B, {"value": np.asarray(draw(st.booleans()))})]
    for _ in range(draw(st.integers(1, 14))):
        op = draw(st.sampled_from(sorted([*BINARY, *UNARY])))
        takes, gives = (BINARY[op], BINARY[op]) if op in BINARY else UNARY[op]
        fitting = [n for n, node in enumerate(nodes) if node.form is takes]
        args = tuple(draw(st.sampled_from(fitting)) for _ in range(2 if op in BINARY else 1))
        nodes.append(Node(op, args, (), gives))
    opens = tuple(draw(st.lists(st.integers(0, len(nodes) - 1), min_size=1, max_size=3)))
    return Circuit("M127", tuple(nodes), opens)


@given(circuit=circuits(), a=st.integers(-3, 3), b=st.integers(-3, 3), c=st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_answer_stays(circuit, a, b, c):
    inputs = [np.asarray(a), np.asarray(b), np.asarray(c)]
    try:
        before = evaluate(circuit, inputs, {})
    except FieldOverflow:
        return  # repeated squaring left the field: nothing to compare
    smaller = simplify(circuit)
    after = evaluate(smaller, inputs, {})
    assert [after[n].tolist() for n in smaller.opens] == [before[n].tolist() for n in circuit.opens]
    assert len(smaller.nodes) <= len(circuit.nodes) + len(circuit.opens)


@pytest.mark.parametrize(("nodes", "left"), [
    ([source(0), const(0), Node("add", (0, 1), (), A)], ["input"]),
    ([source(0), const(1), Node("mul", (0, 1), (), A)], ["input"]),
    ([source(0), const(3), Node("mul", (0, 1), (), A)], ["input", "scale"]),
    ([source(0), Node("neg", (0,), (), A), Node("neg", (1,), (), A)], ["input"]),
    ([source(0), Node("sub", (0, 0), (), A)], ["const"]),
    ([const(2), const(3), Node("mul", (0, 1), (), A)], ["const"]),
    ([source(0), Node("ltz", (0,), (), B), Node("ltz", (0,), (), B), Node("and", (1, 2), (), B)], ["input", "ltz"]),
])
def test_rules(nodes, left):
    made = simplify(Circuit("M61", tuple(nodes), (len(nodes) - 1,)))
    assert [node.op for node in made.nodes] == left


def test_a_sum_of_products_is_one_dot():
    vector = {"slot": 0}
    nodes = (Node("input", (), (5,), A, vector), Node("input", (), (5,), A, {"slot": 1}),
             Node("mul", (0, 1), (5,), A), Node("sum", (2,), (), A, {"axis": 0}))
    made = simplify(Circuit("M61", nodes, (3,)))
    assert [node.op for node in made.nodes] == ["input", "input", "dot"]


def test_a_value_outside_the_field_is_found():
    nodes = (source(0), Node("mul", (0, 0), (), A))
    with pytest.raises(FieldOverflow, match="M61"):
        evaluate(Circuit("M61", nodes, (1,)), [np.asarray(1 << 40)], {})


def test_text_and_json():
    nodes = (source(0), Node("ltz", (0,), (), B), Node("b2a", (1,), (), A))
    circuit = Circuit("M61", nodes, (2,), (), ((2, 9),))
    text = print_circuit(circuit)
    assert "layer 0: 1 local, ltz on 1 element\n" in text
    assert text.endswith("open %2\nkeep %2 as 9\n")
    assert '"protocol": "b2a"' in circuit_to_json(circuit)
