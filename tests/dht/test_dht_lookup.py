"""One lookup against peers of all kinds: it finds the nearest, asks few at a time, and always ends."""

from collections.abc import Callable, Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enigmalang.dht.lookup import Lookup

Answers = Callable[[int], Iterable[int] | None]
MINE = 7


def start(target: int, known: Iterable[int], k: int = 4, alpha: int = 2, budget: int = 100) -> Lookup:
    return Lookup(target, MINE, known, k, alpha, budget)


def carry_out(lookup: Lookup, answers: Answers, rng: Random) -> list[int]:
    """Answer in random order until it is done; who was asked."""
    asked: list[int] = []
    open_: list[int] = []
    while not lookup.done:
        fresh = lookup.next()
        asked += fresh
        open_ += fresh
        assert open_, "it is not done, asks nobody and waits for nobody"
        place = open_.pop(rng.randrange(len(open_)))
        answer = answers(place)
        if answer is None:
            lookup.failed(place, silent=rng.random() < 0.5)
        else:
            lookup.answered(place, answer)
    return asked


def network(size: int, neighbours: int, rng: Random) -> dict[int, list[int]]:
    """Each node knows those next to it and a few far away."""
    places = rng.sample(range(1 << 16), size)
    return {place: sorted(places, key=place.__xor__)[1:neighbours] + rng.sample(places, 3) for place in places}


@pytest.mark.parametrize("seed", range(10))
def test_it_finds_the_nearest_of_all(seed: int) -> None:
    rng = Random(seed)
    knows = network(300, 24, rng)
    target = rng.randrange(1 << 16)
    lookup = start(target, rng.sample(list(knows), 3), k=8)
    carry_out(lookup, lambda place: sorted(knows[place], key=target.__xor__)[:8], rng)
    assert lookup.found() == sorted(knows, key=target.__xor__)[:8]


@pytest.mark.parametrize("seed", range(10))
def test_silent_nodes_are_left_out(seed: int) -> None:
    rng = Random(seed)
    knows = network(300, 40, rng)
    silent = set(rng.sample(list(knows), 60))
    target = rng.randrange(1 << 16)
    lookup = start(target, rng.sample(sorted(set(knows) - silent), 3), k=8)
    carry_out(lookup, lambda place: None if place in silent else knows[place], rng)
    assert lookup.found() == sorted(set(knows) - silent, key=target.__xor__)[:8]


def test_alpha_at_a_time_and_all_when_nothing_nearer_comes() -> None:
    lookup = start(0, range(16, 32), k=6, alpha=2)
    assert lookup.next() == [16, 17]
    assert lookup.next() == []
    lookup.answered(16, [8])  # nearer
    assert lookup.next() == [8]
    lookup.answered(17, [24])
    lookup.answered(8, [25])
    assert lookup.next() == [18, 19, 20]  # all of the six nearest that were not asked


def test_hops_count_who_named_whom() -> None:
    lookup = start(0, [64], k=1)
    assert lookup.hops == 0
    for place, named in ((64, [32]), (32, [16]), (16, [])):
        assert lookup.next() == [place]
        lookup.answered(place, named)
    assert lookup.done and lookup.hops == 3 and lookup.found() == [16]
    assert (lookup.asked, lookup.answers) == (3, 3)


def test_who_is_silent_is_asked_again_at_the_end_if_near_enough_and_only_once() -> None:
    lookup = start(0, [16, 17, 64], k=2)
    assert lookup.next() == [16, 17]
    lookup.failed(16, silent=True)
    assert lookup.next() == [64]
    lookup.failed(64, silent=True)
    assert not lookup.done and lookup.next() == []
    lookup.answered(17, [18, 19])
    assert lookup.next() == [18]
    lookup.answered(18, [])
    assert not lookup.done and lookup.next() == [16]  # 64 is too far by now
    lookup.failed(16, silent=True)
    assert lookup.done and lookup.found() == [17, 18]
    assert lookup.asked == 5


def test_who_answers_wrongly_is_not_asked_again() -> None:
    lookup = start(0, [16], k=2)
    assert lookup.next() == [16]
    lookup.failed(16)
    assert lookup.done and lookup.next() == []


def test_my_own_contacts_are_asked_even_if_others_fill_the_list() -> None:
    """The nearest two lie: they name each other and their friends, all nearer than my honest contact."""
    liars = {16: [1, 2], 17: [1, 2], 1: [2], 2: [1]}
    honest = {20: [0], 0: []}
    for anchors, expected in ((2, [1, 2]), (3, [0, 1])):
        lookup = Lookup(0, MINE, [16, 17, 20], 2, 2, 100, anchors)
        carry_out(lookup, lambda place: {**liars, **honest}[place], Random(0))
        assert lookup.found() == expected


def test_nobody_known_is_done_at_once() -> None:
    for known in ([], [MINE]):
        lookup = start(0, known)
        assert lookup.done and lookup.next() == [] and lookup.found() == []


def test_what_was_not_asked_for_is_ignored() -> None:
    lookup = start(0, [64, 65])
    lookup.answered(64, [1])
    lookup.failed(65)
    assert lookup.next() == [64, 65]
    lookup.answered(64, [])
    lookup.answered(64, [1])
    lookup.failed(64)
    lookup.answered(2, [1])
    lookup.failed(65)
    lookup.answered(65, [1])
    assert lookup.done and lookup.found() == [64]


PLACES = st.integers(0, 1023)


@given(target=PLACES, known=st.lists(PLACES), k=st.integers(1, 8), alpha=st.integers(1, 4), budget=st.integers(1, 40),
       seed=st.integers(0, 2**32))
def test_it_ends_whatever_the_peers_say(target: int, known: list[int], k: int, alpha: int, budget: int, seed: int
                                        ) -> None:
    rng = Random(seed)

    def garbage(place: int) -> list[int] | None:
        others = [rng.randrange(1024) for _ in range(rng.randrange(30))]
        return rng.choice([None, [], [place, target, MINE], others])

    lookup = Lookup(target, MINE, known, k, min(alpha, k), budget, anchors=seed % 4)
    asked = carry_out(lookup, garbage, rng)
    assert len(asked) == lookup.asked <= budget
    assert all(asked.count(place) <= 2 for place in asked)
    assert MINE not in asked
    assert lookup.next() == []
    assert len(lookup.found()) <= k and set(lookup.found()) <= set(asked)


def test_peers_that_always_name_someone_nearer_are_stopped_by_the_budget() -> None:
    lookup = start(0, [1 << 200], k=4, budget=50)
    carry_out(lookup, lambda place: [place - 1], Random(0))
    assert lookup.asked == 50
