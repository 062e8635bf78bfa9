"""Shifts and divisions, exact and without slack (protocols.md §6), of x with -2^(q-2) <= x < 2^(q-2).

Adversary: honest but curious, at most t parties together, n >= 2t + 1. Rounds through kings: `mpc.wide.kings`.

With 0 <= e = x + 2^(q-2) < 2^(q-1), the addends U_i of e (`mpc.addends`) satisfy e = sum of U_i - p*W, W the carries
that re-entered. For t = 1 the last of them, and with it W, is the OR of the two addends' top bits (`mpc.compare`), each
known to whoever knows its addend: as integers a + b - ab, one product. The parts of each U_i are known like its bits.
"""

from collections.abc import Callable, Iterator

import numpy as np

from enigmalang.fields import Field, Raw
from enigmalang.mpc.addends import Addends, Part, Window, carry_save_window, lane_ranges, save_rounds, split_masked
from enigmalang.mpc.adder import and_row, carries
from enigmalang.mpc.bits import b2a_rounds, low_bits, planes_to_integers
from enigmalang.mpc.compare import ltz_rounds
from enigmalang.mpc.deal import reshare_locals, reshare_products
from enigmalang.mpc.party import Party
from enigmalang.mpc.pipeline import Rounds, in_round, overlapping, ranges, run
from enigmalang.sharing import ArithShare
from enigmalang.sharing.local import product

BATCH = 1 << 13  # comparisons that cost no more than the rounds which they save
DIVMOD_LANES = 3 << 14  # quotients computed at a time, with some twenty numbers for each
DIVMOD_BITS = 1 << 16  # bits that are integers at a time


def shr(party: Party, x: ArithShare, f: int, exact: bool = True) -> ArithShare:
    """floor(x / 2^f), or at most t units less when not `exact`. Shape kept.

    e >> f = sum of (U_i >> f) - W*2^(q-f) + K, K in [0, t] the carries out of the low parts.
    Rounds when not exact: 2 for t = 1, else t + 1 and `b2a`'s, and at most t^2 ANDs. Exact: t + 1 + ceil(log2(f + 1))
    and `b2a`'s, about (t + 2) f ANDs: for n = 3 and f = 16 9 rounds, 8 with random bits in stock. t elements dealt; 2t
    bits converted. Raises ValueError for f < 0.
    """
    with party.counters.phase("divisions"):
        return run(shr_rounds(party, x, f, exact))


def shr_rounds(party: Party, x: ArithShare, f: int, exact: bool = True) -> Rounds[ArithShare]:
    """`shr` round by round."""
    if f < 0:
        raise ValueError(f"a shift by {f}")
    f = min(f, party.field.q - 2)
    if f == 0:
        return x
    flat, field = x.flat(), party.field
    out = field.empty((x.size,))
    protocol = _shift_exactly if exact else _shift
    parts = lane_ranges(party, x.size, f + party.t, numbers=4)
    yield from overlapping(party, [_piece(party, protocol, flat[part], f, out[part]) for part in parts])
    return ArithShare(field, field.reshape(out, x.shape))


def _lifted(party: Party, d: Raw) -> Raw:
    return party.field.add(d, party.field.from_ints(_exact_int(1 << (party.field.q - 2))))


def _piece(party: Party, protocol: Callable[[Party, Raw, int], Rounds[Raw]], x: Raw, by: int, out: Raw) -> Rounds[None]:
    out[...] = yield from protocol(party, x, by)


def _shift(party: Party, d: Raw, f: int) -> Rounds[Raw]:
    field = party.field
    (shifted,), wraps = yield from _split_known(party, _lifted(party, d), lambda u, last: field.shift(u, f), 1)
    return _shifted(party, [shifted, wraps], [1, -(1 << (field.q - f))], f)


