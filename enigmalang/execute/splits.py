"""Loop bodies in two: what is public and runs each time, and what is private and is traced once.

The private part may take in, besides what stays the same, two kinds of things that change between iterations: public
numbers that become constants of its operations, and rows of private lists at public places. Which number and which
place each iteration has, the public part tells: see `Feed`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from enigmalang.analysis.fact import NEAR_BITS
from enigmalang.execute.kernels import ELEMENTWISE
from enigmalang.execute.traced import TracedDomain
from enigmalang.execute.traced_numbers import range_of
from enigmalang.ir.ir import Operation, Region, Tensor, Value, operations
from enigmalang.ir.ops import OPS, Effect
from enigmalang.types.types import BoolT, FixedT, IntT, Label

if TYPE_CHECKING:
    from enigmalang.execute.machine import Machine

_EFFECTS = frozenset({Effect.NONE, Effect.FAILS, Effect.RANDOM})
_CONTROL = frozenset({"for", "while", "map", "if", "yield"})
_LEAVING = frozenset({"break", "continue"})
#: Operations whose trace is the same for every public number they work with, once that is written as a constant; those
#: that compare, for numbers of no more than `NEAR_BITS`.
_COMPARED = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "min", "max"})
_ALIKE = _COMPARED | {"add", "sub", "mul", "and", "or", "xor"}


def is_pure(op: Operation, leaving: bool) -> bool:
    """Whether `op` and all within only compute. `leaving`: loops within may be left early."""
    for found in (op, *(o for region in op.regions for o in operations(region))):
        if not (found.op in _CONTROL or found.op == "share" or (leaving and found.op in _LEAVING)
                or (OPS[found.op].effect in _EFFECTS and not OPS[found.op].regions)):
            return False
    return True


def used(op: Operation) -> list[Value]:
    """The values that `op` and all within use, in order."""
    within = (v for region in op.regions for inner in operations(region) for v in inner.operands)
    return list(dict.fromkeys([*op.operands, *within]))


def outer_values(op: Operation) -> list[Value]:
    """The values from outside that `op` and its regions use."""
    inside: set[Value] = set()
    for region in op.regions:
        inside.update(region.params)
        for inner in operations(region):
            inside.update(inner.results)
            for nested in inner.regions:
                inside.update(nested.params)
    return [v for v in used(op) if v not in inside]


def is_public(value: Value) -> bool:
    return value.label is not Label.PRIVATE


def pure_condition(region: Region) -> bool:
    """Whether a loop's condition is public and only computes."""
    return all(is_pure(op, False) and all(map(is_public, (*op.results, *used(op)))) for op in region.ops)


@dataclass(frozen=True, slots=True)
class Feed:
    """What the private part takes in anew each time: `value`, which is the public number `place`, or else the row of
    the list `source` at it; without `place`, at the iteration's number. `op` reads a row, and fails outside the list.
    """

    value: Value
    source: Value | None = None
    place: Value | None = None
    op: Operation | None = None


@dataclass(slots=True)
class Split:
    """A loop's body in two: what is public, and what is private and uses nothing public that changes but feeds.

    The public part yields the next carried values and then the places in `told`; the places among the parameters
    iterated over need not be told.
    """

    public: Region
    private: Region
    runs: bool  # whether the public part must run each time
    outer: list[Value]  # what the private part uses from around the loop
    params: list[Value]  # carried, without what is iterated over
    feeds: list[Feed] = field(default_factory=list)
    told: list[Value] = field(default_factory=list)
    at_once: bool = False  # whether the public part works on columns as well as on numbers
    failures: int = 0


