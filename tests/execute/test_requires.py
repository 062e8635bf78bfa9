"""A `require` of what is known to hold is no reason to go row by row."""

from pathlib import Path

import pytest
from runtime_support import compiled

from enigmalang.ir.ir import operations

TEXT = """
private m: uint8[4, 6] = [[i + j for j in range(6)] for i in range(4)]
def weighted(xs, ys):
    require len(xs) == {}, "lists of different lengths"
    return sum([x * y for x, y in zip(xs, ys)])
print(reveal(sum([weighted(r, r) for r in m])))
"""


@pytest.mark.parametrize("length", ["len(ys)", "6"])
def test_requires_that_hold_go(length: str, tmp_path: Path) -> None:
    plan = compiled(TEXT.format(length), tmp_path)
    assert plan.script is not None
    assert {"require", "map"}.isdisjoint(op.op for op in operations(plan.script.body))


def test_others_stay(tmp_path: Path) -> None:
    text = TEXT.format("len(ys) + n").replace("def", "n: uint8 = 0\nfor i in range(len(m)):\n    n += 0\ndef", 1)
    text = text.replace("def weighted(xs, ys)", "def weighted(xs, ys, n)").replace("(r, r)", "(r, r, n)")
    plan = compiled(text, tmp_path)
    assert plan.script is not None
    assert "require" in {op.op for op in operations(plan.script.body)}
