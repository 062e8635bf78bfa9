"""An array to one value, or each of its rows: sums, truths, extremes, inner products."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from enigmalang.chain.vyper.arrays import solid
from enigmalang.chain.vyper.body import Body, place_of
from enigmalang.chain.vyper.convert import as_int, coerced, counted, fill, row
from enigmalang.chain.vyper.expr import Expr, constant, fixed, made
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.types import BOOL, INT256, UINT256, VDyn, VInt, VName, VStatic, element_at, innermost
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.types.types import FixedT


def reduced(body: Body, op: Operation) -> None:
    if op.attrs["axis"] != -1:
        raise Unsupported("E0803", f"`{op.op[7:]}` over an outer axis cannot run on the chain", place_of(op),
                          "write it as a loop")
    xs = solid(body, body.use(op.operands[0]))
    if op.operands[0].rank == 1:
        body.define(op, _reduction(body, op, xs))
        return
    type = body.types[op.result]
    target = body.declare(op.result.hint or "items", type)
    _rows(body, op, xs, target, op.operands[0].rank)
    body.define(op, target)


def _rows(body: Body, op: Operation, xs: Expr, target: Expr, depth: int) -> None:
    assert isinstance(target.type, VStatic | VDyn)
    with counted(body, xs) as where:
        if depth == 2:
            found = _reduction(body, op, row(xs, where))
        else:
            found = body.declare("row", target.type.element)
            _rows(body, op, row(xs, where), found, depth - 1)
        fill(body, target, where, coerced(body, found, target.type.element))


def _reduction(body: Body, op: Operation, xs: Expr) -> Expr:
    kind = innermost(body.types[op.result])
    item = element_at(xs.type)
    hint = op.result.hint or op.op[7:]
    match op.op:
        case "reduce_sum":
            assert isinstance(kind, VInt)
            wide = INT256 if kind.signed else UINT256
            total = body.declare(op.result.hint or "total", wide)
            with _over(body, xs) as x:
                number = x if isinstance(x.type, VInt) else made(f"convert({x.text}, uint256)", UINT256, [x])
                body.say(f"{total.text} += {as_int(number, wide).text}")
            return as_int(total, kind)
        case "reduce_any" | "reduce_all":
            some = op.op == "reduce_any"
            found = body.declare(hint, BOOL, constant(not some, BOOL))
            with _over(body, xs) as x:
                body.say(f"if {x.text}:" if some else f"if not {x.text}:")
                with body.out.block():
                    body.say(f"{found.text} = {some}")
                    body.say("break")
            return found
        case _:
            least = op.op == "reduce_min"
            if isinstance(xs.type, VDyn):
                body.say(f'assert len({xs.text}) > 0, "the list is empty"')
            best = body.declare(hint, item, row(xs, constant(0, UINT256)))
            with _over(body, xs) as x:
                body.say(f"{best.text} = {'min' if least else 'max'}({best.text}, {x.text})")
            return coerced(body, best, kind)


@contextmanager
def _over(body: Body, xs: Expr) -> Iterator[Expr]:
    type = element_at(xs.type)
    if isinstance(type, VInt | VName):
        name = body.names.new("x")
        body.say(f"for {name}: {type} in {xs.text}:")
        with body.out.block():
            yield fixed(name, type)
    else:
        with counted(body, xs) as where:
            yield row(xs, where)


def dot(body: Body, op: Operation) -> None:
    a, b = (solid(body, body.use(v)) for v in op.operands)
    if any(v.rank != 1 for v in op.operands):
        raise Unsupported("E0803", "products of matrices cannot run on the chain", place_of(op), "write loops")
    kind = body.types[op.result]
    assert isinstance(kind, VInt)
    wide = INT256 if kind.signed else UINT256
    total = body.declare(op.result.hint or "total", wide)
    with counted(body, a) as where:
        x, y = (as_int(row(s, where), wide) for s in (a, b))
        body.say(f"{total.text} += {x.text} * {y.text}")
    element = op.result.type.element if isinstance(op.result.type, Tensor) else None
    if isinstance(element, FixedT):
        f = element.fraction
        body.say(f"{total.text} = ({total.text} + {1 << (f - 1)}) >> {f}")
    body.define(op, as_int(replace(total, fails=True), kind))
