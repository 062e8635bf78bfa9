"""Typing rules of the functions on lists and numbers."""

from functools import reduce

from enigmalang.semantics.comprehensions import known_element
from enigmalang.semantics.context import Body
from enigmalang.semantics.folding import fold_compare
from enigmalang.semantics.imported_circuits import INTRINSIC, CircuitText
from enigmalang.semantics.model import Kind
from enigmalang.semantics.operators import exact_of
from enigmalang.semantics.places import integer, of_module
from enigmalang.semantics.relations import (
    HOLE,
    ExactList,
    WeakInt,
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
    BOOL,
    ERROR,
    INT256,
    UINT256,
    AnyT,
    ArrayT,
    BoolT,
    BytesNT,
    BytesT,
    ErrorT,
    FixedT,
    IntT,
    ListT,
    MapT,
    StringT,
    TupleT,
    Type,
)


def sequence(body: Body, node: ast.Expr, what: str, expected: Type | None = None) -> tuple[Type, Type] | None:
    """The types of a list argument and of its elements; None after a report."""
    type = body.expr(node, expected)
    element = element_of(type)
    if element is not None:
        return type, known_element(body, node, element)
    if not isinstance(type, ErrorT):
        help = "a map has no list of its keys: keep them in a list beside it" if isinstance(type, MapT) else None
        body.error("E0206" if isinstance(type, MapT) else "E0201", f"{what} needs a list, and this is {plain(type)}",
                   node.span, help=help)
    return None


def len_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    type = body.expr(node.args[0])
    if not isinstance(type, ListT | ArrayT | StringT | BytesT | BytesNT | ErrorT | AnyT):
        help = "keep the keys in a list beside the map, and count those" if isinstance(type, MapT) else None
        return body.error("E0201", f"{plain(type)} has no length", node.args[0].span, help=help)
    if isinstance(type, ArrayT):
        body.instance.constants[node] = type.dims[0]
    return UINT256


def sum_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    if isinstance(node.args[0], ast.ListLit) and not node.args[0].items:
        body.expr(node.args[0], ListT(UINT256, None))
        return UINT256
    found = sequence(body, node.args[0], "`sum`")
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


def extreme_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    name = body.instance.builtins[node]
    if len(node.args) == 1:
        found = sequence(body, node.args[0], f"`{name}`")
        if found is None:
            return ERROR
        type = found[1]
    else:
        type = reduce(lambda a, b: joined(body, node, a, b), [body.expr(a, expected) for a in node.args])
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


def joined(body: Body, node: ast.Call, a: Type, b: Type) -> Type:
    found = join(a, b)
    if found is not None:
        return found
    help = "convert the integer: `fixed(x)`" if is_number(a) and is_number(b) else None
    return body.error("E0207", f"{plain(a)} and {plain(b)} cannot be compared", node.span, help=help)


def abs_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    type = body.expr(node.args[0], expected)
    if not is_number(type):
        return body.error("E0201", f"`abs` needs a number, and this is {plain(type)}", node.args[0].span)
    if isinstance(type, WeakInt):
        body.adapt(node.args[0], INT256)
        return INT256
    return IntT(False, type.bits) if isinstance(type, IntT) else settle(type)


def truths_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    name = body.instance.builtins[node]
    found = sequence(body, node.args[0], f"`{name}`")
    if found is not None and not isinstance(found[1], BoolT | ErrorT):
        return body.error("E0201", f"`{name}` needs a list of truths, and these are {plain(found[1])}",
                          node.args[0].span, help=f"as in `{name}([x > 0 for x in xs])`")
    return BOOL


def reversed_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = sequence(body, node.args[0], "`reversed`", expected)
    return ERROR if found is None else found[0]


