"""The tree: one frozen class per syntactic form, span first, compared by identity so that tables can be keyed by node.

Types are written as expressions (`list[uint32, 10]` is an `Index`), and the type checker resolves them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TypeAlias

from enigmalang.source import SourceFile, Span


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    span: Span


# ---------------------------------------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True, eq=False)
class Name(Node):
    id: str


@dataclass(frozen=True, slots=True, eq=False)
class IntLit(Node):
    """An integer with its unit already applied (`2 days` is 172800, `1 ether` 10^18). `text` is as written."""

    value: int
    text: str
    unit: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class HexLit(Node):
    """`0x…`: an integer, an address (40 digits) or bytesN, as the context wants."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class FixedLit(Node):
    """A decimal number such as `1.25`; kept as text so that no float is ever involved."""

    text: str
    unit: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StrLit(Node):
    value: str


@dataclass(frozen=True, slots=True, eq=False)
class BytesLit(Node):
    value: bytes


@dataclass(frozen=True, slots=True, eq=False)
class BoolLit(Node):
    value: bool


@dataclass(frozen=True, slots=True, eq=False)
class ListLit(Node):
    items: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, eq=False)
class TupleLit(Node):
    items: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, eq=False)
class DictLit(Node):
    keys: tuple["Expr", ...]
    values: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Attribute(Node):
    value: "Expr"
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Index(Node):
    """`value[i]`, `value[i, j]`, also types such as `map[K, V]`."""

    value: "Expr"
    indices: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Slice(Node):
    value: "Expr"
    low: "Expr | None"
    high: "Expr | None"


@dataclass(frozen=True, slots=True, eq=False)
class Keyword(Node):
    name: str
    value: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    function: "Expr"
    args: tuple["Expr", ...]
    keywords: tuple[Keyword, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Reveal(Node):
    """`reveal(e)` or `reveal(e, to=who)`."""

    value: "Expr"
    audience: "Expr | None"


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Node):
    op: str  # "-" "+" "not" "~"
    operand: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Node):
    op: str  # + - * / // % ** & | ^ << >>
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Node):
    """A chain as in Python: `a < b <= c`. Operators: == != < <= > >= in, not in."""

    left: "Expr"
    ops: tuple[str, ...]
    rights: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, eq=False)
class BoolOp(Node):
    op: str  # "and" "or"
    values: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, eq=False)
class IfExpr(Node):
    condition: "Expr"
    then: "Expr"
    otherwise: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class CompClause(Node):
    target: "Target"
    iterable: "Expr"
    conditions: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Comprehension(Node):
    """`[element for … in … if …]`, also the bare generator form inside a call."""

    element: "Expr"
    clauses: tuple[CompClause, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Deploy(Node):
    call: Call


@dataclass(frozen=True, slots=True, eq=False)
class Submit(Node):
    call: Call


@dataclass(frozen=True, slots=True, eq=False)
class Await(Node):
    value: "Expr"


Expr: TypeAlias = (
    Name | IntLit | HexLit | FixedLit | StrLit | BytesLit | BoolLit | ListLit | TupleLit | DictLit | Attribute | Index
    | Slice | Call | Reveal | Unary | Binary | Compare | BoolOp | IfExpr | Comprehension | Deploy | Submit | Await
)
#: What can stand left of `=`: a name, attribute, index, or a tuple of them.
Target: TypeAlias = Name | Attribute | Index | TupleLit

# ----------------------------------------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True, eq=False)
class VarDecl(Node):
    """`private x: T = e`, `x: T = e`, `private x = e`, or (contract state, struct field, event argument) `x: T`."""

    name: str
    name_span: Span
    private: bool
    annotation: Expr | None
    value: Expr | None


@dataclass(frozen=True, slots=True, eq=False)
class Assign(Node):
    target: Target
    value: Expr


@dataclass(frozen=True, slots=True, eq=False)
class AugAssign(Node):
    target: Target
    op: str  # "+" for "+="
    value: Expr


@dataclass(frozen=True, slots=True, eq=False)
class ExprStmt(Node):
    value: Expr


@dataclass(frozen=True, slots=True, eq=False)
class If(Node):
    """`elif` is an `If` alone in `otherwise`."""

    condition: Expr
    then: tuple["Stmt", ...]
    otherwise: tuple["Stmt", ...]


@dataclass(frozen=True, slots=True, eq=False)
class For(Node):
    target: Target
    iterable: Expr
    body: tuple["Stmt", ...]


@dataclass(frozen=True, slots=True, eq=False)
class While(Node):
    condition: Expr
    max: Expr | None
    body: tuple["Stmt", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Break(Node):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class Continue(Node):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class Pass(Node):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class Return(Node):
    value: Expr | None


@dataclass(frozen=True, slots=True, eq=False)
class Require(Node):
    """`require c`, `require c, "text"`, `require c, SomeError(args)`."""

    condition: Expr
    message: Expr | None


@dataclass(frozen=True, slots=True, eq=False)
class Raise(Node):
    """`raise SomeError(args)`: reverts."""

    error: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Assert(Node):
    condition: Expr
    message: Expr | None


@dataclass(frozen=True, slots=True, eq=False)
class Emit(Node):
    event: Expr
    args: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]


@dataclass(frozen=True, slots=True, eq=False)
class IdentityDecl(Node):
    """`identity alice, bob`."""

    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True, eq=False)
