"""The stage: names and types of a whole file, and of the modules it imports."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enigmalang.diagnostics import Diagnostic, Note, Sink
from enigmalang.semantics import builtins
from enigmalang.semantics.annotations import needs_size
from enigmalang.semantics.assignments import PRIVATE_HELP
from enigmalang.semantics.body import BodyChecker
from enigmalang.semantics.context import a
from enigmalang.semantics.effects import check_effects
from enigmalang.semantics.events import event_fields
from enigmalang.semantics.imported_circuits import with_circuits
from enigmalang.semantics.loader import Loader, in_stdlib
from enigmalang.semantics.model import Checked, ContractInfo, Instance, Kept, Kind, ModuleInfo, Symbol
from enigmalang.semantics.names import Modules
from enigmalang.semantics.program import Program, Signature
from enigmalang.semantics.relations import HOLE, not_private
from enigmalang.semantics.remembered import Remembered
from enigmalang.semantics.statements import is_statement
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import NONE, ContractT, IdentityT, JobT, MapT, PredicateT, Type

#: Python's recursion limit while a file is checked: expressions may be nested 100 deep, and calls 500.
RECURSION = 100_000


def check(
    module: ast.Module, loader: Loader, sink: Sink, kept: tuple[Kept, ...] | None = None,
    memory: Remembered | None = None,
) -> Checked | None:
    """Resolve names and types of `module` and all it imports. `kept`: what its statements find as variables, when it is
    an input of an interactive session. `memory`: of earlier texts of this file, and for later ones.

    Gives tables also when there are errors (in `sink`), as far as they go; None when there is nothing to build on.
    """
    with _deep_recursion():
        checked = _check(with_circuits(module, sink), loader, sink, kept, memory or Remembered())
    return checked


@contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _check(
    module: ast.Module, loader: Loader, sink: Sink, kept: tuple[Kept, ...] | None, memory: Remembered,
) -> Checked:
    program = Program(sink, BodyChecker, builtins.symbols(), kept or ())
    main = Modules(program, loader).declare(
        Path(module.source.path).stem, module, in_stdlib(module.source.path))
    _declarations(program)
    memory.give(program)
    script, tests, roots = _bodies(program, main, memory)
    if program.missing_entries and program.entry_types:
        program.forget_bodies()
        memory.forget()
        script, tests, roots = _bodies(program, main, memory)
    instances = _reachable(roots)
    check_effects(program, instances)
    _report(program, instances, sink)
    for contract in program.contracts.values():
        _fill_contract(program, contract)
    memory.take(program, tests, instances)
    return Checked(
        main, program.modules, program.contracts, instances, script, tests, program.structs, program.enums, kept)


# ----------------------------------------------------------------------------------------------- declarations


def _declarations(program: Program) -> None:
    """Resolve every declaration, so that mistakes in unused ones are found too."""
    for module in program.modules.values():
        for symbol in list(module.symbols.values()):
            _declaration(program, symbol)
    for contract in program.contracts.values():
        for symbol in contract.symbols.values():
            _declaration(program, symbol)
            if symbol.kind is Kind.STATE:
                _state(program, symbol)
            elif symbol.kind is Kind.METHOD and isinstance(symbol.node, ast.FunctionDef):
                _method(program, symbol.node)


def _declaration(program: Program, symbol: Symbol) -> None:
    match symbol.kind:
        case Kind.CONST | Kind.STRUCT | Kind.ENUM | Kind.STATE:
            program.type_of(symbol)
        case Kind.EVENT | Kind.ERROR:
            event_fields(program.outside(*program.home_of(symbol.node)), symbol)  # type: ignore[arg-type]
        case Kind.INTERFACE if isinstance(symbol.node, ast.InterfaceDecl):
            _interface(program, symbol, symbol.node)
        case Kind.PREDICATE if isinstance(symbol.node, ast.PredicateDecl):
            _typed(program, symbol.node, program.signature(symbol.node), "a predicate")
        case Kind.FUNCTION if isinstance(symbol.node, ast.FunctionDef):
            _function(program, symbol.node)
        case _:
            pass


def _interface(program: Program, symbol: Symbol, node: ast.InterfaceDecl) -> None:
    table: dict[str, tuple[tuple[Type | None, ...], Type]] = {}
    for function in node.functions:
        signature = program.signature(function)
        _typed(program, function, signature, "an interface")
        if any(p.private for p in signature.params) or signature.result_private:
            program.sink.error("E0218", "an interface describes a foreign contract, which knows no private values",
                               function.name_span, help="leave out `private`")
        table[function.name] = (tuple(p.type for p in signature.params), signature.result or NONE)
    symbol.value = table


def _typed(program: Program, node: ast.FunctionDef | ast.PredicateDecl, signature: Signature, where: str) -> None:
    for param in signature.params:
        if param.type is None:
            program.sink.error("E0211", f"the parameter `{param.name}` of {where} needs a type", param.node.span,
                               help=f"`{param.name}: uint256`")


def _state(program: Program, symbol: Symbol) -> None:
    node = symbol.node
    assert isinstance(node, ast.VarDecl)
    if node.annotation is None:
        program.sink.error("E0211", f"the state variable `{node.name}` needs a type", node.span,
                           help=f"`{node.name}: uint256`")
        return
    type = program.type_of(symbol)
    _sizes(program, type, node.annotation.span)
    _storable(program, type, node.annotation.span)
    if node.private:
        _private(program, type, node.span)
    if node.value is not None:
        program.sink.error("E0221", "state begins with zeros", node.value.span,
                           help=f"set `{node.name}` in `def init()`")


def _sizes(program: Program, type: Type, span: Span) -> None:
    if (part := needs_size(type)) is not None:
        program.sink.error("E0210", f"`{part}` needs its greatest length here", span,
                           help="the ledger must know it: `string[32]`, `bytes[32]`, `list[uint32, 100]`")


def _storable(program: Program, type: Type, span: Span) -> None:
    inner = type
    while isinstance(inner, MapT):
        inner = inner.value
    if isinstance(inner, IdentityT | PredicateT | JobT) or (isinstance(inner, ContractT) and not inner.interface):
        program.sink.error("E0202", f"a contract cannot hold {a(inner)}", span,
                           help="keep its `address`, or use an interface")


def _private(program: Program, type: Type, span: Span) -> None:
    if (part := not_private(type)) is not None:
        program.sink.error("E0214", f"a value of type {part} cannot be private", span, help=PRIVATE_HELP)


def _function(program: Program, node: ast.FunctionDef) -> None:
    """A function of a module."""
    signature = program.signature(node)
    _parameters(program, signature)
    if node.modifiers:
        program.sink.error("E0219" if "view" in node.modifiers else "E0220", f"`{node.modifiers[0]}` belongs to the "
                           "functions of a contract", node.span, help="leave it out")


def _parameters(program: Program, signature: Signature) -> None:
    for param in signature.params:
        if param.private and param.type is not None:
            _private(program, param.type, param.node.span)
        if isinstance(param.type, MapT):
            program.sink.error("E0202", "a map is state of a contract and cannot be passed", param.node.span,
                               help="pass the entries that are needed")


def _method(program: Program, node: ast.FunctionDef) -> None:
    """A function of a contract: everything is declared."""
    signature = program.signature(node)
    _parameters(program, signature)
    for param in signature.params:
        if param.type is None:
            program.sink.error("E0211", f"the parameter `{param.name}` needs a type", param.node.span,
                               help=f"functions of a contract declare them: `{param.name}: uint256`")
        elif param.node.annotation is not None:
            _sizes(program, param.type, param.node.annotation.span)
            _storable(program, param.type, param.node.annotation.span)
    if node.returns is not None and signature.result is not None:
        _sizes(program, signature.result, node.returns.span)
        if signature.result_private:
            _private(program, signature.result, node.returns.span)
        if node.name == "init":
            program.sink.error("E0212", "`init` gives no value", node.returns.span, help="leave out the `->`")
    if {"view", "payable"} <= set(node.modifiers) or {"internal", "payable"} <= set(node.modifiers):
        program.sink.error("E0220", "only an external function that changes state can take money", node.name_span,
                           help="leave out `payable`")


# ----------------------------------------------------------------------------------------------------- bodies


def _bodies(
    program: Program, main: ModuleInfo, memory: Remembered,
) -> tuple[Instance | None, tuple[Instance, ...], list[Instance]]:
    """Check everything that can be called or run; the script, the tests, and all roots."""
    roots: list[Instance] = []
    for contract in program.contracts.values():
        for function in contract.node.functions:
            if all(p.type is not None for p in program.signature(function).params):
                roots.append(_instance(program, function))
    for node in main.tree.body:
        if isinstance(node, ast.PredicateDecl) and all(p.type for p in program.signature(node).params):
            roots.append(_instance(program, node))
        elif isinstance(node, ast.FunctionDef):
            if all(p.type is not None for p in program.signature(node).params):
                roots.append(_instance(program, node))
            else:
                _unbound(program, node, memory)
    script = _script(program, main)
    tests = tuple(
        memory.test(node) or Instance(f"test: {node.name}", "test", node, main, None, (), NONE)
        for node in main.tree.body if isinstance(node, ast.TestDef))
    for instance in (*((script,) if script else ()), *tests):
        program.check_body(instance)
        roots.append(instance)
    program.check_pending()
    return script, tests, roots


def _instance(program: Program, node: ast.FunctionDef | ast.PredicateDecl) -> Instance:
    types = tuple(p.type for p in program.signature(node).params if p.type is not None)
    return program.instance(node, types)


def _unbound(program: Program, node: ast.FunctionDef, memory: Remembered) -> None:
    """A function whose types depend on the call: look for what is wrong in every call (unknown names, …)."""
    found = memory.unbound(node)
    if found is None:
        signature = program.signature(node)
        module, contract = program.home_of(node)
        types = tuple(p.type if p.type is not None else HOLE for p in signature.params)
        instance = Instance(node.name, "def", node, module, contract, types, signature.result or HOLE)
        program.check_body(instance)
        body = program.bodies.pop(instance)
        found = tuple(d for d in body.sink.diagnostics if d.code not in ("E0211", "E0215"))
        memory.keep_unbound(instance, found)
    for diagnostic in found:
        program.sink.report(diagnostic)


def _script(program: Program, main: ModuleInfo) -> Instance | None:
    script = Instance("script", "script", main.tree, main, None, (), NONE)
    return script if any(map(is_statement, main.tree.body)) else None


def _reachable(roots: list[Instance]) -> list[Instance]:
    """The roots and all they call, callees first."""
    order: dict[Instance, None] = {}
    started: set[Instance] = set()

    def visit(instance: Instance) -> None:
        if instance in started:
            return
        started.add(instance)
        for callee in instance.calls.values():
            visit(callee)
        order[instance] = None

    for root in roots:
        visit(root)
    return list(order)


def _fill_contract(program: Program, contract: ContractInfo) -> None:
    for function in contract.node.functions:
        if all(p.type is not None for p in program.signature(function).params):
            contract.functions.setdefault(function.name, _instance(program, function))


# ---------------------------------------------------------------------------------------------------- reporting


def _report(program: Program, instances: list[Instance], sink: Sink) -> None:
    """What was found in bodies; mistakes in a library function are told at the call that caused them."""
    callers: dict[Instance, tuple[Instance, Span]] = {}
    for instance in reversed(instances):
        for node, callee in instance.calls.items():
            callers.setdefault(callee, (instance, node.span))
    for instance in instances:
        body = program.bodies.get(instance)
        for diagnostic in body.sink.diagnostics if body is not None else ():
            sink.report(_placed(diagnostic, instance, callers))


def _placed(
    diagnostic: Diagnostic, instance: Instance, callers: dict[Instance, tuple[Instance, Span]],
) -> Diagnostic:
    generic = instance.kind == "def" and "(" in instance.name
    if not generic or instance not in callers:
        return diagnostic
    callee, span = instance, diagnostic.span
    seen = {instance}
    while callee.module.stdlib and callee in callers:
        caller, span = callers[callee]
        if caller in seen:
            break
        seen.add(caller)
        if not caller.module.stdlib:
            message = f"{callee.name} does not work: {diagnostic.message}"
            return Diagnostic(diagnostic.code, message, span, (Note(diagnostic.span, "here"), *diagnostic.notes),
                              diagnostic.help, diagnostic.severity)
        callee = caller
    if instance.module.stdlib:
        return diagnostic
    note = Note(callers[instance][1], f"in the call {instance.name}")
    return Diagnostic(diagnostic.code, diagnostic.message, diagnostic.span, (*diagnostic.notes, note), diagnostic.help,
                      diagnostic.severity)