def range_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    types = [integer(body, arg, "a bound of `range`") for arg in node.args]
    values = [body.constant(arg) for arg in node.args]
    signed = any(isinstance(v, int) and v < 0 for v in values[:2]) or any(
        isinstance(t, IntT) and t.signed and not isinstance(t, WeakInt) for t in types[:2])
    if (len(node.args) == 3 and values[2] is None) or (len(values) == 3 and values[2] == 0):
        return body.error("E0221", "the step of `range` is a constant, and not 0", node.args[2].span)
    item = INT256 if signed or (len(values) == 3 and values[2] is not None and values[2] < 0) else UINT256
    if any(v is None for v in values):
        return ListT(item, None)
    low, high, step = (0, *values, 1) if len(values) == 1 else (*values, 1)[:3]
    return ExactList(item, -((low - high) // step) if (low < high) == (step > 0) else 0)


def zip_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = [sequence(body, arg, "`zip`") for arg in node.args]
    known = [f for f in found if f is not None]
    if len(known) != len(found):
        return ERROR
    bounds = [bound_of(t) for t, _ in known]
    sizes = [length_of(t) for t, _ in known]
    item = TupleT(tuple(e for _, e in known))
    if all(s is not None for s in sizes):
        return ExactList(item, min(s for s in sizes if s is not None))
    return ListT(item, min((b for b in bounds if b is not None), default=None))


def enumerate_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = sequence(body, node.args[0], "`enumerate`")
    if found is None:
        return ERROR
    item = TupleT((UINT256, found[1]))
    return ExactList(item, length_of(found[0])) if length_of(found[0]) is not None else ListT(item, bound_of(found[0]))


def map_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = [sequence(body, arg, "`map`") for arg in node.args[1:]]
    known = [f for f in found if f is not None]
    if len(known) != len(found):
        calls_function(body, node, ())
        return ERROR
    result = calls_function(body, node, tuple(e for _, e in known))
    sizes = [length_of(t) for t, _ in known]
    if all(s is not None for s in sizes):
        return ExactList(result, min(s for s in sizes if s is not None))
    return ListT(result, min((b for t, _ in known if (b := bound_of(t)) is not None), default=None))


def filter_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = sequence(body, node.args[1], "`filter`")
    if found is None:
        return ERROR
    result = calls_function(body, node, (found[1],))
    if not isinstance(result, BoolT | ErrorT):
        return body.error("E0201", f"the function of `filter` gives a truth, and this one {plain(result)}",
                          node.args[0].span)
    return ListT(found[1], bound_of(found[0]))


def calls_function(body: Body, node: ast.Call, types: tuple[Type, ...]) -> Type:
    """The result of the function that is `node`'s first argument, for arguments of `types`."""
    return called(body, node, node.args[0], types)


def called(body: Body, node: ast.Call, function: ast.Expr, types: tuple[Type, ...]) -> Type:
    """The result of `function`, an argument of the call `node`, for arguments of `types`."""
    symbol = body.lookup(function.id) if isinstance(function, ast.Name) else of_module(body, function)
    called = symbol.kind in (Kind.FUNCTION, Kind.METHOD) if symbol is not None else False
    if symbol is None or not called or not isinstance(symbol.value, ast.FunctionDef):
        return body.error("E0205", "the first argument is the name of a function" if function is node.args[0] else
                          "`key` is the name of a function", function.span,
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


def dot_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = [sequence(body, arg, "`__dot`") for arg in node.args]
    if found[0] is None or found[1] is None:
        return ERROR
    common = joined(body, node, found[0][1], found[1][1])
    if isinstance(common, FixedT | ErrorT):
        return settle(common)
    return INT256 if isinstance(common, IntT) and common.signed else UINT256


def matmul_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    a, b = (settle(body.expr(arg)) for arg in node.args)
    if isinstance(a, ErrorT) or isinstance(b, ErrorT):
        return ERROR
    if not (isinstance(a, ArrayT) and isinstance(b, ArrayT) and len(a.dims) == len(b.dims) == 2):
        return body.error("E0207", f"{plain(a)} and {plain(b)} cannot be multiplied as matrices", node.span,
                          help="both need types that say their rows and columns, such as `m: int64[2, 3] = …`")
    if a.dims[1] != b.dims[0]:
        return body.error("E0207", f"matrices {plain(a)} and {plain(b)} cannot be multiplied", node.span,
                          help="the columns of the first must be as many as the rows of the second")
    common = joined(body, node, a.element, b.element)
    signed = isinstance(common, IntT) and common.signed
    element = common if isinstance(common, FixedT) else INT256 if signed else UINT256
    return ArrayT(element, (a.dims[0], b.dims[1]))


def transpose_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    type = body.expr(node.args[0])
    if isinstance(type, ArrayT) and len(type.dims) == 2:
        return ArrayT(type.element, type.dims[::-1])
    if isinstance(type, ExactList) and isinstance(type.element, ArrayT) and len(type.element.dims) == 1 and type.max:
        return ArrayT(type.element.element, (type.element.dims[0], type.max))
    if isinstance(type, ErrorT):
        return ERROR
    return body.error("E0207", f"{plain(type)} is not a matrix", node.span)


def circuit_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    """`__circuit(text, widths, inputs…)`, which only the function made of `circuit("FILE")` says."""
    text, widths, *_ = node.args
    if not isinstance(text, CircuitText) or not isinstance(widths, ast.ListLit):
        return body.error("E0205", f"`{INTRINSIC}` is not a function", node.function.span,
                          help='write `f = circuit("FILE")` at the top level, and call `f`')
    for arg in node.args:
        settle(body.expr(arg))
    found = tuple(ArrayT(BOOL, (item.value,)) for item in widths.items if isinstance(item, ast.IntLit))
    return found[0] if len(found) == 1 else TupleT(found)
