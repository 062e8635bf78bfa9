"""New arrays: constants, items one by one, fills."""

from dataclasses import replace

from enigmalang.chain.vyper.body import Body, place_of
from enigmalang.chain.vyper.convert import coerced, counted, row
from enigmalang.chain.vyper.expr import Expr, constant, listed, zero
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.types import VDyn, VStatic, bound_of
from enigmalang.ir.ir import Operation


def stack(body: Body, op: Operation) -> None:
    if op.attrs["axis"] != -op.result.rank:
        raise Unsupported("E0803", "this array cannot be built on the chain", place_of(op), "write it as a loop")
    type = body.types[op.result]
    assert isinstance(type, VStatic | VDyn)
    items = [coerced(body, body.use(v), type.element) for v in op.operands]
    body.define(op, listed(items, type))


def empty(body: Body, op: Operation) -> None:
    type = body.types[op.result]
    body.define(op, replace(zero(type), cheap=False))


def const(body: Body, op: Operation) -> None:
    if op.result not in body.types:
        raise Unsupported("E0803", "this constant cannot live on the chain", place_of(op))
    body.define(op, constant(op.attrs["value"], body.types[op.result]))


_WRITTEN_OUT = 16


def repeated(body: Body, op: Operation) -> None:
    """`fill`."""
    x = body.use(op.operands[0])
    type = body.types[op.result]
    assert isinstance(type, VStatic | VDyn)
    if op.attrs["axis"] != -op.result.rank:
        raise Unsupported("E0803", "this array cannot be built on the chain", place_of(op), "write it as a loop")
    if len(op.attrs["dims"]) == 1 and bound_of(type) <= _WRITTEN_OUT:
        item = x if x.cheap else body.kept(x)
        return body.define(op, listed([coerced(body, item, type.element)] * bound_of(type), type))
    if x.literal and x.value in (0, False):
        return body.define(op, Expr(f"empty({type})", type))
    target = body.declare(op.result.hint or "items", type)
    _filled(body, target, body.kept(x), len(op.attrs["dims"]))
    body.define(op, target)


def _filled(body: Body, target: Expr, x: Expr, depth: int) -> None:
    assert isinstance(target.type, VStatic)
    with counted(body, target) as where:
        inner = row(target, where)
        if depth > 1:
            _filled(body, inner, x, depth - 1)
        else:
            body.say(f"{inner.text} = {coerced(body, x, inner.type).text}")


def expand(body: Body, op: Operation) -> None:
    x = body.use(op.operands[0])
    axis, rank = op.attrs["axis"], op.result.rank
    type = body.types[op.result]
    assert isinstance(type, VStatic | VDyn)
    if axis == -rank:
        return body.define(op, listed([x], VStatic(x.type, 1)))
    raise Unsupported("E0803", "this array cannot be built on the chain", place_of(op), "write it as a loop")
