"""Gathering keeps what a circuit computes and its rounds, and makes wide circuits of small operations small."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enigmalang.circuits import gather as module
from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.evaluate import FieldOverflow, evaluate
from enigmalang.circuits.gather import Gathered, gather
from enigmalang.circuits.layers import cut_layers
from enigmalang.circuits.simplify import simplify

A, B = Form.ARITH, Form.BITS
SHAPES = ((), (2,), (2, 3))
INPUTS: list[tuple[tuple[int, ...], Form]] = [(s, f) for s in SHAPES for f in (A, A, B)] + [((4, 3), A), ((3, 5), A)]
GIVES = {"add": A, "sub": A, "mul": A, "xor": B, "and": B, "neg": A, "ltz": B, "eqz": B, "not": B, "b2a": A,
         "select": A, "scale": A, "divc": A, "shr": A, "a2b": B, "divmod": A, "take": A}
TAKES = {"xor": B, "and": B, "not": B, "b2a": B}
ATTRS: dict[str, Any] = {"divc": {"divisor": 3}, "shr": {"f": 2, "mode": "exact"}, "a2b": {"bits": 2},
                         "divmod": {"bits": 4}}


@st.composite
def circuits(draw: st.DrawFn) -> Circuit:
    nodes = [Node("input", (), s, f, {"slot": k}) for k, (s, f) in enumerate(INPUTS)]
    nodes += [Node("load", (), (), A, {"handle": 7}), Node("const", (), (), A, {"value": np.asarray(2)}),
              Node("const", (), (2,), A, {"value": np.arange(2)})]
    first = len(nodes)
    for _ in range(draw(st.integers(1, 8))):  # a stretch of alike operations at a time
        op = draw(st.sampled_from(sorted(GIVES)))
        shape = (4, 3) if op == "take" else draw(st.sampled_from(SHAPES))
        fitting = [n for n, x in enumerate(nodes) if x.form is TAKES.get(op, A) and x.shape == shape]
        if op in ("divmod", "a2b"):
            fitting = [n for n in fitting if n < first and nodes[n].op != "const"]
        count = {"select": 3, "divmod": 2}.get(op, 2 if op in ("add", "sub", "mul", "xor", "and") else 1)
        for _ in range(draw(st.integers(1, 12))):
            args = tuple(draw(st.sampled_from(fitting)) for _ in range(count))
            attrs, result = ATTRS.get(op, {}), shape
            if op == "scale":
                attrs = {"factor": np.asarray(draw(st.integers(-2, 2)))}
            elif op == "take":
                axis = draw(st.integers(0, 1))
                attrs = {"indices": np.asarray(draw(st.integers(0, 2))), "axis": axis}
                result = (3,) if axis == 0 else (4,)
            elif op in ("a2b", "divmod"):
                result = (*shape, 2) if op == "a2b" else (2, *shape)
            nodes.append(Node(op, args, result, GIVES[op], attrs))
    numbers = st.integers(0, len(nodes) - 1)
    opens = tuple(draw(st.lists(numbers, max_size=20)))
    keeps = tuple((draw(numbers), 100 + k) for k in range(draw(st.integers(0, 12))))
    return Circuit("M127", tuple(nodes), opens, (), keeps)


def ran(circuit: Circuit, inputs: list[Any]) -> tuple[list[Any], dict[int, Any]]:
    values = evaluate(circuit, inputs, {7: np.asarray(5)})
    return [values[n] for n in circuit.opens], {handle: values[n].tolist() for n, handle in circuit.keeps}


def gathered_run(made: Gathered, inputs: list[Any]) -> tuple[list[Any], dict[int, Any]]:
    opened, kept = ran(made.circuit, made.stacked(inputs))
    return [x.tolist() for x in made.split(opened)], kept | {
        h: kept[owner][row] for h, (owner, row) in made.rows.items()}


@given(circuit=circuits(), seed=st.integers(0, 2**32))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_answer_stays(circuit: Circuit, seed: int) -> None:
    generator = np.random.default_rng(seed)
    inputs = [generator.integers(0, 2 if f is B else 4, s) for s, f in INPUTS]
    circuit = simplify(circuit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LEAST_NODES", 0)
        patch.setattr(module, "LEAST_WIDTH", 0)
        patch.setattr(module, "LEAST_GROUP", 2)
        made = gather(circuit)
    assert len(made.circuit.nodes) <= len(circuit.nodes)
    assert len([x for x in cut_layers(made.circuit) if x.together]) <= len(
        [x for x in cut_layers(circuit) if x.together])
    try:
        opened, kept = ran(circuit, inputs)
    except FieldOverflow:
        return
    found, found_kept = gathered_run(made, inputs)
    assert found == [x.tolist() for x in opened]
    assert {h: found_kept[h] for h in kept} == kept


def chains(count: int, steps: int) -> Circuit:
    """`count` chains of `steps` products, sums and comparisons, every value a scalar."""
    nodes = [Node("input", (), (), A, {"slot": k}) for k in range(count)]
    last = list(range(count))
    for step in range(steps):
        before = last.copy()
        for k in range(count):
            other = before[(k + step) % count]
            nodes.append(Node("mul", (last[k], other), (), A))
            nodes.append(Node("ltz", (len(nodes) - 1,), (), B))
            nodes.append(Node("b2a", (len(nodes) - 1,), (), A))
            last[k] = len(nodes) - 1
    return Circuit("M61", tuple(nodes), tuple(last))


def test_wide_circuits_become_small() -> None:
    made = gather(simplify(chains(100, 5)))
    assert len(made.circuit.nodes) < 50
    assert len(made.circuit.opens) == 1
    assert made.inputs == [(tuple(range(100)), True)]
    values = [np.asarray(k - 50) for k in range(100)]
    assert gathered_run(made, values)[0] == [x.tolist() for x in ran(chains(100, 5), values)[0]]


def test_chains_stay_as_they_are() -> None:
    circuit = simplify(chains(2, 200))
    assert gather(circuit).circuit is circuit
