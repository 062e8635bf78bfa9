"""Dealing: parties share values that they know. The one resharing under every product.

Adversary: honest but curious, at most t parties together. One round.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from enigmalang.fields import Field, Raw, Rows, and_cross, words_from
from enigmalang.mpc.party import Finish, Party, Round
from enigmalang.sharing.shamir import lagrange, table_of
from enigmalang.sharing.streams import Stream
from enigmalang.sharing.structure import Structure, Subset


@lru_cache(maxsize=256)
def _dealing(field: Field, shape: Structure, dealer: int, weight: int) -> tuple[tuple[int, ...], Raw]:
    """Who gets a message from the dealer, and the (receivers + 1, t + 1) table that makes the shares.

    Rows: each receiver, then the dealer itself. Columns: the value (times `weight`), the pseudo-random shares
    of the t parties after the dealer.
    """
    silent = shape.after(dealer, shape.t)
    spoken = tuple(j for j in shape.parties if j != dealer and j not in silent)
    lines = []
    for point in (*spoken, dealer):
        line = list(lagrange(field.p, (0, *silent), point))
        lines.append([line[0] * weight % field.p, *line[1:]])
    return spoken, table_of(field, lines)


def deal_elements(
    party: Party, round_: Round, dealers: Sequence[int], mine: Raw | None, count: int, weight: int = 1
) -> Finish[dict[int, Raw]]:
    """Each dealer shares `count` elements it knows (`mine`, flat, at a dealer), times a public `weight`.

    The polynomial of degree t is fixed by its value at 0 and pseudo-random shares of t receivers, so only the
    other n - 1 - t get a message: 1, 2, 3, 4 elements per dealer for n = 3, 5, 7, 9 (GRR98 with pseudo-random
    shares). Returns dealer -> this party's shares, (count,).
    """
    field, instruction = party.field, party.fresh()
    ready: dict[int, Raw] = {}
    slots = {}
    for dealer in dealers:
        silent = party.structure.after(dealer, party.t)
        if dealer == party.me:
            if mine is None:
                raise ValueError("a dealer needs its values")
            ready[dealer] = _send_elements(party, round_, instruction, mine, weight)
        elif party.me in silent:
            ready[dealer] = _pair_elements(party, dealer, instruction, dealer, field.empty((count,)))
        else:
            slots[dealer] = round_.expect(dealer, count * field.nbytes)

    def finish() -> dict[int, Raw]:
        got = {dealer: party.elements_from(dealer, slot(), (count,)) for dealer, slot in slots.items()}
        return ready | got

    return finish


def _pair_elements(party: Party, peer: int, instruction: int, dealer: int, out: Raw) -> Raw:
    stream = party.streams.of_pair(peer)
    stream.seek(instruction, dealer)
    stream.elements(party.field, out)
    return out


def _send_elements(party: Party, round_: Round, instruction: int, mine: Raw, weight: int) -> Raw:
    spoken, table = _dealing(party.field, party.structure, party.me, weight)
    rows = party.field.empty((party.t + 1, party.field.size_of(mine)))
    rows[0] = mine
    for row, peer in zip(rows[1:], party.structure.after(party.me, party.t), strict=True):
        _pair_elements(party, peer, instruction, party.me, row)
    shares = party.field.combine_raw(table, rows)
    for peer, share in zip(spoken, shares, strict=False):
        round_.send(peer, share)
    own: Raw = shares[-1]
    return own


def reshare_products(party: Party, round_: Round, local: Raw) -> Finish[Raw]:
    """Local products (shares of degree 2t, flat) to fresh shares of degree t.

    Gennaro, Rabin, Rabin, PODC 1998, with pseudo-random shares. One round; per dealing party n - 1 - t elements
    a product.
    """
    count = party.field.size_of(local)
    dealers = party.structure.dealers
    weight = 1
    if party.me in dealers:
        weight = lagrange(party.field.p, dealers, 0)[party.me - 1]
    party.counters.products += count
    dealt = deal_elements(party, round_, dealers, local, count, weight)

    def finish() -> Raw:
        total, *others = dealt().values()
        for share in others:
            total = party.field.add(total, share)
        return total

    return finish


@lru_cache(maxsize=256)
def _drawing(shape: Structure, me: int, dealer: int) -> tuple[tuple[tuple[int, Subset], ...], int | None]:
    """Which of `me`'s pieces of a dealer's words are drawn, from which set's key; which one is corrected."""
    anchor, held = shape.anchor(dealer), shape.held(me)
    drawn = tuple((i, subset) for i, subset in enumerate(held) if dealer in subset and subset != anchor)
    return drawn, held.index(anchor) if me in anchor else None


