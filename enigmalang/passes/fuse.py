"""Inner products: a sum over the last axis of a product used nowhere else becomes one `dot`, with one resharing.

Only for private integers: a `fixed` product rounds at each term, and public arithmetic checks each term.
"""

from collections import Counter

from enigmalang.ir.ir import Operation, Program, Region, Tensor, Value, operations
from enigmalang.types.types import IntT, Label


def fuse_products(program: Program) -> Program:
    """Run on every function of `program`, in place."""
    for function in program.functions.values():
        uses = Counter(v for op in operations(function.body) for v in op.operands)
        makers = {v: op for op in operations(function.body) for v in op.results}
        _region(function.body, uses, makers)
    return program


def _region(region: Region, uses: Counter[Value], makers: dict[Value, Operation]) -> None:
    for position, op in enumerate(region.ops):
        for inner in op.regions:
            _region(inner, uses, makers)
        if op.op != "reduce_sum" or op.attrs["axis"] != -1 or op.result.label is not Label.PRIVATE:
            continue
        product = makers.get(op.operands[0])
        if product is not None and product.op == "mul" and uses[op.operands[0]] == 1 and _matches(product):
            region.ops[position] = Operation("dot", product.operands, op.results, op.span, {}, (), op.via)


def _matches(product: Operation) -> bool:
    """Both factors are whole tensors of the product's own rank (a broadcast one is cheaper to scale after summing)."""
    types = [v.type for v in (*product.operands, product.result)]
    return all(isinstance(t, Tensor) and isinstance(t.element, IntT) for t in types) and len(
        {t.rank for t in types if isinstance(t, Tensor)}) == 1
