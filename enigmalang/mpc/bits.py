"""Operations on replicated bits, and between bits and integers.

Adversary: honest but curious, at most t parties together, n >= 2t + 1. Rounds through kings: `mpc.wide.kings`.
"""

import numpy as np

from enigmalang.fields import Raw, bit_integers, pack_bits, unpack_bits, words_for
from enigmalang.mpc.addends import Window, carry_save_window, deal_known, lane_ranges, save_rounds, split_masked
from enigmalang.mpc.adder import carries
from enigmalang.mpc.deal import and_planes, reshare_locals
from enigmalang.mpc.opening import open_words
from enigmalang.mpc.party import PIECE, Party, alone
from enigmalang.mpc.pipeline import Rounds, in_round, overlapping, ranges, run
from enigmalang.mpc.wide.addends import deal_terms
from enigmalang.mpc.wide.words import own_words, public_words
from enigmalang.sharing import ArithShare, BitShare
from enigmalang.sharing.local import product
from enigmalang.sharing.secret import join_arith, split_arith

#: Numbers whose bits are unpacked at a time: a byte for each.
UNPACKED = 1 << 12
#: Elements that are worked on at a time where what comes of them takes their place: they stay in a cache.
AT_ONCE = 1 << 13


def xor(x: BitShare, y: BitShare) -> BitShare:
    """Local; equal shapes."""
    return BitShare(x.words ^ y.words, x.shape)


def public_bits(party: Party, words: Raw, shape: tuple[int, ...]) -> BitShare:
    """Shares of bits that everyone knows: the piece of the first set. Local."""
    if party.structure.wide:
        return BitShare(public_words(party, words), shape)
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
    """AND of equal shapes. One round; per dealing party n - 1 - t bits: 1, 2, 3 for n = 3, 5, 7; as many
    numbers of k bits in a wide committee, or two rounds and fewer (`mpc.wide.kings`) for many ANDs.

    Replicated multiplication (Araki et al., CCS 2016, for three parties; Cramer-Damgard-Ishai in general).
    """
    left, right = x.words[:, None, :], y.words[:, None, :]
    out = alone(party, lambda r: and_planes(party, r, left, None, right, None, x.size))
    return BitShare(out[:, 0], x.shape)


def b2a(party: Party, x: BitShare) -> ArithShare:
    """Bits to integers 0/1. Shape kept.

    The XOR of the pieces of sets whose smallest member is i <= t is known to party i, who deals it as an
    integer; the last piece is shared already. Then t XORs, a + b - 2ab, in a tree.
    Rounds: 1 + ceil(log2(t + 1)): 2 for n = 3, 3 for n = 5, 7. Products: t, and t dealings. With random bits in
    stock one round: x XOR r is opened, t bits per party and bit (protocols.md §5).
    """
    with party.counters.phase("conversions"):
        return run(b2a_rounds(party, x))


def b2a_rounds(party: Party, x: BitShare) -> Rounds[ArithShare]:
    """`b2a` round by round."""
    out = party.field.empty((x.size,))
    piece = PIECE >> 2 * (party.field.limbs - 1)  # in M127 several of an element for each bit are held
    parts = ranges(x.size, x.size if party.structure.wide else piece)
    yield from overlapping(party, [_piece_to_integers(party, x.words, part, out) for part in parts])
    return ArithShare(party.field, party.field.reshape(out, x.shape))


