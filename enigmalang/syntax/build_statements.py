"""From lark's tree to statements."""

from dataclasses import dataclass

from lark import Token

from enigmalang.source import Span
from enigmalang.syntax import ast, literals
from enigmalang.syntax.build_expressions import Expressions, Items, has_time
from enigmalang.syntax.words import MAX_BLOCKS

Item = ast.Stmt | ast.Declaration
STATEMENTS = ast.Stmt.__args__


@dataclass(frozen=True, slots=True)
class Block:
    """The statements of a block as they were written; `end` is where its last one ends."""

    items: tuple[Item, ...]
    end: Span


@dataclass(frozen=True, slots=True)
class Branch:
    """`elif c:` or, without a condition, `else:`."""

    start: Span
    condition: ast.Expr | None
    block: Block


#: How a declaration is called when it stands where it may not, and where it may.
_BELONGS: dict[type, tuple[str, str]] = {
    ast.Import: ("an import", "put it at the top of the file"),
    ast.FromImport: ("an import", "put it at the top of the file"),
    ast.ConstDecl: ("a `const`", "put it at the top level of the file or in a contract"),
    ast.StructDecl: ("a struct", "put it at the top level of the file or in a contract"),
    ast.EnumDecl: ("an enum", "put it at the top level of the file or in a contract"),
    ast.InterfaceDecl: ("an interface", "put it at the top level of the file"),
    ast.PredicateDecl: ("a predicate", "put it at the top level of the file"),
    ast.FunctionDef: ("a function", "put it at the top level of the file or in a contract"),
    ast.ContractDef: ("a contract", "put it at the top level of the file"),
    ast.TestDef: ("a test", "put it at the top level of the file"),
    ast.EventDecl: ("an event", "put it in a contract"),
    ast.ErrorDecl: ("an error", "put it in a contract"),
}


