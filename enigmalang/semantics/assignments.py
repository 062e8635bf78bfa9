"""Variables: declared, assigned, unpacked, changed."""

from enigmalang.diagnostics import Note
from enigmalang.semantics import databases
from enigmalang.semantics.comprehensions import parts_of
from enigmalang.semantics.context import Body, Variable, a, declared_at, kind_name
from enigmalang.semantics.lists import grow
from enigmalang.semantics.model import Kind, Symbol
from enigmalang.semantics.names import is_firm
from enigmalang.semantics.operators import combine
from enigmalang.semantics.relations import (
    WeakInt,
    is_weak,
    join,
    not_private,
    plain,
    secret,
    settle,
)
from enigmalang.semantics.targets import check_storable, target
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ErrorT,
    ListT,
    TupleT,
    Type,
)

_CONTEXT_WORDS = frozenset(("value", "now", "block"))


PRIVATE_HELP = "numbers, truths, enums, and lists, arrays and structs of them can be private"


def names_of(node: ast.Target) -> list[ast.Name]:
    if isinstance(node, ast.Name):
        return [node]
    if isinstance(node, ast.TupleLit):
        return [n for item in node.items if isinstance(item, ast.Name | ast.TupleLit) for n in names_of(item)]
    return []


def is_new(body: Body, name: str) -> bool:
    """Whether an assignment to `name` makes a variable: it does not mean state, or something that cannot change."""
    outer = body.outer(name)
    return outer is None or _may_hide(body, outer)


def _may_hide(body: Body, outer: Symbol) -> bool:
    """Soft names of the language may be used again for a variable."""
    if outer.kind is not Kind.BUILTIN or is_firm(outer.name):
        return False
    return body.contract is None or outer.name not in _CONTEXT_WORDS


def check_new_name(body: Body, name: str, span: Span) -> bool:
    """Whether a variable may be called `name`."""
    if is_firm(name) or (body.contract is not None and name in _CONTEXT_WORDS):
        body.error("E0109", f"`{name}` is a word of the language, no variable can have this name", span,
                   help=f"another name, such as `{'amount' if name == 'value' else f'my_{name}'}`")
        return False
    state = body.contract.symbols.get(name) if body.contract else None
    if state is not None and state.kind is Kind.STATE:
        body.error("E0109", f"`{name}` is state of the contract already", span, notes=declared_at(state),
                   help=f"another name, such as `new_{name}`")
        return False
    return True


def bind_variable(body: Body, name: str, type: Type, node: ast.Node, value: ast.Expr | None) -> None:
    """The variable `name` takes a value of `type`."""
    if isinstance(type, ListT) and body.round >= 4 and not body.final:
        type = ListT(type.element, None)
    symbol = _variable_symbol(body, name, type, node)
    body.instance.names[node] = symbol
    variable = body.variables[name]
    if variable.declared:
        if value is not None:
            body.coerce(value, type, variable.type, f"`{name}`")
    elif value is not None:
        grow(body, name, type, value)
    elif not isinstance(type, ErrorT):
        joined = join(variable.type, type)
        if joined is None:
            body.error("E0201", f"`{name}` is {a(plain(settle(variable.type)))}, and this is {plain(settle(type))}",
                       node.span, notes=(Note(variable.span, f"`{name}` has its first value here"),),
                       help="use another name for a value of another type")
        elif joined != variable.type:
            body.grew = True
            variable.type = joined
    body.assigned.add(name)


def _variable_symbol(body: Body, name: str, type: Type, node: ast.Node) -> Symbol:
    if name not in body.variables:
        body.variables[name] = Variable(Symbol(Kind.LOCAL, name, node), type, False, node.span)
    return body.variables[name].symbol


def declare(body: Body, node: ast.VarDecl) -> None:
    """`x: T = e`, `private x = e`, `x: T`."""
    if not check_new_name(body, node.name, node.name_span):
        if node.value is not None:
            body.expr(node.value)
        return
    want = body.type_at(node.annotation) if node.annotation is not None else None
    if want is not None:
        want = check_storable(body, node.annotation, want) if node.annotation is not None else want
    got = _declared_value(body, node, want)
    type = want if want is not None else got
    _check_redeclared(body, node, type)
    if node.name not in body.variables:
        symbol = Symbol(Kind.LOCAL, node.name, node, private=node.private)
        body.variables[node.name] = Variable(symbol, type, want is not None, node.name_span)
    variable = body.variables[node.name]
    if want is None and node.value is not None:
        grow(body, node.name, type, node.value)
    body.assigned.add(node.name)
    body.instance.names[node] = variable.symbol
    body.instance.types[node] = variable.type
    if node.private:
        _check_private(body, node, variable.type)
        body.instance.private_locals.add(node.name)


def _declared_value(body: Body, node: ast.VarDecl, want: Type | None) -> Type:
    if node.value is None:
        if want is None:
            return body.error("E0211", f"`{node.name}` needs a type or a value", node.span,
                              help=f"`private {node.name}: uint32 = …`")
        return want
    if want is not None:
        return body.value_of(node.value, want, f"`{node.name}`")
    got = check_storable(body, node.value, body.expr(node.value))
    if node.private and isinstance(got, WeakInt):
        got = secret(got)
        body.coerce(node.value, got, got, f"`{node.name}`")
    return got


def _check_redeclared(body: Body, node: ast.VarDecl, type: Type) -> None:
    variable = body.variables.get(node.name)
    if variable is None or variable.span == node.name_span:
        return
    if node.annotation is not None and plain(variable.type) != plain(type) and body.final:
        body.error("E0102", f"`{node.name}` has a type already: {plain(variable.type)}", node.name_span,
                   notes=(Note(variable.span, "it is declared here"),), help="use another name")


