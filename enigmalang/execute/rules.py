"""From IR operations on private numbers to wires: arithmetic, comparisons, division, bits.

Numbers are ARITH wires. `Range` says what a number can be, and with it how many bits a conversion needs.
"""

import operator

import numpy as np

from enigmalang.analysis.fact import NEAR_BITS
from enigmalang.execute import numbers as n
from enigmalang.execute import wires as w
from enigmalang.execute.trace import Wire
from enigmalang.types.ranges import ZERO, Range


def magnitude_bits(range: Range) -> int:
    """Bits of |x|, one at least."""
    return max(abs(range.low), abs(range.high), 1).bit_length()


def constant(wire: Wire) -> int | None:
    """The one value of a public operand all over, if it has one."""
    if not is_known(wire):
        return None
    value = np.asarray(wire.attrs["value"])
    if value.size == 0 or not bool(np.all(value == value.flat[0])):
        return None
    return int(value.flat[0])


def near(a: Wire, own: Range, other: Range) -> tuple[Wire, Range]:
    """`a`, which lies in `own`, and its range: what is public and far from all of `other` as the number next to that,
    which is as much less or greater, and no more equal. A number of `NEAR_BITS` stays as it is.
    """
    return kept_within(a, own, Range(other.low - 1, other.high + 1))


def kept_within(a: Wire, own: Range, bounds: Range) -> tuple[Wire, Range]:
    """`a`, and its range: what is public, and may be too large for the field, as the nearest number in `bounds`."""
    if not is_known(a) or own.bits <= NEAR_BITS:
        return a, own
    low, high = bounds.low, bounds.high
    kept = n.minimum(n.maximum(a.attrs["value"], low), high)
    return w.const(kept), Range(min(max(own.low, low), high), min(max(own.high, low), high))


def is_known(wire: Wire) -> bool:
    """Whether a wire is a public value."""
    return wire.op == "const" and wire.handle is None


def bits_of_difference(a: Range, b: Range) -> int:
    """The least k >= 1 with -2^k <= x - y < 2^k for x, y in the ranges."""
    return max(1, Range(a.low - b.high, a.high - b.low).bits)


def less(a: Wire, b: Wire, bits: int | None = None) -> Wire:
    """a < b; `bits` as in `bits_of_difference`."""
    return w.ltz(w.sub(a, b), bits)


def equal(a: Wire, b: Wire, bits: int | None = None) -> Wire:
    """a == b; `bits` as in `bits_of_difference`."""
    return w.eqz(w.sub(a, b), bits)


def minimum(a: Wire, b: Wire, bits: int | None = None) -> Wire:
    return w.select(w.b2a(less(a, b, bits)), a, b)


def maximum(a: Wire, b: Wire, bits: int | None = None) -> Wire:
    return w.select(w.b2a(less(a, b, bits)), b, a)


def sign(a: Wire, range: Range) -> Wire | None:
    """1 or -1; None where `a` is never negative."""
    if range.low >= 0:
        return None
    if range.high < 0:
        return w.const(np.full(a.shape, -1))
    return w.shift(w.scale(w.b2a(w.ltz(a, bits_of_difference(range, ZERO))), -2), 1)


def absolute(a: Wire, range: Range) -> Wire:
    s = sign(a, range)
    return a if s is None else w.mul(a, s)


def _both(a: Wire | None, b: Wire | None) -> Wire | None:
    return a if b is None else b if a is None else w.mul(a, b)


def signed(a: Wire, s: Wire | None) -> Wire:
    return a if s is None else w.mul(a, s)


def quotient(a: Wire, b: Wire, x: Range, y: Range) -> Wire:
    """`a / b` toward zero; 0 where b is 0. `x`, `y`: the ranges of a and b."""
    b, y = near(b, y, Range(-x.magnitude, x.magnitude))
    divisor = constant(b)
    if divisor is not None and not 0 < abs(divisor) <= x.magnitude:
        return w.const(np.zeros(np.broadcast_shapes(a.shape, b.shape), dtype=np.int64))
    if a.op == "const" and b.op == "const":
        return w.const(n.trunc_div(a.attrs["value"], b.attrs["value"]))
    if divisor is not None and abs(divisor) & (abs(divisor) - 1) == 0:
        found = w.broadcast(toward_zero(a, x, abs(divisor).bit_length() - 1), np.broadcast_shapes(a.shape, b.shape))
        return w.neg(found) if divisor < 0 else found
    s = sign(a, x)
    size = signed(a, s)
    if divisor is not None:
        found = w.broadcast(w.divc(size, abs(divisor)), np.broadcast_shapes(a.shape, b.shape))
        return signed(w.neg(found) if divisor < 0 else found, s)
    t = sign(b, y)
    found, _ = w.divmod_(size, signed(b, t), magnitude_bits(x))
    return signed(found, _both(s, t))


def remainder(a: Wire, b: Wire, x: Range, y: Range) -> Wire:
    """What `quotient` leaves, with the sign of a; 0 where b is 0."""
    b, y = near(b, y, Range(-x.magnitude, x.magnitude))
    divisor = constant(b)
    shape = np.broadcast_shapes(a.shape, b.shape)
    if divisor == 0:
        return w.const(np.zeros(shape, dtype=np.int64))
    if divisor is not None:
        return w.sub(w.broadcast(a, shape), w.scale(quotient(a, b, x, y), divisor))
    s = sign(a, x)
    _, rest = w.divmod_(signed(a, s), signed(b, sign(b, y)), magnitude_bits(x))
    return signed(rest, s)


