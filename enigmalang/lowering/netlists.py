"""Boolean circuits from files: one operation on the truths of all inputs, one after the other."""

from enigmalang.ir.ir import Tensor, Value
from enigmalang.lowering.frame import Bundle, Frame
from enigmalang.syntax import ast
from enigmalang.types.types import BOOL, UINT256, ArrayT, TupleT, Type


def netlist(f: Frame, node: ast.Call) -> Bundle:
    """`__circuit(text, widths, inputs…)`: an array of truths for each output."""
    text, widths, *inputs = node.args
    assert isinstance(text, ast.StrLit) and isinstance(widths, ast.ListLit)
    first, *others = (f.expr(arg).only for arg in inputs)
    for other in others:
        first = f.build.value("concat", (first, other), node.span, type=Tensor(BOOL, 1), axis=-1)
    outputs = [item.value for item in widths.items if isinstance(item, ast.IntLit)]
    made = f.build.value("netlist", (first,), node.span, type=Tensor(BOOL, 1), circuit=text.value, width=sum(outputs))
    types: list[Type] = [ArrayT(BOOL, (width,)) for width in outputs]
    if len(outputs) == 1:
        return Bundle(types[0], (made,))
    leaves: list[Value] = []
    start = 0
    for width in outputs:
        low, high = (f.build.const(place, Tensor(UINT256), node.span) for place in (start, start + width))
        leaves.append(f.build.value("slice", (made, low, high), node.span, type=Tensor(BOOL, 1), axis=-1))
        start += width
    return Bundle(TupleT(tuple(types)), tuple(leaves))
