"""The functions of the language: one row each, with its typing rule (language.md §4).

A rule gets the checker, the call and the type its context wants, and gives the type of the result.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType

from enigmalang.semantics import calls
from enigmalang.semantics.annotations import resolve, size_of
from enigmalang.semantics.context import Body
from enigmalang.semantics.folding import fold_compare
from enigmalang.semantics.model import Kind, Symbol
from enigmalang.semantics.operators import exact_of
from enigmalang.semantics.places import check_storable, integer
from enigmalang.semantics.relations import (
    HOLE,
    ExactList,
    WeakInt,
    array_of,
    bound_of,
    element_of,
    is_number,
    is_weak,
    join,
    length_of,
    plain,
    settle,
    weak,
)
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ADDRESS,
    BOOL,
    ERROR,
    INT256,
    NONE,
    UINT256,
    AddressT,
    AnyT,
    ArrayT,
    BoolT,
    BytesNT,
    BytesT,
    ContractT,
    EnumT,
    ErrorT,
    FixedT,
    IdentityT,
    IntT,
    ListT,
    MapT,
    PredicateT,
    StringT,
    TupleT,
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
        calls.check_arguments(body, node)
        if symbol.value == "unknown":
            return ERROR
        return body.error("E0205", f"`{symbol.name}` is not a function", node.function.span)
    body.instance.names[node.function] = symbol
    body.instance.builtins[node] = row.name
    if not _well_formed(body, node, row):
        calls.check_arguments(body, node)
        return ERROR
    if row.where == "client":
        body.effects.append(("client", node.span, f"uses `{row.name}`"))
    if row.where == "contract" and body.contract is None:
        calls.check_arguments(body, node)
        return body.error("E0101", f"`{row.name}` exists only inside the functions of a contract", node.span)
    return row.rule(body, node, expected)


def _well_formed(body: Body, node: ast.Call, row: Builtin) -> bool:
    wrong = next((k for k in node.keywords if k.name not in row.keywords), None)
    if wrong is not None:
        body.error("E0204", f"`{row.name}` has no argument `{wrong.name}`", wrong.span, help=f"it is used as `{row.usage}`")
        return False
    count = len(node.args)
    if count < row.least or (row.most is not None and count > row.most):
        given = "no argument" if not count else "one argument" if count == 1 else f"{count} arguments"
        body.error("E0203", f"`{row.name}` does not take {given}", node.span, help=f"it is used as `{row.usage}`")
        return False
    return True


# -------------------------------------------------------------------------------------------------- sequences


def _sequence(body: Body, node: ast.Expr, what: str, expected: Type | None = None) -> tuple[Type, Type] | None:
    """The types of a list argument and of its elements; None after a report."""
    type = body.expr(node, expected)
    element = element_of(type)
    if element is not None:
        return type, element
    if not isinstance(type, ErrorT):
        help = "a map has no list of its keys: keep them in a list beside it" if isinstance(type, MapT) else None
        body.error("E0206" if isinstance(type, MapT) else "E0201", f"{what} needs a list, and this is {plain(type)}",
                   node.span, help=help)
    return None


def _len(body: Body, node: ast.Call, expected: Type | None) -> Type:
    type = body.expr(node.args[0])
    if not isinstance(type, ListT | ArrayT | StringT | BytesT | BytesNT | ErrorT | AnyT):
        help = "keep the keys in a list beside the map, and count those" if isinstance(type, MapT) else None
        return body.error("E0201", f"{plain(type)} has no length", node.args[0].span, help=help)
    if isinstance(type, ArrayT):
        body.instance.constants[node] = type.dims[0]
    return UINT256


def _sum(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = _sequence(body, node.args[0], "`sum`")
    if found is None:
        return HOLE if not body.final else ERROR
    _, element = found
    match element:
        case BoolT():
            return UINT256
        case WeakInt():
            body.adapt(node.args[0], ListT(UINT256 if element.least >= 0 else INT256, None))
            return UINT256 if element.least >= 0 else INT256
        case IntT():
            return INT256 if element.signed else UINT256
        case FixedT():
            body.adapt(node.args[0], ListT(settle(element), None))
            return settle(element)
        case ErrorT():
            return element
        case _:
            return body.error("E0201", f"`sum` adds numbers or counts truths, and these are {plain(element)}",
                              node.args[0].span, help="for a matrix: `sum([sum(row) for row in m])`")


def _extreme(body: Body, node: ast.Call, expected: Type | None) -> Type:
    name = body.instance.builtins[node]
    if len(node.args) == 1:
        found = _sequence(body, node.args[0], f"`{name}`")
        if found is None:
            return ERROR
        type = found[1]
    else:
        type = reduce(lambda a, b: _joined(body, node, a, b), [body.expr(a, expected) for a in node.args])
        if not is_weak(type):
            for arg in node.args:
                body.adapt(arg, type)
        _fold_extreme(body, node, name)
    if not is_number(type):
        return body.error("E0201", f"`{name}` compares numbers, and these are {plain(type)}", node.span)
    value = body.instance.constants.get(node)
    return weak(value) if isinstance(type, WeakInt) and isinstance(value, int) else type


def _fold_extreme(body: Body, node: ast.Call, name: str) -> None:
    values = [exact_of(body, arg) for arg in node.args]
    if any(v is None for v in values) or not all(isinstance(body.constant(a), int) for a in node.args):
        return
    best = 0
    for number, value in enumerate(values):
        if fold_compare("<" if name == "min" else ">", value, values[best]):
            best = number
    body.instance.constants[node] = body.constant(node.args[best])
    if node.args[best] in body.exact:
        body.exact[node] = body.exact[node.args[best]]


def _joined(body: Body, node: ast.Call, a: Type, b: Type) -> Type:
    found = join(a, b)
    if found is not None:
        return found
    help = "convert the integer: `fixed(x)`" if is_number(a) and is_number(b) else None
    return body.error("E0207", f"{plain(a)} and {plain(b)} cannot be compared", node.span, help=help)


def _abs(body: Body, node: ast.Call, expected: Type | None) -> Type:
    type = body.expr(node.args[0], expected)
    if not is_number(type):
        return body.error("E0201", f"`abs` needs a number, and this is {plain(type)}", node.args[0].span)
    if isinstance(type, WeakInt):
        body.adapt(node.args[0], INT256)
        return INT256
    return IntT(False, type.bits) if isinstance(type, IntT) else settle(type)


def _truths(body: Body, node: ast.Call, expected: Type | None) -> Type:
    name = body.instance.builtins[node]
    found = _sequence(body, node.args[0], f"`{name}`")
    if found is not None and not isinstance(found[1], BoolT | ErrorT):
        return body.error("E0201", f"`{name}` needs a list of truths, and these are {plain(found[1])}",
                          node.args[0].span, help=f"as in `{name}([x > 0 for x in xs])`")
    return BOOL


def _ordered(body: Body, node: ast.Call, expected: Type | None) -> Type:
    name = body.instance.builtins[node]
    found = _sequence(body, node.args[0], f"`{name}`", expected)
    for keyword in node.keywords:
        if body.expr(keyword.value) != BOOL or body.constant(keyword.value) is None:
            body.error("E0221", "`reverse` is `True` or `False`", keyword.span)
    if found is None:
        return ERROR
    if name == "sorted" and not is_number(found[1]):
        return body.error("E0201", f"`sorted` needs numbers, and these are {plain(found[1])}", node.args[0].span)
    return found[0]


def _range(body: Body, node: ast.Call, expected: Type | None) -> Type:
    types = [integer(body, arg, "a bound of `range`") for arg in node.args]
    values = [body.constant(arg) for arg in node.args]
    signed = any(isinstance(v, int) and v < 0 for v in values[:2]) or any(
        isinstance(t, IntT) and t.signed and not isinstance(t, WeakInt) for t in types[:2])
    if (len(node.args) == 3 and values[2] is None) or (len(values) == 3 and values[2] == 0):
        return body.error("E0221", "the step of `range` is a constant, and not 0", node.args[2].span)
    item = INT256 if signed or (len(values) == 3 and values[2] is not None and values[2] < 0) else UINT256
    if any(v is None for v in values):
        return ListT(item, None)
    numbers = range(*values)
    return ExactList(item, len(numbers))


def _zip(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = [_sequence(body, arg, "`zip`") for arg in node.args]
    known = [f for f in found if f is not None]
    if len(known) != len(found):
        return ERROR
    bounds = [bound_of(t) for t, _ in known]
    sizes = [length_of(t) for t, _ in known]
    item = TupleT(tuple(e for _, e in known))
    if all(s is not None for s in sizes):
        return ExactList(item, min(s for s in sizes if s is not None))
    return ListT(item, min((b for b in bounds if b is not None), default=None))


def _enumerate(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = _sequence(body, node.args[0], "`enumerate`")
    if found is None:
        return ERROR
    item = TupleT((UINT256, found[1]))
    return ExactList(item, length_of(found[0])) if length_of(found[0]) is not None else ListT(item, bound_of(found[0]))


def _map(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = [_sequence(body, arg, "`map`") for arg in node.args[1:]]
    known = [f for f in found if f is not None]
    if len(known) != len(found):
        calls_function(body, node, ())
        return ERROR
    result = calls_function(body, node, tuple(e for _, e in known))
    sizes = [length_of(t) for t, _ in known]
    if all(s is not None for s in sizes):
        return ExactList(result, min(s for s in sizes if s is not None))
    return ListT(result, min((b for t, _ in known if (b := bound_of(t)) is not None), default=None))


def _filter(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = _sequence(body, node.args[1], "`filter`")
    if found is None:
        return ERROR
    result = calls_function(body, node, (found[1],))
    if not isinstance(result, BoolT | ErrorT):
        return body.error("E0201", f"the function of `filter` gives a truth, and this one {plain(result)}",
                          node.args[0].span)
    return ListT(found[1], bound_of(found[0]))


def calls_function(body: Body, node: ast.Call, types: tuple[Type, ...]) -> Type:
    """The result of the function that is `node`'s first argument, for arguments of `types`."""
    function = node.args[0]
    symbol = body.lookup(function.id) if isinstance(function, ast.Name) else calls.of_module(body, function)
    if symbol is None or symbol.kind not in (Kind.FUNCTION, Kind.METHOD) or not isinstance(symbol.value, ast.FunctionDef):
        return body.error("E0205", "the first argument is the name of a function", function.span,
                          help="for anything else write a comprehension: `[f(x) for x in xs]`")
    body.instance.names[function] = symbol
    if not types or any(isinstance(t, ErrorT) for t in types):
        return ERROR if body.final else HOLE
    signature = body.program.signature(symbol.value)
    if len(signature.params) != len(types):
        return body.error("E0203", f"`{symbol.name}` takes {len(signature.params)} arguments, and gets {len(types)}",
                          function.span)
    instance = body.program.instance(symbol.value, types)
    body.instance.calls[node] = instance
    return body.program.result_of(instance, function.span, body)


