"""Order and tables of the standard library on public and private arguments, on every engine, against plain Python."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from run_support import ENGINES, Bench
from test_stdlib import Script, declare, ranks

from enigmalang.execute.domain import ClearDomain
from enigmalang.execute.failures import Revert

XS = [4, 8, 15, 3, 15, 8, 8]
YS = [-40, 80, 1, -30, 10, 5, -6]
WIDE = [2**120, -(2**120), 7, 2**119, 7]
FIXED = [0.5, -2.25, 0.5, 4.0]
FLAGS = [True, False, True, True, False, False, True]


@pytest.fixture(autouse=True)
def hold_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clear engine holds each private value against the range that the analysis gave it."""
    original = ClearDomain.__init__
    monkeypatch.setattr(ClearDomain, "__init__", lambda self, field="M61": original(self, True, field))


def padded(items: list[Any], size: int, zero: Any = 0) -> list[Any]:
    return items + [zero] * (size - len(items))


def grouped(keys: list[Any], values: list[Any]) -> tuple[list[Any], list[Any], list[int], int]:
    rows = sorted(zip(keys, values, strict=True), key=lambda r: r[0])
    found = [(k, sum(part), len(part)) for k, g in groupby(rows, key=lambda r: r[0]) for part in [[v for _, v in g]]]
    columns = [padded([f[c] for f in found], len(keys)) for c in range(3)]
    return columns[0], columns[1], columns[2], len(found)


def looked_up(
    wanted: list[Any], keys: list[Any], values: list[Any], zero: Any = 0,
) -> tuple[list[Any], list[bool]]:
    table: dict[Any, Any] = {}
    for k, v in zip(keys, values, strict=True):
        table.setdefault(k, v)
    return [table.get(w, zero) for w in wanted], [w in table for w in wanted]


HEADER = (
    "from sort import argmax, argmin, argsort, positions, rank, shuffle, sort_by, top_k\n"
    "from stats import histogram, median, quantile, quantiles\nfrom math import cumsum\n"
    "from table import group_sum, join, keep, lookup, pick, totals, unique\n")


def test_tables(bench: Bench, tmp_path: Path) -> None:
    script = Script(
        HEADER + declare("xs", "list[uint16, 9]", XS) + declare("ys", "list[int16, 9]", YS)
        + declare("ts", "list[bool, 9]", FLAGS))
    kept = [x for x, f in zip(XS, FLAGS, strict=True) if f]
    script.same("keep($xs, $ts)", (padded(kept, 7), 4))
    script.same("keep($ts, $ts)", (padded([True] * 4, 7, False), 4))
    script.same("unique($xs)", (padded(sorted(set(XS)), 7), 4))
    script.same("unique($ys)", (sorted(YS), 7))
    script.same("group_sum($xs, $ys)", grouped(XS, YS))
    script.same("group_sum($ys, $xs)", grouped(YS, XS))
    script.same("totals([8, 9, 15], $xs, $ys)", [79, 0, 11])
    for wanted in ([15, 9, 4, 15], [], [3, 3]):
        script.same(f"lookup({wanted or '$xs[0:0]'}, $xs, $ys)", looked_up(wanted, XS, YS))
    script.same("lookup($ys, $xs, $ts)", looked_up(YS, XS, FLAGS, False))
    script.same("join([3, 15, 7], [30, 150, 70], $xs, $ys)",
                ([15, 3, 15, 0, 0, 0, 0], [150, 30, 150, 0, 0, 0, 0], [1, -30, 10, 0, 0, 0, 0], 3))
    script.same("pick($ys, [2, 2, 9, 0])", [1, 1, 0, -40])
    script.same("pick($ys, $xs)", [YS[x] if x < 7 else 0 for x in XS])
    script.same("cumsum($ys)", [sum(YS[: i + 1]) for i in range(7)])
    script.same("cumsum($ts)", [sum(FLAGS[: i + 1]) for i in range(7)])
    script.run(bench, tmp_path)


