"""The functions of the language (language.md §4, §5), and the intrinsics of the standard library."""

from collections.abc import Callable, Sequence

from enigmalang.ir.ir import Opaque, Region, Tensor, Value
from enigmalang.ir.leaves import leaves_of, types_of
from enigmalang.lowering import orders
from enigmalang.lowering.access import axis_of
from enigmalang.lowering.calls import PREDICATES, call_instance, predicate, shared_identity
from enigmalang.lowering.comprehension import grown
from enigmalang.lowering.convert import as_address, fit, is_unknown, to_element, truth, zero
from enigmalang.lowering.frame import NOTHING, Bundle, Frame, LoweringError
from enigmalang.lowering.iterate import iterate, length, range_value, stack
from enigmalang.lowering.netlists import netlist
from enigmalang.lowering.orders import items_of
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import BOOL, ERROR, UINT256, ArrayT, BoolT, IntT, ListT, TupleT, Type

TRUTH = Tensor(BOOL)


def builtin(f: Frame, node: ast.Call, name: str) -> Bundle:
    """A call of the builtin `name`."""
    if name in PREDICATES:
        return predicate(f, name, node.args, node.span)
    handler = _TABLE.get(name, _convert)
    return handler(f, node)


def _result(f: Frame, node: ast.Call, fallback: Type) -> Type:
    type = f.type_of(node)
    return fallback if type == ERROR else type


# ------------------------------------------------------------------------------------------------- numbers


def _convert(f: Frame, node: ast.Call) -> Bundle:
    """`uint32(x)`, `fixed(x)`, `address(x)`: an explicit conversion."""
    type = f.type_of(node)
    bundle = f.expr(node.args[0])
    (leaf,) = leaves_of(type)
    value = bundle.only
    if value.type == leaf.type:
        return Bundle(type, (value,))
    return Bundle(type, (f.build.value("convert", (value,), node.span, type=leaf.type, hint=value.hint),))


def _reshape(name: str) -> Callable[[Frame, ast.Call], Bundle]:
    """`wrap(x)`, `clamp(x)` to the type that the context wants; `clamp(x, low, high)`."""
    def make(f: Frame, node: ast.Call) -> Bundle:
        if len(node.args) == 3:
            return _between(f, node)
        bundle = f.expr(node.args[0])
        type = _result(f, node, bundle.type)
        made = (
            f.build.value(name, (v,), node.span, type=leaf.type, hint=v.hint)
            for v, leaf in zip(bundle.leaves, leaves_of(type), strict=True))
        return Bundle(type, tuple(made))
    return make


def _between(f: Frame, node: ast.Call) -> Bundle:
    """`clamp(x, low, high)`: the nearest number from `low` to `high`."""
    type = f.type_of(node)
    value, low, high = (fit(f, f.expr(arg), type, node.span).only for arg in node.args)
    wanted = types_of(type)[0]
    least = f.build.value("max", (value, low), node.span, type=wanted)
    return Bundle(type, (f.build.value("min", (least, high), node.span, type=wanted),))


def _abs(f: Frame, node: ast.Call) -> Bundle:
    bundle = f.expr(node.args[0])
    type = _result(f, node, bundle.type)
    return Bundle(type, (f.build.value("abs", (bundle.only,), node.span, type=types_of(type)[0]),))


def _extreme(name: str) -> Callable[[Frame, ast.Call], Bundle]:
    """`min`, `max`: of a list, or of the arguments."""
    def make(f: Frame, node: ast.Call) -> Bundle:
        if len(node.args) == 1:
            items = items_of(f, node.args[0])
            return _reduced(f, node, f"reduce_{name}", items, items.type.element if isinstance(
                items.type, ListT | ArrayT) else ERROR)
        bundles = [f.expr(arg) for arg in node.args]
        type = _result(f, node, bundles[0].type)
        values = [fit(f, b, type, node.span).only for b in bundles]
        best = values[0]
        for value in values[1:]:
            best = f.build.value(name, (best, value), node.span, type=types_of(type)[0])
        return Bundle(type, (best,))
    return make


def _reduced(f: Frame, node: ast.Call, op: str, items: Bundle, fallback: Type) -> Bundle:
    type = _result(f, node, fallback)
    value = items.only
    rank = value.type.rank - 1 if isinstance(value.type, Tensor) else 0
    leaf = types_of(type)[0]
    element = leaf.element if isinstance(leaf, Tensor) else BOOL
    made = f.build.value(op, (value,), node.span, type=Tensor(element, rank), axis=axis_of(value))
    return Bundle(type, (made,))


