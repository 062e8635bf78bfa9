"""`@budget` as text and tree."""

from enigmalang.diagnostics import Sink
from enigmalang.source import SourceFile
from enigmalang.syntax import ast
from enigmalang.syntax.parser import parse
from enigmalang.syntax.printer import format_tree
from enigmalang.syntax.unparse import unparse

TEXT = """contract C:
    @budget(rounds=20, bytes=1_000_000, seconds=0.5)
    view def f() -> uint32:
        return 1

@budget(ands=3)
def g(x):
    return x
"""


def tree(text: str) -> ast.Module:
    sink = Sink()
    module = parse(SourceFile("c.enig", text), sink)
    assert module is not None, sink.diagnostics
    return module


def test_written_out_and_read_again() -> None:
    module = tree(TEXT)
    assert unparse(module) == TEXT
    assert format_tree(tree(unparse(module)), spans=False) == format_tree(module, spans=False)


def test_who_has_a_budget() -> None:
    found = [(owner, function.name, [limit.name for limit in budget.limits], function.span.line)
             for owner, function, budget in ast.budgeted(tree(TEXT))]
    assert found == [("C", "f", ["rounds", "bytes", "seconds"], 3), (None, "g", ["ands"], 7)]
    assert not ast.has_budgets(tree("def f(x):\n    return x\n"))


def test_mistakes_elsewhere_are_told_alone() -> None:
    sink = Sink()
    assert parse(SourceFile("c.enig", TEXT + "x = = 3\n"), sink) is None
    assert [d.span.line for d in sink.diagnostics] == [9]


def test_other_annotations_are_refused() -> None:
    sink = Sink()
    assert parse(SourceFile("c.enig", "@property\ndef f(x):\n    return x\n"), sink) is None
    assert [d.code for d in sink.diagnostics] == ["E0010"]
