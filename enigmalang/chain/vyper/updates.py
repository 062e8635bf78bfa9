"""Arrays with a part changed: in place where nothing uses the old one any more."""

from enigmalang.chain.vyper.arrays import place_index, solid
from enigmalang.chain.vyper.body import Body, place_of
from enigmalang.chain.vyper.convert import coerced, counted, row
from enigmalang.chain.vyper.expr import Expr, variable
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.scalars import joined
from enigmalang.chain.vyper.types import VDyn
from enigmalang.ir.ir import Operation, Value


def owned_copy(body: Body, op: Operation, value: Value) -> Expr:
    """A variable that holds `value` and may be changed: its own where nothing uses it any more."""
    last = body.left[value] == 1
    xs = body.use(value)
    type = body.types[op.results[0]]
    if last and body.owned.get(xs.text) == body.level and xs.type == type:
        body.barrier((f"var:{xs.text}",))
        return variable(xs.text, type)
    return body.declare(op.results[0].hint or value.hint or "items", type, xs)


def set_index(body: Body, op: Operation) -> None:
    target_value, i, x = op.operands
    where, item = body.use(i), body.use(x)
    if op.attrs["axis"] != -target_value.rank:
        raise Unsupported("E0803", "this way of storing cannot run on the chain", place_of(op), "write it as a loop")
    where = where if where.cheap else body.kept(where, "i")
    target = owned_copy(body, op, target_value)
    spot = row(target, place_index(body, where))
    body.say(f"{spot.text} = {coerced(body, item, spot.type).text}")
    body.define(op, target)


def append(body: Body, op: Operation) -> None:
    xs, x = op.operands
    item = body.use(x)
    target = owned_copy(body, op, xs)
    most = op.attrs.get("max")
    assert isinstance(target.type, VDyn)
    if most is not None and most < target.type.max:
        body.say(f'assert len({target.text}) < {most}, "the list is full"')
    body.say(f"{target.text}.append({coerced(body, item, target.type.element).text})")
    body.define(op, target)


def pop(body: Body, op: Operation) -> None:
    shorter, last = op.results
    target = owned_copy(body, op, op.operands[0])
    assert isinstance(target.type, VDyn)
    body.barrier((f"var:{target.text}",))
    name = body.names.new(last.hint or "last")
    body.say(f"{name}: {target.type.element} = {target.text}.pop()")
    body.owned[name] = body.level
    body.define_value(shorter, target)
    body.define_value(last, variable(name, target.type.element))


def concat(body: Body, op: Operation) -> None:
    a, b = op.operands
    if not op.result.rank:
        return body.define(op, joined([body.use(a), body.use(b)]))
    if op.attrs["axis"] != -op.result.rank:
        raise Unsupported("E0803", "joining inner axes cannot run on the chain", place_of(op), "write it as a loop")
    other = solid(body, body.use(b))
    target = owned_copy(body, op, a)
    assert isinstance(target.type, VDyn)
    with counted(body, other) as where:
        body.say(f"{target.text}.append({coerced(body, row(other, where), target.type.element).text})")
    body.define(op, target)