# ---------------------------------------------------------------------------------------------- types as targets


def _reshape(body: Body, node: ast.Call, expected: Type | None) -> Type:
    """`wrap(x)`, `wrap(x, uint8)`, `clamp(x)`, `clamp(x, low, high)`."""
    name = body.instance.builtins[node]
    if name == "clamp" and len(node.args) == 3:
        return _between(body, node, expected)
    got = body.expr(node.args[0], expected if isinstance(expected, FixedT) else None)
    want = resolve(body, node.args[1]) if len(node.args) == 2 else expected
    if isinstance(want, ErrorT) or isinstance(got, ErrorT):
        return want if want is not None else ERROR
    if not isinstance(want, IntT | FixedT):
        return body.error("E0213", f"`{name}` must know the type that the number should fit", node.span,
                          help=f"store it in a typed variable, `y: uint32 = {name}(x)`, or write `{name}(x, uint32)`")
    want = settle(want)
    if not is_number(got) or isinstance(settle(got), FixedT) != isinstance(want, FixedT):
        body.error("E0201", f"`{name}` to {want} needs {'a fixed-point number' if isinstance(want, FixedT) else 'an integer'}"
                   f", and this is {plain(got)}", node.args[0].span)
    return want


def _between(body: Body, node: ast.Call, expected: Type | None) -> Type:
    body.instance.builtins[node] = "clamp"
    types = [body.expr(arg, expected) for arg in node.args]
    common = reduce(lambda a, b: _joined(body, node, a, b), types)
    if not is_number(common):
        return body.error("E0201", f"`clamp` needs numbers, and these are {plain(common)}", node.span)
    common = settle(common)
    for arg in node.args:
        body.adapt(arg, common)
    return common


