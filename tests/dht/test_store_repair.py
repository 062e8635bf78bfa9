"""Repair: after any change the values come to where they belong, in bounded steps, and none is lost on the way."""

from collections.abc import Collection, Sequence
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enigmalang.dht.repair import Budget, Copy, Drop, Held, Step, next_step

NODES = [f"node {i}" for i in range(9)]
nodes = st.sampled_from(NODES)


def place(key: bytes, alive: Collection[str]) -> Sequence[str]:
    return sorted(alive, key=lambda node: sha256(key + node.encode()).digest())


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def held(number: int, holders: Collection[str], size: int = 100) -> Held:
    return Held(key(number), size, frozenset(holders))


def after(values: Sequence[Held], step: Step) -> list[Held]:
    """The values when a step is done."""
    state = {value.key: set(value.holders) for value in values}
    for copy in step.copies:
        assert copy.source in state[copy.key]
        state[copy.key].add(copy.target)
    for drop in step.drops:
        state[drop.key].remove(drop.node)
    return [Held(value.key, value.size, frozenset(state[value.key])) for value in values]


def test_a_lost_copy_is_made_again():
    best = place(key(1), NODES)
    alive = [node for node in NODES if node != best[1]]
    step = next_step([held(1, best[:3])], alive, 3, place)
    assert step == Step((Copy(key(1), 100, min(best[0], best[2]), best[3]),), (), (), 0)


def test_what_stands_right_is_left_alone():
    assert next_step([held(1, place(key(1), NODES)[:3])], NODES, 3, place).done


def test_nothing_is_dropped_before_all_is_copied():
    best = place(key(1), NODES)
    values = [held(1, best[4:7])]
    first = next_step(values, NODES, 3, place, Budget(copies=2))
    assert len(first.copies) == 2 and first.drops == () and first.waiting == 1
    values = after(values, first)
    second = next_step(values, NODES, 3, place)
    assert len(second.copies) == 1 and second.drops == ()
    third = next_step(after(values, second), NODES, 3, place)
    assert third.copies == () and {d.node for d in third.drops} == set(best[4:7])


def test_the_most_endangered_first():
    best = [place(key(i), NODES) for i in range(2)]
    step = next_step([held(0, best[0][:2]), held(1, best[1][:1])], NODES, 3, place, Budget(copies=1))
    assert [copy.key for copy in step.copies] == [key(1)]


def test_values_that_nobody_living_holds():
    step = next_step([held(1, [NODES[0]]), held(2, [])], NODES[1:], 2, place)
    assert step.lost == (key(1), key(2)) and not step.copies and step.done


def test_fewer_nodes_than_replicas():
    values = [held(1, NODES[:1])]
    step = next_step(values, NODES[:2], 3, place)
    assert [copy.target for copy in step.copies] == [NODES[1]]
    assert next_step(after(values, step), NODES[:2], 3, place).done


def test_each_node_does_its_part():
    values = [held(i, place(key(i), NODES)[3:5]) for i in range(20)]
    step = next_step(values, NODES, 3, place)
    parts = [step.of(node) for node in NODES]
    assert sorted(c for p in parts for c in [(c.key, c.target) for c in p.copies]) == sorted(
        (c.key, c.target) for c in step.copies)
    assert all(c.source == node for node, p in zip(NODES, parts, strict=True) for c in p.copies)


def test_sending_is_shared_out():
    values = [held(i, NODES[:3]) for i in range(30)]
    step = next_step(values, NODES, 4, place)
    sent = [sum(c.source == node for c in step.copies) for node in NODES[:3]]
    assert max(sent) - min(sent) <= 1


def test_a_step_keeps_to_its_budget():
    values = [held(i, [NODES[i % 9]], size=40) for i in range(50)]
    budget = Budget(copies=20, bytes=400, bytes_per_node=100)
    step = next_step(values, NODES, 3, place, budget)
    assert 0 < len(step.copies) <= 10 and step.waiting > 0
    for node in NODES:
        assert sum(c.size for c in step.copies if c.source == node) <= 100
        assert sum(c.size for c in step.copies if c.target == node) <= 100


def test_a_value_larger_than_the_budget_is_copied_alone():
    best = place(key(0), NODES)
    step = next_step([held(0, best[:1], size=10**9), held(1, place(key(1), NODES)[:1], size=1)], NODES, 2, place,
                     Budget(bytes=10, bytes_per_node=10))
    assert [c.size for c in step.copies] == [10**9]


def test_no_replicas():
    with pytest.raises(ValueError):
        next_step([], NODES, 0, place)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sets(nodes, min_size=1), min_size=1, max_size=8), st.sets(nodes, min_size=1), st.integers(1, 5),
       st.integers(1, 4))
def test_it_ends_with_everything_in_its_place(holders: list[set[str]], alive: set[str], replicas: int, copies: int):
    values = [held(i, h) for i, h in enumerate(holders)]
    budget = Budget(copies=copies)
    most = sum(min(replicas, len(alive)) for _ in values) + 1
    for _ in range(most):
        step = next_step(values, alive, replicas, place, budget)
        if step.done:
            break
        assert step.copies or step.drops
        changed = after(values, step)
        for old, new in zip(values, changed, strict=True):
            before, now = (len(value.holders & alive) for value in (old, new))
            assert now >= min(before, replicas, len(alive))
        values = changed
    assert next_step(values, alive, replicas, place, budget).done
    for value in values:
        living = value.holders & alive
        assert living == (set(place(value.key, alive)[:replicas]) if living else set())


@given(st.lists(st.sets(nodes), max_size=6), st.sets(nodes), st.randoms(use_true_random=False))
def test_all_nodes_compute_the_same(holders: list[set[str]], alive: set[str], random) -> None:
    values = [held(i, h) for i, h in enumerate(holders)]
    shuffled, order = list(values), list(alive)
    random.shuffle(shuffled)
    random.shuffle(order)
    one, other = next_step(values, alive, 3, place), next_step(shuffled, order, 3, place)
    assert one.copies == other.copies and set(one.drops) == set(other.drops) and set(one.lost) == set(other.lost)


def test_a_placement_that_names_the_dead():
    step = next_step([held(1, NODES[:1])], NODES[:2], 2, lambda key, alive: NODES[::-1])
    assert [copy.target for copy in step.copies] == [NODES[1]] and Drop(key(1), NODES[0]) not in step.drops