class Statements(Expressions):
    """Builds statements."""

    def on_suite(self, span: Span, items: Items) -> Block:
        return Block(tuple(items), items[-1].span)

    def body(self, block: Block, place: str) -> tuple[ast.Stmt, ...]:
        """The statements of `block`; declarations among them are errors."""
        kept: list[ast.Stmt] = []
        for item in block.items:
            if isinstance(item, STATEMENTS):
                kept.append(item)
            else:
                self.misplaced(item, place)
        return tuple(kept)

    def misplaced(self, item: ast.Node, place: str) -> None:
        what, help = _BELONGS.get(type(item), ("this statement", "put it into a `def`, a `test`, or the script"))
        self.error("E0011", f"{what} cannot stand in {place}", self.head(item), help)

    def head(self, node: ast.Node) -> Span:
        """The first line of `node`."""
        span = node.span
        if span.line == span.end_line:
            return span
        end = len(self.source.line(span.line).rstrip()) + 1
        return Span(span.path, span.line, span.column, span.line, max(end, span.column + 1))

    # ------------------------------------------------------------------------------------------ simple

    def on_private_variable(self, span: Span, items: Items) -> ast.Node:
        _private, name, annotation, value = items
        return ast.VarDecl(span, str(name), self.token_span(name), True, annotation, value)

    def on_variable(self, span: Span, items: Items) -> ast.Node:
        target, annotation, value = items
        if not isinstance(target, ast.Name):
            self.error("E0001", "only a name can be given a type", target.span, "assign without a type: `x[i] = e`")
            target = ast.Name(target.span, "_")
        return ast.VarDecl(span, target.id, target.span, False, annotation, value)

    def on_assign(self, span: Span, items: Items) -> ast.Node:
        return ast.Assign(span, self.target(items[0]), items[1])

    def on_augmented(self, span: Span, items: Items) -> ast.Node:
        target, op, value = items
        if isinstance(target, ast.TupleLit):
            self.error("E0001", f"`{op}` changes one name at a time", target.span, "write one line for each name")
        return ast.AugAssign(span, self.target(target), str(op)[:-1], value)

    def on_expression(self, span: Span, items: Items) -> ast.Node:
        return ast.ExprStmt(span, items[0])

    def on_pass_statement(self, span: Span, items: Items) -> ast.Node:
        return ast.Pass(span)

    def on_break_statement(self, span: Span, items: Items) -> ast.Node:
        return ast.Break(span)

    def on_continue_statement(self, span: Span, items: Items) -> ast.Node:
        return ast.Continue(span)

    def on_return_statement(self, span: Span, items: Items) -> ast.Node:
        return ast.Return(span, items[0])

    def on_require_statement(self, span: Span, items: Items) -> ast.Node:
        self.no_tuple("require", items[0])
        return ast.Require(span, items[0], items[1])

    def on_assert_statement(self, span: Span, items: Items) -> ast.Node:
        self.no_tuple("assert", items[0])
        return ast.Assert(span, items[0], items[1])

    def no_tuple(self, word: str, condition: ast.Expr) -> None:
        """`require(c, "text")` would be a tuple, which is never false."""
        if isinstance(condition, ast.TupleLit):
            self.error(
                "E0010",
                f"`{word}` is a statement, not a function",
                condition.span,
                f'write it without brackets: {word} condition, "text"',
            )

    def on_raise_statement(self, span: Span, items: Items) -> ast.Node:
        return ast.Raise(span, items[0])

    def on_emit_statement(self, span: Span, items: Items) -> ast.Node:
        call = items[0]
        if not isinstance(call, ast.Call):
            help = "write `emit Joined(who, total)`"
            self.error("E0218", "`emit` needs an event with its arguments", call.span, help)
            return ast.Emit(span, call, (), ())
        return ast.Emit(span, call.function, call.args, call.keywords)

    def on_identity_statement(self, span: Span, items: Items) -> ast.Node:
        return ast.IdentityDecl(span, tuple(self.named(token) for token in items))

    def on_advance_statement(self, span: Span, items: Items) -> ast.Node:
        amount, blocks = items
        if blocks is None and not has_time(amount):
            self.error("E0012", "`advance` needs a unit", amount.span, "write `advance 10 blocks` or `advance 2 days`")
        return ast.Advance(span, amount, "seconds" if blocks is None else "blocks")

    # ---------------------------------------------------------------------------------------- compound

    def on_elif_branch(self, span: Span, items: Items) -> Branch:
        return Branch(span, items[0], items[1])

    def on_else_branch(self, span: Span, items: Items) -> Branch:
        return Branch(span, None, items[0])

    def on_if_block(self, span: Span, items: Items) -> ast.Node:
        branches = [Branch(span, items[0], items[1]), *(item for item in items[2:] if item is not None)]
        if len(branches) > MAX_BLOCKS:
            self.error(
                "E0008",
                f"more than {MAX_BLOCKS} branches in one `if`",
                self.head(items[0]),
                "look the value up in a list, or split the `if` into functions",
            )
        otherwise: tuple[ast.Stmt, ...] = ()
        end = branches[-1].block.end
        for branch in reversed(branches):
            body = self.body(branch.block, "an `if`")
            if branch.condition is None:
                otherwise = body
            else:
                otherwise = (ast.If(branch.start.to(end), branch.condition, body, otherwise),)
        return otherwise[0]

    def on_for_block(self, span: Span, items: Items) -> ast.Node:
        target, _in, iterable, block = items
        return ast.For(span.to(block.end), target, iterable, self.body(block, "a loop"))

    def on_while_block(self, span: Span, items: Items) -> ast.Node:
        condition, limit, block = items
        return ast.While(span.to(block.end), condition, limit, self.body(block, "a loop"))

    def on_as_block(self, span: Span, items: Items) -> ast.Node:
        return ast.As(span.to(items[1].end), items[0], self.body(items[1], "an `as` block"))

    def on_expect_revert(self, span: Span, items: Items) -> ast.Node:
        message, block = items
        return ast.ExpectRevert(span.to(block.end), message, self.body(block, "an `expect` block"))

    def on_expect_leak(self, span: Span, items: Items) -> ast.Node:
        token, block = items
        code = literals.string_value(token) if isinstance(token, Token) else None
        return ast.ExpectLeak(span.to(block.end), code, self.body(block, "an `expect` block"))
