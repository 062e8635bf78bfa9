"""Intervals of integers: what range analysis computes with. `None` bounds mean unbounded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """All integers from `low` to `high`, both inclusive. Fixed-point values are raw (scaled) integers."""

    low: int
    high: int

    def join(self, other: "Range") -> "Range":
        return Range(min(self.low, other.low), max(self.high, other.high))

    def within(self, other: "Range") -> bool:
        return other.low <= self.low and self.high <= other.high

    @property
    def bits(self) -> int:
        """Bits of the magnitude: |v| < 2^bits for every v of the range (2^k itself, as least value, needs k)."""
        return max(self.high.bit_length(), (-self.low - 1).bit_length() if self.low < 0 else 0)

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


BIT = Range(0, 1)