def deal_words(
    party: Party, round_: Round, dealers: Sequence[int], mine: Raw | None, words: int, together: bool
) -> Finish[Raw]:
    """Each dealer shares `words` words of bits it knows (`mine`, flat, overwritten) in replicated form.

    The dealer's words in all of its sets but one are pseudo-random from the set's key; the correction goes to
    the other members of that one, its anchor: n - 1 - t bits per dealer and bit (1, 2, 3, 4 for n = 3, 5, 7,
    9; sharing as in Ito, Saito, Nishizeki 1987, pseudo-random as in CDI05).
    Returns (pieces, words) with all dealers' words XORed when `together`, else (dealers, pieces, words).
    """
    instruction = party.fresh()
    out = np.zeros((1 if together else len(dealers), party.pieces, words), np.uint64)
    slots = []
    for number, dealer in enumerate(dealers):
        rows = out[0 if together else number]
        drawn, corrected = _drawing(party.structure, party.me, dealer)
        own = mine if dealer == party.me else None
        for i, subset in drawn:
            _draw_words(party.streams.of_subset(subset), instruction, dealer, rows[i], own)
        if own is not None:
            rows[corrected] ^= own
            for peer in party.structure.anchor(dealer):
                if peer != party.me:
                    round_.send(peer, own)
        elif dealer == party.me:
            raise ValueError("a dealer needs its words")
        elif corrected is not None:
            slots.append((rows[corrected], round_.expect(dealer, 8 * words)))

    def finish() -> Raw:
        for row, slot in slots:
            row ^= words_from(slot())
        return out[0] if together else out

    return finish


def _draw_words(stream: Stream, instruction: int, dealer: int, row: Raw, mine: Raw | None) -> None:
    """XOR the dealer's pseudo-random words into `row`, and into `mine`, which becomes the correction."""
    stream.seek(instruction, dealer)
    if mine is None:
        stream.xor(row)
        return
    draw = np.empty(row.size, np.uint64)
    stream.fill(draw)
    np.bitwise_xor(row, draw, out=row)
    np.bitwise_xor(mine, draw, out=mine)


def and_planes(
    party: Party, round_: Round, x: Raw, rows_x: Rows | None, y: Raw, rows_y: Rows | None, lanes: int
) -> Finish[Raw]:
    """ANDs of bit planes: x[:, rows_x] AND y[:, rows_y], (pieces, planes, words) -> (pieces, m, words).

    `lanes` of each plane are in use, and counted.

    Every cross term of pieces is some dealer's to compute, who reshares its sum. One round; per dealing party
    n - 1 - t bits an AND.
    """
    every = np.arange(x.shape[1], dtype=np.int64)
    left = every if rows_x is None else rows_x
    right = every if rows_y is None else rows_y
    count, words = len(left), x.shape[2]
    party.counters.ands += count * lanes
    mine = None
    if party.me in party.structure.dealers:
        mine = and_cross(x, left, y, right, party.structure.products_of(party.me)).reshape(-1)
    dealt = deal_words(party, round_, party.structure.dealers, mine, count * words, together=True)
    return lambda: dealt().reshape(party.pieces, count, words)
