"""Scalar functions, also over arrays that broadcast."""

from collections.abc import Sequence

from enigmalang.chain.vyper.arrays import solid
from enigmalang.chain.vyper.body import Body, Emit
from enigmalang.chain.vyper.convert import coerced, counted, fill, row
from enigmalang.chain.vyper.expr import Expr, constant
from enigmalang.chain.vyper.scalars import Scalar
from enigmalang.chain.vyper.types import UINT256, VDyn, VStatic, VType
from enigmalang.ir.ir import Operation


def elementwise(function: Scalar) -> Emit:
    """Emits a scalar function, of scalars or over arrays."""
    def emit(body: Body, op: Operation) -> None:
        args = [body.use(v) for v in op.operands]
        if op.result.rank:
            _mapped(body, op, args, function)
        else:
            body.define(op, function(body, op, args))
    return emit


def _mapped(body: Body, op: Operation, args: Sequence[Expr], function: Scalar) -> None:
    """A scalar function over arrays that broadcast, as NumPy has it."""
    ranks = [v.rank for v in op.operands]
    type = body.types[op.result]
    sources = [solid(body, a) if r else (a if a.cheap else body.kept(a)) for a, r in zip(args, ranks, strict=True)]
    target = body.declare(op.result.hint or "items", type)
    _nest(body, op, target, type, sources, ranks, op.result.rank, function)
    body.define(op, target)


def _nest(body: Body, op: Operation, target: Expr, type: VType, sources: Sequence[Expr], ranks: Sequence[int],
          depth: int, function: Scalar) -> None:
    assert isinstance(type, VStatic | VDyn)
    deep = [s for s, r in zip(sources, ranks, strict=True) if r == depth]
    longest = next((s for s in deep if not (isinstance(s.type, VStatic) and s.type.size == 1)), deep[0])
    with counted(body, longest) as where:
        inner: list[Expr] = []
        for source, rank in zip(sources, ranks, strict=True):
            if rank < depth:
                inner.append(source)
            elif isinstance(source.type, VStatic) and source.type.size == 1:
                inner.append(row(source, constant(0, UINT256)))
            else:
                inner.append(row(source, where))
        if depth == 1:
            fill(body, target, where, coerced(body, function(body, op, inner), type.element))
            return
        row_ = body.declare("row", type.element)
        lower = [min(r, depth - 1) for r in ranks]
        _nest(body, op, row_, type.element, inner, lower, depth - 1, function)
        fill(body, target, where, row_)
