"""What a loop or comprehension goes through: tensors in step, and the targets they are bound to."""

from dataclasses import dataclass

from enigmalang.ir.ir import IRType, Opaque, Tensor, Value
from enigmalang.ir.leaves import leaves_of
from enigmalang.lowering.access import axis_of, store
from enigmalang.lowering.convert import element_type
from enigmalang.lowering.frame import Bundle, Frame, LoweringError, fresh, hinted
from enigmalang.lowering.places import find_place
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import UINT256, ArrayT, IntT, ListT, TupleT, Type


@dataclass(frozen=True, slots=True)
class Iteration:
    """Items of `type`, one leaf from each tensor. `length` is a fixed array's, when known."""

    type: Type
    tensors: tuple[Value, ...]
    length: int | None = None

    def items(self, span: Span) -> list[Value]:
        """New values for one item's leaves."""
        rows = [row(v.type, leaf.type) for v, leaf in zip(self.tensors, leaves_of(self.type), strict=True)]
        return fresh(rows, span)


def row(type: IRType, leaf: IRType) -> IRType:
    if isinstance(type, Tensor):
        return Tensor(type.element, type.rank - 1)
    return type if not isinstance(type.type, ListT | ArrayT) else leaf


def iterate(f: Frame, node: ast.Expr) -> Iteration:
    """The tensors behind an iterable expression."""
    if isinstance(node, ast.Call):
        match f.instance.builtins.get(node):
            case "range":
                items = range_value(f, node)
                assert isinstance(items.type, Tensor)
                return Iteration(items.type.element, (items,))
            case "enumerate":
                return _enumerated(f, node)
            case "zip":
                return _zipped(f, node)
            case "reversed":
                inner = iterate(f, node.args[0])
                return Iteration(inner.type, tuple(reverse(f, v, node.span) for v in inner.tensors), inner.length)
            case _:
                pass
    return over(f, f.expr(node), node.span)


def over(f: Frame, bundle: Bundle, span: Span) -> Iteration:
    """Iterate a list or array (or a tuple of equal items)."""
    match bundle.type:
        case ListT() | ArrayT():
            length = bundle.type.dims[0] if isinstance(bundle.type, ArrayT) else None
            return Iteration(element_type(bundle.type), bundle.leaves, length)
        case TupleT(items=items) if items and len({str(item) for item in items}) == 1:
            parts = [bundle.member(n) for n in range(len(items))]
            columns = zip(*(part.leaves for part in parts), strict=True)
            return Iteration(items[0], tuple(stack(f, column, span) for column in columns), len(items))
        case _:
            raise LoweringError(span, f"{bundle.type} cannot be iterated")


def reverse(f: Frame, value: Value, span: Span) -> Value:
    return f.build.value("reverse", (value,), span, type=value.type, hint=value.hint, axis=axis_of(value))


def stack(f: Frame, values: tuple[Value, ...], span: Span, type: IRType | None = None) -> Value:
    """Values of one shape as the rows of a new first axis."""
    first = values[0].type
    if isinstance(first, Opaque):
        return f.build.value("stack", values, span, type=type or Opaque(ListT(first.type, None)), axis=-1)
    return f.build.value("stack", values, span, type=type, axis=-first.rank - 1)


def length(f: Frame, value: Value, span: Span) -> Value:
    return f.build.value("len", (value,), span, axis=axis_of(value))


def range_value(f: Frame, node: ast.Call) -> Value:
    """`range(n)`, `range(a, b)`, `range(a, b, step)` as a tensor."""
    listed = f.type_of(node)
    element = listed.element if isinstance(listed, ListT) and isinstance(listed.element, IntT) else UINT256
    given = [f.value(arg) for arg in node.args]
    if len(given) == 1:
        given.insert(0, f.build.const(0, Tensor(element), node.span))
    if len(given) == 2:
        given.append(f.build.const(1, Tensor(element), node.span))
    return f.build.value("range", given, node.span, type=Tensor(element, 1))


def _enumerated(f: Frame, node: ast.Call) -> Iteration:
    inner = iterate(f, node.args[0])
    starts = [*node.args[1:], *(k.value for k in node.keywords if k.name == "start")]
    size = length(f, inner.tensors[0], node.span)
    low = f.value(starts[0]) if starts else f.build.const(0, Tensor(UINT256), node.span)
    high = f.build.value("add", (low, size), node.span, type=Tensor(UINT256)) if starts else size
    step = f.build.const(1, Tensor(UINT256), node.span)
    numbers = f.build.value("range", (low, high, step), node.span, type=Tensor(UINT256, 1))
    return Iteration(TupleT((UINT256, inner.type)), (numbers, *inner.tensors), inner.length)


def _zipped(f: Frame, node: ast.Call) -> Iteration:
    parts = [iterate(f, arg) for arg in node.args]
    type = TupleT(tuple(part.type for part in parts))
    if _same_length(parts):
        return Iteration(type, tuple(v for part in parts for v in part.tensors), parts[0].length)
    span = node.span
    shortest = length(f, parts[0].tensors[0], span)
    for part in parts[1:]:
        other = length(f, part.tensors[0], span)
        shortest = f.build.value("min", (shortest, other), span, type=Tensor(UINT256))
    zero = f.build.const(0, Tensor(UINT256), span)
    cut = [
        f.build.value("slice", (v, zero, shortest), span, type=v.type, axis=axis_of(v), hint=v.hint)
        for part in parts for v in part.tensors
    ]
    return Iteration(type, tuple(cut))


def _same_length(parts: list[Iteration]) -> bool:
    lengths = {part.length for part in parts}
    return (len(lengths) == 1 and None not in lengths) or len({id(part.tensors[0]) for part in parts}) == 1


def bind(f: Frame, target: ast.Expr, item: Bundle) -> None:
    """Assign to a target: a name takes the value; tuples are taken apart; other places are stored to."""
    match target:
        case ast.Name():
            store(f, find_place(f, target), item, target.span)
        case ast.TupleLit(items=items):
            for number, part in enumerate(items):
                bind(f, part, part_of(f, item, number, target.span))
        case _:
            store(f, find_place(f, target), item, target.span)


def bind_item(f: Frame, target: ast.Expr, item: Bundle) -> None:
    """Bind a comprehension's target: a name of its own, whatever else has that name."""
    match target:
        case ast.Name(id=name):
            hinted(item.leaves, name, item.type)
            f.env[name] = item
            f.items.add(name)
        case ast.TupleLit(items=items):
            for number, part in enumerate(items):
                bind_item(f, part, part_of(f, item, number, target.span))
        case _:
            raise LoweringError(target.span, "a comprehension binds names")


def part_of(f: Frame, item: Bundle, number: int, span: Span) -> Bundle:
    """Item `number` of a tuple, struct or fixed array that is taken apart."""
    if isinstance(item.type, ArrayT | ListT):
        index = f.build.const(number, Tensor(UINT256), span)
        type = element_type(item.type)
        made = (
            f.build.value("index", (v, index), span, type=row(v.type, leaf.type), axis=axis_of(v))
            for v, leaf in zip(item.leaves, leaves_of(type), strict=True)
        )
        return Bundle(type, tuple(made))
    return item.member(number)