def _input(body: Body, node: ast.Call, expected: Type | None) -> Type:
    name = body.expr(node.args[0])
    if not isinstance(name, ErrorT) and not isinstance(body.constant(node.args[0]), str):
        body.error("E0221", "the name of an input is a text that stands in the program", node.args[0].span,
                   help='as in `input("pay")`, given as `--input pay=…`')
    want = resolve(body, node.args[1]) if len(node.args) == 2 else expected
    if want is None:
        return body.error("E0211", "the type of this input is not known", node.span,
                          help='write it: `pay: list[uint32, 5000] = input("pay")`')
    return want


def _array(body: Body, node: ast.Call, expected: Type | None) -> Type:
    element = resolve(body, node.args[0])
    sizes = [size_of(body, arg) for arg in node.args[1:]]
    if isinstance(element, ErrorT) or any(s is None for s in sizes):
        return ERROR
    for size in reversed(sizes):
        assert size is not None
        element = array_of(element, size)
    return element


def conversion(body: Body, node: ast.Call) -> Type:
    """`uint32(x)`, `fixed[8, 24](x)`, `address(x)`, `bytes32(x)`."""
    want = resolve(body, node.function)
    body.instance.builtins[node] = "convert"
    if len(node.args) != 1 or node.keywords:
        calls.check_arguments(body, node)
        return body.error("E0203", f"a conversion to {want} takes one argument", node.span)
    got = body.expr(node.args[0], want)
    if isinstance(got, ErrorT) or isinstance(want, ErrorT):
        return want
    body.adapt(node.args[0], want)
    value = body.constant(node.args[0])
    got = body.instance.types[node.args[0]]
    if not _convertible(settle(got), want, value):
        return body.error("E0201", f"{plain(got)} cannot be converted to {want}", node.span,
                          help=_conversion_help(got, want))
    if settle(got) == want or (isinstance(got, IntT) and isinstance(want, IntT)):
        body.coerce(node.args[0], got, want, f"a conversion to {want}")
        if (value is not None and settle(got) == want) or (isinstance(value, int) and isinstance(want, IntT) \
                and isinstance(got, IntT)):
            body.instance.constants[node] = body.constant(node.args[0])
            if isinstance(want, FixedT) and node.args[0] in body.exact:
                body.exact[node] = body.exact[node.args[0]]
    elif isinstance(want, AddressT) and isinstance(value, int):
        body.instance.constants[node] = f"0x{value:040x}"
    elif isinstance(want, BytesNT) and isinstance(value, int):
        body.instance.constants[node] = value.to_bytes(want.size, "big")
    return want


