"""Statements: what they need, which variables they give values, and whether the next one is reached."""

from enigmalang.semantics.assignments import assign, augment, bind_variable, check_new_name, declare, is_new, names_of
from enigmalang.semantics.builtins import decided
from enigmalang.semantics.comprehensions import iterated, parts_of
from enigmalang.semantics.context import Body, Variable, a, declared_at, kind_name
from enigmalang.semantics.events import check_event
from enigmalang.semantics.model import Kept, Kind, Symbol
from enigmalang.semantics.operators import truth
from enigmalang.semantics.places import integer, of_module
from enigmalang.semantics.relations import (
    ExactList,
    is_weak,
    join,
    length_of,
    plain,
)
from enigmalang.semantics.targets import check_storable
from enigmalang.syntax import ast
from enigmalang.types.types import (
    BOOL,
    NONE,
    AddressT,
    ErrorT,
    IdentityT,
    ListT,
    NoneT,
    StringT,
    Type,
)

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
        _parameters(body, node)
    elif isinstance(node, ast.Module):
        _kept(body)
    reached = block(body, _statements(body))
    if isinstance(node, ast.FunctionDef | ast.PredicateDecl):
        _check_end(body, node, reached)


def _parameters(body: Body, node: ast.FunctionDef | ast.PredicateDecl) -> None:
    signature = body.program.signature(node)
    for param, type in zip(signature.params, body.instance.param_types, strict=True):
        check_new_name(body, param.name, param.node.span)
        if param.name not in body.variables:
            symbol = Symbol(Kind.PARAM, param.name, param.node, private=param.private)
            body.variables[param.name] = Variable(symbol, type, param.type is not None, param.node.span)
        body.instance.names[param.node] = body.variables[param.name].symbol
        body.instance.types[param.node] = type
        body.assigned.add(param.name)
        if param.private:
            body.instance.private_locals.add(param.name)
        default = param.node.default
        if default is not None:
            body.value_of(default, type, f"the parameter `{param.name}`")
            if body.constant(default) is None and not isinstance(body.instance.types.get(default), ErrorT):
                body.error("E0221", "a default is known before the program runs", default.span,
                           help="use a literal or a `const`")


def _kept(body: Body) -> None:
    """The variables of a session that earlier inputs gave their values."""
    for kept in body.program.kept:
        if kept.name not in body.variables:
            symbol = Symbol(Kind.LOCAL, kept.name, None, private=kept.private)
            body.variables[kept.name] = Variable(symbol, _counted(kept), kept.declared, kept.span)
        body.assigned.add(kept.name)
        if kept.private:
            body.instance.private_locals.add(kept.name)


def _counted(kept: Kept) -> Type:
    """The variable's type; of a list whose type nobody wrote down the number of elements is known by now."""
    match kept.type:
        case ListT(element=element) if not kept.declared and kept.lens[0] and kept.lens[0][0]:
            return ExactList(element, kept.lens[0][0])
        case _:
            return kept.type


def _check_end(body: Body, node: ast.FunctionDef | ast.PredicateDecl, reached: bool) -> None:
    result = body.program.signature(node).result
    wanted = result if result is not None else body.result
    if reached and wanted is not None and not isinstance(wanted, NoneT | ErrorT):
        span = node.name_span if isinstance(node, ast.FunctionDef) else node.span
        body.error("E0212", f"`{node.name}` gives {a(plain(wanted))}, but can end without a `return`", span,
                   help="end every way through it with `return …`")


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
            _return(body, node)
            return False
        case ast.Raise():
            _raise(body, node)
            return False
        case ast.Require():
            _require(body, node)
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


