"""Typing rules of `sorted` and of the standard library's intrinsics on order."""

from collections.abc import Sequence

from enigmalang.semantics.context import Body
from enigmalang.semantics.places import integer
from enigmalang.semantics.relations import (
    HOLE,
    ExactList,
    WeakInt,
    bound_of,
    is_number,
    is_weak,
    length_of,
    plain,
    rebuild,
    settle,
)
from enigmalang.semantics.sequences import called, sequence
from enigmalang.syntax import ast
from enigmalang.types.types import (
    BOOL,
    ERROR,
    INT256,
    UINT256,
    ArrayT,
    BoolT,
    ErrorT,
    FixedT,
    IntT,
    ListT,
    TupleT,
    Type,
)


def sorted_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    """`sorted(xs)` by the numbers themselves; `key=` names a function of an item, `by=` is a list of keys beside it."""
    found = sequence(body, node.args[0], "`sorted`", expected)
    given = {k.name: k for k in node.keywords}
    if "key" in given and "by" in given:
        body.expr(given["by"].value)
        return body.error("E0204", "`sorted` goes by `key` or `by`, not both", given["by"].span)
    _reverse(body, node)
    if "by" in given:
        keys = sequence(body, given["by"].value, "`by`")
        if keys is not None:
            _keys(body, keys[1], given["by"].value, "`by` is a list of numbers, or of tuples of numbers")
            if is_weak(keys[0]):
                body.adapt(given["by"].value, settle(keys[0]))
    if found is None:
        return ERROR
    if "key" in given:
        made = called(body, node, given["key"].value, (settle(found[1]),))
        _keys(body, made, given["key"].value, "`key` gives a number, or a tuple of numbers")
    elif "by" not in given and not _comparable(found[1]):
        return body.error(
            "E0201", f"`sorted` needs numbers, and these are {plain(found[1])}", node.args[0].span,
            help="say what to go by: `sorted(people, key=age)` with a function `age` of an item, or "
            "`sorted(people, by=[p.age for p in people])`")
    return found[0]


def _reverse(body: Body, node: ast.Call) -> None:
    for keyword in node.keywords:
        if keyword.name == "reverse" and (body.expr(keyword.value) != BOOL or body.constant(keyword.value) is None):
            body.error("E0221", "`reverse` is `True` or `False`", keyword.span)


def _comparable(type: Type) -> bool:
    return is_number(type) or (isinstance(type, TupleT) and bool(type.items) and all(map(_is_key, type.items)))


def _is_key(type: Type) -> bool:
    return is_number(type) or isinstance(type, BoolT | ErrorT)


def _keys(body: Body, type: Type, node: ast.Expr, message: str) -> None:
    if not isinstance(type, ErrorT) and not _is_key(type) and not _comparable(type):
        body.error("E0201", f"{message}, and this has {plain(type)}", node.span)


# ---- intrinsics: the standard library calls these, and knows what they want


def sort_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    """`__sort(keys, rows…, reverse=True, ranks=places)`: the lists in the order of the first."""
    _reverse(body, node)
    found = _lists(body, node.args)
    ranks = next((k.value for k in node.keywords if k.name == "ranks"), None)
    if ranks is not None:
        places = sequence(body, ranks, "`ranks`")
        if places is None:
            return ERROR
        if is_weak(places[0]):
            body.adapt(ranks, ListT(UINT256, None))
        if found is not None:
            return _together([_as_many(places[0], element) for _, element in found])
    return ERROR if found is None else _together([t for t, _ in found])


def _as_many(places: Type, element: Type) -> Type:
    """A list of as many elements as places are asked for."""
    size = length_of(places)
    return ListT(element, bound_of(places)) if size is None else ExactList(element, size)


def _lists(body: Body, nodes: Sequence[ast.Expr]) -> list[tuple[Type, Type]] | None:
    found = [sequence(body, n, "an order") for n in nodes]
    for node, item in zip(nodes, found, strict=True):
        if item is not None and is_weak(item[0]):
            body.adapt(node, settle(item[0]))
    known = [(settle(f[0]), settle(f[1])) for f in found if f is not None]
    return known if len(known) == len(found) else None


def _together(types: Sequence[Type]) -> Type:
    return types[0] if len(types) == 1 else TupleT(tuple(types))


def moved_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    """`__permute(order, rows…)`, `__spread(flags, rows…)`: the rows alone."""
    found = _lists(body, node.args)
    return ERROR if found is None else _together([t for t, _ in found[1:]])


def shuffle_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = _lists(body, node.args)
    return ERROR if found is None else _together([t for t, _ in found])


def cumsum_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    found = sequence(body, node.args[0], "`cumsum`")
    if found is None:
        return HOLE if not body.final else ERROR
    element: Type
    match found[1]:
        case WeakInt():
            element = UINT256 if found[1].least >= 0 else INT256
            body.adapt(node.args[0], ListT(element, None))
        case IntT(signed=signed):
            element = INT256 if signed else UINT256
        case BoolT():
            element = UINT256
        case FixedT() | ErrorT():
            element = settle(found[1])
            body.adapt(node.args[0], ListT(element, None))
        case _:
            return body.error("E0201", f"running sums are of numbers, and these are {plain(found[1])}", node.span)
    if isinstance(found[0], ArrayT):
        return ArrayT(element, found[0].dims)
    return rebuild(found[0], lambda _: element)


def zeros_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    """`__zeros(rows, n)`: n zeros of the kind of the rows."""
    found = sequence(body, node.args[0], "`zeros`")
    integer(body, node.args[1], "the number")
    return ERROR if found is None else ListT(settle(found[1]), None)


def like_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    """`__like(x, y)`: x with the type and range of y."""
    x, y = (settle(body.expr(arg)) for arg in node.args)
    if not (is_number(x) and is_number(y)):
        return body.error("E0201", f"{plain(x)} is not like {plain(y)}", node.span)
    return y
