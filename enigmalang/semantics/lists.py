"""Methods of lists, and variables whose type grows with what is put into them."""

from enigmalang.diagnostics import Note
from enigmalang.semantics.arguments import check_arguments
from enigmalang.semantics.context import Body, a, declared_at, kind_name, near
from enigmalang.semantics.model import Kind, Member
from enigmalang.semantics.relations import join, plain, settle
from enigmalang.semantics.targets import target
from enigmalang.syntax import ast
from enigmalang.types.types import (
    NONE,
    ListT,
    Type,
)


def list_method(body: Body, node: ast.Call, function: ast.Attribute, owner: ListT) -> Type:
    if function.name not in ("append", "pop"):
        check_arguments(body, node)
        return body.error("E0106", f"lists have no `{function.name}`", function.span,
                          help=near(function.name, ["append", "pop"]) or "they have `append` and `pop`; write the rest "
                          "with comprehensions, slices, and `sorted`, `reversed`")
    body.instance.members[function] = Member("list", function.name)
    body.instance.builtins[node] = function.name
    changes(body, function.value)
    wanted = 1 if function.name == "append" else 0
    if len(node.args) != wanted or node.keywords:
        check_arguments(body, node)
        return body.error("E0203", f"`{function.name}` takes {('no argument', 'one argument')[wanted]}", node.span)
    if function.name == "pop":
        return owner.element
    return _append(body, node.args[0], function.value, owner)


def _append(body: Body, item: ast.Expr, place: ast.Expr, owner: ListT) -> Type:
    got = body.expr(item, owner.element)
    variable = body.variables.get(place.id) if isinstance(place, ast.Name) else None
    if isinstance(place, ast.Name) and variable is not None and not variable.declared \
            and body.instance.names.get(place) is variable.symbol:
        grow(body, variable.symbol.name, ListT(got, None), item)
        return NONE
    body.coerce(item, got, owner.element, "an element of this list")
    return NONE


def grow(body: Body, name: str, type: Type, node: ast.Expr) -> None:
    """`name` takes a value of `type` too: join, or complain in the last round."""
    variable = body.variables[name]
    joined = join(variable.type, type)
    if joined is None:
        body.error("E0201", f"`{name}` is {a(plain(settle(variable.type)))}, and this is {plain(settle(type))}",
                   node.span, notes=(Note(variable.span, f"`{name}` has its first value here"),),
                   help="use another name for a value of another type")
        return
    if isinstance(joined, ListT) and body.round >= 4:
        joined = ListT(joined.element, None)
    if joined != variable.type:
        body.grew = True
        variable.type = joined
    body.adapt(node, variable.type)


def changes(body: Body, place: ast.Expr) -> None:
    """`place` is changed by a method: it must be a variable's, or own state."""
    if isinstance(place, ast.Attribute | ast.Index):
        target(body, place)
        return
    symbol = body.instance.names.get(place)
    if symbol is not None and symbol.kind is Kind.STATE:
        body.effects.append(("write", place.span, f"changes `{symbol.name}`"))
    elif symbol is not None and symbol.kind not in (Kind.LOCAL, Kind.PARAM):
        body.error("E0108", f"`{symbol.name}` is {kind_name(symbol.kind)} and cannot change", place.span,
                   notes=declared_at(symbol), help="copy it to a variable of your own first")
    elif symbol is None:
        body.error("E0108", "this is a value without a name: the change would be lost", place.span,
                   help="give it a name first")
