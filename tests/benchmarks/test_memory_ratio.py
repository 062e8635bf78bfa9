"""The memory benchmark at a small size: a checked run, its table, and what a circuit holds at once."""

import numpy as np

from benchmarks.holding import held
from benchmarks.memory import AIM, Memory, measure_memory, measure_middles, memory_table
from enigmalang.circuits.circuit import Circuit, Form, Node


def test_a_small_run() -> None:
    (found,) = measure_memory(names=("products",), size=20_000)
    assert found.shares == 3 * 20_000 * 8 and found.held == found.shares
    assert 0 < found.idle <= found.peak


def test_small_runs_of_middles() -> None:
    for found in measure_middles(names=("quotients", "fixed", "sigmoid", "exp", "log", "sqrt"), size=100):
        assert found.shares == 24 * 100 * (1 if found.name == "quotients" else 2)
        assert found.ratio == 0  # so little is a part of the pieces


def test_table() -> None:
    good, bad = (Memory(name, 1000, 100, 100 + above, 500, 1000) for name, above in (("a", 3000), ("b", 3100)))
    assert (good.ratio, bad.ratio, good.of_ends) == (AIM, 3.1, 6.0)
    lines = memory_table([good, bad]).splitlines()
    assert lines[1].endswith("✓") and lines[2].endswith("✗")
    assert Memory("c", 1, 100, 90, 8, 8).above == 0
    assert Memory("d", 1, 0, 30, 10, 1).ratio == 3.0  # inputs and results are held, too


def numbers(op: str, *args: int, form: Form = Form.ARITH, **attrs: object) -> Node:
    return Node(op, args, (1000,), form, attrs)


def test_what_a_circuit_holds_at_once() -> None:
    nodes = (
        numbers("input", slot=0), numbers("input", slot=1), numbers("const", value=np.zeros(1000, np.int64)),
        numbers("mul", 0, 1),  # two factors and the product
        numbers("mul", 3, 3),  # the factors are gone
        numbers("ltz", 4, form=Form.BITS), numbers("add", 4, 2),
    )
    assert held(Circuit("M61", nodes, (6,))) == 3 * 8000
    assert held(Circuit("M127", nodes, (6,))) == 3 * 16000
    bits = held(Circuit("M61", nodes[:6], (5, 3, 4, 0)))
    assert bits == 3 * 8000 + 2000 // 8  # two pieces of a bit; all else is opened at the end
    assert held(Circuit("M61", nodes[:6], (5, 3, 4, 0)), 5) == 3 * 8000 + 6000 // 8
