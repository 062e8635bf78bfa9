"""Who holds what: in proportion to the weights, and with as little moving as can be."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enigmalang.dht.ids import key_id, node_id
from enigmalang.dht.placement import MEBIBYTE, Standing, choose, preference, rank

#: Upper 0.1 % points of the chi-square distribution, by degrees of freedom.
CHI_SQUARE = {9: 27.88, 19: 43.82}
KEYS = [number.to_bytes(4, "big") for number in range(4000)]


def address(number: int) -> str:
    return f"0x{number:040x}"


def weighted(*weights: int) -> dict[str, int]:
    return {address(number): weight for number, weight in enumerate(weights)}


WEIGHTS = weighted(1, 1, 2, 3, 5, 8, 13, 21, 34, 55)


def chi_square(counts: dict[str, int], chances: dict[str, float]) -> float:
    total = sum(counts.values())
    return sum((counts.get(node, 0) - total * chance) ** 2 / (total * chance) for node, chance in chances.items())


def count(weights: dict[str, int], copies: int, position: int) -> dict[str, int]:
    counts = dict.fromkeys(weights, 0)
    for key in KEYS:
        counts[choose(key, weights, copies)[position]] += 1
    return counts


def test_the_first_holder_is_chosen_in_proportion_to_weight() -> None:
    total = sum(WEIGHTS.values())
    chances = {node: weight / total for node, weight in WEIGHTS.items()}
    assert chi_square(count(WEIGHTS, 1, 0), chances) < CHI_SQUARE[9]


def test_the_second_holder_is_chosen_in_proportion_among_the_others() -> None:
    total = sum(WEIGHTS.values())
    chances = {node: sum(other / total * weight / (total - other) for name, other in WEIGHTS.items() if name != node)
               for node, weight in WEIGHTS.items()}
    assert chi_square(count(WEIGHTS, 2, 1), chances) < CHI_SQUARE[9]


def test_equal_weights_share_equally() -> None:
    weights = weighted(*[7] * 20)
    assert chi_square(count(weights, 1, 0), dict.fromkeys(weights, 1 / 20)) < CHI_SQUARE[19]


def test_the_test_sees_wrong_weights() -> None:
    total = sum(WEIGHTS.values())
    wrong = {node: (weight + 1) / (total + 10) for node, weight in WEIGHTS.items()}
    assert chi_square(count(WEIGHTS, 1, 0), wrong) > CHI_SQUARE[9]


def test_everybody_chooses_alike_and_always_the_same() -> None:
    shuffled = list(WEIGHTS.items())
    Random(1).shuffle(shuffled)
    assert all(rank(key, WEIGHTS) == rank(key, dict(shuffled)) for key in KEYS[:200])
    # Written down, since a different order would move what is stored.
    assert [int(node, 16) for node in rank(KEYS[0], WEIGHTS)] == [4, 9, 2, 8, 6, 5, 7, 1, 3, 0]


@given(st.lists(st.integers(0, 100), min_size=1, max_size=12), st.integers(1, 5), st.integers(0, 100),
       st.binary(min_size=1, max_size=64))
def test_one_that_comes_only_takes_and_one_that_leaves_only_gives(
        weights: list[int], copies: int, weight: int, key: bytes) -> None:
    without = weighted(*weights)
    newcomer = address(99)
    before, after = choose(key, without, copies), choose(key, {**without, newcomer: weight}, copies)
    stayed = [node for node in after if node != newcomer]
    assert before[:len(stayed)] == stayed
    assert len(before) - len(stayed) <= 1


@given(st.lists(st.integers(1, 100), min_size=2, max_size=12), st.integers(1, 5), st.integers(1, 100),
       st.binary(min_size=1, max_size=64))
def test_one_that_gains_weight_only_takes(weights: list[int], copies: int, gain: int, key: bytes) -> None:
    heavier = weighted(*weights)
    heavier[address(0)] += gain
    before, after = choose(key, weighted(*weights), copies), choose(key, heavier, copies)
    assert [node for node in after if node != address(0)] == [
        node for node in before if node != address(0)][:len(after) - (address(0) in after)]
    assert address(0) not in before or address(0) in after


def test_a_share_moves_and_no_more() -> None:
    weights = weighted(*[10] * 19)
    copies = 3
    before = {key: set(choose(key, weights, copies)) for key in KEYS}
    after = {key: set(choose(key, {**weights, address(99): 10}, copies)) for key in KEYS}
    moved = sum(len(after[key] - before[key]) for key in KEYS)
    fair = len(KEYS) * copies / 20
    assert 0.9 * fair < moved < 1.1 * fair


def test_in_a_whole_network_what_moves_is_about_a_share() -> None:
    """Candidates are the nearest 20 of 400: a newcomer takes its share, and pushes the farthest candidate out."""
    rng = Random(5)
    names = {node_id(name): name for name in (f"0x{rng.getrandbits(160):040x}" for _ in range(401))}
    newcomer, *others = names
    copies = 3

    def holders(key: bytes, places: list[int]) -> set[str]:
        near = sorted(places, key=key_id(key).__xor__)[:20]
        return set(choose(key, {names[place]: 10 for place in near}, copies))

    keys = KEYS[:1500]
    moved = sum(len(holders(key, [newcomer, *others]) - holders(key, others)) for key in keys)
    assert moved < 4 * len(keys) * copies / 400
    assert moved < len(keys) * copies / 20  # far less than if the candidates were chosen anew


def test_no_weight_no_records() -> None:
    assert rank(KEYS[0], weighted(0, -5, 3)) == [address(2)]
    assert choose(KEYS[0], weighted(0, 0), 3) == []
    assert choose(KEYS[0], {}, 3) == []


def test_a_node_without_room_is_never_chosen() -> None:
    standing = Standing(10**18)
    free = {address(0): 100 * MEBIBYTE, address(1): 0, address(2): 5 * MEBIBYTE - 1, address(3): MEBIBYTE - 1}
    for key in KEYS[:300]:
        weights = {node: preference(standing, room, 5 * MEBIBYTE) for node, room in free.items()}
        assert choose(key, weights, 4) == [address(0)]
    assert preference(standing, MEBIBYTE - 1, 0) == 0


def test_stake_reputation_and_room_count() -> None:
    best = preference(Standing(200, 1000), 1 << 40, 10)
    assert preference(Standing(100, 1000), 1 << 40, 10) * 2 == best
    assert preference(Standing(200, 500), 1 << 40, 10) * 2 == best
    assert 0 < preference(Standing(200, 1000), 1 << 30, 10) < best
    assert preference(Standing(200, 5000), 1 << 40, 10) == best
    assert preference(Standing(200, 0), 1 << 40, 10) == preference(Standing(0), 1 << 40, 10) == 0


@given(st.integers(1, 10**24), st.integers(MEBIBYTE, 1 << 50), st.integers(2, 50))
def test_nobody_gains_by_being_many(stake: int, free: int, parts: int) -> None:
    one = preference(Standing(stake), free, 0)
    assert parts * preference(Standing(stake // parts), free // parts, 0) <= one


@pytest.mark.parametrize("changed", [7 * MEBIBYTE // 2, 2 * MEBIBYTE])
def test_small_changes_of_room_change_nothing(changed: int) -> None:
    assert preference(Standing(5), 3 * MEBIBYTE, 0) == preference(Standing(5), changed, 0)
