"""Statements: one function a form, and the block that strings them together."""

from collections.abc import Sequence
from typing import assert_never

from enigmalang.ir.ir import Opaque, Value
from enigmalang.lowering.access import load, store
from enigmalang.lowering.arguments import fields_given, given_in_order
from enigmalang.lowering.control import (
    carried_now,
    lower_as,
    lower_expected,
    lower_for,
    lower_if,
    lower_while,
    static_branch,
)
from enigmalang.lowering.convert import fit, share_private, store_as, truth, zero
from enigmalang.lowering.exits import guard
from enigmalang.lowering.frame import Bundle, Exit, Frame, LoweringError
from enigmalang.lowering.iterate import bind
from enigmalang.lowering.operators import binary
from enigmalang.lowering.places import find_place
from enigmalang.semantics.model import Kind, Symbol
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import ERROR, IdentityT, NoneT


def lower_block(f: Frame, statements: Sequence[ast.Stmt]) -> Exit | None:
    """The statements in order; the exit that ends them, if one does."""
    for number, statement in enumerate(statements):
        if isinstance(statement, ast.If) and (live := static_branch(f, statement)) is not None:
            return lower_block(f, (*live, *statements[number + 1:]))
        side = guard(statement) if not f.scoped and number + 1 < len(statements) else None
        if side is not None:
            assert isinstance(statement, ast.If)
            return lower_if(f, statement, tuple(statements[number + 1:]), side)
        if (exit := lower_statement(f, statement)) is not None:
            return exit
    return None


def lower_statement(f: Frame, node: ast.Stmt) -> Exit | None:
    match node:
        case ast.If():
            return lower_if(f, node)
        case ast.As():
            return lower_as(f, node)
        case ast.Return():
            return Exit("return", _returned(f, node), node.span)
        case ast.Break():
            return Exit("break", carried_now(f, node.span), node.span)
        case ast.Continue():
            return Exit("continue", carried_now(f, node.span), node.span)
        case ast.Raise():
            _raise(f, node)
            return Exit("raise", (), node.span)
        case _:
            _plain(f, node)
            return None


def _plain(
    f: Frame, node: ast.VarDecl | ast.Assign | ast.AugAssign | ast.ExprStmt | ast.For | ast.While | ast.Pass
    | ast.Require | ast.Assert | ast.Emit | ast.IdentityDecl | ast.ExpectRevert | ast.ExpectLeak | ast.Advance,
) -> None:
    """Statements after which the next one always follows."""
    match node:
        case ast.VarDecl():
            _declare(f, node)
        case ast.Assign():
            _assign(f, node)
        case ast.AugAssign():
            _augment(f, node)
        case ast.ExprStmt():
            f.expr(node.value)
        case ast.For():
            lower_for(f, node)
        case ast.While():
            lower_while(f, node)
        case ast.Pass():
            pass
        case ast.Require():
            _require(f, node)
        case ast.Assert():
            message = () if node.message is None else (f.value(node.message),)
            condition = truth(f, f.value(node.condition), node.condition.span)
            f.build.emit("assert", (condition, *message), node.span)
        case ast.Emit():
            _emit(f, node)
        case ast.IdentityDecl():
            for name in node.names:
                value = f.build.value(
                    "identity", (), name.span, type=Opaque(IdentityT()), hint=name.id, name=name.id)
                f.env[name.id] = Bundle(IdentityT(), (value,))
        case ast.ExpectRevert() | ast.ExpectLeak():
            lower_expected(f, node)
        case ast.Advance():
            f.build.emit("advance", (f.value(node.amount),), node.span, attrs={"unit": node.unit})
        case _:
            assert_never(node)


# ---------------------------------------------------------------------------------------------- assignments


def _declare(f: Frame, node: ast.VarDecl) -> None:
    """`x: T = e`, `private x = e`: the type, written or inferred, is the variable's."""
    span = node.value.span if node.value is not None else node.span
    if node.annotation is not None:
        f.declared.add(node.name)
    bundle = f.expr(node.value) if node.value is not None else _default(f, node)
    type = f.instance.types.get(node) or f.instance.variables.get(node.name, bundle.type)
    if node.private:
        _mark_input(f, bundle)
    if node.annotation is not None or (node.private and type != bundle.type):
        bundle = store_as(f, bundle, type, span, f"the variable {node.name}: {type}")
    if node.private:
        bundle = share_private(f, bundle, True, node.name_span)
    _bind_local(f, node.name, bundle)


def _default(f: Frame, node: ast.VarDecl) -> Bundle:
    """`x: uint32[10]` starts as zeros."""
    return zero(f, f.instance.types.get(node) or f.instance.variables[node.name], node.span)


