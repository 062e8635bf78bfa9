"""Operators: arithmetic, comparisons, short-circuit logic, choices."""

from collections.abc import Callable, Sequence
from functools import partial

from enigmalang.ir.ir import Opaque, Tensor, Value
from enigmalang.ir.leaves import leaves_of
from enigmalang.ir.typing import join_scalars
from enigmalang.lowering.access import axis_of, map_has
from enigmalang.lowering.choices import choose_values, shortcut
from enigmalang.lowering.convert import as_address, balance, fit, to_element, truth
from enigmalang.lowering.frame import Bundle, Frame, LoweringError
from enigmalang.lowering.iterate import length
from enigmalang.lowering.places import database_of, find_place, keys_of
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import (
    BOOL,
    ERROR,
    ArrayT,
    BoolT,
    ContractT,
    FixedT,
    IdentityT,
    ListT,
    MapT,
    PredicateT,
    TupleT,
    Type,
)

BINARY = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floordiv", "%": "mod", "**": "pow", "&": "band", "|": "bor",
    "^": "bxor", "<<": "shl", ">>": "shr",
}
COMPARE = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
LOGIC = {"&": "and", "|": "or", "^": "xor"}
TRUTH = Tensor(BOOL)


# ---------------------------------------------------------------------------------------------- arithmetic


def binary(f: Frame, op: str, a: Bundle, b: Bundle, span: Span, stated: Type | None) -> Bundle:
    """`a op b`. `stated`: the checker's type of the result."""
    if isinstance(a.type, ListT | ArrayT) and isinstance(b.type, ListT | ArrayT) and op == "+":
        return _joined_lists(f, a, b, span, stated)
    if isinstance(a.type, PredicateT):
        return _predicates(f, LOGIC[op], (a.only, b.only), span)
    x, y = a.only, b.only
    if isinstance(a.type, BoolT) and isinstance(b.type, BoolT) and op in LOGIC:
        return Bundle(BOOL, (f.build.value(LOGIC[op], (x, y), span),))
    type = stated if stated not in (None, ERROR) else _common(a.type, b.type)
    x, y = _held_alike(f, op, x, y, type, span)
    element = leaves_of(type)[0].type
    assert isinstance(element, Tensor)
    return Bundle(type, (f.build.value(BINARY[op], (x, y), span, type=element),))


def _common(a: Type, b: Type) -> Type:
    x, y = leaves_of(a)[0].type, leaves_of(b)[0].type
    if isinstance(x, Tensor) and isinstance(y, Tensor) and (joined := join_scalars(x.element, y.element)):
        return joined
    return b if isinstance(x, Opaque) else a


def _held_alike(f: Frame, op: str, x: Value, y: Value, type: Type, span: Span) -> tuple[Value, Value]:
    """Operands in the representation of the result: integers become fixed, `any` becomes the type itself."""
    if isinstance(type, FixedT):
        return to_element(f, x, type, span), y if op in ("<<", ">>", "**") else to_element(f, y, type, span)
    (leaf,) = leaves_of(type)
    if isinstance(leaf.type, Tensor):
        if isinstance(x.type, Opaque) or _is_truth(x):
            x = to_element(f, x, leaf.type.element, span)
        if isinstance(y.type, Opaque) or _is_truth(y):
            y = to_element(f, y, leaf.type.element, span)
    return x, y


def _is_truth(value: Value) -> bool:
    return isinstance(value.type, Tensor) and isinstance(value.type.element, BoolT)


def _joined_lists(f: Frame, a: Bundle, b: Bundle, span: Span, stated: Type | None) -> Bundle:
    if isinstance(stated, ListT | ArrayT) and len(leaves_of(stated)) == len(a.leaves) == len(b.leaves):
        a, b = fit(f, a, stated, span), fit(f, b, stated, span)
    made = tuple(
        f.build.value("concat", (x, y), span, axis=axis_of(x)) for x, y in zip(a.leaves, b.leaves, strict=True))
    return Bundle(stated if stated not in (None, ERROR) else a.type, made)


