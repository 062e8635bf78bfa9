"""From lark's tree to expressions. One method a grammar rule, named `on_` and the rule; children come built."""

from dataclasses import dataclass
from typing import Any

from lark import Token
from lark.tree import Meta

from enigmalang.diagnostics import Diagnostic, Sink
from enigmalang.source import SourceFile, Span
from enigmalang.syntax import ast, foreign, literals
from enigmalang.syntax.words import TIME_UNITS, UNITS

Items = list[Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """`key: value` of a dict."""

    key: ast.Expr
    value: ast.Expr


class Expressions:
    """Builds expressions. Lines of the tree count from `first_line` of the file."""

    def __init__(self, source: SourceFile, sink: Sink, first_line: int = 1) -> None:
        self.source = source
        self.sink = sink
        self.shift = first_line - 1
        self.failed = False

    def span(self, meta: Meta) -> Span:
        return Span(self.source.path, meta.line + self.shift, meta.column, meta.end_line + self.shift, meta.end_column)

    def token_span(self, token: Token) -> Span:
        line, end = token.line or 1, token.end_line or 1
        return Span(self.source.path, line + self.shift, token.column or 1, end + self.shift, token.end_column or 1)

    def error(self, code: str, message: str, span: Span, help: str | None = None) -> None:
        self.failed = True
        self.sink.report(Diagnostic(code, message, span, (), help))

    def named(self, token: Token) -> ast.Name:
        return ast.Name(self.token_span(token), str(token))

    # ------------------------------------------------------------------------------------------- atoms

    def on_name(self, span: Span, items: Items) -> ast.Expr:
        name = str(items[0])
        if name in foreign.VALUES:
            message, help = foreign.VALUES[name]
            self.error("E0010", message, span, help)
        return ast.Name(span, name)

    def on_number(self, span: Span, items: Items) -> ast.Expr:
        token = items[0]
        text = str(token)
        if token.type == "HEX":
            return ast.HexLit(span, text)
        unit = str(items[1]) if items[1] is not None else None
        if token.type == "DECIMAL":
            return ast.FixedLit(span, text, unit)
        return ast.IntLit(span, int(text) * (UNITS[unit] if unit else 1), text, unit)

    def on_string(self, span: Span, items: Items) -> ast.Expr:
        return ast.StrLit(span, "".join(literals.string_value(item) for item in items))

    def on_bytes(self, span: Span, items: Items) -> ast.Expr:
        return ast.BytesLit(span, b"".join(literals.bytes_value(item) for item in items))

    def on_truth(self, span: Span, items: Items) -> ast.Expr:
        return ast.BoolLit(span, items[0].type == "TRUE")

    def on_list(self, span: Span, items: Items) -> ast.Expr:
        return ast.ListLit(span, tuple(item for item in items if item is not None))

    def on_tuple(self, span: Span, items: Items) -> ast.Expr:
        return ast.TupleLit(span, tuple(items))

    def on_bare_tuple(self, span: Span, items: Items) -> ast.Expr:
        return ast.TupleLit(span, tuple(items))

    def on_entry(self, span: Span, items: Items) -> Entry:
        return Entry(items[0], items[1])

    def on_dict(self, span: Span, items: Items) -> ast.Expr:
        entries = [item for item in items if item is not None]
        return ast.DictLit(span, tuple(e.key for e in entries), tuple(e.value for e in entries))

    # ----------------------------------------------------------------------------------------- primaries

    def on_attribute(self, span: Span, items: Items) -> ast.Expr:
        return ast.Attribute(span, items[0], str(items[1]))

    def on_index(self, span: Span, items: Items) -> ast.Expr:
        return ast.Index(span, items[0], tuple(items[1:]))

    def on_slice(self, span: Span, items: Items) -> ast.Expr:
        return ast.Slice(span, items[0], items[1], items[2])

    def on_keyword(self, span: Span, items: Items) -> ast.Keyword:
        return ast.Keyword(span, str(items[0]), items[1])

    def on_call(self, span: Span, items: Items) -> ast.Expr:
        function, given = items[0], [item for item in items[1:] if item is not None]
        keywords = tuple(item for item in given if isinstance(item, ast.Keyword))
        args = tuple(item for item in given if not isinstance(item, ast.Keyword))
        if any(isinstance(item, ast.Keyword) for item in given[: len(args)]):
            late = next(a for i, a in enumerate(given) if i and a in args and isinstance(given[i - 1], ast.Keyword))
            self.error(
                "E0001",
                "an argument without a name stands after a named one",
                late.span,
                "put the named arguments last",
            )
        if isinstance(function, ast.Name) and function.id == "reveal":
            return self.reveal(span, args, keywords)
        return ast.Call(span, function, args, keywords)

    def reveal(self, span: Span, args: tuple[ast.Expr, ...], keywords: tuple[ast.Keyword, ...]) -> ast.Expr:
        unknown = next((k for k in keywords if k.name != "to"), None)
        if unknown is not None:
            self.error("E0204", f"`reveal` has no argument `{unknown.name}`", unknown.span, "write `reveal(e, to=who)`")
        elif len(args) != 1 or len(keywords) > 1:
            help = "write `reveal(e)` or `reveal(e, to=who)`; for several, use a list"
            self.error("E0203", "`reveal` takes one value", span, help)
        if not args:
            return ast.Name(span, "reveal")
        return ast.Reveal(span, args[0], keywords[0].value if keywords else None)

    # ----------------------------------------------------------------------------------------- operators

    def on_unary(self, span: Span, items: Items) -> ast.Expr:
        return ast.Unary(span, str(items[0]), items[1])

    def on_binary(self, span: Span, items: Items) -> ast.Expr:
        return ast.Binary(span, str(items[1]), items[0], items[2])

    def on_comparator(self, span: Span, items: Items) -> str:
        return " ".join(str(item) for item in items)

    def on_compare(self, span: Span, items: Items) -> ast.Expr:
        return ast.Compare(span, items[0], tuple(items[1::2]), tuple(items[2::2]))

    def on_any_of(self, span: Span, items: Items) -> ast.Expr:
        return ast.BoolOp(span, "or", tuple(items))

    def on_all_of(self, span: Span, items: Items) -> ast.Expr:
        return ast.BoolOp(span, "and", tuple(items))

    def on_conditional(self, span: Span, items: Items) -> ast.Expr:
        then, condition, otherwise = items
        return ast.IfExpr(span, condition, then, otherwise)

    def on_await_(self, span: Span, items: Items) -> ast.Expr:
        return ast.Await(span, items[0])

    def on_deploy(self, span: Span, items: Items) -> ast.Expr:
        return ast.Deploy(span, self.call("deploy", "deploy Auction(…)", items[0]))

    def on_submit(self, span: Span, items: Items) -> ast.Expr:
        return ast.Submit(span, self.call("submit", "submit c.bid(…)", items[0]))

    def call(self, word: str, example: str, operand: ast.Expr) -> ast.Call:
        if isinstance(operand, ast.Call):
            return operand
        self.error("E0001", f"`{word}` needs a call", operand.span, f"write `{example}`")
        return ast.Call(operand.span, operand, ())

    # ------------------------------------------------------------------------------------- comprehensions

    def on_condition(self, span: Span, items: Items) -> ast.Expr:
        condition: ast.Expr = items[0]
        return condition

    def on_clause(self, span: Span, items: Items) -> ast.CompClause:
        target, _in, iterable, *conditions = items
        return ast.CompClause(span, target, iterable, tuple(conditions))

    def on_comprehension(self, span: Span, items: Items) -> ast.Expr:
        return ast.Comprehension(span, items[0], tuple(items[1:]))

    def on_generator(self, span: Span, items: Items) -> ast.Expr:
        return self.on_comprehension(span, items)

    def on_targets(self, span: Span, items: Items) -> ast.Target:
        parts = tuple(item for item in items if not isinstance(item, Token))
        return self.target(parts[0] if len(items) == 1 else ast.TupleLit(span, parts))

    def target(self, expr: ast.Expr) -> ast.Target:
        """`expr` as something that can be assigned to."""
        if isinstance(expr, ast.TupleLit) and expr.items:
            for item in expr.items:
                self.target(item)
            return expr
        if isinstance(expr, ast.Name | ast.Attribute | ast.Index):
            return expr
        self.error(
            "E0001", f"cannot assign to {describe(expr)}", expr.span, "left of `=` stands a name, `x[i]` or `x.field`"
        )
        return ast.Name(expr.span, "_")


def has_time(expr: ast.Expr) -> bool:
    """Whether a unit of time is written in `expr`."""
    return any(isinstance(n, ast.IntLit | ast.FixedLit) and n.unit in TIME_UNITS for n in ast.walk(expr))


def describe(expr: ast.Expr) -> str:
    """What `expr` is, in the user's words."""
    match expr:
        case ast.Call() | ast.Reveal() | ast.Deploy() | ast.Submit() | ast.Await():
            return "a call"
        case ast.IntLit() | ast.HexLit() | ast.FixedLit():
            return "a number"
        case ast.StrLit() | ast.BytesLit():
            return "a string"
        case ast.BoolLit(value=value):
            return f"`{value}`"
        case ast.ListLit() | ast.Comprehension():
            return "a list"
        case ast.TupleLit():
            return "an empty tuple"
        case ast.DictLit():
            return "a dict"
        case ast.Slice():
            return "a slice"
        case ast.Compare():
            return "a comparison"
        case _:
            return "an expression"
