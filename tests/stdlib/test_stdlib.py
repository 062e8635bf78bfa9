"""The standard library on public and private arguments, on every engine, against plain Python."""

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from run_support import ENGINES, Bench

INTS = [4, 8, 15, 16, 23, 42, 15]
OTHERS = [90, 3, 17, 17, 60, 1, 2]
SIGNED = [-7, 0, 5, -1]
FIXED = [0.5, 2.25, -1.75, 4.0, 3.125]
RAW = 2.0**-16


class Script:
    """A program made of expressions, each evaluated on public and on private arguments, and what it should print."""

    def __init__(self, header: str) -> None:
        self.lines = [header]
        self.checks: list[tuple[str, Callable[[str], bool]]] = []

    def same(self, call: str, expected: object, *, public: bool = True) -> None:
        """`call` has {0}-marked names of lists and numbers; private twins are prefixed by `p_`."""
        self._add(call, lambda line: line == str(expected), public)

    def near(self, call: str, expected: float, bound: float) -> None:
        self._add(call, lambda line: abs(float(line) - expected) <= bound, True)

    def _add(self, call: str, check: Callable[[str], bool], public: bool) -> None:
        for prefix in ("", "p_") if public else ("p_",):
            text = call.replace("$", prefix)
            shown = f"print(reveal({text}))" if prefix else f"print({text})"
            self.lines.append(shown)
            self.checks.append((text, check))

    def run(self, bench: Bench, folder: Path) -> None:
        path = folder / "script.enig"
        path.write_text("\n".join(self.lines) + "\n")
        for engine in ENGINES:
            printed = bench.run(path, engine).splitlines()
            assert len(printed) == len(self.checks)
            wrong = [(engine, text, line) for (text, check), line in zip(self.checks, printed, strict=True)
                     if not check(line)]
            assert not wrong


def declare(name: str, type: str, values: object) -> str:
    return f"{name}: {type} = {values}\nprivate p_{name}: {type} = {values}\n"


def scatter(xs: list[int], ys: list[int]) -> int:
    return len(xs) * sum(x * y for x, y in zip(xs, ys, strict=True)) - sum(xs) * sum(ys)


def test_logic(bench: Bench, tmp_path: Path) -> None:
    truths = [True, False, True]
    script = Script(
        "from logic import at_least, at_most, count, exactly, implies, majority, none, parity, select, xor\n"
        + declare("ts", "list[bool, 5]", truths) + declare("a", "bool", True) + declare("b", "bool", False)
    )
    script.same("xor($a, $b)", True)
    script.same("xor($a, $a)", False)
    script.same("implies($a, $b)", False)
    script.same("implies($b, $a)", True)
    script.same("select($b, 3, 4)", 4)
    script.same("count($ts)", 2)
    script.same("none($ts)", False)
    script.same("parity($ts)", False)
    for k in (1, 2, 3):
        script.same(f"at_least({k}, $ts)", k <= 2)
        script.same(f"at_most({k}, $ts)", k >= 2)
        script.same(f"exactly({k}, $ts)", k == 2)
    script.same("majority($ts)", True)
    script.run(bench, tmp_path)


def test_math(bench: Bench, tmp_path: Path) -> None:
    script = Script(
        "from math import abs_diff, bounded, ceil_div, floor_mod, gcd, is_even, isqrt, isqrt64, lcm, pow_mod, product\n"
        "from math import sign, square\n"
        + declare("a", "uint32", 84) + declare("b", "uint32", 36) + declare("m", "int32", -7)
        + declare("z", "uint32", 0) + declare("big", "uint64", 2**63 + 12345) + declare("xs", "uint8[3]", [3, 5, 7])
    )
    script.same("sign($m)", -1)
    script.same("sign($a)", 1)
    script.same("sign($z)", 0)
    script.same("is_even($a)", True)
    script.same("is_even($m)", False)
    script.same("abs_diff($b, $a)", 48)
    script.same("bounded($a, 1, 50)", 50)
    script.same("bounded($m, -3, 50)", -3)
    script.same("square($m)", 49)
    script.same("product($xs)", 105)
    script.same("ceil_div($a, 5)", 17)
    script.same("floor_mod($m, 5)", 3)
    script.same("gcd($a, $b)", 12)
    script.same("gcd($a, $z)", 84)
    script.same("lcm($a, $b)", 252)
    script.same("isqrt($a)", 9)
    script.same("isqrt64($big)", math.isqrt(2**63 + 12345))
    script.same("pow_mod($a, 13, 97)", pow(84, 13, 97))
    script.run(bench, tmp_path)


