"""What can be assigned to, and what can be stored in a variable."""

from enigmalang.semantics import databases
from enigmalang.semantics.context import Body, declared_at, kind_name
from enigmalang.semantics.model import Kind
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ERROR,
    MapT,
    NoneT,
    Type,
)


def target(body: Body, node: ast.Attribute | ast.Index) -> Type:
    """The type of a place that is assigned to (a part of a variable, of state, or an entry of a database)."""
    type = body.expr(node)
    root: ast.Expr = node
    while isinstance(root, ast.Attribute | ast.Index):
        if isinstance(root, ast.Attribute) and _fixed_member(body, root):
            return ERROR
        if isinstance(root, ast.Attribute) and (member := body.instance.members.get(root)) is not None \
                and member.kind == "state":
            _wrote_state(body, node, root.name)
            return type
        if isinstance(root, ast.Index) and databases.is_database(body, root.value):
            databases.wrote(body, node)
            return type
        root = root.value
    _check_root(body, node, root)
    return type


def _fixed_member(body: Body, node: ast.Attribute) -> bool:
    """Whether `node` is a member that cannot be assigned to; then it was reported."""
    member = body.instance.members.get(node)
    if member is None or member.kind == "field":
        return False
    own = isinstance(node.value, ast.Name) and node.value.id == "self" and body.contract is not None
    if member.kind == "state" and own and member.symbol is not None and member.symbol.kind is Kind.STATE:
        return False
    help = "call a function of the contract that changes it" if member.kind == "state" else None
    body.error("E0108", f"`{node.name}` cannot be assigned to", node.span, help=help)
    return True


def _wrote_state(body: Body, node: ast.Expr, name: str) -> None:
    body.effects.append(("write", node.span, f"sets `{name}`"))


def _check_root(body: Body, node: ast.Expr, root: ast.Expr) -> None:
    symbol = body.instance.names.get(root)
    if symbol is None:
        if not isinstance(root, ast.Name):
            body.error("E0108", "this is a value, not a place that can be assigned to", node.span,
                       help="give it a name first")
        return
    if symbol.kind is Kind.STATE:
        _wrote_state(body, node, symbol.name)
    elif symbol.kind not in (Kind.LOCAL, Kind.PARAM):
        body.error("E0108", f"`{symbol.name}` is {kind_name(symbol.kind)} and cannot change", node.span,
                   help="copy it to a variable of your own first", notes=declared_at(symbol))


def check_storable(body: Body, node: ast.Expr, type: Type) -> Type:
    """A value for a variable: not nothing, and not a whole map."""
    if isinstance(type, NoneT):
        return body.error("E0201", "this gives no value", node.span, help="leave out the assignment")
    if isinstance(type, MapT):
        return body.error("E0201", "a map stays where it is: it cannot be copied", node.span,
                          help="read the entries that are needed: `m[key]`")
    return type
