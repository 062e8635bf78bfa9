"""Wide committees: products through kings, what everything costs, every protocol on bits over GF(2^k)."""

from collections.abc import Callable
from math import ceil, comb
from typing import Any

import numpy as np
import pytest
from committee import Committee, agreed, centred, edges, opened

from enigmalang.fields import M61, M127, unpack_bits
from enigmalang.mpc.bits import a2b, and_, b2a, negate
from enigmalang.mpc.compare import eqz, ltz
from enigmalang.mpc.divide import divc, shr
from enigmalang.mpc.multiply import mul, open_product
from enigmalang.mpc.outputs import fresh_words
from enigmalang.mpc.party import Party, alone
from enigmalang.mpc.wide import kings
from enigmalang.mpc.wide.kings import kings_pay, product_zero, random_numbers
from enigmalang.sharing import ArithShare, BitShare, structure
from enigmalang.sharing.binary import reconstruct as reconstruct_bits
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.shamir import lagrange, reconstruct
from enigmalang.sharing.spaces import elements, planes

#: Odd and even n, t at its most and below; (3, 1) has kings without messages of degree t.
SIZES = [(3, 1), (5, 2), (6, 2), (9, 3), (11, 5), (15, 7)]


@pytest.fixture(params=SIZES, ids=str)
def wide(request: pytest.FixtureRequest) -> Committee:
    return Committee(*request.param, M61, True)


