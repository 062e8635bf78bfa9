"""The outline of a document."""

from collections.abc import Iterator

from lsprotocol import types

from enigmalang.lsp.hover import signature, types_of, types_text
from enigmalang.lsp.names import Declared, Definition
from enigmalang.lsp.view import View
from enigmalang.source import Span
from enigmalang.syntax import ast

_K = types.SymbolKind
_KINDS = {
    "const": _K.Constant, "function": _K.Function, "method": _K.Method, "contract": _K.Class, "state": _K.Field,
    "struct": _K.Struct, "enum": _K.Enum, "event": _K.Event, "error": _K.Event, "interface": _K.Interface,
    "predicate": _K.Function, "field": _K.Field, "member": _K.EnumMember, "local": _K.Variable,
    "identity": _K.Variable,
}


def document_symbols(view: View) -> list[types.DocumentSymbol]:
    """Declarations with what they hold, and the variables of a script, in the order of the text."""
    declared = view.good.index.declared[view.good.source.path]
    script = [d for d in view.good.index.main.locals if d.owner == "" and isinstance(d.extent, Span)
              and d.extent == declared.source.whole()]
    found = [_symbol(view, d, declared) for d in declared.by_node.values() if d.extent == declared.source.whole()]
    found += [_symbol(view, d, declared) for d in script]
    for node in view.good.module.body:
        if isinstance(node, ast.TestDef):
            place = view.range(node.span)
            head = types.Range(place.start, types.Position(place.start.line, place.start.character + len("test")))
            found.append(types.DocumentSymbol(f"test {node.name}", _K.Method, place, head))
    return sorted(found, key=lambda s: (s.range.start.line, s.range.start.character))


def _symbol(view: View, name: Definition, declared: Declared) -> types.DocumentSymbol:
    inner = sorted((_symbol(view, d, declared) for d in _inside(name, declared)),
                   key=lambda s: (s.range.start.line, s.range.start.character))
    whole = name.node.span if name.kind not in ("local", "identity") else name.span
    return types.DocumentSymbol(
        name.name, _KINDS.get(name.kind, _K.Variable), view.range(whole), view.range(name.span),
        detail=_detail(view, name), children=inner)


def _inside(name: Definition, declared: Declared) -> Iterator[Definition]:
    if isinstance(name.node, ast.ContractDef):
        yield from declared.contracts.get(name.node, {}).values()
    elif isinstance(name.node, ast.StructDecl | ast.EnumDecl | ast.InterfaceDecl):
        yield from declared.members.get(name.node, {}).values()


def _detail(view: View, name: Definition) -> str | None:
    match name.kind:
        case "state" | "field" | "local" | "const":
            text = types_text(types_of(view.good.index, name))
            return f"{'private ' if name.private else ''}{text}" if text else None
        case "function" | "method" | "event" | "error" | "predicate":
            text = signature(view, name).split("\n")[0]
            return text[text.find("("):] if "(" in text else None
        case _:
            return None
