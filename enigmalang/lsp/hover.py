"""Hover: what a name or an expression is, whether it is private, its range, its cost, and its documentation."""

from dataclasses import replace

from lsprotocol import types

from enigmalang.lsp.facts import Fact
from enigmalang.lsp.index import Index
from enigmalang.lsp.names import Definition
from enigmalang.lsp.view import View
from enigmalang.lsp.words import about, is_keyword, is_type, usage
from enigmalang.plan.cost import Cost
from enigmalang.semantics.names import is_firm
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.syntax.unparse import unparse
from enigmalang.types.ranges import nominal
from enigmalang.types.types import ArrayT, ErrorT, FixedT, ListT, MapT, NoneT, StructT, TupleT, Type

_MOST_TYPES = 4
#: What an editor counts while one types is not what nodes measure: sizes are not known here, and nothing is run.
_BOUND = "loops and lists counted once; `enig cost` counts what runs"


def hover(view: View, position: types.Position) -> types.Hover | None:
    """What is known about the place; None where nothing stands, or nothing is known."""
    if view.is_outside(position):
        return None
    line, column = view.place(position)
    occurrence = view.good.index.main.at(line, column)
    if occurrence is not None:
        name = occurrence.definition.meant
        parts = [_code(signature(view, name, occurrence.node)), *_facts(view, name, occurrence.node)]
        return _answer(view, [*parts, _docstring(name.node)], occurrence.span)
    word = view.word(position)
    if word and (is_keyword(word) or is_type(word) or is_firm(word) or about(word)):
        return _word(view, word, line, column)
    node = view.expression(line, column)
    if node is None:
        return None
    shown = [_code(types_text(view.good.index.types.get(node, ()))), *_values(view, node, node.span)]
    return _answer(view, shown, node.span)


def _answer(view: View, parts: list[str], span: Span) -> types.Hover | None:
    text = "\n\n".join(part for part in parts if part)
    return None if not text else types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), view.range(span))


def _code(text: str) -> str:
    return f"```enigma\n{text}\n```" if text else ""


def _word(view: View, word: str, line: int, column: int) -> types.Hover | None:
    node = view.expression(line, column)
    head = usage(word) or word
    if isinstance(node, ast.Name) and node.id == word and (found := types_text(view.good.index.types.get(node, ()))):
        head = f"{word}: {found}"
    text = about(word)
    call = next((n for n in reversed(view.path_to(line, column)) if isinstance(n, ast.Call | ast.Reveal)
                 and (n.span.line, n.span.column) <= (line, column)), None)
    extra = _values(view, call, call.span) if call is not None and usage(word) else []
    if text is None and not extra and head == word:
        return None
    content = "\n\n".join(part for part in (_code(head), *extra, text or "") if part)
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, content))


# ------------------------------------------------------------------------------------------------- signatures


def signature(view: View, name: Definition, use: ast.Node | None = None) -> str:
    """The declaration as the source would write it."""
    node = name.node
    match node:
        case ast.FunctionDef():
            return _header(view, replace(node, body=(), docstring=None)).removesuffix(":")
        case ast.PredicateDecl():
            return _header(view, replace(node, body=(ast.Pass(node.span),))).removesuffix(":")
        case ast.ContractDef():
            return f"contract {name.name}"
        case ast.StructDecl() | ast.EnumDecl():
            return _text(view, replace(node, docstring=None))
        case ast.InterfaceDecl():
            return f"interface {name.name}"
        case ast.EventDecl() | ast.ErrorDecl() | ast.ConstDecl():
            return _text(view, node)
        case ast.VarDecl() if name.kind in ("state", "field"):
            return f"{name.owner}.{_text(view, node).removeprefix('private ')}" if not node.private else \
                f"private {name.owner}.{_text(view, node).removeprefix('private ')}"
        case ast.Module():
            return f"module {name.name}"
        case _ if name.kind == "identity":
            return f"identity {name.name}"
        case _ if name.kind == "member":
            return f"{name.owner}.{name.name}"
        case _:
            private = "private " if name.private else ""
            return f"{private}{name.name}: {types_text(types_of(view.good.index, name, use)) or '?'}"


