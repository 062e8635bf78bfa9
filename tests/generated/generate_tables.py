"""Programs over order and tables: each statement is made twice, as EnigmaLang and as the value that Python gives.

All are drawn from a seed. Values crowd at the ends of their types and repeat; lists may be empty.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

HEADER = """from sort import argmax, argmin, argsort, is_sorted, positions, rank, shuffle, top_k
from stats import histogram, median, quantile, quantiles
from math import cumsum
from table import group_sum, join, keep, lookup, pick, totals, unique
def second(p):
    return (p[1], p[0])
"""
TYPES = ("int8", "uint8", "int16", "int40", "uint64", "int64", "int72", "uint96", "int112", "fixed")


@dataclass(frozen=True, slots=True)
class Columns:
    """What the program declares: numbers x, y, w (as x, of another length), truths f, small numbers p (beside w)."""

    x: list[Any]
    y: list[Any]
    f: list[bool]
    w: list[Any]
    p: list[int]
    zeros: tuple[Any, Any]  # of x and of y


def bounds(type: str) -> tuple[int, int]:
    bits = int(type.lstrip("uint"))
    return (0, 2**bits - 1) if type[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def value(r: random.Random, type: str, private: bool) -> Any:
    """Public numbers stay small: their sums are checked, and would revert."""
    if type == "fixed":
        return r.choice([0.0, 0.25, -0.25, r.randint(-400, 400) / 4, *([8000.5, -8000.5] if private else [])])
    low, high = bounds(type) if private else (max(bounds(type)[0] // 64, -99), min(bounds(type)[1] // 64, 99))
    return r.choice([low, high, 0, min(low + 1, high), high - 1, r.randint(low, high), r.randint(low, high)])


def column(r: random.Random, type: str, n: int, private: bool) -> list[Any]:
    few = [value(r, type, private) for _ in range(max(1, n * r.choice([1, 2]) // 2))]
    return [r.choice(few) for _ in range(n)]


def padded(items: list[Any], size: int, zero: Any) -> list[Any]:
    return items + [zero] * (size - len(items))


def truncated_half(total: Any) -> Any:
    return total / 2 if isinstance(total, float) else abs(total) // 2 * (1 if total >= 0 else -1)


def by_keys(r: random.Random, c: Columns) -> tuple[str, Any]:
    reverse, kind = r.random() < 0.5, r.randrange(4)
    keys: list[Any] = [c.x, c.f, list(zip(c.f, c.x, strict=True)), list(zip(c.f, c.x, strict=True))][kind]
    order = sorted(range(len(keys)), key=keys.__getitem__, reverse=reverse)
    call = ["sorted(y, by=x", "sorted(y, by=f", "sorted(y, by=zip(f, x)", "sorted(zip(x, f), key=second"][kind]
    rows: list[Any] = list(zip(c.x, c.f, strict=True)) if kind == 3 else c.y
    return f"{call}, reverse={reverse})", [rows[i] for i in order]


def of_one(r: random.Random, c: Columns) -> tuple[str, Any]:
    """Functions of one list of numbers, and of what is made from it."""
    text, xs = r.choice([("x", c.x), ("w", c.w), ("reversed(x)", c.x[::-1]), ("sorted(x)", sorted(c.x)),
                         ("([v for v in x] + [v for v in w])", c.x + c.w)])
    n, ascending, k = len(xs), sorted(xs), r.randint(0, len(xs) + 1)
    order = sorted(range(n), key=xs.__getitem__)
    choices: list[tuple[str, Any]] = [
        ("sorted(#)", ascending), ("sorted(#, reverse=True)", ascending[::-1]), ("argsort(#)", order),
        ("positions(#)", [order.index(i) for i in range(n)]), ("rank(#)", [1 + sum(y > x for y in xs) for x in xs]),
        ("unique(#)", (padded(sorted(set(xs)), n, c.zeros[0]), len(set(xs)))), (f"top_k(#, {k})", ascending[::-1][:k]),
        ("is_sorted(#)", xs == ascending), ("cumsum(#)", [sum(xs[: i + 1]) for i in range(n)]),
        ("sorted([v for v in shuffle(#)])", ascending)]
    if xs:
        i, q = r.randint(0, 3), r.randint(3, 6)
        middle = ascending[n // 2] if n % 2 else truncated_half(ascending[n // 2 - 1] + ascending[n // 2])
        choices += [("min(#)", ascending[0]), ("max(#)", ascending[-1]), ("argmax(#)", xs.index(ascending[-1])),
                    ("argmin(#)", xs.index(ascending[0])), ("median(#)", middle),
                    (f"quantile(#, {i}, {q})", ascending[i * (n - 1) // q]),
                    (f"quantiles(#, {q})", [ascending[j * (n - 1) // q] for j in range(1, q)])]
    call, expected = r.choice(choices)
    return call.replace("#", text), expected


def of_tables(r: random.Random, c: Columns) -> tuple[str, Any]:
    table = dict(zip(reversed(c.x), reversed(c.y), strict=True))  # the first of equal keys counts
    n, m, (zero, other) = len(c.x), len(c.w), c.zeros
    groups = [(k, [b for a, b in zip(c.x, c.y, strict=True) if a == k]) for k in sorted(set(c.x))]
    hits = [(w, table[w], p) for w, p in zip(c.w, c.p, strict=True) if w in table]
    kept = [y for y, f in zip(c.y, c.f, strict=True) if f]
    return r.choice([
        ("keep(y, f)", (padded(kept, n, other), len(kept))),
        ("group_sum(x, y)", (padded([k for k, _ in groups], n, zero), padded([sum(g) for _, g in groups], n, other),
                             padded([len(g) for _, g in groups], n, 0), len(groups))),
        ("lookup(w, x, y)", ([table.get(w, other) for w in c.w], [w in table for w in c.w])),
        ("join(x, y, w, p)", (*(padded([h[i] for h in hits], m, z) for i, z in enumerate([*c.zeros, 0])), len(hits))),
        ("pick(y, p)", [c.y[i] if 0 <= i < n else other for i in c.p]),
        ("totals(w, x, y)", [sum((y for x, y in zip(c.x, c.y, strict=True) if x == w), other) for w in c.w]),
        ("histogram(p, [-1, 0, 2, 3])", [sum(a <= p < b for p in c.p) for a, b in pairwise([-1, 0, 2, 3])]),
    ])


MAKERS: tuple[Callable[[random.Random, Columns], tuple[str, Any]], ...] = (by_keys, of_one, of_one, of_tables)


def tables(seed: int) -> tuple[str, str]:
    """A program, and what it prints."""
    r = random.Random(seed)
    private, arrays = r.random() < 0.75, r.random() < 0.5
    n, m = (max(r.choice([0, 1, 2, 3, 5, 8, 13, 21]), int(arrays)) for _ in range(2))
    a, b = r.choice(TYPES), r.choice(TYPES)
    xs = column(r, a, n, private)
    ws = [r.choice(xs) if xs and r.random() < 0.5 else value(r, a, private) for _ in range(m)]
    columns = Columns(xs, column(r, b, n, private), [r.random() < 0.5 for _ in range(n)], ws,
                      [r.randint(-2, n + 2) for _ in range(m)],
                      (0.0 if a == "fixed" else 0, 0.0 if b == "fixed" else 0))
    lines, expected = [HEADER], []
    for name, type in (("x", a), ("y", b), ("f", "bool"), ("w", a), ("p", "int16")):
        items = getattr(columns, name)
        size = f"{type.replace('fixed', 'fixed[16, 16]')}[{len(items)}]" if arrays else f"list[{type}, 30]"
        lines.append(f"{'private ' if private else ''}{name}: {size} = {items}")
    for i in range(4):
        call, answer = r.choice(MAKERS)(r, columns)
        context = r.choice(["{call}", "f{i}(x, y, f, w, p)"])
        lines.append(f"def f{i}(x, y, f, w, p):\n    return {call}")
        shown = context.format(call=call, i=i)
        lines.append(f"print(reveal({shown}))" if private or "shuffle" in call else f"print({shown})")
        expected.append(f"{answer}\n")
    return "\n".join(lines) + "\n", "".join(expected)
