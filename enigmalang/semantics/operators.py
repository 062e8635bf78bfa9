"""Typing rules of operators, and the folding of constants."""

from fractions import Fraction
from typing import Any

from enigmalang.semantics.context import Body
from enigmalang.semantics.folding import fold_binary, fold_compare, outside, raw
from enigmalang.semantics.model import Kind
from enigmalang.semantics.relations import (
    ExactList,
    Hole,
    WeakFixed,
    WeakInt,
    comparable,
    element_of,
    fits,
    is_number,
    is_weak,
    join,
    length_of,
    settle,
    weak,
)
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import (
    BOOL,
    ERROR,
    INT256,
    AddressT,
    AnyT,
    ArrayT,
    BoolT,
    BytesNT,
    BytesT,
    ErrorT,
    FixedT,
    IntT,
    ListT,
    MapT,
    PredicateT,
    StringT,
    Type,
)

_TRUTH_HELP = "write a number from a truth as `uint8(x)`"


def unary(body: Body, node: ast.Unary, expected: Type | None) -> Type:
    got = body.expr(node.operand, BOOL if node.op == "not" else expected)
    if node.op == "not":
        truth(body, node.operand, got, "`not`")
        if isinstance(value := body.constant(node.operand), bool):
            body.instance.constants[node] = not value
        return BOOL
    if isinstance(got, AnyT) and expected is None:
        return body.error("E0207", f"`{node.op}` needs a value whose type is known", node.span,
                          help="give it a type first: `x: uint32 = …`")
    if isinstance(got, ErrorT):
        return got
    if node.op == "~":
        return _complement(body, node, got)
    if not is_number(got):
        return body.error("E0207", f"`{node.op}` needs a number, and this is {got}", node.span,
                          help=_TRUTH_HELP if got == BOOL else None)
    if node.op == "+":
        return _copied(body, node, node.operand, got)
    return _negated(body, node, got)


def _complement(body: Body, node: ast.Unary, got: Type) -> Type:
    if isinstance(got, WeakInt):
        body.adapt(node.operand, INT256)
        return INT256
    if isinstance(got, IntT | BoolT | PredicateT):
        return got
    return body.error("E0207", f"`~` needs an integer, a truth or a predicate, and this is {got}", node.span)


def _copied(body: Body, node: ast.Expr, source: ast.Expr, type: Type) -> Type:
    _set(body, node, type, exact_of(body, source))
    return type


def _negated(body: Body, node: ast.Unary, got: Type) -> Type:
    value = exact_of(body, node.operand)
    type = got
    if isinstance(got, WeakInt):
        type = weak(-value) if isinstance(value, int) else WeakInt(least=-got.greatest, greatest=-got.least)
    elif isinstance(got, IntT) and not got.signed:
        type = IntT(True, min(256, got.bits + 8))
    _set(body, node, type, None if value is None else -value)
    return type


def exact_of(body: Body, node: ast.Expr) -> Any:
    """The constant value of `node`, decimals as fractions."""
    return body.exact.get(node, body.constant(node))


def _set(body: Body, node: ast.Expr, type: Type, value: Any) -> None:
    """Record the constant of `node`, if it is one."""
    if value is None:
        return
    if isinstance(type, FixedT):
        body.exact[node] = Fraction(value)
        value = raw(value, type)
    body.instance.constants[node] = value


# ------------------------------------------------------------------------------------------------- arithmetic


def binary(body: Body, node: ast.Binary, expected: Type | None) -> Type:
    fixed = expected if isinstance(expected, FixedT | PredicateT) else None
    left = body.expr(node.left, fixed)
    right = body.expr(node.right, fixed or (left if _guides(left) else None))
    return combine(body, node.op, (node.left, left), (node.right, right), node, expected)


def _guides(type: Type) -> bool:
    """Whether the left operand's type tells what an `L[k]` or `[]` on the right is."""
    return not isinstance(type, ErrorT | AnyT) and not is_weak(type)


def combine(
    body: Body, op: str, a: tuple[ast.Expr, Type], b: tuple[ast.Expr, Type], node: ast.Node, expected: Type | None,
) -> Type:
    """The type of `a op b`; `node` is the operator's expression (or an augmented assignment)."""
    a, b = _known(body, a, b), _known(body, b, a)
    left, right = a[1], b[1]
    if isinstance(left, ErrorT) or isinstance(right, ErrorT):
        return _unknown(left, right)
    if isinstance(left, AnyT) and isinstance(right, AnyT):
        return body.error("E0207", f"the types of both sides of `{op}` are only known when the program runs",
                          node.span, help="give one of them a type first: `x: uint32 = L[…]`")
    type = _operator_type(body, op, a, b, node, expected)
    if isinstance(node, ast.Binary):
        type = _folded(body, op, node, type)
    return type


def _known(body: Body, side: tuple[ast.Expr, Type], other: tuple[ast.Expr, Type]) -> tuple[ast.Expr, Type]:
    """`side`, read as the other's type when its own is only known at run time."""
    if isinstance(side[1], AnyT) and not isinstance(other[1], AnyT | ErrorT):
        wanted = settle(other[1])
        body.expr(side[0], wanted)
        return side[0], wanted
    return side


