"""Walks lark's tree from the leaves up, without recursion, and keeps the limits of depth."""

from collections.abc import Callable
from typing import Any

from lark import Token, Tree

from enigmalang.diagnostics import Sink
from enigmalang.source import SourceFile, Span
from enigmalang.syntax import ast
from enigmalang.syntax.build_declarations import Declarations
from enigmalang.syntax.words import MAX_BLOCKS, MAX_NESTING

_Handler = Callable[[Span, list[Any]], Any]


def build(tree: Tree[Token], source: SourceFile, sink: Sink, first_line: int = 1) -> ast.Module | None:
    """The module of `tree`, or None when something in it was reported to `sink`.

    `first_line` is the line of the file where the parsed text begins.
    """
    builder = Declarations(source, sink, first_line)
    order = _parents_first(tree, builder)
    if order is None:
        return None
    made: dict[int, Any] = {}
    handlers: dict[str, _Handler] = {}
    empty = source.whole()
    for node in reversed(order):
        handler = handlers.get(node.data)
        if handler is None:
            handler = handlers[node.data] = getattr(builder, f"on_{node.data}")
        span = empty if node.meta.empty else builder.span(node.meta)
        made[id(node)] = handler(span, [made[id(c)] if isinstance(c, Tree) else c for c in node.children])
    module: ast.Module = made[id(tree)]
    return None if builder.failed else module


def _parents_first(tree: Tree[Token], builder: Declarations) -> list[Tree[Token]] | None:
    """Every node, parents before children; None when they are nested too deeply, which is then reported."""
    order: list[Tree[Token]] = []
    stack = [(tree, 0, 0)]
    while stack:
        node, depth, blocks = stack.pop()
        order.append(node)
        if node.data == "suite":
            depth, blocks = 0, blocks + 1
        if depth > MAX_NESTING or blocks > MAX_BLOCKS:
            _too_deep(node, builder, blocks > MAX_BLOCKS)
            return None
        stack.extend((child, depth + 1, blocks) for child in node.children if isinstance(child, Tree))
    return order


def _too_deep(node: Tree[Token], builder: Declarations, blocks: bool) -> None:
    span = builder.span(node.meta)
    here = Span(span.path, span.line, span.column, span.line, span.column + 1)
    if blocks:
        builder.error("E0008", f"more than {MAX_BLOCKS} blocks in one another", here, "move the inner ones to a `def`")
        return
    builder.error(
        "E0008",
        f"more than {MAX_NESTING} operations in one another",
        here,
        "give parts of the expression names of their own; to add many values, use `sum([…])`",
    )
