"""`require` and `raise`: what makes a call fail, and with which text or error."""

from enigmalang.semantics.context import Body
from enigmalang.semantics.events import check_event
from enigmalang.semantics.model import Kind
from enigmalang.semantics.operators import truth
from enigmalang.semantics.places import of_module
from enigmalang.semantics.relations import length_of, plain
from enigmalang.syntax import ast
from enigmalang.types.types import BOOL, ErrorT, StringT


def check_require(body: Body, node: ast.Require) -> None:
    truth(body, node.condition, body.expr(node.condition, BOOL), "`require`")
    _require_lengths(body, node)
    match node.message:
        case None:
            pass
        case ast.Call() if _names_error(body, node.message.function):
            call = node.message
            check_event(body, call.function, Kind.ERROR, call.args, call.keywords, call.span)
        case ast.Name() | ast.Attribute() if _names_error(body, node.message):
            check_event(body, node.message, Kind.ERROR, (), (), node.message.span)
        case ast.Call(function=ast.Name(id=name) as function) if body.lookup(name) is None:
            check_event(body, function, Kind.ERROR, node.message.args, node.message.keywords, node.message.span)
        case _:
            got = body.expr(node.message)
            if not isinstance(got, StringT | ErrorT):
                body.error("E0218", f"after the comma of `require` comes a text or an error, and this is {plain(got)}",
                           node.message.span, help='as in `require x > 0, "too small"`')


def _require_lengths(body: Body, node: ast.Require) -> None:
    """`require len(a) == len(b)`, which a function always asks, of arrays known to differ: no call succeeds."""
    if body.instance.kind != "def" or node not in body.instance.node.body:
        return
    match node.condition:
        case ast.Compare(left=ast.Call() as one, ops=("==",), rights=(ast.Call() as other,)):
            both = [call.args[0] for call in (one, other) if body.instance.builtins.get(call) == "len"]
            sizes = [length_of(type) for arg in both if (type := body.instance.types.get(arg)) is not None]
            if len(sizes) == 2 and None not in sizes and sizes[0] != sizes[1]:
                body.error("E0217", f"these have {sizes[0]} and {sizes[1]} elements, and must have equally many",
                           node.condition.span)


def _names_error(body: Body, node: ast.Expr) -> bool:
    symbol = body.lookup(node.id) if isinstance(node, ast.Name) else of_module(body, node)
    return symbol is not None and symbol.kind is Kind.ERROR


def check_raise(body: Body, node: ast.Raise) -> None:
    match node.error:
        case ast.Call(function=function, args=args, keywords=keywords):
            check_event(body, function, Kind.ERROR, args, keywords, node.error.span)
        case ast.Name() | ast.Attribute():
            check_event(body, node.error, Kind.ERROR, (), (), node.error.span)
        case _:
            got = body.expr(node.error)
            if not isinstance(got, StringT | ErrorT):
                body.error("E0218", "`raise` takes an error or a text", node.error.span,
                           help="declare `error TooSmall(least: uint256)`, then `raise TooSmall(5)`")
