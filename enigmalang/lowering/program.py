"""From a checked program to IR: one function per instance, one contract table per contract."""

import sys

from enigmalang.ir import ir
from enigmalang.ir.builder import Builder
from enigmalang.ir.leaves import leaves_of
from enigmalang.lowering.arguments import params_of
from enigmalang.lowering.control import close
from enigmalang.lowering.convert import zero
from enigmalang.lowering.exits import returns_somewhere, structured
from enigmalang.lowering.expressions import lower_expr
from enigmalang.lowering.frame import Bundle, Dispatch, Exit, Frame, Unit
from enigmalang.lowering.inputs import lower_input
from enigmalang.lowering.layout import Layout, layout_state
from enigmalang.lowering.statements import lower_block
from enigmalang.semantics.model import Checked, ContractInfo, Instance, Kind, Symbol
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import Label, NoneT, Type

#: A 2,000-line chain of `elif` nests as deep as it is long, here and in every later stage. Python 3.11 keeps
#: Python-to-Python calls off the C stack, so the limit may be raised.
DEEP = 50_000


def lower(checked: Checked) -> ir.Program:
    """The IR of a checked program. Calls stay `call` operations; `passes.inline` removes them."""
    program, unit = outline(checked)
    for instance in all_instances(checked):
        program.functions[instance.name] = lower_instance(unit, instance)
    return program


def outline(checked: Checked) -> tuple[ir.Program, Unit]:
    """The program without its functions, and what `lower_instance` needs to make them (it notes `interfaces`)."""
    sys.setrecursionlimit(max(DEEP, sys.getrecursionlimit()))
    layouts = {name: layout_of(info) for name, info in checked.contracts.items()}
    unit = Unit(checked, layouts, Dispatch(lower_expr, lower_block))
    contracts = {
        name: contract_table(info, layouts[name], checked.main.symbols) for name, info in checked.contracts.items()}
    tests = tuple(test.name for test in checked.tests)
    return ir.Program(checked.main.tree.source.path, {}, contracts, tests, unit.interfaces), unit


def all_instances(checked: Checked) -> list[Instance]:
    """Every instance once: the script first, then what it reaches, then the tests."""
    found: dict[str, Instance] = {}
    listed = [checked.script] if checked.script else []
    listed += checked.instances
    listed += [function for info in checked.contracts.values() for function in info.functions.values()]
    listed += checked.tests
    for instance in listed:
        found.setdefault(instance.name, instance)
        for callee in instance.calls.values():
            found.setdefault(callee.name, callee)
    return list(found.values())


# ------------------------------------------------------------------------------------------------- contracts


def layout_of(info: ContractInfo) -> Layout:
    layout: Layout = {}
    for declared in info.node.state:
        symbol = info.symbols[declared.name]
        if symbol.type is not None:
            private = symbol.private or declared.private
            layout[declared.name] = layout_state(declared.name, symbol.type, private, declared.span)
    return layout


def contract_table(info: ContractInfo, layout: Layout, shared: dict[str, Symbol]) -> ir.Contract:
    """`shared`: the file's own names; events and errors may be declared outside the contract."""
    def fields(kind: Kind) -> dict[str, tuple[tuple[str, Type], ...]]:
        symbols = {**shared, **info.symbols}
        return {name: tuple(s.value) for name, s in symbols.items() if s.kind is kind and s.value is not None}

    return ir.Contract(
        name=info.name,
        slots={slot.name: slot for state in layout.values() for slot in state.slots},
        state={name: (state.type, state.private) for name, state in layout.items()},
        events=fields(Kind.EVENT),
        errors=fields(Kind.ERROR),
        functions=tuple(info.functions[node.name].name for node in info.node.functions if node.name in info.functions),
        span=info.node.span,
        docstring=info.node.docstring,
    )


# ------------------------------------------------------------------------------------------------- functions


def lower_instance(unit: Unit, instance: Instance) -> ir.Function:
    """One instance: parameters to leaves, the body, the result."""
    frame = Frame(unit, instance, Builder())
    params = tuple(_param(frame, p, t) for p, t in zip(params_of(instance), instance.param_types, strict=True))
    if instance.kind == "script" and unit.checked.kept is not None:
        return lower_input(frame, unit.checked.kept, _body(instance))
    body = _body(instance)
    frame.scoped = not structured(body)
    end = _end_of(instance, body)
    if frame.scoped:
        _scoped_body(frame, body, end)
    else:
        frame.finish(_values_at_end(frame, frame.block(body), end), end)
    return ir.Function(
        name=instance.name, kind=instance.kind, params=params, body=frame.build.region, result=instance.result,
        result_private=instance.result_private, span=_span_of(instance),
        contract=instance.contract.name if instance.contract else None,
        payable=isinstance(instance.node, ast.FunctionDef) and "payable" in instance.node.modifiers,
        recursive=instance.recursive,
        docstring=instance.node.docstring if isinstance(instance.node, ast.FunctionDef) else None,
    )


def _scoped_body(f: Frame, body: tuple[ast.Stmt, ...], end: Span) -> None:
    """The body in a `scope`, which `leave` leaves with the result."""
    region = ir.Region()
    with f.branch(region):
        f.finish(_values_at_end(f, f.block(body), end), end)
    types = [leaf.type for leaf in leaves_of(f.instance.result)]
    op = f.build.emit("scope", (), end, types=types, regions=(region,))
    f.finish(op.results, end)


def _values_at_end(f: Frame, exit: Exit | None, end: Span) -> tuple[ir.Value, ...]:
    if exit is not None and exit.kind == "return":
        return exit.values
    if exit is not None and exit.kind != "raise":
        close(f, f.build.region, exit)
    return zero(f, f.instance.result, end).leaves


def _body(instance: Instance) -> tuple[ast.Stmt, ...]:
    """The statements to run. A function without result gets the `return` that it does not say."""
    node = instance.node
    if isinstance(node, ast.Module):
        return tuple(s for s in node.body if isinstance(s, _STATEMENTS))
    if isinstance(instance.result, NoneT) and any(returns_somewhere(s) for s in node.body):
        return (*node.body, ast.Return(node.body[-1].span, None))
    return node.body


_STATEMENTS = (
    ast.VarDecl, ast.Assign, ast.AugAssign, ast.ExprStmt, ast.If, ast.For, ast.While, ast.Break, ast.Continue,
    ast.Pass, ast.Return, ast.Require, ast.Raise, ast.Assert, ast.Emit, ast.IdentityDecl, ast.As, ast.ExpectRevert,
    ast.ExpectLeak, ast.Advance,
)


def _end_of(instance: Instance, body: tuple[ast.Stmt, ...]) -> Span:
    return body[-1].span if body else _span_of(instance)


def _span_of(instance: Instance) -> Span:
    node = instance.node
    return node.name_span if isinstance(node, ast.FunctionDef) else node.span


def _param(f: Frame, node: ast.Param, type: Type) -> ir.Param:
    """A parameter's leaves: labelled where it, or a field of it, is declared private."""
    values: list[ir.Value] = []
    for leaf in leaves_of(type, node.private):
        label = Label.PRIVATE if leaf.private else Label.PUBLIC
        hint = ".".join((node.name, *leaf.path))
        values.append(ir.Value(leaf.type, node.span, label, lens=leaf.lens, hint=hint))
    f.env[node.name] = Bundle(type, tuple(values))
    if node.annotation is not None:
        f.declared.add(node.name)
    return ir.Param(node.name, type, node.private, tuple(values), f.instance.param_ranges.get(node.name), node.span)
