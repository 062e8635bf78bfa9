"""Every program of the repository gives its expected output on each of the three engines, and so do five nodes."""

from pathlib import Path

import pytest
from run_support import ENGINES, EXAMPLES, PROGRAMS, Bench, Program, read_program

from enigmalang.cli.session import Settings
from enigmalang.execute.domain import ClearDomain
from enigmalang.execute.runner import run_function

ALL = [read_program(path) for path in (*EXAMPLES, *PROGRAMS)]


def test_every_program_says_what_it_prints() -> None:
    assert len(ALL) >= 40
    assert [p.path.name for p in ALL if not p.expected] == []


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("program", ALL, ids=str)
def test_engine(bench: Bench, program: Program, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    assert bench.run(program.path, engine, program.arguments).splitlines() == list(program.expected)


@pytest.mark.parametrize("program", ALL, ids=str)
def test_values_stay_in_their_ranges(bench: Bench, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clear engine again, holding each private value against the range that the analysis gave it."""
    monkeypatch.chdir(Path(__file__).parents[2])
    original = ClearDomain.__init__
    monkeypatch.setattr(ClearDomain, "__init__", lambda self, field="M61": original(self, True, field))
    assert bench.run(program.path, "clear", program.arguments).splitlines() == list(program.expected)


@pytest.mark.parametrize(("nodes", "threshold"), [(4, 1), (5, 2), (5, 1)])
def test_other_committees(nodes: int, threshold: int) -> None:
    """A program of each field, with more nodes and other thresholds."""
    other = Bench(Settings("mpc", nodes, threshold))
    chosen = {"salaries", "contract_private", "fixed_point", "comparisons", "wrap_clamp"}
    with other.session:
        for program in ALL:
            if program.path.stem in chosen:
                assert other.run(program.path, "mpc").splitlines() == list(program.expected), program


def test_the_engines_are_the_ones_meant(bench: Bench) -> None:
    """The mpc engine is a cluster of processes, the circuit engine has none, the clear one has no engine at all."""
    plan = bench.plan(next(p.path for p in ALL if p.path.stem == "salaries"))
    worlds = {e: bench.session.world(plan, None, lambda text: None, engine=e) for e in ENGINES}  # type: ignore[arg-type]
    assert worlds["clear"].engine is None
    for name in plan.tests:
        run_function(worlds["mpc"], plan.functions[name].public)
    cluster = worlds["mpc"].engine
    assert cluster is not None and worlds["circuit"].engine is not None
    assert cluster.stats().bytes_sent > 0
    assert worlds["circuit"].engine.stats().bytes_sent == 0
