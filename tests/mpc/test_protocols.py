"""Every protocol against Python integers, at the ends of the range and at random, for several committees."""

import secrets

import numpy as np
import pytest
from committee import Committee, agreed, centred, edges, opened

from enigmalang.fields import M61
from enigmalang.mpc import bits as bit_protocols
from enigmalang.mpc.addends import save_rounds
from enigmalang.mpc.ahead import random_bits
from enigmalang.mpc.compare import eqz, ltz
from enigmalang.mpc.divide import divc, divmod_, shr
from enigmalang.mpc.multiply import dot, matmul, mul, select
from enigmalang.mpc.party import Party
from enigmalang.mpc.tabulate import make_tables
from enigmalang.sharing import ArithShare


def randoms(committee: Committee, count: int, bits: int | None = None) -> list[int]:
    """Signed values of every magnitude."""
    top = committee.field.q - 1 if bits is None else bits
    half = committee.field.p // 2
    out = []
    for _ in range(count):
        value = secrets.randbits(top) >> secrets.randbelow(top)
        out.append(min(value, half) * (1 if secrets.randbelow(2) else -1))
    return out


def quarter_range(committee: Committee, count: int) -> list[int]:
    """|v| <= 2^(q-2), which shifts and divisions take."""
    top = 1 << (committee.field.q - 2)
    values = [0, 1, -1, 2, -2, 7, -7, top - 1, 1 - top, -top, top - 2]
    return values + randoms(committee, count, committee.field.q - 2)


def test_mul(committee: Committee) -> None:
    x = edges(committee.field) + randoms(committee, 100)
    y = x[::-1]
    left, right = committee.deal(x), committee.deal(y)
    result = agreed(committee.run(lambda party: opened(party, mul(party, left(party), right(party)))))
    assert result == [centred(a * b, committee.field.p) for a, b in zip(x, y, strict=True)]


def test_products_broadcast(committee: Committee) -> None:
    x = [[1, -2, 3], [4, 5, -6]]
    y = [[7], [-8]]
    left, right = committee.deal(x), committee.deal(y)
    result = agreed(committee.run(lambda party: opened(party, mul(party, left(party), right(party)))))
    assert result == [7, -14, 21, -32, -40, 48]


def test_dot_and_matmul_cost_one_element(three: Committee) -> None:
    x, y = np.arange(-12, 12).reshape(2, 3, 4), np.arange(20).reshape(4, 5) - 7
    left, right = three.deal(x), three.deal(y)

    def body(party: object) -> tuple[list[int], list[int], int]:
        product = matmul(party, left(party), right(party))
        before = party.counters.products
        square = dot(party, left(party), left(party))
        return opened(party, product), opened(party, square), party.counters.products - before

    product, square, cost = agreed(three.run(body))
    assert product == (x @ y).reshape(-1).tolist()
    assert square == (x * x).sum(axis=-1).reshape(-1).tolist()
    assert cost == 6


def test_select(three: Committee) -> None:
    c, x, y = three.deal([0, 1, 1, 0]), three.deal([5, -6, 7, 8]), three.deal([-1, -2, -3, -4])
    result = agreed(three.run(lambda party: opened(party, select(party, c(party), x(party), y(party)))))
    assert result == [-1, -6, 7, -4]


def test_comparisons(committee: Committee) -> None:
    x = edges(committee.field) + randoms(committee, 200)
    shares = committee.deal(x)

    def body(party: object) -> tuple[list[int], list[int]]:
        value = shares(party)
        return opened(party, ltz(party, value)), opened(party, eqz(party, value))

    less, zero = agreed(committee.run(body))
    assert less == [int(v < 0) for v in x]
    assert zero == [int(v == 0) for v in x]


