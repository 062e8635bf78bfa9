"""`for`, `while`, `map`, `scope`, and the ways out of them."""

from collections.abc import Sequence

from enigmalang.chain.vyper.body import Body, Frame, Parts, enter, flat, uses_in
from enigmalang.chain.vyper.expr import variable
from enigmalang.chain.vyper.iteration import iterate
from enigmalang.chain.vyper.truths import negated
from enigmalang.chain.vyper.types import VDyn, VStatic
from enigmalang.ir.ir import Operation, Region, Value

#: A `while` without `max` ends by its condition, or when the gas does.
NO_BOUND = (1 << 64) - 1


def _carried(body: Body, op: Operation, first: Sequence[Value]) -> list[Parts]:
    """Variables for what a loop carries, holding the first values."""
    inside = uses_in(op.regions)
    found: list[Parts] = []
    taken: set[str] = set()
    for result, value in zip(op.results, first, strict=True):
        types = body.part_types(result)
        dead = body.left[value] == 1 and not inside[value]
        parts = body.use_parts(value)
        owned = dead and [p.type for p in parts] == types and all(
            body.owned.get(p.text) == body.level and p.text not in taken for p in parts)
        if owned and parts:
            target = tuple(variable(p.text, p.type) for p in parts)
            body.barrier(f"var:{p.text}" for p in parts)
        else:
            target = tuple(body.declare(result.hint or value.hint or "x", t, p)
                           for t, p in zip(types, parts, strict=True))
        taken.update(p.text for p in target)
        found.append(target)
    return found


def _loop_body(body: Body, op: Operation, region: Region, carried: Sequence[Parts]) -> None:
    """The statements of one iteration, after its items are bound."""
    ended = body.region(region)
    if not ended:
        body.assign(flat(carried), flat(body.yields(region)))


def _open(body: Body, op: Operation, carried: Sequence[Parts]) -> tuple[int, dict[Value, None]]:
    state = body.level, dict(body.pending)
    body.level = body.new_level()
    # Within an iteration what is carried may be written as soon as its old value is used no more.
    body.owned.update((e.text, body.level) for e in flat(carried))
    body.frames.append(Frame(op, mark=body.out.mark(), carried=tuple(carried)))
    return state


def _close(body: Body, state: tuple[int, dict[Value, None]]) -> Frame:
    body.level, pending = state
    body.pending = {v: None for v in body.pending if v in pending}
    frame = body.frames.pop()
    body.owned.update((e.text, body.level) for e in flat(frame.carried))
    return frame


def for_loop(body: Body, op: Operation) -> bool:
    count = op.attrs["iterated"]
    (region,) = op.regions
    carried = _carried(body, op, op.operands[count:])
    enter(body, op, loop=True)
    iterated = [body.use_parts(v) for v in op.operands[:count]]
    with iterate(body, op, op.operands[:count], iterated, region) as items:
        state = _open(body, op, carried)
        for param, item in zip(region.params[:count], items(), strict=True):
            _bind(body, param, item)
        for param, parts in zip(region.params[count:], carried, strict=True):
            _bind(body, param, parts)
        _loop_body(body, op, region, carried)
        frame = _close(body, state)
        _flags(body, frame)
    return _loop_end(body, op, frame, carried)


def _bind(body: Body, value: Value, parts: Parts) -> None:
    body.env[value] = parts
    if body.left[value] and any(p.reads for p in parts):
        body.pending[value] = None


def _flags(body: Body, frame: Frame) -> None:
    """Declare at the beginning of the loop's body what is asked of it from loops within."""
    for name in frame.flags.values():
        body.out.insert(frame.mark, f"{name}: bool = False", body.span)


def _loop_end(body: Body, op: Operation, frame: Frame, carried: Sequence[Parts]) -> bool:
    """After the loop: its results, and ways out that lead further."""
    for value, parts in zip(op.results, carried, strict=True):
        _bind(body, value, parts)
    _pass_on(body)
    return False


def _pass_on(body: Body) -> None:
    """After an inner loop: a way out of an outer one goes on."""
    if not body.frames:
        return
    here = body.frames[-1]
    for frame in body.frames:
        for kind, name in frame.flags.items():
            body.say(f"if {name}:")
            with body.out.block():
                body.say("continue" if frame is here and kind == "continue" else "break")


