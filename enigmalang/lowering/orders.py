"""`sorted`, and the standard library's intrinsics on order (language.md §4): every leaf of a list is a column."""

from collections.abc import Callable, Sequence
from typing import Any

from enigmalang.ir.ir import Region, Tensor, Value
from enigmalang.ir.leaves import types_of
from enigmalang.lowering.access import axis_of
from enigmalang.lowering.calls import call_instance
from enigmalang.lowering.comprehension import grown
from enigmalang.lowering.convert import fit, to_element, zero
from enigmalang.lowering.frame import Bundle, Frame, LoweringError
from enigmalang.lowering.iterate import over
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import BOOL, UINT256, BoolT, ListT, TupleT, Type
from enigmalang.types.zeros import zero_scalar


def items_of(f: Frame, node: ast.Expr) -> Bundle:
    """An iterable argument as one list: a range, a list, a generator."""
    bundle = f.expr(node)
    if isinstance(bundle.type, TupleT):
        iteration = over(f, bundle, node.span)
        return Bundle(ListT(iteration.type, None), iteration.tensors)
    return bundle


def sorted_(f: Frame, node: ast.Call) -> Bundle:
    """`sorted(xs, key=f)`, `sorted(xs, by=keys)`."""
    items = items_of(f, node.args[0])
    given = {k.name: k.value for k in node.keywords}
    if "key" in given:
        keys = _keys(f, node, items)
    elif "by" in given:
        keys = items_of(f, given["by"]).leaves
    else:
        keys = items.leaves
    return Bundle(items.type, _sorted(f, keys, items.leaves, _reversed(given), None, node.span))


def _keys(f: Frame, node: ast.Call, items: Bundle) -> tuple[Value, ...]:
    """What the function `key` gives for each item."""
    callee = f.instance.calls[node]
    iteration = over(f, items, node.span)
    region = Region(iteration.items(node.span))
    with f.branch(region):
        item = fit(f, Bundle(iteration.type, tuple(region.params)), callee.param_types[0], node.span)
        made = call_instance(f, callee, item.leaves, node.span)
        f.finish(made.leaves, node.span)
    attrs = {"iterated": len(iteration.tensors), "filtered": False}
    types = [grown(v.type) for v in made.leaves]
    return f.build.emit("map", iteration.tensors, node.span, types=types, attrs=attrs, regions=(region,)).results


def _reversed(given: dict[str, ast.Expr]) -> bool:
    order = given.get("reverse")
    return isinstance(order, ast.BoolLit) and order.value


def _sorted(
    f: Frame, keys: Sequence[Value], rows: Sequence[Value], descending: bool, ranks: Value | None, span: Span,
) -> tuple[Value, ...]:
    """The rows in the order of the keys. A column that is both goes in once."""
    columns = [*keys, *(v for v in dict.fromkeys(rows) if v not in keys)]
    attrs: dict[str, Any] = {
        "axes": tuple(axis_of(v) for v in columns), "keys": len(keys), "descending": descending,
        "ranked": ranks is not None}
    operands = columns if ranks is None else [*columns, ranks]
    op = f.build.emit("sort", operands, span, types=[v.type for v in columns], attrs=attrs)
    made = dict(zip(columns, op.results, strict=True))
    return tuple(made[v] for v in rows)


# ---- intrinsics


def _typed(f: Frame, node: ast.Call, parts: Sequence[Bundle]) -> Type:
    """The result's type; where the checker does not say, that of the parts."""
    type = f.type_of(node)
    fitting = len(types_of(type)) == sum(len(p.leaves) for p in parts)
    return type if fitting else parts[0].type if len(parts) == 1 else TupleT(tuple(p.type for p in parts))


def sort(f: Frame, node: ast.Call) -> Bundle:
    """`__sort(keys, rows…, reverse=True, ranks=places)`."""
    parts = [items_of(f, arg) for arg in node.args]
    given = {k.name: k.value for k in node.keywords}
    ranks = items_of(f, given["ranks"]).only if "ranks" in given else None
    leaves = [v for part in parts for v in part.leaves]
    made = _sorted(f, parts[0].leaves, leaves, _reversed(given), ranks, node.span)
    return Bundle(_typed(f, node, parts), made)


