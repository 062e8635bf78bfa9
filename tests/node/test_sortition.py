"""Sortition: exact, repeatable draws by weight, and the risk of bad committees."""

from collections import Counter
from fractions import Fraction
from itertools import permutations
from random import Random

import pytest

from enigmalang.node import sortition
from enigmalang.node.sortition import FAULT, LOAD, MOST_DEPOSITS, PRIOR, UNIT, Candidate, draw, risk, risk_bound, weight

ETHER = 10**18


def registry(weights: list[int]) -> list[Candidate]:
    return [Candidate(f"0x{number:040x}", w) for number, w in enumerate(weights)]


def seeds(count: int, name: str) -> list[bytes]:
    return [f"{name} {number}".encode() for number in range(count)]


# ------------------------------------------------------------ draws


def test_a_draw_is_what_it_was() -> None:
    """A golden value: nodes of different versions or machines would otherwise disagree on who is in a committee."""
    drawn = draw(b"block 17", registry([5, 0, 7, 1 << 200, 3, 2, 9]), 4)
    assert [int(address, 16) for address in drawn] == GOLDEN


GOLDEN = [3, 6, 0, 2]


def test_order_and_case_of_the_candidates_do_not_matter() -> None:
    candidates = [Candidate(f"0x{number:039x}a", w) for number, w in enumerate([1, 5, 2, 9, 9, 4])]
    drawn = draw(b"seed", candidates, 3)
    for order in list(permutations(candidates))[::37]:
        assert draw(b"seed", order, 3) == drawn
    assert draw(b"seed", [Candidate(c.address.upper(), c.weight) for c in candidates], 3) == drawn
    assert draw(b"other", candidates, 6) != draw(b"seed", candidates, 6)


def test_a_smaller_draw_is_the_beginning_of_a_larger_one() -> None:
    candidates = registry([3, 1, 4, 1, 5, 9, 2, 6])
    whole = draw(b"seed", candidates, 8)
    assert len(set(whole)) == 8
    for size in range(8):
        assert draw(b"seed", candidates, size) == whole[:size]


def test_who_has_no_weight_is_not_drawn() -> None:
    candidates = registry([0, 1, 0, 1 << 255, 0, 1])
    for seed in seeds(50, "zero"):
        assert {int(address, 16) for address in draw(seed, candidates, 3)} == {1, 3, 5}
    with pytest.raises(ValueError, match="4 nodes from 3"):
        draw(b"", candidates, 4)


