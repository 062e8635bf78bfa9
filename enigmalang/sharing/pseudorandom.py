"""Shares of random values without talking (Cramer, Damgard, Ishai: Share Conversion, TCC 2005)."""

from functools import lru_cache

import numpy as np

from enigmalang.fields import Field, Raw, words_for
from enigmalang.fields.arithmetic import at
from enigmalang.sharing.draws import use_elements
from enigmalang.sharing.local import Local, Recipe, dealer
from enigmalang.sharing.shamir import subset_value, table_of
from enigmalang.sharing.streams import Streams
from enigmalang.sharing.structure import Structure


@lru_cache(maxsize=256)
def _weights(field: Field, shape: Structure, me: int) -> Raw:
    return table_of(field, [[subset_value(field.p, shape.n, a, me) for a in shape.held(me)]])


def random_pieces(streams: Streams, field: Field, shape: Structure, me: int, instruction: int, count: int) -> Raw:
    """r_A for every set A held, uniform: (pieces, count)."""
    held = shape.held(me)
    rows = field.empty((len(held), count))
    for row, subset in zip(rows, held, strict=True):
        stream = streams.of_subset(subset)
        stream.seek(instruction)
        stream.elements(field, row)
    return rows


def share_of_pieces(field: Field, shape: Structure, me: int, pieces: Raw) -> Raw:
    """Party me's degree-t share of r = sum of all r_A: sum of r_A * f_A(me). (pieces, count) -> (count,)."""
    out: Raw = field.combine_raw(_weights(field, shape, me), pieces)[0]
    return out


def random_share(streams: Streams, field: Field, shape: Structure, me: int, instruction: int, count: int) -> Raw:
    """A share of `count` uniform elements that no t parties know. No messages."""
    return share_of_pieces(field, shape, me, random_pieces(streams, field, shape, me, instruction, count))


def random_bit_words(streams: Streams, shape: Structure, me: int, instruction: int, lanes: int) -> Raw:
    """Replicated words of `lanes` uniform bits: (pieces, words). No messages. Padding lanes are 0."""
    held = shape.held(me)
    out = np.empty((len(held), words_for(lanes)), np.uint64)
    for row, subset in zip(out, held, strict=True):
        stream = streams.of_subset(subset)
        stream.seek(instruction)
        stream.fill(row)
    clear_padding(out, lanes)
    return out


def clear_padding(words: Raw, lanes: int) -> None:
    """Zero the lanes past the last one, in place."""
    if lanes % 64:
        words[..., -1] &= np.uint64((1 << (lanes % 64)) - 1)


def zero_share(streams: Streams, field: Field, shape: Structure, me: int, instruction: int, count: int) -> Raw:
    """A share of zero of degree t, to make shares that leave the committee fresh.

    The polynomial is sum over k = 1..t of r_k * x^k with r_k from the key that all parties have: it hides the
    original polynomial from a receiver outside, while t + 1 parties know such polynomials anyway.
    """
    stream = streams.of_everyone()
    stream.seek(instruction)
    rows = field.empty((shape.t, count))
    stream.elements(field, rows)
    out: Raw = field.combine([[pow(me, k, field.p) for k in range(1, shape.t + 1)]], rows)[0]
    return out


@lru_cache(maxsize=256)
def _masking(field: Field, shape: Structure, me: int) -> Recipe:
    lines = [
        [subset_value(field.p, shape.n, a, me) * pow(me, k, field.p) for k in range(1, shape.t + 1)]
        for a in shape.held(me)
    ]
    weights = [weight for line in lines for weight in line]
    return Recipe(at(table_of(field, [[1, *weights]])), 0, len(weights), 0, shape.t)


def masked_product_share(
    streams: Streams, field: Field, shape: Structure, me: int, instruction: int, local: Local
) -> Raw:
    """Local products plus a share of zero of degree 2t, to be opened at once (Cramer, Damgard, Ishai, TCC 2005).

    The polynomial is sum over A, k = 1..t of r_{A,k} * x^k * f_A(x). To t parties together, honest but curious,
    n >= 2t + 1, it is uniform among those of degree 2t that vanish at 0 and have the values they hold: of the set
    without them, they know none of the t coefficients. No rounds, no elements; t * C(n - 1, t) draws.
    """
    out = field.empty((local.count,))
    deal = dealer(field, [local], _masking(field, shape, me), field.empty((0,)), out)
    sets = [(streams.of_subset(subset), 0) for subset in shape.held(me)]
    use_elements(field, sets, instruction, local.count, shape.t, deal)
    return out


def zero_words(streams: Streams, shape: Structure, me: int, instruction: int, count: int) -> Raw:
    """Additive shares over GF(2) of zero: the XOR over all parties is 0, any n - 1 of them are uniform."""
    out = np.zeros(count, np.uint64)
    for peer in shape.parties:
        if peer != me:
            stream = streams.of_pair(peer)
            stream.seek(instruction)
            stream.xor(out)
    return out