@pytest.mark.parametrize("bits", [1, 5, 31, -3, -2, -1])
def test_comparisons_of_known_range(committee: Committee, bits: int) -> None:
    bits = bits if bits > 0 else committee.field.q + bits
    top = min(1 << bits, committee.field.p // 2)
    x = [0, 1, -1, top - 1, 1 - top, 2 - top, top // 2, -top // 2, *(-v for v in randoms(committee, 60, bits))]
    lowest, zeros = committee.deal([-top]), committee.deal([-top, top, *x])
    shares = committee.deal(x)

    def body(party: object) -> list[list[int]]:
        less = [opened(party, ltz(party, values(party), bits)) for values in (shares, lowest)]
        return [*less, opened(party, eqz(party, zeros(party), bits))]

    less, least, zero = agreed(committee.run(body))
    assert less == [int(v < 0) for v in x]
    assert least == [1]
    assert zero == [int(v == 0) for v in [-top, top, *x]]


@pytest.mark.parametrize("lanes", [0, 1, 63, 64, 65])
def test_comparison_of_any_length(three: Committee, lanes: int) -> None:
    x = randoms(three, lanes)
    shares = three.deal(x)
    assert agreed(three.run(lambda party: opened(party, ltz(party, shares(party))))) == [int(v < 0) for v in x]


def test_comparison_in_ranges(three: Committee, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("enigmalang.mpc.addends.PIECE_BYTES", 2048)
    x = randoms(three, 1000)
    shares = three.deal(x)

    def body(party: object) -> tuple[list[int], list[int], int]:
        value = shares(party)
        less = opened(party, ltz(party, value))
        rounds = party.counters.rounds
        small = ArithShare(value.field, value.field.sub(value.raw, value.raw))
        return less, opened(party, bit_protocols.a2b(party, small, 3)), rounds

    less, zeros, rounds = agreed(three.run(body))
    assert less == [int(v < 0) for v in x]
    assert zeros == [0] * 3000
    assert rounds > 10  # it was cut into several ranges, more than are under way at once


@pytest.mark.parametrize("words", [1, 6, 64])
def test_comparison_in_cached_parts(committee: Committee, monkeypatch: pytest.MonkeyPatch, words: int) -> None:
    """Rows of 3 and of 4 words, so few at a time that a part is two rows, or a few."""
    monkeypatch.setattr("enigmalang.mpc.deal.DRAW_WORDS", words)
    for lanes in (150, 250):
        x = randoms(committee, lanes)
        shares = committee.deal(x)
        less = agreed(committee.run(lambda party, give=shares: opened(party, ltz(party, give(party)))))
        assert less == [int(v < 0) for v in x]


def test_nine_parties() -> None:
    """C(9, 4) = 126 sets, of which a party is in 70."""
    nine = Committee(9, 4, M61)
    x = [0, 1, -1, 12345, -12345, (1 << 58) - 1, -(1 << 58)]
    shares, positive = nine.deal(x), nine.deal([abs(v) for v in x])

    def body(party: object) -> list[list[int]]:
        value = shares(party)
        found = [ltz(party, value), ltz(party, value, 58), eqz(party, value), eqz(party, value, 58)]
        found += [shr(party, value, 7), divc(party, value, 10), bit_protocols.a2b(party, positive(party), 59)]
        return [opened(party, v) for v in found]

    less, near, zero, same, shifted, divided, bits = agreed(nine.run(body))
    assert less == near == [int(v < 0) for v in x]
    assert zero == same == [int(v == 0) for v in x]
    assert (shifted, divided) == ([v >> 7 for v in x], [v // 10 for v in x])
    assert bits == [abs(v) >> i & 1 for v in x for i in range(59)]


LEVELS = 5  # ceil(log2(32))


def window_ands(t: int, rows: int) -> int:
    """Of carry-save steps on a window: 32 * (t - 1) + t * (t - 1) / 2 for t <= 4 and t + 32 rows."""
    total, addends = 0, t + 1
    while addends > 2:
        rows -= 1
        total += addends // 3 * rows
        addends -= addends // 3
    return total


@pytest.mark.parametrize("by_kings", [False, True])
def test_costs_as_stated(committee: Committee, monkeypatch: pytest.MonkeyPatch, by_kings: bool) -> None:
    """Rounds and ANDs, whatever n is, as the docstrings say; kings take a round more for each of products."""
    monkeypatch.setattr("enigmalang.mpc.wide.kings.ROUND_BYTES", -1 if by_kings else 1 << 40)
    q, t = committee.field.q, committee.t
    whole = (q - 1).bit_length()
    shares, bits = committee.deal([3] * 70), committee.deal_bits([1] * 70)
    r = save_rounds(t) + 1
    assert r == t or t > 4
    known = 2 if t == 1 else r + 1 + 1 + t.bit_length()  # rounds to know the wraps
    found_between = r + 1 + (20 * t).bit_length().bit_length() + 1 + t.bit_length()
    stated = [  # the protocol, its rounds, how many of them are without products, its ANDs
        (lambda p, x: ltz(p, x), r + 1 + whole, 1, q * (t - 1) + 3 * q - 2 - whole),
        (lambda p, x: ltz(p, x, 31), r + 1 + LEVELS, 1, window_ands(t, r + 32) + 94 - LEVELS),
        (lambda p, x: eqz(p, x), r + whole, 1, q * t - 1),
        (lambda p, x: eqz(p, x, 31), r + LEVELS, 1, window_ands(t, r + 31) + 31),
        (lambda p, x: bit_protocols.a2b(p, x, 32), r + 1 + LEVELS, 1, None),
        (lambda p, x: bit_protocols.b2a(p, bits(p)), 1 + t.bit_length(), 1, 0),
        (lambda p, x: shr(p, x, 31), r + 1 + LEVELS + 1 + t.bit_length(), 2, None),
        (lambda p, x: shr(p, x, 31, exact=False), known, 2, 0 if t == 1 else None),
        (lambda p, x: divc(p, x, 10), known + found_between, 4, None),
    ]

    def body(party: object) -> list[tuple[int, int]]:
        found = []
        for protocol, *_ in stated:
            before = party.counters.rounds, party.counters.ands
            protocol(party, shares(party))
            found.append((party.counters.rounds - before[0], party.counters.ands - before[1]))
        return found

    for (_, rounds, plain, ands), found in zip(stated, agreed(committee.run(body)), strict=True):
        if by_kings and committee.structure.wide:
            rounds = 2 * rounds - plain
        assert found == (rounds, found[1] if ands is None else 70 * ands)


BYTES = [(3, 1, None, 38), (3, 1, 31, 24), (5, 2, None, 91), (5, 2, 31, 55)]


@pytest.mark.parametrize(("n", "t", "bits", "most"), BYTES)
def test_bytes_of_a_comparison_as_stated(n: int, t: int, bits: int | None, most: int) -> None:
    lanes, committee = 640, Committee(n, t, M61)
    sizes = []
    for value in (-1, 77):
        shares = committee.deal([value] * lanes)
        counted = committee.run(lambda party, give=shares: (ltz(party, give(party), bits), party.counters)[1])
        sizes.append([counters.bytes_sent for counters in counted])
    assert sizes[0] == sizes[1]  # whatever the secrets are
    assert most - 1 < max(sizes[0]) / lanes <= most  # as the docstring says


def test_bits(committee: Committee) -> None:
    generator = np.random.default_rng()
    x, y = generator.integers(0, 2, (2, 5, 37), dtype=np.uint8)
    left, right = committee.deal_bits(x), committee.deal_bits(y)

    def body(party: object) -> list[list[int]]:
        a, b = left(party), right(party)
        both = bit_protocols.and_(party, a, b)
        either = bit_protocols.xor(a, b)
        return [opened(party, v) for v in (both, either, bit_protocols.negate(party, a), bit_protocols.b2a(party, a))]

    both, either, neither, integers = agreed(committee.run(body))
    assert both == (x & y).reshape(-1).tolist()
    assert either == (x ^ y).reshape(-1).tolist()
    assert neither == (1 - x).reshape(-1).tolist()
    assert integers == x.reshape(-1).tolist()


@pytest.mark.parametrize("width", [1, 10, 60])
def test_a2b(committee: Committee, width: int) -> None:
    x = [0, (1 << width) - 1, 1, *(secrets.randbits(width) for _ in range(40))]
    shares = committee.deal(x)
    result = agreed(committee.run(lambda party: opened(party, bit_protocols.a2b(party, shares(party), width))))
    assert result == [v >> i & 1 for v in x for i in range(width)]


@pytest.mark.parametrize("f", [1, 20, -3, -2, 5000])
def test_shr(committee: Committee, f: int) -> None:
    f = f if f > 0 else committee.field.q + f
    x = quarter_range(committee, 80)
    shares = committee.deal(x)

    def body(party: object) -> tuple[list[int], list[int]]:
        value = shares(party)
        return opened(party, shr(party, value, f)), opened(party, shr(party, value, f, exact=False))

    exact, fast = agreed(committee.run(body))
    assert exact == [v >> f for v in x]
    assert all(0 <= e - a <= committee.t for e, a in zip(exact, fast, strict=True))


def test_divc(committee: Committee) -> None:
    top = 1 << (committee.field.q - 2)
    divisors = [1, 3, 8, 10, 1_000_003, top // 3, top // 2 + 1, top - 1]
    x = quarter_range(committee, 40) + [s * d for d in divisors for s in (1, -1)]
    shares = committee.deal(x)
    results = agreed(committee.run(lambda party: [opened(party, divc(party, shares(party), d)) for d in divisors]))
    for divisor, result in zip(divisors, results, strict=True):
        assert result == [v // divisor for v in x], divisor


@pytest.mark.parametrize(("bits", "lanes"), [(1, 4), (7, 4), (32, 4), (59, 4), (5, 300)])
def test_divmod(three: Committee, bits: int, lanes: int) -> None:
    top = (1 << bits) - 1
    x = [0, top, top, top, top, 1] + [secrets.randbits(bits) for _ in range(lanes)]
    y = [0, 0, 1, top, 1 << 58, 1] + [secrets.randbits(bits) >> secrets.randbelow(bits) for _ in range(lanes)]
    left, right = three.deal(x), three.deal(y)
    result = agreed(three.run(lambda party: opened(party, divmod_(party, left(party), right(party), bits))))
    pairs = list(zip(x, y, strict=True))
    assert result == [a // b if b else 0 for a, b in pairs] + [a % b if b else 0 for a, b in pairs]


def test_divmod_of_five(three: Committee) -> None:
    five = Committee(5, 2, three.field)
    left, right = five.deal([100, 99, 0, 7]), five.deal([7, 100, 3, 0])
    result = agreed(five.run(lambda party: opened(party, divmod_(party, left(party), right(party), 16))))
    assert result == [14, 0, 0, 0, 2, 99, 0, 0]


@pytest.mark.parametrize(("lanes", "stocks", "rounds"), [
    (1, False, 65), (32, False, 65), (33, False, 76), (1, True, 29)])
def test_rounds_of_a_division_as_stated(lanes: int, stocks: bool, rounds: int) -> None:
    """Of 32 bits, for n = 3: 11 rounds a digit, which is one bit narrower past 32 quotients; 4 with tables and bits."""
    committee = Committee(3, 1, M61)
    left, right = committee.deal([12345] * lanes), committee.deal([7] * lanes)

    def body(party: Party) -> int:
        if stocks:
            make_tables(party, 1024)
            random_bits(party, 2048)
        before = party.counters.rounds
        divmod_(party, left(party), right(party), 32)
        return party.counters.rounds - before

    assert agreed(committee.run(body)) == rounds


def test_refused_arguments(three: Committee) -> None:
    shares = three.deal([1])
    calls = [
        lambda party: shr(party, shares(party), -1),
        lambda party: divc(party, shares(party), 0),
        lambda party: bit_protocols.a2b(party, shares(party), three.field.q),
        lambda party: divmod_(party, shares(party), shares(party), three.field.q - 1),
        lambda party: ltz(party, shares(party), 0),
        lambda party: eqz(party, shares(party), 0),
    ]
    for call in calls:
        with pytest.raises(ValueError):
            three.run(call)
