"""Generated programs print what Python prints: in the clear, in the circuits, and (a sample) between processes."""

import sys
from pathlib import Path

import pytest
from generate_programs import Generated, programs
from hypothesis import HealthCheck, given, settings
from run_support import Bench

from enigmalang.execute.domain import ClearDomain
from enigmalang.execute.machine import RECURSION

#: The interpreter raises the limit itself; Hypothesis does not like that to happen while it watches.
sys.setrecursionlimit(RECURSION)
#: Nor do other libraries ask: py-evm raises it further when another test of this process has imported it.
pytestmark = pytest.mark.filterwarnings("ignore:The recursion limit will not be reset")
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def check(bench: Bench, folder: Path, program: Generated, engine: str) -> None:
    path = folder / "generated.enig"
    path.write_text(program.enig)
    assert bench.run(path, engine) == program.expected()


@pytest.fixture(autouse=True)
def held_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clear engine holds every private result against its range: the other engines compute only as wide."""
    original = ClearDomain.__init__
    monkeypatch.setattr(ClearDomain, "__init__", lambda self, field="M61": original(self, True, field))


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(program=programs())
@pytest.mark.parametrize("engine", ["clear", "circuit"])
def test_in_this_process(bench: Bench, tmp_path: Path, engine: str, program: Generated) -> None:
    check(bench, tmp_path, program, engine)


@settings(max_examples=25, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(program=programs())
def test_between_processes(bench: Bench, tmp_path: Path, program: Generated) -> None:
    check(bench, tmp_path, program, "mpc")
