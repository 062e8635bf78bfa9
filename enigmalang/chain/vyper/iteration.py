"""Loops over tensors in step: a range by its bounds, a list by its items, several by a counter."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from enigmalang.chain.vyper.arrays import length, solid
from enigmalang.chain.vyper.body import Body, Parts
from enigmalang.chain.vyper.convert import as_int, row
from enigmalang.chain.vyper.expr import PRODUCT, SUM, Expr, constant, fixed, made
from enigmalang.chain.vyper.types import INT256, UINT256, VInt, VName, bound_of, element_at, innermost
from enigmalang.ir.ir import Operation, Region, Value

Items = Callable[[], list[Parts]]


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
        if values[0].rank == 1 and isinstance(element_at(xs.type), VInt | VName) and xs.items != ():
            name = body.names.new(region.params[0].hint or "x")
            body.say(f"for {name}: {element_at(xs.type)} in {xs.text}:")
            with body.out.block():
                yield lambda: [(fixed(name, element_at(xs.type)),)]
            return
    with _in_step(body, values, iterated) as items:
        yield items


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
    count = range_size(body, low, high, step)
    name = body.names.new("step")
    body.say(f"for {name}: uint256 in range({count.text}, bound={bound}):")
    with body.out.block():
        yield lambda: [(_at_step(body, type, low, step, name, hint),)]


def _at_step(body: Body, type: VInt, low: Expr, step: Expr, name: str, hint: str) -> Expr:
    first, by = as_int(low, INT256), as_int(step, INT256)
    text = f"{first.at(SUM)} + convert({name}, int256) * {by.at(PRODUCT + 1)}"
    return body.kept(as_int(made(text, INT256, (low, step), SUM), type), hint)


def range_size(body: Body, low: Expr, high: Expr, step: Expr) -> Expr:
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
            sizes.append(range_size(body, low, high, step))
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
    body.say(f"for {name}: uint256 in range({range_size(body, low, high, step).text}, bound={max(1, bound_of(type))}):")
    with body.out.block():
        body.say(f"{target.text}.append({_at_step(body, kind, low, step, name, 'x').text})")
    del body.held[op.result]
    body.define(op, target)
