"""Comparisons with perfect hiding and no slack (protocols.md §5), over the whole signed range or a smaller one.

Adversary: honest but curious, at most t parties together, n >= 2t + 1. Let q be the bits of the field. The rounds of
many comparisons in wide committees: `mpc.wide.kings`.

Of a value known to be small, few bits are needed. Let 0 <= e < 2^(q-1) and S + C = e + W*p the sum of its masked
addends (`mpc.addends`). Without a wrap both are at most e and their top bits are 0; with one, one of them is at least
p/2, so its top bit is 1. So W = s_(q-1) OR c_(q-1), exactly, and e = S + C + W modulo any 2^j: its low bits come from
the low bits of S and C. What is opened is uniform as ever, for the mask is.
"""

from collections.abc import Callable

import numpy as np

from enigmalang.fields import Raw, words_for
from enigmalang.mpc.addends import Window, carry_save, carry_save_window, lane_ranges, save_rounds, split_masked
from enigmalang.mpc.adder import and_all, carries
from enigmalang.mpc.lookup import looked_up
from enigmalang.mpc.party import Party
from enigmalang.mpc.pipeline import Rounds, overlapping, run
from enigmalang.sharing import ArithShare, BitShare
from enigmalang.sharing.pseudorandom import clear_padding

Test = Callable[[Party, Raw], Rounds[Raw]]


def ltz(party: Party, x: ArithShare, bits: int | None = None) -> BitShare:
    """x < 0 for x in (-p/2, p/2), or, cheaper, for -2^bits <= x < 2^bits, 1 <= bits <= q - 2. Shape kept.

    The whole range: the lowest bit of 2x mod p (Nishide, Ohta, PKC 2007). A smaller one: the bit of weight 2^bits
    of 2^bits - 1 - x. Outside its range the answer is wrong, and no more is opened.
    Rounds, for w = q or bits + 1: t + 1 + ceil(log2 w): 8 for n = 3 in M61, 7 for 31 bits. ANDs: 3 w - 2 - ceil(log2 w)
    and w (t - 1), for a smaller range t (t - 1) / 2 more: 175 for n = 3 in M61, 89 for 31 bits; 236 and 122 for n = 5.
    Per party and comparison at most 38 bytes for n = 3 in M61, 24 for 31 bits; 91 and 55 for n = 5.
    With tables in stock (`mpc.lookup`; in M127 for less than 64 bits) 2 rounds, no ANDs.
    """
    with party.counters.phase("comparisons"):
        return run(ltz_rounds(party, x, bits))


def ltz_rounds(party: Party, x: ArithShare, bits: int | None = None) -> Rounds[BitShare]:
    """`ltz` round by round."""
    if bits is not None and bits < 1:
        raise ValueError(f"bits = {bits}")
    ahead = yield from looked_up(party, x.flat(), bits, equal=False)
    if ahead is not None:
        return _compared(party, ahead, x)
    if bits is None or bits > party.field.q - 2:
        return (yield from _by_ranges(party, x, party.field.q, _lowest_bit_of_double))
    return (yield from _by_ranges(party, x, bits + 2, lambda party, d: _top_bit(party, d, bits)))


def eqz(party: Party, x: ArithShare, bits: int | None = None) -> BitShare:
    """x = 0, for any x, or, cheaper, for |x| <= 2^bits, bits >= 1. Shape kept.

    S + C is a multiple of p just when S xor C is all ones. For a small x the low bits + 1 of them tell: S + C = x -
    W modulo 2^(bits+1), W the multiples of p in the sum: 0 or 1 for x > 0, 1 for x = 0, 1 or 2 for x < 0.
    Rounds, for w = q or bits + 1: t + ceil(log2 w): 7 for n = 3 in M61, 6 for 31 bits. ANDs: w t - 1, for a smaller
    range (t - 1) (t - 2) / 2 more. With tables in stock 2 rounds.
    """
    with party.counters.phase("comparisons"):
        return run(eqz_rounds(party, x, bits))


def eqz_rounds(party: Party, x: ArithShare, bits: int | None = None) -> Rounds[BitShare]:
    """`eqz` round by round."""
    if bits is not None and bits < 1:
        raise ValueError(f"bits = {bits}")
    ahead = yield from looked_up(party, x.flat(), bits, equal=True)
    if ahead is not None:
        return _compared(party, ahead, x)
    if bits is None or bits > party.field.q - 2:
        return (yield from _by_ranges(party, x, party.field.q, _all_ones))
    return (yield from _by_ranges(party, x, bits + 1, lambda party, d: _low_ones(party, d, bits)))


def _compared(party: Party, words: Raw, x: ArithShare) -> BitShare:
    party.counters.comparisons += x.size
    return BitShare(words, x.shape)


def _by_ranges(party: Party, x: ArithShare, rows: int, test: Test) -> Rounds[BitShare]:
    lanes, flat, numbers = x.size, x.flat(), 2 * (party.field.limbs - 1)  # those of M127 are more than narrow planes
    out = np.empty((party.pieces, words_for(lanes)), np.uint64)
    pieces = [_piece(party, test, flat[part], out, part) for part in lane_ranges(party, lanes, rows, numbers)]
    yield from overlapping(party, pieces)
    clear_padding(out, lanes)
    return _compared(party, out, x)


def _piece(party: Party, test: Test, x: Raw, out: Raw, part: slice) -> Rounds[None]:
    out[:, part.start // 64 : words_for(part.stop)] = yield from test(party, x)


def _lowest_bit_of_double(party: Party, d: Raw) -> Rounds[Raw]:
    """S + C >= p just when S + C + 1 carries out of bit q - 1; the lowest bit of S + C - p flips then."""
    sums = yield from carry_save(party, (yield from split_masked(party, party.field.add(d, d))))
    q = party.field.q
    lowest = sums.s[:, 0] ^ sums.c[:, 0]
    carry = yield from carries(party, sums.take(), q, (q - 1,), sums.lanes)
    out: Raw = lowest ^ carry[:, -1]
    return out


def _top_bit(party: Party, d: Raw, bits: int) -> Rounds[Raw]:
    """Rows of the window: q - 1, then 0, …, `bits`. The first ORs to W, which is the carry into the others."""
    window = Window(save_rounds(party.t) + 1, bits + 1)
    above = party.field.from_ints((1 << bits) - 1)
    sums = yield from carry_save_window(party, (yield from split_masked(party, party.field.sub(above, d), window)))
    top = sums.s[:, -1] ^ sums.c[:, -1]
    carry = yield from carries(party, sums.take(), bits + 1, (bits,), sums.lanes)
    out: Raw = top ^ carry[:, -1]
    return out


def _all_ones(party: Party, d: Raw) -> Rounds[Raw]:
    sums = yield from carry_save(party, (yield from split_masked(party, d)))
    return (yield from and_all(party, sums.s ^ sums.c, sums.lanes))


def _low_ones(party: Party, d: Raw, bits: int) -> Rounds[Raw]:
    addends = yield from split_masked(party, d, Window(save_rounds(party.t), bits + 1))
    sums = yield from carry_save_window(party, addends)
    return (yield from and_all(party, sums.s ^ sums.c, sums.lanes))
