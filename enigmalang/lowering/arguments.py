"""Arguments on their way to parameters and fields: order, defaults, conversions, shares."""

from collections.abc import Sequence

from enigmalang.ir.ir import Value
from enigmalang.lowering.convert import fit, share_private, store_as
from enigmalang.lowering.frame import Bundle, Frame, LoweringError
from enigmalang.semantics.model import Instance
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import Type


def given_in_order(
    names: Sequence[str], args: Sequence[ast.Expr], keywords: Sequence[ast.Keyword],
) -> list[ast.Expr | None]:
    """The argument of each name; None where the default holds."""
    named = {keyword.name: keyword.value for keyword in keywords}
    return [args[n] if n < len(args) else named.get(name) for n, name in enumerate(names)]


def fields_given(
    f: Frame, given: Sequence[ast.Expr | None], names: Sequence[str], types: Sequence[Type], owner: str,
) -> tuple[Value, ...]:
    """Arguments of events, errors and the like: converted, never shared."""
    leaves: list[Value] = []
    for node, name, type in zip(given, names, types, strict=True):
        if node is None:
            raise LoweringError(Span("", 1, 1, 1, 1), f"`{name}` of {owner} is missing")
        leaves += store_as(f, f.expr(node), type, node.span, f"`{name}` of {owner}").leaves
    return tuple(leaves)


def params_of(instance: Instance) -> Sequence[ast.Param]:
    return instance.node.params if isinstance(instance.node, ast.FunctionDef | ast.PredicateDecl) else ()


def bound_arguments(
    f: Frame, callee: Instance, args: Sequence[ast.Expr], keywords: Sequence[ast.Keyword], span: Span,
    *, share: bool,
) -> tuple[Value, ...]:
    """The leaves for `callee`'s parameters. `share`: what goes to a private parameter becomes private here (a call
    inside the program); otherwise the client masks it when it sends the call."""
    params = params_of(callee)
    given = given_in_order([p.name for p in params], args, keywords)
    leaves: list[Value] = []
    for param, node, type in zip(params, given, callee.param_types, strict=True):
        bundle = _argument(f, callee, param, node, span)
        leaves += passed(f, bundle, param, type, node.span if node is not None else span, share).leaves
    return tuple(leaves)


def _argument(f: Frame, callee: Instance, param: ast.Param, node: ast.Expr | None, span: Span) -> Bundle:
    if node is not None:
        return f.expr(node)
    if param.default is None:
        raise LoweringError(span, f"no argument for `{param.name}`")
    with f.as_instance(callee):
        return f.expr(param.default)


def passed(f: Frame, bundle: Bundle, param: ast.Param, type: Type, span: Span, share: bool) -> Bundle:
    """`bundle` as the value of `param`."""
    if param.annotation is not None:
        bundle = store_as(f, bundle, type, span, f"the parameter {param.name}")
    else:
        bundle = fit(f, bundle, type, span)
    return share_private(f, bundle, param.private, span) if share else bundle
