"""What lowering carries along: split values (`Bundle`) and the state of one function being lowered (`Frame`)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from enigmalang.ir.builder import Builder
from enigmalang.ir.ir import Interface, IRType, Region, Value
from enigmalang.ir.leaves import field_slice, leaves_of
from enigmalang.lowering.layout import Layout
from enigmalang.semantics.model import Checked, Instance, Symbol
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import ERROR, NONE, ArrayT, ListT, StructT, TupleT, Type


class LoweringError(Exception):
    """The checked tree holds something that the checker should have refused: a bug, with its place."""

    def __init__(self, span: Span, problem: str) -> None:
        super().__init__(f"{span}: {problem}")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A value of the language as its leaves."""

    type: Type
    leaves: tuple[Value, ...]

    def member(self, index: int) -> "Bundle":
        """Field or tuple item `index`."""
        assert isinstance(self.type, StructT | TupleT)
        inner = self.type.fields[index].type if isinstance(self.type, StructT) else self.type.items[index]
        return Bundle(inner, self.leaves[field_slice(self.type, index)])

    @property
    def only(self) -> Value:
        """The leaf of a value that has one."""
        (leaf,) = self.leaves
        return leaf


NOTHING = Bundle(NONE, ())


@dataclass(frozen=True, slots=True)
class Exit:
    """How a block ends early: kind "return", "break", "continue" or "raise". The terminator is still to be written."""

    kind: str
    values: tuple[Value, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The recursive entry points, handed down so that modules need not import each other in a circle."""

    expr: "Callable[[Frame, ast.Expr], Bundle]"
    block: "Callable[[Frame, Sequence[ast.Stmt]], Exit | None]"


@dataclass(slots=True, eq=False)
class Unit:
    """What all functions of a program share."""

    checked: Checked
    layouts: dict[str, Layout]  # by contract
    dispatch: Dispatch
    interfaces: dict[str, Interface] = field(default_factory=dict)  # of contracts that are called


@dataclass(slots=True, eq=False)
class Frame:
    """One function being lowered. `env` maps variables to their current values; `loops` the carried variables of
    the loops around (innermost last); `scoped`: returns inside may become `leave`."""

    unit: Unit
    instance: Instance
    build: Builder
    env: dict[str, Bundle] = field(default_factory=dict)
    loops: list[list[str]] = field(default_factory=list)
    scoped: bool = False
    guards: int = 0  # how deep early returns have nested the rest of the function so far
    declared: set[str] = field(default_factory=set)  # variables whose type is written down
    items: set[str] = field(default_factory=set)  # targets of the comprehensions around: types of their own

    # ---- the checker's tables

    def type_of(self, node: ast.Node) -> Type:
        return self.instance.types.get(node, ERROR)

    def symbol(self, node: ast.Node) -> Symbol | None:
        return self.instance.names.get(node)

    def variable_type(self, name: str, fallback: Type) -> Type:
        found = fallback if name in self.items else self.instance.variables.get(name, fallback)
        same = len(leaves_of(found)) == len(leaves_of(fallback))
        return found if same and not _vague(found) else fallback

    # ---- recursion

    def expr(self, node: ast.Expr) -> Bundle:
        return self.unit.dispatch.expr(self, node)

    def value(self, node: ast.Expr) -> Value:
        """`node` as a single leaf."""
        bundle = self.expr(node)
        if len(bundle.leaves) != 1:
            raise LoweringError(node.span, f"one value expected, not {bundle.type}")
        return bundle.leaves[0]

    def block(self, statements: Sequence[ast.Stmt]) -> Exit | None:
        return self.unit.dispatch.block(self, statements)

    # ---- regions

    @contextmanager
    def branch(self, region: Region) -> Iterator[Region]:
        """Build into `region` with a copy of the environment; the environment outside is untouched."""
        outer = self.env
        self.env = dict(outer)
        try:
            with self.build.into(region):
                yield region
        finally:
            self.env = outer

    def finish(self, values: Sequence[Value], span: Span, terminator: str = "yield") -> None:
        self.build.emit(terminator, tuple(values), span)

    @contextmanager
    def as_instance(self, instance: Instance) -> Iterator[None]:
        """Read the tables of another instance for a while (default arguments live in the callee's)."""
        outer, self.instance = self.instance, instance
        try:
            yield
        finally:
            self.instance = outer


def _vague(type: Type) -> bool:
    """Whether the type has a part that the checker could not name (the element of an empty list)."""
    match type:
        case ListT() | ArrayT():
            return _vague(type.element)
        case TupleT():
            return any(_vague(item) for item in type.items)
        case _:
            return type == ERROR


def hinted(values: Sequence[Value], name: str, type: Type) -> None:
    """Name nameless values after the variable that holds them."""
    for value, leaf in zip(values, leaves_of(type), strict=False):
        if not value.hint:
            value.hint = ".".join((name, *leaf.path))


def fresh(types: Sequence[IRType], span: Span, hints: Sequence[str] = ()) -> list[Value]:
    """New values of `types`, for region parameters."""
    names = list(hints) + [""] * len(types)
    return [Value(type, span, hint=hint) for type, hint in zip(types, names, strict=False)]
