"""Calls of the program's own things: functions, contracts, structs, interfaces, predicates, jobs."""

from typing import assert_never

from enigmalang.semantics import builtins, databases
from enigmalang.semantics.annotations import is_type_name
from enigmalang.semantics.arguments import argument_types, bind, bound, check_arguments
from enigmalang.semantics.context import Body, a, declared_at, kind_name, near
from enigmalang.semantics.contracts import await_job, deploy, method_call, reference, submit
from enigmalang.semantics.conversions import conversion
from enigmalang.semantics.lists import list_method
from enigmalang.semantics.model import ContractInfo, Kind, Member, Symbol
from enigmalang.semantics.places import no_such_name, of_module
from enigmalang.semantics.relations import HOLE, plain
from enigmalang.semantics.targets import check_storable
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ERROR,
    NONE,
    AddressT,
    ArrayT,
    ContractT,
    ErrorT,
    IdentityT,
    ListT,
    PredicateT,
    StructT,
    Type,
)


def calling(
    body: Body, node: ast.Call | ast.Reveal | ast.Deploy | ast.Submit | ast.Await, expected: Type | None,
) -> Type:
    match node:
        case ast.Call():
            return call(body, node, expected)
        case ast.Reveal():
            return _reveal(body, node, expected)
        case ast.Deploy():
            return deploy(body, node)
        case ast.Submit():
            return submit(body, node)
        case ast.Await():
            return await_job(body, node)
        case _:
            assert_never(node)


def call(body: Body, node: ast.Call, expected: Type | None) -> Type:
    match node.function:
        case ast.Name():
            symbol = body.lookup(node.function.id)
            if is_type_name(node.function.id) and (symbol is None or symbol.kind is Kind.BUILTIN):
                return conversion(body, node)
            if symbol is None:
                return _unknown(body, node, node.function)
            return call_symbol(body, node, symbol, expected)
        case ast.Index(value=ast.Name(id=name)) if is_type_name(name):
            return conversion(body, node)
        case ast.Attribute():
            return _call_attribute(body, node, node.function, expected)
        case _:
            type = body.expr(node.function)
            check_arguments(body, node)
            return type if isinstance(type, ErrorT) else _not_a_function(body, node, a(plain(type)))


def _unknown(body: Body, node: ast.Call, function: ast.Name) -> Type:
    check_arguments(body, node)
    return body.error("E0101", f"there is no function `{function.id}` here", function.span,
                      help=body.suggestion(function.id) or "define it with `def`, or import it")


def _not_a_function(body: Body, node: ast.Call, what: str, help: str | None = None) -> Type:
    return body.error("E0205", f"this is {what}, not a function", node.function.span, help=help)


def call_symbol(body: Body, node: ast.Call, symbol: Symbol, expected: Type | None) -> Type:
    """A call of what a name, or `module.name`, stands for."""
    names = body.instance.names
    match symbol.kind:
        case Kind.BUILTIN:
            return builtins.call(body, node, symbol, expected)
        case Kind.FUNCTION | Kind.METHOD:
            names[node.function] = symbol
            return _own_call(body, node, symbol)
        case Kind.STRUCT:
            names[node.function] = symbol
            return _struct(body, node, symbol)
        case Kind.INTERFACE | Kind.CONTRACT:
            names[node.function] = symbol
            return reference(body, node, symbol)
        case Kind.PREDICATE:
            names[node.function] = symbol
            return _predicate(body, node, symbol)
        case Kind.EVENT | Kind.ERROR | Kind.ENUM:
            check_arguments(body, node)
            use = {Kind.EVENT: f"`emit {symbol.name}(…)`", Kind.ENUM: f"`{symbol.name}.MEMBER`",
                   Kind.ERROR: f"`raise {symbol.name}(…)`, or after the comma of a `require`"}[symbol.kind]
            return body.error("E0218", f"`{symbol.name}` is {kind_name(symbol.kind)} and is not called", node.span,
                              help=f"it is used as {use}")
        case _:
            check_arguments(body, node)
            if isinstance(node.function, ast.Name):
                names[node.function] = symbol
            return _not_a_function(body, node, kind_name(symbol.kind))


