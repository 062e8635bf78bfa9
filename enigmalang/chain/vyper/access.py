"""Reading arrays: items, columns, slices, lengths, and whether something is among them."""

from enigmalang.chain.vyper.arrays import at, clip, length, place_index, solid
from enigmalang.chain.vyper.body import Body, place_of
from enigmalang.chain.vyper.convert import as_int, coerced, counted, fill, row
from enigmalang.chain.vyper.expr import AND, COMPARE, SUM, Expr, constant, fixed, made
from enigmalang.chain.vyper.iteration import range_size
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.types import BOOL, UINT256, VDyn, VInt, VStatic, VText, bound_of, element_at
from enigmalang.ir.ir import Operation


def index(body: Body, op: Operation) -> None:
    xs, i = (body.use(v) for v in op.operands)
    axis = op.attrs["axis"]
    if axis is None:
        text = solid(body, xs)
        assert isinstance(text.type, VText)
        where = place_index(body, i)
        body.define(op, made(f"slice({text.text}, {where.text}, 1)", VText(text.type.kind, 1), (text, i), fails=True))
        return
    if axis != -op.operands[0].rank:
        return _column(body, op, xs, i)
    body.define(op, at(body, solid(body, xs), i))


def _column(body: Body, op: Operation, xs: Expr, i: Expr) -> None:
    if op.attrs["axis"] != -1 or op.operands[0].rank != 2:
        raise Unsupported("E0803", "this way of indexing cannot run on the chain", place_of(op), "write it as a loop")
    xs, i = solid(body, xs), body.kept(i, "column")
    target = body.declare(op.result.hint or "column", body.types[op.result])
    with counted(body, xs) as where:
        fill(body, target, where, at(body, row(xs, where), i))
    body.define(op, target)


def cut(body: Body, op: Operation) -> None:
    """`slice`."""
    xs, low, high = (body.use(v) for v in op.operands)
    xs = solid(body, xs)
    if isinstance(xs.type, VText):
        size = made(f"len({xs.text})", UINT256, [xs])
        start = body.kept(clip(body, low, size), "start")
        end = body.kept(clip(body, high, size), "end")
        text = f"slice({xs.text}, {start.text}, max({start.text}, {end.text}) - {start.text})"
        return body.define(op, made(text, xs.type, (xs, start, end)))
    if op.attrs["axis"] != -op.operands[0].rank:
        raise Unsupported("E0803", "slices of inner axes cannot run on the chain", place_of(op), "write it as a loop")
    size = length(xs)
    start, end = body.kept(clip(body, low, size), "start"), body.kept(clip(body, high, size), "end")
    target = body.declare(op.result.hint or "part", body.types[op.result])
    assert isinstance(target.type, VDyn)
    name = body.names.new("i")
    bound = max(1, bound_of(xs.type))
    body.say(f"for {name}: uint256 in range({start.text}, max({start.text}, {end.text}), bound={bound}):")
    with body.out.block():
        item = coerced(body, row(xs, fixed(name, UINT256)), target.type.element)
        body.say(f"{target.text}.append({item.text})")
    body.define(op, target)


def gather(body: Body, op: Operation) -> None:
    xs, where = (solid(body, body.use(v)) for v in op.operands)
    target = body.declare(op.result.hint or "items", body.types[op.result])
    assert isinstance(target.type, VDyn)
    with counted(body, where) as i:
        item = at(body, xs, row(where, i))
        fill(body, target, i, coerced(body, item, target.type.element))
    body.define(op, target)


def reverse(body: Body, op: Operation) -> None:
    if op.attrs["axis"] != -op.result.rank:
        raise Unsupported("E0803", "reversing inner axes cannot run on the chain", place_of(op), "write it as a loop")
    xs = solid(body, body.use(op.operands[0]))
    target = body.declare(op.result.hint or "items", body.types[op.result])
    with counted(body, xs) as i:
        size = length(xs).text if not length(xs).literal else str(length(xs).value)
        place = Expr(f"{size} - 1 - {i.text}", UINT256, SUM)
        fill(body, target, i, row(xs, place))
    body.define(op, target)


def size_of(body: Body, op: Operation) -> None:
    """`len`."""
    value = op.operands[0]
    axis = op.attrs["axis"]
    if not body.public(value):
        parts = body.use_parts(value)
        body.define(op, parts[axis if axis is not None else 0])
        return
    bounds = body.held.get(value)
    xs = body.use(value)
    if isinstance(bounds, tuple) and xs.text == "":
        return body.define(op, range_size(body, *bounds))
    if axis is None:
        return body.define(op, made(f"len({xs.text})", UINT256, [xs]))
    depth = value.rank + axis
    if depth == 0:
        return body.define(op, length(solid(body, xs) if not isinstance(xs.type, VStatic) else xs))
    inner = xs
    xs = solid(body, xs)
    for _ in range(depth):
        inner = row(inner, constant(0, UINT256))
    if isinstance(inner.type, VStatic):
        return body.define(op, constant(inner.type.size, UINT256))
    text = f"len({inner.text}) if len({xs.text}) > 0 else 0"
    body.define(op, body.kept(made(text, UINT256, [xs], 0)))


def contains(body: Body, op: Operation) -> None:
    xs_value, x_value = op.operands
    xs, x = body.use(xs_value), body.use(x_value)
    if xs_value.rank != 1 or x_value.rank:
        raise Unsupported("E0803", "`in` on these values cannot run on the chain", place_of(op), "write it as a loop")
    kind = element_at(xs.type)
    if xs.items == ():
        return body.define(op, constant(False, BOOL))
    if isinstance(kind, VText):
        return _found(body, op, solid(body, xs), x)
    if not (isinstance(kind, VInt) and isinstance(x.type, VInt)):
        return body.define(op, made(f"{x.at(COMPARE + 1)} in {xs.text}", BOOL, (xs, x), COMPARE))
    if kind.holds(x.type) or (x.literal and kind.low <= x.value <= kind.high):
        item = as_int(x, kind)
        return body.define(op, made(f"{item.at(COMPARE + 1)} in {xs.text}", BOOL, (xs, x), COMPARE))
    if x.literal:
        return body.define(op, constant(False, BOOL))
    x = body.kept(x)
    assert isinstance(x.type, VInt)
    tests = []
    if x.type.high > kind.high:
        tests.append(f"{x.text} <= {kind.high}")
    if x.type.low < kind.low:
        tests.append(f"{x.text} >= {kind.low}")
    tests.append(f"convert({x.text}, {kind}) in {xs.text}")
    body.define(op, made(" and ".join(tests), BOOL, (xs, x), AND))


def _found(body: Body, op: Operation, xs: Expr, x: Expr) -> None:
    x = body.kept(x)
    found = body.declare("found", BOOL)
    with counted(body, xs) as where:
        body.say(f"if {row(xs, where).text} == {x.text}:")
        with body.out.block():
            body.say(f"{found.text} = True")
            body.say("break")
    body.define(op, found)
