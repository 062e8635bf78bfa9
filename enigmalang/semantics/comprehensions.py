"""What is iterated, in `for` and in comprehensions, and the targets that take its elements."""

from enigmalang.semantics.context import Body, Variable
from enigmalang.semantics.model import Kind, Symbol
from enigmalang.semantics.names import is_firm
from enigmalang.semantics.operators import truth
from enigmalang.semantics.relations import (
    ExactList,
    Hole,
    as_element,
    bound_of,
    element_of,
    length_of,
    plain,
    settle,
    unfixed,
)
from enigmalang.syntax import ast
from enigmalang.types.types import BOOL, ERROR, ArrayT, ErrorT, ListT, MapT, StringT, TupleT, Type


def iterated(body: Body, node: ast.Expr) -> tuple[Type, int | None, bool]:
    """Check what is iterated: the type of its elements, their greatest number, and whether it is exactly that."""
    type = body.expr(node)
    element = element_of(type)
    if element is not None:
        return known_element(body, node, element), bound_of(type), length_of(type) is not None
    if not isinstance(type, ErrorT):
        help = "keep the keys in a list beside the map, and iterate over that" if isinstance(type, MapT) else \
            "count with `range(n)`" if not isinstance(type, StringT) else None
        body.error("E0206", f"{plain(type)} cannot be iterated", node.span, help=help)
    return type if isinstance(type, ErrorT) else ERROR, None, False


def known_element(body: Body, node: ast.Expr, element: Type) -> Type:
    """`element`, unless it is that of a `[]` nobody put anything into."""
    if isinstance(element, Hole) and body.final and isinstance(node, ast.ListLit) and not node.items:
        return body.error("E0211", "the type of the elements of this empty list is not known", node.span,
                          help="give it a name with a type: `xs: list[uint32, 100] = []`")
    return element


def parts_of(body: Body, target: ast.TupleLit, type: Type, source: ast.Expr) -> list[Type]:
    """The types of the items of `type`, one for each name of `target`."""
    count = len(target.items)
    if isinstance(type, ErrorT):
        return [type] * count
    if isinstance(type, TupleT) and len(type.items) == count:
        return list(type.items)
    inner = element_of(type)
    if inner is not None and length_of(type) == count:
        return [inner] * count
    what = f"{len(type.items)} values" if isinstance(type, TupleT) else str(plain(type))
    body.error("E0201", f"{what} cannot be unpacked into {count} names", target.span,
               help="the number of names must be the number of values")
    return [ERROR] * count


def comprehension(body: Body, node: ast.Comprehension, expected: Type | None) -> Type:
    bound: int | None = 1
    exact = True
    body.scopes.append({})
    for clause in node.clauses:
        element, size, precise = iterated(body, clause.iterable)
        body.scopes.append({})
        _bind(body, clause.target, element, clause.iterable)
        for condition in clause.conditions:
            truth(body, condition, body.expr(condition, BOOL), "the condition")
        exact = exact and precise and not clause.conditions
        bound = None if bound is None or size is None else bound * size
    got = body.expr(node.element, element_of(expected) if expected is not None else None)
    even = isinstance(got, ListT) and _same_length(body, node.element)
    del body.scopes[-1 - len(node.clauses):]
    return _listed(body, node, got, bound, exact, expected, even)


def _same_length(body: Body, node: ast.Expr) -> bool:
    """Whether a list has the same length for every element of the comprehension around it."""
    match node:
        case ast.Name():
            return not any(node.id in scope for scope in body.scopes)
        case ast.Comprehension():
            inner = {n.id for c in node.clauses for n in ast.walk(c.target) if isinstance(n, ast.Name)}
            used = {n.id for c in node.clauses for n in ast.walk(c.iterable) if isinstance(n, ast.Name)} - inner
            return not any(c.conditions for c in node.clauses) and not any(
                name in scope for name in used for scope in body.scopes)
        case _:
            return False


def _bind(body: Body, target: ast.Target, type: Type, source: ast.Expr) -> None:
    """Declare the names of a comprehension's target."""
    match target:
        case ast.Name():
            if is_firm(target.id):
                body.error("E0109", f"`{target.id}` is a word of the language, no variable can have this name",
                           target.span, help=f"another name, such as `my_{target.id}`")
            if (outer := body.outer(target.id)) is not None and outer.kind is Kind.STATE:
                body.error("E0109", f"`{target.id}` is state of the contract", target.span, help="use another name")
            symbol = Symbol(Kind.LOCAL, target.id, target)
            body.scopes[-1][target.id] = Variable(symbol, type, True, target.span)
            body.instance.names[target] = symbol
            body.instance.types[target] = type
            if target.id not in body.locals and target.id not in body.variables:
                _publish(body, target.id, type)
        case ast.TupleLit():
            body.instance.types[target] = type
            for item, part in zip(target.items, parts_of(body, target, type, source), strict=True):
                assert isinstance(item, ast.Name | ast.Attribute | ast.Index | ast.TupleLit)
                _bind(body, item, part, source)
        case _:
            body.error("E0108", "a comprehension assigns to names only", target.span)


def _publish(body: Body, name: str, type: Type) -> None:
    """Let lowering know the target's type, unless another target of this name has a different one."""
    table = body.instance.variables
    known = table.setdefault(name, plain(type))
    if body.final and known != plain(settle(type)):
        table[name] = ERROR


def _listed(body: Body, node: ast.Comprehension, got: Type, bound: int | None, exact: bool,
            expected: Type | None, even: bool) -> Type:
    element = as_element(got)
    if isinstance(element, ArrayT) and not isinstance(got, ArrayT):
        body.instance.types[node.element] = element
    varying = unfixed(element.element if isinstance(element, ListT) and even else element)
    if varying is not None:
        return body.error(
            "E0217", "the rows of this list may have different lengths", node.element.span,
            help="rows of a matrix have a fixed length: iterate over an array, or over `range` of a constant")
    if bound == 0:
        exact = False
    if isinstance(expected, ArrayT) and exact and bound == expected.dims[0]:
        return expected if settle(element) == element_of(expected) else ExactList(element, bound)
    return ExactList(element, bound) if exact and bound is not None else ListT(element, bound)