def _unknown(left: Type, right: Type) -> Type:
    if isinstance(left, Hole):
        return right
    return left if isinstance(right, Hole) else ERROR


def _operator_type(
    body: Body, op: str, a: tuple[ast.Expr, Type], b: tuple[ast.Expr, Type], node: ast.Node, expected: Type | None,
) -> Type:
    left, right = a[1], b[1]
    if op == "+" and (found := _joined_sequences(left, right)) is not None:
        return found
    if op in ("&", "|", "^") and left == right and isinstance(left, BoolT | PredicateT):
        return left
    if not (isinstance(left, IntT | FixedT) and isinstance(right, IntT | FixedT)):
        return misfit(body, op, left, right, node.span)
    if op in ("<<", ">>", "**"):
        return _power(body, op, a, b, node)
    if op == "/":
        return _division(body, a, b, node, expected)
    if op in ("//", "%", "&", "|", "^") and (isinstance(left, FixedT) or isinstance(right, FixedT)):
        return body.error("E0207", f"`{op}` is for integers, and this is {left if isinstance(left, FixedT) else right}",
                          node.span, help="divide fixed-point numbers with `/`" if op == "//" else None)
    common = join(left, right)
    if common is None:
        return misfit(body, op, left, right, node.span)
    if not is_weak(common):
        body.adapt(a[0], common)
        body.adapt(b[0], common)
    return common


def _joined_sequences(left: Type, right: Type) -> Type | None:
    """Strings, bytes and lists are joined by `+`."""
    match left, right:
        case (StringT(), StringT()):
            both = left.max is not None and right.max is not None
            return StringT(left.max + right.max if both and left.max and right.max else None)
        case (BytesT() | BytesNT(), BytesT() | BytesNT()):
            return BytesT(None)
        case ListT(), ListT():
            element = join(left.element, right.element)
            if element is None:
                return None
            sizes = length_of(left), length_of(right)
            if sizes[0] is not None and sizes[1] is not None:
                return ExactList(element, sizes[0] + sizes[1])
            return ListT(element, None if left.max is None or right.max is None else left.max + right.max)
        case _:
            return None


def _power(body: Body, op: str, a: tuple[ast.Expr, Type], b: tuple[ast.Expr, Type], node: ast.Node) -> Type:
    left, right = a[1], b[1]
    if not isinstance(right, IntT) or (op != "**" and not isinstance(left, IntT)):
        what = "the exponent of `**` is an integer" if op == "**" else f"`{op}` is for integers"
        return body.error("E0207", what, node.span, help=f"the sides are {left} and {right}")
    if isinstance(left, WeakInt) and (body.constant(a[0]) is None or body.constant(b[0]) is None):
        body.adapt(a[0], INT256)
        return INT256
    return left


def _division(
    body: Body, a: tuple[ast.Expr, Type], b: tuple[ast.Expr, Type], node: ast.Node, expected: Type | None,
) -> Type:
    left, right = a[1], b[1]
    if isinstance(left, WeakInt) and isinstance(right, WeakInt) and isinstance(expected, FixedT):
        body.adapt(a[0], expected)
        body.adapt(b[0], expected)
        return expected
    if isinstance(left, IntT) and isinstance(right, IntT):
        return body.error(
            "E0208", "`/` divides fixed-point numbers, and both sides are integers", node.span,
            help="`//` gives the whole part; for a fraction convert first: `fixed(x) / fixed(y)`")
    common = join(left, right)
    if common is None:
        return misfit(body, "/", left, right, node.span)
    if not is_weak(common):
        body.adapt(a[0], common)
        body.adapt(b[0], common)
    return common


def misfit(body: Body, op: str, left: Type, right: Type, span: Span) -> Type:
    """E0207, with what is usually meant."""
    help: str | None = None
    kinds = {type(left) for _ in (0,)} | {type(right)}
    if (isinstance(left, IntT) and isinstance(right, FixedT)) or (isinstance(left, FixedT) and isinstance(right, IntT)):
        help = "convert the integer: `fixed(x)`"
    elif BoolT in kinds and (isinstance(left, IntT) or isinstance(right, IntT) or left == right):
        help = _TRUTH_HELP
    elif ArrayT in kinds or ListT in kinds or ExactList in kinds:
        help = f"for each element write `[x {op} y for x, y in zip(a, b)]`"
        if op == "+" and ArrayT in kinds:
            help += "; for one after the other, `[x for x in a] + [y for y in b]`"
    elif StringT in kinds:
        help = "several values are printed with `print(a, b)`"
    elif MapT in kinds:
        help = "read an entry of the map with `m[key]`"
    return body.error("E0207", f"`{op}` does not fit {left} and {right}", span, help=help)


