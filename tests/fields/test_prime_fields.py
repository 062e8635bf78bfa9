"""M61 and M127 against Python integers and galois."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from enigmalang.fields import M61, M127, Field, bit_planes, field_named, unpack_bits
from enigmalang.fields.arithmetic import GIVEN, NOTHING, PIECE, PRODUCT, SELECT, at
from enigmalang.fields.warm import kernels
from enigmalang.sharing.shamir import os_uniform


@pytest.fixture(params=[M61, M127], ids=str)
def field(request: pytest.FixtureRequest) -> Field:
    return request.param


def samples(field: Field, count: int = 150) -> list[int]:
    p = field.p
    ends = [0, 1, 2, p - 1, p - 2, p // 2, p // 2 + 1, (1 << 63) % p, (1 << 64) % p, ((1 << 64) - 1) % p, 1 << 60]
    return ends + [secrets.randbelow(p) >> secrets.randbelow(field.q) for _ in range(count)]


def raw_of(field: Field, values: list[int]) -> np.ndarray:
    return field.from_ints(np.array(values, dtype=object))


def residues(field: Field, raw: np.ndarray) -> list[int]:
    assert field.is_canonical(raw)
    return [int(v) % field.p for v in field.to_ints(raw).reshape(-1)]


def test_elementwise_on_all_pairs(field: Field) -> None:
    x = samples(field)
    y = x[::-1]
    a, b = raw_of(field, x), raw_of(field, y)
    column = field.reshape(a, (len(x), 1))
    pairs = [(u, v) for u in x for v in y]
    assert residues(field, field.mul(column, b)) == [u * v % field.p for u, v in pairs]
    assert residues(field, field.add(column, b)) == [(u + v) % field.p for u, v in pairs]
    assert residues(field, field.sub(column, b)) == [(u - v) % field.p for u, v in pairs]
    assert residues(field, field.neg(a)) == [-u % field.p for u in x]
    assert residues(field, field.scale(a, -12345)) == [-12345 * u % field.p for u in x]


def test_sums_and_products(field: Field) -> None:
    x = samples(field, 139)  # 150 in all
    a = field.reshape(raw_of(field, x), (5, 30))
    grid = np.array(x, dtype=object).reshape(5, 30)
    for axis in (0, 1, -1):
        assert residues(field, field.sum(a, axis)) == [int(v) % field.p for v in grid.sum(axis=axis)]
    turned = np.ascontiguousarray(np.swapaxes(a, 0, 1))
    assert residues(field, field.matmul(a, turned)) == [int(v) % field.p for v in (grid @ grid.T).reshape(-1)]
    assert residues(field, field.dot(a, a)) == [int(v) % field.p for v in (grid * grid).sum(axis=1)]
    batch = field.reshape(a, (5, 3, 10))
    other = np.ascontiguousarray(np.swapaxes(batch, 1, 2))
    big = grid.reshape(5, 3, 10)
    expected = [int(v) % field.p for i in range(5) for v in (big[i] @ big[i].T).reshape(-1)]
    assert residues(field, field.matmul(batch, other)) == expected
    single = [int(v) % field.p for i in range(5) for v in (big[i] @ big[0].T).reshape(-1)]
    assert residues(field, field.matmul(batch, other[:1])) == single


def test_a_long_inner_product_of_the_largest(field: Field) -> None:
    top = raw_of(field, [field.p - 1] * 5000)
    assert residues(field, field.dot(top, top)) == [5000]


def test_against_galois() -> None:
    import galois

    oracle = galois.GF(M61.p)
    x, y = samples(M61), samples(M61)[::-1]
    product = oracle(x) * oracle(y)
    assert residues(M61, M61.mul(raw_of(M61, x), raw_of(M61, y))) == [int(v) for v in product]
    inverse = oracle(7) ** -1
    assert M61.inverse(7) == int(inverse)


@pytest.mark.parametrize("value", [-(2**63), -1, 0, 1, 2**63 - 1])
def test_int64(field: Field, value: int) -> None:
    raw = field.from_ints(np.array([value], dtype=np.int64))
    assert residues(field, raw) == [value % field.p]


def test_other_integer_types(field: Field) -> None:
    for array in (np.array([True, False]), np.array([0, 255], np.uint8), np.array([0, 2**64 - 1], np.uint64)):
        assert residues(field, field.from_ints(array)) == [int(v) % field.p for v in array]
    assert residues(field, field.from_ints(-7)) == [-7 % field.p]


def test_signed_round_trip(field: Field) -> None:
    half = field.p // 2
    values = [0, 1, -1, half, -half, half - 1]
    back = field.to_ints(raw_of(field, values))
    assert back.tolist() == values
    assert back.dtype == (np.int64 if field is M61 else object)


def test_bytes(field: Field) -> None:
    x = samples(field)
    raw = raw_of(field, x)
    data = bytes(field.to_bytes(raw))
    assert data[: field.nbytes] == x[0].to_bytes(field.nbytes, "little")
    assert np.array_equal(field.from_bytes(data, (len(x),)), raw)
    shifted = memoryview(b"?" + data)[1:]
    assert np.array_equal(field.from_bytes(shifted, (len(x),)), raw)
    assert residues(field, field.add(field.from_bytes(shifted, (len(x),)), raw)) == [2 * v % field.p for v in x]


def test_malformed_bytes(field: Field) -> None:
    for bad in (field.p, field.p + 1, (1 << 8 * field.nbytes) - 1):
        with pytest.raises(ValueError, match="not reduced"):
            field.from_bytes(bytes(field.nbytes) + bad.to_bytes(field.nbytes, "little"), (2,))
    with pytest.raises(ValueError, match="bytes where"):
        field.from_bytes(bytes(field.nbytes - 1), (1,))


def test_division(field: Field) -> None:
    x = samples(field)
    for divisor in (1, 2, 3, 1 << 31, (1 << 60) + 7, field.p // 3, field.p):
        quotient, rest = field.divide(raw_of(field, x), divisor)
        assert residues(field, quotient) == [v // divisor for v in x]
        assert [int(v) % field.p for v in field.to_ints(rest)] == [v % divisor for v in x]


def test_shift(field: Field) -> None:
    x = samples(field)
    for f in (0, 1, 31, 59, field.q // 2, field.q - 1):
        assert residues(field, field.shift(raw_of(field, x), f)) == [v >> f for v in x]


def test_bit_planes(field: Field) -> None:
    x = samples(field)
    bits = unpack_bits(bit_planes(field, raw_of(field, x)), len(x))
    assert [sum(int(b) << i for i, b in enumerate(column)) for column in bits.T] == x


def test_mask_words_finds_p(field: Field) -> None:
    ones = np.full((3, *field.tail), 0xFFFFFFFFFFFFFFFF, np.uint64)
    ones[1] = 5
    assert field.mask_words(ones).tolist() == [True, False, True]


def test_uniform_elements_are_canonical(field: Field) -> None:
    assert field.is_canonical(os_uniform(field, 10_000))


def test_empty_arrays(field: Field) -> None:
    empty = field.zeros((0, 3))
    assert field.shape_of(field.mul(empty, empty)) == (0, 3)
    assert field.shape_of(field.sum(empty, 0)) == (3,)


def test_names() -> None:
    assert field_named("M127") is M127
    with pytest.raises(ValueError, match="no field is named"):
        field_named("M31")


@pytest.mark.parametrize("count", [1, 3, 4, 7, 257, 8200])
def test_four_at_a_time_and_the_rest(field: Field, count: int) -> None:
    p = field.p
    ends = [0, p - 1, 1, p - 2, (1 << 26) - 1, p >> 1, 1 << field.q - 1, p - (1 << 26), p ^ ((1 << 52) - 1)]
    ends += [(1 << k) % p for k in (26, 52, 63, 64, 78, 96, 104)] + [((1 << k) - 1) % p for k in (52, 63, 64, 78, 104)]
    x = [ends[i % len(ends)] for i in range(count)]
    y = [ends[i // len(ends) % len(ends)] if i % 3 else p - v for i, v in enumerate(x)]
    y = [v % p for v in y]
    a, b = raw_of(field, x), raw_of(field, y)
    one = raw_of(field, [p - 3])
    assert residues(field, field.mul(a, b)) == [u * v % p for u, v in zip(x, y, strict=True)]
    assert residues(field, field.mul(one, a)) == [u * (p - 3) % p for u in x]
    assert residues(field, field.add(a, b)) == [(u + v) % p for u, v in zip(x, y, strict=True)]
    assert residues(field, field.sub(a, b)) == [(u - v) % p for u, v in zip(x, y, strict=True)]
    assert residues(field, field.sub(one, b)) == [(p - 3 - v) % p for v in y]
    assert residues(field, field.dot(a, b)) == [sum(u * v for u, v in zip(x, y, strict=True)) % p]
    assert residues(field, field.sum(a, 0)) == [sum(x) % p]


@pytest.mark.parametrize("count", [3, 4, 1029])
def test_linear_combinations_that_meet_p(field: Field, count: int) -> None:
    p = field.p
    ends = [0, 1, p - 1, 1 << 63, p >> 1, p - (1 << 52), secrets.randbelow(p)]
    x = [ends[i % len(ends)] for i in range(count)]
    rows = np.stack([raw_of(field, x), raw_of(field, [-v % p for v in x]), raw_of(field, x[::-1])])
    for table in ([1, 1, 0], [p - 1, p - 1, p - 1], [5, p - 7, 1 << 60], [2, 3, 4]):
        expected = [(table[0] * u - table[1] * u + table[2] * w) % p for u, w in zip(x, x[::-1], strict=True)]
        assert residues(field, field.combine([table], rows)) == expected


@pytest.mark.parametrize("count", [1, 4, 9])
def test_words_that_are_no_residues_are_found_anywhere(field: Field, count: int) -> None:
    for place in range(count):
        for bad in (field.p, field.p + 1, (1 << 8 * field.nbytes) - 1):
            words = [1] * count
            words[place] = bad
            raw = np.frombuffer(b"".join(w.to_bytes(field.nbytes, "little") for w in words), np.uint64)
            assert not kernels().prime[field.q].reduced(raw, count)
            words[place] = field.p - 1
            raw = np.frombuffer(b"".join(w.to_bytes(field.nbytes, "little") for w in words), np.uint64)
            assert kernels().prime[field.q].reduced(raw, count)


@pytest.mark.parametrize("kind", [GIVEN, PRODUCT, SELECT, NOTHING])
@pytest.mark.parametrize("count", [1, 6, 1029])
def test_what_a_resharing_deals(field: Field, kind: int, count: int) -> None:
    p = field.p
    ends = [0, 1, p - 1, (1 << 63) % p, p >> 1, 1 << 52, secrets.randbelow(p)]
    x, y, z = ([ends[i // step % len(ends)] for i in range(count)] for step in (1, 7, 3))
    draws = [[secrets.randbelow(p) for _ in range(count)] for _ in range(2)]
    table = [[3, p - 5], [p - 1, 1 << 59]]  # one message, and the party's own
    raws = [raw_of(field, values) for values in (x, y, z, draws[0] + draws[1], table[0] + table[1])]
    messages, own, scratch = field.empty((count,)), field.empty((count,)), np.empty(PIECE, np.uint64)
    a, b, c, drawn, rows = map(at, raws)
    ends_of_it = a, 1, b, 1, c, 1, 0, drawn, 1, 1, count, 1, count
    work = kernels().prime[field.q]
    assert not work.reshare(kind, *ends_of_it, rows, at(messages), 1, count, at(own), 0, count, at(scratch))
    operands = zip(x, y, z, strict=True)
    values = [{GIVEN: u, PRODUCT: u * v, SELECT: u * (v - w), NOTHING: 0}[kind] for u, v, w in operands]
    assert residues(field, messages) == [(3 * v - 5 * d) % p for v, d in zip(values, draws[0], strict=True)]
    further = z if kind == SELECT else [0] * count
    expected = zip(values, draws[0], draws[1], further, strict=True)
    assert residues(field, own) == [((1 << 59) * d - v + e + f) % p for v, d, e, f in expected]


def test_who_sent_what_is_not_reduced_is_told_apart_among_threads(field: Field) -> None:
    """Parties of one process absorb messages at the same time: an honest peer's is good, a liar's is not, always."""
    absorb, count, rounds = kernels().absorb[field.q], 1 << 14, 60
    together = Barrier(4, timeout=60.0)
    honest, liar = raw_of(field, [field.p - 1]).repeat(count, 0), b"\xff" * (count * field.nbytes)

    def party(told: Any) -> set[bool]:
        total, verdicts = field.zeros((count,)), set()
        for _ in range(rounds):
            together.wait()
            verdicts.add(absorb(total, told))
        return verdicts

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(party, [honest, liar, honest, liar])) == [{True}, {False}, {True}, {False}]
