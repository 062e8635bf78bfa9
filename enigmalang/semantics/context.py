"""What is carried along while one body is checked, and the entry points its parts call each other by."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from enigmalang.diagnostics import Edit, Fix, Note, Sink
from enigmalang.semantics.model import ContractInfo, Instance, Kind, ModuleInfo, Symbol
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import ERROR, Type

if TYPE_CHECKING:
    from enigmalang.semantics.program import Program


@dataclass(slots=True, eq=False)
class Variable:
    """A local or parameter. `type` grows by join until the body is stable; a declared one keeps it."""

    symbol: Symbol
    type: Type
    declared: bool
    span: Span


class Body(ABC):
    """One function, script, test or declaration being checked. `sink` is a scratch one until types are stable."""

    def __init__(self, program: "Program", instance: Instance) -> None:
        self.program = program
        self.instance = instance
        self.sink = Sink()
        self.variables: dict[str, Variable] = {}
        self.locals: set[str] = set()  # names that some statement of the body assigns
        self.identities: dict[str, Symbol] = {}
        self.scopes: list[dict[str, Variable]] = []  # of comprehensions, innermost last
        self.assigned: set[str] = set()
        self.breaks: list[bool] = []  # for each loop around: was there a `break`
        self.result: Type | None = None  # joined over the returns, when no type is declared
        self.grew = False  # some variable got a wider type after it had been read
        self.round = 0
        self.final = False
        self.exact: dict[ast.Node, Any] = {}  # constants of decimals, as fractions (or tuples of them)
        self.effects: list[tuple[str, Span, str]] = []  # ("write" | "client", where, what): see effects.py

    # ---- what the body stands in

    @property
    def module(self) -> ModuleInfo:
        return self.instance.module

    @property
    def contract(self) -> ContractInfo | None:
        return self.instance.contract

    @property
    def is_client(self) -> bool:
        """A script or a test."""
        return self.instance.kind in ("script", "test")

    # ---- diagnostics

    def error(
        self, code: str, message: str, span: Span, *, help: str | None = None, notes: tuple[Note, ...] = (),
        fixes: tuple[Fix, ...] = (),
    ) -> Type:
        self.sink.error(code, message, span, notes=notes, help=help, fixes=fixes)
        return ERROR

    # ---- names

    def lookup(self, name: str) -> Symbol | None:
        """What `name` means here: comprehension targets, locals, identities, the contract, the module, builtins."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name].symbol
        if name in self.variables:
            return self.variables[name].symbol
        if name in self.identities:
            return self.identities[name]
        return self.outer(name)

    def outer(self, name: str) -> Symbol | None:
        """What `name` means outside of the body."""
        if self.contract is not None and name in self.contract.symbols:
            return self.contract.symbols[name]
        return self.module.symbols.get(name) or self.program.builtin(name)

    def known(self) -> list[str]:
        """Every name that means something here."""
        return [*self.variables, *self.locals, *self.identities, *self.module.symbols, *self.program.builtins,
                *(self.contract.symbols if self.contract else ()), *(n for scope in self.scopes for n in scope)]

    def suggestion(self, name: str) -> str | None:
        return near(name, self.known())

    def corrections(self, name: str, span: Span) -> tuple[Fix, ...]:
        """The fix that writes at `span` what was probably meant by `name`."""
        found = nearest(name, self.known())
        return () if found is None else (Fix(f"write `{found}`", (Edit(span, found),)),)

    # ---- constants

    def constant(self, node: ast.Expr) -> Any:
        """The value of a constant expression; None when it is none."""
        return self.instance.constants.get(node)

    # ---- the parts

    @abstractmethod
    def run(self) -> None:
        """Check the whole body; afterwards the instance's tables are full and `sink` holds what was found."""

    @abstractmethod
    def expr(self, node: ast.Expr, expected: Type | None = None) -> Type:
        """The type of `node`; `expected` is what its context would like."""

    @abstractmethod
    def block(self, statements: tuple[ast.Stmt, ...]) -> bool:
        """Check statements; whether the end can be reached."""

    @abstractmethod
    def adapt(self, node: ast.Expr, want: Type) -> None:
        """Give the literals in `node` the type that `want` asks for, as far as they fit."""

    @abstractmethod
    def coerce(self, node: ast.Expr, got: Type, want: Type, what: str) -> None:
        """`node` goes to `what`, which is a `want`."""

    @abstractmethod
    def type_at(self, node: ast.Expr) -> Type:
        """The type that the expression `node` denotes."""

    def value_of(self, node: ast.Expr, want: Type, what: str) -> Type:
        """Check `node` as a value for `what`."""
        got = self.expr(node, want)
        self.coerce(node, got, want, what)
        return got


def near(name: str, known: list[str]) -> str | None:
    """A help line that names what was probably meant."""
    found = nearest(name, known)
    return f"did you mean `{found}`?" if found else None


def nearest(name: str, known: list[str]) -> str | None:
    """The name among `known` that is spelled most like `name`."""
    return next(iter(get_close_matches(name, [k for k in known if not k.startswith("__")], n=1, cutoff=0.7)), None)


def a(type: Type) -> str:
    """The type with its article: "an int8", "a uint8"."""
    text = str(type)
    return f"an {text}" if text[:1] in "aeioAEIO" else f"a {text}"


def kind_name(kind: Kind) -> str:
    """The kind in words, with its article."""
    return {
        Kind.LOCAL: "a variable", Kind.PARAM: "a parameter", Kind.CONST: "a constant", Kind.FUNCTION: "a function",
        Kind.METHOD: "a function of the contract", Kind.CONTRACT: "a contract", Kind.STATE: "a state variable",
        Kind.STRUCT: "a struct", Kind.ENUM: "an enum", Kind.EVENT: "an event", Kind.ERROR: "an error",
        Kind.INTERFACE: "an interface", Kind.PREDICATE: "a predicate", Kind.MODULE: "a module",
        Kind.BUILTIN: "built in", Kind.IDENTITY: "an identity",
    }[kind]


def declared_at(symbol: Symbol) -> tuple[Note, ...]:
    return () if symbol.node is None else (Note(symbol.node.span, f"`{symbol.name}` is declared here"),)
