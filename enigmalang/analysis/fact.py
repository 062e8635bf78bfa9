"""What the range analysis knows of a value.

A fact is its interval (`None`: unbounded, or not a number), the greatest length of each axis, and, inside a loop, how
far it is from the value that a carried variable had at the start of the step.
"""

from dataclasses import dataclass, replace

from enigmalang.ir.ir import Tensor, Value
from enigmalang.types.ranges import ZERO, Range, nominal
from enigmalang.types.types import Label

Lens = tuple[int | None, ...]
#: |v| < 2^bits for every private value of a program in this field.
FIELDS = (("M61", 59), ("M127", 125))
#: Every field holds a public number of so many bits, and its difference to any secret.
NEAR_BITS = FIELDS[0][1] - 1


@dataclass(frozen=True, slots=True)
class Fact:
    """`base` and `offset`: every element lies within the interval of `base` (a loop's variable) shifted by `offset`."""

    range: Range | None
    lens: Lens = ()
    base: Value | None = None
    offset: Range = ZERO

    def join(self, other: "Fact") -> "Fact":
        joined = None if self.range is None or other.range is None else self.range.join(other.range)
        base = self.base if self.base is other.base else None
        offset = self.offset.join(other.offset) if base is not None else ZERO
        return Fact(joined, longest(self.lens, other.lens), base, offset)


def longest(a: Lens, b: Lens) -> Lens:
    """Bounds that hold of both."""
    if len(a) != len(b):
        return a if not b else b if not a else ()
    return tuple(None if x is None or y is None else max(x, y) for x, y in zip(a, b, strict=True))


def element(value: Value) -> object:
    return value.type.element if isinstance(value.type, Tensor) else None


def is_private(value: Value) -> bool:
    return value.label is Label.PRIVATE


def full_lens(fact: Fact, value: Value) -> Lens:
    """One entry for each axis, also when nothing is known."""
    return fact.lens if len(fact.lens) == value.rank else (None,) * value.rank


def kept(value: Value, fact: Fact) -> Fact:
    """`fact` as it may be said of `value`: public values stay within their type, texts have no interval."""
    bound = nominal(element(value))
    if bound is None:
        return Fact(None, fact.lens)
    if is_private(value):
        return fact
    cut = bound if fact.range is None else fact.range.meet(bound) or bound
    return replace(fact, range=cut) if cut == fact.range else Fact(cut, fact.lens)


def declared(value: Value) -> Fact:
    """What the type alone says."""
    return Fact(nominal(element(value)), value.lens)
