"""Opening: shares to values. Adversary: honest but curious, at most t parties together. One round."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from enigmalang.fields import Field, Raw, words_from
from enigmalang.fields.arithmetic import at
from enigmalang.fields.warm import kernels
from enigmalang.mpc.party import PIECE, Finish, Party, Round, alone
from enigmalang.mpc.wide import words as wide
from enigmalang.sharing import ArithShare, BitShare
from enigmalang.sharing.shamir import lagrange, table_of


def open_elements(
    party: Party, round_: Round, share: Raw, receivers: Sequence[int], degree: int = 0
) -> Finish[Raw | None]:
    """The receivers learn the values (flat residues); the others get None.

    d + 1 shares fix a polynomial of degree d (Shamir 1979), t unless `degree` says another: each receiver gets
    the shares of the d parties after it. Per party d elements when everyone receives. The receivers learn the
    polynomial: shares of products need `masked_product_share` first. Many go in pieces, combined as they come.
    """
    field, flat = party.field, party.field.flat(share)
    count = field.size_of(flat)
    values = field.empty((count,)) if party.me in receivers else None
    finishers = []
    for start in range(0, max(1, count), PIECE):
        if start:
            round_.post_part()
        piece = slice(start, start + PIECE)
        into = None if values is None else values[piece]
        finishers.append(_open_piece(party, round_, flat[piece], receivers, degree or party.t, into))

    def finish() -> Raw | None:
        for finisher in finishers:
            finisher()
        return values

    return finish


def _open_piece(
    party: Party, round_: Round, share: Raw, receivers: Sequence[int], degree: int, values: Raw | None
) -> Finish[None]:
    """A receiver's are put into `values`."""
    field, count = party.field, party.field.size_of(share)
    for receiver in receivers:
        if receiver != party.me and party.me in party.structure.suppliers(receiver, degree):
            round_.send(receiver, share)
    suppliers = party.structure.suppliers(party.me, degree)
    slots = []
    if values is not None:
        slots = [(peer, round_.expect(peer, count * field.nbytes)) for peer in suppliers]

    def finish() -> None:
        if values is None:
            return
        got = [words_from(slot()) for _, slot in slots]
        points, rows = (party.me, *suppliers), [share, *got]
        if len(suppliers) > degree:  # enough without this party's
            points, rows = suppliers, got
        if not kernels().prime[field.q].combine(_weights(field, points), rows, values, count):
            for peer, slot in slots:
                party.elements_from(peer, slot(), (count,))  # raises for the one at fault

    return finish


@lru_cache(maxsize=256)
def _weights(field: Field, points: tuple[int, ...]) -> Any:
    return at(table_of(field, [lagrange(field.p, points, 0)]))


def open_words(party: Party, round_: Round, words: Raw) -> Finish[Raw]:
    """Everyone learns the words: (pieces, words) -> (words,).

    A receiver j lacks the pieces of the sets without j. Each has a member among the t parties after j; the
    first such sends it, XORed with the others it sends: t bits per party and bit. What j sees follows from
    the value and the pieces it holds, for one piece at most is unknown to j and t - 1 more.
    """
    if party.structure.wide:
        return wide.open_words(party, round_, words)
    for receiver in party.structure.parties:
        if receiver != party.me:
            chosen = _pieces_for(party, receiver)
            if chosen:
                round_.send(receiver, np.bitwise_xor.reduce(words[chosen], axis=0))
    slots = [round_.expect(peer, 8 * words.shape[1]) for peer in party.structure.after(party.me, party.t)]

    def finish() -> Raw:
        total: Raw = np.bitwise_xor.reduce(words, axis=0)
        for slot in slots:
            total ^= words_from(slot())
        return total

    return finish


def _pieces_for(party: Party, receiver: int) -> list[int]:
    """Positions of the pieces that this party sends to the receiver: none, unless it is one of the t after it."""
    ring = party.structure.after(receiver, party.t)
    if party.me not in ring:
        return []
    earlier = ring[: ring.index(party.me)]
    return [
        i
        for i, subset in enumerate(party.held)
        if receiver not in subset and not any(peer in subset for peer in earlier)
    ]


def reveal(party: Party, share: ArithShare) -> Raw:
    """Everyone learns the values, as residues of the share's shape."""
    values = alone(party, lambda r: open_elements(party, r, share.flat(), party.structure.parties))
    if values is None:
        raise AssertionError("every party receives")
    return party.field.reshape(values, share.shape)


def reveal_bits(party: Party, share: BitShare) -> Raw:
    """Everyone learns the bits, as packed words."""
    return alone(party, lambda r: open_words(party, r, share.words))
