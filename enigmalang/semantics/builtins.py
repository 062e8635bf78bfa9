"""The functions of the language: one row each, with its typing rule (language.md §4).

A rule gets the checker, the call and the type its context wants, and gives the type of the result.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from enigmalang.semantics.arguments import check_arguments
from enigmalang.semantics.context import Body
from enigmalang.semantics.conversions import array_rule, input_rule, reshape_rule
from enigmalang.semantics.model import Kind, Symbol
from enigmalang.semantics.orders import (
    cumsum_rule,
    like_rule,
    moved_rule,
    shuffle_rule,
    sort_rule,
    sorted_rule,
    zeros_rule,
)
from enigmalang.semantics.places import integer
from enigmalang.semantics.relations import (
    element_of,
    plain,
)
from enigmalang.semantics.sequences import (
    abs_rule,
    circuit_rule,
    dot_rule,
    enumerate_rule,
    extreme_rule,
    filter_rule,
    len_rule,
    map_rule,
    matmul_rule,
    range_rule,
    reversed_rule,
    sum_rule,
    transpose_rule,
    truths_rule,
    zip_rule,
)
from enigmalang.semantics.targets import check_storable
from enigmalang.syntax import ast
from enigmalang.syntax.words import VALUES
from enigmalang.types.types import (
    ADDRESS,
    BOOL,
    ERROR,
    NONE,
    UINT256,
    AddressT,
    ErrorT,
    FixedT,
    IdentityT,
    ListT,
    PredicateT,
    StringT,
    Type,
)

Rule = Callable[[Body, ast.Call, Type | None], Type]


@dataclass(frozen=True, slots=True)
class Builtin:
    """`least` to `most` positional arguments (`most` None: any number); `usage` is shown when they are wrong."""

    name: str
    least: int
    most: int | None
    rule: Rule
    usage: str
    keywords: tuple[str, ...] = ()
    where: str = ""  # "contract": only there; "client": scripts and tests; "stdlib": the standard library alone


def call(body: Body, node: ast.Call, symbol: Symbol, expected: Type | None) -> Type:
    """A call of a name of the language."""
    row = TABLE.get(symbol.name)
    if row is None or (row.where == "stdlib" and not body.module.stdlib):
        check_arguments(body, node)
        if symbol.value == "unknown":
            return ERROR
        return body.error("E0205", f"`{symbol.name}` is not a function", node.function.span)
    body.instance.names[node.function] = symbol
    body.instance.builtins[node] = row.name
    if not _well_formed(body, node, row):
        check_arguments(body, node)
        return ERROR
    if row.where == "client":
        body.effects.append(("client", node.span, f"uses `{row.name}`"))
    if row.where == "contract" and body.contract is None:
        check_arguments(body, node)
        return body.error("E0101", f"`{row.name}` exists only inside the functions of a contract", node.span)
    return row.rule(body, node, expected)


def _well_formed(body: Body, node: ast.Call, row: Builtin) -> bool:
    wrong = next((k for k in node.keywords if k.name not in row.keywords), None)
    if wrong is not None:
        body.error("E0204", f"`{row.name}` has no argument `{wrong.name}`", wrong.span,
                   help=f"it is used as `{row.usage}`")
        return False
    count = len(node.args)
    if count < row.least or (row.most is not None and count > row.most):
        given = "one argument" if count == 1 else f"{count} arguments"
        message = f"`{row.name}` does not take {given}" if count else f"`{row.name}` needs an argument"
        body.error("E0203", message, node.span, help=f"it is used as `{row.usage}`")
        return False
    return True


# ----------------------------------------------------------------------------------------------- clients and chain


def _print(body: Body, node: ast.Call, expected: Type | None) -> Type:
    for arg in node.args:
        check_storable(body, arg, body.expr(arg))
    for keyword in node.keywords:
        if not isinstance(body.expr(keyword.value), StringT | ErrorT):
            body.error("E0201", f"`{keyword.name}` is a text", keyword.span)
        elif not isinstance(body.constant(keyword.value), str) and not isinstance(
                body.instance.types[keyword.value], ErrorT):
            body.error("E0221", f"`{keyword.name}` of `print` must be a constant", keyword.value.span,
                       help="write the text itself or a `const`; a text that changes is one more argument of `print`")
    return NONE


def _send(body: Body, node: ast.Call, expected: Type | None) -> Type:
    body.effects.append(("write", node.span, "sends money"))
    body.value_of(node.args[0], ADDRESS, "the receiver")
    body.value_of(node.args[1], UINT256, "the amount")
    return NONE


def _people(body: Body, node: ast.Call, expected: Type | None) -> Type:
    """`only(a, b)`, `members(shared)`."""
    for arg in node.args:
        got = body.expr(arg, IdentityT())
        if not isinstance(got, IdentityT | AddressT | ErrorT):
            body.error("E0201", f"this is {plain(got)}, and an identity or an address is needed", arg.span)
    return PredicateT()


def _moment(body: Body, node: ast.Call, expected: Type | None) -> Type:
    integer(body, node.args[0], "the time")
    return PredicateT()


def _at_least(body: Body, node: ast.Call, expected: Type | None) -> Type:
    integer(body, node.args[0], "the number")
    several = isinstance(node.args[1], ast.ListLit)
    got = body.expr(node.args[1], ListT(IdentityT(), None) if several else IdentityT())
    element = element_of(got)
    if not isinstance(element if element is not None else got, IdentityT | AddressT | PredicateT | ErrorT):
        body.error("E0201", "`at_least(k, of)` counts the members of a shared identity or a list of identities",
                   node.args[1].span)
    return PredicateT()


def _shared(body: Body, node: ast.Call, expected: Type | None) -> Type:
    table = node.args[0]
    if not isinstance(table, ast.DictLit):
        body.expr(table)
        return body.error("E0201", "`shared_identity` takes who joins it, and what each may", table.span,
                          help="as in `shared_identity({alice: owner, bob: only_compute})`")
    for who, may in zip(table.keys, table.values, strict=True):
        got = body.expr(who, IdentityT())
        if not isinstance(got, IdentityT | AddressT | ErrorT):
            body.error("E0201", f"this is {plain(got)}, and an identity is needed", who.span)
        body.value_of(may, PredicateT(), "what a member may")
    return IdentityT()


def _is_fixed(body: Body, node: ast.Call, expected: Type | None) -> Type:
    """Whether a number, or the elements of a list, are `fixed`; known when the call is checked."""
    type = body.expr(node.args[0])
    while (inner := element_of(type)) is not None:
        type = inner
    body.instance.constants[node] = isinstance(type, FixedT)
    return BOOL


def decided(body: Body, condition: ast.Expr) -> bool | None:
    """What a condition is that only asks for types; None for others."""
    asks = isinstance(condition, ast.Call) and body.instance.builtins.get(condition) == "__is_fixed"
    value = body.constant(condition)
    return value if asks and isinstance(value, bool) else None


TABLE = MappingProxyType({row.name: row for row in (
    Builtin("len", 1, 1, len_rule, "len(xs)"),
    Builtin("sum", 1, 1, sum_rule, "sum(xs)"),
    Builtin("min", 1, None, extreme_rule, "min(xs), or min(a, b)"),
    Builtin("max", 1, None, extreme_rule, "max(xs), or max(a, b)"),
    Builtin("abs", 1, 1, abs_rule, "abs(x)"),
    Builtin("any", 1, 1, truths_rule, "any(xs)"),
    Builtin("all", 1, 1, truths_rule, "all(xs)"),
    Builtin("sorted", 1, 1, sorted_rule,
            "sorted(xs), sorted(xs, key=f), sorted(xs, by=keys), each also with reverse=True",
            ("reverse", "key", "by")),
    Builtin("reversed", 1, 1, reversed_rule, "reversed(xs)"),
    Builtin("range", 1, 3, range_rule, "range(n), range(a, b), or range(a, b, step)"),
    Builtin("zip", 1, None, zip_rule, "zip(xs, ys)"),
    Builtin("enumerate", 1, 1, enumerate_rule, "enumerate(xs)"),
    Builtin("map", 2, None, map_rule, "map(f, xs)"),
    Builtin("filter", 2, 2, filter_rule, "filter(f, xs)"),
    Builtin("wrap", 1, 2, reshape_rule, "wrap(x), or wrap(x, uint8)"),
    Builtin("clamp", 1, 3, reshape_rule, "clamp(x), clamp(x, uint8), or clamp(x, low, high)"),
    Builtin("print", 0, None, _print, 'print(a, b, sep=" ", end="")', ("sep", "end"), "client"),
    Builtin("input", 1, 2, input_rule, 'input("name"), or input("name", list[uint32, 10])', (), "client"),
    Builtin("array", 2, None, array_rule, "array(uint8, 10)"),
    Builtin("send", 2, 2, _send, "send(to, amount)", (), "contract"),
    Builtin("only", 1, None, _people, "only(alice, bob)"),
    Builtin("members", 1, 1, _people, "members(shared)"),
    Builtin("after", 1, 1, _moment, "after(time)"),
    Builtin("before", 1, 1, _moment, "before(time)"),
    Builtin("at_least", 2, 2, _at_least, "at_least(2, [alice, bob, carol])"),
    Builtin("shared_identity", 1, 1, _shared, "shared_identity({alice: owner, bob: only_compute})", (), "client"),
    Builtin("__is_fixed", 1, 1, _is_fixed, "__is_fixed(x)", (), "stdlib"),
    Builtin("__dot", 2, 2, dot_rule, "__dot(a, b)", (), "stdlib"),
    Builtin("__circuit", 3, None, circuit_rule, "__circuit(text, widths, bits)"),
    Builtin("__matmul", 2, 2, matmul_rule, "__matmul(a, b)", (), "stdlib"),
    Builtin("__transpose", 1, 1, transpose_rule, "__transpose(a)", (), "stdlib"),
    Builtin("__sort", 1, None, sort_rule, "__sort(keys, rows)", ("reverse", "ranks"), "stdlib"),
    Builtin("__permute", 2, None, moved_rule, "__permute(order, rows)", (), "stdlib"),
    Builtin("__spread", 2, None, moved_rule, "__spread(flags, rows)", (), "stdlib"),
    Builtin("__shuffle", 1, None, shuffle_rule, "__shuffle(rows)", (), "stdlib"),
    Builtin("__cumsum", 1, 1, cumsum_rule, "__cumsum(xs)", (), "stdlib"),
    Builtin("__masked", 2, None, moved_rule, "__masked(flags, rows)", (), "stdlib"),
    Builtin("__zeros", 2, 2, zeros_rule, "__zeros(rows, n)", (), "stdlib"),
    Builtin("__like", 2, 2, like_rule, "__like(x, y)", (), "stdlib"),
)})


def symbols() -> dict[str, Symbol]:
    """A symbol for every name of the language."""
    return {name: Symbol(Kind.BUILTIN, name, None) for name in (*TABLE, *VALUES)}
