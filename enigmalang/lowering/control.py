"""Control flow in SSA: branches that join, loops that carry variables, and early exits.

A block's `Exit` is kept pending as long as possible, so that `if c: return a` with the rest in the other branch
becomes an `if` that yields; only an exit beside a branch that goes on is written as a terminator at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from enigmalang.ir.ir import IRType, Region, Tensor, Value
from enigmalang.ir.leaves import types_of
from enigmalang.lowering.convert import common_type, fit, truth, zero, zero_leaf
from enigmalang.lowering.exits import assigned, early_exit
from enigmalang.lowering.frame import Bundle, Exit, Frame, LoweringError, fresh
from enigmalang.lowering.iterate import bind, iterate
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import StringT

Env = dict[str, Bundle]
TERMINATOR = {"return": "leave", "break": "break", "continue": "continue"}


@dataclass(slots=True, eq=False)
class Branch:
    """A lowered region that still lacks its terminator."""

    region: Region
    env: Env
    exit: Exit | None
    span: Span

    @property
    def falls(self) -> bool:
        return self.exit is None

    @property
    def dead(self) -> bool:
        """Ends in `raise`: what it yields is never seen."""
        return self.exit is not None and self.exit.kind == "raise"


def lower_branch(f: Frame, statements: Sequence[ast.Stmt], span: Span) -> Branch:
    region = Region()
    with f.branch(region):
        exit = f.block(statements)
        return Branch(region, f.env, exit, statements[-1].span if statements else span)


def static_branch(f: Frame, node: ast.If) -> Sequence[ast.Stmt] | None:
    """The branch of an `if` that types decide; the checker did not look at the other one."""
    known = f.instance.decided.get(node)
    return None if known is None else node.then if known else node.otherwise


def lower_if(f: Frame, node: ast.If, rest: tuple[ast.Stmt, ...] = (), side: str | None = None) -> Exit | None:
    """`rest` (the statements after the `if`) goes into the branch other than `side`."""
    if (taken := f.instance.decided.get(node)) is not None:
        follows = rest if side == ("otherwise" if taken else "then") else ()
        return f.block((*(node.then if taken else node.otherwise), *follows))
    condition = truth(f, f.value(node.condition), node.condition.span)
    early = early_exit(node.then) or early_exit(node.otherwise)
    then = lower_branch(f, (*node.then, *rest) if side == "otherwise" else node.then, node.span)
    other = lower_branch(f, (*node.otherwise, *rest) if side == "then" else node.otherwise, node.span)
    return join(f, condition, then, other, node.span, early)


def join(f: Frame, condition: Value, then: Branch, other: Branch, span: Span, early: Span | None) -> Exit | None:
    """Write the `if`, and go on with whatever of the two branches goes on."""
    kinds = {b.exit.kind if b.exit else "" for b in (then, other)}
    if kinds == {"raise"}:
        _write_if(f, condition, then, other, [], [], span, early)
        return Exit("raise", (), span)
    if "" not in kinds:
        return _join_exits(f, condition, then, other, span, early)
    for branch in (then, other):
        if branch.exit is not None and not branch.dead:
            close(f, branch.region, branch.exit)
    keys, before = _changed(f, then, other), f.env
    falling = [b for b in (then, other) if b.falls]
    with_types = {key: _joined_type(f, key, [b.env[key] for b in falling]) for key in keys}
    columns = [_values_of(f, b, with_types) if b.falls else None for b in (then, other)]
    positions = _differing(columns, [before.get(k) for k in with_types], with_types)
    picked = [_pick(c, positions) for c in columns]
    results = _write_if(f, condition, then, other, picked[0], picked[1], span, early)
    _bind_results(f, columns, with_types, positions, results)
    return None


def _join_exits(
    f: Frame, condition: Value, then: Branch, other: Branch, span: Span, early: Span | None,
) -> Exit:
    """Neither branch goes on: both values go out through the `if`, and one exit stays pending."""
    assert then.exit is not None and other.exit is not None
    pending = then.exit if other.dead else other.exit
    for branch in (then, other):
        assert branch.exit is not None
        if not branch.dead and branch.exit.kind != pending.kind:
            close(f, branch.region, branch.exit)
    yields = [
        list(b.exit.values) if b.exit is not None and b.exit.kind == pending.kind else None for b in (then, other)]
    results = _write_if(f, condition, then, other, yields[0], yields[1], span, early, list(pending.values))
    return Exit(pending.kind, tuple(results), pending.span)


def close(f: Frame, region: Region, exit: Exit) -> None:
    """Write a pending exit as the region's terminator."""
    if exit.kind == "return" and not f.scoped:
        raise LoweringError(exit.span, "a return that leaves no scope")
    with f.build.into(region):
        f.finish(exit.values, exit.span, TERMINATOR[exit.kind])