def _convertible(got: Type, want: Type, value: object) -> bool:
    match want:
        case IntT() | FixedT():
            return isinstance(got, IntT | FixedT | BoolT | EnumT | AnyT) or (isinstance(want, IntT) and isinstance(
                got, BytesNT))
        case BoolT():
            return isinstance(got, BoolT | AnyT)
        case AddressT():
            zero = isinstance(got, IntT) and isinstance(value, int) and 0 <= value < 1 << 160
            return isinstance(got, AddressT | IdentityT | ContractT | AnyT) or zero
        case BytesNT():
            number = isinstance(got, IntT) and isinstance(value, int) and 0 <= value < 1 << (8 * want.size)
            return isinstance(got, BytesNT | BytesT | AnyT) or number
        case StringT() | BytesT():
            return isinstance(got, StringT | AnyT) if isinstance(want, StringT) else isinstance(
                got, BytesT | BytesNT | AnyT)
        case _:
            return False


def _conversion_help(got: Type, want: Type) -> str | None:
    if isinstance(want, BoolT):
        return "compare it: `x != 0`"
    if isinstance(want, StringT):
        return "several values are printed with `print(a, b)`"
    if isinstance(got, ListT | ArrayT):
        return f"convert each element: `[{want}(x) for x in xs]`"
    return None


# ----------------------------------------------------------------------------------------------- clients and chain


def _print(body: Body, node: ast.Call, expected: Type | None) -> Type:
    for arg in node.args:
        check_storable(body, arg, body.expr(arg))
    for keyword in node.keywords:
        if not isinstance(body.expr(keyword.value), StringT | ErrorT):
            body.error("E0201", f"`{keyword.name}` is a text", keyword.span)
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
    got = body.expr(node.args[1], IdentityT() if not isinstance(node.args[1], ast.ListLit) else ListT(IdentityT(), None))
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


# ------------------------------------------------------------------------------------------- intrinsics of stdlib


