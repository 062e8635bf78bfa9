"""Comparisons over the whole signed range, with perfect hiding and no slack (protocols.md §5).

Adversary: honest but curious, at most t parties together, n >= 2t + 1. Let q be the bits of the field.
"""

from collections.abc import Callable

import numpy as np

from enigmalang.fields import Raw, words_for
from enigmalang.mpc.addends import lane_ranges, masked_sum
from enigmalang.mpc.adder import and_all, fold_carries, wraps_once
from enigmalang.mpc.party import Party
from enigmalang.sharing import ArithShare, BitShare
from enigmalang.sharing.pseudorandom import clear_padding


def ltz(party: Party, x: ArithShare) -> BitShare:
    """x < 0 for x in (-p/2, p/2): the lowest bit of 2x mod p. Shape kept.

    Nishide, Ohta (PKC 2007) reduce to the lowest bit; the masked addends are ours (`mpc.addends`).
    Rounds: t + 1 + ceil(log2 q): 8 for n = 3 in M61. ANDs: q (t - 1) + q + 2 (q - 1): 181 for n = 3, 242 for
    n = 5. Per party and comparison at most 31 bytes for n = 3, about 84 for n = 5.
    """
    return _by_ranges(party, x, _lowest_bit_of_double)


def eqz(party: Party, x: ArithShare) -> BitShare:
    """x = 0, exactly: S + C is a multiple of p just when S xor C is all ones. Shape kept.

    Rounds: t + ceil(log2 q): 7 for n = 3 in M61. ANDs: q (t - 1) + q - 1.
    """
    return _by_ranges(party, x, _all_ones)


def _by_ranges(party: Party, x: ArithShare, test: Callable[[Party, Raw], Raw]) -> BitShare:
    lanes, flat = x.size, x.flat()
    out = np.empty((party.pieces, words_for(lanes)), np.uint64)
    with party.counters.phase("comparisons"):
        for part in lane_ranges(party, lanes):
            out[:, part.start // 64 : words_for(part.stop)] = test(party, flat[part])
    clear_padding(out, lanes)
    party.counters.comparisons += lanes
    return BitShare(out, x.shape)


def _lowest_bit_of_double(party: Party, d: Raw) -> Raw:
    sums = masked_sum(party, party.field.add(d, d))
    g, p = fold_carries(party, sums, (party.field.q - 1,))
    return sums.s[:, 0] ^ sums.c[:, 0] ^ wraps_once(g, p)


def _all_ones(party: Party, d: Raw) -> Raw:
    sums = masked_sum(party, d)
    return and_all(party, sums.s ^ sums.c, sums.lanes)
