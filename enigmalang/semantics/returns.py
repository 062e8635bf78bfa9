"""`return`, and whether a function that gives a value can end without one."""

from enigmalang.semantics.context import Body, a
from enigmalang.semantics.relations import is_weak, join, plain
from enigmalang.semantics.targets import check_storable
from enigmalang.syntax import ast
from enigmalang.types.types import NONE, ErrorT, NoneT, Type


def check_end(body: Body, node: ast.FunctionDef | ast.PredicateDecl, reached: bool) -> None:
    result = body.program.signature(node).result
    wanted = result if result is not None else body.result
    if reached and wanted is not None and not isinstance(wanted, NoneT | ErrorT):
        span = node.name_span if isinstance(node, ast.FunctionDef) else node.span
        body.error("E0212", f"`{node.name}` gives {a(plain(wanted))}, but can end without a `return`", span,
                   help="end every way through it with `return …`")


def check_return(body: Body, node: ast.Return) -> None:
    function = body.instance.node
    if not isinstance(function, ast.FunctionDef | ast.PredicateDecl):
        if node.value is not None:
            body.expr(node.value)
        body.error("E0216", "`return` stands outside of a function", node.span, help="it belongs into a `def`")
        return
    want = body.program.signature(function).result
    if node.value is None:
        _return_nothing(body, node, want)
    elif want is None:
        wanted = body.result if body.result is not None and not is_weak(body.result) else None
        _join_result(body, node, check_storable(body, node.value, body.expr(node.value, wanted)))
    elif isinstance(want, NoneT):
        body.expr(node.value)
        name = function.name
        if name == "init":
            body.error("E0212", "`init` gives no value", node.span, help="write `return` alone")
        else:
            body.error("E0212", f"`{name}` gives no value, as its first line says", node.value.span,
                       help=f"write the type: `def {name}(…) -> uint32:`")
    else:
        got = check_storable(body, node.value, body.expr(node.value, want))
        body.coerce(node.value, got, want, f"the result of `{function.name}`")


def _return_nothing(body: Body, node: ast.Return, want: Type | None) -> None:
    if want is not None and not isinstance(want, NoneT | ErrorT):
        body.error("E0212", f"{a(want)} must be returned here", node.span, help="write `return …` with a value")
    elif want is None:
        _join_result(body, node, NONE)


def _join_result(body: Body, node: ast.Return, got: Type) -> None:
    if body.result is None or isinstance(got, ErrorT):
        body.result = got if body.result is None else body.result
        return
    joined = join(body.result, got)
    if joined is None:
        body.error("E0212", f"this gives {plain(got)}, and another `return` gives {plain(body.result)}", node.span,
                   help="let every `return` give the same type")
        return
    body.result = joined
