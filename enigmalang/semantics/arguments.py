"""Arguments: which parameter each is for, and whether it fits."""

from collections.abc import Sequence

from enigmalang.diagnostics import Note
from enigmalang.semantics.context import Body, near
from enigmalang.semantics.program import ParamType, Signature
from enigmalang.semantics.relations import settle
from enigmalang.semantics.targets import check_storable
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ErrorT,
    Type,
)


def check_arguments(body: Body, node: ast.Call) -> None:
    """Find the mistakes in arguments of a call that is wrong itself."""
    for arg in node.args:
        body.expr(arg)
    for keyword in node.keywords:
        body.expr(keyword.value)


def bind(
    body: Body, owner: str, names: Sequence[str], optional: set[str], args: Sequence[ast.Expr],
    keywords: Sequence[ast.Keyword], span: Span, notes: tuple[Note, ...] = (),
) -> dict[str, ast.Expr] | None:
    """The arguments by parameter name; None after a report. `owner` names what is called."""
    takes = f"it takes {', '.join(names)}" if names else "it takes no arguments"
    given: dict[str, ast.Expr] = dict(zip(names, args, strict=False))
    wrong = False
    for keyword in keywords:
        if keyword.name in given or keyword.name not in names:
            problem = "is given twice" if keyword.name in given else "is none of its arguments"
            body.error("E0204", f"{owner}: `{keyword.name}` {problem}", keyword.span, notes=notes,
                       help=near(keyword.name, list(names)) or takes)
            wrong = True
        given.setdefault(keyword.name, keyword.value)
    if len(args) > len(names):
        body.error("E0203", f"{owner} takes {_count(len(names))}, and {len(args)} are given", span, notes=notes,
                   help=takes)
        return None
    missing = [n for n in names if n not in given and n not in optional]
    if missing and not wrong:
        code = "E0204" if keywords else "E0203"
        body.error(code, f"{owner} needs {', '.join(f'`{n}`' for n in missing)} too", span, notes=notes, help=takes)
    return None if missing or wrong else given


def _count(number: int) -> str:
    return {0: "no arguments", 1: "one argument"}.get(number, f"{number} arguments")


def bound(
    body: Body, node: ast.Call, name: str, signature: Signature, defined: ast.Node, *, keywords: Sequence[ast.Keyword],
) -> dict[str, ast.Expr] | None:
    optional = {p.name for p in signature.params if p.node.default is not None}
    return bind(body, f"`{name}`", [p.name for p in signature.params], optional, node.args, keywords, node.span,
                (Note(_head(defined), f"`{name}` is defined here"),))


def _head(node: ast.Node) -> Span:
    return node.name_span if isinstance(node, ast.FunctionDef) else node.span


def argument_types(
    body: Body, signature: Signature, given: dict[str, ast.Expr],
) -> tuple[Type, ...] | None:
    """The types of all arguments, checked against the declared ones; None when one is not known."""
    types: list[Type] = []
    for param in signature.params:
        node = given.get(param.name)
        if node is None:
            types.append(_default_type(body, param))
        elif param.type is not None:
            body.value_of(node, param.type, f"the parameter `{param.name}`")
            types.append(param.type)
        else:
            types.append(check_storable(body, node, body.expr(node)))
    return None if any(isinstance(t, ErrorT) for t in types) else tuple(types)


def _default_type(body: Body, param: ParamType) -> Type:
    if param.type is not None:
        return param.type
    assert param.node.default is not None
    return settle(body.program.outside(body.module, body.contract).expr(param.node.default))
