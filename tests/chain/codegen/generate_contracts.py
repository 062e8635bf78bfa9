"""Small random contracts: state of many types, arithmetic at the edges, loops, checks, early ways out.

Each program type-checks by construction (a few do not; the caller passes them over). Every value is public: this is
about what the chain runs.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Draw = Any
INTS = {"a": "uint8", "b": "int16", "c": "uint256", "d": "int256", "n": "uint32"}
TYPES = ("uint8", "int8", "uint16", "int64", "uint256", "int256")
HEAD = """enum Phase: Open, Shut, Gone

contract Random:
    a: uint8
    b: int16
    c: uint256
    d: int256
    n: uint32
    shut: bool
    rate: fixed
    phase: Phase
    xs: list[uint16, 6]
    arr: int32[4]
    grid: uint8[2, 3]
    m: map[uint8, int64]
    ls: map[uint8, list[int8, 3]]
    name: string[12]
    error Bad(code: uint8, why: string[10])
    event Seen(x: int256, ys: list[uint16, 6], flag: bool)
    event Note(rate: fixed, name: string[12])
"""


@dataclass(slots=True)
class Scope:
    """What is in reach."""

    ints: list[str]
    lists: list[str] = field(default_factory=list)
    loops: int = 0
    fresh: int = 0
    fixed: frozenset[str] = frozenset()  # that may not be assigned

    def new(self) -> str:
        self.fresh += 1
        return f"v{self.fresh}"


def number(draw: Draw, scope: Scope, depth: int) -> str:
    if depth == 0:
        kind = draw(st.sampled_from(["name", "name", "literal", "edge"]))
        if kind == "name":
            return str(draw(st.sampled_from([*INTS, *scope.ints])))
        if kind == "literal":
            return f"{draw(st.integers(0, 9))}"
        return str(draw(st.sampled_from(["p", "q", "c", "d", "127", "200"])))
    kind = draw(st.sampled_from([
        "+", "-", "*", "//", "%", "+", "-", "min", "abs", "if", "index", "arr", "grid", "map", "sum", "len", "bits",
        "shift", "max of", "neg", "list of map", "fixed"]))
    inner = depth - 1
    match kind:
        case "+" | "-" | "*" | "//" | "%":
            return f"({number(draw, scope, inner)} {kind} {number(draw, scope, inner)})"
        case "min":
            name = draw(st.sampled_from(["min", "max"]))
            return f"{name}({number(draw, scope, inner)}, {number(draw, scope, inner)})"
        case "abs":
            return f"abs({number(draw, scope, inner)})"
        case "neg":
            return f"(-{number(draw, scope, inner)})"
        case "if":
            return f"({number(draw, scope, inner)} if {truth(draw, scope, inner)} else {number(draw, scope, inner)})"
        case "index":
            return f"{listed(draw, scope)}[{index(draw)}]"
        case "arr":
            return f"arr[{index(draw)}]"
        case "grid":
            return f"grid[{draw(st.integers(0, 1))}, {index(draw)}]"
        case "map":
            return f"m[{draw(st.integers(0, 3))}]"
        case "list of map":
            return f"len(ls[{draw(st.integers(0, 3))}])"
        case "sum":
            return f"sum({listed(draw, scope)})"
        case "max of":
            return f"{draw(st.sampled_from(['max', 'min']))}({listed(draw, scope)})"
        case "len":
            return f"len({listed(draw, scope)})"
        case "bits":
            sign = draw(st.sampled_from(["&", "|", "^"]))
            return f"({number(draw, scope, inner)} {sign} {number(draw, scope, inner)})"
        case "shift":
            sign = draw(st.sampled_from(["<<", ">>"]))
            return f"({number(draw, scope, inner)} {sign} {draw(st.integers(0, 20))})"
        case _:
            return f"sum([x + {number(draw, scope, 0)} for x in {listed(draw, scope)} if x > {number(draw, scope, 0)}])"


def index(draw: Draw) -> str:
    """A place in a list of three or more, or one that no analysis knows."""
    return str(draw(st.sampled_from(["0", "1", "2", "0", "1", "p", "a", "(p % 3)", "(q % 4)"])))


def listed(draw: Draw, scope: Scope) -> str:
    return str(draw(st.sampled_from(["xs", "xs", *scope.lists])))


def truth(draw: Draw, scope: Scope, depth: int) -> str:
    kind = draw(st.sampled_from(["compare", "compare", "and", "or", "not", "in", "key", "shut", "phase", "name"]))
    if depth == 0:
        kind = "compare"
    match kind:
        case "and" | "or":
            return f"({truth(draw, scope, depth - 1)} {kind} {truth(draw, scope, depth - 1)})"
        case "not":
            return f"(not {truth(draw, scope, depth - 1)})"
        case "in":
            return f"({number(draw, scope, 0)} in {listed(draw, scope)})"
        case "key":
            return f"({draw(st.integers(0, 3))} in m)"
        case "shut":
            return "shut"
        case "phase":
            return f"(phase == Phase.{draw(st.sampled_from(['Open', 'Shut', 'Gone']))})"
        case "name":
            return f'(name {draw(st.sampled_from(["==", "!="]))} "{draw(st.sampled_from(["", "ab", "abc"]))}")'
        case _:
            sign = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
            return f"({number(draw, scope, max(0, depth - 1))} {sign} {number(draw, scope, max(0, depth - 1))})"


def block(draw: Draw, scope: Scope, depth: int, most: int) -> list[str]:
    inner = Scope(list(scope.ints), list(scope.lists), scope.loops, scope.fresh + 10 * (depth + 1), scope.fixed)
    lines: list[str] = []
    for _ in range(draw(st.integers(1, most))):
        lines += statement(draw, inner, depth)
    scope.fresh = inner.fresh
    return lines


def indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def statement(draw: Draw, scope: Scope, depth: int) -> list[str]:
    kinds = ["store", "store", "store", "local", "append", "set", "arr", "grid", "map", "map add", "pop", "ls",
             "require", "emit", "fixed", "shut", "name", "phase", "list", "note", "wrap", "change", "local list"]
    if depth:
        kinds += ["if", "if", "for", "range", "while", "for", "if else"]
    if scope.loops:
        kinds += ["break", "continue", "return in", "break"]
    kind = draw(st.sampled_from(kinds))
    x = lambda d=2: number(draw, scope, d)  # noqa: E731
    match kind:
        case "store":
            return [f"{draw(st.sampled_from(sorted(INTS)))} = {x()}"]
        case "local":
            name = scope.new()
            line = f"{name}: {draw(st.sampled_from(TYPES))} = {x()}"
            scope.ints.append(name)
            return [line]
        case "change":
            free = [v for v in scope.ints if v not in scope.fixed]
            return [f"{draw(st.sampled_from(free))} += {x(1)}"] if free else [f"n += {x(1)}"]
        case "append":
            return [f"xs.append({x(1)})"]
        case "set":
            return [f"xs[{index(draw)}] = {x(1)}"]
        case "arr":
            return [f"arr[{index(draw)}] = {x(1)}"]
        case "grid":
            return [f"grid[{draw(st.integers(0, 1))}, {index(draw)}] = {x(1)}"]
        case "map":
            return [f"m[{draw(st.integers(0, 3))}] = {x(1)}"]
        case "map add":
            return [f"m[{draw(st.integers(0, 3))}] += {x(1)}"]
        case "ls":
            return [f"ls[{draw(st.integers(0, 3))}].append({x(1)})"]
        case "pop":
            name = scope.new()
            scope.ints.append(name)
            return [f"{name} = xs.pop()"]
        case "require":
            return [f'require {truth(draw, scope, 2)}, "no {draw(st.integers(0, 3))}"']
        case "emit":
            return [f"emit Seen({x(1)}, xs, {truth(draw, scope, 1)})"]
        case "note":
            return ["emit Note(rate, name)"]
        case "fixed":
            forms = ["rate * rate", "rate / {0}", "rate + 1.5", "rate - {0}", "rate * {0}", "-rate"]
            form = draw(st.sampled_from(forms))
            return [f"rate = {form.format('fixed(' + x(0) + ')')}"]
        case "shut":
            return [f"shut = {truth(draw, scope, 2)}"]
        case "name":
            return [f'name = "{draw(st.sampled_from(["", "ab", "abc", "twelve chars"]))}"']
        case "phase":
            return [f"phase = Phase.{draw(st.sampled_from(['Open', 'Shut', 'Gone']))}"]
        case "list":
            name = scope.new()
            form = draw(st.sampled_from(["xs", "xs[1:3]", "[x for x in xs if x > 2]", "[x for x in xs]"]))
            scope.lists.append(name)
            return [f"{name} = {form}"]
        case "local list":
            if not scope.lists:
                return [f"n = {x(1)}"]
            name = draw(st.sampled_from(scope.lists))
            return [draw(st.sampled_from([f"{name}[{index(draw)}] = {x(0)}", f"xs = {name}", f"n += len({name})"]))]
        case "wrap":
            return [f"{draw(st.sampled_from(sorted(INTS)))} = {draw(st.sampled_from(['wrap', 'clamp']))}({x()})"]
        case "if":
            return [f"if {truth(draw, scope, 2)}:", *indented(block(draw, scope, depth - 1, 2))]
        case "if else":
            return [f"if {truth(draw, scope, 1)}:", *indented(block(draw, scope, depth - 1, 2)), "else:",
                    *indented(block(draw, scope, depth - 1, 2))]
        case "for":
            name = scope.new()
            inner = _loop(scope, name)
            return [f"for {name} in {listed(draw, scope)}:", *indented(block(draw, inner, depth - 1, 3))]
        case "range":
            name = scope.new()
            inner = _loop(scope, name)
            low, high = draw(st.integers(-1, 3)), draw(st.integers(0, 5))
            return [f"for {name} in range({max(low, 0)}, {high}):", *indented(block(draw, inner, depth - 1, 3))]
        case "while":
            name = scope.new()
            scope.ints.append(name)
            body = block(draw, _loop(scope, name), depth - 1, 2)
            return [f"{name}: uint16 = 0", f"while {name} < {draw(st.integers(1, 4))} max 5:",
                    *indented([f"{name} += 1", *body])]
        case "return in":
            return [f"if {truth(draw, scope, 1)}: return ({x(1)}, {truth(draw, scope, 1)})"]
        case _:
            return [f"if {truth(draw, scope, 1)}: {kind}"]


def _loop(scope: Scope, name: str) -> Scope:
    return Scope([*scope.ints, name], list(scope.lists), scope.loops + 1, scope.fresh, scope.fixed | {name})


def function(draw: Draw, number_: int) -> list[str]:
    scope = Scope(["p", "q"], fixed=frozenset({"p", "q"}))
    lines = block(draw, scope, 2, 5)
    if draw(st.booleans()):
        lines.insert(0, f'if {truth(draw, Scope(["p", "q"]), 1)}: raise Bad(3, "why")')
    end = Scope(["p", "q"])
    lines.append(f"return ({number(draw, end, 1)}, {truth(draw, end, 1)})")
    return [f"def f{number_}(p: int16, q: uint256) -> (int256, bool):", *indented(lines)]


@st.composite
def contracts(draw: Draw, functions: int = 4) -> str:
    """The source of one contract with `functions` functions `f0(p: int16, q: uint256) -> (int256, bool)`."""
    lines = [line for n in range(functions) for line in function(draw, n)]
    return HEAD + "\n" + "\n".join(indented(lines)) + "\n"


#: Arguments, at the edges and between.
ARGUMENTS = st.tuples(
    st.sampled_from([0, 1, 2, 5, -1, 127, 128, -32768, 32767]),
    st.sampled_from([0, 1, 2, 3, 6, 255, 65535, 65536, 2**255 - 1, 2**255, 2**256 - 1]))
