"""What the ledger runs and what the nodes run, as golden files."""

from pathlib import Path

import pytest

from enigmalang.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.ir.ir import operations
from enigmalang.ir.text import print_function
from enigmalang.types.types import Label

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"


def compiled(name):
    plan = compile_file(str(ROOT / "examples" / f"{name}.enig"), Sink())
    assert plan is not None
    return plan


@pytest.mark.parametrize("name", ["salaries", "auction", "token", "login"])
def test_golden(name, golden):
    plan = compiled(name)
    parts = []
    for function in plan.functions.values():
        if function.public.contract is not None:
            parts += ["ledger program", print_function(function.public)]
            parts += ["secret program", print_function(function.secret)] if function.secret else []
    golden(GOLDEN / f"{name}.txt", "\n".join(parts))


@pytest.mark.parametrize("name", ["salaries", "auction", "token", "login", "battleship", "vote", "millionaires"])
def test_the_ledger_computes_on_no_secret_and_the_nodes_emit_nothing(name):
    jobs = [(f, f.secret) for f in compiled(name).functions.values() if f.secret is not None]
    assert jobs
    for function, secret in jobs:
        names = [op.op for op in operations(function.public.body)]
        assert "reveal" not in names
        for op in operations(function.public.body):
            assert all(v.label is Label.PUBLIC for v in (*op.operands, *op.results)), op.op
        assert not {"emit", "send", "attested"} & {op.op for op in operations(secret.body)}
        reveals = sum(op.op == "reveal" for op in operations(secret.body))
        assert reveals == names.count("attested")


def test_public_functions_have_no_secret_program():
    assert compiled("battleship").functions["Battleship.won"].secret is None
