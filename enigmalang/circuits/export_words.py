"""Integers as wires: two's complement, least significant bit first, added, multiplied, compared, divided and sorted.

A word is a list of wires and the interval its value lies in; every operation works at the width of its result, which
is exact modulo 2^width. The gates are few rather than shallow: one AND a bit for sums and comparisons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from enigmalang.circuits.boolean import Gates

Wires = Sequence[int]


@dataclass(frozen=True, slots=True)
class Interval:
    """What integers a value may be."""

    low: int
    high: int

    @property
    def width(self) -> int:
        """Bits that hold every one of them: with a sign only where one can be negative."""
        if self.low >= 0:
            return self.high.bit_length()
        return max((-self.low - 1).bit_length(), self.high.bit_length() if self.high > 0 else 0) + 1

    def join(self, other: Interval) -> Interval:
        return Interval(min(self.low, other.low), max(self.high, other.high))

    def of(self, *corners: int) -> Interval:
        return Interval(min(corners), max(corners))


def product_of(a: Interval, b: Interval) -> Interval:
    return a.of(a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high)


class Words:
    """Arithmetic that adds gates to `gates`."""

    def __init__(self, gates: Gates) -> None:
        self.gates = gates

    def constant(self, value: int, width: int) -> list[int]:
        one, zero = self.gates.ONE, self.gates.ZERO
        return [one if value >> k & 1 else zero for k in range(width)]

    def fitted(self, x: Wires, signed: bool, width: int) -> list[int]:
        """`x` at another width: cut, or extended by its sign."""
        fill = x[-1] if signed and len(x) else self.gates.ZERO
        return [*x[:width], *[fill] * (width - len(x))]

    def add(self, x: Wires, y: Wires, carry: int) -> list[int]:
        """x + y + carry modulo 2^width, of equal widths. One AND a bit: the majority is c ^ ((x ^ c) & (y ^ c))."""
        g, made = self.gates, []
        for place, (a, b) in enumerate(zip(x, y, strict=True)):
            left = g.xor(a, carry)
            made.append(g.xor(left, b))
            if place < len(x) - 1:
                carry = g.xor(carry, g.and_(left, g.xor(b, carry)))
        return made

    def sub(self, x: Wires, y: Wires) -> list[int]:
        return self.add(x, [self.gates.inv(b) for b in y], self.gates.ONE)

    def neg(self, x: Wires) -> list[int]:
        return self.sub(self.constant(0, len(x)), x)

    def mul(self, x: Wires, y: Wires, signed: bool) -> list[int]:
        """x * y modulo 2^len(x); the last bit of `y` counts negative where it is `signed`."""
        width, g = len(x), self.gates
        total = self.constant(0, width)
        for place, b in enumerate(y[:width]):
            part = [*self.constant(0, place), *(g.and_(a, b) for a in x[: width - place])]
            total = self.sub(total, part) if signed and place == len(y) - 1 else self.add(total, part, g.ZERO)
        return total

    def mux(self, c: int, x: Wires, y: Wires) -> list[int]:
        return [self.gates.mux(c, a, b) for a, b in zip(x, y, strict=True)]

    def less(self, x: Wires, y: Wires) -> int:
        """x < y of unsigned words of equal widths: the borrow of x - y."""
        g, borrow = self.gates, self.gates.ZERO
        for a, b in zip(x, y, strict=True):  # b where the bits differ, else what was borrowed below
            borrow = g.mux(g.xor(a, b), b, borrow)
        return borrow

    def is_zero(self, x: Wires) -> int:
        found = [self.gates.inv(a) for a in x]
        while len(found) > 1:
            found = [*(self.gates.and_(a, b) for a, b in zip(found[::2], found[1::2], strict=False)),
                     *found[len(found) & ~1 :]]
        return found[0] if found else self.gates.ONE

    def divide(self, x: Wires, y: Wires) -> tuple[list[int], list[int]]:
        """Quotient (width of x) and remainder (width of y) of unsigned words; y = 0 gives the quotient 2^width - 1.

        Restoring division: a remainder stays below y, so with the next bit it needs one place more.
        """
        rest = self.constant(0, len(y))
        wide = [*y, self.gates.ZERO]
        quotient: list[int] = []
        for bit in reversed(x):
            grown = [bit, *rest]
            fits = self.gates.inv(self.less(grown, wide))
            rest = self.mux(fits, self.sub(grown, wide), grown)[: len(y)]
            quotient.append(fits)
        return quotient[::-1], rest

    def floor_divided(self, x: Wires, signed: bool, divisor: int) -> list[int]:
        """floor(x / divisor) for a positive constant, at the width of x. Below 0 it is -1 - floor((-1 - x) / divisor),
        and -1 - v is the complement of v.
        """
        sign = x[-1] if signed and len(x) else self.gates.ZERO
        positive = [self.gates.xor(a, sign) for a in x]
        quotient, _ = self.divide(positive, self.constant(divisor, divisor.bit_length()))
        return [self.gates.xor(q, sign) for q in quotient]

    def sorted_rows(self, rows: Sequence[tuple[Wires, Wires]]) -> list[Wires]:
        """The second parts of (key, payload) rows in ascending order of their unsigned keys, equal ones in their order:
        a row's number joins its key below. Batcher's odd-even merge sort (Knuth, The Art of Computer Programming 3,
        5.2.2 M).
        """
        bits = max(0, len(rows) - 1).bit_length()
        items = [([*self.constant(number, bits), *key], list(load)) for number, (key, load) in enumerate(rows)]
        for i, j in _comparators(len(rows)):
            (a, left), (b, right) = items[i], items[j]
            swap = self.less(b, a)
            items[i] = self.mux(swap, b, a), self.mux(swap, right, left)
            items[j] = self.mux(swap, a, b), self.mux(swap, left, right)
        return [load for _, load in items]


def _comparators(count: int) -> Iterator[tuple[int, int]]:
    """Places i < j of which the smaller comes to i."""
    if count < 2:
        return
    top = 1 << (count - 1).bit_length() - 1
    p = top
    while p:
        q, r, d = top, 0, p
        while True:
            yield from ((i, i + d) for i in range(count - d) if i & p == r)
            if q == p:
                break
            q, r, d = q >> 1, p, q - p
        p >>= 1