def rounded(a: Wire, fraction: int) -> Wire:
    """`a / 2^fraction` to the nearest, halves up."""
    return w.shr(w.shift(a, 1 << (fraction - 1)), fraction) if fraction else a


def product(a: Wire, b: Wire, fraction: int) -> Wire:
    """A product of raw numbers. A public whole factor of fixed point needs no rounding."""
    for known, other in ((a, b), (b, a)):
        if fraction and is_known(known):
            value = np.asarray(known.attrs["value"])
            if bool(np.all(value % (1 << fraction) == 0)):
                return w.scale(other, value // (1 << fraction))
    return rounded(w.mul(a, b), fraction)


def power(a: Wire, exponent: int, fraction: int) -> Wire:
    """Integers by repeated squaring; fixed point factor by factor, so that rounding is the language's."""
    if exponent == 0:
        return w.const(np.full(a.shape, 1 << fraction))
    if fraction:
        result = a
        for _ in range(exponent - 1):
            result = product(result, a, fraction)
        return result
    result_ = None
    while True:
        if exponent & 1:
            result_ = a if result_ is None else w.mul(result_, a)
        exponent >>= 1
        if not exponent:
            assert result_ is not None
            return result_
        a = w.mul(a, a)


def wrap(a: Wire, range: Range, low: int, high: int) -> Wire:
    """Modulo the number of values from `low` to `high` (a power of two), into that interval."""
    if low <= range.low and range.high <= high:
        return a
    bits = (high - low).bit_length()
    shifted = w.shift(a, -low)
    return w.shift(w.sub(shifted, w.scale(w.shr(shifted, bits), 1 << bits)), low)


def clamp(a: Wire, range: Range, low: int, high: int) -> Wire:
    """The nearest number from `low` to `high`; `a` is compared with both at once."""
    found = a
    if range.high > high:
        top = w.const(np.full(a.shape, high, dtype=object))
        found = w.select(w.b2a(less(top, a, bits_of_difference(Range(high, high), range))), top, found)
    if range.low < low:
        bottom = w.const(np.full(a.shape, low, dtype=object))
        found = w.select(w.b2a(less(a, bottom, bits_of_difference(range, Range(low, low)))), bottom, found)
    return found


def toward_zero(a: Wire, range: Range, count: int) -> Wire:
    """`a / 2^count`, truncated: the floor, of negative numbers after 2^count - 1 was added. One comparison, where the
    sign is not known, and a shift; nothing where `a` is a multiple by its making, or less than 2^count anyway.
    """
    exact = w.divided(a, count)
    if exact is not None:
        return exact
    if range.magnitude < 1 << count:
        return w.const(np.zeros(a.shape, dtype=np.int64))
    if range.high < 0:
        a = w.shift(a, (1 << count) - 1)
    elif range.low < 0:
        negative = w.b2a(w.ltz(a, bits_of_difference(range, ZERO)))
        a = w.add(a, w.scale(negative, (1 << count) - 1))
    return w.shr(a, count)


# ---- bits of integers


def to_bits(a: Wire, range: Range, bits: int) -> Wire:
    """Two's complement of `bits` bits, least significant first, on a new last axis."""
    if range.low >= 0:
        return w.a2b(a, bits)
    offset = w.a2b(w.shift(a, 1 << (bits - 1)), bits)
    flip = np.zeros(bits, dtype=bool)
    flip[-1] = True
    return w.xor(offset, w.const(flip, w.B))


def from_bits(a: Wire, negative: bool) -> Wire:
    """The integer of bits on the last axis; the last one counts negative in two's complement."""
    bits = a.shape[-1]
    weights = np.array([1 << i for i in range(bits)], dtype=object)
    if negative:
        weights[-1] = -weights[-1]
    return w.total(w.scale(w.b2a(a), weights), -1)


def bit_width(*ranges: Range) -> int:
    """Bits that hold every value of the ranges, with a sign bit if any may be negative."""
    negative = any(r.low < 0 for r in ranges)
    return max(1, *(r.bits for r in ranges)) + negative


def _in_common(a: Wire, own: Range, other: Range) -> tuple[Wire, Range]:
    """Of a public number those bits that a number in `other`, never negative, can have, too."""
    if not is_known(a) or own.bits <= NEAR_BITS or other.low < 0:
        return a, own
    top = (1 << other.bits) - 1
    return w.const(n.bitwise(operator.and_, a.attrs["value"], top)), Range(0, top)


def bitwise(op: str, a: Wire, b: Wire, x: Range, y: Range) -> Wire:
    if op == "band":
        (a, x), (b, y) = _in_common(a, x, y), _in_common(b, y, x)
    width = bit_width(x, y)
    negative = x.low < 0 or y.low < 0
    if negative:
        low = -1
        p, q = to_bits(a, Range(low, 0), width), to_bits(b, Range(low, 0), width)
    else:
        p, q = w.a2b(a, width), w.a2b(b, width)
    joined = {"band": w.and_, "bor": w.or_, "bxor": w.xor}[op](p, q)
    return from_bits(joined, negative)
