"""`if`: two sides that give values to the same variables, or one expression where they can."""

from collections import Counter
from collections.abc import Sequence

from enigmalang.chain.vyper.body import Body, Parts, enter, flat, uses_in
from enigmalang.chain.vyper.expr import Expr, variable
from enigmalang.chain.vyper.truths import chosen, negated
from enigmalang.chain.vyper.types import VInt, VName, VType
from enigmalang.ir.ir import Operation, Region, Value, operations


def branch(body: Body, op: Operation) -> bool:
    condition = body.use(op.operands[0])
    enter(body, op, loop=False)
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
        body.assign(flat(targets), flat(body.yields(region)))
    for value in list(body.pending):
        if value not in pending:
            del body.pending[value]
    return ended


def _reused(targets: Sequence[Parts]) -> frozenset[str]:
    return frozenset(e.text for e in flat(targets))


def _is_empty(body: Body, region: Region, targets: Sequence[Parts]) -> bool:
    """Whether the region would write nothing."""
    if len(region.ops) != 1 or region.ops[0].op != "yield":
        return False
    found = flat([body.env.get(v, ()) for v in region.ops[0].operands])
    wanted = flat(targets)
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
        (side,) = flat(body.yields(region))
        sides.append(body.coerced(side, type))
    if len(body.out.rows) != mark or (sides[0].literal and sides[1].literal):
        body.out.cut(mark)
        body.env, body.pending, body.left, body.owned, body.span = saved
        return False
    body.define(op, chosen(condition, *sides))
    return True


_STATEMENTS = frozenset({"require", "raise", "emit", "send", "state_store", "map_set", "db_set", "external_call",
                         "attested", "witness", "pop", "call"})