def test_wide_and_fixed(bench: Bench, tmp_path: Path) -> None:
    """Numbers of 121 bits, in the larger field, and `fixed`."""
    script = Script(HEADER + declare("xs", "list[int128, 5]", [x // 2**6 for x in WIDE])
                    + declare("fs", "list[fixed, 9]", FIXED)
                    + declare("far", "list[fixed, 9]", [-30000.0, 30000.0, -30000.0, 20000.0]))
    wide = [x // 2**6 for x in WIDE]
    script.same("argsort($xs)", sorted(range(5), key=wide.__getitem__))
    script.same("rank($xs)", ranks(wide))
    script.same("unique($xs)", (padded(sorted(set(wide)), 5), 4))
    script.same("argmin($xs)", 1)
    script.same("group_sum($xs, $xs)", grouped(wide, wide))
    script.same("group_sum($fs, $fs)", ([-2.25, 0.5, 4.0, 0.0], [-2.25, 1.0, 4.0, 0.0], [1, 2, 1, 0], 3))
    script.same("group_sum([3.0, 1.0, 2.0, 3.0], $far)", (
        [1.0, 2.0, 3.0, 0.0], [30000.0, -30000.0, -10000.0, 0.0], [1, 1, 2, 0], 3))
    script.same("lookup([0.5, 3.0], $fs, $fs)", ([0.5, 0.0], [True, False]))
    script.same("quantiles($fs, 2)", [0.5])
    script.same("top_k($fs, 2)", [4.0, 0.5])
    script.same("keep($fs, [f > 0.0 for f in $fs])", ([0.5, 0.5, 4.0, 0.0], 3))
    script.run(bench, tmp_path)


@pytest.mark.parametrize("xs", [[], [5], [5, 5], [2, 1]])
def test_short_lists(bench: Bench, tmp_path: Path, xs: list[int]) -> None:
    n = len(xs)
    script = Script(HEADER + declare("xs", "list[uint8, 3]", xs) + declare("ts", "list[bool, 3]", [True] * n))
    script.same("argsort($xs)", sorted(range(n), key=xs.__getitem__))
    script.same("rank($xs)", ranks(xs))
    script.same("positions($xs)", [sorted(range(n), key=xs.__getitem__).index(i) for i in range(n)])
    script.same("top_k($xs, 5)", sorted(xs, reverse=True))
    script.same("unique($xs)", (padded(sorted(set(xs)), n), len(set(xs))))
    script.same("group_sum($xs, $xs)", grouped(xs, xs))
    script.same("lookup($xs, $xs, $xs)", (xs, [True] * n))
    script.same("keep($xs, $ts)", (xs, n))
    script.same("join($xs, $xs, $xs, $xs)", (xs, xs, xs, n))
    script.same("cumsum($xs)", [sum(xs[: i + 1]) for i in range(n)])
    script.same("sorted(shuffle($xs))", sorted(xs), public=False)
    if xs:
        script.same("argmax($xs)", xs.index(max(xs)))
        script.same("median($xs)", sum(sorted(xs)[(n - 1) // 2 : n // 2 + 1]) // (2 - n % 2))
    script.run(bench, tmp_path)


def test_arrays_of_one(bench: Bench, tmp_path: Path) -> None:
    """Sizes that types know are constants, which the compiler refuses when they cannot be: also where nothing runs."""
    script = Script(HEADER + declare("xs", "int8[1]", [-7]) + declare("ts", "bool[1]", [True]))
    for call in ("median($xs)", "quantile($xs, 1, 4)", "min($xs)", "max($xs)"):
        script.same(call, -7)
    for call in ("sorted($xs)", "top_k($xs, 2)", "quantiles($xs, 2)", "cumsum($xs)", "totals($xs, $xs, $xs)"):
        script.same(call, [-7])
    for call in ("argsort($xs)", "positions($xs)", "histogram($xs, [1, 2])"):
        script.same(call, [0])
    script.same("group_sum($xs, $xs)", ([-7], [-7], [1], 1))
    script.same("lookup($xs, $xs, $xs)", ([-7], [True]))
    script.same("join($xs, $xs, $xs, $xs)", ([-7], [-7], [-7], 1))
    script.same("keep($xs, $ts)", ([-7], 1))
    script.same("unique($xs)", ([-7], 1))
    script.same("rank($xs)", [1])
    script.run(bench, tmp_path)


def test_longer_lists_take_the_other_way(bench: Bench, tmp_path: Path) -> None:
    """`rank` sorts when there are more than 200, `histogram` when it has more than 40 edges."""
    xs = [i * 17 % 23 for i in range(201)]
    edges = list(range(46))
    script = Script(HEADER + declare("xs", "list[uint8, 201]", xs) + declare("es", "list[uint8, 50]", edges))
    script.same("rank($xs)", ranks(xs))
    script.same("histogram($xs, $es)", [xs.count(e) for e in edges[:-1]])
    script.run(bench, tmp_path)


def test_sorted_by_keys(bench: Bench, tmp_path: Path) -> None:
    """Stable both ways; by one key or several; structs, tuples and rows of a matrix."""
    rows = list(zip(XS, YS, strict=True))
    script = Script(
        HEADER + declare("xs", "list[uint16, 9]", XS) + declare("ys", "list[int16, 9]", YS)
        + declare("ts", "list[bool, 9]", FLAGS) + declare("m", "uint8[2, 3]", [[3, 1, 2], [9, 8, 9]])
        + "struct Row:\n    a: uint16\n    b: int16\ndef a(r):\n    return r.a\ndef neg_b(r):\n    return 0 - r.b\n"
        "def both(r):\n    return (r.a % 2, r.b)\ndef first(r):\n    return r[0]\n"
        "rows = [Row(x, y) for x, y in zip(xs, ys)]\np_rows = [Row(x, y) for x, y in zip(p_xs, p_ys)]\n")
    for reverse in (False, True):
        last = f", reverse={reverse}"
        expected = [y for _, y in sorted(rows, key=lambda r: r[0], reverse=reverse)]
        script.same(f"sorted($ys, by=$xs{last})", expected)
        script.same(f"[r.b for r in sorted($rows, key=a{last})]", expected)
        script.same(f"[r[1] for r in sorted(zip($xs, $ys), key=first{last})]", expected)
        script.same(f"[r.b for r in sorted($rows, key=neg_b{last})]", sorted(YS, key=lambda y: -y, reverse=reverse))
        script.same(f"sorted($ys, by=zip($ts, $xs){last})", [
            y for *_, y in sorted(zip(FLAGS, XS, YS, strict=True), key=lambda r: r[:2], reverse=reverse)])
        script.same(f"[r.b for r in sorted($rows, key=both{last})]", [
            y for _, y in sorted(rows, key=lambda r: (r[0] % 2, r[1]), reverse=reverse)])
        script.same(f"sorted(zip($xs, $ys){last})", sorted(rows, reverse=reverse))
        script.same(f"[sorted(r{last}) for r in $m]", [sorted(r, reverse=reverse) for r in ([3, 1, 2], [9, 8, 9])])
        script.same(f"sorted($ts, by=xs{last})", [t for _, t in sorted(
            zip(XS, FLAGS, strict=True), key=lambda r: r[0], reverse=reverse)])
    script.same("sort_by($ys, $xs)", [y for _, y in sorted(rows, key=lambda r: r[0])])
    script.same("sorted([r for r in $m], by=[5, 4])", [[9, 8, 9], [3, 1, 2]])
    script.same("[argmax(r) for r in $m]", [0, 0])
    script.same("[median(r) for r in $m]", [2, 9])
    script.same("[sum(rank(r)) for r in $m]", [6, 5])
    script.run(bench, tmp_path)


@pytest.mark.parametrize("call", ["group_sum([1, 2], $xs)", "lookup($xs, [1, 2], $xs)", "keep($xs, [True])",
                                  "sorted($xs, by=[1])", "join([1], $xs, $xs, $xs)", "join($xs, $xs, $xs, [1])",
                                  "totals([1], $xs, [1, 2])"])
def test_columns_of_different_lengths_revert(bench: Bench, tmp_path: Path, call: str) -> None:
    for prefix in ("", "p_"):
        path = tmp_path / "lengths.enig"
        path.write_text(HEADER + declare("xs", "list[uint8, 3]", [1, 2, 3]) + f"x = {call.replace('$', prefix)}\n"
                        + "print(reveal(x))\n")
        for engine in ENGINES[:2]:
            with pytest.raises(Revert, match=r"keys for \d elements|lists of different lengths"):
                bench.run(path, engine)


def test_shuffles_of_every_engine(bench: Bench, tmp_path: Path) -> None:
    """Each run gives another order, each row of a batch its own, and rows stay together."""
    path = tmp_path / "shuffle.enig"
    path.write_text(
        "from sort import shuffle\nprivate xs: list[uint16, 60] = [i for i in range(60)]\n"
        "ys = shuffle(zip(xs, [2 * x for x in xs]))\nprint(all([reveal(y[1] == 2 * y[0]) for y in ys]))\n"
        "print(reveal([y[0] for y in ys]))\nprint(reveal(shuffle(xs)))\n"
        "print(reveal(shuffle([i for i in range(60)])))\n"
        "print(reveal([shuffle(xs)[0] for k in range(40)]))\n")
    for engine in ENGINES:
        together, *orders, firsts = bench.run(path, engine).splitlines()
        assert together == "True"
        found = [json.loads(order) for order in orders]
        assert [sorted(f) for f in found] == [list(range(60))] * 3
        assert len({tuple(f) for f in [*found, range(60)]}) == 4
        assert len(set(json.loads(firsts))) > 5
