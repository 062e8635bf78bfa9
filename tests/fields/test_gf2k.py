"""GF(2^k): the axioms on whole small fields, and the bit-sliced kernels against single numbers."""

import numpy as np
import pytest

from enigmalang.fields import gf2k, pack_bits, unpack_bits

DEGREES = sorted(gf2k.MODULI)


def sliced(degree: int, numbers: list[int]) -> np.ndarray:
    """Numbers to planes (degree, words)."""
    array = np.array(numbers)
    return pack_bits(np.stack([array >> i & 1 for i in range(degree)]))


def unsliced(planes: np.ndarray, count: int) -> list[int]:
    bits = unpack_bits(planes, count).astype(int)
    return [int(v) for v in sum(bits[i] << i for i in range(len(bits)))]


@pytest.mark.parametrize("degree", DEGREES)
def test_it_is_a_field(degree: int) -> None:
    size = 1 << degree
    for a in range(1, size):
        assert gf2k.times(degree, a, gf2k.inverse(degree, a)) == 1
        assert gf2k.power(degree, a, size - 1) == 1
    table = [[gf2k.times(degree, a, b) for b in range(size)] for a in range(size)]
    assert table[1] == list(range(size)) and not any(table[0])
    for a in range(size):
        assert a == 0 or sorted(table[a]) == list(range(size))
        for b in range(size):
            assert table[a][b] == table[b][a]
            assert table[a][b ^ 3] == table[a][b] ^ table[a][3]
            assert table[table[a][b]][size - 1] == table[a][table[b][size - 1]]
    with pytest.raises(ValueError):
        gf2k.inverse(degree, 0)


def test_the_field_of_aes() -> None:
    assert gf2k.times(8, 0x57, 0x83) == 0xC1  # FIPS 197, 4.2
    assert gf2k.power(4, 0, 0) == 1


@pytest.mark.parametrize("degree", DEGREES)
@pytest.mark.parametrize("lanes", [1, 64, 300, 64 * 600])
def test_products_and_combinations_of_planes(degree: int, lanes: int) -> None:
    generator = np.random.default_rng(degree)
    x, y, z = ([int(v) for v in generator.integers(0, 1 << degree, lanes)] for _ in range(3))
    left, right = np.stack([sliced(degree, v) for v in (x, y)], 1), np.stack([sliced(degree, z)], 1)
    rows = np.array([0, 1, 1]), np.zeros(3, np.int64)
    out = gf2k.product(degree, left, rows[0], right, rows[1])
    table = [[gf2k.times(degree, a, b) for b in range(1 << degree)] for a in range(1 << degree)]
    for r, factors in enumerate((x, y, y)):
        assert unsliced(out[:, r], lanes) == [table[a][c] for a, c in zip(factors, z, strict=True)]
    coefficients = [[3, 1], [0, (1 << degree) - 1], [1, 0]]
    mixed = gf2k.combine(gf2k.spread(degree, coefficients), np.concatenate([left[:, 0], left[:, 1]]))
    for r, (a, b) in enumerate(coefficients):
        wanted = [table[a][u] ^ table[b][v] for u, v in zip(x, y, strict=True)]
        assert unsliced(mixed[r * degree : (r + 1) * degree], lanes) == wanted
    form = gf2k.low_form(degree, 3)
    for u, v in zip(x[:20], z[:20], strict=False):
        low = sum(int(form[a, b]) & u >> a & v >> b for a in range(degree) for b in range(degree)) & 1
        assert low == table[3][table[u][v]] & 1