def _shift_exactly(party: Party, d: Raw, f: int) -> Rounds[Raw]:
    """Rows of the window: …, q - 1, 0, …, f - 1, f. The carries out of q - 1 are W, those out of f - 1 are K."""
    field, t = party.field, party.t
    top = save_rounds(t)  # the row of position q - 1
    window = Window(top + 1, f + 1)
    addends = yield from split_masked(party, _lifted(party, d), window, lambda u, last: field.shift(u, f))
    sums = yield from carry_save_window(party, addends)
    carry = yield from carries(party, sums.take(), f + 1, (f,), sums.lanes)
    wraps = [carry[:, 0], *sums.carries_out(top)]
    carried = [carry[:, f], *sums.carries_out(top + f)]
    values = yield from planes_to_integers(party, np.stack([*wraps, *carried], axis=1), sums.lanes)
    weights = [1] * (t + 1) + [-(1 << (field.q - f))] * t + [1] * t
    return _shifted(party, [*addends.parts, *values], weights, f)


def _shifted(party: Party, rows: list[Raw], weights: list[int], f: int) -> Raw:
    field = party.field
    total = field.combine([weights], np.stack(rows))[0]
    return field.sub(total, field.from_ints(_exact_int(1 << (field.q - 2 - f))))


def _split_known(party: Party, e: Raw, part: Part, count: int) -> Rounds[tuple[list[Raw], Raw]]:
    """For 0 <= e < 2^(q-1): the sums over its addends of `part`, which gives `count` numbers; and W.

    t = 1: two rounds, no bits. Else t + 1 rounds and `b2a`'s.
    """
    field, t, lanes = party.field, party.t, party.field.size_of(e)
    if t > 1 or party.structure.wide:
        addends = yield from split_masked(party, e, Window(save_rounds(t) + 1, 1), part)
        wraps = yield from _wraps(party, addends)
    else:
        top = field.q - 1
        addends = yield from split_masked(
            party, e, Window(0, 0), lambda u, last: np.concatenate([part(u, last), field.shift(u, top)])
        )
        a, b = (np.ascontiguousarray(parts[count * lanes :]) for parts in addends.parts)
        both = yield from in_round(party, lambda r: reshare_products(party, r, field.mul(a, b)))
        wraps = field.sub(field.add(a, b), both)
    rows = np.stack([parts[: count * lanes] for parts in addends.parts])
    total = field.combine([[1] * (t + 1)], rows)[0]
    return [total[i * lanes : (i + 1) * lanes] for i in range(count)], wraps


def _wraps(party: Party, addends: Addends) -> Rounds[Raw]:
    """The carries that re-entered, as one shared integer in [0, t]. Rows of the window: …, q - 1, 0."""
    field, t, lanes = party.field, party.t, addends.lanes
    sums = yield from carry_save_window(party, addends)
    both = yield from and_row(party, sums.s, sums.c, 0, lanes)
    either = sums.s[:, 0] ^ sums.c[:, 0] ^ both
    bits = [either, *sums.carries_out(save_rounds(t))]
    values = yield from planes_to_integers(party, np.stack(bits, axis=1), lanes)
    total: Raw = field.combine([[1] * t], np.stack(values))[0]
    return total


def _exact_int(value: int) -> object:
    return np.array(value, dtype=object)


def divc(party: Party, x: ArithShare, divisor: int) -> ArithShare:
    """floor(x / divisor) for a public divisor >= 1. Shape kept.

    Let c be the divisor, 2^(q-2) = A*c + B, p = c*Q + R; U_i = c*Q_i + R_i, for the last addend U_i - B. Then
    floor(x / c) = sum of Q_i - W*Q - A + floor(rho / c), where rho = sum of R_i - W*R lies in (-t*c, (t+1)*c), so
    2t comparisons of about log2(2tc) bits find the last term. A divisor near the field's size has few quotients: x is
    compared with the multiples themselves.
    Rounds: 2 for t = 1 (t + 1 and `b2a`'s for more), a comparison's and `b2a`'s: 9 for n = 3 and c = 10, 11 for
    c = 10^6; about 6 log2(2c) ANDs for t = 1. Raises ValueError for divisor < 1.
    """
    with party.counters.phase("divisions"):  # with the comparisons in them
        return run(divc_rounds(party, x, divisor))


