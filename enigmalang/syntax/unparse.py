"""The tree as canonical source: `parse(unparse(module))` has the same outline as `module`, apart from places.

Comments are not in the tree and are lost; a contract's members come out in the order of their kinds.
"""

from collections.abc import Iterable, Iterator
from typing import assert_never

from enigmalang.syntax import ast
from enigmalang.syntax.unparse_expressions import expression, quoted, subscript

_INDENT = "    "

Item = ast.Declaration | ast.Stmt


def unparse(module: ast.Module) -> str:
    """`module` as text that ends with a line end; "" for an empty module."""
    lines = [quoted(module.docstring)] if module.docstring is not None else []
    blocks = (ast.ContractDef, ast.FunctionDef, ast.TestDef, ast.StructDecl, ast.EnumDecl, ast.InterfaceDecl)
    before: Item | None = None
    for item in module.body:
        if lines and (isinstance(item, blocks) or isinstance(before, blocks)):
            lines.append("")
        lines += _item(item)
        before = item
    return "".join(f"{line}\n" for line in lines)


def _item(item: Item) -> list[str]:
    match item:
        case (
            ast.Import() | ast.FromImport() | ast.ConstDecl() | ast.StructDecl() | ast.EnumDecl() | ast.InterfaceDecl()
            | ast.PredicateDecl() | ast.FunctionDef() | ast.ContractDef() | ast.TestDef() | ast.EventDecl()
            | ast.ErrorDecl()
        ):  # fmt: skip
            return _declaration(item)
        case _:
            return _statement(item)


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"{_INDENT}{line}" if line else "" for line in lines)


def _block(head: str, body: Iterable[str], docstring: str | None = None) -> list[str]:
    lines = [*([quoted(docstring)] if docstring is not None else []), *body]
    return [f"{head}:", *_indented(lines or ["pass"])]


def _body(statements: tuple[ast.Stmt, ...]) -> list[str]:
    return [line for statement in statements for line in _statement(statement)]


# --------------------------------------------------------------------------------------------- declarations


def _declaration(item: ast.Declaration) -> list[str]:
    match item:
        case ast.Import():
            return [f"import {_renamed(item.module, item.alias)}"]
        case ast.FromImport():
            names = (_renamed(name.id, alias) for name, alias in zip(item.names, item.aliases, strict=True))
            return [f"from {item.module} import {', '.join(names)}"]
        case ast.ConstDecl():
            return [f"const {item.name}{_typed(item.annotation)} = {expression(item.value, bare=True)}"]
        case ast.EventDecl():
            return [f"event {item.name}({_params(item.params)})"]
        case ast.ErrorDecl():
            return [f"error {item.name}({_params(item.params)})"]
        case ast.StructDecl():
            return _block(f"struct {item.name}", _body(item.fields), item.docstring)
        case ast.EnumDecl():
            return _block(f"enum {item.name}", [member.id for member in item.members], item.docstring)
        case ast.InterfaceDecl():
            return _block(f"interface {item.name}", [_header(function) for function in item.functions])
        case ast.PredicateDecl():
            return _block(f"predicate {item.name}({_params(item.params)})", _body(item.body))
        case ast.FunctionDef():
            return [*_budget(item), *_block(_header(item), _body(item.body), item.docstring)]
        case ast.ContractDef():
            return _block(f"contract {item.name}", _members(item), item.docstring)
        case ast.TestDef():
            return _block(f"test {quoted(item.name)}", _body(item.body))
        case _:
            assert_never(item)


def _renamed(name: str, alias: str | None) -> str:
    return name if alias is None else f"{name} as {alias}"


def _typed(annotation: ast.Expr | None) -> str:
    return "" if annotation is None else f": {_type(annotation)}"


def _type(annotation: ast.Expr) -> str:
    """A type stands where only names, calls and indexes are read."""
    return subscript(annotation)


def _budget(function: ast.FunctionDef) -> list[str]:
    if function.budget is None:
        return []
    return [f"@budget({', '.join(f'{k.name}={expression(k.value)}' for k in function.budget.limits)})"]


def _header(function: ast.FunctionDef) -> str:
    start = " ".join([*function.modifiers, "def"])
    private = "private " if function.returns_private else ""
    returns = "" if function.returns is None else f" -> {private}{_type(function.returns)}"
    return f"{start} {function.name}({_params(function.params)}){returns}"


