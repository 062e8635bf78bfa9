"""Making the tables of `mpc.tables`. Rounds and traffic there."""

import numpy as np

from enigmalang.fields import Raw, words_for
from enigmalang.fields.warm import kernels
from enigmalang.mpc.addends import carry_save, random_addends
from enigmalang.mpc.adder import carries
from enigmalang.mpc.deal import and_planes
from enigmalang.mpc.party import Party, alone
from enigmalang.mpc.pipeline import run
from enigmalang.mpc.tables import GROUPS, WORDS
from enigmalang.sharing.pseudorandom import random_bit_words

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
SIDE = 8  # bits of a group


def make_tables(party: Party, count: int) -> None:
    """Put `count` tables into the party's stock. About t + 35 rounds."""
    words = words_for(count)
    share, bits = random_bits_of_number(party, count)
    bits = _not(party, bits)
    low = np.zeros((party.pieces, 64, words), np.uint64)
    low[:, : min(64, party.field.q)] = bits[:, :64]
    masks = random_bit_words(party.streams, party.structure, party.me, party.fresh(), 17 * 64 * words)
    masks = masks.reshape(party.pieces, 17, words)
    planes = np.zeros((party.pieces, WORDS, 64, words), np.uint64)
    planes[:, :32] = _one_hot_groups(party, low, count).reshape(party.pieces, 32, 64, words)
    rows, place = planes.reshape(party.pieces, 64 * WORDS, words), 64 * 32
    for table in _mask_tables(party, masks, count):
        rows[:, place : place + table.shape[1]] = table
        place += -(-table.shape[1] // 64) * 64
    planes[:, -2, :17], planes[:, -2, 17], planes[:, -1] = masks, bits[:, -1], low
    tables = np.empty((party.pieces, count, WORDS), np.uint64)
    for piece, out in zip(rows, tables, strict=True):
        kernels().from_planes(piece, out)
    party.tables.add(share, np.ascontiguousarray(tables.transpose(1, 0, 2)))


def random_bits_of_number(party: Party, count: int) -> tuple[Raw, Raw]:
    """Shares of uniform r modulo p, and its bits in [0, p - 1]: (count,), (pieces, q, words).

    r = S + C + w modulo 2^q, w = [S + C >= p], the carry out of S + C + 1.
    """
    q = party.field.q
    share, addends = random_addends(party, count)
    sums = run(carry_save(party, addends))
    wrap = run(carries(party, [sums.s, sums.c], q, (q - 1,), count))[:, -1:]
    s = np.concatenate([wrap, sums.s], axis=1)
    c = np.concatenate([np.zeros_like(wrap), sums.c], axis=1)
    bits = run(carries(party, [s, c], q, tuple(range(q)), count))
    bits ^= sums.s
    bits ^= sums.c
    return share, bits


def _not(party: Party, planes: Raw) -> Raw:
    """NOT, padding lanes included."""
    out = planes.copy()
    if party.held[0] == party.structure.subsets[0]:
        out[0] ^= _ALL
    return out


def _and(party: Party, x: Raw, y: Raw, rows: list[int], lanes: int) -> Raw:
    """All rows of x AND the given rows of y."""
    numbers = np.array(rows, np.int64)
    return alone(party, lambda r: and_planes(party, r, x, None, y, numbers, lanes))


def _one_hot_groups(party: Party, low: Raw, lanes: int) -> Raw:
    """(pieces, 64, words) bits to (pieces, GROUPS * 256, words): entry v of a group is 1 where its bits are v's."""
    pieces, _, words = low.shape
    first = low.reshape(pieces, GROUPS, SIDE, words)[:, :, :1]
    found = np.concatenate([_not(party, first), first], axis=2)
    for bit in range(1, SIDE):
        size = 1 << bit
        rows = [SIDE * group + bit for group in range(GROUPS) for _ in range(size)]
        both = _and(party, found.reshape(pieces, GROUPS * size, words), low, rows, lanes)
        both = both.reshape(found.shape)
        found = np.concatenate([found ^ both, both], axis=2)
    return found.reshape(pieces, GROUPS << SIDE, words)


def _mask_tables(party: Party, masks: Raw, lanes: int) -> list[Raw]:
    """The entries for all m; then, for i = -1, 0, …, 7, l_i times the entries for m_(i+1), …, m_7.

    Masks: l_(-1), …, l_7, m_0, …, m_7. The number of an entry has m_(i+1) as its lowest bit.
    """
    pieces, _, words = masks.shape
    last = masks[:, 16:17]
    found = np.concatenate([_not(party, last), last], axis=1)  # the entries for m_7
    products = [masks[:, 8:9], _and(party, found, masks, [7] * 2, lanes)]  # l_7; l_6 times them
    for i in range(5, -2, -1):
        both = _and(party, found, masks, [9 + i + 1] * found.shape[1], lanes)
        found = np.stack([found ^ both, both], axis=2).reshape(pieces, -1, words)
        products.append(_and(party, found, masks, [i + 1] * found.shape[1], lanes))
    return [found, *reversed(products)]
