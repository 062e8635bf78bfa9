"""Operations on arrays: access in place where that is possible, loops where new arrays come out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from enigmalang.chain.vyper import helpers
from enigmalang.chain.vyper.body import Body, Parts, place_of
from enigmalang.chain.vyper.convert import as_int, coerced, counted, fill, row
from enigmalang.chain.vyper.expr import (
    AND,
    COMPARE,
    PRODUCT,
    SUM,
    Expr,
    constant,
    fixed,
    listed,
    made,
    variable,
    zero,
)
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.types import (
    BOOL,
    INT256,
    UINT256,
    VDyn,
    VInt,
    VName,
    VStatic,
    VText,
    VType,
    bound_of,
    innermost,
)
from enigmalang.ir.ir import Operation, Region, Tensor, Value
from enigmalang.types.types import FixedT

Items = Callable[[], list[Parts]]


def rank_of(value: Value) -> int:
    return value.type.rank if isinstance(value.type, Tensor) else 0


def solid(body: Body, expr: Expr) -> Expr:
    """Something that can be indexed: a place or a variable."""
    return expr if expr.place and expr.items is None else body.kept(expr, "items")


def length(xs: Expr) -> Expr:
    if isinstance(xs.type, VStatic):
        return constant(xs.type.size, UINT256)
    if xs.items is not None:
        return constant(len(xs.items), UINT256)
    return made(f"len({xs.text})", UINT256, [xs])


# ---- iteration


@contextmanager
def iterate(body: Body, op: Operation, values: Sequence[Value], iterated: Sequence[Parts], region: Region,
            counted: bool = False) -> Iterator[Items]:
    """The head of a loop over tensors in step; gives what binds the items of one iteration."""
    if len(values) == 1 and body.public(values[0]) and not counted:
        bounds = body.held.get(values[0])
        if bounds is not None:
            with _over_range(body, values[0], region.params[0], bounds) as items:
                yield items
            return
        (xs,) = iterated[0]
        if rank_of(values[0]) == 1 and isinstance(_row_type(xs), VInt | VName) and xs.items != ():
            name = body.names.new(region.params[0].hint or "x")
            body.say(f"for {name}: {_row_type(xs)} in {xs.text}:")
            with body.out.block():
                yield lambda: [(fixed(name, _row_type(xs)),)]
            return
    with _in_step(body, values, iterated) as items:
        yield items


def _row_type(xs: Expr) -> VType:
    assert isinstance(xs.type, VStatic | VDyn)
    return xs.type.element


@contextmanager
def _over_range(body: Body, value: Value, param: Value, bounds: tuple[Expr, Expr, Expr]) -> Iterator[Items]:
    low, high, step = bounds
    type = innermost(body.types[value])
    assert isinstance(type, VInt)
    bound = max(1, bound_of(body.types[value]))
    hint = param.hint or "i"
    if high.literal and low.literal and step.literal and (low.value >= high.value) == (step.value > 0):
        high = body.declare("end", type, low)  # Vyper refuses a loop that it sees to be empty
    if step.value == 1 and low.value == 0 and not type.signed:
        name = body.names.new(hint)
        reach = high.text if high.literal and high.value > 0 else f"{as_int(high, type).text}, bound={bound}"
        body.say(f"for {name}: {type} in range({reach}):")
        with body.out.block():
            yield lambda: [(fixed(name, type),)]
        return
    if step.value == 1 and low.literal and high.literal and low.value < high.value:
        name = body.names.new(hint)
        body.say(f"for {name}: {type} in range({low.text}, {high.text}):")
        with body.out.block():
            yield lambda: [(fixed(name, type),)]
        return
    if step.value == 1:
        name, first = body.names.new(hint), body.kept(as_int(low, type), "low")
        last = as_int(high, type)
        text = f"max({first.text}, {last.text})"
        body.say(f"for {name}: {type} in range({first.text}, {text}, bound={bound}):")
        with body.out.block():
            yield lambda: [(fixed(name, type),)]
        return
    count = _steps(body, low, high, step)
    name = body.names.new("step")
    body.say(f"for {name}: uint256 in range({count.text}, bound={bound}):")
    with body.out.block():
        yield lambda: [(_at_step(body, type, low, step, name, hint),)]


def _at_step(body: Body, type: VInt, low: Expr, step: Expr, name: str, hint: str) -> Expr:
    first, by = as_int(low, INT256), as_int(step, INT256)
    text = f"{first.at(SUM)} + convert({name}, int256) * {by.at(PRODUCT + 1)}"
    return body.kept(as_int(made(text, INT256, (low, step), SUM), type), hint)


def _steps(body: Body, low: Expr, high: Expr, step: Expr) -> Expr:
    """How many numbers a range has."""
    name = body.unit.helper("_steps", '''
@pure
def _steps(low: int256, high: int256, step: int256) -> uint256:
    assert step != 0, "the step of a range is 0"
    if (step > 0 and low >= high) or (step < 0 and low <= high):
        return 0
    distance: int256 = high - low if step > 0 else low - high
    size: int256 = step if step > 0 else -step
    return convert((distance - 1) // size + 1, uint256)
''')
    texts = ", ".join(as_int(x, INT256).text for x in (low, high, step))
    return made(f"{name}({texts})", UINT256, (low, high, step), fails=True)


@contextmanager
def _in_step(body: Body, values: Sequence[Value], iterated: Sequence[Parts]) -> Iterator[Items]:
    """Several tensors by a counter, as far as the shortest goes."""
    sources: list[Parts] = []
    sizes: list[Expr] = []
    most = 1 << 62
    for value, parts in zip(values, iterated, strict=True):
        if not body.public(value):
            sizes.append(parts[0])
            sources.append(parts)
            most = min(most, value.lens[0] or 0) if value.lens and value.lens[0] is not None else most
            continue
        if value in body.held and not isinstance(body.held[value], Expr) and parts[0].text == "":
            low, high, step = body.held[value]
            sizes.append(_steps(body, low, high, step))
            sources.append(parts)
        else:
            xs = solid(body, parts[0])
            sizes.append(length(xs))
            sources.append((xs,))
        most = min(most, bound_of(body.types[value]))
    size = sizes[0]
    for other in sizes[1:]:
        if size.literal and other.literal:
            size = constant(min(size.value, other.value), UINT256)
        elif size.text != other.text:
            size = made(f"min({size.text}, {other.text})", UINT256, (size, other))
    name = body.names.new("i")
    reach = size.text if size.literal and size.value > 0 else f"{size.text}, bound={max(1, most)}"
    body.say(f"for {name}: uint256 in range({reach}):")
    where = fixed(name, UINT256)

    def items() -> list[Parts]:
        body.counter = name
        found: list[Parts] = []
        for value, parts in zip(values, sources, strict=True):
            if not body.public(value):
                found.append(parts[1:])
            elif parts[0].text == "":
                low, _, step = body.held[value]
                kind = innermost(body.types[value])
                assert isinstance(kind, VInt)
                found.append((_at_step(body, kind, low, step, name, "x"),))
            else:
                found.append((row(parts[0], where),))
        return found

    with body.out.block():
        yield items


def ranged(body: Body, op: Operation) -> None:
    """`range`: its bounds alone where only loops use it, else a list."""
    low, high, step = (body.saved(body.use(v), h) for v, h in zip(op.operands, ("low", "high", "step"), strict=True))
    if step.value == 0:
        body.say('assert False, "the step of a range is 0"')
    users = body.users(op.result)
    body.held[op.result] = (low, high, step)
    if all(u.op in ("for", "map") and op.result in u.operands[: u.attrs["iterated"]] for u in users):
        body.define(op, Expr("", body.types[op.result], cheap=True))
        return
    type = body.types[op.result]
    target = body.declare(op.result.hint or "numbers", type)
    kind = innermost(type)
    assert isinstance(kind, VInt)
    name = body.names.new("step")
    body.say(f"for {name}: uint256 in range({_steps(body, low, high, step).text}, bound={max(1, bound_of(type))}):")
    with body.out.block():
        body.say(f"{target.text}.append({_at_step(body, kind, low, step, name, 'x').text})")
    del body.held[op.result]
    body.define(op, target)


# ---- elementwise


Function = Callable[[Body, Operation, Sequence[Expr]], Expr]


def mapped(body: Body, op: Operation, args: Sequence[Expr], function: Function) -> None:
    """A scalar function over arrays that broadcast, as NumPy has it."""
    ranks = [rank_of(v) for v in op.operands]
    type = body.types[op.result]
    sources = [solid(body, a) if r else (a if a.cheap else body.kept(a)) for a, r in zip(args, ranks, strict=True)]
    target = body.declare(op.result.hint or "items", type)
    _nest(body, op, target, type, sources, ranks, rank_of(op.result), function)
    body.define(op, target)


def _nest(body: Body, op: Operation, target: Expr, type: VType, sources: Sequence[Expr], ranks: Sequence[int],
          depth: int, function: Function) -> None:
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


# ---- reductions


def reduced(body: Body, op: Operation) -> None:
    if op.attrs["axis"] != -1:
        raise Unsupported("E0803", f"`{op.op[7:]}` over an outer axis cannot run on the chain", place_of(op),
                          "write it as a loop")
    xs = solid(body, body.use(op.operands[0]))
    if rank_of(op.operands[0]) == 1:
        body.define(op, _reduction(body, op, xs))
        return
    type = body.types[op.result]
    target = body.declare(op.result.hint or "items", type)
    _rows(body, op, xs, target, rank_of(op.operands[0]))
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
    item = _row_type(xs)
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
    type = _row_type(xs)
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
    if any(rank_of(v) != 1 for v in op.operands):
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


# ---- access


def place_index(body: Body, expr: Expr) -> Expr:
    """An index as Vyper takes it: a negative one reverts."""
    assert isinstance(expr.type, VInt)
    return as_int(expr, UINT256) if expr.type.signed else expr


def index(body: Body, op: Operation) -> None:
    xs, i = (body.use(v) for v in op.operands)
    axis = op.attrs["axis"]
    if axis is None:
        text = solid(body, xs)
        assert isinstance(text.type, VText)
        where = place_index(body, i)
        body.define(op, made(f"slice({text.text}, {where.text}, 1)", VText(text.type.kind, 1), (text, i), fails=True))
        return
    if axis != -rank_of(op.operands[0]):
        return _column(body, op, xs, i)
    body.define(op, at(body, solid(body, xs), i))


def at(body: Body, xs: Expr, i: Expr) -> Expr:
    where = place_index(body, i)
    found = row(xs, where)
    safe = where.literal and isinstance(xs.type, VStatic) and where.value < xs.type.size
    return replace(found, fails=found.fails or not safe)


def _column(body: Body, op: Operation, xs: Expr, i: Expr) -> None:
    if op.attrs["axis"] != -1 or rank_of(op.operands[0]) != 2:
        raise Unsupported("E0803", "this way of indexing cannot run on the chain", place_of(op), "write it as a loop")
    xs, i = solid(body, xs), body.kept(i, "column")
    target = body.declare(op.result.hint or "column", body.types[op.result])
    with counted(body, xs) as where:
        fill(body, target, where, at(body, row(xs, where), i))
    body.define(op, target)


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
    if op.attrs["axis"] != -rank_of(target_value):
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
    if not rank_of(op.result):
        from enigmalang.chain.vyper.scalars import joined

        return body.define(op, joined([body.use(a), body.use(b)]))
    if op.attrs["axis"] != -rank_of(op.result):
        raise Unsupported("E0803", "joining inner axes cannot run on the chain", place_of(op), "write it as a loop")
    other = solid(body, body.use(b))
    target = owned_copy(body, op, a)
    assert isinstance(target.type, VDyn)
    with counted(body, other) as where:
        body.say(f"{target.text}.append({coerced(body, row(other, where), target.type.element).text})")
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
    if op.attrs["axis"] != -rank_of(op.operands[0]):
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


def clip(body: Body, bound: Expr, size: Expr) -> Expr:
    assert isinstance(bound.type, VInt)
    if bound.literal and bound.value == 0:
        return constant(0, UINT256)
    if bound.literal and size.literal and bound.value > 0:
        return constant(min(bound.value, size.value), UINT256)
    if (bound.literal and bound.value > 0) or not bound.type.signed:
        return made(f"min({as_int(bound, UINT256).text}, {size.text})", UINT256, (bound, size))
    return made(helpers.clipped(body.unit, as_int(bound, INT256).text, size.text), UINT256, (bound, size))


def gather(body: Body, op: Operation) -> None:
    xs, where = (solid(body, body.use(v)) for v in op.operands)
    target = body.declare(op.result.hint or "items", body.types[op.result])
    assert isinstance(target.type, VDyn)
    with counted(body, where) as i:
        item = at(body, xs, row(where, i))
        fill(body, target, i, coerced(body, item, target.type.element))
    body.define(op, target)


def reverse(body: Body, op: Operation) -> None:
    if op.attrs["axis"] != -rank_of(op.result):
        raise Unsupported("E0803", "reversing inner axes cannot run on the chain", place_of(op), "write it as a loop")
    xs = solid(body, body.use(op.operands[0]))
    target = body.declare(op.result.hint or "items", body.types[op.result])
    with counted(body, xs) as i:
        size = length(xs).text if not length(xs).literal else str(length(xs).value)
        place = Expr(f"{size} - 1 - {i.text}", UINT256, SUM)
        fill(body, target, i, row(xs, place))
    body.define(op, target)


def stack(body: Body, op: Operation) -> None:
    if op.attrs["axis"] != -rank_of(op.result):
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
    if op.attrs["axis"] != -rank_of(op.result):
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
    axis, rank = op.attrs["axis"], rank_of(op.result)
    type = body.types[op.result]
    assert isinstance(type, VStatic | VDyn)
    if axis == -rank:
        return body.define(op, listed([x], VStatic(x.type, 1)))
    raise Unsupported("E0803", "this array cannot be built on the chain", place_of(op), "write it as a loop")


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
        return body.define(op, _steps(body, *bounds))
    if axis is None:
        return body.define(op, made(f"len({xs.text})", UINT256, [xs]))
    depth = rank_of(value) + axis
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
    if rank_of(xs_value) != 1 or rank_of(x_value):
        raise Unsupported("E0803", "`in` on these values cannot run on the chain", place_of(op), "write it as a loop")
    kind = _row_type(xs)
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
