"""Small well-typed programs, each with what it prints: every construct is made twice, as EnigmaLang and as Python.

Numbers stay small enough for any field: products have shallow operands, and loops only add.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Draw = Any


@dataclass(frozen=True, slots=True)
class Code:
    """An expression in both languages; `private` when a part of it is."""

    enig: str
    python: str
    private: bool = False


@dataclass(slots=True)
class Scope:
    """Variables in reach: name -> private. `lists`: name -> length; all lists are private."""

    ints: dict[str, bool] = field(default_factory=dict)
    bools: dict[str, bool] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)  # with a type, so that not every number fits
    fresh: int = 0

    def new(self) -> str:
        self.fresh += 1
        return f"v{self.fresh}"


def _join(form: str, *parts: Code, python: str | None = None) -> Code:
    private = any(p.private for p in parts)
    return Code(form.format(*(p.enig for p in parts)), (python or form).format(*(p.python for p in parts)), private)


def literal(draw: Draw, low: int = -30, high: int = 30) -> Code:
    text = f"({draw(st.integers(low, high))})"
    return Code(text, text)


def variable(draw: Draw, names: dict[str, bool], private: bool | None = None) -> Code | None:
    fitting = [name for name, secret in names.items() if private is None or secret == private]
    if not fitting:
        return None
    name = draw(st.sampled_from(fitting))
    return Code(name, name, names[name])


def integer(draw: Draw, scope: Scope, depth: int, private: bool | None = None) -> Code:
    """An integer expression; `private` False keeps secrets out."""
    if depth == 0:
        found = variable(draw, scope.ints, private) if draw(st.booleans()) else None
        return found or literal(draw)
    kind = draw(st.sampled_from(["+", "-", "*", "//", "%", "min", "abs", "if", "list", "neg"]))
    if kind == "list" and scope.lists and private is not False:
        return of_list(draw, scope, depth)
    a = integer(draw, scope, depth - 1, private)
    if kind == "abs":
        return _join("abs({0})", a)
    if kind in ("neg", "list"):
        return _join("(-{0})", a)
    if kind in ("//", "%"):
        divisor = Code(text := str(draw(st.integers(1, 9))), text)
        name = "trunc_div" if kind == "//" else "trunc_mod"
        return _join("({0} " + kind + " {1})", a, divisor, python=name + "({0}, {1})")
    b = integer(draw, scope, 0 if kind == "*" else depth - 1, private)
    if kind == "min":
        return _join(draw(st.sampled_from(["min", "max"])) + "({0}, {1})", a, b)
    if kind == "if":
        return _join("({0} if {1} else {2})", a, boolean(draw, scope, depth - 1, private), b)
    return _join("({0} " + kind + " {1})", a, b)


def of_list(draw: Draw, scope: Scope, depth: int) -> Code:
    name = draw(st.sampled_from(sorted(scope.lists)))
    size = scope.lists[name]
    whole = Code(name, name, True)
    kind = draw(st.sampled_from(["sum", "max", "min", "index", "count", "map", "secret index"]))
    if kind == "index":
        return _join("{0}[" + str(draw(st.integers(0, size - 1))) + "]", whole)
    if kind == "secret index":
        at = variable(draw, scope.ints, True) or literal(draw, 0, size - 1)
        if at.private:
            return _join("{0}[{1}]", whole, at, python="at({0}, {1})")
        return _join("{0}[{1}]", whole, at)
    if kind == "count":
        return _join("sum([x > {1} for x in {0}])", whole, integer(draw, scope, depth - 1))
    if kind == "map":
        return _join("sum([x * {1} - 1 for x in {0}])", whole, integer(draw, scope, 0))
    return _join(kind + "({0})", whole)


def boolean(draw: Draw, scope: Scope, depth: int, private: bool | None = None) -> Code:
    if depth == 0:
        found = variable(draw, scope.bools, private)
        if found is not None and draw(st.booleans()):
            return found
    kind = draw(st.sampled_from(["compare", "compare", "and", "or", "not"])) if depth else "compare"
    if kind == "not":
        return _join("(not {0})", boolean(draw, scope, depth - 1, private))
    if kind in ("and", "or"):
        a, b = (boolean(draw, scope, depth - 1, private) for _ in range(2))
        return _join("({0} " + kind + " {1})", a, b)
    sign = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
    inner = max(depth - 1, 0)
    a, b = integer(draw, scope, inner, private), integer(draw, scope, inner, private)
    return _join("({0} " + sign + " {1})", a, b)


Lines = list[tuple[str, str]]


def _indent(lines: Lines) -> Lines:
    return [("    " + a, "    " + b) for a, b in lines]


def _store(scope: Scope, value: Code, name: str, table: dict[str, bool]) -> Lines:
    table[name] = value.private
    return [(f"{name} = {value.enig}", f"{name} = {value.python}")]


def statement(draw: Draw, scope: Scope) -> Lines:
    kind = draw(st.sampled_from(["int", "int", "bool", "if", "for", "elements", "while"]))
    if kind == "bool":
        return _store(scope, boolean(draw, scope, 2), scope.new(), scope.bools)
    if kind == "if":
        return _branch(draw, scope)
    if kind == "for":
        return _loop(draw, scope)
    if kind == "elements" and scope.lists:
        return _elements(draw, scope)
    if kind == "while":
        return _while(draw, scope)
    return _store(scope, integer(draw, scope, 2), scope.new(), scope.ints)


def _branch(draw: Draw, scope: Scope) -> Lines:
    """Variables of before are given new values on one side, or on both."""
    condition = boolean(draw, scope, 1)
    target = variable(draw, {name: p for name, p in scope.ints.items() if name not in scope.declared})
    if target is None:
        return _store(scope, integer(draw, scope, 2), scope.new(), scope.ints)
    then, otherwise = integer(draw, scope, 1), integer(draw, scope, 1)
    lines = [(f"if {condition.enig}:", f"if {condition.python}:")]
    lines += _indent([(f"{target.enig} = {then.enig}", f"{target.python} = {then.python}")])
    if draw(st.booleans()):
        lines += [("else:", "else:")]
        lines += _indent([(f"{target.enig} = {otherwise.enig}", f"{target.python} = {otherwise.python}")])
    else:
        otherwise = Code("", "")
    private = target.private or condition.private or then.private or otherwise.private
    scope.ints[target.enig] = private
    return lines


def _loop(draw: Draw, scope: Scope) -> Lines:
    start, step = integer(draw, scope, 1), integer(draw, scope, 0)
    total = scope.new()
    over = draw(st.sampled_from([*scope.lists, "range(4)"]))
    item = Code("i", "i", over in scope.lists)
    lines = _store(scope, start, total, scope.ints)
    added = _join("{0} + {1}", item, step)
    if draw(st.booleans()):
        condition = _join("{0} > {1}", item, literal(draw))
        added = _join("({0} if {1} else 1)", added, condition)
    lines.append((f"for i in {over}:", f"for i in {over}:"))
    lines += _indent([(f"{total} = {total} + {added.enig}", f"{total} = {total} + {added.python}")])
    scope.ints[total] = start.private or added.private
    return lines


def _while(draw: Draw, scope: Scope) -> Lines:
    left, count = scope.new(), scope.new()
    lines = _store(scope, integer(draw, scope, 1), left, scope.ints)
    lines += _store(scope, Code("0", "0"), count, scope.ints)
    most = draw(st.integers(1, 4))
    lines.append((f"while {left} > 0 max {most}:", f"while {left} > 0 and {count} < {most}:"))
    lines += _indent([(f"{left} = {left} // 2", f"{left} = trunc_div({left}, 2)"),
                      (f"{count} = {count} + 1", f"{count} = {count} + 1")])
    scope.ints[count] = scope.ints[left]
    return lines


def _elements(draw: Draw, scope: Scope) -> Lines:
    old = draw(st.sampled_from(sorted(scope.lists)))
    name = scope.new()
    other = integer(draw, scope, 0)
    value = draw(st.sampled_from(["(x - {0})", "(x if x > {0} else {0})", "abs(x)"]))
    made = _join("[" + value + " for x in " + old + "]", other)
    scope.lists[name] = scope.lists[old]
    return [(f"{name} = {made.enig}", f"{name} = {made.python}")]


@dataclass(frozen=True, slots=True)
class Generated:
    enig: str
    python: str

    def __repr__(self) -> str:
        return f"\n{self.enig}"

    def expected(self) -> str:
        """What it should print, from Python."""
        lines: list[str] = []
        names = {"trunc_div": trunc_div, "trunc_mod": trunc_mod, "at": at,
                 "show": lambda *values: lines.append(" ".join(map(str, values)))}
        exec(compile(self.python, "generated", "exec"), names)  # noqa: S102 - written above, by us
        return "".join(line + "\n" for line in lines)


def trunc_div(a: int, b: int) -> int:
    return abs(a) // b if a >= 0 else -(abs(a) // b)


def trunc_mod(a: int, b: int) -> int:
    return a - trunc_div(a, b) * b


def at(xs: list[int], i: int) -> int:
    return xs[i] if 0 <= i < len(xs) else 0


def _start(draw: Draw, scope: Scope) -> Lines:
    lines: Lines = []
    for _ in range(draw(st.integers(1, 3))):
        name, value = scope.new(), draw(st.integers(-100, 100))
        scope.ints[name] = True
        lines.append((f"private {name}: int16 = {value}", f"{name} = {value}"))
    scope.ints[public := scope.new()] = False
    value = draw(st.integers(-9, 9))
    lines.append((f"{public}: int128 = {value}", f"{public} = {value}"))
    scope.declared.update(scope.ints)
    name, values = scope.new(), draw(st.lists(st.integers(-50, 50), min_size=1, max_size=5))
    scope.lists[name] = len(values)
    lines.append((f"private {name}: int16[{len(values)}] = {values}", f"{name} = {values}"))
    return lines


@st.composite
def programs(draw: Draw) -> Generated:
    """A program of a few statements that shows every variable at its end."""
    scope = Scope()
    lines = _start(draw, scope)
    for _ in range(draw(st.integers(1, 5))):
        lines += statement(draw, scope)
    shown = {**scope.ints, **scope.bools, **dict.fromkeys(scope.lists, True)}
    for name, private in shown.items():
        lines.append((f"print(reveal({name}))" if private else f"print({name})", f"show({name})"))
    return Generated(*("\n".join(column) + "\n" for column in zip(*lines, strict=True)))