def moved(op: str) -> Callable[[Frame, ast.Call], Bundle]:
    """`__permute(order, rows…)`, `__spread(flags, rows…)`."""
    def make(f: Frame, node: ast.Call) -> Bundle:
        first, *parts = (items_of(f, arg) for arg in node.args)
        columns = [v for part in parts for v in part.leaves]
        return Bundle(_typed(f, node, parts), _emit(f, op, (first.only,), columns, node.span))
    return make


def shuffle(f: Frame, node: ast.Call) -> Bundle:
    """`__shuffle(rows…)`: what is shuffled is private from there on, for nobody may know the order."""
    parts = [items_of(f, arg) for arg in node.args]
    shared = [f.build.value("share", (v,), node.span, type=v.type) for part in parts for v in part.leaves]
    return Bundle(_typed(f, node, parts), _emit(f, "shuffle", (), shared, node.span))


def _emit(f: Frame, op: str, first: tuple[Value, ...], columns: Sequence[Value], span: Span) -> tuple[Value, ...]:
    attrs = {"axes": tuple(axis_of(v) for v in columns)}
    return f.build.emit(op, (*first, *columns), span, types=[v.type for v in columns], attrs=attrs).results


def masked(f: Frame, node: ast.Call) -> Bundle:
    """`__masked(flags, rows…)`: the rows whose flag is set, zeros for the others."""
    flags, *parts = (items_of(f, arg) for arg in node.args)
    made = tuple(_masked(f, flags.only, v, node.span) for part in parts for v in part.leaves)
    return Bundle(_typed(f, node, parts), made)


def _masked(f: Frame, flags: Value, column: Value, span: Span) -> Value:
    assert isinstance(column.type, Tensor)
    for rank in range(1, column.type.rank):
        flags = f.build.value("expand", (flags,), span, type=Tensor(BOOL, rank + 1), axis=-1)
    if isinstance(column.type.element, BoolT):
        return f.build.value("and", (flags, column), span, type=column.type, hint=column.hint)
    zero = f.build.const(zero_scalar(column.type.element), Tensor(column.type.element), span)
    return f.build.value("select", (flags, column, zero), span, type=column.type, hint=column.hint)


def zeros(f: Frame, node: ast.Call) -> Bundle:
    """`__zeros(rows, n)`: n rows like the others, all zero."""
    rows = over(f, items_of(f, node.args[0]), node.span)
    numbers = [f.build.const(0, Tensor(UINT256), node.span), f.value(node.args[1]),
               f.build.const(1, Tensor(UINT256), node.span)]
    steps = f.build.value("range", numbers, node.span, type=Tensor(UINT256, 1))
    region = Region([Value(Tensor(UINT256), node.span)])
    with f.branch(region):
        made = zero(f, rows.type, node.span)
        f.finish(made.leaves, node.span)
    op = f.build.emit("map", (steps,), node.span, types=[grown(v.type) for v in made.leaves], regions=(region,),
                      attrs={"iterated": 1, "filtered": False})
    return Bundle(ListT(rows.type, None), op.results)


def cumsum(f: Frame, node: ast.Call) -> Bundle:
    xs = items_of(f, node.args[0])
    type = f.type_of(node)
    value = xs.only
    if not isinstance(value.type, Tensor):
        raise LoweringError(node.span, "nothing to add up")
    if isinstance(value.type.element, BoolT):
        value = to_element(f, value, UINT256, node.span)
    (wanted,) = types_of(type) if types_of(type) else (value.type,)
    return Bundle(type, (f.build.value("cumsum", (value,), node.span, type=wanted, axis=axis_of(value)),))


def like(f: Frame, node: ast.Call) -> Bundle:
    x, y = (f.expr(arg) for arg in node.args)
    return Bundle(y.type, (f.build.value("like", (x.only, y.only), node.span, type=y.only.type),))

