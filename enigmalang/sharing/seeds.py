"""Random values from seeds: of each set A of n - t parties one, which its members derive for one draw and may tell to
whom the sum r of the sets' values belongs, as the client of a masked input (protocols.md §3).

A seed is HKDF-Expand (RFC 5869) of half of the set's key; the other half keys the set's own stream, so what is
learnt from seeds says nothing of any other draw. A seed keys one stream, which is read from its beginning.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from enigmalang.fields import Field, Raw
from enigmalang.fields.arithmetic import NOTHING, at
from enigmalang.sharing.draws import use_elements
from enigmalang.sharing.local import Local, Recipe, dealer, given
from enigmalang.sharing.pseudorandom import clear_padding
from enigmalang.sharing.shamir import subset_value, table_of
from enigmalang.sharing.streams import SEED_BYTES, Stream, Streams
from enigmalang.sharing.structure import Structure

__all__ = [
    "SEED_BYTES", "add_share_of_sum", "bit_rows", "element_rows", "seeds_for", "subtract_sum", "sum_of_elements",
    "xor_bits",
]

#: Up to so many values the client works without kernels, which a small program need not load.
_FEW = 1 << 10


def seeds_for(streams: Streams, shape: Structure, me: int, instruction: int) -> tuple[bytes, ...]:
    """Party me's seeds for a fresh `instruction`, one for each set that it is in."""
    return tuple(streams.subset_seed(subset, instruction) for subset in shape.held(me))


# --- a set's member ---


def element_rows(field: Field, seeds: Sequence[bytes], count: int) -> Raw:
    """r_A for every seed: (seeds, count)."""
    rows = field.empty((len(seeds), count))
    for row, seed in zip(rows, seeds, strict=True):
        _begun(seed).elements(field, row)
    return rows


def bit_rows(seeds: Sequence[bytes], words: int) -> Raw:
    """Words of random bits for every seed: (seeds, words)."""
    rows = np.empty((len(seeds), words), np.uint64)
    for row, seed in zip(rows, seeds, strict=True):
        _begun(seed).fill(row)
    return rows


def add_share_of_sum(
    field: Field, shape: Structure, me: int, seeds: Sequence[bytes], public: Raw | None, count: int
) -> Raw:
    """Party me's degree-t share of m + r, (count,), for public m that is added to r_A of the first set A: the sum of
    r_A * f_A(me), to which A's members, who alone need m, add m * f_A(me). One pass; no r_A is kept.
    """
    first = shape.subsets[0]
    if public is None and me in first:
        raise ValueError(f"party {me} is in the first set and needs the public values")
    nothing = field.zeros((1,))
    value = Local(NOTHING, nothing, nothing, nothing, count) if public is None else given(field, public)
    return _mixed(field, value, _share_weights(field, shape, me), seeds)


@lru_cache(maxsize=256)
def _share_weights(field: Field, shape: Structure, me: int) -> Raw:
    weights = [subset_value(field.p, shape.n, a, me) for a in (shape.subsets[0], *shape.held(me))]
    return table_of(field, [weights])


# --- whom r belongs to, with the seeds of all sets ---


def subtract_sum(field: Field, value: Raw, seeds: Sequence[bytes]) -> Raw:
    """value - r, (count,). One pass; no r_A is kept."""
    if field.size_of(value) <= _FEW:
        return field.from_ints(field.to_ints(value) - field.to_ints(sum_of_elements(field, seeds, len(value))))
    return _mixed(field, given(field, value), _difference_weights(field, len(seeds)), seeds)


@lru_cache(maxsize=64)
def _difference_weights(field: Field, sets: int) -> Raw:
    return table_of(field, [[1, *[-1] * sets]])


def sum_of_elements(field: Field, seeds: Sequence[bytes], count: int) -> Raw:
    """r, (count,), for few values: without kernels."""
    total = field.to_ints(field.zeros((count,)))
    for seed in seeds:
        stream, row = _begun(seed), field.empty((count,))
        stream.fill(row)
        while (bad := field.mask_words(row)).any():  # as `Stream.elements`
            again = field.empty((int(bad.sum()),))
            stream.fill(again)
            row[bad] = again
        total = field.to_ints(field.from_ints(total + field.to_ints(row)))
    return field.from_ints(total)


def xor_bits(words: Raw, seeds: Sequence[bytes], lanes: int) -> None:
    """XOR r, `lanes` bits, into contiguous words, in place. Padding lanes become 0."""
    for seed in seeds:
        _begun(seed).xor(words)
    clear_padding(words, lanes)


# --- both ---


def _begun(seed: bytes) -> Stream:
    stream = Stream(seed)
    stream.seek(0)
    return stream


def _mixed(field: Field, value: Local, table: Raw, seeds: Sequence[bytes]) -> Raw:
    """table[0] * value + sum of table[1 + k] * r_k, in cached parts."""
    out = field.empty((value.count,))
    recipe = Recipe(at(table), 0, len(seeds), 0)
    use = dealer(field, [value], recipe, field.empty((0,)), out)
    use_elements(field, [(Stream(seed), 0) for seed in seeds], 0, value.count, 1, use)
    return out
