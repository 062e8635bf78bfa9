"""Contracts that are compiled once for all programs that they are in."""

from pathlib import Path

import pytest

from enigmalang.chain import compiling
from enigmalang.chain.compiling import compile_source
from enigmalang.chain.vyper import compile_contract
from enigmalang.chain.vyper.linking import compile_linked
from enigmalang.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.plan.codec import hash_plan
from enigmalang.plan.plan import Plan

TEXT = """
contract Sums:
    total: uint64
    error Odd(text: string[20])

    def add(private x: uint32):
        total += reveal(x)
        require total != 7, "a # and \\"quotes\\" # stay"

    view def name() -> string[20]:
        return "# no comment"
"""


def plan_of(folder: Path, text: str) -> Plan:
    path = folder / "sums.enig"
    path.write_text(text)
    plan = compile_file(str(path), Sink())
    assert plan is not None
    return plan


def test_linked_code_is_that_of_the_source_as_it_is_shown(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, TEXT)
    made = compile_contract(plan, "Sums")
    assert hash_plan(plan).hex() in made.generated.source
    assert made.compiled == compile_source(made.generated.source, "Sums", metadata=False)
    assert hash_plan(plan) in made.compiled.runtime


@pytest.mark.parametrize("ends", [(0, 1), (255, 1), (1, 0), (1, 255), (254, 128)])
def test_words_that_the_compiler_writes_in_less(tmp_path: Path, ends: tuple[int, int]) -> None:
    plan = plan_of(tmp_path, TEXT)
    word = bytes([ends[0], *hash_plan(plan)[1:-1], ends[1]])
    source = compile_contract(plan, "Sums").generated.source.replace(hash_plan(plan).hex(), word.hex())
    assert compile_linked(source, "Sums", word) == compile_source(source, "Sums", metadata=False)


def test_a_change_beside_the_contract_needs_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compile_contract(plan_of(tmp_path, TEXT), "Sums").compiled
    monkeypatch.setattr(compiling, "_compile", lambda *args: pytest.fail("compiled again"))
    changed = plan_of(tmp_path, f"# another line\n{TEXT}\nprint(1)\n")
    second = compile_contract(changed, "Sums").compiled
    assert second.runtime != first.runtime
    assert hash_plan(changed) in second.runtime
    assert len(second.runtime) == len(first.runtime)
