"""Bits of a wide committee: dealing and opening words.

Adversary: honest but curious, at most t parties together, n >= 2t + 1. k planes with 2^k > n: 4 for n <= 15, 5 for
n <= 31.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from enigmalang.fields import Raw, Rows, and_cross, gf2k, words_from
from enigmalang.fields.gf2k import Matrix
from enigmalang.fields.warm import kernels
from enigmalang.mpc.wide.kings import kings_pay, reshare_by_kings
from enigmalang.sharing.binary import additive, lagrange
from enigmalang.sharing.spaces import planes
from enigmalang.sharing.structure import Structure

if TYPE_CHECKING:
    from enigmalang.mpc.party import Party, Round


@lru_cache(maxsize=256)
def _dealing(shape: Structure, dealer: int) -> tuple[tuple[int, ...], Matrix]:
    """Who gets a message, and the matrix that makes the shares of each of them and the dealer: of the bit, and the k
    planes of each of t pseudo-random shares.
    """
    degree, silent = shape.degree, shape.after(dealer, shape.t)
    spoken = tuple(j for j in shape.parties if j != dealer and j not in silent)
    matrix = gf2k.spread(degree, [lagrange(degree, (0, *silent), point) for point in (*spoken, dealer)])
    columns = [0, *range(degree, matrix.shape[1])]  # a bit has one plane
    return spoken, np.ascontiguousarray(matrix[:, columns])


def deal_words(
    party: Party, round_: Round, dealers: Sequence[int], mine: Raw | None, words: int, together: bool
) -> Callable[[], Raw]:
    """As `mpc.deal.deal_planes`: each dealer shares `words` words of bits it knows (`mine`, flat).

    The polynomial of degree t over GF(2^k) is fixed by its value, the bit, and pseudo-random shares of t receivers;
    the other n - 1 - t get a message of k planes (GRR98 with pseudo-random shares, Cramer-Damgard-Ishai 2005).
    Returns (k, words) with all dealers' words added when `together`, else (dealers, k, words).
    """
    instruction, degree = party.fresh(), party.structure.degree
    out = np.zeros((1 if together else len(dealers), degree, words), np.uint64)
    slots = []
    for number, dealer in enumerate(dealers):
        share = out[0 if together else number]
        if dealer == party.me:
            if mine is None:
                raise ValueError("a dealer needs its words")
            share ^= _send(party, round_, instruction, mine)
        elif party.me in party.structure.after(dealer, party.t):
            stream = party.streams.of_pair(dealer)
            stream.seek(instruction, dealer)
            stream.xor(share)
        else:
            slots.append((share, round_.expect(dealer, 8 * degree * words)))

    def finish() -> Raw:
        for share, slot in slots:
            share ^= words_from(slot()).reshape(degree, words)
        return out[0] if together else out

    return finish


def _send(party: Party, round_: Round, instruction: int, mine: Raw) -> Raw:
    """Deal, and return the dealer's own share (k, words)."""
    shape, degree, words = party.structure, party.structure.degree, mine.size
    spoken, matrix = _dealing(shape, party.me)
    rows = np.empty((1 + party.t * degree, words), np.uint64)
    rows[0] = mine.reshape(-1)
    for number, peer in enumerate(shape.after(party.me, party.t)):
        stream = party.streams.of_pair(peer)
        stream.seek(instruction, party.me)
        stream.fill(rows[1 + number * degree : 1 + (number + 1) * degree])
    shares = gf2k.combine(matrix, rows).reshape(len(spoken) + 1, degree, words)
    for peer, share in zip(spoken, shares, strict=False):
        round_.send(peer, share)
    own: Raw = shares[-1]
    return own


def open_words(party: Party, round_: Round, words: Raw) -> Callable[[], Raw]:
    """Everyone learns the words: (k, N) -> (N,). t bits per party and bit.

    The t parties after a receiver send one bit each, of the additive sharing that t + 1 shares are (`additive`), so
    nothing but the XOR is opened: less than the polynomial, which follows from the bit and any t shares anyway.
    """
    shape, degree = party.structure, party.structure.degree
    for receiver in shape.parties:
        ring = shape.after(receiver, shape.t)
        if party.me in ring:
            round_.send(receiver, additive(degree, (receiver, *ring), party.me, words))
    ring = shape.after(party.me, shape.t)
    slots = [round_.expect(peer, 8 * words.shape[1]) for peer in ring]

    def finish() -> Raw:
        total = additive(degree, (party.me, *ring), party.me, words)
        for slot in slots:
            total ^= words_from(slot())
        return total

    return finish


def own_words(party: Party, words: Raw) -> Raw | None:
    """Parties 1..t + 1: bits of their own whose XOR is the shared bits, (k, ...) -> (...). The others: None. Local."""
    points = party.structure.parties[: party.t + 1]
    return additive(party.structure.degree, points, party.me, words) if party.me in points else None


def deal_planes(
    party: Party, round_: Round, dealers: Sequence[int], mine: Raw | None, shape: tuple[int, int]
) -> Callable[[], Raw]:
    """As `mpc.deal.deal_planes`: (dealers, k, *shape) of the planes (`mine`, of `shape`) that each dealer shares."""
    dealt = deal_words(party, round_, dealers, mine, shape[0] * shape[1], together=False)
    return lambda: dealt().reshape(len(dealers), -1, *shape)


def and_into(
    party: Party, round_: Round, x: Raw, rows_x: Rows, y: Raw, rows_y: Rows, out: Raw, rows: Rows, kept: int
) -> Callable[[], None]:
    """As `mpc.deal.and_into`, on k planes.

    Few: one round, n - 1 - t numbers of k bits per dealing party and AND; many: two rounds, about 2 (`wide.kings`).
    """
    degree, dealers, words = party.structure.degree, party.structure.dealers, x.shape[2]
    count = len(rows) * words
    if kings_pay(party.structure, 8 * degree * count):
        local = gf2k.product(degree, x, rows_x, y, rows_y).reshape(degree, count)
        dealt = reshare_by_kings(party, round_, planes(degree), local)
    else:
        mine = None
        if party.me in dealers:
            mine = and_cross(x, rows_x, y, rows_y, party.structure.products_of(party.me)).reshape(-1)
        dealt = deal_words(party, round_, dealers, mine, count, together=True)

    def finish() -> None:
        for piece, share in zip(out, dealt().reshape(degree, -1, words), strict=True):
            kernels().spread(piece, rows, share, kept)

    return finish


def public_words(party: Party, words: Raw) -> Raw:
    """Words that everyone knows, (N,), as a constant polynomial: (k, N). Local."""
    out = np.zeros((party.structure.degree, words.shape[-1]), np.uint64)
    out[0] = words
    return out