@pytest.fixture
def always_kings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kings for the smallest product, too."""
    monkeypatch.setattr(kings, "ROUND_BYTES", -1)


# ------------------------------------------------------------ kings


@pytest.mark.usefixtures("always_kings")
@pytest.mark.parametrize("field", [M61, M127], ids=str)
def test_products_by_kings(wide: Committee, field: Any) -> None:
    c = Committee(wide.n, wide.t, field, True)
    x = edges(field)
    y = x[::-1]
    left, right, short = c.deal(x), c.deal(y), c.deal([-3])

    def body(party: Party) -> tuple[list[int], list[int], int]:
        products = opened(party, mul(party, left(party), right(party)))
        before = party.counters.rounds
        square = mul(party, short(party), short(party))  # fewer products than kings
        rounds = party.counters.rounds - before
        return products, opened(party, square), rounds

    products, square, rounds = agreed(c.run(body))
    assert products == [centred(a * b, field.p) for a, b in zip(x, y, strict=True)]
    assert square == [9] and rounds == 2


def degree_of(c: Committee, shares: list[ArithShare]) -> None:
    """The shares of all parties lie on one polynomial of degree t: `reconstruct` raises otherwise."""
    reconstruct(c.field, {i: share.raw for i, share in enumerate(shares, 1)}, c.t)


@pytest.mark.usefixtures("always_kings")
def test_kings_reduce_the_degree(wide: Committee) -> None:
    x, bits = wide.deal(range(40)), wide.deal_bits([1, 0] * 50)
    degree_of(wide, wide.run(lambda party: mul(party, x(party), x(party))))
    both: list[BitShare] = wide.run(lambda party: and_(party, bits(party), bits(party)))
    words = reconstruct_bits(wide.structure.degree, {i: share.words for i, share in enumerate(both, 1)}, wide.t)
    assert unpack_bits(words, 100).tolist() == [1, 0] * 50


@pytest.mark.usefixtures("always_kings")
def test_protocols_by_kings(wide: Committee) -> None:
    check_protocols(wide)


def test_protocols_by_dealing(wide: Committee) -> None:
    check_protocols(wide)


def check_protocols(c: Committee) -> None:
    x = edges(c.field)
    small = [0, 5, -7, 100, 12345, -99999, 2**58, -(2**58)]
    a, b = np.arange(130) % 3 % 2, np.arange(130) % 5 % 2
    values, numbers, left, right = c.deal(x), c.deal(small), c.deal_bits(a), c.deal_bits(b)
    protocols: list[tuple[Callable[[Party], ArithShare | BitShare], list[int]]] = [
        (lambda p: ltz(p, values(p)), [int(v < 0) for v in x]),
        (lambda p: eqz(p, values(p)), [int(v == 0) for v in x]),
        (lambda p: shr(p, numbers(p), 3), [v >> 3 for v in small]),
        (lambda p: divc(p, numbers(p), 10), [v // 10 for v in small]),
        (lambda p: a2b(p, ArithShare(c.field, numbers(p).raw[:2]), 4), [0, 0, 0, 0, 1, 0, 1, 0]),
        (lambda p: and_(p, left(p), right(p)), (a & b).tolist()),
        (lambda p: negate(p, left(p)), (1 - a).tolist()),
        (lambda p: b2a(p, left(p)), a.tolist()),
    ]
    results = agreed(c.run(lambda p: [opened(p, protocol(p)) for protocol, _ in protocols]))
    assert results == [wanted for _, wanted in protocols]


def test_opened_products_and_sealed_bits(wide: Committee) -> None:
    x, bits = wide.deal(edges(M61)), wide.deal_bits([1, 1, 0])

    def body(party: Party) -> list[int]:
        return [int(v) for v in party.field.to_ints(open_product(party, x(party), x(party)))]

    assert agreed(wide.run(body)) == [centred(v * v, M61.p) for v in edges(M61)]
    pieces = wide.run(lambda party: fresh_words(party, bits(party).words))
    assert unpack_bits(np.bitwise_xor.reduce(np.stack(pieces), axis=0), 3).tolist() == [1, 1, 0]


# ------------------------------------------------------------ random numbers


def test_random_numbers_fit_in_both_degrees(wide: Committee) -> None:
    """Shares of degree t of all parties and of degree 2t of the dealers are of the same numbers, which are uniform."""
    c, size = wide, 2000

    def body(party: Party) -> tuple[Any, Any, Any]:
        def begin(round_: Any) -> Callable[[], Any]:
            doubled, finish = random_numbers(party, round_, elements(M61), size, True)
            return lambda: (doubled, finish(), product_zero(party, elements(M61), size))

        return alone(party, begin)

    found = c.run(body)
    value = reconstruct(M61, {i: single for i, (_, single, _) in enumerate(found, 1)}, c.t)
    line = list(lagrange(M61.p, c.structure.dealers, 0))
    doubles = [double for double, _, _ in found if double is not None]
    assert np.array_equal(M61.combine([line], np.stack(doubles))[0], value)
    with pytest.raises(SharingError, match="degree"):
        reconstruct(M61, dict(enumerate(doubles, 1)), c.t)
    zeros = [zero for _, _, zero in found[: 2 * c.t + 1]]
    assert not M61.combine([line], np.stack(zeros))[0].any()
    assert abs(int((value >> np.uint64(60)).sum()) - size / 2) < 320  # Hoeffding: beyond with probability < 2e^-102
    assert len(np.unique(value)) == size


def test_random_planes() -> None:
    c, size = Committee(11, 5, M61), 100

    def body(party: Party) -> Any:
        return alone(party, lambda r: random_numbers(party, r, planes(4), size, False)[1])

    shares = dict(enumerate(c.run(body), 1))
    with pytest.raises(SharingError, match="not 0 or 1"):  # one polynomial of degree t, but numbers, not bits
        reconstruct_bits(4, shares, 5)


# ------------------------------------------------------------ costs: the formulas of the docstrings


def sent(c: Committee, protocol: Callable[[Party], object]) -> tuple[int, list[int]]:
    """Rounds, and bytes of each party."""

    def body(party: Party) -> tuple[int, int]:
        protocol(party)
        return party.counters.rounds, party.counters.bytes_sent

    results = c.run(body)
    return agreed([rounds for rounds, _ in results]), [size for _, size in results]


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1), (5, 2), (7, 3), (9, 4), (11, 5)])
def test_a_dealt_product(n: int, t: int) -> None:
    c = Committee(n, t, M61)
    x, bits = c.deal(range(10)), c.deal_bits([1] * 640)
    assert c.structure.wide == (n >= 9)
    rounds, sizes = sent(c, lambda party: mul(party, x(party), x(party)))
    assert rounds == 1 and sizes == [80 * (n - 1 - t)] * (2 * t + 1) + [0] * (n - 2 * t - 1)
    rounds, sizes = sent(c, lambda party: and_(party, bits(party), bits(party)))
    each = 80 * (n - 1 - t) * (4 if c.structure.wide else 1)
    assert rounds == 1 and sizes == [each] * (2 * t + 1) + [0] * (n - 2 * t - 1)


@pytest.mark.usefixtures("always_kings")
def test_a_product_by_kings(wide: Committee) -> None:
    n, t = wide.n, wide.t
    count = n * (t + 1) * 64
    x, bits = wide.deal([2] * count), wide.deal_bits([1] * count)
    each = (2 * t + 1) * (n - 1) / n + (n - 1 - t) + (2 * t + 1) * (n - 2 - t) / (t + 1)
    rounds, sizes = sent(wide, lambda party: mul(party, x(party), x(party)))
    assert rounds == 2 and sum(sizes) == round(each * count * 8)
    assert n > 2 * t + 1 or max(sizes) < 1.2 * min(sizes), "kings take turns"
    rounds, sizes = sent(wide, lambda party: and_(party, bits(party), bits(party)))
    assert rounds == 2 and sum(sizes) == round(each * count * wide.structure.degree / 8)


def test_openings_of_bits_cost_t_bits_each() -> None:
    for n, t in ((3, 1), (11, 5), (12, 2)):
        c = Committee(n, t, M61, True)
        bits = c.deal_bits([1] * 640)
        rounds, sizes = sent(c, lambda party, bits=bits: opened(party, bits(party)))  # type: ignore[misc]
        assert rounds == 1 and sizes == [80 * t] * n


def test_conversion_of_bits() -> None:
    c = Committee(11, 5, M61)
    bits = c.deal_bits([1] * 64)
    rounds, sizes = sent(c, lambda party: b2a(party, bits(party)))
    assert rounds == 1 + ceil(np.log2(6))
    dealings, products = 6 * (11 - 1 - 5), 5 * 11 * (11 - 1 - 5)
    assert sum(sizes) == 64 * 8 * (dealings + products)


def test_when_kings_pay() -> None:
    assert not kings_pay(structure(7, 3), 1 << 40), "replicated bits, and 3 elements a product"
    for n in (9, 11, 21, 31):
        shape = structure(n, (n - 1) // 2)
        assert not kings_pay(shape, 1 << 10)
        assert kings_pay(shape, 1 << 20)
    assert not kings_pay(structure(5, 2, True), 1 << 15)


def test_which_committees_are_wide() -> None:
    for n in range(3, 32):
        for t in range(1, (n - 1) // 2 + 1):
            shape = structure(n, t)
            assert shape.wide == (comb(n, t) > 35)
            assert (len(shape.subsets) > 0) == (comb(n, t) <= 500)
            assert 1 << shape.degree > n
            assert shape.pieces(1) <= 30