def _call_attribute(body: Body, node: ast.Call, function: ast.Attribute, expected: Type | None) -> Type:
    owner = function.value
    if databases.is_database(body, owner):
        return databases.method(body, node, function, expected)
    if isinstance(owner, ast.Name) and (symbol := body.lookup(owner.id)) is not None:
        if symbol.kind is Kind.MODULE:
            return _call_module(body, node, function, symbol, expected)
        if symbol.kind is Kind.BUILTIN and owner.id == "self" and body.contract is not None:
            return _call_self(body, node, function, body.contract)
    type = body.expr(owner)
    match type:
        case ErrorT():
            check_arguments(body, node)
            return type
        case ListT():
            return list_method(body, node, function, type)
        case ContractT():
            return method_call(body, node, function, type)
        case _:
            check_arguments(body, node)
            help = "an array has a fixed length; declare a list to append to" if isinstance(type, ArrayT) else None
            return body.error("E0106", f"{plain(type)} has no `{function.name}`", function.span, help=help)


def _call_module(
    body: Body, node: ast.Call, function: ast.Attribute, module: Symbol, expected: Type | None,
) -> Type:
    found = of_module(body, function)
    if found is None:
        check_arguments(body, node)
        return no_such_name(body, function, module)
    body.instance.members[function] = Member("module", function.name, found)
    return call_symbol(body, node, found, expected)


def _call_self(body: Body, node: ast.Call, function: ast.Attribute, contract: ContractInfo) -> Type:
    symbol = contract.symbols.get(function.name)
    if symbol is None or symbol.kind is not Kind.METHOD:
        check_arguments(body, node)
        own = [n for n, s in contract.symbols.items() if s.kind is Kind.METHOD]
        return body.error("E0106", f"the contract `{contract.name}` has no function `{function.name}`", function.span,
                          help=near(function.name, own))
    body.instance.members[function] = Member("internal", function.name, symbol)
    return _own_call(body, node, symbol)


def _own_call(body: Body, node: ast.Call, symbol: Symbol) -> Type:
    """A function of a module, or of this contract."""
    function = symbol.value
    assert isinstance(function, ast.FunctionDef)
    if symbol.kind is Kind.METHOD and function.name == "init":
        check_arguments(body, node)
        return body.error("E0106", "`init` runs once, when the contract is deployed", node.span,
                          help="put what both need into an `internal def`")
    signature = body.program.signature(function)
    given = bound(body, node, function.name, signature, function, keywords=node.keywords)
    if given is None:
        check_arguments(body, node)
        return signature.result or ERROR
    types = argument_types(body, signature, given)
    if types is None:
        return signature.result or (ERROR if body.final else HOLE)
    instance = body.program.instance(function, types)
    body.instance.calls[node] = instance
    return body.program.result_of(instance, node.span, body)


def _predicate(body: Body, node: ast.Call, symbol: Symbol) -> Type:
    """`paid(…)`: a predicate with its arguments after the first one, or a call with all of them, for its truth."""
    declared = symbol.value
    assert isinstance(declared, ast.PredicateDecl)
    signature = body.program.signature(declared)
    if len(node.args) + 1 == len(signature.params) and not node.keywords:
        for arg, param in zip(node.args, signature.params[1:], strict=True):
            body.value_of(arg, param.type or ERROR, f"the parameter `{param.name}`")
        return PredicateT()
    given = bound(body, node, declared.name, signature, declared, keywords=node.keywords)
    if given is None:
        check_arguments(body, node)
        return ERROR
    types = argument_types(body, signature, given)
    if types is not None:
        body.instance.calls[node] = body.program.instance(declared, types)
    return signature.result or ERROR


# ---------------------------------------------------------------------------------------------- structs, reveal


def _struct(body: Body, node: ast.Call, symbol: Symbol) -> Type:
    type = body.program.type_of(symbol)
    if not isinstance(type, StructT):
        check_arguments(body, node)
        return ERROR
    given = bind(body, f"the struct `{type.name}`", [f.name for f in type.fields], set(), node.args, node.keywords,
                 node.span, declared_at(symbol))
    if given is None:
        check_arguments(body, node)
        return type
    for field in type.fields:
        body.value_of(given[field.name], field.type, f"the field `{field.name}`")
    return type


def _reveal(body: Body, node: ast.Reveal, expected: Type | None) -> Type:
    type = check_storable(body, node.value, body.expr(node.value, expected))
    if node.audience is None:
        if (value := body.constant(node.value)) is not None:
            body.instance.constants[node] = value
            if node.value in body.exact:
                body.exact[node] = body.exact[node.value]
        return type
    who = body.expr(node.audience, IdentityT())
    if not isinstance(who, IdentityT | AddressT | ErrorT):
        body.error("E0201", f"`to=` names an identity, and this is {plain(who)}", node.audience.span,
                   help="an identity, or an address such as `sender`")
    return NONE


