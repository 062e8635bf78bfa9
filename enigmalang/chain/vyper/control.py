"""Control flow: `if`, `for`, `while`, `map`, `scope` and the ways out of them."""

from collections import Counter
from collections.abc import Sequence

from enigmalang.chain.vyper.arrays import iterate
from enigmalang.chain.vyper.body import Body, Frame, Parts, is_textual, uses_in, writes_of
from enigmalang.chain.vyper.expr import (
    AND,
    COMPARE,
    NOT,
    OR,
    TERNARY,
    Expr,
    made,
    variable,
)
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.types import BOOL, VDyn, VInt, VName, VStatic, VType
from enigmalang.ir.ir import Operation, Region, Value, operations

#: A `while` without `max` ends by its condition, or when the gas does.
NO_BOUND = (1 << 64) - 1


def _enter(body: Body, op: Operation, loop: bool) -> None:
    """Keep what the regions of `op` would change, evaluate again, or overtake."""
    writes, textual = writes_of(op.regions), is_textual(op.regions)
    inside = uses_in(op.regions)
    body.barrier(writes, textual)
    for value in list(body.pending):
        parts = body.env[value]
        again = loop and value in inside and not all(p.cheap or p.place for p in parts)
        if again or any(p.fails for p in parts):
            body.materialise(value)


def _flat(parts: Sequence[Parts]) -> list[Expr]:
    return [e for p in parts for e in p]


# ---- if


def branch(body: Body, op: Operation) -> bool:
    condition = body.use(op.operands[0])
    _enter(body, op, loop=False)
    if _folded(body, op, condition):
        return False
    targets = _targets(body, op)
    for number, value in enumerate(op.results):
        body.env[value] = targets[number]
    then, other = op.regions
    ends = []
    if _is_empty(body, then, targets) and not _is_empty(body, other, targets):
        body.say(f"if {negated(condition).text}:")
        with body.out.block():
            body.yields(then)
            ends.append(_side(body, op, other, targets))
        return _after(body, op, [False, *ends])
    body.say(f"if {condition.text}:")
    reused = _reused(targets)
    spared = {v: n for v, n in uses_in((other,)).items() if any(p.text in reused for p in body.env.get(v, ()))}
    body.left.subtract(spared)
    with body.out.block():
        ends.append(_side(body, op, then, targets))
    body.left.update(spared)
    if _is_empty(body, other, targets):
        body.yields(other)
        return _after(body, op, [*ends, False])
    mark = body.out.mark()
    body.say("else:")
    inner = body.out.mark()
    with body.out.block():
        ends.append(_side(body, op, other, targets))
    if len(body.out.rows) == inner + 1 and body.out.rows[inner][0].strip() == "pass":
        body.out.cut(mark)
    return _after(body, op, ends)


def _after(body: Body, op: Operation, ends: list[bool]) -> bool:
    for value in op.results:
        _settle(body, value)
    return all(ends)


def _settle(body: Body, value: Value) -> None:
    """A result that stands in a variable: pending while it may be written again."""
    if body.left[value] and any(p.reads for p in body.env[value]):
        body.pending[value] = None


def _side(body: Body, op: Operation, region: Region, targets: Sequence[Parts]) -> bool:
    pending = dict(body.pending)
    ended = body.region(region)
    if not ended:
        body.span = op.span if not region.ops[:-1] else body.span
        body.assign(_flat(targets), _flat(body.yields(region)))
    for value in list(body.pending):
        if value not in pending:
            del body.pending[value]
    return ended


def _reused(targets: Sequence[Parts]) -> frozenset[str]:
    return frozenset(e.text for e in _flat(targets))


def _is_empty(body: Body, region: Region, targets: Sequence[Parts]) -> bool:
    """Whether the region would write nothing."""
    if len(region.ops) != 1 or region.ops[0].op != "yield":
        return False
    found = _flat([body.env.get(v, ()) for v in region.ops[0].operands])
    wanted = _flat(targets)
    return len(found) == len(wanted) and all(f.text == w.text for f, w in zip(found, wanted, strict=True))


def _targets(body: Body, op: Operation) -> list[Parts]:
    """For each result its variables: those of a value that one side passes on, where it is used no more."""
    inside = uses_in(op.regions)
    made_: list[Parts] = []
    taken: set[str] = set()
    for number, result in enumerate(op.results):
        types = body.part_types(result)
        passed = _passed_on(body, op, number, inside, types)
        if passed is not None and not any(e.text in taken for e in passed):
            target = tuple(variable(e.text, e.type) for e in passed)
            body.barrier(f"var:{e.text}" for e in target)
            for end in op.regions:
                if end.ops[-1].op == "yield":
                    value = end.ops[-1].operands[number]
                    if value in body.env and body.env[value] == passed:
                        body.env[value] = target
        else:
            target = tuple(body.declare(result.hint or "x", t) for t in types)
        taken.update(e.text for e in target)
        made_.append(target)
    return made_


def _passed_on(body: Body, op: Operation, number: int, inside: Counter[Value], types: list[VType]) -> Parts | None:
    for region in op.regions:
        end = region.ops[-1]
        if end.op != "yield":
            continue
        value = end.operands[number]
        parts = body.env.get(value)
        if not parts or body.left[value] != inside[value] or [p.type for p in parts] != types:
            continue
        if all(body.owned.get(p.text) == body.level for p in parts):
            return parts
    return None


