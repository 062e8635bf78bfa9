"""All ledgers give the same: what is printed, how programs fail and where, and what everyone owns afterwards.

Programs in `programs/` try what the examples do not. Addresses differ from ledger to ledger, so none is printed.
"""

from pathlib import Path

import pytest
from agreement_support import ALL, OWN, Ledgers
from run_support import EXAMPLES, Program, read_program

CONTRACTS = [p for p in ALL if any(word in p.path.read_text("utf-8") for word in ("contract ", "L[", "L.get"))]
STOPS = [read_program(p) for p in sorted((Path(__file__).parents[2] / "programs" / "stop").glob("*.enig"))
         if "contract " in p.read_bytes().decode("latin-1")]
IN_CIRCUITS = [read_program(p) for p in EXAMPLES] + OWN


def test_enough_is_compared() -> None:
    assert len(CONTRACTS) >= 18 and len(STOPS) >= 6 and len(OWN) >= 6


@pytest.mark.parametrize("program", [*CONTRACTS, *OWN, *STOPS], ids=str)
def test_embedded(program: Program, ledgers: Ledgers) -> None:
    assert ledgers.runs(program, "embedded", "clear") == ledgers.runs(program, "memory", "clear")


@pytest.mark.parametrize("program", [*CONTRACTS, *OWN, *STOPS], ids=str)
def test_anvil(program: Program, ledgers: Ledgers, node: str) -> None:
    assert ledgers.runs(program, node, "clear") == ledgers.runs(program, "memory", "clear")


@pytest.mark.parametrize("program", IN_CIRCUITS, ids=str)
def test_embedded_with_circuits(program: Program, ledgers: Ledgers) -> None:
    assert ledgers.runs(program, "embedded", "circuit") == ledgers.runs(program, "memory", "clear")


@pytest.mark.parametrize("program", OWN, ids=str)
def test_anvil_with_circuits(program: Program, ledgers: Ledgers, node: str) -> None:
    assert ledgers.runs(program, node, "circuit") == ledgers.runs(program, "memory", "clear")


@pytest.mark.parametrize("program", OWN, ids=str)
def test_own_programs_end_well(program: Program, ledgers: Ledgers) -> None:
    """They fail only where they expect it."""
    assert [seen.failure for seen in ledgers.runs(program, "memory", "clear")] == [""] * len(
        ledgers.runs(program, "memory", "clear"))
