"""Interfaces, as the program carries them: declarations of what it calls on other contracts."""

from enigmalang.ir.ir import Foreign, Interface
from enigmalang.lowering.frame import Frame, LoweringError
from enigmalang.semantics.model import Kind, Symbol
from enigmalang.source import Span
from enigmalang.syntax import ast


def foreign(f: Frame, interface: str, function: str, span: Span) -> tuple[str, Foreign]:
    """The name of the interface in the program, and the declaration of `function` there; both are kept.

    Two modules may each have an interface of the same name: the second one gets another.
    """
    symbol = _symbol(f, interface)
    if symbol is None or not isinstance(symbol.node, ast.InterfaceDecl) or function not in symbol.value:
        raise LoweringError(span, f"no interface `{interface}` declares `{function}`")
    kept, name = f.unit.interfaces, interface
    while name in kept and kept[name].span != symbol.node.span:
        name += "_"
    made = kept.setdefault(name, Interface(name, {}, symbol.node.span))
    if function not in made.functions:
        made.functions[function] = _declared(symbol.node, symbol, function)
    return name, made.functions[function]


def _declared(node: ast.InterfaceDecl, symbol: Symbol, function: str) -> Foreign:
    declared = next(d for d in node.functions if d.name == function)
    types, result = symbol.value[function]
    params = tuple((param.name, type) for param, type in zip(declared.params, types, strict=True))
    return Foreign(params, result, "view" in declared.modifiers, "payable" in declared.modifiers)


def _symbol(f: Frame, name: str) -> Symbol | None:
    """The function's own module first, as the checker looks it up."""
    checked = f.unit.checked
    tables = (f.instance.module.symbols, *(m.symbols for m in checked.modules.values()), checked.main.symbols)
    return next((s for t in tables if (s := t.get(name)) is not None and s.kind is Kind.INTERFACE), None)