def _sum(f: Frame, node: ast.Call) -> Bundle:
    """`sum` over truths counts them."""
    items = items_of(f, node.args[0])
    if is_unknown(items.type):
        return zero(f, _result(f, node, UINT256), node.span)
    if not items.leaves or isinstance(items.only.type, Opaque):
        raise LoweringError(node.span, "nothing to add up")
    element = items.only.type.element
    if isinstance(element, BoolT):
        items = Bundle(ListT(UINT256, None), (to_element(f, items.only, UINT256, node.span),))
    fallback: Type = UINT256 if isinstance(element, BoolT | IntT) else element
    return _reduced(f, node, "reduce_sum", items, fallback)


def _quantified(name: str) -> Callable[[Frame, ast.Call], Bundle]:
    def make(f: Frame, node: ast.Call) -> Bundle:
        value = items_of(f, node.args[0]).only
        return Bundle(BOOL, (f.build.value(name, (value,), node.span, axis=axis_of(value)),))
    return make


# --------------------------------------------------------------------------------------------------- lists


def _len(f: Frame, node: ast.Call) -> Bundle:
    bundle = f.expr(node.args[0])
    if isinstance(bundle.type, TupleT) or not bundle.leaves:
        count = len(bundle.type.items) if isinstance(bundle.type, TupleT) else 0
        return Bundle(UINT256, (f.build.const(count, Tensor(UINT256), node.span),))
    return Bundle(UINT256, (length(f, bundle.leaves[0], node.span),))


def _range(f: Frame, node: ast.Call) -> Bundle:
    value = range_value(f, node)
    assert isinstance(value.type, Tensor)
    return Bundle(ListT(value.type.element, None), (value,))


def _stepped(f: Frame, node: ast.Call) -> Bundle:
    """`zip`, `enumerate`, `reversed` as a value: the list of the items."""
    iteration = iterate(f, node)
    return Bundle(ListT(iteration.type, None), iteration.tensors)


def _applied(f: Frame, node: ast.Call) -> Bundle:
    """`map(f, xs)`, `filter(f, xs)`: a comprehension that calls f."""
    callee = f.instance.calls[node]
    iterations = [iterate(f, arg) for arg in node.args[1:]]
    tensors = tuple(v for it in iterations for v in it.tensors)
    filtering = f.instance.builtins[node] == "filter"
    region = Region([v for it in iterations for v in it.items(node.span)])
    with f.branch(region):
        params = Bundle(TupleT(callee.param_types), tuple(region.params))
        leaves = fit(f, Bundle(TupleT(tuple(it.type for it in iterations)), params.leaves), params.type, node.span)
        made = call_instance(f, callee, leaves.leaves, node.span)
        yielded = (truth(f, made.only, node.span), *region.params) if filtering else made.leaves
        f.finish(yielded, node.span)
    types = [v.type for v in tensors] if filtering else [grown(v.type) for v in made.leaves]
    attrs = {"iterated": len(tensors), "filtered": filtering}
    op = f.build.emit("map", tensors, node.span, types=types, attrs=attrs, regions=(region,))
    element = iterations[0].type if filtering else made.type
    return Bundle(ListT(element, None), op.results)


# ---------------------------------------------------------------------------------------- scripts and contracts


def _print(f: Frame, node: ast.Call) -> Bundle:
    items: list[object] = []
    leaves: list[Value] = []
    for arg in node.args:
        if isinstance(arg, ast.StrLit):
            items.append(arg.value)
        else:
            bundle = f.expr(arg)
            items.append(bundle.type)
            leaves += bundle.leaves
    attrs: dict[str, object] = {"items": tuple(items)}
    for keyword in node.keywords:
        text = keyword.value
        attrs[keyword.name] = text.value if isinstance(text, ast.StrLit) else f.instance.constants[text]
    f.build.emit("print", leaves, node.span, attrs=attrs)
    return NOTHING


