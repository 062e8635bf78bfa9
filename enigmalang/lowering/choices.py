"""Choices inside expressions: what may as well be computed on both sides is, the rest becomes an `if`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from enigmalang.ir.ir import IRType, Region, Tensor, Value
from enigmalang.ir.ops import OPS, Effect
from enigmalang.lowering.convert import common_type
from enigmalang.lowering.frame import Bundle, Frame
from enigmalang.source import Span
from enigmalang.types.types import BOOL

TRUTH = Tensor(BOOL)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a choice, lowered into a region of its own that lacks its terminator."""

    region: Region
    values: Sequence[Value]
    env: dict[str, Bundle]

    @property
    def cheap(self) -> bool:
        """Whether it may as well run when it is not needed: no effects, no failure, no loops."""
        return all(OPS[op.op].effect in (Effect.NONE, Effect.READS) and not op.regions for op in self.region.ops)


def side(f: Frame, compute: Callable[[], Sequence[Value]]) -> Side:
    region = Region()
    with f.branch(region):
        values = compute()
        return Side(region, values, f.env)


def shortcut(f: Frame, op: str, first: Value, second: Callable[[], Value], span: Span) -> Value:
    """`first and second` (or `or`): strict when the second is cheap, else an `if`, so that it runs only if needed."""
    other = side(f, lambda: (second(),))
    if other.cheap:
        f.build.region.ops.extend(other.region.ops)
        return f.build.value(op, (first, *other.values), span)
    known = side(f, lambda: (f.build.const(op == "or", TRUTH, span),))
    return (_branch(f, first, other, known, span) if op == "and" else _branch(f, first, known, other, span))[0]


def choose_values(
    f: Frame, condition: Value, then: Callable[[], Sequence[Value]], other: Callable[[], Sequence[Value]], span: Span,
) -> Sequence[Value]:
    """Values of one of two computations: `select` when both are cheap scalars, else an `if`."""
    sides = side(f, then), side(f, other)
    types = _types(sides[0].values, sides[1].values)
    if not (all(s.cheap for s in sides) and all(isinstance(t, Tensor) and t.rank == 0 for t in types)):
        return _branch(f, condition, *sides, span)
    for s in sides:
        f.build.region.ops.extend(s.region.ops)
    return [
        a if a is b else f.build.value("select", (condition, a, b), span, type=t)
        for a, b, t in zip(sides[0].values, sides[1].values, types, strict=True)]


def _types(first: Sequence[Value], second: Sequence[Value]) -> list[IRType]:
    return [common_type([a.type, b.type]) for a, b in zip(first, second, strict=True)]


def _branch(f: Frame, condition: Value, then: Side, other: Side, span: Span) -> Sequence[Value]:
    """The `if`. Variables that a side changed on the way (`xs.pop()`) come out of it too."""
    changed = [key for key, bundle in f.env.items() if any(s.env[key] is not bundle for s in (then, other))]
    columns = [
        [*s.values, *(leaf for key in changed for leaf in s.env[key].leaves)] for s in (then, other)]
    for s, column in zip((then, other), columns, strict=True):
        with f.build.into(s.region):
            f.finish(column, span)
    op = f.build.emit("if", (condition,), span, types=_types(*columns), regions=(then.region, other.region))
    rest = list(op.results[len(then.values):])
    for key in changed:
        count = len(f.env[key].leaves)
        f.env[key] = Bundle(f.env[key].type, tuple(rest[:count]))
        rest = rest[count:]
    return op.results[:len(then.values)]