def _mark_input(f: Frame, bundle: Bundle) -> None:
    """`private x = input(…)`: the file's values are secret at the client."""
    for op in reversed(f.build.region.ops):
        if op.op == "input" and op.results == bundle.leaves:
            op.attrs["private"] = True
            return


def _bind_local(f: Frame, name: str, bundle: Bundle) -> None:
    for leaf in bundle.leaves:
        leaf.hint = leaf.hint or name
    f.env[name] = bundle


def _assign(f: Frame, node: ast.Assign) -> None:
    if isinstance(node.target, ast.TupleLit):
        bind(f, node.target, f.expr(node.value))
        return
    bundle = f.expr(node.value)
    place = find_place(f, node.target)
    if bundle.type == ERROR or isinstance(bundle.type, NoneT):
        raise LoweringError(node.span, "there is no value to assign")
    store(f, place, bundle, node.value.span)


def _augment(f: Frame, node: ast.AugAssign) -> None:
    """The place is found once: its keys and indices are not evaluated again."""
    place = find_place(f, node.target)
    old = load(f, place)
    new = f.expr(node.value)
    stated = f.instance.types.get(node)
    result = binary(f, node.op, old, new, node.span, stated)
    store(f, place, result, node.span)


# ----------------------------------------------------------------------------------------- results and failures


def _returned(f: Frame, node: ast.Return) -> tuple[Value, ...]:
    if node.value is None:
        return ()
    bundle = f.expr(node.value)
    return result_values(f, bundle, node.value.span)


def result_values(f: Frame, bundle: Bundle, span: Span) -> tuple[Value, ...]:
    """`bundle` as the function's result: converted when the type is written, shared when it is private."""
    instance = f.instance
    declared = isinstance(instance.node, ast.FunctionDef) and instance.node.returns is not None
    if isinstance(instance.result, NoneT):
        return ()
    if declared:
        name = instance.node.name if isinstance(instance.node, ast.FunctionDef) else instance.name
        bundle = store_as(f, bundle, instance.result, span, f"the result of {name}")
        bundle = share_private(f, bundle, instance.result_private, span)
    else:
        bundle = fit(f, bundle, instance.result, span)
    return bundle.leaves


def _require(f: Frame, node: ast.Require) -> None:
    condition = truth(f, f.value(node.condition), node.condition.span)
    if node.message is None:
        f.build.emit("require", (condition,), node.span)
    elif (error := _error_called(f, node.message)) is not None:
        name, leaves = error
        f.build.emit("require", (condition, *leaves), node.span, attrs={"error": name})
    else:
        f.build.emit("require", (condition, f.value(node.message)), node.span)


def _raise(f: Frame, node: ast.Raise) -> None:
    error = _error_called(f, node.error)
    if error is None:
        f.build.emit("raise", (f.value(node.error),), node.span)
    else:
        f.build.emit("raise", error[1], node.span, attrs={"error": error[0]})


def _error_called(f: Frame, node: ast.Expr) -> tuple[str, tuple[Value, ...]] | None:
    """`SomeError(args)` as the error's name and the leaves of its arguments."""
    name = node.function if isinstance(node, ast.Call) else node
    symbol = _declared(f, name)
    if symbol is None or symbol.kind is not Kind.ERROR:
        return None
    args, keywords = (node.args, node.keywords) if isinstance(node, ast.Call) else ((), ())
    return symbol.name, _event_leaves(f, symbol, args, keywords, f"the error {symbol.name}")


def _declared(f: Frame, node: ast.Expr) -> Symbol | None:
    """The event or error that a name (or `module.name`) stands for."""
    if (symbol := f.symbol(node)) is not None:
        return symbol
    if member := f.instance.members.get(node):
        return member.symbol
    if isinstance(node, ast.Name):
        contract = f.instance.contract
        return (contract.symbols.get(node.id) if contract else None) or f.instance.module.symbols.get(node.id)
    return None


def _emit(f: Frame, node: ast.Emit) -> None:
    symbol = _declared(f, node.event)
    if symbol is None or symbol.kind is not Kind.EVENT:
        raise LoweringError(node.span, "not an event")
    leaves = _event_leaves(f, symbol, node.args, node.keywords, f"the event {symbol.name}")
    f.build.emit("emit", leaves, node.span, attrs={"event": symbol.name})


def _event_leaves(
    f: Frame, symbol: Symbol, args: Sequence[ast.Expr], keywords: Sequence[ast.Keyword], owner: str,
) -> tuple[Value, ...]:
    names = [name for name, _ in symbol.value]
    given = given_in_order(names, args, keywords)
    return fields_given(f, given, names, [type for _, type in symbol.value], owner)
