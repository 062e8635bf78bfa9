"""The text form of the stage."""

from collections.abc import Callable
from pathlib import Path

from support import good

from enigmalang.semantics.dump import dump_types

SALARIES = Path(__file__).parents[2] / "examples" / "salaries.enig"


def test_dump_of_a_small_file(golden: Callable[[Path, str], None]) -> None:
    text = 'def twice(x):\n    return x + x\n\nprivate a: uint8 = 3\nb = twice(a) * 2\nprint(reveal(b), [0.5])\n'
    golden(Path(__file__).parent / "dump_small.txt", dump_types(good(text)))


def test_every_expression_of_the_example_has_a_type() -> None:
    from enigmalang.syntax import ast

    checked = good(SALARIES.read_text("utf-8"))
    for instance in checked.instances:
        if instance.module is not checked.main:
            continue
        for node in ast.walk(instance.node):
            if isinstance(node, ast.Binary | ast.Compare | ast.Call | ast.IntLit | ast.Comprehension):
                assert node in instance.types, node.span
    assert "Salaries.average" in dump_types(checked)
