"""What the operations on arrays share: rank and length, an item in place, a bound within the length."""

from dataclasses import replace

from enigmalang.chain.vyper import helpers
from enigmalang.chain.vyper.body import Body
from enigmalang.chain.vyper.convert import as_int, row
from enigmalang.chain.vyper.expr import Expr, constant, made
from enigmalang.chain.vyper.types import INT256, UINT256, VInt, VStatic


def solid(body: Body, expr: Expr) -> Expr:
    """Something that can be indexed: a place or a variable."""
    return expr if expr.place and expr.items is None else body.kept(expr, "items")


def length(xs: Expr) -> Expr:
    if isinstance(xs.type, VStatic):
        return constant(xs.type.size, UINT256)
    if xs.items is not None:
        return constant(len(xs.items), UINT256)
    return made(f"len({xs.text})", UINT256, [xs])


def place_index(body: Body, expr: Expr) -> Expr:
    """An index as Vyper takes it: a negative one reverts."""
    assert isinstance(expr.type, VInt)
    return as_int(expr, UINT256) if expr.type.signed else expr


def at(body: Body, xs: Expr, i: Expr) -> Expr:
    where = place_index(body, i)
    found = row(xs, where)
    safe = where.literal and isinstance(xs.type, VStatic) and where.value < xs.type.size
    return replace(found, fails=found.fails or not safe)


def clip(body: Body, bound: Expr, size: Expr) -> Expr:
    assert isinstance(bound.type, VInt)
    if bound.literal and bound.value == 0:
        return constant(0, UINT256)
    if bound.literal and size.literal and bound.value > 0:
        return constant(min(bound.value, size.value), UINT256)
    if (bound.literal and bound.value > 0) or not bound.type.signed:
        return made(f"min({as_int(bound, UINT256).text}, {size.text})", UINT256, (bound, size))
    return made(helpers.clipped(body.unit, as_int(bound, INT256).text, size.text), UINT256, (bound, size))