class _Splitter:
    """One body, operation by operation."""

    def __init__(self, op: Operation, body: Region, iterated: int) -> None:
        self.body, self.end = body, body.ops[-1]
        self.items, self.params = body.params[:iterated], body.params[iterated:]
        self.inside = {*body.params, *(v for inner in body.ops for v in inner.results)}
        self.feeds = {p: Feed(p, source) for p, source in zip(self.items, op.operands, strict=False)
                      if not is_public(p)}
        self.changing = {p for p in self.items if is_public(p)}
        self.changing.update(p for p, given in self._ends() if is_public(p) and p is not given)
        self.runs = any(p in self.changing for p in self.params)
        self.hidden: set[Value] = set()  # public, but worked out beside what is private
        self.public: list[Operation] = []
        self.private: list[Operation] = []

    def _ends(self) -> list[tuple[Value, Value]]:
        return list(zip(self.params, self.end.operands, strict=True))

    def split(self) -> Split | None:
        if not all(map(self._sorted, self.body.ops[:-1])):
            return None
        given = [v for p, v in self._ends() if is_public(p)]
        kept = [v for p, v in self._ends() if not is_public(p)]
        if any(v in self.hidden or not is_public(v) for v in given) or any(v in self.changing for v in kept):
            return None
        feeds = list(self.feeds.values())
        places = dict.fromkeys(f.place for f in feeds if f.place is not None and f.place not in self.items)
        private = Region(self.body.params, [*self.private, _yield(self.end, kept)])
        wanted = dict.fromkeys([*(v for inner in self.private for v in outer_values(inner)),
                                *(f.source for f in feeds if f.source is not None)])
        return Split(Region(self.body.params, [*self.public, _yield(self.end, [*given, *places])]), private,
                     self.runs or bool(places), [v for v in wanted if v not in self.inside], self.params, feeds,
                     list(places), self._works_on_columns())

    def _works_on_columns(self) -> bool:
        """Whether the public part is arithmetic on scalars, and nothing in it is carried along."""
        values = [v for op in self.public for v in (*op.operands, *op.results)]
        return (self.changing.isdisjoint(self.params)
                and all(op.op in ELEMENTWISE or op.op == "const" for op in self.public)
                and all(isinstance(v.type, Tensor) and v.type.rank == 0 and isinstance(v.type.element, BoolT | IntT)
                        for v in values))

    def _sorted(self, op: Operation) -> bool:
        """Put `op` where it belongs; False where it cannot be told apart."""
        uses = used(op)
        moving = not self.changing.isdisjoint(uses)
        if not all(map(is_public, (*op.results, *uses))):
            return self._kept_private(op, moving)
        if not self.hidden.isdisjoint(uses):
            self.private.append(op)
            self.hidden.update(op.results)
            return not moving
        self.public.append(op)
        if moving:
            self.changing.update(op.results)
            self.runs = True
        else:
            self.private.append(op)
        return True

    def _kept_private(self, op: Operation, moving: bool) -> bool:
        if moving and self._is_row(op):
            source, place = op.operands
            self.feeds[op.result] = Feed(op.result, source, place, op)
            return True
        if moving:
            numbers = [v for v in op.operands if v in self.changing]
            if not (op.op in _ALIKE or _selects(op)) or not all(_is_number(op, v) and _fits(op, v) for v in numbers):
                return False
            self.feeds.update((v, Feed(v, None, v)) for v in numbers)
        self.private.append(op)
        self.hidden.update(v for v in op.results if is_public(v))
        return True

    def _is_row(self, op: Operation) -> bool:
        """A private list from around the loop, read at a public place that changes."""
        if op.op != "index" or op.operands[0] in self.inside or not is_public(op.operands[1]):
            return False
        source, place = (v.type for v in op.operands)
        return (isinstance(source, Tensor) and isinstance(place, Tensor) and place.rank == 0
                and op.attrs["axis"] == -source.rank)


def _selects(op: Operation) -> bool:
    """A private choice between two things of which one at least is private, or between truths."""
    if op.op != "select" or is_public(op.operands[0]):
        return False
    type = op.result.type
    return (isinstance(type, Tensor) and isinstance(type.element, BoolT)) or not all(map(is_public, op.operands[1:]))


def _is_number(op: Operation, value: Value) -> bool:
    """A number or truth without axes. A product of fixed point is rounded or not, as its factor is."""
    type = value.type
    return isinstance(type, Tensor) and type.rank == 0 and isinstance(
        type.element, (BoolT, IntT) if op.op == "mul" else (BoolT, IntT, FixedT))


def _fits(op: Operation, value: Value) -> bool:
    """Whether a number is the constant itself: to be compared or chosen, a large one is made another (`rules.near`)."""
    return op.op not in (*_COMPARED, "select") or range_of(op, op.operands.index(value)).bits <= NEAR_BITS


def _yield(end: Operation, values: Sequence[Value]) -> Operation:
    return Operation("yield", tuple(values), (), end.span)


def split_of(machine: "Machine", op: Operation, body: Region, iterated: int) -> Split | None:
    """The two parts of a loop of the traced domain, if it can be done in two."""
    if not isinstance(machine.domain, TracedDomain):
        return None
    known = machine.world.repeats
    if op not in known:
        whole = body.ops[-1].op == "yield" and all(is_pure(inner, False) for inner in body.ops)
        known[op] = _Splitter(op, body, iterated).split() if whole else None
    split: Split | None = known[op]
    return split if split is not None and split.failures < 3 else None
