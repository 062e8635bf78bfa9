"""Statements: what they need, which variables they give values, and whether the next one is reached."""

from enigmalang.semantics.assignments import assign, augment, bind_variable, check_new_name, declare, is_new, names_of
from enigmalang.semantics.builtins import decided
from enigmalang.semantics.comprehensions import iterated, parts_of
from enigmalang.semantics.context import Body, declared_at, kind_name
from enigmalang.semantics.events import check_event
from enigmalang.semantics.failures import check_raise, check_require
from enigmalang.semantics.model import Kind, Symbol
from enigmalang.semantics.operators import truth
from enigmalang.semantics.parameters import define_kept, define_parameters
from enigmalang.semantics.places import integer
from enigmalang.semantics.relations import plain
from enigmalang.semantics.returns import check_end, check_return
from enigmalang.syntax import ast
from enigmalang.types.types import BOOL, AddressT, ErrorT, IdentityT, StringT, Type

# ----------------------------------------------------------------------------------------------- whole bodies


def assigned_names(body: Body) -> set[str]:
    """The names that the body's statements make variables of."""
    node = body.instance.node
    found: set[str] = set()
    for statement in _statements(body):
        _assigned(body, statement, found)
    return found - {p.name for p in getattr(node, "params", ())}


def _statements(body: Body) -> tuple[ast.Stmt, ...]:
    node = body.instance.node
    if isinstance(node, ast.Module):
        return tuple(s for s in node.body if is_statement(s))  # type: ignore[misc]
    return node.body


def is_statement(node: ast.Node) -> bool:
    return not isinstance(
        node, ast.Import | ast.FromImport | ast.ConstDecl | ast.StructDecl | ast.EnumDecl | ast.InterfaceDecl
        | ast.PredicateDecl | ast.FunctionDef | ast.ContractDef | ast.TestDef | ast.EventDecl | ast.ErrorDecl)


def _assigned(body: Body, node: ast.Stmt, found: set[str]) -> None:
    match node:
        case ast.VarDecl():
            found.add(node.name)
        case ast.Assign():
            found.update(n.id for n in names_of(node.target) if is_new(body, n.id))
        case ast.For():
            found.update(n.id for n in names_of(node.target))
        case _:
            pass
    for child in ast.children(node):
        if isinstance(child, ast.If | ast.For | ast.While | ast.As | ast.ExpectRevert | ast.ExpectLeak | ast.VarDecl
                      | ast.Assign | ast.AugAssign):
            _assigned(body, child, found)


def check_body(body: Body) -> None:
    """One round over the whole body."""
    node = body.instance.node
    if isinstance(node, ast.FunctionDef | ast.PredicateDecl):
        define_parameters(body, node)
    elif isinstance(node, ast.Module):
        define_kept(body)
    reached = block(body, _statements(body))
    if isinstance(node, ast.FunctionDef | ast.PredicateDecl):
        check_end(body, node, reached)


def block(body: Body, statements: tuple[ast.Stmt, ...]) -> bool:
    reached = True
    for statement in statements:
        reached = _statement(body, statement) and reached
    return reached


def _statement(body: Body, node: ast.Stmt) -> bool:
    match node:
        case ast.VarDecl():
            declare(body, node)
        case ast.Assign():
            assign(body, node)
        case ast.AugAssign():
            augment(body, node)
        case ast.ExprStmt():
            body.expr(node.value)
        case ast.If():
            return _if(body, node)
        case ast.For():
            _for(body, node)
        case ast.While():
            return _while(body, node)
        case ast.Break() | ast.Continue():
            _leave_loop(body, node)
            return False
        case ast.Return():
            check_return(body, node)
            return False
        case ast.Raise():
            check_raise(body, node)
            return False
        case ast.Require():
            check_require(body, node)
        case ast.Emit():
            body.effects.append(("write", node.span, "emits an event"))
            check_event(body, node.event, Kind.EVENT, node.args, node.keywords, node.span)
        case ast.Pass():
            pass
        case _:
            return _client(body, node)
    return True


def _client(
    body: Body, node: ast.Assert | ast.IdentityDecl | ast.As | ast.ExpectRevert | ast.ExpectLeak | ast.Advance,
) -> bool:
    """Statements of scripts and tests."""
    body.effects.append(("client", node.span, _CLIENT_WORDS[type(node)]))
    match node:
        case ast.Assert():
            truth(body, node.condition, body.expr(node.condition, BOOL), "`assert`")
            if node.message is not None:
                body.value_of(node.message, StringT(None), "the message")
        case ast.IdentityDecl():
            for name in node.names:
                _identity(body, name)
        case ast.As():
            return _as(body, node)
        case ast.ExpectRevert():
            _expect_revert(body, node)
        case ast.ExpectLeak():
            before = set(body.assigned)
            block(body, node.body)
            body.assigned = before
        case ast.Advance():
            integer(body, node.amount, "how far to advance")
    return True


