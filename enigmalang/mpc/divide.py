"""Shifts and divisions, exact over the whole signed range and without slack (protocols.md §6).

Adversary: honest but curious, at most t parties together, n >= 2t + 1. |x| <= 2^(q-2) throughout.

With e = x + a positive multiple of the divisor, the addends U_i of e (`mpc.addends`) satisfy
e = sum of U_i - p*W, W = the carries that re-entered; the parts of each U_i are known to whoever knows U_i.
"""

from collections.abc import Iterator

import numpy as np

from enigmalang.fields import Raw
from enigmalang.mpc.addends import Addends, Sum, carry_save, lane_ranges, split_masked
from enigmalang.mpc.adder import fold_carries, wraps_once
from enigmalang.mpc.bits import a2b, b2a, planes_to_integers
from enigmalang.mpc.compare import ltz
from enigmalang.mpc.deal import and_planes
from enigmalang.mpc.multiply import mul
from enigmalang.mpc.party import Party, alone
from enigmalang.sharing import ArithShare, BitShare

DIVMOD_LANES = 1 << 16  # quotients computed at a time: their bits are held as integers


def shr(party: Party, x: ArithShare, f: int, exact: bool = True) -> ArithShare:
    """floor(x / 2^f), or at most t units less when not `exact`. Shape kept.

    e >> f = sum of (U_i >> f) - W*2^(q-f) + K, K in [0, t] the carries out of the low parts.
    Rounds: t + 2 + ceil(log2 q), one less when not exact, and `b2a`'s: 11 for n = 3 in M61.
    About the ANDs of one comparison; t elements dealt and 2t bits converted. Raises ValueError for f < 0.
    """
    if f < 0:
        raise ValueError(f"a shift by {f}")
    f = min(f, party.field.q - 2)
    if f == 0:
        return x
    flat, field = x.flat(), party.field
    out = field.empty((x.size,))
    with party.counters.phase("divisions"):
        for part in lane_ranges(party, x.size):
            out[part] = _shift(party, flat[part], f, exact)
    return ArithShare(field, field.reshape(out, x.shape))


def _shift(party: Party, d: Raw, f: int, exact: bool) -> Raw:
    field, q = party.field, party.field.q
    e = field.add(d, field.from_ints(_exact_int(1 << (q - 2))))
    addends = split_masked(party, e, lambda u: field.shift(u, f))
    sums = carry_save(party, addends)
    g, p = fold_carries(party, sums, (f - 1, q - 1) if exact else (q - 1,))
    wrap = wraps_once(g, p)
    bits = [wrap, *sums.wraps]
    weights = [-(1 << (q - f))] * party.t
    if exact:
        bits += [_carry_into(party, g, p, wrap, f, addends.lanes), *(m[:, f - 1] for m in sums.majorities)]
        weights += [1] * party.t
    values = planes_to_integers(party, np.stack(bits, axis=1), field.size_of(d))
    rows = np.stack([*addends.parts, *values])
    total = field.combine([[1] * (party.t + 1) + weights], rows)[0]
    return field.sub(total, field.from_ints(_exact_int(1 << (q - 2 - f))))


def _carry_into(party: Party, g: Raw, p: Raw, wrap: Raw, f: int, lanes: int) -> Raw:
    """The carry of S + C + wrap into bit f: (pieces, words). One round, one AND."""
    row, first = np.array([f - 1], np.int64), np.zeros(1, np.int64)
    carried = alone(party, lambda r: and_planes(party, r, p, row, wrap[:, None], first, lanes))
    out: Raw = g[:, f - 1] ^ carried[:, 0]
    return out


def _exact_int(value: int) -> object:
    return np.array(value, dtype=object)


