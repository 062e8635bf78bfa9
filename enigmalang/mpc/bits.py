"""Operations on replicated bits, and between bits and integers.

Adversary: honest but curious, at most t parties together, n >= 2t + 1.
"""

import numpy as np
import numpy.typing as npt

from enigmalang.fields import Raw, unpack_bits
from enigmalang.mpc.addends import deal_known, lane_ranges, masked_sum
from enigmalang.mpc.adder import fold_carries, wraps_once
from enigmalang.mpc.deal import and_planes, reshare_products
from enigmalang.mpc.party import Party, alone
from enigmalang.sharing import ArithShare, BitShare
from enigmalang.sharing.secret import join_arith, split_arith


def xor(x: BitShare, y: BitShare) -> BitShare:
    """Local; equal shapes."""
    return BitShare(x.words ^ y.words, x.shape)


def public_bits(party: Party, words: Raw, shape: tuple[int, ...]) -> BitShare:
    """Shares of bits that everyone knows: the piece of the first set. Local."""
    out = np.zeros((party.pieces, words.shape[-1]), np.uint64)
    if party.held[0] == party.structure.subsets[0]:
        out[0] = words
    return BitShare(out, shape)


def negate(party: Party, x: BitShare) -> BitShare:
    """NOT: the first set's piece is flipped. Local. Padding lanes stay 0."""
    ones = np.full(x.words.shape[1], 0xFFFFFFFFFFFFFFFF, np.uint64)
    if x.size % 64:
        ones[-1] = (1 << (x.size % 64)) - 1
    return xor(x, public_bits(party, ones, x.shape))


def and_(party: Party, x: BitShare, y: BitShare) -> BitShare:
    """AND of equal shapes. One round; per dealing party n - 1 - t bits: 1, 2, 3, 4 for n = 3, 5, 7, 9.

    Replicated multiplication (Araki et al., CCS 2016, for three parties; Cramer-Damgard-Ishai in general).
    """
    left, right = x.words[:, None, :], y.words[:, None, :]
    out = alone(party, lambda r: and_planes(party, r, left, None, right, None, x.size))
    return BitShare(out[:, 0], x.shape)


def b2a(party: Party, x: BitShare) -> ArithShare:
    """Bits to integers 0/1. Shape kept.

    The XOR of the pieces of sets whose smallest member is i <= t is known to party i, who deals it as an
    integer; the last piece is shared already. Then t XORs, a + b - 2ab, in a tree.
    Rounds: 1 + ceil(log2(t + 1)): 2 for n = 3, 3 for n = 5, 7. Products: t, and t dealings.
    """
    with party.counters.phase("conversions"):
        (value,) = planes_to_integers(party, x.words[:, None], x.size)
    return ArithShare(party.field, party.field.reshape(value, x.shape))


def planes_to_integers(party: Party, planes: Raw, lanes: int) -> list[Raw]:
    """`b2a` of m planes at once: (pieces, m, words) to m arrays (lanes,)."""
    field, m = party.field, planes.shape[1]
    mine = last = None
    if party.me <= party.t:
        groups = [i for i, subset in enumerate(party.held) if subset[0] == party.me]
        mine = _integers(party, np.bitwise_xor.reduce(planes[groups], axis=0), lanes)
    if party.me in party.structure.last:
        last = _integers(party, planes[party.held.index(party.structure.last)], lanes)
    round_ = party.round()
    dealt = deal_known(party, round_, mine, m * lanes)
    round_.run()
    values = dealt(last)
    while len(values) > 1:
        values = _xor_pairs(party, values)
    return split_arith(field, values[0], [(lanes,)] * m)


def _integers(party: Party, planes: Raw, lanes: int) -> Raw:
    return party.field.from_ints(unpack_bits(planes, lanes).reshape(-1))


def _xor_pairs(party: Party, values: list[Raw]) -> list[Raw]:
    field, half = party.field, len(values) // 2
    lefts, rights = join_arith(field, values[:half]), join_arith(field, values[half : 2 * half])
    products = alone(party, lambda r: reshare_products(party, r, field.mul(lefts, rights)))
    joined = field.sub(field.add(lefts, rights), field.add(products, products))
    count = field.size_of(values[0])
    return [*split_arith(field, joined, [(count,)] * half), *values[2 * half :]]


def a2b(party: Party, x: ArithShare, bits: int) -> BitShare:
    """0 <= x < 2^bits to its bits, least significant first, on a new last axis; bits <= q.

    x = S + C - p*w = (S + C + w) mod 2^q: a prefix adder whose carry in is its own carry out.
    Rounds: t + 2 + ceil(log2 q): 9 for n = 3 in M61. Raises ValueError for bits out of range.
    """
    if not 1 <= bits <= party.field.q:
        raise ValueError(f"bits = {bits}: wanted 1 to {party.field.q}")
    lanes, flat = x.size, x.flat()
    out = np.empty((party.pieces, lanes, bits), np.uint8)
    with party.counters.phase("conversions"):
        for part in lane_ranges(party, lanes):
            planes = _low_bits(party, flat[part], bits)
            out[:, part] = _lane_major(planes, part.stop - part.start)
    return BitShare.packed(out.reshape(party.pieces, *x.shape, bits))


def _lane_major(planes: Raw, lanes: int) -> npt.NDArray[np.uint8]:
    return unpack_bits(planes, lanes).transpose(0, 2, 1)


def _low_bits(party: Party, x: Raw, bits: int) -> Raw:
    sums = masked_sum(party, x)
    q = party.field.q
    g, p = fold_carries(party, sums, (*range(bits - 1), q - 1))
    wrap = wraps_once(g, p)[:, None]
    low = np.arange(bits - 1, dtype=np.int64)
    out = (sums.s ^ sums.c)[:, :bits]
    out[:, :1] ^= wrap
    if bits > 1:
        again = np.zeros(bits - 1, np.int64)
        carried = alone(party, lambda r: and_planes(party, r, p, low, wrap, again, sums.lanes))
        out[:, 1:] ^= g[:, : bits - 1] ^ carried
    return out