def _changed(f: Frame, then: Branch, other: Branch) -> list[str]:
    """Variables that the branches which go on all have, and that one of them changed."""
    envs = [b.env for b in (then, other) if b.falls]
    return [
        key for key in envs[0]
        if all(key in env for env in envs) and any(env[key] is not f.env.get(key) for env in envs)
    ]


def _joined_type(f: Frame, key: str, bundles: list[Bundle]) -> Bundle:
    """A stand-in whose type is the variable's; the values are the first branch's."""
    return Bundle(f.variable_type(key, bundles[0].type), bundles[0].leaves)


def _values_of(f: Frame, branch: Branch, wanted: dict[str, Bundle]) -> list[Value]:
    with f.build.into(branch.region):
        return [leaf for key, bundle in wanted.items() for leaf in fit(f, branch.env[key], bundle.type,
                                                                      branch.span).leaves]


def _differing(
    columns: list[list[Value] | None], before: list[Bundle | None], wanted: dict[str, Bundle],
) -> list[int]:
    """Positions of leaves that must come out of the `if`: not one and the same value from before it."""
    earlier: list[Value | None] = []
    for bundle, old in zip(wanted.values(), before, strict=True):
        same = old is not None and len(old.leaves) == len(bundle.leaves)
        earlier += list(old.leaves) if old is not None and same else [None] * len(bundle.leaves)
    return [
        n for n, old in enumerate(earlier) if old is None or any(c is not None and c[n] is not old for c in columns)]


def _pick(column: list[Value] | None, positions: list[int]) -> list[Value] | None:
    return None if column is None else [column[n] for n in positions]


def _bind_results(
    f: Frame, columns: list[list[Value] | None], wanted: dict[str, Bundle], positions: list[int],
    results: Sequence[Value],
) -> None:
    leaves = list(next(c for c in columns if c is not None))
    for position, result in zip(positions, results, strict=True):
        leaves[position] = result
    for key, bundle in wanted.items():
        count = len(bundle.leaves)
        f.env[key] = Bundle(bundle.type, tuple(leaves[:count]))
        leaves = leaves[count:]


def _write_if(
    f: Frame, condition: Value, then: Branch, other: Branch, first: list[Value] | None, second: list[Value] | None,
    span: Span, early: Span | None, like: list[Value] | None = None,
) -> Sequence[Value]:
    """Finish both regions and emit. A branch whose values are None does not yield, or (dead) yields anything."""
    shapes = [v for v in (first, second) if v is not None]
    model = like if like is not None else shapes[0] if shapes else []
    types = [common_type([column[n].type for column in shapes] or [v.type]) for n, v in enumerate(model)]
    for branch, values in ((then, first), (other, second)):
        if values is None and not branch.dead:
            continue
        with f.build.into(branch.region):
            given = values if values is not None else [zero_leaf(f, t, span) for t in types]
            f.finish(given, branch.span)
    hints = [v.hint for v in model]
    op = f.build.emit("if", (condition,), span, types=types, attrs={"early": early},
                      regions=(then.region, other.region), hints=hints)
    return op.results


# --------------------------------------------------------------------------------------------------- loops


def _carry(f: Frame, names: set[str], span: Span) -> list[str]:
    """The variables a loop carries, brought to the types they have in the whole function."""
    keys = [key for key in f.env if key in names]
    for key in keys:
        f.env[key] = fit(f, f.env[key], f.variable_type(key, f.env[key].type), span)
    return keys


def _carried(f: Frame, keys: Sequence[str]) -> list[Value]:
    return [leaf for key in keys for leaf in f.env[key].leaves]


def _carried_types(f: Frame, keys: Sequence[str]) -> list[IRType]:
    return [type for key in keys for type in types_of(f.env[key].type)]


def bind_carried(f: Frame, keys: Sequence[str], types: dict[str, Bundle], values: Sequence[Value]) -> None:
    position = 0
    for key in keys:
        bundle = types[key]
        count = len(bundle.leaves)
        f.env[key] = Bundle(bundle.type, tuple(values[position:position + count]))
        position += count


def carried_now(f: Frame, span: Span) -> tuple[Value, ...]:
    """The values of the innermost loop's variables here, for its terminators."""
    return tuple(leaf for key in f.loops[-1] for leaf in fit(
        f, f.env[key], f.variable_type(key, f.env[key].type), span).leaves)


