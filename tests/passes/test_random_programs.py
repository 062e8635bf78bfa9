"""Random functions: before and after the passes they give the same, and every value lies in its range."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from meaning import plain, run

from enigmalang.compiler.compiler import Compilation
from enigmalang.diagnostics import Sink
from enigmalang.execute.failures import Revert
from enigmalang.ir.ir import Program
from enigmalang.ir.verify import verify
from enigmalang.passes.pipeline import optimise

HEAD = "def f(private a: int8, private b: uint8, p: uint8, private xs: list[int8, 6], ys: list[uint8, 6]):\n"
NUMBERS = ("a", "b", "p", "x", "y", "3", "-2", "0", "len(xs)")


def numbers(depth: int, names: tuple[str, ...]) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(names)
    if not depth:
        return leaf
    inner = numbers(depth - 1, names)
    return st.one_of(
        leaf,
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        st.tuples(inner, truths(depth - 1, names), inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        inner.map(lambda e: f"abs({e})"),
        st.tuples(st.sampled_from(["sum", "sum"]), elements(depth - 1)).map(lambda t: f"{t[0]}({t[1]})"),
        inner.map(lambda e: f"(xs[{e}] if len(xs) > 0 else 1)") if "i" not in names else inner,
    )


def truths(depth: int, names: tuple[str, ...]) -> st.SearchStrategy[str]:
    inner = numbers(depth, names)
    compare = st.tuples(inner, st.sampled_from(["<", "<=", "==", "!=", ">"]), inner).map(" ".join)
    if not depth:
        return compare
    return st.one_of(compare, st.tuples(compare, st.sampled_from(["and", "or"]), compare).map(" ".join),
                     compare.map(lambda c: f"not ({c})"))


def elements(depth: int) -> st.SearchStrategy[str]:
    body = numbers(depth, ("e", "e", "a", "p", "2"))
    return st.tuples(body, st.sampled_from(["xs", "ys", "range(p % 5)"])).map(lambda t: f"[{t[0]} for e in {t[1]}]")


def statements(depth: int) -> st.SearchStrategy[list[str]]:
    number, target = numbers(2, NUMBERS), st.sampled_from(["x", "y"])
    assign = st.tuples(target, number).map(lambda t: [f"{t[0]} = {t[1]}"])
    if not depth:
        return assign
    block = st.lists(statements(depth - 1), min_size=1, max_size=2).map(lambda bs: [line for b in bs for line in b])
    branch = st.tuples(truths(1, NUMBERS), block, block).map(
        lambda t: [f"if {t[0]}:", *indent(t[1]), "else:", *indent(t[2])])
    step = st.tuples(target, st.sampled_from(["+", "-"]), numbers(1, ("e", "a", "3"))).map(
        lambda t: f"{t[0]} {t[1]}= {t[2]}")
    guarded = st.tuples(truths(1, ("e", "b", "1")), step).map(lambda t: [f"if {t[0]}:", *indent([t[1]])])
    loop = st.tuples(st.sampled_from(["xs", "ys"]), st.one_of(step.map(lambda s: [s]), guarded, block)).map(
        lambda t: [f"for e in {t[0]}:", *indent(t[1])])
    bounded = truths(0, ("x", "y", "a", "4")).map(lambda c: [f"while {c} max 3:", "    x = x - 1", "    y = y + b"])
    return st.one_of(assign, branch, loop, bounded)


def indent(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


programs = st.lists(statements(2), min_size=1, max_size=3).map(
    lambda blocks: [line for block in blocks for line in block])
inputs = st.tuples(
    st.integers(-128, 127), st.integers(0, 255), st.integers(0, 255), st.lists(st.integers(-128, 127), max_size=6),
    st.lists(st.integers(0, 255), max_size=6)).map(list)


def analysed(path: Path) -> Program | None:
    made = Compilation(str(path), Sink()).get("analysed")
    return None if made is None else made.program


def outcome(program: Program, args: list[Any]) -> object:
    try:
        return plain(run(program, args))
    except Revert as failure:
        return failure.diagnostic.code


@pytest.mark.filterwarnings("ignore:The recursion limit will not be reset")  # the machine sets it
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=programs, args=st.lists(inputs, min_size=3, max_size=3))
def test_random_programs_keep_their_answers(lines: list[str], args: list[list[Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.enig"
        path.write_text(HEAD + "\n".join(indent(["x: int16 = a", "y = b", *lines, "return (x, y)"])) + "\n", "utf-8")
        raw = analysed(path)
        assume(raw is not None)
        made = analysed(path)
        assert raw is not None and made is not None
        optimise(made, verify)
        for arg in args:
            before, after = outcome(raw, arg), outcome(made, arg)
            # Both sides of a private `if` run, so a public failure in the side not chosen counts afterwards; and of two
            # failures in one loop another may come first.
            assert before == after or isinstance(after, str)
