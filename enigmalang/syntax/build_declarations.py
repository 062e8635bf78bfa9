"""From lark's tree to declarations and the whole module."""

from dataclasses import dataclass
from itertools import pairwise

from lark import Token

from enigmalang.source import Span
from enigmalang.syntax import ast, literals
from enigmalang.syntax.build_expressions import Items
from enigmalang.syntax.build_statements import Block, Item, Statements


@dataclass(frozen=True, slots=True)
class Parameters:
    span: Span
    params: tuple[ast.Param, ...]


@dataclass(frozen=True, slots=True)
class Returns:
    span: Span
    private: bool
    type: ast.Expr


@dataclass(frozen=True, slots=True)
class Bounds:
    low: ast.Expr
    high: ast.Expr


@dataclass(frozen=True, slots=True)
class Imported:
    name: ast.Name
    alias: str | None


def split_docstring(items: tuple[Item, ...]) -> tuple[str | None, tuple[Item, ...]]:
    """The text of a first string, and what comes after it."""
    if items and isinstance(items[0], ast.ExprStmt) and isinstance(items[0].value, ast.StrLit):
        return items[0].value.value, items[1:]
    return None, items


class Declarations(Statements):
    """Builds declarations."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.headers: set[ast.FunctionDef] = set()  # functions without a block

    # ----------------------------------------------------------------------------------------- imports

    def on_import_statement(self, span: Span, items: Items) -> ast.Node:
        return ast.Import(span, str(items[0]), str(items[1]) if items[1] is not None else None)

    def on_imported(self, span: Span, items: Items) -> Imported:
        return Imported(self.named(items[0]), str(items[1]) if items[1] is not None else None)

    def on_from_import(self, span: Span, items: Items) -> ast.Node:
        module, *imported = items
        return ast.FromImport(span, str(module), tuple(i.name for i in imported), tuple(i.alias for i in imported))

    # --------------------------------------------------------------------------------- parts of a header

    def on_bounds(self, span: Span, items: Items) -> Bounds:
        return Bounds(items[1], items[2])

    def on_parameter(self, span: Span, items: Items) -> ast.Param:
        private, name, annotation, bounds, default = items
        low, high = (bounds.low, bounds.high) if bounds is not None else (None, None)
        return ast.Param(span, str(name), private is not None, annotation, low, high, default)

    def on_parameters(self, span: Span, items: Items) -> Parameters:
        params = tuple(item for item in items if item is not None)
        for before, after in pairwise(params):
            if before.default is not None and after.default is None:
                self.error(
                    "E0001",
                    f"`{after.name}` has no default value, but the parameter before it has one",
                    after.span,
                    "put the parameters with default values last",
                )
        return Parameters(span, params)

    def on_returns(self, span: Span, items: Items) -> Returns:
        return Returns(span, items[0] is not None, items[1])

    def params(self, found: Parameters | None) -> tuple[ast.Param, ...]:
        return found.params if found is not None else ()

    # -------------------------------------------------------------------------------------- declarations

    def on_constant(self, span: Span, items: Items) -> ast.Node:
        return ast.ConstDecl(span, str(items[0]), items[1], items[2])

    def on_event(self, span: Span, items: Items) -> ast.Node:
        return ast.EventDecl(span, str(items[0]), self.params(items[1]))

    def on_error(self, span: Span, items: Items) -> ast.Node:
        return ast.ErrorDecl(span, str(items[0]), self.params(items[1]))

    def on_struct(self, span: Span, items: Items) -> ast.Node:
        name, block = items
        docstring, rest = split_docstring(block.items)
        fields: list[ast.VarDecl] = []
        for item in rest:
            if isinstance(item, ast.VarDecl) and item.annotation is not None and item.value is None:
                fields.append(item)
            elif isinstance(item, ast.VarDecl):
                self.error("E0011", "a field has a type and no value", item.span, "write `name: type`")
            elif not isinstance(item, ast.Pass):
                self.misplaced(item, "a struct")
        return ast.StructDecl(span.to(block.end), str(name), tuple(fields), docstring)

    def on_enum(self, span: Span, items: Items) -> ast.Node:
        name, block = items
        docstring, rest = split_docstring(block.items)
        members: list[ast.Name] = []
        for item in rest:
            found = item.value if isinstance(item, ast.ExprStmt) else None
            for part in found.items if isinstance(found, ast.TupleLit) else (found,):
                if isinstance(part, ast.Name):
                    members.append(part)
                elif not isinstance(item, ast.Pass):
                    self.error("E0011", "an enum holds names only", self.head(item), "write one name a line")
        return ast.EnumDecl(span.to(block.end), str(name), tuple(members), docstring)

    def on_interface(self, span: Span, items: Items) -> ast.Node:
        name, block = items
        functions: list[ast.FunctionDef] = []
        for item in block.items:
            if not isinstance(item, ast.FunctionDef):
                if not isinstance(item, ast.Pass):
                    self.misplaced(item, "an interface")
            elif item in self.headers:
                functions.append(item)
            else:
                self.error(
                    "E0011",
                    "a function of an interface has no body",
                    self.head(item),
                    "write its first line only, without the colon",
                )
        return ast.InterfaceDecl(span.to(block.end), str(name), tuple(functions))

    def on_predicate(self, span: Span, items: Items) -> ast.Node:
        name, parameters, block = items
        return ast.PredicateDecl(span.to(block.end), str(name), parameters.params, self.body(block, "a predicate"))

    def on_test_block(self, span: Span, items: Items) -> ast.Node:
        name, block = items
        return ast.TestDef(span.to(block.end), literals.string_value(name), self.body(block, "a test"))

    def on_function(self, span: Span, items: Items) -> ast.Node:
        budgets = [item for item in items if isinstance(item, ast.Budget)]
        if len(budgets) > 1:
            self.error("E0001", "a second budget for one function", budgets[1].span, "write one, with all its limits")
        modifiers = tuple(str(i) for i in items if isinstance(i, Token) and i.type == "MODIFIER")
        self.check_modifiers(modifiers, span)
        name, parameters, returns, *rest = items[len(budgets) + len(modifiers) :]
        block = rest[0] if rest else Block((), returns.span if returns is not None else parameters.span)
        docstring, body = split_docstring(block.items)
        if budgets:  # the function begins below them
            line = self.token_span(name).line
            written = self.source.line(line)
            span = Span(span.path, line, len(written) - len(written.lstrip()) + 1, span.end_line, span.end_column)
        made = ast.FunctionDef(
            span.to(block.end),
            str(name),
            self.token_span(name),
            parameters.params,
            returns.type if returns is not None else None,
            returns is not None and returns.private,
            self.body(Block(body, block.end), "a function"),
            modifiers,
            docstring,
            budgets[0] if budgets else None,
        )
        if not rest:
            self.headers.add(made)
            if budgets:
                self.error("E0011", "a function of an interface has no budget: it runs elsewhere", budgets[0].span,
                           "remove it")
        return made

    def on_budget(self, span: Span, items: Items) -> ast.Budget:
        limits: list[ast.Keyword] = []
        for item in items:
            if not isinstance(item, ast.Keyword):
                if item is not None:
                    self.error("E0001", "a limit has no name", item.span, f"name it: {_LIMITS}")
            elif item.name not in ast.BUDGETED:
                self.error("E0204", f"a budget knows no `{item.name}`", item.span, f"it limits {_LIMITS}")
            elif any(item.name == other.name for other in limits):
                self.error("E0204", f"`{item.name}` is limited twice", item.span, "write it once")
            elif not isinstance(item.value, ast.IntLit | ast.FixedLit) or (
                    isinstance(item.value, ast.FixedLit) and item.name != "seconds"):
                self.error("E0221", f"the limit of `{item.name}` is no number that is written out", item.value.span,
                           f"write a number, such as `{item.name}=1_000`")
            else:
                limits.append(item)
        if not any(item is not None for item in items):
            self.error("E0203", "a budget without a limit", span, f"limit some of {_LIMITS}")
        end = len(self.source.line(span.line).rstrip()) + 1
        return ast.Budget(Span(span.path, span.line, span.column, span.line, end), tuple(limits))

    def check_modifiers(self, modifiers: tuple[str, ...], span: Span) -> None:
        if len(set(modifiers)) < len(modifiers):
            twice = next(m for m in modifiers if modifiers.count(m) > 1)
            start = Span(span.path, span.line, span.column, span.line, span.column + len(" ".join(modifiers)))
            self.error("E0001", f"`{twice}` stands here twice", start, "write it once")

    def with_body(self, item: Item) -> None:
        """A function outside of an interface has a block."""
        if isinstance(item, ast.FunctionDef) and item in self.headers:
            span = item.span
            end = Span(span.path, span.end_line, span.end_column, span.end_line, span.end_column + 1)
            self.error("E0007", f"a colon is missing after the header of `{item.name}`", end, "write `:`")

    def on_contract(self, span: Span, items: Items) -> ast.Node:
        name, block = items
        docstring, rest = split_docstring(block.items)
        parts: dict[type, list[ast.Node]] = {kind: [] for kind in _IN_CONTRACT}
        for item in rest:
            self.with_body(item)
            if type(item) in parts:
                parts[type(item)].append(item)
            elif not isinstance(item, ast.Pass):
                self.misplaced(item, "a contract")
        groups = {field: tuple(parts[kind]) for kind, field in _IN_CONTRACT.items()}
        return ast.ContractDef(
            span.to(block.end),
            str(name),
            self.token_span(name),
            docstring=docstring,
            **groups,  # type: ignore[arg-type]
        )

    # -------------------------------------------------------------------------------------------- module

    def on_module(self, span: Span, items: Items) -> ast.Module:
        """The statements as they stand: only a whole file has a docstring."""
        for item in items:
            self.with_body(item)
        return ast.Module(self.source.whole(), self.source, tuple(items))


_LIMITS = ", ".join(f"`{name}`" for name in ast.BUDGETED)
_IN_CONTRACT: dict[type, str] = {
    ast.VarDecl: "state",
    ast.EventDecl: "events",
    ast.ErrorDecl: "errors",
    ast.StructDecl: "structs",
    ast.EnumDecl: "enums",
    ast.ConstDecl: "constants",
    ast.FunctionDef: "functions",
}