def _predicates(f: Frame, name: str, operands: Sequence[Value], span: Span) -> Bundle:
    value = f.build.value("predicate", operands, span, type=Opaque(PredicateT()), name=name)
    return Bundle(PredicateT(), (value,))


def unary(f: Frame, node: ast.Unary) -> Bundle:
    operand = f.expr(node.operand)
    value = operand.only
    if isinstance(operand.type, PredicateT):
        return _predicates(f, "not", (value,), node.span)
    if node.op == "+":
        return operand
    if node.op == "not" or (node.op == "~" and isinstance(operand.type, BoolT)):
        return Bundle(BOOL, (f.build.value("not", (truth(f, value, node.span),), node.span),))
    type = f.type_of(node)
    type = operand.type if type == ERROR else type
    value = fit(f, operand, type, node.span).only
    name = "neg" if node.op == "-" else "bnot"
    return Bundle(type, (f.build.value(name, (value,), node.span, type=leaves_of(type)[0].type),))


# --------------------------------------------------------------------------------------------- comparisons


def compare(f: Frame, node: ast.Compare) -> Bundle:
    """A chain evaluates each operand once, and stops at the first comparison that fails (as in Python)."""
    if len(node.ops) == 1 and node.ops[0] in ("in", "not in"):
        found = _member(f, node.left, node.rights[0], node.span)
        return Bundle(BOOL, (_maybe_not(f, node.ops[0], found, node.span),))
    return Bundle(BOOL, (_chain(f, f.expr(node.left), node.ops, node.rights, node.span),))


def _chain(f: Frame, left: Bundle, ops: Sequence[str], rights: Sequence[ast.Expr], span: Span) -> Value:
    if ops[0] in ("in", "not in"):
        first = _maybe_not(f, ops[0], contains(f, f.expr(rights[0]), left, span), span)
        right = left
    else:
        right = f.expr(rights[0])
        first = compare_bundles(f, ops[0], left, right, span)
    if len(ops) == 1:
        return first
    return shortcut(f, "and", first, lambda: _chain(f, right, ops[1:], rights[1:], span), span)


def _maybe_not(f: Frame, op: str, value: Value, span: Span) -> Value:
    return f.build.value("not", (value,), span) if op == "not in" else value


def compare_bundles(f: Frame, op: str, a: Bundle, b: Bundle, span: Span) -> Value:
    if op in ("==", "!="):
        equal = equal_bundles(f, a, b, span) if _needs_parts(a, b) else None
        if equal is not None:
            return equal if op == "==" else f.build.value("not", (equal,), span)
    x, y = balance(f, *_as_addresses(f, a, b, span), span)
    return f.build.value(COMPARE[op], (x, y), span)


def _needs_parts(a: Bundle, b: Bundle) -> bool:
    return len(a.leaves) != 1 or any(isinstance(v.type, Tensor) and v.type.rank > 0 for v in (*a.leaves, *b.leaves))


def _as_addresses(f: Frame, a: Bundle, b: Bundle, span: Span) -> tuple[Value, Value]:
    """Identities and contract references are compared by address."""
    x, y = a.only, b.only
    if any(isinstance(t, IdentityT | ContractT) for t in (a.type, b.type)):
        from_a, from_b = (as_address(f, v, span) for v in (x, y))
        return from_a, from_b
    return x, y


def equal_bundles(f: Frame, a: Bundle, b: Bundle, span: Span) -> Value:
    """All leaves equal. Lists of different lengths are not equal, and are not compared further."""
    if not a.leaves or len(a.leaves) != len(b.leaves):
        return f.build.const(bool(not a.leaves and not b.leaves), TRUTH, span)
    if isinstance(a.type, ListT) or isinstance(b.type, ListT):
        sizes = [length(f, v, span) for v in (a.leaves[0], b.leaves[0])]
        same = f.build.value("eq", sizes, span)
        return choose_values(f, same, lambda: [_all_equal(f, a, b, span)],
                             lambda: [f.build.const(False, TRUTH, span)], span)[0]
    return _all_equal(f, a, b, span)