def _folded(body: Body, op: str, node: ast.Binary, type: Type) -> Type:
    declaration = body.instance.kind == "declaration"
    if isinstance(type, FixedT) and op == "/" and not declaration and not isinstance(type, WeakFixed):
        return type
    a, b = exact_of(body, node.left), exact_of(body, node.right)
    value = fold_binary(op, a, b)
    if value is None:
        if declaration and a is not None and b is not None and not isinstance(type, ErrorT):
            problem = "divides by zero" if op in ("/", "//", "%") and not b else "has a value that no type holds"
            return body.error("E0404", f"this constant {problem}", node.span, help="correct the right side")
        return type
    if isinstance(type, WeakInt):
        if abs(value).bit_length() > 256:
            return body.error("E0404", f"this constant needs {abs(value).bit_length()} bits", node.span,
                              help="the largest type is `uint256`")
        type = weak(value)
    if not isinstance(type, WeakFixed | WeakInt) and outside(raw(value, type), type):
        return body.error("E0404", f"{value} does not fit {type}", node.span,
                          help="convert an operand to a wider type first, such as `uint64(x)`")
    _set(body, node, type, value)
    return type


# ------------------------------------------------------------------------------------------------ comparisons


def compare(body: Body, node: ast.Compare) -> Type:
    left, values = node.left, []
    for op, right in zip(node.ops, node.rights, strict=True):
        if op in ("in", "not in"):
            _membership(body, op, left, right)
        else:
            _pair(body, op, left, right, node.span)
        values.append(fold_compare(op, exact_of(body, left), exact_of(body, right)))
        left = right
    if all(v is not None for v in values):
        body.instance.constants[node] = all(values)
    return BOOL


def _pair(body: Body, op: str, left: ast.Expr, right: ast.Expr, span: Span) -> None:
    a = body.expr(left)
    b = body.expr(right, a if _guides(a) else None)
    if isinstance(a, ErrorT) or isinstance(b, ErrorT):
        return
    if _guides(b) and (isinstance(a, AnyT) or join(a, b) is None):
        a = body.expr(left, b)
    elif isinstance(b, AnyT) and isinstance(a, WeakInt | WeakFixed):
        b = body.expr(right, settle(a))
    common = join(a, b)
    if common is None or not (isinstance(common, IntT | FixedT | AnyT) or (op in ("==", "!=") and comparable(common))):
        misfit(body, op, a, b, span)
        return
    if not is_weak(common):
        body.adapt(left, common)
        body.adapt(right, common)


def _membership(body: Body, op: str, left: ast.Expr, right: ast.Expr) -> None:
    if isinstance(right, ast.Name) and (symbol := body.lookup(right.id)) is not None \
            and symbol.kind is Kind.BUILTIN and right.id in ("L", "DHT", "MPC"):
        body.instance.names[right] = symbol
        for key in left.items if isinstance(left, ast.TupleLit) else (left,):
            body.expr(key)
        if isinstance(left, ast.TupleLit):
            body.expr(left)
        return
    container = body.expr(right)
    wanted = container.key if isinstance(container, MapT) else element_of(container)
    got = body.expr(left, wanted)
    if isinstance(container, ErrorT):
        return
    if wanted is None:
        body.error("E0207", f"`{op}` looks into a list, an array or a map, and this is {container}", right.span)
        return
    common = join(got, wanted)
    if common is None or not (fits(got, wanted) or is_number(common)):
        misfit(body, op, got, container, left.span.to(right.span))
    elif not is_weak(common):
        body.adapt(left, common)
        if is_weak(wanted):
            body.adapt(right, ListT(common, None))


def truth(body: Body, node: ast.Expr, got: Type, where: str) -> None:
    """`where` needs a truth."""
    if isinstance(got, BoolT | ErrorT):
        return
    if isinstance(got, AnyT):
        body.expr(node, BOOL)
        return
    help = "compare it: `x != 0`" if isinstance(got, IntT | FixedT) else \
        "ask for its length: `len(x) > 0`" if isinstance(got, ListT | ArrayT | StringT) else \
        "compare it with something" if isinstance(got, AddressT) else None
    body.error("E0201", f"{where} needs a truth, and this is {got}", node.span, help=help)


def bool_op(body: Body, node: ast.BoolOp) -> Type:
    values = []
    for part in node.values:
        truth(body, part, body.expr(part, BOOL), f"`{node.op}`")
        values.append(body.constant(part))
    if all(isinstance(v, bool) for v in values):
        body.instance.constants[node] = all(values) if node.op == "and" else any(values)
    return BOOL


def if_expr(body: Body, node: ast.IfExpr, expected: Type | None) -> Type:
    truth(body, node.condition, body.expr(node.condition, BOOL), "the condition")
    a = body.expr(node.then, expected)
    b = body.expr(node.otherwise, expected or (a if _guides(a) else None))
    if isinstance(a, AnyT) and _guides(b):
        a = body.expr(node.then, b)
    common = join(a, b)
    if common is None:
        help = "convert one of them: `fixed(x)`" if is_number(a) and is_number(b) else "both must have one type"
        return body.error("E0201", f"the two sides of `if … else` are {a} and {b}", node.span, help=help)
    if not is_weak(common):
        body.adapt(node.then, common)
        body.adapt(node.otherwise, common)
    return common