def ranks(xs: list[int]) -> list[int]:
    return [1 + sum(y > x for y in xs) for x in xs]


def test_sort(bench: Bench, tmp_path: Path) -> None:
    script = Script(
        "from sort import argmax, argmin, argsort, is_sorted, positions, rank, top_k\n"
        + declare("xs", "list[uint16, 9]", INTS) + declare("ys", "list[int16, 9]", SIGNED)
    )
    for name, xs in (("$xs", INTS), ("$ys", SIGNED)):
        order = sorted(range(len(xs)), key=xs.__getitem__)
        script.same(f"argsort({name})", order)
        script.same(f"positions({name})", [order.index(i) for i in range(len(xs))])
        script.same(f"rank({name})", ranks(xs))
        script.same(f"argmax({name})", xs.index(max(xs)))
        script.same(f"argmin({name})", xs.index(min(xs)))
        script.same(f"top_k({name}, 2)", sorted(xs, reverse=True)[:2])
        script.same(f"is_sorted({name})", False)
        script.same(f"is_sorted(sorted({name}))", True)
    script.run(bench, tmp_path)


def trunc(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def test_stats_of_integers(bench: Bench, tmp_path: Path) -> None:
    n = len(INTS)
    script = Script(
        "from stats import correlation, covariance, histogram, linear_regression, mean, median, quantile\n"
        "from stats import scaled_regression, std, variance\n"
        + declare("xs", "list[uint16, 9]", INTS) + declare("ys", "list[uint16, 9]", OTHERS)
        + declare("even", "list[int16, 9]", SIGNED)
    )
    script.same("mean($xs)", sum(INTS) // n)
    script.same("mean($even)", trunc(sum(SIGNED), 4))
    script.same("variance($xs)", scatter(INTS, INTS) // n**2)
    script.same("covariance($xs, $ys)", trunc(scatter(INTS, OTHERS), n**2))
    script.same("std($xs)", math.isqrt(scatter(INTS, INTS) // n**2))
    script.same("median($xs)", 15)
    script.same("median($even)", trunc(-1 + 0, 2))
    for k in range(5):
        script.same(f"quantile($xs, {k}, 4)", sorted(INTS)[k * (n - 1) // 4])
    edges = [0, 10, 16, 50]
    script.same(f"histogram($xs, {edges})", [sum(a <= x < b for x in INTS) for a, b in pairwise(edges)])
    across, spread = scatter(INTS, OTHERS), scatter(INTS, INTS)
    exact = 1000 * across / math.sqrt(spread * scatter(OTHERS, OTHERS))
    script.same("correlation($xs, $ys)", math.trunc(exact))
    script.same("correlation($xs, $xs)", 1000)
    script.same("correlation([0, 1, 1], [0, 1, 1])", 1000)
    script.same("correlation([5, -3, 9, 9, 0, -3, 7], [1, 4, 2, 8, -5, 7, 1])", 52)
    products = sum(x * y for x, y in zip(INTS, OTHERS, strict=True))
    offset = sum(OTHERS) * sum(x * x for x in INTS) - sum(INTS) * products
    script.same("linear_regression($xs, $ys)[0]", trunc(across, spread))
    script.same("linear_regression($xs, $ys)[1]", trunc(offset, spread))
    script.same("scaled_regression($xs, $ys, 1000)[0]", trunc(across * 1000, spread))
    script.same("scaled_regression($xs, $ys, 1000)[1]", trunc(offset * 1000, spread))
    script.run(bench, tmp_path)


def test_stats_of_fixed(bench: Bench, tmp_path: Path) -> None:
    xs, ys = FIXED, [1.0, 2.0, -1.0, 5.5, 3.0]
    n, x_mean, y_mean = 5, sum(FIXED) / 5, sum(ys) / 5
    variance = sum((x - x_mean) ** 2 for x in xs) / n
    y_variance = sum((y - y_mean) ** 2 for y in ys) / n
    covariance = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / n
    script = Script(
        "from stats import correlation, covariance, linear_regression, mean, median, std, variance\n"
        + declare("xs", "list[fixed, 9]", xs) + declare("ys", "list[fixed, 9]", ys)
    )
    script.near("mean($xs)", x_mean, RAW)
    script.near("median($xs)", 2.25, 0)
    script.near("variance($xs)", variance, 16 * RAW)
    script.near("covariance($xs, $ys)", covariance, 16 * RAW)
    script.near("std($xs)", math.sqrt(variance), 16 * RAW)
    script.near("correlation($xs, $ys)", covariance / math.sqrt(variance * y_variance), 32 * RAW)
    script.near("linear_regression($xs, $ys)[0]", covariance / variance, 32 * RAW)
    script.near("linear_regression($xs, $ys)[1]", y_mean - covariance / variance * x_mean, 64 * RAW)
    script.run(bench, tmp_path)


def each(script: Script, name: str, call: str, values: Iterable[float], function: Callable[[float], float],
         bound: Callable[[float], float]) -> None:
    """`call` for every value, in one comprehension; the inputs are exact in 16 bits."""
    exact = [round(v / RAW) * RAW for v in values]
    shown = "[" + ", ".join(format(v, ".16f") for v in exact) + "]"
    script.lines.append(declare(name, f"list[fixed, {len(exact)}]", shown))

    def check(line: str) -> bool:
        got = [float(part) for part in line.strip("[]").split(",")]
        return all(abs(g - function(v)) <= bound(function(v)) for g, v in zip(got, exact, strict=True))

    script._add(f"[{call}(x) for x in ${name}]", check, True)


def steps(low: float, high: float, count: int) -> list[float]:
    return [low + (high - low) * i / (count - 1) for i in range(count)]


@pytest.mark.parametrize(
    ("call", "values", "function", "bound"),
    [
        ("sqrt", [0, RAW, 4 * RAW, 0.01, 1, 2, 100, 32767.5, *steps(0, 50, 9)], math.sqrt, lambda y: 2 * RAW),
        ("exp", [-11, -1, 0, 1, 10.39, *steps(-10.9, 10.3, 61)], math.exp, lambda y: 1.4 * RAW + 0.00001 * y),
        ("log", [RAW, 2 * RAW, 0.001, 0.5, 1, 2, 3, 32767.5, *steps(0.1, 20, 49)], math.log, lambda y: 2 * RAW),
        ("reciprocal", [-100, -1, -0.01, 0.01, 1, 3, 7, 32767.5], lambda x: 1 / x, lambda y: RAW),
        ("sigmoid", [-40, -8, 0, 1, 20, *steps(-12, 12, 97)], lambda x: 1 / (1 + math.exp(-x)), lambda y: 0.00003),
        ("tanh", [-50, -1, 0, 0.25, 40, *steps(-6, 6, 49)], math.tanh, lambda y: 0.00006),
    ],
)
def test_fixed_math(
    bench: Bench, tmp_path: Path, call: str, values: list[float], function: Callable[[float], float],
    bound: Callable[[float], float],
) -> None:
    script = Script(f"from fixed_math import {call}\n")
    each(script, "xs", call, values, function, bound)
    script.run(bench, tmp_path)
