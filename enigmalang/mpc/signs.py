"""Comparisons whose outcome is for everyone: the last AND of a comparison is not reshared but opened.

As a product that is only opened (`multiply.masked_product`): every party's terms of the AND, and of what is XORed to
it, plus a share of zero, go to everyone. Adversary: honest but curious, at most t parties together, n >= 2t + 1; the
words of the others are uniform but for their XOR, for any two honest parties have a pair's key.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from enigmalang.fields import Raw, and_cross, unpack_bits, words_for, words_from
from enigmalang.mpc.addends import Window, carry_save, carry_save_window, lane_ranges, save_rounds, split_masked
from enigmalang.mpc.adder import almost_carry
from enigmalang.mpc.compare import ltz
from enigmalang.mpc.opening import reveal_bits
from enigmalang.mpc.party import Finish, Party, Round, alone
from enigmalang.mpc.pipeline import Rounds, run_pieces
from enigmalang.sharing import ArithShare
from enigmalang.sharing.pseudorandom import zero_words

Test = Callable[[Party, Raw], Rounds[tuple[Raw, Raw, Raw]]]

_ONLY = np.zeros(1, np.int64)


def opened_ltz(party: Party, x: ArithShare, bits: int | None = None) -> npt.NDArray[np.bool_]:
    """As `compare.ltz`, and everyone learns the outcomes (size,).

    One round less than a comparison and an opening, in as many bytes: for n = 2t + 1 the n - 1 bits that a party
    sends are those of an AND and an opening. Comparisons by tables in stock, and of wide committees, are opened after.
    """
    if party.structure.wide or x.size <= len(party.tables):
        negative = ltz(party, x, bits)
        return unpack_bits(reveal_bits(party, negative), x.size).astype(np.bool_)
    known, left, right = out = np.empty((3, party.pieces, words_for(x.size)), np.uint64)
    rows = party.field.q
    test: Test = _whole
    if bits is not None and bits <= party.field.q - 2:
        rows, test = bits + 2, partial(_small, bits=bits)
    flat = x.flat()
    with party.counters.phase("comparisons"):
        run_pieces(party, [_piece(party, test, flat[part], out, part) for part in lane_ranges(party, x.size, rows)])
        party.counters.comparisons += x.size
        words = alone(party, lambda r: open_and(party, r, known, left, right, x.size))
    return unpack_bits(words, x.size).astype(np.bool_)


def _piece(party: Party, test: Test, x: Raw, out: Raw, part: slice) -> Rounds[None]:
    out[:, :, part.start // 64 : words_for(part.stop)] = yield from test(party, x)


def _whole(party: Party, d: Raw) -> Rounds[tuple[Raw, Raw, Raw]]:
    """See `compare`: the lowest bit of 2d."""
    sums = yield from carry_save(party, (yield from split_masked(party, party.field.add(d, d))))
    lowest = sums.s[:, 0] ^ sums.c[:, 0]
    known, left, right = yield from almost_carry(party, sums.take(), party.field.q, sums.lanes)
    return lowest ^ known, left, right


def _small(party: Party, d: Raw, *, bits: int) -> Rounds[tuple[Raw, Raw, Raw]]:
    """See `compare`: the bit of weight 2^bits of 2^bits - 1 - d."""
    window = Window(save_rounds(party.t) + 1, bits + 1)
    above = party.field.from_ints((1 << bits) - 1)
    sums = yield from carry_save_window(party, (yield from split_masked(party, party.field.sub(above, d), window)))
    top = sums.s[:, -1] ^ sums.c[:, -1]
    known, left, right = yield from almost_carry(party, sums.take(), bits + 1, sums.lanes)
    return top ^ known, left, right


def open_and(party: Party, round_: Round, known: Raw, left: Raw, right: Raw, lanes: int) -> Finish[Raw]:
    """Everyone learns known XOR (left AND right), and no more: (pieces, words) to (words,). Not for wide committees.

    Per party n - 1 bits. A piece of `known` counts where its set's smallest member is.
    """
    shape, size = party.structure, known.shape[1]
    mine = zero_words(party.streams, shape, party.me, party.fresh(), size)
    own = [i for i, subset in enumerate(party.held) if subset[0] == party.me]
    mine ^= np.bitwise_xor.reduce(known[own], axis=0)
    if party.me in shape.dealers:
        mine ^= and_cross(left[:, None], _ONLY, right[:, None], _ONLY, shape.products_of(party.me))[0]
    party.counters.ands += lanes
    peers = [peer for peer in shape.parties if peer != party.me]
    for peer in peers:
        round_.send(peer, mine)
    slots = [round_.expect(peer, 8 * size) for peer in peers]

    def finish() -> Raw:
        total = mine.copy()
        for slot in slots:
            total ^= words_from(slot())
        return total

    return finish
