"""What a long loop carries, by how far one step moves it: guessed, run again, and widened until it is confirmed."""

from dataclasses import replace

from enigmalang.analysis.fact import FIELDS, Fact, kept
from enigmalang.ir.ir import Tensor, Value
from enigmalang.types.ranges import ZERO, Range, add, nominal

#: A private variable's type is only a bound if it is at most as wide as the widest field.
_WIDEST = FIELDS[-1][1]


class Guess:
    """A carried value of a long loop. `moved`: how far one step takes it; None when only a stable interval helps."""

    def __init__(self, param: Value, start: Fact, trips: int | None) -> None:
        self.param, self.start, self.trips = param, start, trips
        self.now = _plain(start)
        self.moved: Range | None = ZERO if trips is not None else None
        self.lost = False

    def input(self) -> Fact:
        return replace(self.now, base=self.param, offset=ZERO)

    def widen(self, made: Fact, last: bool) -> None:
        lens = _grown_lens(self.start, self.now, made, self.trips, last)
        found = self.now.range
        if found is not None and made.range is None:
            found = None
        elif found is not None and made.range is not None and self.start.range is not None:
            found = self.widened(made, self.start.range, found, last)
        self.lost = self.lost or (self.now.range is not None and found is None)
        self.now = _plain(kept(self.param, Fact(found, lens)))

    def widen_to_type(self, made: Fact) -> None:
        """Steps that grew slowly: a `clamp` or `wrap` in the body may hold them within the variable's type."""
        bound = nominal(self.param.type.element) if isinstance(self.param.type, Tensor) else None
        if self.now.range is None or made.range is None or bound is None or bound.bits > _WIDEST:
            self.widen(made, last=True)
        elif made.base is self.param and self.moved is not None and made.offset.within(self.moved):
            self.widen(made, last=True)  # it moves by steps of known size, and has settled
        elif self.now.range.join(bound) == self.now.range:
            self.widen(made, last=True)  # it is past its type already
        elif not made.range.within(self.now.range):
            self.moved = None
            self.now = _plain(kept(self.param, Fact(self.now.range.join(bound), self.now.lens)))

    def widened(self, made: Fact, start: Range, now: Range, last: bool) -> Range | None:
        assert made.range is not None
        if made.base is self.param and self.moved is not None and self.trips is not None:
            self.moved = self.moved.join(made.offset)
            guess = add(start, self.growth())
            return guess if not last or guess == now else None
        self.moved = None
        joined = now.join(made.range)
        return joined if not last or joined == now else None

    def growth(self) -> Range:
        assert self.moved is not None and self.trips is not None
        return Range(self.moved.low * self.trips, self.moved.high * self.trips)

    def result(self) -> Fact:
        """After the loop; still relative to what an outer loop carries."""
        if self.moved is None or self.start.base is None or self.now.range is None:
            return self.now
        return replace(self.now, base=self.start.base, offset=add(self.start.offset, self.growth()))


def _plain(fact: Fact) -> Fact:
    return replace(fact, base=None, offset=ZERO)


def _grown_lens(start: Fact, now: Fact, made: Fact, trips: int | None, last: bool) -> tuple[int | None, ...]:
    """Lengths that grow by the same number in each step, or not at all; others are unknown."""
    if not (len(start.lens) == len(now.lens) == len(made.lens)):
        return now.lens if now.lens == made.lens else ()
    out: list[int | None] = []
    for first, current, after in zip(start.lens, now.lens, made.lens, strict=True):
        if first is None or current is None or after is None:
            out.append(None)
        elif after <= current:
            out.append(current)
        elif current == first and trips is not None and not last:
            out.append(first + (after - first) * trips)
        elif trips and current > first and after - current <= (current - first) // trips:
            out.append(current)
        else:
            out.append(None)
    return tuple(out)