def divc(party: Party, x: ArithShare, divisor: int) -> ArithShare:
    """floor(x / divisor) for a public divisor >= 1. Shape kept.

    With U_i = c*Q_i + R_i and p = c*Q + R: floor(e / c) = sum of Q_i - W*Q + floor(rho / c), where
    rho = sum of R_i - W*R lies in (-t*c, (t+1)*c), so 2t comparisons find the last term. A divisor near the
    field's size has few quotients: x is compared with the multiples themselves.
    Rounds for n = 3 in M61: 20 (11 for a power of two). ANDs: 2t + 1 comparisons. Raises ValueError for
    divisor < 1.
    """
    if divisor < 1:
        raise ValueError(f"a division by {divisor}")
    if divisor & (divisor - 1) == 0:
        return shr(party, x, divisor.bit_length() - 1)
    field, flat = party.field, x.flat()
    bound = 1 << (field.q - 2)
    if divisor * party.t >= bound:
        out = _floor_between(party, flat, divisor, -(bound // divisor) - 1, bound // divisor)
    else:
        out = field.empty((x.size,))
        for part in lane_ranges(party, x.size):
            out[part] = _divide(party, flat[part], divisor)
    return ArithShare(field, field.reshape(out, x.shape))


def _divide(party: Party, d: Raw, c: int) -> Raw:
    field, q, t = party.field, party.field.q, party.t
    lanes, lift = field.size_of(d), (1 << (q - 2)) // c + 1
    e = field.add(d, field.from_ints(_exact_int(lift * c)))
    with party.counters.phase("divisions"):
        addends = split_masked(party, e, lambda u: np.concatenate(field.divide(u, c)))
        wraps = _wraps(party, addends, lanes)
    quotient, rest = divmod(field.p, c)
    rows = np.stack([*addends.parts, *(np.concatenate([w, w]) for w in wraps)])
    high = field.combine([[1] * (t + 1) + [-quotient] * t], np.ascontiguousarray(rows[:, :lanes]))[0]
    low = field.combine([[1] * (t + 1) + [-rest] * t], np.ascontiguousarray(rows[:, lanes:]))[0]
    total = field.add(high, _floor_between(party, low, c, -t, t))
    return field.sub(total, field.from_ints(_exact_int(lift)))


def _wraps(party: Party, addends: Addends, lanes: int) -> list[Raw]:
    """The carries that re-entered, as t shared 0/1 integers."""
    sums: Sum = carry_save(party, addends)
    g, p = fold_carries(party, sums, (party.field.q - 1,))
    bits = np.stack([wraps_once(g, p), *sums.wraps], axis=1)
    return planes_to_integers(party, bits, lanes)


def _floor_between(party: Party, x: Raw, c: int, low: int, high: int) -> Raw:
    """floor(x / c), known to lie in [low, high]: high less the number of multiples above x, all at once."""
    field = party.field
    multiples = field.from_ints(np.array([k * c for k in range(low + 1, high + 1)], dtype=object))
    below = ltz(party, ArithShare(field, field.sub(x[None], multiples[:, None])))
    count = field.sum(b2a(party, below).raw, 0)
    return field.sub(field.from_ints(high), count)


def divmod_(party: Party, x: ArithShare, y: ArithShare, bits: int) -> ArithShare:
    """(floor(x / y), x mod y) on a new first axis, for 0 <= x < 2^bits, y >= 0; y = 0 gives (0, 0).

    Equal shapes. Restoring long division: the next digit is the number of multiples of y that fit, all compared
    at once. Short arrays use wider digits (fewer rounds), long ones narrower (fewer comparisons). Rounds for
    n = 3 in M61: 22 + 11 a digit. Raises ValueError for bits out of range.
    """
    if not 1 <= bits <= party.field.q - 2:
        raise ValueError(f"bits = {bits}: wanted 1 to {party.field.q - 2}")
    field = party.field
    out = field.empty((2, x.size))
    numerators, denominators = x.flat(), y.flat()
    for start in range(0, x.size, DIVMOD_LANES):
        part = slice(start, min(start + DIVMOD_LANES, x.size))
        out[:, part] = _long_division(party, numerators[part], denominators[part], bits)
    return ArithShare(field, field.reshape(out, (2, *x.shape)))


def _long_division(party: Party, x: Raw, y: Raw, bits: int) -> Raw:
    field = party.field
    width = _digit_width(field.size_of(x), bits, field.q)
    divisor, zero = _clipped(party, y, bits)
    quotient, rest = field.zeros(field.shape_of(x)), field.zeros(field.shape_of(x))
    for digit in _digits(party, x, bits, width):
        rest = field.add(field.scale(rest, 1 << width), digit)
        fits = _floor_shared(party, rest, divisor, width)
        rest = field.sub(rest, mul(party, ArithShare(field, fits), ArithShare(field, divisor)).raw)
        quotient = field.add(field.scale(quotient, 1 << width), fits)
    spoiled = mul(party, ArithShare(field, zero), ArithShare(field, rest)).raw
    return np.stack([quotient, field.sub(rest, spoiled)])


def _digit_width(lanes: int, bits: int, q: int) -> int:
    wanted = 4 if lanes <= 128 else 2 if lanes <= 8192 else 1
    return max(1, min(wanted, bits, q - 2 - bits))  # so that all multiples stay in range


def _clipped(party: Party, y: Raw, bits: int) -> tuple[Raw, Raw]:
    """(y, or 2^bits where y is 0 or larger; whether y = 0). A divisor of 2^bits gives (0, x)."""
    field = party.field
    top = field.from_ints(_exact_int(1 << bits))
    one = field.from_ints(1)
    tests = np.stack([field.sub(y, one), field.sub(field.sub(top, one), y)])
    flags = b2a(party, ltz(party, ArithShare(field, tests))).raw
    replaced = ArithShare(field, field.add(flags[0], flags[1]))
    change = mul(party, replaced, ArithShare(field, field.sub(top, y)))
    return field.add(y, change.raw), flags[0]


def _digits(party: Party, x: Raw, bits: int, width: int) -> Iterator[Raw]:
    """The digits of x as shared integers, the highest first."""
    field, lanes = party.field, party.field.size_of(x)
    ones = b2a(party, a2b(party, ArithShare(field, x), bits)).raw  # (lanes, bits)
    for low in reversed(range(0, bits, width)):
        columns = range(low, min(low + width, bits))
        rows = np.stack([field.flat(ones[:, j]) for j in columns])
        digit = field.combine([[1 << (j - low) for j in columns]], rows)[0]
        yield field.reshape(digit, (lanes,))


def _floor_shared(party: Party, x: Raw, y: Raw, width: int) -> Raw:
    """floor(x / y) for 0 <= x < y * 2^width, by comparing x with y, 2y, ... at once."""
    field, count = party.field, (1 << width) - 1
    multiples = field.combine([[k] for k in range(1, count + 1)], y[None])
    below: BitShare = ltz(party, ArithShare(field, field.sub(x[None], multiples)))
    return field.sub(field.from_ints(count), field.sum(b2a(party, below).raw, 0))