def _return(body: Body, node: ast.Return) -> None:
    function = body.instance.node
    if not isinstance(function, ast.FunctionDef | ast.PredicateDecl):
        if node.value is not None:
            body.expr(node.value)
        body.error("E0216", "`return` stands outside of a function", node.span, help="it belongs into a `def`")
        return
    want = body.program.signature(function).result
    if node.value is None:
        _return_nothing(body, node, want)
    elif want is None:
        wanted = body.result if body.result is not None and not is_weak(body.result) else None
        _join_result(body, node, check_storable(body, node.value, body.expr(node.value, wanted)))
    elif isinstance(want, NoneT):
        body.expr(node.value)
        name = function.name
        if name == "init":
            body.error("E0212", "`init` gives no value", node.span, help="write `return` alone")
        else:
            body.error("E0212", f"`{name}` gives no value, as its first line says", node.value.span,
                       help=f"write the type: `def {name}(…) -> uint32:`")
    else:
        got = check_storable(body, node.value, body.expr(node.value, want))
        body.coerce(node.value, got, want, f"the result of `{function.name}`")


def _return_nothing(body: Body, node: ast.Return, want: Type | None) -> None:
    if want is not None and not isinstance(want, NoneT | ErrorT):
        body.error("E0212", f"{a(want)} must be returned here", node.span, help="write `return …` with a value")
    elif want is None:
        _join_result(body, node, NONE)


def _join_result(body: Body, node: ast.Return, got: Type) -> None:
    if body.result is None or isinstance(got, ErrorT):
        body.result = got if body.result is None else body.result
        return
    joined = join(body.result, got)
    if joined is None:
        body.error("E0212", f"this gives {plain(got)}, and another `return` gives {plain(body.result)}", node.span,
                   help="let every `return` give the same type")
        return
    body.result = joined


def _require(body: Body, node: ast.Require) -> None:
    truth(body, node.condition, body.expr(node.condition, BOOL), "`require`")
    _require_lengths(body, node)
    match node.message:
        case None:
            pass
        case ast.Call() if _names_error(body, node.message.function):
            call = node.message
            check_event(body, call.function, Kind.ERROR, call.args, call.keywords, call.span)
        case ast.Name() | ast.Attribute() if _names_error(body, node.message):
            check_event(body, node.message, Kind.ERROR, (), (), node.message.span)
        case ast.Call(function=ast.Name(id=name) as function) if body.lookup(name) is None:
            check_event(body, function, Kind.ERROR, node.message.args, node.message.keywords, node.message.span)
        case _:
            got = body.expr(node.message)
            if not isinstance(got, StringT | ErrorT):
                body.error("E0218", f"after the comma of `require` comes a text or an error, and this is {plain(got)}",
                           node.message.span, help='as in `require x > 0, "too small"`')


def _require_lengths(body: Body, node: ast.Require) -> None:
    """`require len(a) == len(b)`, which a function always asks, of arrays known to differ: no call succeeds."""
    if body.instance.kind != "def" or node not in body.instance.node.body:
        return
    match node.condition:
        case ast.Compare(left=ast.Call() as one, ops=("==",), rights=(ast.Call() as other,)):
            both = [call.args[0] for call in (one, other) if body.instance.builtins.get(call) == "len"]
            sizes = [length_of(type) for arg in both if (type := body.instance.types.get(arg)) is not None]
            if len(sizes) == 2 and None not in sizes and sizes[0] != sizes[1]:
                body.error("E0217", f"these have {sizes[0]} and {sizes[1]} elements, and must have equally many",
                           node.condition.span)


def _names_error(body: Body, node: ast.Expr) -> bool:
    symbol = body.lookup(node.id) if isinstance(node, ast.Name) else of_module(body, node)
    return symbol is not None and symbol.kind is Kind.ERROR


def _raise(body: Body, node: ast.Raise) -> None:
    match node.error:
        case ast.Call(function=function, args=args, keywords=keywords):
            check_event(body, function, Kind.ERROR, args, keywords, node.error.span)
        case ast.Name() | ast.Attribute():
            check_event(body, node.error, Kind.ERROR, (), (), node.error.span)
        case _:
            got = body.expr(node.error)
            if not isinstance(got, StringT | ErrorT):
                body.error("E0218", "`raise` takes an error or a text", node.error.span,
                           help="declare `error TooSmall(least: uint256)`, then `raise TooSmall(5)`")


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

