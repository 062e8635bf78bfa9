"""What `enig cost` counts is what the nodes measure, for every example and for workloads of the benchmarks."""

from pathlib import Path

import pytest
from cost_support import SomeData, benchmark, counts, given, measured
from run_support import EXAMPLES, ROOT, Program, read_program

from enigmalang.cli.programs import compiled
from enigmalang.node.costing import Cost, cost_of, cost_of_program, priced_functions

#: More comparisons than there are tables for: whether more were made in a pause depends on time, so these run without.
LARGE = {"gcd", "statistics"}
#: How long a sort of many takes depends on its random order.
RANDOM = {"statistics"}


def without_stock(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("ENIGMALANG_STOCK", "0")


@pytest.mark.parametrize("nodes", [3, 5])
@pytest.mark.parametrize("example", [read_program(path) for path in EXAMPLES], ids=str)
def test_examples(example: Program, nodes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if example.path.stem in LARGE:
        without_stock(monkeypatch)
    plan = compiled(str(example.path))
    cost, stats = cost_of_program(plan, nodes), measured(plan, nodes, given(example.arguments))
    if example.path.stem not in RANDOM:
        assert counts(cost) == counts(stats)
        return
    assert (cost.products, cost.circuits) == (stats.products, stats.circuits)
    # One order of sixty takes a third more, none takes far less.
    costs = [cost, *(cost_of_program(plan, nodes) for _ in range(2))]
    found = [stats, *(measured(plan, nodes, given(example.arguments)) for _ in range(2))]
    for name in counts(stats):
        told, taken = (min(getattr(one, name) for one in many) for many in (costs, found))
        assert told == pytest.approx(taken, rel=0.25), name


WORKLOADS = [
    ("comparisons32", {"x": 200, "y": 200}), ("comparisons59", {"x": 70, "y": 70}), ("products", {"x": 30, "y": 30}),
    ("chain", {"y": 50}), ("shuffle", {"x": 300}), ("sorting", {"x": 60}), ("ranks", {"x": 40}),
    ("group_sum", {"keys": 25, "values": 25}),
]


def test_an_input_that_is_revealed_as_it_is_counts_for_that_line(tmp_path: Path) -> None:
    path = tmp_path / "bare.enig"
    path.write_text("# who is old\n\nprivate ages: uint8[3] = [1, 2, 3]\n\nprint(reveal(ages))\n")
    assert [line.line for line in cost_of_program(compiled(str(path)), 3).lines] == [5]


@pytest.mark.parametrize("nodes", [3, 5])
@pytest.mark.parametrize(("name", "lengths"), WORKLOADS, ids=[name for name, _ in WORKLOADS])
def test_benchmarks(name: str, lengths: dict[str, int], nodes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    without_stock(monkeypatch)
    plan = benchmark(name)
    assert counts(cost_of_program(plan, nodes, lengths)) == counts(measured(plan, nodes, SomeData(lengths)))


def test_other_committees() -> None:
    """More nodes than 2t + 1, and a wide committee, which talks to make masks."""
    plan = compiled(str(ROOT / "examples" / "millionaires.enig"))
    for nodes in (4, 10):
        assert counts(cost_of_program(plan, nodes)) == counts(measured(plan, nodes, given(())))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_lines_add_up(path: object) -> None:
    plan = compiled(str(path))
    for name in priced_functions(plan):
        adds_up(cost_of(plan, name))


def adds_up(cost: Cost) -> None:
    for what in ("products", "ands", "comparisons"):
        assert sum(getattr(line, what) for line in cost.lines) == getattr(cost, what)
    assert sum(line.bytes_sent for line in cost.lines) + cost.agreeing == cost.bytes_sent
    assert cost.agreeing == 32 * (cost.nodes - 1) * cost.circuits
    assert all(line.rounds <= cost.rounds - cost.circuits for line in cost.lines)
    together: frozenset[int] = frozenset().union(*(line.numbers for line in cost.lines))
    assert len(together) + cost.circuits == cost.rounds
    assert all(line.path == cost.span.path and line.line > 0 for line in cost.lines)
