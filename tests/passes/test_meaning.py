"""Passes keep the answer: each function gives the same before and after, and what Python gives."""

from pathlib import Path
from typing import Any

import pytest
from meaning import compiled, counts, function_of, optimised, run

from enigmalang.execute.failures import Revert

L = "list[uint16, 20]"
CASES: list[tuple[str, str, list[list[Any]], list[Any]]] = [
    ("compare all", f"def f(private xs: {L}, private t: uint16):\n    return [x > t for x in xs]",
     [[[1, 5, 3], 2], [[], 2]], [[False, True, True], []]),
    ("sum of a condition", f"def f(private xs: {L}, private t: uint16):\n    return sum([x > t for x in xs]) + 1",
     [[[1, 5, 3], 2], [[], 2]], [3, 1]),
    ("accumulate", f"""def f(private xs: {L}, ys: {L}):
    total = 0
    for x, y in zip(xs, ys):
        total += x * y
    return total""", [[[1, 2, 3], [4, 5, 6]], [[], []]], [32, 0]),
    ("count under a private condition", f"""def f(private xs: {L}, private t: uint16):
    n = 0
    for x in xs:
        if x > t:
            n += 1
    return n""", [[[1, 5, 3], 2], [[], 2]], [2, 0]),
    ("sum under a public condition", f"""def f(private xs: {L}, k: uint8):
    n = 0
    for i, x in enumerate(xs):
        if i != k:
            n += x
    return n""", [[[1, 5, 3], 1], [[], 2]], [4, 0]),
    ("running maximum", f"""def f(private xs: {L}):
    best: uint16 = 7
    for x in xs:
        best = max(best, x)
    return best""", [[[1, 9, 3]], [[]]], [9, 7]),
    ("both kinds of all and any", f"""def f(private xs: {L}):
    a = True
    b = False
    for x in xs:
        a = a and x > 2
        b = b or x > 8
    return (a, b)""", [[[3, 9]], [[]], [[1]]], [(True, True), (True, False), (False, False)]),
    ("the arg of the maximum", f"""def f(private xs: {L}):
    best = xs[0]
    where = 0
    for i, x in enumerate(xs):
        if x > best:
            best = x
            where = i
    return (best, where)""", [[[3, 9, 9]], [[4]]], [(9, 1), (4, 0)]),
    ("rank", f"def f(private xs: {L}):\n    return [sum([y > x for y in xs]) + 1 for x in xs]",
     [[[30, 10, 20]], [[]]], [[1, 3, 2], []]),
    ("positions", f"""def f(private xs: {L}):
    n = len(xs)
    return [sum([xs[j] < xs[i] or (xs[j] == xs[i] and j < i) for j in range(n)]) for i in range(n)]""",
     [[[30, 10, 30]], [[]]], [[1, 0, 2], []]),
    ("matrix product", """def f(private a: uint8[2, 3], private b: uint8[3, 2]):
    return [[sum([a[i, k] * b[k, j] for k in range(3)]) for j in range(2)] for i in range(2)]""",
     [[[[1, 2, 3], [4, 5, 6]], [[1, 2], [3, 4], [5, 6]]]], [[[22, 28], [49, 64]]]),
    ("matrix times vector", """def f(private a: uint8[2, 3], private v: uint8[3]):
    return [sum([x * y for x, y in zip(row, v)]) for row in a]""",
     [[[[1, 2, 3], [4, 5, 6]], [1, 0, 2]]], [[7, 16]]),
    ("a loop inside a comprehension", f"""def f(private xs: {L}):
    return [root(x) for x in xs]

def root(x):
    r = 0
    for step in [128, 64, 32, 16, 8, 4, 2, 1]:
        trial = r + step
        r = trial if trial * trial <= x else r
    return r""", [[[0, 1, 99, 65535]], [[]]], [[0, 1, 9, 255], []]),
    ("while max inside a comprehension", f"""def f(private xs: {L}, private y: uint16):
    return [gcd(x, y) for x in xs]

def gcd(a, b):
    while b != 0 max 24:
        a, b = b, a % b
    return a""", [[[12, 18, 0], 8]], [[4, 2, 8]]),
    ("a loop over the rows of a list", """def f(private a: uint8[2, 3]):
    return [total(row) for row in a]

def total(row):
    t = 0
    for x in row:
        t = t * 2 + x
    return t""", [[[[1, 2, 3], [4, 5, 6]]]], [[11, 32]]),
    ("constants in a comprehension", f"def f(xs: {L}):\n    return [7 for x in xs]", [[[1, 2]], [[]]], [[7, 7], []]),
    ("private if with both sides", """def f(private a: int16, private b: int16):
    x = 0
    y = 1
    if a > b:
        x = a - b
    elif a == b:
        y = 5
    else:
        x = b - a
        y = 2
    return (x, y)""", [[3, 1], [1, 3], [2, 2]], [(2, 1), (2, 2), (0, 5)]),
    ("what is not chosen may be anything", """def f(private a: uint8):
    x: uint8 = 0
    if a >= 100:
        x = a - 100
    return x // max(a, 1)""", [[7], [250]], [0, 0]),
    ("private while", """def f(private n: uint8):
    steps = 0
    while n > 1 max 8:
        n = n // 2
        steps += 1
    return (steps, n)""", [[200], [0], [1]], [(7, 1), (0, 0), (0, 1)]),
    ("private index", "def f(private i: uint8, xs: uint16[3]):\n    return xs[i]",
     [[0, [5, 6, 7]], [2, [5, 6, 7]], [9, [5, 6, 7]]], [5, 7, 0]),
    ("private index of rows", "def f(private i: uint8, private m: uint16[2, 2]):\n    return m[i]",
     [[1, [[1, 2], [3, 4]]], [2, [[1, 2], [3, 4]]]], [[3, 4], [0, 0]]),
    ("private index of truths", "def f(private i: uint8, private m: bool[2]):\n    return m[i]",
     [[1, [False, True]], [2, [True, True]]], [True, False]),
    ("writing at a private index", """def f(private i: uint8, private xs: uint16[3]):
    xs[i] = 9
    return xs""", [[1, [5, 6, 7]], [3, [5, 6, 7]]], [[5, 9, 7], [5, 6, 7]]),
    ("private index in a comprehension",
     f"def f(private xs: uint16[3], private js: {L}):\n    return [xs[j] for j in js]",
     [[[5, 6, 7], [2, 0, 5]]], [[7, 5, 0]]),
    ("a long product", """def f(private a: uint8, private b: uint8, private c: uint8, private d: uint8):
    return a * b * c * d * 3""", [[2, 3, 4, 5]], [360]),
    ("a product over a list", """def f(private xs: list[uint8, 5]):
    p = 1
    for x in xs:
        p *= x
    return p""", [[[1, 2, 3, 4, 5]], [[]], [[7]], [[2, 0, 9]]], [120, 1, 7, 0]),
    ("a long conjunction", """def f(private a: uint8, private b: uint8, private c: uint8):
    return a > 1 and b > 1 and c > 1 and a > b and b > c""", [[4, 3, 2], [4, 3, 3]], [True, False]),
    ("fixed point", "def f(private a: fixed, private b: fixed):\n    return (a * b / 2.0 + 1.0) * a",
     [[3 << 16, 1 << 15]], [(3 << 16) * 7 // 4]),
    ("lists built by append", f"""def f(private xs: {L}):
    out: list[uint32, 20] = []
    for x in xs:
        out.append(x * 2)
    return out""", [[[1, 2]], [[]]], [[2, 4], []]),
    ("membership", f"def f(private xs: {L}, private ys: {L}):\n    return [y in xs for y in ys]",
     [[[1, 2], [2, 3]]], [[True, False]]),
    ("filtering by a public list",
     f"def f(private xs: {L}, ys: {L}):\n    return [x + y for x, y in zip(xs, ys) if y > 1]",
     [[[1, 2, 3], [0, 5, 6]]], [[7, 9]]),
    ("early return on public conditions", f"""def f(xs: {L}, private t: uint16):
    for x in xs:
        if x > 5:
            return x + t
    return t""", [[[1, 7, 9], 1], [[], 3]], [8, 3]),
    ("zip of unequal lengths", f"def f(private xs: {L}, private ys: {L}):\n    return [x * y for x, y in zip(xs, ys)]",
     [[[1, 2, 3], [4, 5]]], [[4, 10]]),
    ("sorted rows", "def f(private m: uint8[2, 3]):\n    return [sorted(r, reverse=True) for r in m]",
     [[[[1, 3, 2], [6, 4, 5]]]], [[[3, 2, 1], [6, 5, 4]]]),
    ("rows sorted by keys of their own and by common ones", """def f(private m: uint8[2, 3], private ks: uint8[3]):
    return [sorted(r, by=ks)[0] * 100 + sorted(ks, by=r)[0] for r in m]""",
     [[[[1, 3, 2], [6, 4, 5]], [9, 8, 9]]], [[309, 408]]),
    ("places of rows", """from stats import median
from sort import argmax, rank
def f(private m: uint8[2, 4]):
    return [median(r) + 10 * argmax(r) + 100 * sum(rank(r)) for r in m]""",
     [[[[1, 3, 2, 8], [6, 4, 5, 4]]]], [[1000 + 30 + 2, 900 + 4]]),
    ("a choice that is the same for all", """def f(private xs: list[uint16, 20], k: uint8, ys: list[uint16, 20]):
    return [x * (k if k > 2 else ys[k]) + (x if len(xs) > 2 else 1000 // k) for x in xs]""",
     [[[1, 2, 3], 4, []], [[1, 2], 1, [5, 6]], [[], 0, []]], [[5, 10, 15], [1006, 1012], []]),
    ("tables of rows", """from table import group_sum, lookup, unique
def f(private m: uint8[2, 4], private ks: uint8[4]):
    return [unique(r)[1] + 10 * group_sum(r, ks)[1][0] + 1000 * lookup(r, ks, r)[0][0] for r in m]""",
     [[[[1, 3, 2, 3], [6, 6, 6, 4]], [9, 8, 9, 1]]], [[3 + 90 + 3000, 2 + 10]]),
    ("pairs", f"""def f(private xs: {L}):
    return [[x * y for y in xs] for x in xs]""", [[[1, 2]], [[]]], [[[1, 2], [2, 4]], []]),
]


def shown(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)


@pytest.mark.parametrize(("text", "inputs", "wanted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_the_answer_stays(text: str, inputs: list[list[Any]], wanted: list[Any], tmp_path: Path) -> None:
    raw, made = compiled(tmp_path, text), optimised(tmp_path, text)
    for args, answer in zip(inputs, wanted, strict=True):
        assert shown(run(raw, args)) == answer
        assert shown(run(made, args)) == answer


REVERTS = [
    (f"def f(xs: {L}, n: uint8):\n    return [x // n for x in xs]", [[], 0], [[1], 0]),
    (f"def f(xs: {L}, n: uint8):\n    return [xs[n] for x in xs]", [[], 0], [[1], 3]),
    (f"def f(private xs: {L}, n: uint8):\n    return [xs[i + n] for i in range(len(xs))]", [[1, 2], 0], [[1, 2], 1]),
]


@pytest.mark.parametrize(("text", "runs", "fails"), REVERTS)
def test_failures_stay(text: str, runs: list[Any], fails: list[Any], tmp_path: Path) -> None:
    raw, made = compiled(tmp_path, text), optimised(tmp_path, text)
    assert run(raw, runs) == run(made, runs)
    for program in (raw, made):
        with pytest.raises(Revert):
            run(program, fails)


SHAPES: list[tuple[str, str, dict[str, int]]] = [
    ("one comparison", f"def f(private xs: {L}, private t: uint16):\n    return sum([x > t for x in xs])",
     {"gt": 1, "map": 0, "for": 0}),
    ("a loop is a sum", f"def f(private xs: {L}):\n    t = 0\n    for x in xs:\n        t += x\n    return t",
     {"reduce_sum": 1, "for": 0}),
    ("an inner product", f"def f(private xs: {L}, private ys: {L}):\n    return sum([x * y for x, y in zip(xs, ys)])",
     {"dot": 1, "mul": 0, "map": 0}),
    ("all pairs", f"def f(private xs: {L}):\n    return [sum([y > x for y in xs]) for x in xs]",
     {"gt": 1, "map": 0}),
    ("a loop stays outside", f"""def f(private xs: {L}):
    return [root(x) for x in xs]

def root(x):
    r = 0
    for step in [2, 1]:
        r = r + step if (r + step) * (r + step) <= x else r
    return r""", {"for": 1, "map": 0}),
    ("a private index is a scan", "def f(private i: uint8, xs: uint16[3]):\n    return xs[i]", {"index": 0, "eq": 1}),
    ("a private if is a choice", "def f(private a: uint8):\n    x = 0\n    if a > 1:\n        x = a - 1\n    return x",
     {"if": 0, "select": 1}),
    ("a private while is a loop", """def f(private n: uint8):
    while n > 1 max 8:
        n = n // 2
    return n""", {"while": 0, "for": 1}),
    ("a product is a tree",
     "def f(private xs: list[int8, 5]):\n    p = 1\n    for x in xs:\n        p *= x\n    return p",
     {"for": 0, "while": 1}),
    ("a sort of rows", "def f(private m: uint8[2, 3]):\n    return [sorted(r)[0] for r in m]", {"sort": 1, "map": 0}),
    ("a place of rows", "from stats import median\ndef f(private m: uint8[2, 3]):\n    return [median(r) for r in m]",
     {"sort": 2, "if": 1, "map": 0}),
    ("ranks of rows",
     "from sort import rank\ndef f(private m: uint8[2, 300]):\n    return [sum(rank(r)) for r in m]",
     {"sort": 1, "permute": 1, "spread": 1, "gt": 1, "if": 1, "map": 0}),
    ("a sort that is the same for all rows is done once", """def f(private xs: uint8[9], private ys: uint8[9]):
    return [sorted(ys)[0] + sorted(ys)[1] + x for x in xs if True]""", {"sort": 1}),
    ("each shuffle is one of its own", """from sort import shuffle
def f(private xs: list[uint8, 9]):
    return shuffle(xs)[0] + shuffle(xs)[0]""", {"shuffle": 2}),
    ("a shuffle for each", """from sort import shuffle
def f(private xs: list[uint8, 9]):
    return [shuffle(xs)[0] + x for x in xs]""", {"shuffle": 1, "map": 0}),
    ("a shuffle that nobody looks at goes", """from sort import shuffle
def f(private xs: list[uint8, 9]):
    ys = shuffle(xs)
    return xs[0]""", {"shuffle": 0}),
    ("places in rows of known length", """def f(private rows: list[bool[4], 20], n: uint8):
    made = []
    for step in [1, 2]:
        made = [[row[(i + step) % 4] ^ (i < 2 and (n >> i) % 2 == 1) for i in range(4)] for row in rows]
    return made""", {"map": 0}),
    ("places in rows of rows", """def f(private rows: list[bool[4, 2], 20]):
    return [[row[i][1] & row[3 - i][0] for i in range(4)] for row in rows]""", {"map": 0, "for": 0}),
    ("bounds are compared at once", "def f(private a: int32):\n    return clamp(a, -3, 9)",
     {"min": 0, "max": 1, "gt": 1, "select": 1}),
    ("bounds that may be in the wrong order are not",
     "def f(private a: int32, private low: uint8):\n    return min(max(a, low), 9)", {"min": 1, "max": 1, "select": 0}),
    ("the same thing is done once", "def f(private a: uint8, private b: uint8):\n    return a * b + a * b", {"mul": 1}),
]


@pytest.mark.parametrize(("text", "wanted"), [c[1:] for c in SHAPES], ids=[c[0] for c in SHAPES])
def test_what_is_left(text: str, wanted: dict[str, int], tmp_path: Path) -> None:
    found = counts(optimised(tmp_path, text))
    assert {name: found.get(name, 0) for name in wanted} == wanted


def test_products_are_balanced(tmp_path: Path) -> None:
    text = "def f({}):\n    return {}".format(
        ", ".join(f"private a{i}: uint4" for i in range(8)).replace("uint4", "uint8"), " * ".join(
            f"a{i}" for i in range(8)))
    function = function_of(optimised(tmp_path, text))
    depth: dict[object, int] = {}
    for op in function.body.ops:
        for value in op.results:
            depth[value] = max((depth.get(v, 0) for v in op.operands), default=0) + (op.op == "mul")
    assert max(depth.values()) == 3
