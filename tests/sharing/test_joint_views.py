"""The joint view of t parties, exactly: over tiny primes all randomness is enumerated, and the views for two
secrets have to be equal as multisets. Then the same is sampled with the real fields and shares.

The polynomials are the product's (`lagrange`, `subset_value`, `Structure`); the tiny field is Python integers.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations, product
from random import Random

import numpy as np
import pytest
from test_shares import streams_of

from enigmalang.fields import M61, M127, Field
from enigmalang.sharing import Structure, structure
from enigmalang.sharing.draws import PART
from enigmalang.sharing.local import given
from enigmalang.sharing.pseudorandom import masked_product_share
from enigmalang.sharing.shamir import lagrange, share, subset_value

View = tuple[int, ...]
#: n, t, and a prime above n.
TINY = [(3, 1, 5), (4, 1, 5), (5, 1, 7), (5, 2, 7)]


def coalitions(shape: Structure) -> Iterator[tuple[int, ...]]:
    return combinations(shape.parties, shape.t)


def polynomials(secret: int, degree: int, p: int) -> Iterator[View]:
    """All sharings of a secret: the shares' polynomials, by coefficients."""
    for rest in product(range(p), repeat=degree):
        yield (secret, *rest)


def at(polynomial: View, point: int, p: int) -> int:
    return sum(c * pow(point, k, p) for k, c in enumerate(polynomial)) % p


@pytest.mark.parametrize(("n", "t", "p"), TINY)
def test_shares_of_a_coalition(n: int, t: int, p: int) -> None:
    shape = structure(n, t)
    for coalition in coalitions(shape):
        views = [Counter(tuple(at(f, i, p) for i in coalition) for f in polynomials(s, t, p)) for s in (0, 1, p - 1)]
        assert views[0] == views[1] == views[2]
    others = [Counter(tuple(at(f, i, p) for i in range(1, t + 2)) for f in polynomials(s, t, p)) for s in (0, 1)]
    assert others[0] != others[1], "t + 1 parties see the difference"


def masked_opening(shape: Structure, p: int, secret: int, coalition: tuple[int, ...], masked: bool) -> Counter[View]:
    """What t parties see when d + r is opened: their shares of d, the pieces of r they know (fixed to some
    numbers: the other pieces are independent of them), and all shares of d + r.
    """
    seen: Counter[View] = Counter()
    random = Random(str(coalition))
    known = {a: random.randrange(p) for a in shape.subsets if set(a) & set(coalition)}
    unknown = [a for a in shape.subsets if a not in known]
    assert len(unknown) == 1
    for d in polynomials(secret, shape.t, p):
        for r in range(p) if masked else (0,):
            pieces = known | {unknown[0]: r}
            opened = [
                at(d, j, p) + sum(piece * subset_value(p, shape.n, a, j) for a, piece in pieces.items() if j in a)
                for j in shape.parties
            ]
            values = [value % p for value in opened]
            total = sum(c * v for c, v in zip(lagrange(p, shape.parties, 0), values, strict=True)) % p
            assert total == (secret + sum(pieces.values())) % p
            seen[(*(at(d, i, p) for i in coalition), *values)] += 1
    return seen


@pytest.mark.parametrize(("n", "t", "p"), TINY)
def test_a_masked_opening(n: int, t: int, p: int) -> None:
    shape = structure(n, t)
    for coalition in coalitions(shape):
        assert masked_opening(shape, p, 0, coalition, True) == masked_opening(shape, p, 1, coalition, True)
        assert masked_opening(shape, p, 0, coalition, False) != masked_opening(shape, p, 1, coalition, False)


def product_zero(shape: Structure, p: int, draws: dict[tuple[int, ...], View], j: int) -> int:
    """Party j's share of zero of degree 2t, as `masked_product_share` makes it."""
    return sum(
        r * pow(j, k, p) * subset_value(p, shape.n, a, j)
        for a, row in draws.items() if j in a for k, r in enumerate(row, 1)
    ) % p