def _folded(body: Body, op: Operation, condition: Expr) -> bool:
    """`a if c else b`, `and`, `or`: when both sides are expressions of one scalar."""
    if len(op.results) != 1 or not body.public(op.result):
        return False
    type = body.type_of(op.result)
    if not isinstance(type, VInt | VName) or any(r.ops[-1].op != "yield" for r in op.regions):
        return False
    if any(inner.regions or inner.op in _STATEMENTS or inner.attrs.get("attested")
           for r in op.regions for inner in operations(r)):
        return False
    saved = (dict(body.env), dict(body.pending), body.left.copy(), dict(body.owned), body.span)
    mark = body.out.mark()
    sides: list[Expr] = []
    for region in op.regions:
        body.region(region)
        (side,) = _flat(body.yields(region))
        sides.append(body.coerced(side, type))
    if len(body.out.rows) != mark or (sides[0].literal and sides[1].literal):
        body.out.cut(mark)
        body.env, body.pending, body.left, body.owned, body.span = saved
        return False
    body.define(op, chosen(condition, *sides))
    return True


_STATEMENTS = frozenset({"require", "raise", "emit", "send", "state_store", "map_set", "db_set", "external_call",
                         "attested", "witness", "pop", "call"})


def chosen(condition: Expr, a: Expr, b: Expr) -> Expr:
    """`a if condition else b`, as a truth's shorter forms where it is one."""
    parts = (condition, a, b)
    if a.type == BOOL and b.value is False:
        return made(f"{condition.at(AND)} and {a.at(NOT)}", BOOL, parts, AND)
    if a.type == BOOL and a.value is True:
        return made(f"{condition.at(OR)} or {b.at(AND)}", BOOL, parts, OR)
    if b.type == BOOL and a.value is False:
        return made(f"{negated(condition).at(AND)} and {b.at(NOT)}", BOOL, parts, AND)
    if b.type == BOOL and b.value is True:
        return made(f"{negated(condition).at(OR)} or {a.at(AND)}", BOOL, parts, OR)
    text = f"{a.at(OR)} if {condition.at(OR)} else {b.at(TERNARY)}"
    return made(text, a.type, parts, TERNARY)


_OPPOSITE = {" == ": " != ", " != ": " == ", " in ": " not in ", " not in ": " in "}


def negated(condition: Expr) -> Expr:
    if condition.strength == NOT and condition.text.startswith("not "):
        return Expr(condition.text[4:], BOOL, COMPARE, condition.reads, condition.fails)
    if condition.strength == COMPARE and condition.text.count(" ") == 2:
        for sign, opposite in _OPPOSITE.items():
            if sign in condition.text:
                return Expr(condition.text.replace(sign, opposite), BOOL, COMPARE, condition.reads, condition.fails)
    return made(f"not {condition.at(COMPARE)}", BOOL, (condition,), NOT)


# ---- loops


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
        body.assign(_flat(carried), _flat(body.yields(region)))


def _open(body: Body, op: Operation, carried: Sequence[Parts]) -> tuple[int, dict[Value, None]]:
    state = body.level, dict(body.pending)
    body.level = body.new_level()
    # Within an iteration what is carried may be written as soon as its old value is used no more.
    body.owned.update((e.text, body.level) for e in _flat(carried))
    body.frames.append(Frame(op, mark=body.out.mark(), carried=tuple(carried)))
    return state


def _close(body: Body, state: tuple[int, dict[Value, None]]) -> Frame:
    body.level, pending = state
    body.pending = {v: None for v in body.pending if v in pending}
    frame = body.frames.pop()
    body.owned.update((e.text, body.level) for e in _flat(frame.carried))
    return frame


def for_loop(body: Body, op: Operation) -> bool:
    count = op.attrs["iterated"]
    (region,) = op.regions
    carried = _carried(body, op, op.operands[count:])
    _enter(body, op, loop=True)
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
    body.assign(_flat(frame.carried), _flat([body.use_parts(v) for v in op.operands]))
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
    _enter(body, op, loop=True)
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
        (going,) = _flat(body.yields(condition))
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
    _enter(body, op, loop=True)
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
    _enter(body, op, loop=False)
    targets = [tuple(body.declare(r.hint or "x", t) for t in body.part_types(r)) for r in op.results]
    once = body.names.new("once")
    body.say(f"for {once}: uint256 in range(1):")
    with body.out.block():
        pending = dict(body.pending)
        body.frames.append(Frame(op, mark=body.out.mark(), carried=tuple(targets)))
        if not body.region(op.regions[0]):
            body.assign(_flat(targets), _flat(body.yields(op.regions[0])))
        body.pending = {v: None for v in body.pending if v in pending}
        frame = body.frames.pop()
        _flags(body, frame)
    for value, parts in zip(op.results, targets, strict=True):
        _bind(body, value, parts)
    _pass_on(body)
    return False


def call(body: Body, op: Operation) -> bool:
    raise Unsupported("E0801", f"{op.attrs['function']} calls itself: the chain has no recursion",
                      op.via[0] if op.via else op.span, "write it as a loop, or as `while … max N`")