def _input(f: Frame, node: ast.Call) -> Bundle:
    type = f.type_of(node)
    name = node.args[0]
    text = name.value if isinstance(name, ast.StrLit) else f.instance.constants.get(name)
    attrs = {"name": text, "type": type, "private": False}
    op = f.build.emit("input", (), node.span, types=types_of(type), attrs=attrs, hints=[str(text)])
    for value, leaf in zip(op.results, leaves_of(type), strict=True):
        value.lens = leaf.lens
    return Bundle(type, op.results)


def _send(f: Frame, node: ast.Call) -> Bundle:
    to, amount = node.args
    f.build.emit("send", (as_address(f, f.value(to), to.span), f.value(amount)), node.span)
    return NOTHING


# ------------------------------------------------------------------------------------------------ intrinsics


def _product(name: str) -> Callable[[Frame, ast.Call], Bundle]:
    """`__dot(a, b)`, `__matmul(a, b)` on numbers of one kind."""
    def make(f: Frame, node: ast.Call) -> Bundle:
        a, b = (f.expr(arg) for arg in node.args)
        type = f.type_of(node)
        wanted = types_of(type)[0] if type != ERROR else None
        value = f.build.value(name, (a.only, b.only), node.span, type=wanted)
        return Bundle(type if type != ERROR else _element_of(value), (value,))
    return make


def _element_of(value: Value) -> Type:
    assert isinstance(value.type, Tensor)
    return value.type.element


def _transpose(f: Frame, node: ast.Call) -> Bundle:
    whole = f.expr(node.args[0])
    type = _result(f, node, whole.type)
    made = tuple(
        f.build.value("transpose", (v,), node.span, type=v.type, axes=(-1, -2)) for v in whole.leaves)
    return Bundle(type, made)


def _fill(f: Frame, node: ast.Call) -> Bundle:
    """`fill(x, n, …)` style constructors of the standard library: x along new first axes of constant sizes."""
    item, *sizes = node.args
    dims = tuple(int(f.instance.constants[size]) for size in sizes)
    bundle = f.expr(item)
    made = tuple(
        f.build.value("fill", (v,), node.span, dims=dims, axis=-len(dims) - v.rank) for v in bundle.leaves)
    return Bundle(_result(f, node, ArrayT(bundle.type, dims)), made)


def _array(f: Frame, node: ast.Call) -> Bundle:
    """`array(uint8, 3)`: zeros."""
    return zero(f, f.type_of(node), node.span)


def list_literal(f: Frame, items: Sequence[ast.Expr], type: Type, span: Span) -> Bundle:
    """`[a, b, c]`: one `stack` per leaf; `empty` without items."""
    if not items:
        return Bundle(type, tuple(f.build.value("empty", (), span, type=t) for t in types_of(type)))
    bundles = [f.expr(item) for item in items]
    element = bundles[0].type
    if isinstance(type, ListT | ArrayT):
        inner = type.element if isinstance(type, ListT) or len(type.dims) == 1 else ArrayT(type.element, type.dims[1:])
        element = inner if inner != ERROR else element
    bundles = [fit(f, b, element, item.span) for b, item in zip(bundles, items, strict=True)]
    wanted = types_of(type) if isinstance(type, ListT | ArrayT) else (None,) * len(bundles[0].leaves)
    columns = zip(*(b.leaves for b in bundles), strict=True)
    made = tuple(stack(f, column, span, want) for column, want in zip(columns, wanted, strict=True))
    return Bundle(type if type != ERROR else ListT(element, None), made)


_TABLE: dict[str, Callable[[Frame, ast.Call], Bundle]] = {
    "wrap": _reshape("wrap"), "clamp": _reshape("clamp"), "abs": _abs, "min": _extreme("min"), "max": _extreme("max"),
    "sum": _sum, "any": _quantified("reduce_any"), "all": _quantified("reduce_all"), "len": _len,
    "sorted": orders.sorted_,
    "range": _range, "zip": _stepped, "enumerate": _stepped, "reversed": _stepped, "map": _applied,
    "filter": _applied, "print": _print, "input": _input, "send": _send, "__dot": _product("dot"),
    "__circuit": netlist, "__matmul": _product("matmul"), "__transpose": _transpose, "__fill": _fill, "array": _array,
    "shared_identity": shared_identity, "__sort": orders.sort, "__permute": orders.moved("permute"),
    "__spread": orders.moved("spread"), "__shuffle": orders.shuffle, "__cumsum": orders.cumsum, "__like": orders.like,
    "__masked": orders.masked, "__zeros": orders.zeros,
}
