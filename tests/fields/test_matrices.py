"""Matrix products by both methods, against Python integers, with the ends of the field in them."""

import numpy as np
import pytest

from enigmalang.fields import M61, M127, Field, residues
from enigmalang.sharing.shamir import os_uniform


@pytest.fixture(params=[M61, M127], ids=str)
def field(request: pytest.FixtureRequest) -> Field:
    return request.param


def exact(field: Field, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    a, b = (field.to_ints(raw).astype(object) for raw in (x, y))
    return field.from_ints(a @ b)


def uniform(field: Field, shape: tuple[int, ...]) -> np.ndarray:
    count = int(np.prod(shape))
    raw = os_uniform(field, count)
    raw[: min(count, 4)] = field.from_ints(np.array([-1, 0, 1, field.p // 2], object))[:count]
    return field.reshape(raw, shape)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 5, 2), (7, 64, 9), (2, 2050, 3)])
def test_residues_are_exact(field: Field, sizes: tuple[int, int, int]) -> None:
    m, k, n = sizes
    x, y, out = uniform(field, (m, k)), uniform(field, (k, n)), field.empty((m, n))
    residues.matmul(field.q, x, y, out)
    assert np.array_equal(out, exact(field, x, y))


@pytest.mark.parametrize("value", [0, 1, -1])
def test_residues_of_the_extremes(field: Field, value: int) -> None:
    k = residues.TERMS + 1
    x = field.from_ints(np.full((2, k), value))
    y, out = field.from_ints(np.full((k, 3), -1)), field.empty((2, 3))
    residues.matmul(field.q, x, y, out)
    assert field.to_ints(out).tolist() == [[-value * k] * 3] * 2


def test_residues_at_the_largest_residues() -> None:
    """Elements whose residues modulo a prime are as large as they get: the sums come closest to 2^53."""
    for field in (M61, M127):
        system = residues._system(field.q)
        for modulus in system.moduli[:2]:
            prime = int(modulus.value)
            x = field.from_ints(np.full((1, residues.TERMS), prime // 2))
            out = field.empty((1, 1))
            residues.matmul(field.q, x, np.ascontiguousarray(np.swapaxes(x, 0, 1)), out)
            assert int(field.to_ints(out)[0, 0]) % field.p == residues.TERMS * (prime // 2) ** 2 % field.p


@pytest.mark.parametrize("batch", [((), ()), ((2,), ()), ((), (2,)), ((2, 1), (1, 3))])
def test_both_methods_through_the_field(
    field: Field, batch: tuple[tuple[int, ...], tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = uniform(field, (*batch[0], 4, 9)), uniform(field, (*batch[1], 9, 5))
    expected = exact(field, x, y)
    for pays in (False, True):
        monkeypatch.setattr(residues, "pays", lambda *sizes: pays)  # noqa: B023
        assert np.array_equal(field.matmul(x, y), expected)


def test_large_matrices_go_by_residues(field: Field) -> None:
    x, y = uniform(field, (200, 210)), uniform(field, (210, 220))
    assert residues.pays(field.q, 200, 210, 220)
    ends = field.from_ints(field.to_ints(x[:3]).astype(object) @ field.to_ints(y).astype(object))
    assert np.array_equal(field.matmul(x, y)[:3], ends)


def test_columns_rows_and_inner_products(field: Field) -> None:
    x, v = uniform(field, (6, 11)), uniform(field, (11,))
    column = field.reshape(v, (11, 1))
    expected = exact(field, x, column)
    assert np.array_equal(field.matmul(x, column), expected)
    assert np.array_equal(field.dot(x, v), expected[:, 0])
    assert np.array_equal(field.dot(v, x), expected[:, 0])
    grid = field.reshape(uniform(field, (22,)), (2, 1, 11))
    each = np.stack([field.dot(x, grid[i, 0]) for i in range(2)])
    assert np.array_equal(field.dot(x, grid), each)


@pytest.mark.parametrize(
    ("left", "right"),
    [((), (3, 4)), ((4,), (3, 4)), ((3, 1), (3, 4)), ((3, 1), (4,)), ((2, 3, 1), (2, 3, 4)), ((2, 1, 4), (1, 3, 1))],
)
def test_broadcasting(field: Field, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    x, y = uniform(field, left), uniform(field, right)
    a, b = (np.array(field.to_ints(raw)).astype(object) for raw in (x, y))
    for method, expected in ((field.mul, a * b), (field.add, a + b), (field.sub, a - b)):
        assert np.array_equal(method(x, y), field.from_ints(expected))
        assert np.array_equal(method(y, x), field.from_ints(-expected if method == field.sub else expected))


def test_transposed_operands(field: Field) -> None:
    x = np.swapaxes(uniform(field, (5, 7)), 0, 1)
    y = uniform(field, (7, 5))
    a, b = (field.to_ints(raw).astype(object) for raw in (x, y))
    assert np.array_equal(field.mul(x, y), field.from_ints(a * b))
    assert np.array_equal(field.matmul(x, np.swapaxes(x, 0, 1)), field.from_ints(a @ a.T))


@pytest.mark.parametrize("count", [5, 2000])
def test_signed_words(field: Field, count: int) -> None:
    values = np.random.default_rng(5).integers(-(2**63), 2**63, count, dtype=np.int64)
    values[:5] = [-(2**63), 2**63 - 1, 0, -1, field.p if field is M61 else 7]
    assert [int(v) % field.p for v in field.to_ints(field.from_ints(values))] == [int(v) % field.p for v in values]


def test_wide_values_come_back(field: Field) -> None:
    raw = uniform(field, (2000,))
    values = field.to_ints(raw)
    assert np.array_equal(field.from_ints(values), raw)
    assert all(abs(int(v)) <= field.p // 2 for v in values)
    edge = field.from_ints(np.array([-(2**63), 2**63 - 1] * 1000, dtype=np.int64))
    assert field.to_ints(edge).dtype == (np.int64 if field is M61 else object)


@pytest.mark.parametrize("count", [3, 3000])
def test_public_values(field: Field, count: int) -> None:
    """They are what `to_ints` says; many that fit take no Python integers."""
    fitting = np.random.default_rng(6).integers(-(2**59), 2**59, (count, 2))
    public = field.to_public(field.from_ints(fitting))
    assert public.shape == fitting.shape and public.tolist() == fitting.tolist()
    assert count == 3 or public.dtype == np.int64
    raw = uniform(field, (count,))
    assert field.to_public(raw).tolist() == field.to_ints(raw).tolist()
