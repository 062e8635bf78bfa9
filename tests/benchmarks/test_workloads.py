"""Every workload at a tiny size, on the circuit engine: the programs compute what NumPy computes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.check import WrongResult, check, differences
from benchmarks.ours import Given, plan_of, results
from benchmarks.workloads import WORKLOADS, sha256_constants, statements
from enigmalang.cli.measure import Bench
from enigmalang.execute.circuit_engine import CircuitEngine

ONE_EACH = [w for w in WORKLOADS.values() if w.name not in ("sort1m", "matrix1000")]  # they share their programs


@pytest.mark.parametrize("workload", ONE_EACH, ids=lambda w: w.name)
def test_right_at_a_tiny_size(workload: Any) -> None:
    data = workload.data(workload.tiny)
    plan = plan_of(workload, workload.tiny)
    with Bench(plan, engine=CircuitEngine(plan.field)) as bench:
        sample, world = bench.run(Given(data))
    check(workload, data, results(world, workload, data))
    assert sample.circuits > 0
    assert sample.whole >= sample.computing > 0


def test_data_are_the_same_for_the_same_seed() -> None:
    workload = WORKLOADS["products"]
    first, again, other = (workload.data(200, seed) for seed in (1, 1, 2))
    assert np.array_equal(first["x"], again["x"])
    assert not np.array_equal(first["x"], other["x"])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda found: {"less": ~found["less"]}, "300 of 300 numbers"),
        (lambda found: {"less": found["less"][1:]}, "shape"),
        (lambda found: {}, "results"),
    ],
)
def test_wrong_results_are_loud(spoil: Callable[[Any], Any], told: str) -> None:
    workload = WORKLOADS["comparisons32"]
    data = workload.data(300)
    right = workload.expect(data, workload.numpy(data))
    assert differences(workload, data, right) == ""
    with pytest.raises(WrongResult, match=told):
        check(workload, data, spoil(right))


def test_the_script_has_a_hundred_statements() -> None:
    assert len(statements().splitlines()) == 100


def test_constants_are_read_from_the_program() -> None:
    found = sha256_constants()
    assert len(found["K"]) == 64
    assert found["H"][0] == 0x6A09E667
