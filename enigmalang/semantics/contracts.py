"""Calls of deployed contracts and interfaces, and jobs."""

from enigmalang.diagnostics import Note
from enigmalang.semantics.arguments import argument_types, bound, check_arguments
from enigmalang.semantics.context import Body, near
from enigmalang.semantics.model import ContractInfo, Kind, Member, Symbol
from enigmalang.semantics.places import of_module
from enigmalang.semantics.program import Signature
from enigmalang.semantics.relations import plain
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ADDRESS,
    ERROR,
    NONE,
    UINT256,
    AddressT,
    ContractT,
    ErrorT,
    IdentityT,
    JobT,
    Type,
)


def reference(body: Body, node: ast.Call, symbol: Symbol) -> Type:
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


def method_call(body: Body, node: ast.Call, function: ast.Attribute, owner: ContractT) -> Type:
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
    given = bound(body, node, f"{owner.name}.{declared.name}", signature, declared, keywords=keywords)
    if given is None:
        check_arguments(body, node)
        return signature.result or ERROR
    types = argument_types(body, signature, given)
    if types is not None:
        body.instance.calls[node] = body.program.instance(declared, types)
    return signature.result or ERROR


def _no_method(body: Body, function: ast.Attribute, contract: ContractInfo, symbol: Symbol | None) -> Type:
    if symbol is not None and symbol.kind is Kind.STATE:
        return body.error("E0205", f"`{function.name}` is state of `{contract.name}`, not a function", function.span,
                          help=f"read it as `.{function.name}`, and an entry of a map as `.{function.name}[key]`")
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
    given = bound(body, node, f"{owner.name}.{declared.name}", signature, declared, keywords=())
    if given is None:
        check_arguments(body, node)
    else:
        argument_types(body, signature, given)
    return signature.result or NONE


def interface_symbol(body: Body, name: str) -> Symbol | None:
    tables = [body.module.symbols, *(m.symbols for m in body.program.modules.values())]
    return next((s for t in tables if (s := t.get(name)) is not None and s.kind is Kind.INTERFACE), None)


def deploy(body: Body, node: ast.Deploy) -> Type:
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
    given = bound(body, node.call, f"{contract.name}.init", signature, declared, keywords=keywords)
    if given is None:
        check_arguments(body, node.call)
    elif (types := argument_types(body, signature, given)) is not None:
        body.instance.calls[node.call] = body.instance.calls[node] = body.program.instance(declared, types)
    return type


def submit(body: Body, node: ast.Submit) -> Type:
    body.effects.append(("client", node.span, "submits a job"))
    result = body.expr(node.call)
    if isinstance(result, ErrorT):
        return result
    if node.call not in body.instance.calls:
        return body.error("E0201", "`submit` takes a call of a contract's function", node.span,
                          help="as in `j = submit c.average()`, and later `await j`")
    return JobT(result)


def await_job(body: Body, node: ast.Await) -> Type:
    body.effects.append(("client", node.span, "waits for a job"))
    got = body.expr(node.value)
    if isinstance(got, JobT):
        return got.result
    return got if isinstance(got, ErrorT) else body.error(
        "E0201", f"`await` takes a job, and this is {plain(got)}", node.span,
        help="a job is what `submit c.f(…)` gives; a plain call waits by itself")
