"""Terms: who leads a committee when its members stop, lose each other, and come back."""

from itertools import pairwise
from random import Random

import pytest
from seat_simulator import World

from enigmalang.node.daemon.seats.terms import JUMP, Drop, Join, Keep, Lead, Standing, Terms, Timing


@pytest.mark.parametrize("n", [3, 4, 5, 7, 9])
def test_all_meet_under_the_lowest_seat(n: int) -> None:
    world = World(n, seed=n)
    world.run(10.0)
    assert world.together and world.standing() == {(1, 1)}
    world.run(100.0)
    assert world.together and world.terms == 1  # and nothing ends it


@pytest.mark.parametrize("seed", range(5))
def test_after_a_restart_the_next_term_begins(seed: int) -> None:
    world = World(5, seed)
    world.run(10.0)
    for seat in (1, 3, 5, 2):
        world.stop(seat)
        world.run(7.0)
        assert not world.together
        assert not any(machine.is_up for machine in world.machines())  # what lacks a member is given up
        world.start(seat)
        world.run(20.0)
        assert world.together
    assert len(world.standing()) == 1


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_all_meet_when_it_is_over(seed: int) -> None:
    """Crashes, partitions, lost and late messages for ten minutes; what is always true is checked at every step."""
    rng = Random(seed)
    n = rng.choice((3, 5, 7))
    world = World(n, seed, loss=0.02)
    for _ in range(25):
        match rng.randrange(4):
            case 0:
                seat = rng.randint(1, n)
                (world.stop if world.places[seat].machine is not None else world.start)(seat)
            case 1:
                world.split(set(rng.sample(range(1, n + 1), rng.randint(1, n // 2))))
            case 2:
                world.heal()
        world.run(rng.uniform(0.0, 20.0))
    world.heal()
    world.loss = 0.0
    for seat, place in world.places.items():
        if place.machine is None:
            world.start(seat)
    world.run(120.0)
    assert world.together
    before = world.standing()
    world.run(120.0)
    assert world.together and world.standing() == before


def test_a_leader_who_gets_nothing_done_is_passed_over() -> None:
    world = World(5, seed=3)
    world.places[1].useless = True
    world.run(55.0)
    assert world.together
    assert {leader for _, leader in world.standing()} <= {2, 3, 4, 5}


def test_a_leader_who_never_leads_gives_up_his_turn() -> None:
    """Seat 1 answers, and believes that somebody is missing: it does not hear seat 3."""
    machine = Terms(2, 3, 0, 0.0)
    now, led = 0.0, []
    while now < 60.0 and not led:
        now += 1.0
        for seat in (1, 3):
            led += [effect for effect in machine.answered(seat, Standing(4), now, now) if isinstance(effect, Lead)]
    assert led == [Lead(5)] and now >= Timing().turn


def test_of_two_leaders_of_one_term_the_lower_seat_is_obeyed() -> None:
    machine = Terms(4, 5, 6, 0.0)
    assert machine.announced(3, 7, 1.0) == (True, [Keep(7), Join(7, 3)])
    assert machine.announced(5, 7, 1.1) == (False, [])
    assert machine.announced(1, 7, 1.2) == (True, [Drop(7), Keep(7), Join(7, 1)])
    assert machine.announced(3, 7, 1.3) == (False, [])
    assert machine.announced(3, 8, 1.4) == (True, [Drop(7), Keep(8), Join(8, 3)])


def test_after_a_restart_no_term_is_obeyed_again() -> None:
    machine = Terms(2, 3, 9, 0.0)
    assert machine.announced(1, 9, 1.0) == (False, [])
    assert machine.announced(1, 10, 1.0)[0]


def test_nobody_makes_a_seat_run_out_of_terms() -> None:
    machine = Terms(2, 3, 9, 0.0)
    assert machine.announced(1, 10 + JUMP, 1.0) == (False, [])
    machine.answered(1, Standing(1 << 63), 0.0, 1.0)
    assert machine.standing == Standing(9)


def test_a_term_that_does_not_come_up_ends() -> None:
    machine = Terms(2, 3, 0, 0.0)
    machine.announced(1, 1, 0.0)
    machine.answered(1, Standing(1, 1, 1), Timing().meet - 1, Timing().meet - 1)
    assert machine.standing.term == 1
    assert Drop(1) in machine.tick(Timing().meet + 0.5)
    assert machine.standing == Standing(1)


def test_a_member_that_gave_up_a_term_is_not_waited_for() -> None:
    machine = Terms(1, 3, 0, 0.0)
    for seat in (2, 3):
        machine.answered(seat, Standing(0), 0.5, 0.5)
    assert machine.answered(2, Standing(1), 1.0, 1.0) == []  # perhaps it has not heard of the term yet
    later = 0.6 + Timing().known
    assert Drop(1) in machine.answered(2, Standing(1), later, later)


def test_nobody_is_announced_a_term_to_while_one_is_known_to_be_gone() -> None:
    machine = Terms(1, 3, 0, 0.0)
    machine.answered(2, Standing(0), 0.1, 0.1)
    machine.unreachable(3, 0.2)
    assert not any(isinstance(effect, Lead) for effect in machine.tick(0.3))
    assert Lead(1) in machine.asked(3, Standing(0), 0.4)  # it is back, and asks
    machine.up(1, 0.5)
    assert machine.asked(3, Standing(0), 0.6) == []  # it had not joined when it asked
    assert Drop(1) in machine.unreachable(2, 0.7)


def test_a_member_that_is_in_another_term_ends_it_for_the_leader() -> None:
    machine = Terms(1, 3, 0, 0.0)
    for seat in (2, 3):
        effects = machine.answered(seat, Standing(0), 0.5, 0.5)
    assert effects == [Keep(1), Lead(1)]
    machine.up(1, 1.0)
    machine.answered(2, Standing(0), 0.9, 1.1)  # asked before all had met: old news
    assert machine.leading == 1
    assert Drop(1) in machine.answered(2, Standing(1), 1.2, 1.3)


def test_a_refused_term_is_led_again_later() -> None:
    machine, now, ended = Terms(1, 3, 0, 0.0), 0.0, []
    while now < 40.0:
        now += 0.25
        for seat in (2, 3):
            for effect in machine.answered(seat, Standing(0), now, now):
                if isinstance(effect, Lead):
                    ended.append(now)
                    machine.refused(effect.term, now)
    pauses = [later - sooner for sooner, later in pairwise(ended)]
    assert len(ended) >= 4 and pauses == sorted(pauses) and pauses[-1] <= 32 * Timing().rest
