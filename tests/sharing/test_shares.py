"""Sharing: Shamir, structures, keys, streams, pseudo-random shares; types that do not leak."""

import pickle
import secrets
from itertools import combinations

import numpy as np
import pytest

from enigmalang.fields import M61, M127, Field, unpack_bits
from enigmalang.sharing import ArithShare, BitShare, Keys, keys_from_contributions, new_contributions, structure
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.keys import message_for, shared_groups
from enigmalang.sharing.pseudorandom import random_bit_words, random_pieces, random_share, zero_share, zero_words
from enigmalang.sharing.secret import (
    decode_share,
    encode_share,
    join_arith,
    join_bits,
    split_arith,
    split_bits,
)
from enigmalang.sharing.shamir import lagrange, reconstruct, share
from enigmalang.sharing.streams import Stream, Streams

ALL = [(n, t) for n in (3, 4, 5, 7, 9) for t in range(1, (n - 1) // 2 + 1)]


@pytest.fixture(params=[M61, M127], ids=str)
def field(request: pytest.FixtureRequest) -> Field:
    return request.param


def committee_keys(n: int, t: int) -> dict[int, Keys]:
    shape = structure(n, t)
    mine = {i: new_contributions(shape, i) for i in shape.parties}
    return {
        i: keys_from_contributions(
            shape, i, mine[i], {j: message_for(shape, j, i, mine[j]) for j in shape.parties if j != i}
        )
        for i in shape.parties
    }


def streams_of(n: int, t: int) -> dict[int, Streams]:
    return {i: Streams(keys) for i, keys in committee_keys(n, t).items()}


# ------------------------------------------------------------ Shamir


@pytest.mark.parametrize(("n", "t"), ALL)
def test_any_t_plus_one_shares_reconstruct(field: Field, n: int, t: int) -> None:
    secret = np.array([[0, 1, -1], [field.p // 2, -(field.p // 2), 77]], dtype=object)
    shares = share(field, field.from_ints(secret), n, t)
    for chosen in list(combinations(shares, t + 1))[:20]:
        back = reconstruct(field, {j: shares[j] for j in chosen}, t)
        assert field.to_ints(back).tolist() == secret.tolist()
    assert field.to_ints(reconstruct(field, shares, t)).tolist() == secret.tolist()


def test_a_wrong_share_and_too_few(field: Field) -> None:
    shares = share(field, field.from_ints(np.arange(4)), 5, 2)
    with pytest.raises(SharingError, match="2 shares where 3"):
        reconstruct(field, {1: shares[1], 2: shares[2]}, 2)
    shares[4] = field.add(shares[4], field.from_ints(1))
    with pytest.raises(SharingError, match="degree 2"):
        reconstruct(field, shares, 2)


def test_lagrange_against_galois() -> None:
    import galois

    oracle = galois.GF(M61.p)
    points = (1, 3, 4, 7)
    values = [secrets.randbelow(M61.p) for _ in points]
    polynomial = galois.lagrange_poly(oracle(points), oracle(values))
    for at in (0, 2, 9):
        ours = sum(c * v for c, v in zip(lagrange(M61.p, points, at), values, strict=True)) % M61.p
        assert ours == int(polynomial(at))


# ------------------------------------------------------------ structure


@pytest.mark.parametrize(("n", "t"), ALL)
def test_structure(n: int, t: int) -> None:
    shape = structure(n, t, False)
    assert all(len(a) == n - t for a in shape.subsets)
    for j in shape.parties:
        assert j in shape.anchor(j)
        assert shape.anchor(j) in shape.held(j)
    assert all(a == shape.last or a[0] <= t for a in shape.subsets)
    pairs = {(a, b): 0 for a in shape.subsets for b in shape.subsets}
    for j in shape.parties:
        held, mine = shape.held(j), shape.products_of(j)
        for a, b in zip(*np.nonzero(mine), strict=True):
            pairs[held[a], held[b]] += 1
    assert set(pairs.values()) == {1}  # every cross term has one party


@pytest.mark.parametrize(("n", "t"), [(2, 1), (3, 0), (3, 2), (4, 2), (11, 6), (32, 1)])
def test_refused_sizes(n: int, t: int) -> None:
    with pytest.raises(ValueError, match="wanted 3 <= n"):
        structure(n, t)


# ------------------------------------------------------------ keys


@pytest.mark.parametrize(("n", "t"), [(3, 1), (5, 2)])
def test_a_key_is_known_to_its_set_alone(n: int, t: int) -> None:
    keys = committee_keys(n, t)
    for subset in structure(n, t).subsets:
        assert len({keys[j].subset(subset) for j in subset}) == 1
        for outsider in set(keys) - set(subset):
            assert keys[subset[0]].subset(subset) not in keys[outsider].encode()
            with pytest.raises(KeyError):
                keys[outsider].subset(subset)
    assert keys[1].pair(2) == keys[2].pair(1) != keys[1].pair(3)
    assert len({k.everyone() for k in keys.values()}) == 1


def test_keys_round_trip_and_derive() -> None:
    keys = committee_keys(4, 1)[2]
    again = Keys.decode(keys.encode(), 2, 4, 1)
    assert again.derive(b"a").encode() == keys.derive(b"a").encode()
    assert keys.derive(b"a").encode() != keys.derive(b"b").encode()
    with pytest.raises(ValueError, match="bytes of keys"):
        Keys.decode(keys.encode()[1:], 2, 4, 1)
    with pytest.raises(ValueError, match="do not fit"):
        Keys(2, structure(4, 1), {})
    assert len(shared_groups(structure(4, 1), 1, 2)) == 1 + 2 + 1


# ------------------------------------------------------------ streams


def test_streams_do_not_overlap(field: Field) -> None:
    stream = Stream(secrets.token_bytes(16))
    parts = []
    for instruction, purpose in ((1, 0), (1, 1), (2, 0), (1 << 40, 3)):
        stream.seek(instruction, purpose)
        out = np.empty(4096, np.uint64)
        stream.fill(out)
        parts.append(out)
    assert len(np.unique(np.concatenate(parts))) == 4 * 4096
    stream.seek(1, 1)
    parts[1] ^= np.uint64(1)
    stream.xor(parts[1])
    assert (parts[1] == 1).all()


def test_long_fill_is_one_stream() -> None:
    stream = Stream(bytes(16))
    stream.seek(9)
    long = np.empty(200_001, np.uint64)
    stream.fill(long)
    stream.seek(9)
    zeros = np.zeros(200_001, np.uint64)
    stream.xor(zeros)
    assert np.array_equal(long, zeros)


def test_the_all_ones_value_is_drawn_again(field: Field) -> None:
    class Forced(Stream):
        """A stream whose first array is all ones."""

        __slots__ = ("calls",)

        def fill(self, words: np.ndarray) -> None:
            self.calls = getattr(self, "calls", 0) + 1
            words[:] = 0xFFFFFFFFFFFFFFFF if self.calls < 3 else 6

    stream = Forced(bytes(16))
    out = field.empty((3,))
    stream.elements(field, out)
    assert (out.reshape(-1) == 6).all()
    assert stream.calls == 3


# ------------------------------------------------------------ pseudo-random shares


@pytest.mark.parametrize(("n", "t"), ALL)
def test_random_and_zero_shares(field: Field, n: int, t: int) -> None:
    shape, streams = structure(n, t), streams_of(n, t)
    drawn = {j: random_share(streams[j], field, shape, j, 7, 5) for j in shape.parties}
    value = reconstruct(field, drawn, t)
    pieces = {}
    for j in shape.parties:
        rows = random_pieces(streams[j], field, shape, j, 7, 5)
        pieces.update(zip(shape.held(j), rows, strict=True))
    total = field.sum(np.stack(list(pieces.values())), 0)
    assert np.array_equal(value, total)
    zeros = {j: zero_share(streams[j], field, shape, j, 8, 5) for j in shape.parties}
    assert not reconstruct(field, zeros, t).any()
    assert all(z.any() for z in zeros.values())
    if t > 1:
        with pytest.raises(SharingError):
            reconstruct(field, zeros, t - 1)


@pytest.mark.parametrize(("n", "t"), ALL)
def test_random_bits_and_additive_zero(n: int, t: int) -> None:
    shape, streams = structure(n, t), streams_of(n, t)
    words = {j: random_bit_words(streams[j], shape, j, 3, 70) for j in shape.parties}
    pieces: dict[tuple[int, ...], list[int]] = {}
    for j in shape.parties:
        for subset, row in zip(shape.held(j), words[j], strict=True):
            assert pieces.setdefault(subset, row.tolist()) == row.tolist()
            assert int(row[1]) < 64
    assert len({tuple(row) for row in pieces.values()}) == len(shape.subsets)
    zeros = [zero_words(streams[j], shape, j, 4, 20) for j in shape.parties]
    assert not np.bitwise_xor.reduce(zeros).any()
    assert all(z.any() for z in zeros)


# ------------------------------------------------------------ types


def test_secrets_do_not_leak() -> None:
    number = ArithShare(M61, np.array([123456789], np.uint64))
    flag = BitShare(np.array([[123456789]], np.uint64), (3,))
    streams = streams_of(3, 1)[1]
    for secret in (number, flag, streams, committee_keys(3, 1)[1]):
        assert "123456789" not in repr(secret)
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(secret)
    for secret in (number, flag):
        with pytest.raises(TypeError, match="truth value"):
            bool(secret)
        with pytest.raises(TypeError, match="=="):
            _ = secret == secret


@pytest.mark.parametrize("sizes", [(3,), (64, 1), (1, 64, 7), (128, 64, 3), (0, 5)])
def test_join_and_split(field: Field, sizes: tuple[int, ...]) -> None:
    generator = np.random.default_rng()
    arrays = [generator.integers(0, 2, (2, size), dtype=np.uint8) for size in sizes]
    parts = split_bits(join_bits([BitShare.packed(a) for a in arrays]), [(size,) for size in sizes])
    for array, part in zip(arrays, parts, strict=True):
        assert np.array_equal(part.unpacked(), array)
        assert np.array_equal(part.words, BitShare.packed(array).words)  # nothing of a neighbour in the padding
    raws = [field.from_ints(a[0].astype(np.int64)) for a in arrays]
    for raw, part in zip(raws, split_arith(field, join_arith(field, raws), [(s,) for s in sizes]), strict=True):
        assert np.array_equal(raw, part)


def test_encoded_shares(field: Field) -> None:
    number = ArithShare(field, field.from_ints(np.array([[1, -2], [3, 4]])))
    back = decode_share(encode_share(number), field, (2, 2))
    assert isinstance(back, ArithShare)
    assert np.array_equal(back.raw, number.raw)
    bits = BitShare.packed(np.random.default_rng().integers(0, 2, (2, 70), dtype=np.uint8))
    again = decode_share(encode_share(bits), None, (70,), 2)
    assert isinstance(again, BitShare)
    assert np.array_equal(unpack_bits(again.words, 70), unpack_bits(bits.words, 70))
    with pytest.raises(ValueError, match="bytes where"):
        decode_share(encode_share(bits), None, (70,), 3)