def b2a_sums(party: Party, x: BitShare, weights: Raw, out: Raw) -> list[Rounds[None]]:
    """Pieces, for `overlapping`: the sum of x[..., j] * weights[j] is put into `out`, one for each of x's rows.

    As many bits as a piece has are integers at a time. Rounds and elements are those of `b2a`.
    """
    width = x.shape[-1]
    rows = x.size // width
    parts = ranges(rows, rows if party.structure.wide else PIECE // width)
    return [_piece_to_sums(party, x.words, part, weights, out) for part in parts]


def _piece_to_sums(party: Party, words: Raw, part: slice, weights: Raw, out: Raw) -> Rounds[None]:
    field, rows, width = party.field, part.stop - part.start, party.field.size_of(weights)
    first = part.start // 64 * width
    planes = np.ascontiguousarray(words[:, None, first : first + words_for(rows * width)])
    (bits,) = yield from planes_to_integers(party, planes, rows * width)
    out[part] = field.sum(field.mul(field.reshape(bits, (rows, width)), weights[None]), 1)


def _piece_to_integers(party: Party, words: Raw, part: slice, out: Raw) -> Rounds[None]:
    planes = np.ascontiguousarray(words[:, None, part.start // 64 : words_for(part.stop)])
    (out[part],) = yield from planes_to_integers(party, planes, part.stop - part.start)


def planes_to_integers(party: Party, planes: Raw, lanes: int) -> Rounds[list[Raw]]:
    """`b2a` of m planes at once: (pieces, m, words) to m arrays (lanes,)."""
    ahead = party.stock.take_bits(planes.shape[1], lanes)
    return make_integers(party, planes, lanes) if ahead is None else _opened_integers(party, planes, lanes, *ahead)


def _opened_integers(party: Party, planes: Raw, lanes: int, words: Raw, elements: Raw) -> Rounds[list[Raw]]:
    """With x XOR r = m opened, x = r for m = 0 and 1 - r for m = 1. m is uniform: r is."""
    field, m = party.field, planes.shape[1]
    masked = (planes ^ words).reshape(party.pieces, -1)
    opened = yield from in_round(party, lambda r: open_words(party, r, masked))
    flipped = unpack_bits(opened.reshape(m, -1), lanes).reshape(-1, *(1 for _ in field.tail)) != 0
    ones = field.from_ints(np.ones(m * lanes, np.uint8))
    return split_arith(field, np.where(flipped, field.sub(ones, elements), elements), [(lanes,)] * m)


def make_integers(party: Party, planes: Raw, lanes: int) -> Rounds[list[Raw]]:
    """`planes_to_integers` without a stock."""
    values = yield from _dealt_terms(party, planes, lanes)
    while len(values) > 1:
        values = yield from _xor_pairs(party, values)
    return split_arith(party.field, values[0], [(lanes,)] * planes.shape[1])


def _dealt_terms(party: Party, planes: Raw, lanes: int) -> Rounds[list[Raw]]:
    """t + 1 shared arrays of 0/1 whose XOR the planes are. One round."""
    count = planes.shape[1] * lanes
    if party.structure.wide:
        own = own_words(party, planes)
        return (yield from deal_terms(party, None if own is None else _integers(party, own, lanes), count))
    mine = last = None
    if party.me <= party.t:
        groups = [i for i, subset in enumerate(party.held) if subset[0] == party.me]
        mine = _integers(party, np.bitwise_xor.reduce(planes[groups], axis=0), lanes)
    if party.me in party.structure.last:
        last = _integers(party, planes[party.held.index(party.structure.last)], lanes)
    round_ = party.round()
    dealt = deal_known(party, round_, mine, count)
    yield round_
    return dealt(last)


def _integers(party: Party, planes: Raw, lanes: int) -> Raw:
    return bit_integers(party.field, planes, lanes)


def _xor_pairs(party: Party, values: list[Raw]) -> Rounds[list[Raw]]:
    field, half = party.field, len(values) // 2
    lefts, rights = join_arith(field, values[:half]), join_arith(field, values[half : 2 * half])
    joined = yield from in_round(party, lambda r: reshare_locals(party, r, [product(field, lefts, rights)]))
    for start in range(0, field.size_of(joined), AT_ONCE):  # a + b - 2ab, where ab is
        part = slice(start, start + AT_ONCE)
        joined[part] = field.sub(field.add(lefts[part], rights[part]), field.add(joined[part], joined[part]))
    count = field.size_of(values[0])
    return [*split_arith(field, joined, [(count,)] * half), *values[2 * half :]]


def a2b(party: Party, x: ArithShare, bits: int) -> BitShare:
    """0 <= x < 2^bits to its bits, least significant first, on a new last axis; bits <= q - 1.

    x = S + C + W modulo 2^bits, W the OR of the top bits of S and C (`mpc.compare`): a prefix adder.
    Rounds: t + 1 + ceil(log2 bits): 7 for n = 3 and 32 bits. ANDs, t = 1: bits, and about bits * log2(bits).
    Raises ValueError for bits out of range.
    """
    with party.counters.phase("conversions"):
        return run(a2b_rounds(party, x, bits))


def a2b_rounds(party: Party, x: ArithShare, bits: int) -> Rounds[BitShare]:
    """`a2b` round by round."""
    if not 1 <= bits < party.field.q:
        raise ValueError(f"bits = {bits}: wanted 1 to {party.field.q - 1}")
    lanes, flat = x.size, x.flat()
    out = np.empty((party.pieces, words_for(lanes * bits)), np.uint64)
    parts = lane_ranges(party, lanes, 2 * bits, numbers=3)
    yield from overlapping(party, [_bits_of_piece(party, flat[part], bits, out, part) for part in parts])
    return BitShare(out, (*x.shape, bits))


def _bits_of_piece(party: Party, x: Raw, bits: int, out: Raw, part: slice) -> Rounds[None]:
    """Whole words of results: a part's lanes are a multiple of 64."""
    planes = yield from low_bits(party, x, bits)
    for start in range(part.start, part.stop, UNPACKED):
        stop = min(start + UNPACKED, part.stop)
        some = np.ascontiguousarray(planes[:, :, (start - part.start) // 64 : words_for(stop - part.start)])
        rows = unpack_bits(some, stop - start).transpose(0, 2, 1).reshape(party.pieces, -1)
        out[:, start * bits // 64 : words_for(stop * bits)] = pack_bits(rows)


def low_bits(party: Party, x: Raw, bits: int) -> Rounds[Raw]:
    """`a2b` to bit planes: (lanes,) to (pieces, bits, words)."""
    addends = yield from split_masked(party, x, Window(save_rounds(party.t) + 1, bits))
    sums = yield from carry_save_window(party, addends)
    out = yield from carries(party, [sums.s, sums.c], bits, tuple(range(bits)), sums.lanes)
    out ^= sums.s[:, 1:]
    out ^= sums.c[:, 1:]
    return out