_CLIENT_WORDS: dict[type, str] = {
    ast.Assert: "uses `assert`", ast.IdentityDecl: "declares an identity", ast.As: "uses `as`",
    ast.ExpectRevert: "uses `expect`", ast.ExpectLeak: "uses `expect`", ast.Advance: "uses `advance`",
}


# ----------------------------------------------------------------------------------------------------- control


def _if(body: Body, node: ast.If) -> bool:
    truth(body, node.condition, body.expr(node.condition, BOOL), "the condition")
    side = decided(body, node.condition)
    if side is not None:
        body.instance.decided[node] = side
        return block(body, node.then if side else node.otherwise)
    before = set(body.assigned)
    then = block(body, node.then)
    after_then = body.assigned
    body.assigned = set(before)
    otherwise = block(body, node.otherwise)
    if then and otherwise:
        body.assigned = after_then & body.assigned
    elif then:
        body.assigned = after_then
    elif not otherwise:
        body.assigned = after_then | body.assigned
    return then or otherwise


def _for(body: Body, node: ast.For) -> None:
    element, _, _ = iterated(body, node.iterable)
    before = set(body.assigned)
    _for_target(body, node.target, element)
    body.breaks.append(False)
    block(body, node.body)
    body.breaks.pop()
    body.assigned = before


def _for_target(body: Body, node: ast.Expr, type: Type) -> None:
    match node:
        case ast.Name():
            if check_new_name(body, node.id, node.span):
                bind_variable(body, node.id, type, node, None)
                body.instance.types[node] = body.variables[node.id].type
        case ast.TupleLit():
            body.instance.types[node] = type
            for item, part in zip(node.items, parts_of(body, node, type, node), strict=True):
                _for_target(body, item, part)
        case _:
            body.error("E0108", "a loop assigns to names only", node.span, help="assign inside the loop")


def _while(body: Body, node: ast.While) -> bool:
    truth(body, node.condition, body.expr(node.condition, BOOL), "the condition")
    if node.max is not None:
        got = integer(body, node.max, "the number of steps")
        value = body.constant(node.max)
        if not isinstance(got, ErrorT) and (not isinstance(value, int) or value < 0):
            body.error("E0221", "the greatest number of steps must be a constant", node.max.span,
                       help="write a number or a `const` after `max`")
    before = set(body.assigned)
    body.breaks.append(False)
    block(body, node.body)
    left = body.breaks.pop()
    body.assigned = before
    forever = body.constant(node.condition) is True and node.max is None
    return left or not forever


def _leave_loop(body: Body, node: ast.Break | ast.Continue) -> None:
    word = "break" if isinstance(node, ast.Break) else "continue"
    if not body.breaks:
        body.error("E0216", f"`{word}` stands outside of a loop", node.span, help="it belongs into a `for` or `while`")
    elif isinstance(node, ast.Break):
        body.breaks[-1] = True


# ------------------------------------------------------------------------------------------- scripts and tests


def _identity(body: Body, node: ast.Name) -> None:
    if node.id in body.locals or body.outer(node.id) is not None:
        outer = body.outer(node.id)
        what = kind_name(outer.kind) if outer is not None else "a variable"
        body.error("E0102", f"`{node.id}` is {what} already", node.span, help="rename one of them")
        return
    if node.id in body.identities and body.final:
        body.error("E0102", f"the identity `{node.id}` is declared twice", node.span,
                   notes=declared_at(body.identities[node.id]), help="once is enough")
    body.identities[node.id] = symbol = Symbol(Kind.IDENTITY, node.id, node)
    body.instance.names[node] = symbol


def _as(body: Body, node: ast.As) -> bool:
    who = body.expr(node.who, IdentityT())
    if not isinstance(who, IdentityT | AddressT | ErrorT):
        body.error("E0201", f"`as` names an identity, and this is {plain(who)}", node.who.span,
                   help="declare one: `identity alice`")
    return block(body, node.body)


def _expect_revert(body: Body, node: ast.ExpectRevert) -> None:
    name = node.message.id if isinstance(node.message, ast.Name) else None
    if name is not None and body.lookup(name) is None and _some_error(body, name):
        body.instance.constants[node.message] = name  # type: ignore[index]
        body.instance.types[node.message] = StringT(None)  # type: ignore[index]
    elif node.message is not None:
        body.value_of(node.message, StringT(None), "the message of the revert")
    before = set(body.assigned)
    block(body, node.body)
    body.assigned = before


def _some_error(body: Body, name: str) -> bool:
    return any(s.kind is Kind.ERROR for c in body.program.contracts.values() if (s := c.symbols.get(name)) is not None)
