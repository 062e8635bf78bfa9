"""Intervals of integers: what range analysis computes with. `None` bounds mean unbounded."""

from collections.abc import Callable
from dataclasses import dataclass

from enigmalang.types.types import BoolT, EnumT, FixedT, IntT


@dataclass(frozen=True, slots=True)
class Range:
    """All integers from `low` to `high`, both inclusive. Fixed-point values are raw (scaled) integers."""

    low: int
    high: int

    def join(self, other: "Range") -> "Range":
        return Range(min(self.low, other.low), max(self.high, other.high))

    def within(self, other: "Range") -> bool:
        return other.low <= self.low and self.high <= other.high

    def meet(self, other: "Range") -> "Range | None":
        """What both hold; None when that is nothing."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Range(low, high) if low <= high else None

    def holds(self, value: int) -> bool:
        return self.low <= value <= self.high

    @property
    def magnitude(self) -> int:
        """The greatest absolute value."""
        return max(abs(self.low), abs(self.high))

    @property
    def bits(self) -> int:
        """Bits of the magnitude: |v| < 2^bits for every v of the range (2^k itself, as least value, needs k)."""
        return max(self.high.bit_length(), (-self.low - 1).bit_length() if self.low < 0 else 0)

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


BIT = Range(0, 1)
ZERO = Range(0, 0)
#: No product, power or shift is followed past so many bits: the interval is then unbounded.
WIDEST = 4096


def nominal(element: object) -> Range | None:
    """All values of a scalar type; None for texts and addresses."""
    match element:
        case BoolT():
            return BIT
        case EnumT(members=members):
            return Range(0, max(len(members) - 1, 0))
        case IntT() | FixedT():
            return Range(element.low, element.high)
        case _:
            return None


def held_by(element: object, bounds: Range | None) -> bool:
    """Whether every number within `bounds` is one of the type; what is no number always is."""
    held = nominal(element)
    return held is None or (bounds is not None and bounds.within(held))


def _corners(combine: Callable[[int, int], int], x: Range, y: Range) -> Range:
    """For a function that is monotone in each argument over `x` and `y`."""
    ends = [combine(a, b) for a in (x.low, x.high) for b in (y.low, y.high)]
    return Range(min(ends), max(ends))


def truncated(a: int, b: int) -> int:
    """a / b rounded toward zero, as on the EVM; b is not 0."""
    return a // b if (a < 0) == (b < 0) else -(-a // b)


def add(x: Range, y: Range) -> Range:
    return Range(x.low + y.low, x.high + y.high)


def neg(x: Range) -> Range:
    return Range(-x.high, -x.low)


def sub(x: Range, y: Range) -> Range:
    return add(x, neg(y))


def mul(x: Range, y: Range) -> Range | None:
    return _corners(lambda a, b: a * b, x, y) if x.bits + y.bits <= WIDEST else None


def absolute(x: Range) -> Range:
    return x if x.low >= 0 else Range(0 if x.high >= 0 else -x.high, x.magnitude)


def minimum(x: Range, y: Range) -> Range:
    return Range(min(x.low, y.low), min(x.high, y.high))


def maximum(x: Range, y: Range) -> Range:
    return Range(max(x.low, y.low), max(x.high, y.high))


def floordiv(x: Range, y: Range) -> Range:
    """Truncating division; a divisor 0 gives 0."""
    parts = [part for part in (y.meet(Range(1, max(y.high, 1))), y.meet(Range(min(y.low, -1), -1))) if part]
    found = ZERO if y.holds(0) or not parts else None
    for part in parts:
        quotients = _corners(truncated, x, part)
        found = quotients if found is None else found.join(quotients)
    return found if found is not None else ZERO


def mod(x: Range, y: Range) -> Range:
    """The remainder, with the sign of x; a divisor 0 gives 0."""
    most = max(y.magnitude - 1, 0)
    return Range(-min(most, -x.low) if x.low < 0 else 0, min(most, x.high) if x.high > 0 else 0)


def power(x: Range, exponent: Range) -> Range | None:
    if exponent.low < 0 or x.bits * exponent.high > WIDEST:
        return None
    if x.low >= 0:
        return _corners(lambda a, b: a**b, x, exponent)
    bound = Range(-x.magnitude, x.magnitude)
    most = max(bound.high**exponent.high, 1)
    return Range(0 if exponent == Range(2, 2) else -most, most)


def shift_left(x: Range, count: Range) -> Range | None:
    if count.low < 0 or x.bits + count.high > WIDEST:
        return None
    return _corners(lambda a, b: a << b, x, count)


def shift_right(x: Range, count: Range) -> Range | None:
    if count.low < 0:
        return None
    return _corners(lambda a, b: a >> min(b, WIDEST), x, count)


def bit_and(x: Range, y: Range) -> Range:
    if x.low >= 0 and y.low >= 0:
        return Range(0, min(x.high, y.high))
    if x.low >= 0 or y.low >= 0:
        return Range(0, x.high if x.low >= 0 else y.high)
    return _two_complement(x, y)


def bit_or(x: Range, y: Range) -> Range:
    return _two_complement(x, y)


def _two_complement(x: Range, y: Range) -> Range:
    bits = max(x.bits, y.bits)
    return Range(-(1 << bits) if min(x.low, y.low) < 0 else 0, (1 << bits) - 1)


def rounded_shift(x: Range, bits: int) -> Range:
    """x / 2^bits rounded to nearest."""
    half = 1 << (bits - 1) if bits else 0
    return Range((x.low + half) >> bits, (x.high + half) >> bits)


def truncated_shift(x: Range, bits: int) -> Range:
    """x / 2^bits rounded toward zero."""
    return Range(truncated(x.low, 1 << bits), truncated(x.high, 1 << bits))


def repeated(x: Range, most: int) -> Range:
    """A sum of at most `most` values of `x`."""
    return Range(min(0, x.low * most), max(0, x.high * most))