def _params(params: tuple[ast.Param, ...]) -> str:
    return ", ".join(_param(param) for param in params)


def _param(param: ast.Param) -> str:
    text = f"{'private ' if param.private else ''}{param.name}{_typed(param.annotation)}"
    if param.low is not None and param.high is not None:
        text += f" in {expression(param.low, 'bit_or')}..{expression(param.high, 'bit_or')}"
    return text if param.default is None else f"{text} = {expression(param.default)}"


def _members(contract: ast.ContractDef) -> list[str]:
    plain: tuple[tuple[Item, ...], ...] = (
        contract.constants,
        contract.structs,
        contract.enums,
        contract.events,
        contract.errors,
        contract.state,
    )
    lines = [line for group in plain for item in group for line in _item(item)]
    for function in contract.functions:
        lines += ["", *_declaration(function)] if lines else _declaration(function)
    return lines


# ----------------------------------------------------------------------------------------------- statements


def _statement(item: ast.Stmt) -> list[str]:
    match item:
        case ast.If():
            return _if(item)
        case ast.For():
            target = expression(item.target, "primary", bare=True)
            return _block(f"for {target} in {expression(item.iterable, bare=True)}", _body(item.body))
        case ast.While():
            limit = "" if item.max is None else f" max {expression(item.max)}"
            return _block(f"while {expression(item.condition)}{limit}", _body(item.body))
        case ast.As():
            return _block(f"as {expression(item.who)}", _body(item.body))
        case ast.ExpectRevert():
            message = "" if item.message is None else f" {expression(item.message)}"
            return _block(f"expect revert{message}", _body(item.body))
        case ast.ExpectLeak():
            code = "" if item.code is None else f" {quoted(item.code)}"
            return _block(f"expect leak{code}", _body(item.body))
        case _:
            return [_simple(item)]


def _if(item: ast.If) -> list[str]:
    lines = _block(f"if {expression(item.condition)}", _body(item.then))
    rest = item.otherwise
    while len(rest) == 1 and isinstance(rest[0], ast.If):
        lines += _block(f"elif {expression(rest[0].condition)}", _body(rest[0].then))
        rest = rest[0].otherwise
    return lines + (_block("else", _body(rest)) if rest else [])


def _simple(
    item: ast.VarDecl | ast.Assign | ast.AugAssign | ast.ExprStmt | ast.Break | ast.Continue | ast.Pass | ast.Return
    | ast.Require | ast.Raise | ast.Assert | ast.Emit | ast.IdentityDecl | ast.Advance,
) -> str:  # fmt: skip
    match item:
        case ast.VarDecl():
            value = "" if item.value is None else f" = {expression(item.value, bare=True)}"
            return f"{'private ' if item.private else ''}{item.name}{_typed(item.annotation)}{value}"
        case ast.Assign():
            return f"{expression(item.target, bare=True)} = {expression(item.value, bare=True)}"
        case ast.AugAssign():
            return f"{expression(item.target)} {item.op}= {expression(item.value, bare=True)}"
        case ast.ExprStmt():
            return expression(item.value, bare=True)
        case ast.Break():
            return "break"
        case ast.Continue():
            return "continue"
        case ast.Pass():
            return "pass"
        case ast.Return():
            return "return" if item.value is None else f"return {expression(item.value, bare=True)}"
        case ast.Require():
            return f"require {_with_message(item.condition, item.message)}"
        case ast.Assert():
            return f"assert {_with_message(item.condition, item.message)}"
        case ast.Raise():
            return f"raise {expression(item.error)}"
        case ast.Emit():
            return f"emit {expression(ast.Call(item.span, item.event, item.args, item.keywords))}"
        case ast.IdentityDecl():
            return f"identity {', '.join(name.id for name in item.names)}"
        case ast.Advance():
            return f"advance {expression(item.amount)}{' blocks' if item.unit == 'blocks' else ''}"
        case _:
            assert_never(item)


def _with_message(condition: ast.Expr, message: ast.Expr | None) -> str:
    return expression(condition) + ("" if message is None else f", {expression(message)}")