def opened_product(shape: Structure, p: int, x: int, y: int, coalition: tuple[int, ...], masked: bool) -> Counter[View]:
    """What t parties see when x * y is opened by shares of degree 2t: their shares of x and y, the draws they know
    (fixed), and all shares of the product plus those of zero.
    """
    seen: Counter[View] = Counter()
    random, t = Random(str(coalition)), shape.t
    known = {a: tuple(random.randrange(p) for _ in range(t)) for a in shape.subsets if set(a) & set(coalition)}
    (unknown,) = (a for a in shape.subsets if a not in known)
    zeros = []
    for row in product(range(p), repeat=t) if masked else [(0,) * t]:
        shares = [product_zero(shape, p, known | {unknown: row}, j) for j in shape.parties]
        assert sum(c * v for c, v in zip(lagrange(p, shape.dealers, 0), shares, strict=False)) % p == 0
        zeros.append(shares)
    for f in polynomials(x, t, p):
        for g in polynomials(y, t, p):
            mine = tuple(at(h, i, p) for h in (f, g) for i in coalition)
            local = [at(f, j, p) * at(g, j, p) for j in shape.parties]
            for zero in zeros:
                seen[(*mine, *((v + z) % p for v, z in zip(local, zero, strict=True)))] += 1
    return seen


@pytest.mark.parametrize(("n", "t", "p"), TINY)
def test_an_opened_product(n: int, t: int, p: int) -> None:
    """Factors with one product look alike; without the shares of zero they do not."""
    shape = structure(n, t)
    for coalition in list(coalitions(shape))[: 4 if t > 1 else None]:
        for first, second in [((0, 0), (0, 2))] if t > 1 else [((0, 0), (0, 2)), ((1, 2), (2, 1)), ((1, 1), (-1, -1))]:
            views = [opened_product(shape, p, *pair, coalition, True) for pair in (first, second)]
            assert views[0] == views[1]
        bare = [opened_product(shape, p, *pair, coalition, False) for pair in ((0, 0), (0, 2))]
        assert bare[0] != bare[1]


# ------------------------------------------------------------ the real fields

LANES = 1 << 14
LIMIT = 220.0  # chi-square of 64 cells: more with probability below 1e-16


def chi_square(low: np.ndarray, high: np.ndarray) -> float:
    counts = np.bincount((low & np.uint64(7) | (high & np.uint64(7)) << np.uint64(3)).astype(np.int64), minlength=64)
    return float(((counts - LANES / 64) ** 2).sum() / (LANES / 64))


@pytest.mark.parametrize("field", [M61, M127], ids=str)
@pytest.mark.parametrize("secret", [0, 1, -5])
def test_pairs_of_real_shares_are_uniform(field: Field, secret: int) -> None:
    """Any two of five shares of degree 2; and of degree 1, two are not: they give the secret."""
    raw = field.from_ints(np.full(LANES, secret))
    for t, uniform in ((2, True), (1, False)):
        shares = share(field, raw, 5, t)
        for i, j in combinations(shares, 2):
            weights = [list(lagrange(field.p, (i, j), 0))]
            line = field.combine(weights, np.stack([shares[i], shares[j]]))[0]  # the secret, if t = 1
            words = [v.reshape(LANES, field.limbs)[:, 0] for v in (shares[i], shares[j], line)]
            assert not uniform or chi_square(words[0], words[1]) < LIMIT
            assert (chi_square(words[0], words[2]) < LIMIT) == uniform


@pytest.mark.parametrize("field", [M61, M127], ids=str)
@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1), (5, 1), (5, 2), (7, 3)])
def test_the_real_share_of_zero_of_degree_2t(field: Field, n: int, t: int) -> None:
    """It is the polynomial enumerated above; its value at 0 is 0, and its other values are uniform."""
    shape, streams = structure(n, t), streams_of(n, t)
    nothing = given(field, field.zeros((LANES,)))
    shares = {j: masked_product_share(streams[j], field, shape, j, 7, nothing) for j in shape.parties}
    draws: dict[tuple[int, ...], View] = {}
    for subset in shape.subsets:
        stream, rows = streams[subset[0]].of_subset(subset), field.empty((LANES * t,))
        stream.seek(7)
        stream.elements(field, rows)
        part = (LANES - 1) % (PART // (t * field.limbs)) + 1  # so many values are in the last part: t rows of them
        draws[subset] = tuple(int(v) for v in field.to_ints(field.reshape(rows[-part * t :], (t, part)))[:, -1])
    for j, row in shares.items():
        assert int(field.to_ints(row)[-1]) % field.p == product_zero(shape, field.p, draws, j)
        words = row.reshape(LANES, field.limbs)
        assert chi_square(words[:, 0], words[:, -1] >> np.uint64(9)) < LIMIT
    for points in (shape.dealers, shape.parties[-2 * t - 1 :]):
        total = field.combine([list(lagrange(field.p, points, 0))], np.stack([shares[j] for j in points]))
        assert not total.any()
    low = field.combine([list(lagrange(field.p, shape.parties[: 2 * t], 0))], np.stack(list(shares.values())[: 2 * t]))
    assert low.any(), "the degree is not less than 2t"
