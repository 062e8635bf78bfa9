"""Committees with shares, dealt outside and opened again: for recovery and resharing."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from enigmalang.fields import M61, M127, gf2k, pack_bits, unpack_bits
from enigmalang.sharing import (
    ArithShare,
    BitShare,
    Keys,
    Share,
    Structure,
    keys_from_contributions,
    new_contributions,
)
from enigmalang.sharing.binary import reconstruct as reconstruct_bits
from enigmalang.sharing.keys import message_for
from enigmalang.sharing.kinds import Kind
from enigmalang.sharing.shamir import reconstruct, share

#: Arrays of every form: empty, single, of words and bits that are not full.
KINDS = {
    "a": Kind(M61, (2, 3)), "b": Kind(M127, ()), "c": Kind(None, (70,)), "d": Kind(None, (2, 64)), "e": Kind(M61, (0,)),
    "f": Kind(M127, (5, 1)), "g": Kind(None, ()),
}


def keys_of(shape: Structure) -> dict[int, Keys]:
    mine = {i: new_contributions(shape, i) for i in shape.parties}
    return {
        i: keys_from_contributions(
            shape, i, mine[i], {j: message_for(shape, j, i, mine[j]) for j in shape.parties if j != i})
        for i in shape.parties
    }


def values_of(kind: Kind, seed: int = 0) -> Any:
    """Integers, or bits as 0 and 1, of the kind's shape."""
    generator = np.random.default_rng(seed)
    if kind.field is None:
        return generator.integers(0, 2, kind.shape)
    numbers = [int(v) for v in generator.integers(-(2**60) + 2, 2**60 - 2, kind.size)]
    return np.array(numbers, dtype=object).reshape(kind.shape)


def dealt(shape: Structure, kind: Kind, values: Any) -> dict[int, Share]:
    if kind.field is not None:
        shares = share(kind.field, kind.field.from_ints(values), shape.n, shape.t)
        return {j: ArithShare(kind.field, raw) for j, raw in shares.items()}
    generator, words = np.random.default_rng(), pack_bits(np.asarray(values, np.uint8).reshape(1, -1))
    if shape.wide:
        degree = shape.degree
        rows = np.zeros((shape.t + 1, degree, words.shape[1]), np.uint64)
        rows[0, 0] = words[0]
        rows[1:] = np.frombuffer(generator.bytes(rows[1:].nbytes), np.uint64).reshape(rows[1:].shape)
        powers = [[gf2k.power(degree, j, k) for k in range(shape.t + 1)] for j in shape.parties]
        planes = gf2k.combine(gf2k.spread(degree, powers), rows.reshape(-1, words.shape[1]))
        return {j: BitShare(planes.reshape(shape.n, degree, -1)[j - 1], kind.shape) for j in shape.parties}
    bits = {a: generator.integers(0, 2, (1, kind.size), dtype=np.uint8) for a in shape.subsets}
    pieces = {a: pack_bits(piece) for a, piece in bits.items()}
    others = [piece for a, piece in pieces.items() if a != shape.last]
    pieces[shape.last] = np.bitwise_xor.reduce([words, *others])
    return {j: BitShare(np.concatenate([pieces[a] for a in shape.held(j)]), kind.shape) for j in shape.parties}


def opened(shape: Structure, kind: Kind, shares: Mapping[int, Share]) -> Any:
    """The values; everything that parties have twice is compared, and all degrees are checked."""
    if kind.field is not None:
        raws = {j: s.raw for j, s in shares.items() if isinstance(s, ArithShare)}
        return np.array(kind.field.to_ints(reconstruct(kind.field, raws, shape.t)), dtype=object)
    words = {j: s.words for j, s in shares.items() if isinstance(s, BitShare)}
    if shape.wide:
        total = reconstruct_bits(shape.degree, words, shape.t)
    else:
        pieces = {a: [words[j][shape.held(j).index(a)] for j in a if j in words] for a in shape.subsets}
        assert all(np.array_equal(x, y) for copies in pieces.values() for x, y in pairwise(copies))
        total = np.bitwise_xor.reduce([copies[0] for copies in pieces.values()])
        assert not kind.size % 64 or all(int(copies[0][-1]) >> kind.size % 64 == 0 for copies in pieces.values())
    return unpack_bits(total[None], kind.size).reshape(kind.shape)


def committee_of(shape: Structure, seed: int = 0) -> tuple[dict[int, dict[str, Share]], dict[str, Any]]:
    """Every party's shares of arrays of all kinds, by name, and the values."""
    values = {name: values_of(kind, seed + k) for k, (name, kind) in enumerate(KINDS.items())}
    shares = {name: dealt(shape, KINDS[name], values[name]) for name in KINDS}
    return {j: {name: shares[name][j] for name in KINDS} for j in shape.parties}, values


def same(one: Share, other: Share) -> bool:
    """Whether two shares have the same bytes and shape."""
    if isinstance(one, ArithShare):
        return isinstance(other, ArithShare) and one.field is other.field and np.array_equal(one.raw, other.raw)
    return isinstance(other, BitShare) and one.shape == other.shape and np.array_equal(one.words, other.words)