def _text(view: View, node: ast.Node) -> str:
    module = ast.Module(node.span, view.good.source, (node,))  # type: ignore[arg-type]
    return unparse(module).rstrip("\n")


def _header(view: View, node: ast.Node) -> str:
    return _text(view, node).split("\n")[0]


def types_of(index: Index, name: Definition, use: ast.Node | None = None) -> tuple[Type, ...]:
    """The types that the variable, parameter, state or constant `name` has; several where calls differ."""
    if use is not None and (found := index.types.get(use)):
        return found
    if name.node in index.declared_types:
        return (index.declared_types[name.node],)
    if name.extent is not None and (instances := index.functions.get(name.extent)):
        found = tuple(dict.fromkeys(i.variables[name.name] for i in instances if name.name in i.variables))
        if found:
            return found
    names = index.names(name.span.path)
    for occurrence in names.occurrences if names is not None else ():
        if occurrence.definition is name and (found := index.types.get(occurrence.node, ())):
            return found
    return ()


def types_text(found: tuple[Type, ...]) -> str:
    """Types for people, at most a few."""
    known = [str(t) for t in found if not isinstance(t, ErrorT | NoneT)]
    more = " | …" if len(known) > _MOST_TYPES else ""
    return " | ".join(dict.fromkeys(known[:_MOST_TYPES])) + more


# ------------------------------------------------------------------------------------------------------ facts


def fact_of(view: View, name: Definition, use: Span) -> Fact | None:
    """Secrecy and range of a variable or parameter where it is used."""
    if name.kind in ("local", "param") and name.extent is not None:
        names = view.good.index.names(name.span.path)
        given = names.given.get(name, ()) if names is not None else ()
        return view.good.facts.of_name(name.name, name.extent, given, use)
    return view.good.facts.value(use)


def _facts(view: View, name: Definition, node: ast.Node) -> list[str]:
    if name.kind in ("local", "param", "state", "field"):
        span = node.span if isinstance(node, ast.Name | ast.Attribute) else name.span
        fact = fact_of(view, name, span)
        found = types_of(view.good.index, name, node)
        if not name.private and has_parts(found):
            return []
        return [_secrecy(name.private or (fact is not None and fact.private), fact, found)]
    if name.kind in ("function", "method"):
        cost = view.good.facts.cost(name.node.span)
        return [f"each call: {_counted(cost)} in its text ({_BOUND})"] if cost is not None else []
    return []


def _values(view: View, node: ast.Node, span: Span) -> list[str]:
    """Of an expression that is not a name alone."""
    fact = view.good.facts.value(span)
    if fact is None:
        return []
    cost = view.good.facts.cost(span)
    text = _secrecy(fact.private, fact, view.good.index.types.get(node, ()))
    return [text, f"costs {_counted(cost)} ({_BOUND})"] if cost is not None else [text]


def _counted(cost: Cost) -> str:
    return ", ".join(f"{n} {kind.removesuffix('s') if n == 1 else kind}" for kind, n in cost.counts if n)


def _secrecy(private: bool, fact: Fact | None, found: tuple[Type, ...]) -> str:
    word = "**private**" if private else "public"
    scalar = _scalar(found)
    if fact is None or fact.range is None or scalar is None:
        return word
    if isinstance(scalar, FixedT):
        one = 1 << scalar.fraction
        return f"{word} · {fact.range.low / one:.6g}..{fact.range.high / one:.6g}"
    whole = " (all of its type)" if fact.range == nominal(scalar) else ""
    return f"{word} · {fact.range}{whole}"


def has_parts(found: tuple[Type, ...]) -> bool:
    """Whether the types have fields or items, each private or public by itself."""
    return any(isinstance(_element(t), StructT | TupleT) for t in found)


def _element(type: Type) -> Type:
    while isinstance(type, ListT | ArrayT | MapT):
        type = type.value if isinstance(type, MapT) else type.element
    return type


def _scalar(found: tuple[Type, ...]) -> Type | None:
    element = _element(found[0]) if found else None
    return element if nominal(element) is not None else None


def _docstring(node: ast.Node) -> str:
    text = getattr(node, "docstring", None)
    return "" if not text else "\n".join(line.strip() for line in text.strip().split("\n"))