@pytest.mark.parametrize(("candidates", "reason"), [
    ([Candidate("0xAB", 1), Candidate("0xab", 1)], "twice"),
    ([Candidate("0xAB", 0), Candidate("0xab", 1)], "twice"),
    ([Candidate("0xab", -1), Candidate("0xcd", 2)], "negative"),
    ([Candidate("0xab", 1 << 255), Candidate("0xcd", 1 << 255)], "2\\^256"),
])
def test_refused_candidates(candidates: list[Candidate], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        draw(b"", candidates, 1)


# ------------------------------------------------------------ the distribution


def exact(weights: list[int], size: int) -> dict[tuple[int, ...], Fraction]:
    """The probability of every ordered outcome."""
    out = {}
    for order in permutations([i for i, w in enumerate(weights) if w], size):
        left, chance = sum(weights), Fraction(1)
        for i in order:
            chance *= Fraction(weights[i], left)
            left -= weights[i]
        out[order] = chance
    assert sum(out.values()) == 1
    return out


@pytest.mark.parametrize(
    ("weights", "size"), [([1, 2, 3, 4], 2), ([1, 1, 1, 1], 3), ([10, 1, 0, 1, 3], 3), ([7, 1], 1)])
def test_small_registries_against_exact_probabilities(weights: list[int], size: int) -> None:
    """Chi-square of at most 23 degrees of freedom: above 120 with probability below 1e-13. The seeds are fixed."""
    wanted, draws = exact(weights, size), 20_000
    found = Counter(
        tuple(int(a, 16) for a in draw(seed, registry(weights), size)) for seed in seeds(draws, f"{weights}"))
    assert set(found) <= set(wanted)
    assert sum((found[o] - draws * p) ** 2 / (draws * p) for o, p in wanted.items()) < 120


def test_a_thousand_nodes() -> None:
    """How often each tenth of 1,000 nodes is drawn first: its share of the weight. 9 degrees of freedom; and a node
    of much weight is in a committee as often as it should be.
    """
    weights = [1 + number % 7 for number in range(999)] + [400]
    order = list(range(1000))
    Random(5).shuffle(order)
    candidates = [Candidate(f"0x{place:040x}", weights[number]) for place, number in enumerate(order)]
    total, draws = sum(weights), 1000
    drawn = [[int(a, 16) for a in draw(seed, candidates, 7)] for seed in seeds(draws, "thousand")]
    tenths = [sum(weights[order[place]] for place in range(100 * k, 100 * k + 100)) for k in range(10)]
    found = Counter(committee[0] // 100 for committee in drawn)
    assert sum((found[k] - draws * w / total) ** 2 / (draws * w / total) for k, w in enumerate(tenths)) < 70
    often = sum(order.index(999) in committee for committee in drawn)
    light = draws * (1 - (1 - 400 / total) ** 7)  # nearly: the others taken first weigh little
    assert abs(often - light) < 6 * light**0.5
    assert len({place for committee in drawn for place in committee}) > 900


def test_numbers_of_the_last_part_of_the_range_are_passed_over() -> None:
    """Of weights of 2^255 + 2 together, nearly half of all hashes would favour the first candidates."""
    below = (1 << 255) + 2
    numbers = iter([(1 << 256) - 1, below + 5, 7])
    assert sortition._uniform(numbers, below) == 7
    assert sortition._uniform(iter([(1 << 256) - 1, 12]), 10) == 2
    assert sortition._uniform(iter([(1 << 256) - 1]), 16) == 15


# ------------------------------------------------------------ weights


def test_weights() -> None:
    assert weight(ETHER, ETHER, 0, 0, 0) == UNIT
    assert weight(ETHER - 1, ETHER, 0, 0, 0) == 0
    assert weight(5 * ETHER, ETHER, 0, 900, 0) == 5 * UNIT, "services alone do not raise it"
    assert weight(ETHER, ETHER, LOAD, 0, 0) == UNIT // 2
    assert weight(10**6 * ETHER, ETHER, 0, 0, 0) == MOST_DEPOSITS * UNIT
    assert weight(ETHER, ETHER, 0, 0, 2) == UNIT * PRIOR // (PRIOR + 2 * FAULT)
    assert weight(ETHER, ETHER, 0, 500, 2) > weight(ETHER, ETHER, 0, 0, 2)
    halves = 2 * weight(3 * ETHER, ETHER, 1, 2, 3)
    assert abs(weight(6 * ETHER, ETHER, 1, 2, 3) - halves) <= 1, "splitting a deposit gains nothing"
    for values in [(-1, 1, 0, 0, 0), (1, 0, 0, 0, 0), (1, 1, -1, 0, 0), (1, 1, 0, 0, -1)]:
        with pytest.raises(ValueError, match="negative"):
            weight(*values)


# ------------------------------------------------------------ risk


def test_risk_is_hypergeometric() -> None:
    assert risk(10, 3, 3, 1) == Fraction(3 * 7 + 1, 120)
    assert risk(5, 5, 3, 1) == 1
    assert risk(5, 1, 3, 1) == 0
    assert risk(4, 2, 2, 1) == Fraction(1, 6)
    with pytest.raises(ValueError, match="bad nodes"):
        risk(4, 5, 2, 1)


def test_risk_by_counting_all_committees() -> None:
    for nodes, bad, size, threshold in [(7, 3, 5, 2), (8, 2, 3, 1), (6, 4, 4, 1)]:
        orders = list(permutations(range(nodes), size))
        hit = sum(sum(i < bad for i in order) > threshold for order in orders)
        assert risk(nodes, bad, size, threshold) == Fraction(hit, len(orders))


def test_the_table_in_the_documentation() -> None:
    text = (sortition.__doc__ or "").splitlines()
    lines = [line.split() for line in text if line.partition("%")[0].strip().isdigit()]
    assert len(lines) == 4
    for share, *cells in lines:
        for n, cell in zip((3, 5, 7, 9, 15, 21, 31), cells, strict=True):
            value = float(risk(1000, 10 * int(share.rstrip("%")), n, (n - 1) // 2))
            assert cell == ("0" if value == 0 else f"{value:.1e}")


def test_the_bound_for_unequal_weights() -> None:
    cases = [([1, 1, 1], [9, 3, 1, 1], 3, 1), ([4], [1, 1, 1, 1], 3, 0), ([2, 2], [5, 4, 3], 4, 1)]
    for bad, good, size, threshold in cases:
        every = exact([*bad, *good], size)
        true = sum((p for order, p in every.items() if sum(i < len(bad) for i in order) > threshold), Fraction(0))
        bound = risk_bound(sum(bad), good, size, threshold)
        assert true <= bound <= 1
    assert risk_bound(1, [1] * 10**4, 3, 0) < Fraction(4, 10**4)
    with pytest.raises(ValueError, match="weights"):
        risk_bound(0, [], 3, 1)


def test_many_small_bad_nodes_are_a_greater_risk_than_one_of_their_weight() -> None:
    """Why `risk` is not for unequal weights: the good ones of great weight are used up."""
    every = exact([1, 1, 1, 3, 3], 4)
    true = sum((p for order, p in every.items() if sum(i < 3 for i in order) > 1), Fraction(0))
    assert true == 1
