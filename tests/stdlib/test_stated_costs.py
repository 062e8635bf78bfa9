"""What the standard library's docstrings say of costs on private arguments: products, comparisons and ANDs, counted.

Rounds are counted with the opening, which is the last one; a product that is only opened has no round besides.
"""

from pathlib import Path

from enigmalang.cli.programs import compiled
from enigmalang.node.costing import cost_of_program

N = 40
HEADER = f"""from fixed_math import log, sigmoid, sqrt, tanh
from logic import at_least, at_most, exactly, implies, majority, select, xor
from math import abs_diff, bounded, cumsum, isqrt, isqrt64, isqrt124, product, sign, square
from matrix import matmul, transpose
from sort import is_sorted, rank, shuffle, starts
from stats import histogram
from table import keep, totals
private a: int32 = 5
private b: int32 = 6
private f: fixed = 0.5
private t: bool = True
private s: bool = False
private ts: bool[{N}] = [True for i in range({N})]
private xs: uint16[{N}] = [i for i in range({N})]
private few: uint8[5] = [1, 2, 3, 4, 5]
private m: int16[3, 7] = [[1 for i in range(7)] for j in range(3)]
private k: int16[7, 4] = [[1 for i in range(4)] for j in range(7)]
"""
STATED = {
    "sign(a)": {"comparisons": 2},
    "abs_diff(a, b)": {"comparisons": 1},
    "bounded(a, 1, 9)": {"comparisons": 2},
    "square(a)": {"products": 1, "comparisons": 0, "rounds": 1},
    "cumsum(xs)": {"products": 0, "comparisons": 0, "rounds": 1},
    "product(few)": {"products": 5, "rounds": 3 + 1},
    "isqrt(xs[0])": {"comparisons": 3 * 8},
    "isqrt64(xs[0])": {"comparisons": 3 * 16},
    "isqrt124(xs[0])": {"comparisons": 3 * 31},
    "xor(t, s)": {"ands": 0, "rounds": 1},
    "implies(t, s)": {"ands": 1, "rounds": 2},
    "select(t, a, b)": {"products": 1, "comparisons": 0},
    "at_least(3, ts)": {"comparisons": 1},
    "at_most(3, ts)": {"comparisons": 1},
    "exactly(3, ts)": {"comparisons": 1},
    "majority(ts)": {"comparisons": 1},
    "matmul(m, k)": {"products": 3 * 4, "rounds": 1},
    "transpose(m)": {"products": 0, "rounds": 1},
    "starts(xs)": {"comparisons": N - 1},
    "is_sorted(xs)": {"comparisons": N - 1},
    "rank(xs)": {"comparisons": N * N},
    "shuffle(xs)": {"comparisons": 0, "products": 0},
    "keep(xs, ts)[0]": {"comparisons": 0, "products": 2 * N},
    "totals([1, 2, 3], xs, xs)": {"comparisons": 3 * N, "products": 3},
    "histogram(xs, [0, 10, 20, 30])": {"comparisons": 4 * N, "products": 0},
    "sqrt(f)": {"comparisons": 3 * 12 + 1},
    "log(f)": {"comparisons": 5 + 5 + 1},
    "sigmoid(f)": {"comparisons": 6},
    "tanh(f)": {"comparisons": 6 + 2},
}


def test_costs_are_as_stated(tmp_path: Path) -> None:
    path = tmp_path / "costs.enig"
    path.write_text(HEADER + "".join(f"print(reveal({call}))\n" for call in STATED))
    lines = {line.line: line for line in cost_of_program(compiled(str(path))).lines}
    first = HEADER.count("\n") + 1
    found = {call: {name: getattr(lines[first + i], name) for name in STATED[call]} for i, call in enumerate(STATED)}
    assert found == STATED