def _all_equal(f: Frame, a: Bundle, b: Bundle, span: Span) -> Value:
    equal: Value | None = None
    for x, y in zip(a.leaves, b.leaves, strict=True):
        one = f.build.value("eq", balance(f, x, y, span), span)
        while isinstance(one.type, Tensor) and one.type.rank:
            one = f.build.value("reduce_all", (one,), span, axis=-1)
        equal = one if equal is None else f.build.value("and", (equal, one), span)
    assert equal is not None
    return equal


def _member(f: Frame, item: ast.Expr, container: ast.Expr, span: Span) -> Value:
    """`item in container` where the container may be a map or a database."""
    if (db := database_of(f, container)) is not None:
        keys = keys_of(f, item.items if isinstance(item, ast.TupleLit) else (item,))
        return f.build.value("db_has", keys, span, db=db)
    if isinstance(f.type_of(container), MapT):
        key = f.expr(item)
        if (found := map_has(f, find_place(f, container), key, span)) is not None:
            return found
    left = f.expr(item)
    return contains(f, f.expr(container), left, span)


def contains(f: Frame, whole: Bundle, item: Bundle, span: Span) -> Value:
    """Is `item` among the elements of a list, array or tuple?"""
    if isinstance(whole.type, TupleT):
        found: Value | None = None
        for number in range(len(whole.type.items)):
            one = compare_bundles(f, "==", item, whole.member(number), span)
            found = one if found is None else f.build.value("or", (found, one), span)
        return found if found is not None else f.build.const(False, TRUTH, span)
    if not isinstance(whole.type, ListT | ArrayT):
        raise LoweringError(span, f"`in` on {whole.type}")
    if len(whole.leaves) == 1 and isinstance(whole.leaves[0].type, Tensor) and whole.leaves[0].type.rank == 1:
        x = as_address(f, item.only, span) if isinstance(item.type, IdentityT | ContractT) else item.only
        xs, x = balance(f, whole.leaves[0], x, span)
        return f.build.value("contains", (xs, x), span, axis=-1)
    return _contains_rows(f, whole, item, span)


def _contains_rows(f: Frame, whole: Bundle, item: Bundle, span: Span) -> Value:
    """Rows with several leaves or axes: each leaf is compared with all rows at once."""
    equal: Value | None = None
    for xs, x in zip(whole.leaves, item.leaves, strict=True):
        if isinstance(xs.type, Opaque):
            return f.build.value("contains", (xs, x), span, axis=-1)
        one = f.build.value("eq", balance(f, xs, x, span), span)
        while isinstance(one.type, Tensor) and one.type.rank > 1:
            one = f.build.value("reduce_all", (one,), span, axis=-1)
        equal = one if equal is None else f.build.value("and", (equal, one), span)
    assert equal is not None
    return f.build.value("reduce_any", (equal,), span, axis=-1)


# ---------------------------------------------------------------------------------------------- and, or, if else


def bool_op(f: Frame, node: ast.BoolOp) -> Bundle:
    first = truth(f, f.value(node.values[0]), node.values[0].span)
    for operand in node.values[1:]:
        first = shortcut(f, node.op, first, partial(_condition, f, operand), node.span)
    return Bundle(BOOL, (first,))


def _condition(f: Frame, node: ast.Expr) -> Value:
    return truth(f, f.value(node), node.span)


def if_expr(f: Frame, node: ast.IfExpr) -> Bundle:
    stated = f.type_of(node)
    known = f.instance.decided.get(node)
    if known is not None:
        live = f.expr(node.then if known else node.otherwise)
        return live if stated == ERROR else fit(f, live, stated, node.span)
    condition = truth(f, f.value(node.condition), node.condition.span)

    def side(part: ast.Expr) -> Callable[[], Sequence[Value]]:
        def compute() -> Sequence[Value]:
            bundle = f.expr(part)
            return (bundle if stated == ERROR else fit(f, bundle, stated, part.span)).leaves
        return compute

    leaves = choose_values(f, condition, side(node.then), side(node.otherwise), node.span)
    type = f.type_of(node.then) if stated == ERROR else stated
    return Bundle(type, tuple(leaves))
