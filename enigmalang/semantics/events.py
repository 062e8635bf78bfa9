"""Events and errors: their fields, and the statements that name them."""

from collections.abc import Sequence

from enigmalang.semantics.annotations import needs_size
from enigmalang.semantics.arguments import bind
from enigmalang.semantics.context import Body, declared_at, near
from enigmalang.semantics.model import Kind, Symbol
from enigmalang.semantics.places import of_module
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ERROR,
    ListT,
    Type,
)


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