class As(Node):
    """`as who:` with a block, or one statement on the same line."""

    who: Expr
    body: tuple["Stmt", ...]


@dataclass(frozen=True, slots=True, eq=False)
class ExpectRevert(Node):
    """`expect revert "text":`; `message` None accepts any revert."""

    message: Expr | None
    body: tuple["Stmt", ...]


@dataclass(frozen=True, slots=True, eq=False)
class ExpectLeak(Node):
    """`expect leak:` or `expect leak "E0301":`: the block must be refused by the secrecy checker."""

    code: str | None
    body: tuple["Stmt", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Advance(Node):
    """`advance 10 blocks`, `advance 2 days` (then `unit` is "seconds" and the amount already converted)."""

    amount: Expr
    unit: str  # "blocks" | "seconds"


Stmt: TypeAlias = (
    VarDecl | Assign | AugAssign | ExprStmt | If | For | While | Break | Continue | Pass | Return | Require | Raise
    | Assert | Emit | IdentityDecl | As | ExpectRevert | ExpectLeak | Advance
)

# --------------------------------------------------------------------------------------------- declarations


@dataclass(frozen=True, slots=True, eq=False)
class Import(Node):
    module: str
    alias: str | None


@dataclass(frozen=True, slots=True, eq=False)
class FromImport(Node):
    module: str
    names: tuple[Name, ...]
    aliases: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ConstDecl(Node):
    name: str
    annotation: Expr | None
    value: Expr


@dataclass(frozen=True, slots=True, eq=False)
class StructDecl(Node):
    name: str
    fields: tuple[VarDecl, ...]
    docstring: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class EnumDecl(Node):
    name: str
    members: tuple[Name, ...]
    docstring: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Param(Node):
    """`private bid: uint64 in 1..1_000_000 = default`; `low`/`high` are the bounds of `in`, both inclusive."""

    name: str
    private: bool
    annotation: Expr | None
    low: Expr | None = None
    high: Expr | None = None
    default: Expr | None = None


@dataclass(frozen=True, slots=True, eq=False)
class EventDecl(Node):
    name: str
    params: tuple[Param, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ErrorDecl(Node):
    name: str
    params: tuple[Param, ...]


#: What a budget may limit.
BUDGETED = ("rounds", "bytes", "products", "ands", "comparisons", "seconds")


@dataclass(frozen=True, slots=True, eq=False)
class Budget(Node):
    """`@budget(rounds=20, bytes=1_000_000)` above a function: what it may cost; values are numbers as written."""

    limits: tuple[Keyword, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FunctionDef(Node):
    """A `def`, anywhere. `modifiers` among internal, view, payable; `init` is the constructor's name."""

    name: str
    name_span: Span
    params: tuple[Param, ...]
    returns: Expr | None
    returns_private: bool
    body: tuple[Stmt, ...]
    modifiers: tuple[str, ...] = ()
    docstring: str | None = None
    budget: Budget | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PredicateDecl(Node):
    name: str
    params: tuple[Param, ...]
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True, eq=False)
class InterfaceDecl(Node):
    name: str
    functions: tuple[FunctionDef, ...]  # bodies are empty


@dataclass(frozen=True, slots=True, eq=False)
class ContractDef(Node):
    name: str
    name_span: Span
    state: tuple[VarDecl, ...]
    events: tuple[EventDecl, ...]
    errors: tuple[ErrorDecl, ...]
    structs: tuple[StructDecl, ...]
    enums: tuple[EnumDecl, ...]
    constants: tuple[ConstDecl, ...]
    functions: tuple[FunctionDef, ...]
    docstring: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TestDef(Node):
    name: str
    body: tuple[Stmt, ...]


Declaration: TypeAlias = (
    Import | FromImport | ConstDecl | StructDecl | EnumDecl | InterfaceDecl | PredicateDecl | FunctionDef | ContractDef
    | TestDef | EventDecl | ErrorDecl
)


@dataclass(frozen=True, slots=True, eq=False)
class Module(Node):
    """A whole file; `body` keeps declarations and script statements in the order of the text."""

    source: SourceFile
    body: tuple[Declaration | Stmt, ...]
    docstring: str | None = None


def budgeted(module: Module) -> Iterator[tuple[str | None, FunctionDef, Budget]]:
    """The functions of `module` that have a budget: the contract that each is in, the function, the budget."""
    for item in module.body:
        owner, functions = (item.name, item.functions) if isinstance(item, ContractDef) else (None, (item,))
        for function in functions:
            if isinstance(function, FunctionDef) and function.budget is not None:
                yield owner, function, function.budget


def has_budgets(module: Module) -> bool:
    """Whether any function of `module` says what it may cost."""
    return next(budgeted(module), None) is not None


def children(node: Node) -> Iterator[Node]:
    """The direct child nodes of `node`, in field order."""
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (v for v in value if isinstance(v, Node))


def plain(node: Node) -> list[object]:
    """What `node` says itself: its fields without its place and its child nodes."""
    values = (getattr(node, item.name) for item in fields(node)[1:])
    return [v for v in values if not isinstance(v, Node) and not (
        isinstance(v, tuple) and any(isinstance(part, Node) for part in v))]


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it, parents first, without recursion."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(list(children(current))))