def leave(body: Body, op: Operation) -> None:
    """`break`, `continue`, `leave`."""
    wanted = ("scope",) if op.op == "leave" else ("for", "while")
    frame = next(f for f in reversed(body.frames) if f.target.op in wanted)
    if frame.target in body.ways_out:
        body.ways_out[frame.target](op.operands)
        return
    body.assign(flat(frame.carried), flat([body.use_parts(v) for v in op.operands]))
    if frame is body.frames[-1]:
        body.say("continue" if op.op == "continue" else "break")
        return
    name = frame.flags.get(op.op)
    if name is None:
        name = frame.flags[op.op] = body.names.new({"break": "done", "continue": "next"}.get(op.op, "left"))
    body.say(f"{name} = True")
    body.say("break")


def while_loop(body: Body, op: Operation) -> bool:
    carried = _carried(body, op, op.operands)
    enter(body, op, loop=True)
    condition, region = op.regions
    limit = op.attrs["max"]
    if limit == 0:
        return _loop_end(body, op, Frame(op), carried)
    step = body.names.new("step")
    body.say(f"for {step}: uint256 in range({NO_BOUND if limit is None else limit}):")
    with body.out.block():
        state = _open(body, op, carried)
        for param, parts in zip(condition.params, carried, strict=True):
            _bind(body, param, parts)
        body.region(condition)
        (going,) = flat(body.yields(condition))
        body.barrier((), textual=True)
        body.say(f"if {negated(going).text}:")
        with body.out.block():
            body.say("break")
        for param, parts in zip(region.params, carried, strict=True):
            _bind(body, param, parts)
        _loop_body(body, op, region, carried)
        frame = _close(body, state)
        _flags(body, frame)
    return _loop_end(body, op, frame, carried)


def comprehension(body: Body, op: Operation) -> bool:
    (region,) = op.regions
    enter(body, op, loop=True)
    iterated = [body.use_parts(v) for v in op.operands]
    targets = [tuple(body.declare(r.hint or "items", t) for t in body.part_types(r)) for r in op.results]
    fixed = any(isinstance(t.type, VStatic) for parts in targets for t in parts)
    with iterate(body, op, op.operands, iterated, region, counted=fixed) as items:
        state = _open(body, op, ())
        for param, item in zip(region.params, items(), strict=True):
            _bind(body, param, item)
        body.region(region)
        yielded = body.yields(region)
        if op.attrs["filtered"]:
            (keep,), *yielded = yielded
            yielded = [tuple(body.kept(e) if e.fails else e for e in p) for p in yielded]
            body.say(f"if {keep.text}:")
            with body.out.block():
                _collect(body, op, targets, yielded)
        else:
            _collect(body, op, targets, yielded)
        _close(body, state)
    for value, parts in zip(op.results, targets, strict=True):
        _bind(body, value, parts)
    return False


def _collect(body: Body, op: Operation, targets: Sequence[Parts], values: Sequence[Parts]) -> None:
    for result, target, value in zip(op.results, targets, values, strict=True):
        if not body.public(result):
            body.say(f"{target[0].text} += 1")
            body.assign(target[1:], value)
            continue
        held = target[0]
        if isinstance(held.type, VDyn):
            body.say(f"{held.text}.append({body.coerced(value[0], held.type.element).text})")
        else:
            assert isinstance(held.type, VStatic)
            body.say(f"{held.text}[{body.counter}] = {body.coerced(value[0], held.type.element).text}")


def scope(body: Body, op: Operation) -> bool:
    """What `leave` leaves: a loop of one round, so that leaving is `break`."""
    enter(body, op, loop=False)
    targets = [tuple(body.declare(r.hint or "x", t) for t in body.part_types(r)) for r in op.results]
    once = body.names.new("once")
    body.say(f"for {once}: uint256 in range(1):")
    with body.out.block():
        pending = dict(body.pending)
        body.frames.append(Frame(op, mark=body.out.mark(), carried=tuple(targets)))
        if not body.region(op.regions[0]):
            body.assign(flat(targets), flat(body.yields(op.regions[0])))
        body.pending = {v: None for v in body.pending if v in pending}
        frame = body.frames.pop()
        _flags(body, frame)
    for value, parts in zip(op.results, targets, strict=True):
        _bind(body, value, parts)
    _pass_on(body)
    return False
