"""Calls of the program's own things: functions, contracts, structs, interfaces, predicates, jobs."""

from collections.abc import Sequence
from typing import assert_never

from enigmalang.diagnostics import Note
from enigmalang.semantics import builtins, databases
from enigmalang.semantics.annotations import is_type_name, needs_size
from enigmalang.semantics.context import Body, declared_at, kind_name, near
from enigmalang.semantics.model import ContractInfo, Kind, Member, Symbol
from enigmalang.semantics.places import check_storable, no_such_name, of_module, target
from enigmalang.semantics.program import ParamType, Signature
from enigmalang.semantics.relations import HOLE, join, plain, settle
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ADDRESS,
    ERROR,
    NONE,
    UINT256,
    AddressT,
    ArrayT,
    ContractT,
    ErrorT,
    IdentityT,
    JobT,
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
            return _deploy(body, node)
        case ast.Submit():
            return _submit(body, node)
        case ast.Await():
            return _await(body, node)
        case _:
            assert_never(node)


def call(body: Body, node: ast.Call, expected: Type | None) -> Type:
    match node.function:
        case ast.Name():
            symbol = body.lookup(node.function.id)
            if is_type_name(node.function.id) and (symbol is None or symbol.kind is Kind.BUILTIN):
                return builtins.conversion(body, node)
            if symbol is None:
                return _unknown(body, node, node.function)
            return call_symbol(body, node, symbol, expected)
        case ast.Index(value=ast.Name(id=name)) if is_type_name(name):
            return builtins.conversion(body, node)
        case ast.Attribute():
            return _call_attribute(body, node, node.function, expected)
        case _:
            type = body.expr(node.function)
            check_arguments(body, node)
            return type if isinstance(type, ErrorT) else _not_a_function(body, node, f"a {plain(type)}")


def _unknown(body: Body, node: ast.Call, function: ast.Name) -> Type:
    check_arguments(body, node)
    return body.error("E0101", f"there is no function `{function.id}` here", function.span,
                      help=body.suggestion(function.id) or "define it with `def`, or import it")


def check_arguments(body: Body, node: ast.Call) -> None:
    """Find the mistakes in arguments of a call that is wrong itself."""
    for arg in node.args:
        body.expr(arg)
    for keyword in node.keywords:
        body.expr(keyword.value)


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
            return _reference(body, node, symbol)
        case Kind.PREDICATE:
            names[node.function] = symbol
            return _predicate(body, node, symbol)
        case Kind.EVENT | Kind.ERROR | Kind.ENUM:
            check_arguments(body, node)
            use = {Kind.EVENT: f"`emit {symbol.name}(…)`", Kind.ERROR: f"`raise {symbol.name}(…)`, or as the second part "
                   "of a `require`", Kind.ENUM: f"`{symbol.name}.MEMBER`"}[symbol.kind]
            return body.error("E0218", f"`{symbol.name}` is {kind_name(symbol.kind)} and is not called", node.span,
                              help=f"it is used as {use}")
        case _:
            check_arguments(body, node)
            if isinstance(node.function, ast.Name):
                names[node.function] = symbol
            return _not_a_function(body, node, kind_name(symbol.kind))


# ------------------------------------------------------------------------------------------------- attributes


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
            return _list_method(body, node, function, type)
        case ContractT():
            return _method(body, node, function, type)
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