def _dot(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = [_sequence(body, arg, "`__dot`") for arg in node.args]
    if found[0] is None or found[1] is None:
        return ERROR
    common = _joined(body, node, found[0][1], found[1][1])
    if isinstance(common, FixedT | ErrorT):
        return settle(common)
    return INT256 if isinstance(common, IntT) and common.signed else UINT256


def _matmul(body: Body, node: ast.Call, expected: Type | None) -> Type:
    a, b = (settle(body.expr(arg)) for arg in node.args)
    if not (isinstance(a, ArrayT) and isinstance(b, ArrayT) and len(a.dims) == len(b.dims) == 2
            and a.dims[1] == b.dims[0]):
        return body.error("E0207", f"matrices {plain(a)} and {plain(b)} cannot be multiplied", node.span,
                          help="the columns of the first must be as many as the rows of the second")
    common = _joined(body, node, a.element, b.element)
    element = common if isinstance(common, FixedT) else INT256 if isinstance(common, IntT) and common.signed else UINT256
    return ArrayT(element, (a.dims[0], b.dims[1]))


def _transpose(body: Body, node: ast.Call, expected: Type | None) -> Type:
    type = body.expr(node.args[0])
    if isinstance(type, ArrayT) and len(type.dims) == 2:
        return ArrayT(type.element, type.dims[::-1])
    if isinstance(type, ExactList) and isinstance(type.element, ArrayT) and len(type.element.dims) == 1 and type.max:
        return ArrayT(type.element.element, (type.element.dims[0], type.max))
    return body.error("E0207", f"{plain(type)} is not a matrix", node.span)


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
    Builtin("len", 1, 1, _len, "len(xs)"),
    Builtin("sum", 1, 1, _sum, "sum(xs)"),
    Builtin("min", 1, None, _extreme, "min(xs), or min(a, b)"),
    Builtin("max", 1, None, _extreme, "max(xs), or max(a, b)"),
    Builtin("abs", 1, 1, _abs, "abs(x)"),
    Builtin("any", 1, 1, _truths, "any(xs)"),
    Builtin("all", 1, 1, _truths, "all(xs)"),
    Builtin("sorted", 1, 1, _ordered, "sorted(xs), or sorted(xs, reverse=True)", ("reverse",)),
    Builtin("reversed", 1, 1, _ordered, "reversed(xs)"),
    Builtin("range", 1, 3, _range, "range(n), range(a, b), or range(a, b, step)"),
    Builtin("zip", 1, None, _zip, "zip(xs, ys)"),
    Builtin("enumerate", 1, 1, _enumerate, "enumerate(xs)"),
    Builtin("map", 2, None, _map, "map(f, xs)"),
    Builtin("filter", 2, 2, _filter, "filter(f, xs)"),
    Builtin("wrap", 1, 2, _reshape, "wrap(x), or wrap(x, uint8)"),
    Builtin("clamp", 1, 3, _reshape, "clamp(x), clamp(x, uint8), or clamp(x, low, high)"),
    Builtin("print", 0, None, _print, 'print(a, b, sep=" ", end="")', ("sep", "end"), "client"),
    Builtin("input", 1, 2, _input, 'input("name"), or input("name", list[uint32, 10])', (), "client"),
    Builtin("array", 2, None, _array, "array(uint8, 10)"),
    Builtin("send", 2, 2, _send, "send(to, amount)", (), "contract"),
    Builtin("only", 1, None, _people, "only(alice, bob)"),
    Builtin("members", 1, 1, _people, "members(shared)"),
    Builtin("after", 1, 1, _moment, "after(time)"),
    Builtin("before", 1, 1, _moment, "before(time)"),
    Builtin("at_least", 2, 2, _at_least, "at_least(2, [alice, bob, carol])"),
    Builtin("shared_identity", 1, 1, _shared, "shared_identity({alice: owner, bob: only_compute})", (), "client"),
    Builtin("__is_fixed", 1, 1, _is_fixed, "__is_fixed(x)", (), "stdlib"),
    Builtin("__dot", 2, 2, _dot, "__dot(a, b)", (), "stdlib"),
    Builtin("__matmul", 2, 2, _matmul, "__matmul(a, b)", (), "stdlib"),
    Builtin("__transpose", 1, 1, _transpose, "__transpose(a)", (), "stdlib"),
)})

#: Names of the language that are values, or stand for something with members.
VALUES = frozenset(
    ["sender", "self", "value", "now", "block", "owner", "anyone", "only_compute", "L", "DHT", "MPC"])


def symbols() -> dict[str, Symbol]:
    """A symbol for every name of the language."""
    return {name: Symbol(Kind.BUILTIN, name, None) for name in (*TABLE, *VALUES)}