def _loop_body(f: Frame, keys: list[str], statements: Sequence[ast.Stmt], params: Sequence[Value], span: Span) -> None:
    """The statements of a loop's body, and its terminator."""
    f.loops.append(keys)
    exit = f.block(statements)
    f.loops.pop()
    end = statements[-1].span if statements else span
    if exit is None:
        f.loops.append(keys)
        values = carried_now(f, end)
        f.loops.pop()
        f.finish(values, end)
    elif exit.kind == "raise":
        f.finish(params, end)
    elif exit.kind == "continue":
        f.finish(exit.values, exit.span)
    else:
        close(f, f.build.region, exit)


def lower_for(f: Frame, node: ast.For) -> None:
    iteration = iterate(f, node.iterable)
    names = assigned(node.body) | assigned((node,))
    keys = _carry(f, names, node.span)
    outside = dict(f.env)
    items = iteration.items(node.target.span)
    carried = fresh(_carried_types(f, keys), node.span, [v.hint for v in _carried(f, keys)])
    region = Region([*items, *carried])
    first = _carried(f, keys)
    with f.branch(region):
        bind_carried(f, keys, outside, carried)
        bind(f, node.target, Bundle(iteration.type, tuple(items)))
        _loop_body(f, keys, node.body, carried, node.span)
    op = f.build.emit(
        "for", (*iteration.tensors, *first), node.span, types=[v.type for v in carried], regions=(region,),
        attrs={"iterated": len(iteration.tensors)}, hints=[v.hint for v in carried])
    bind_carried(f, keys, outside, op.results)


def lower_while(f: Frame, node: ast.While) -> None:
    limit = f.instance.constants.get(node.max) if node.max is not None else None
    if node.max is not None and limit is None and isinstance(node.max, ast.IntLit):
        limit = node.max.value
    keys = _carry(f, assigned(node.body), node.span)
    outside, first, types = dict(f.env), _carried(f, keys), _carried_types(f, keys)
    hints = [v.hint for v in first]
    condition = Region(fresh(types, node.condition.span, hints))
    with f.branch(condition):
        bind_carried(f, keys, outside, condition.params)
        f.finish((truth(f, f.value(node.condition), node.condition.span),), node.condition.span)
    body = Region(fresh(types, node.span, hints))
    with f.branch(body):
        bind_carried(f, keys, outside, body.params)
        _loop_body(f, keys, node.body, body.params, node.span)
    op = f.build.emit("while", first, node.span, types=types, regions=(condition, body),
                      attrs={"max": limit}, hints=hints)
    bind_carried(f, keys, outside, op.results)


# ------------------------------------------------------------------------------------- blocks of tests and scripts


def lower_as(f: Frame, node: ast.As) -> Exit | None:
    """`as who:` always runs: the variables it changes are yielded."""
    who = f.value(node.who)
    branch = lower_branch(f, node.body, node.span)
    changed = [] if branch.exit else [k for k, b in branch.env.items() if b is not f.env.get(k)]
    values = branch.exit.values if branch.exit else tuple(v for k in changed for v in branch.env[k].leaves)
    with f.build.into(branch.region):
        f.finish(values, branch.span)
    op = f.build.emit("acting", (who,), node.span, types=[v.type for v in values], regions=(branch.region,),
                      hints=[v.hint for v in values])
    if branch.exit:
        return Exit(branch.exit.kind, op.results, branch.exit.span)
    bind_carried(f, changed, branch.env, op.results)
    return None


def lower_expected(f: Frame, node: ast.ExpectRevert | ast.ExpectLeak) -> None:
    """A block whose effects do not outlive it; neither do its variables."""
    operands: tuple[Value, ...] = ()
    if isinstance(node, ast.ExpectRevert) and node.message is not None:
        operands = (_expected_message(f, node.message),)
    branch = lower_branch(f, node.body, node.span)
    with f.build.into(branch.region):
        f.finish((), branch.span)
    name, attrs = ("expect_leak", {"code": node.code}) if isinstance(node, ast.ExpectLeak) else ("expect_revert", {})
    f.build.emit(name, operands, node.span, types=(), attrs=attrs, regions=(branch.region,))


def _expected_message(f: Frame, node: ast.Expr) -> Value:
    """A text, or the name of an error."""
    known = f.instance.constants.get(node)
    return f.build.const(known, Tensor(StringT(None)), node.span) if isinstance(known, str) else f.value(node)


def variable(f: Frame, name: str, span: Span) -> Bundle:
    """The current value of a local. One that only an unfinished block assigned has its type's default."""
    found = f.env.get(name)
    if found is None:
        type = f.instance.variables.get(name)
        if type is None:
            raise LoweringError(span, f"`{name}` has no value here")
        found = f.env[name] = zero(f, type, span)
    return found