def _list_method(body: Body, node: ast.Call, function: ast.Attribute, owner: ListT) -> Type:
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
        body.error("E0201", f"`{name}` is a {plain(settle(variable.type))}, and this is {plain(settle(type))}",
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


# ------------------------------------------------------------------------------------------------- arguments


def bind(
    body: Body, owner: str, names: Sequence[str], optional: set[str], args: Sequence[ast.Expr],
    keywords: Sequence[ast.Keyword], span: Span, notes: tuple[Note, ...] = (),
) -> dict[str, ast.Expr] | None:
    """The arguments by parameter name; None after a report. `owner` names what is called."""
    takes = f"it takes {', '.join(names)}" if names else "it takes no arguments"
    given: dict[str, ast.Expr] = dict(zip(names, args, strict=False))
    wrong = False
    for keyword in keywords:
        if keyword.name in given or keyword.name not in names:
            problem = "is given twice" if keyword.name in given else "is none of its arguments"
            body.error("E0204", f"{owner}: `{keyword.name}` {problem}", keyword.span, notes=notes,
                       help=near(keyword.name, list(names)) or takes)
            wrong = True
        given.setdefault(keyword.name, keyword.value)
    if len(args) > len(names):
        body.error("E0203", f"{owner} takes {_count(len(names))}, and {len(args)} are given", span, notes=notes,
                   help=takes)
        return None
    missing = [n for n in names if n not in given and n not in optional]
    if missing and not wrong:
        code = "E0204" if keywords else "E0203"
        body.error(code, f"{owner} needs {', '.join(f'`{n}`' for n in missing)} too", span, notes=notes, help=takes)
    return None if missing or wrong else given


def _count(number: int) -> str:
    return {0: "no arguments", 1: "one argument"}.get(number, f"{number} arguments")


def _bound(
    body: Body, node: ast.Call, name: str, signature: Signature, defined: ast.Node, *, keywords: Sequence[ast.Keyword],
) -> dict[str, ast.Expr] | None:
    optional = {p.name for p in signature.params if p.node.default is not None}
    return bind(body, f"`{name}`", [p.name for p in signature.params], optional, node.args, keywords, node.span,
                (Note(_head(defined), f"`{name}` is defined here"),))


def _head(node: ast.Node) -> Span:
    return node.name_span if isinstance(node, ast.FunctionDef) else node.span


def _argument_types(
    body: Body, signature: Signature, given: dict[str, ast.Expr],
) -> tuple[Type, ...] | None:
    """The types of all arguments, checked against the declared ones; None when one is not known."""
    types: list[Type] = []
    for param in signature.params:
        node = given.get(param.name)
        if node is None:
            types.append(_default_type(body, param))
        elif param.type is not None:
            body.value_of(node, param.type, f"the parameter `{param.name}`")
            types.append(param.type)
        else:
            types.append(check_storable(body, node, body.expr(node)))
    return None if any(isinstance(t, ErrorT) for t in types) else tuple(types)


def _default_type(body: Body, param: ParamType) -> Type:
    if param.type is not None:
        return param.type
    assert param.node.default is not None
    return settle(body.program.outside(body.module, body.contract).expr(param.node.default))


def _own_call(body: Body, node: ast.Call, symbol: Symbol) -> Type:
    """A function of a module, or of this contract."""
    function = symbol.value
    assert isinstance(function, ast.FunctionDef)
    if symbol.kind is Kind.METHOD and function.name == "init":
        check_arguments(body, node)
        return body.error("E0106", "`init` runs once, when the contract is deployed", node.span,
                          help="put what both need into an `internal def`")
    signature = body.program.signature(function)
    given = _bound(body, node, function.name, signature, function, keywords=node.keywords)
    if given is None:
        check_arguments(body, node)
        return signature.result or ERROR
    types = _argument_types(body, signature, given)
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
    given = _bound(body, node, declared.name, signature, declared, keywords=node.keywords)
    if given is None:
        check_arguments(body, node)
        return ERROR
    types = _argument_types(body, signature, given)
    if types is not None:
        body.instance.calls[node] = body.program.instance(declared, types)
    return signature.result or ERROR


# --------------------------------------------------------------------------------------- contracts and interfaces


def _reference(body: Body, node: ast.Call, symbol: Symbol) -> Type:
    """`Token(address)`."""
    type = ContractT(symbol.name, symbol.kind is Kind.INTERFACE)
    ok = len(node.args) == 1 and not node.keywords
    got = body.expr(node.args[0], ADDRESS) if ok else ERROR
    if not ok or not isinstance(got, AddressT | IdentityT | ContractT | ErrorT):
        if not ok:
            check_arguments(body, node)
        help = f"a new one is made with `deploy {symbol.name}(…)`" if symbol.kind is Kind.CONTRACT else None
        return body.error("E0218", f"`{symbol.name}(…)` takes the address of such a contract", node.span, help=help)
    return type


def _without_value(node: ast.Call, signature: Signature | None) -> tuple[list[ast.Keyword], ast.Keyword | None]:
    """The keywords, and apart from them the money sent along."""
    takes_value = signature is not None and any(p.name == "value" for p in signature.params)
    money = None if takes_value else next((k for k in node.keywords if k.name == "value"), None)
    return [k for k in node.keywords if k is not money], money


def _paid(body: Body, money: ast.Keyword | None, function: ast.FunctionDef) -> None:
    if money is None:
        return
    body.value_of(money.value, UINT256, "the money sent along")
    if "payable" not in function.modifiers:
        body.error("E0220", f"`{function.name}` takes no money", money.span,
                   notes=(Note(function.name_span, "it is not `payable`"),),
                   help=f"write `payable def {function.name}(…)`, or send no value")


def _method(body: Body, node: ast.Call, function: ast.Attribute, owner: ContractT) -> Type:
    """`c.f(…)` on a deployed contract, or a contract behind an interface."""
    if owner.interface:
        return _interface_method(body, node, function, owner)
    contract = body.program.contracts[owner.name]
    symbol = contract.symbols.get(function.name)
    declared = symbol.value if symbol is not None and symbol.kind is Kind.METHOD else None
    if not isinstance(declared, ast.FunctionDef):
        check_arguments(body, node)
        return _no_method(body, function, contract, symbol)
    if declared.name == "init" or "internal" in declared.modifiers:
        check_arguments(body, node)
        why = "runs once, when the contract is deployed" if declared.name == "init" else "is internal to the contract"
        return body.error("E0106", f"`{declared.name}` {why}", function.span,
                          notes=(Note(declared.name_span, "it is defined here"),))
    body.instance.members[function] = Member("method", function.name, symbol)
    body.effects.append(("client", node.span, "calls a deployed contract"))
    signature = body.program.signature(declared)
    keywords, money = _without_value(node, signature)
    _paid(body, money, declared)
    given = _bound(body, node, f"{owner.name}.{declared.name}", signature, declared, keywords=keywords)
    if given is None:
        check_arguments(body, node)
        return signature.result or ERROR
    types = _argument_types(body, signature, given)
    if types is not None:
        body.instance.calls[node] = body.program.instance(declared, types)
    return signature.result or ERROR


def _no_method(body: Body, function: ast.Attribute, contract: ContractInfo, symbol: Symbol | None) -> Type:
    if symbol is not None and symbol.kind is Kind.STATE:
        return body.error("E0205", f"`{function.name}` is state of `{contract.name}`, not a function", function.span,
                          help=f"read it without brackets: `.{function.name}`, an entry of a map as `.{function.name}[key]`")
    own = [n for n, s in contract.symbols.items() if s.kind is Kind.METHOD]
    return body.error("E0106", f"the contract `{contract.name}` has no function `{function.name}`", function.span,
                      help=near(function.name, own) or ("it has " + ", ".join(own) if own else None))


def _interface_method(body: Body, node: ast.Call, function: ast.Attribute, owner: ContractT) -> Type:
    symbol = interface_symbol(body, owner.name)
    declared = next((f for f in symbol.node.functions if f.name == function.name), None) \
        if symbol is not None and isinstance(symbol.node, ast.InterfaceDecl) else None
    if declared is None:
        check_arguments(body, node)
        return body.error("E0106", f"the interface `{owner.name}` has no function `{function.name}`", function.span,
                          help="declare it in the interface")
    body.instance.members[function] = Member("method", function.name, symbol)
    if "view" not in declared.modifiers:
        body.effects.append(("write", node.span, f"calls `{owner.name}.{function.name}`"))
    signature = body.program.signature(declared)
    keywords, money = _without_value(node, signature)
    _paid(body, money, declared)
    if keywords:
        check_arguments(body, node)
        return body.error("E0204", "the arguments of an interface's function are given in order", keywords[0].span,
                          help="leave out the names")
    given = _bound(body, node, f"{owner.name}.{declared.name}", signature, declared, keywords=())
    if given is None:
        check_arguments(body, node)
    else:
        _argument_types(body, signature, given)
    return signature.result or NONE


def interface_symbol(body: Body, name: str) -> Symbol | None:
    tables = [body.module.symbols, *(m.symbols for m in body.program.modules.values())]
    return next((s for t in tables if (s := t.get(name)) is not None and s.kind is Kind.INTERFACE), None)


def _deploy(body: Body, node: ast.Deploy) -> Type:
    body.effects.append(("client", node.span, "deploys a contract"))
    function = node.call.function
    symbol = body.lookup(function.id) if isinstance(function, ast.Name) else of_module(body, function)
    if symbol is None or symbol.kind is not Kind.CONTRACT:
        check_arguments(body, node.call)
        known = list(body.program.contracts)
        shown = function.id if isinstance(function, ast.Name) else "this"
        return body.error("E0101" if symbol is None else "E0218", f"there is no contract `{shown}`", function.span,
                          help=near(shown, known) or ("the contracts are " + ", ".join(known) if known else None))
    contract = body.program.contracts[symbol.name]
    body.instance.names[function] = symbol
    type = ContractT(contract.name)
    body.instance.types[node.call] = type
    init = contract.symbols.get("init")
    declared = init.value if init is not None else None
    if not isinstance(declared, ast.FunctionDef):
        if node.call.args or node.call.keywords:
            body.error("E0203", f"`{contract.name}` is deployed without arguments", node.span,
                       help="arguments are taken by `def init(…)`")
            check_arguments(body, node.call)
        return type
    signature = body.program.signature(declared)
    keywords, money = _without_value(node.call, signature)
    _paid(body, money, declared)
    given = _bound(body, node.call, f"{contract.name}.init", signature, declared, keywords=keywords)
    if given is None:
        check_arguments(body, node.call)
    elif (types := _argument_types(body, signature, given)) is not None:
        body.instance.calls[node.call] = body.instance.calls[node] = body.program.instance(declared, types)
    return type


def _submit(body: Body, node: ast.Submit) -> Type:
    body.effects.append(("client", node.span, "submits a job"))
    result = body.expr(node.call)
    if isinstance(result, ErrorT):
        return result
    if node.call not in body.instance.calls:
        return body.error("E0201", "`submit` takes a call of a contract's function", node.span,
                          help="as in `j = submit c.average()`, and later `await j`")
    return JobT(result)


def _await(body: Body, node: ast.Await) -> Type:
    body.effects.append(("client", node.span, "waits for a job"))
    got = body.expr(node.value)
    if isinstance(got, JobT):
        return got.result
    return got if isinstance(got, ErrorT) else body.error(
        "E0201", f"`await` takes a job, and this is {plain(got)}", node.span,
        help="a job is what `submit c.f(…)` gives; a plain call waits by itself")


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


def check_event(
    body: Body, node: ast.Expr, kind: Kind, args: Sequence[ast.Expr], keywords: Sequence[ast.Keyword], span: Span,
) -> None:
    """`emit E(…)`, `raise E(…)`: the name `node` and its arguments."""
    what = "an event" if kind is Kind.EVENT else "an error"
    symbol = body.lookup(node.id) if isinstance(node, ast.Name) else of_module(body, node)
    if symbol is None or symbol.kind is not kind:
        shown = node.id if isinstance(node, ast.Name) else "this"
        for value in (*args, *(k.value for k in keywords)):
            body.expr(value)
        word = "event" if kind is Kind.EVENT else "error"
        tables = (body.contract.symbols if body.contract else {}, body.module.symbols)
        known = [n for t in tables for n, s in t.items() if s.kind is kind]
        body.error("E0218", f"`{shown}` is not {what} of this contract", node.span,
                   help=near(shown, known) or f"declare it: `{word} {shown}(…)`")
        return
    body.instance.names[node] = symbol
    fields = event_fields(body, symbol)
    given = bind(body, f"the {symbol.kind.value} `{symbol.name}`", [n for n, _ in fields], set(), args, keywords, span,
                 declared_at(symbol))
    for name, type in fields if given is not None else ():
        assert given is not None
        body.value_of(given[name], type, f"`{name}`")
    if given is None:
        for value in (*args, *(k.value for k in keywords)):
            body.expr(value)


def event_fields(body: Body, symbol: Symbol) -> tuple[tuple[str, Type], ...]:
    """The fields of an event or error, resolved once."""
    node = symbol.node
    if symbol.value is None and isinstance(node, ast.EventDecl | ast.ErrorDecl):
        outside = body.program.outside(*body.program.home_of(node))
        fields = []
        for param in node.params:
            if param.annotation is None:
                outside.error("E0211", f"`{param.name}` needs a type", param.span, help=f"`{param.name}: uint256`")
            type = outside.type_at(param.annotation) if param.annotation else ERROR
            if param.annotation is not None and (part := needs_size(type)) is not None:
                outside.error("E0210", f"{part} needs its greatest length here", param.annotation.span,
                              help=f"as in `{_sized(part)}`")
            fields.append((param.name, type))
        symbol.value = tuple(fields)
    found: tuple[tuple[str, Type], ...] = symbol.value
    return found


def _sized(type: Type) -> str:
    return f"list[{type.element}, 100]" if isinstance(type, ListT) else f"{type}[100]"

