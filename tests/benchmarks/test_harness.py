"""The arithmetic of the harness: floors, medians, scaling, verdicts, and what it writes."""

import json
from dataclasses import replace

import pytest

from benchmarks.__main__ import arguments, shown
from benchmarks.aims import AIMS, verdicts
from benchmarks.report import as_json
from benchmarks.run import Mpyc, Result
from benchmarks.workloads import WORKLOADS, batcher, cubic, linear
from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.cli.floor import Floor, Rates, Work, floor_of, multiplications
from enigmalang.cli.loopback import Loopback
from enigmalang.cli.measure import Sample, middle

RATES = Rates(product=2e-9, word=1e-9, random_byte=1e-10, loopback=Loopback(3, 1e8, 1e-4), cores=2)


def sample(whole: float, computing: float = 1.0, rounds: int = 10) -> Sample:
    return Sample(whole, computing, rounds, 8_000_000, 1_000_000, 64_000, 0, 1, 0, {"node: run": computing})


def result(name: str = "products", computing: float = 0.1, mpyc: Mpyc | None = None) -> Result:
    workload = WORKLOADS[name]
    ours = sample(0.5, computing)
    return Result(workload, workload.size, 3, 5, ours, 0.4, 0.01, 1 << 28, 1 << 26, 0.002, floor_of(ours.work, RATES),
                  RATES, mpyc)


def test_floor_is_traffic_plus_operations_on_shared_cores() -> None:
    floor = floor_of(Work(sent=1_000_000, products=1_000, ands=640), RATES)
    assert floor.traffic == pytest.approx(0.01)
    # 1000 products, 10 words, 1,000,000 bytes of key stream; three parties on two cores
    assert floor.operations == pytest.approx((1_000 * 2e-9 + 10 * 1e-9 + 1_000_000 * 1e-10) * 1.5)
    assert floor.seconds == pytest.approx(floor.traffic + floor.operations)


def test_parties_with_a_core_each_wait_for_nobody() -> None:
    roomy = replace(RATES, cores=8)
    assert floor_of(Work(0, 1_000, 0), roomy).seconds == pytest.approx(1_000 * 2e-9)


def test_multiplications_of_a_circuit() -> None:
    a, b = (Node("input", (), shape, Form.ARITH, {"slot": i}) for i, shape in enumerate(((3, 4), (4, 5))))
    product = Node("matmul", (0, 1), (3, 5), Form.ARITH)
    square = Node("mul", (2, 2), (3, 5), Form.ARITH)
    assert multiplications(Circuit("M61", (a, b, product, square), (3,))) == 3 * 4 * 5 + 15


def test_medians_of_seconds_and_the_last_counts() -> None:
    found = middle([sample(3.0, 0.3), sample(1.0, 0.9), sample(2.0, 0.6, rounds=7)])
    assert (found.whole, found.computing, found.rounds) == (2.0, 0.6, 7)
    assert found.phases == {"node: run": 0.6}


def test_laws() -> None:
    assert linear(1_000_000) / linear(2_000) == 500
    assert cubic(1_000) / cubic(100) == 1_000
    assert batcher(1 << 20) / batcher(1 << 10) == pytest.approx(1024 * 4)


def test_ratios_compare_like_with_like() -> None:
    mpyc = Mpyc(size=100_000, runs=5, inputs=0.2, computing=0.3, peak=0, factor=10, law="n")
    found = result(mpyc=mpyc)
    assert found.times_mpyc == pytest.approx(3.0 / 0.1)
    assert found.times_mpyc_whole == pytest.approx(5.0 / 0.5)
    assert found.times_numpy == pytest.approx(50)
    assert found.floors == pytest.approx(0.1 / found.floor.seconds)


def test_aims_name_workloads_that_exist() -> None:
    assert {aim.workload for aim in AIMS} <= WORKLOADS.keys()


def test_verdicts() -> None:
    slow, fast = result(computing=0.1), result(computing=0.05)
    at_most = next(v for v in verdicts([slow]) if v.aim.most)
    assert (at_most.reached, at_most.passed) == (pytest.approx(50), False)
    assert next(v for v in verdicts([fast]) if v.aim.most).passed is True
    against_mpyc = next(v for v in verdicts([slow]) if not v.aim.most)
    assert against_mpyc.passed is None  # MPyC was not measured


def test_scaled_numbers_are_marked_in_the_table() -> None:
    told = shown([result(mpyc=Mpyc(100_000, 5, 0.2, 0.3, 0, 10, "n"))])
    assert "3.00 s*" in told
    assert "100,000 (n, 5 runs)" in told
    assert "✗" in told


def test_json_holds_everything() -> None:
    found = json.loads(json.dumps(as_json([result(mpyc=Mpyc(1_000_000, 5, 0.2, 0.3, 0, 1, "n")), result("chain")])))
    assert found["schema"] == 1
    assert {"cpu", "cores", "load", "python", "system", "versions"} <= found["machine"].keys()
    first, second = found["results"]
    assert first["mpyc"]["scaled"] is False
    assert second["mpyc"] is None
    assert {"mpyc", "mpyc_whole", "numpy", "floor"} == first["ratios"].keys()
    assert first["floor"]["seconds"] == pytest.approx(Floor(0.08, 0.0).traffic + first["floor"]["operations"])
    assert {"whole", "computing", "rounds", "sent", "products", "ands", "comparisons"} <= first["ours"].keys()
    assert any(aim["passed"] is False for aim in found["aims"])


def test_letters_and_names_choose_workloads() -> None:
    assert [w.name for w in arguments(["b", "chain"]).workloads] == ["comparisons32", "comparisons59", "chain"]
    assert arguments([]).workloads == list(WORKLOADS.values())
    assert arguments(["kernels"]).workloads == []
    with pytest.raises(SystemExit):
        arguments(["nothing"])