def _check_private(body: Body, node: ast.VarDecl, type: Type) -> None:
    part = not_private(plain(type))
    if part is not None:
        body.error("E0214", f"a value of type {part} cannot be private", node.span, help=PRIVATE_HELP)


def assign(body: Body, node: ast.Assign) -> None:
    match node.target:
        case ast.Name():
            _assign_name(body, node.target, node.value)
        case ast.TupleLit():
            _unpack(body, node.target, node.value)
        case ast.Index() if databases.is_database(body, node.target.value):
            databases.assign(body, node.target, node.value)
        case ast.Attribute() | ast.Index():
            want = target(body, node.target)
            body.value_of(node.value, want, "this place")


def _assign_name(body: Body, node: ast.Name, value: ast.Expr) -> None:
    if node.id not in body.variables and node.id not in body.locals:
        _assign_outer(body, node, value)
        return
    variable = body.variables.get(node.id)
    if variable is None and not check_new_name(body, node.id, node.span):
        body.expr(value)
        return
    wanted = variable.type if variable is not None and (variable.declared or body.final) else None
    got = check_storable(body, value, body.expr(value, wanted))
    bind_variable(body, node.id, got, node, value)
    body.instance.types[node] = body.variables[node.id].type


def _assign_outer(body: Body, node: ast.Name, value: ast.Expr) -> None:
    """State, or something that cannot be assigned to."""
    symbol = body.outer(node.id)
    if symbol is not None and symbol.kind is Kind.STATE:
        body.instance.names[node] = symbol
        type = body.program.type_of(symbol)
        body.instance.types[node] = type
        body.effects.append(("write", node.span, f"sets `{node.id}`"))
        check_storable(body, node, type)
        body.value_of(value, type, f"the state variable `{node.id}`")
        return
    body.expr(value)
    if symbol is not None:
        _cannot_change(body, node, symbol)


def _cannot_change(body: Body, node: ast.Name, symbol: Symbol) -> None:
    if symbol.kind is Kind.BUILTIN and symbol.value != "unknown":
        body.error("E0109", f"`{node.id}` is a word of the language, no variable can have this name", node.span,
                   help=f"another name, such as `my_{node.id}`")
    elif symbol.kind is not Kind.BUILTIN:
        body.error("E0108", f"`{node.id}` is {kind_name(symbol.kind)} and cannot be assigned to", node.span,
                   notes=declared_at(symbol), help=f"another name, such as `my_{node.id}`")


def _unpack(body: Body, names: ast.TupleLit, value: ast.Expr) -> None:
    """`a, b = b, a`: item by item where the value is written as a tuple, so that its literals take each type."""
    if isinstance(value, ast.TupleLit) and len(value.items) == len(names.items):
        types = [body.expr(item) for item in value.items]
        body.expr(value)
        for name, item, type in zip(names.items, value.items, types, strict=True):
            check_storable(body, item, type)
            _store_part(body, name, type, item)
        from_types = tuple(body.instance.types[item] for item in value.items)
        body.instance.types[value] = TupleT(from_types)
        return
    got = body.expr(value)
    for name, type in zip(names.items, parts_of(body, names, got, value), strict=True):
        _store_part(body, name, type, None)
    body.instance.types[names] = got


def _store_part(body: Body, name: ast.Expr, type: Type, item: ast.Expr | None) -> None:
    match name:
        case ast.Name() if name.id in body.locals or name.id in body.variables:
            if name.id in body.variables or check_new_name(body, name.id, name.span):
                bind_variable(body, name.id, type, name, item)
                body.instance.types[name] = body.variables[name.id].type
        case ast.Name():
            symbol = body.outer(name.id)
            if symbol is not None and symbol.kind is Kind.STATE:
                body.instance.names[name] = symbol
                wanted = body.program.type_of(symbol)
                body.instance.types[name] = wanted
                body.effects.append(("write", name.span, f"sets `{name.id}`"))
                body.coerce(item if item is not None else name, type, wanted, f"the state variable `{name.id}`")
            elif symbol is not None:
                _cannot_change(body, name, symbol)
        case ast.Attribute() | ast.Index():
            wanted = target(body, name)
            body.coerce(item if item is not None else name, type, wanted, "this place")
        case ast.TupleLit():
            for inner, part in zip(name.items, parts_of(body, name, type, name), strict=True):
                _store_part(body, inner, part, None)
            body.instance.types[name] = type
        case _:
            body.error("E0108", "this is a value, not a place that can be assigned to", name.span)


def augment(body: Body, node: ast.AugAssign) -> None:
    """`x += e`: the operator, then the assignment."""
    place = node.target
    if isinstance(place, ast.Name) and place.id not in body.variables and place.id not in body.locals:
        symbol = body.outer(place.id)
        if symbol is not None and symbol.kind is not Kind.STATE:
            body.expr(node.value)
            _cannot_change(body, place, symbol)
            return
    if isinstance(place, ast.TupleLit):
        body.error("E0108", f"`{node.op}=` changes one place at a time", place.span)
        return
    left = target(body, place) if isinstance(place, ast.Attribute | ast.Index) else body.expr(place)
    right = body.expr(node.value, left if not is_weak(left) else None)
    type = combine(body, node.op, (place, left), (node.value, right), node, None)
    body.instance.types[node] = type
    if isinstance(place, ast.Name) and place.id in body.variables:
        bind_variable(body, place.id, type, place, None if not body.variables[place.id].declared else place)
        body.instance.types[place] = body.variables[place.id].type
        return
    if isinstance(place, ast.Name):
        body.effects.append(("write", place.span, f"sets `{place.id}`"))
    if not isinstance(type, ErrorT):
        body.coerce(place, type, left, "this place")
