"""Random shared values that no t parties know, for inputs, in a wide committee. One round for all.

Adversary: honest but curious, at most t parties together, n >= 2t + 1. Numbers: Damgard, Nielsen 2007 (`wide.kings`),
(2t + 1)(n - 2 - t)/(t + 1) elements each over all parties. Bits: t + 1 parties deal one each and the XOR is taken,
(t + 1)(n - 1 - t) numbers of k bits: sums of the former are not bits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from enigmalang.fields import Raw, words_for
from enigmalang.mpc.wide.kings import random_numbers
from enigmalang.mpc.wide.words import deal_words
from enigmalang.sharing.pseudorandom import clear_padding
from enigmalang.sharing.spaces import elements

if TYPE_CHECKING:
    from enigmalang.mpc.party import Party


def random_masks(party: Party, wanted: Sequence[tuple[int, bool]]) -> list[Raw]:
    """For each (lanes, whether bits) the party's shares of that many uniform elements (lanes,), or bits (k, words).

    The value of padding lanes is 0. One round.
    """
    round_ = party.round()
    counts = [lanes for lanes, bits in wanted if not bits]
    _, numbers = random_numbers(party, round_, elements(party.field), sum(counts), False)
    dealers, lengths = party.structure.parties[: party.t + 1], [lanes for lanes, bits in wanted if bits]
    mine = np.concatenate([_random_words(lanes) for lanes in lengths]) if lengths else np.empty(0, np.uint64)
    words = deal_words(party, round_, dealers, mine if party.me in dealers else None, mine.size, together=True)
    round_.run()
    bit_parts = _split(words().T, [words_for(lanes) for lanes in lengths])
    parts = _split(numbers(), counts)
    return [np.ascontiguousarray(next(bit_parts).T) if bits else next(parts) for _, bits in wanted]


def _split(joined: Raw, sizes: Sequence[int]) -> Iterator[Raw]:
    start = 0
    for size in sizes:
        yield joined[start : start + size]
        start += size


def _random_words(lanes: int) -> Raw:
    words = np.frombuffer(bytearray(os.urandom(8 * words_for(lanes))), np.uint64)
    clear_padding(words, lanes)
    return words