def divc_rounds(party: Party, x: ArithShare, divisor: int) -> Rounds[ArithShare]:
    """`divc` round by round."""
    if divisor < 1:
        raise ValueError(f"a division by {divisor}")
    if divisor & (divisor - 1) == 0:
        return (yield from shr_rounds(party, x, divisor.bit_length() - 1))
    field, flat = party.field, x.flat()
    bound = 1 << (field.q - 2)
    if divisor * party.t >= bound:
        out = yield from _floor_between(party, flat, divisor, -(bound // divisor) - 1, bound // divisor)
    else:
        out = field.empty((x.size,))
        parts = lane_ranges(party, x.size, party.t, numbers=8)
        yield from overlapping(party, [_piece(party, _divide, flat[part], divisor, out[part]) for part in parts])
    return ArithShare(field, field.reshape(out, x.shape))


def _divide(party: Party, d: Raw, c: int) -> Rounds[Raw]:
    field, t = party.field, party.t
    lift, below = divmod(1 << (field.q - 2), c)

    def quotient_and_rest(u: Raw, last: bool) -> Raw:
        if not last:
            return np.concatenate(field.divide(u, c))
        high, low = field.divide(_increased(field, u, c - below), c)
        return np.concatenate([field.sub(high, field.from_ints(1)), low])

    (high, low), wraps = yield from _split_known(party, _lifted(party, d), quotient_and_rest, 2)
    quotient, rest = divmod(field.p, c)
    (high,) = field.combine([[1, -quotient]], np.stack([high, wraps]))
    (low,) = field.combine([[1, -rest]], np.stack([low, wraps]))
    more = yield from _floor_between(party, low, c, -t, t, (2 * t * c).bit_length())
    return field.sub(field.add(high, more), field.from_ints(_exact_int(lift)))


def _increased(field: Field, u: Raw, by: int) -> Raw:
    """Integers plus a public one below 2^(q-2), not reduced."""
    out = u.reshape(-1, field.limbs).copy()
    out[:, 0] += np.uint64(by & 0xFFFFFFFFFFFFFFFF)
    if field.limbs == 2:
        carry = out[:, 0] < np.uint64(by & 0xFFFFFFFFFFFFFFFF)
        out[:, 1] += np.uint64(by >> 64) + carry.astype(np.uint64)
    return out.reshape(u.shape)


def _floor_between(party: Party, x: Raw, c: int, low: int, high: int, bits: int | None = None) -> Rounds[Raw]:
    """floor(x / c), known to lie in [low, high]: high less the number of multiples above x, all at once.

    x less each multiple is below 2^bits, if that is known.
    """
    field = party.field
    multiples = field.from_ints(np.array([k * c for k in range(low + 1, high + 1)], dtype=object))
    below = yield from ltz_rounds(party, ArithShare(field, field.sub(x[None], multiples[:, None])), bits)
    count = yield from b2a_rounds(party, below)
    return field.sub(field.from_ints(high), field.sum(count.raw, 0))


def divmod_(party: Party, x: ArithShare, y: ArithShare, bits: int) -> ArithShare:
    """(floor(x / y), x mod y) on a new first axis, for 0 <= x < 2^bits, y >= 0; y = 0 gives (0, 0).

    Equal shapes. Restoring long division: the next digit is the number of multiples of y that fit, all compared
    at once. Short arrays use wider digits (fewer rounds), long ones narrower (fewer comparisons): of w bits, 2^w - 1
    comparisons of bits + w bits. Rounds for n = 3, 32 bits and up to 32 quotients: 65, with stocks for all 29; 11 (4) a
    digit. Two pieces' work is held: with operands and results 20 MB for 2^16 and 30 MB for 2^18 (measured, M61).
    Raises ValueError for bits out of range.
    """
    with party.counters.phase("divisions"):
        return run(divmod_rounds(party, x, y, bits))


def divmod_rounds(party: Party, x: ArithShare, y: ArithShare, bits: int) -> Rounds[ArithShare]:
    """`divmod_` round by round."""
    if not 1 <= bits <= party.field.q - 2:
        raise ValueError(f"bits = {bits}: wanted 1 to {party.field.q - 2}")
    field = party.field
    out = field.empty((2, x.size))
    numerators, denominators = x.flat(), y.flat()
    yield from overlapping(party, [
        _long_division(party, numerators[part], denominators[part], bits, out[:, part])
        for part in ranges(x.size, DIVMOD_LANES // field.limbs)])
    return ArithShare(field, field.reshape(out, (2, *x.shape)))


def _long_division(party: Party, x: Raw, y: Raw, bits: int, out: Raw) -> Rounds[None]:
    """Quotients and remainders, put into `out`."""
    field = party.field
    width = _digit_width(field.size_of(x), bits, field.q)
    divisor, zero = yield from _clipped(party, y, bits)
    quotient, rest = field.zeros(field.shape_of(x)), field.zeros(field.shape_of(x))
    planes = yield from low_bits(party, x, bits)
    for digits in _groups(field.size_of(x), bits, width):
        for digit in (yield from _digits(party, planes, digits, field.size_of(x))):
            rest = field.add(field.scale(rest, 1 << width), digit)
            fits = yield from _floor_shared(party, rest, divisor, bits, width)
            rest = field.sub(rest, (yield from _product(party, fits, divisor)))
            quotient = field.add(field.scale(quotient, 1 << width), fits)
    spoiled = yield from _product(party, zero, rest)
    out[0], out[1] = quotient, field.sub(rest, spoiled)


def _product(party: Party, x: Raw, y: Raw) -> Rounds[Raw]:
    return in_round(party, lambda r: reshare_locals(party, r, [product(party.field, x, y)]))


def _digit_width(lanes: int, bits: int, q: int) -> int:
    wanted = min(8, (BATCH // max(1, lanes)).bit_length() - 1)
    return max(1, min(wanted, bits, q - 1 - bits))  # so that all multiples stay in range


def _clipped(party: Party, y: Raw, bits: int) -> Rounds[tuple[Raw, Raw]]:
    """(y, or 2^bits where y is 0 or larger; whether y = 0). A divisor of 2^bits gives (0, x)."""
    field = party.field
    top = field.from_ints(_exact_int(1 << bits))
    one = field.from_ints(1)
    tests = np.stack([field.sub(y, one), field.sub(field.sub(top, one), y)])
    found = yield from ltz_rounds(party, ArithShare(field, tests))
    flags = (yield from b2a_rounds(party, found)).raw
    change = yield from _product(party, field.add(flags[0], flags[1]), field.sub(top, y))
    return field.add(y, change), flags[0]


def _groups(lanes: int, bits: int, width: int) -> Iterator[list[range]]:
    """The bits of each digit, the highest digit first, in groups whose bits are made integers together."""
    digits = [range(low, min(low + width, bits)) for low in reversed(range(0, bits, width))]
    count = max(1, DIVMOD_BITS // (width * max(1, lanes)))
    for start in range(0, len(digits), count):
        yield digits[start : start + count]


def _digits(party: Party, planes: Raw, digits: list[range], lanes: int) -> Rounds[Iterator[Raw]]:
    """Digits of a number as shared integers, from its bit planes."""
    bits = range(digits[-1].start, digits[0].stop)
    ones = yield from planes_to_integers(party, np.ascontiguousarray(planes[:, bits.start : bits.stop]), lanes)
    return (_digit(party.field, [ones[bit - bits.start] for bit in digit]) for digit in digits)


def _digit(field: Field, ones: list[Raw]) -> Raw:
    """The lowest bit first."""
    digit: Raw = field.combine([[1 << place for place in range(len(ones))]], np.stack(ones))[0]
    return digit


def _floor_shared(party: Party, x: Raw, y: Raw, bits: int, width: int) -> Rounds[Raw]:
    """floor(x / y) for 0 <= x < y * 2^width, y <= 2^bits, by comparing x with y, 2y, ... at once."""
    field, count = party.field, (1 << width) - 1
    multiples = field.combine([[k] for k in range(1, count + 1)], y[None])
    below = yield from ltz_rounds(party, ArithShare(field, field.sub(x[None], multiples)), bits + width)
    fitting = yield from b2a_rounds(party, below)
    return field.sub(field.from_ints(count), field.sum(fitting.raw, 0))
