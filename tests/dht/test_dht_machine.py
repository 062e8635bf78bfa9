"""The state machine of a node, event by event: whom it believes, whom it asks, what it answers."""

import json
from random import Random

import pytest
from dht_helpers import SMALL, World, asked, asks, hear, machine_at, meet, name, nodes
from hypothesis import given, settings
from hypothesis import strategies as st

from enigmalang.dht import ports
from enigmalang.dht.ids import bucket_of, bytes_id, id_bytes, key_id
from enigmalang.dht.machine import Machine
from enigmalang.dht.placement import Standing
from enigmalang.dht.ports import Effect
from enigmalang.dht.settings import Settings
from enigmalang.wire import dht_messages as wire

ME = 64
WORLD = range(256)


def of_kind(effects: list[Effect], kind: type[Effect]) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, kind)]


def test_a_ping_is_answered_and_makes_a_contact() -> None:
    machine = machine_at(ME, World(WORLD))
    effects = hear(machine, 5, wire.Ping(12))
    assert ports.Answer(name(5), wire.Pong(12)) in effects
    assert machine.contacts() == [name(5)]


def test_strangers_get_no_answer_and_no_place() -> None:
    machine = machine_at(ME, World([ME]))
    requests: list[wire.Request] = [wire.Ping(1), wire.FindNode(1, bytes(32)), wire.FindValue(1, bytes(32)),
                                    wire.Store(1, bytes(32), b""), wire.Offer(1, [])]
    assert all(hear(machine, 5, request) == [] for request in requests)
    assert hear(machine, 5, wire.Pong(1)) == []
    assert machine.contacts() == []


def test_the_nearest_are_named_without_the_one_who_asks() -> None:
    machine = machine_at(ME, World(WORLD))
    machine.handle(ports.Room(77), 0.0)
    meet(machine, [1, 2, 65, 66, 130])
    answer = hear(machine, 65, wire.FindNode(3, id_bytes(67)))
    assert answer == [ports.Answer(name(65), nodes(3, [66, 2, 1], free=77))]


def test_silent_nodes_are_not_named() -> None:
    machine = machine_at(ME, World(WORLD))
    meet(machine, [1, 2])
    for ticket in (1, 2):
        number = asked(machine.handle(ports.Find(ticket, 1), 0.0))[1]
        machine.handle(ports.Lost(name(1), number), 0.0)
    assert hear(machine, 2, wire.FindNode(3, id_bytes(1))) == [ports.Answer(name(2), nodes(3, [], free=0))]


def test_storage_is_handed_its_requests() -> None:
    machine = machine_at(ME, World(WORLD))
    meet(machine, [1])
    store, offer, find = wire.Store(1, bytes(32), b"r"), wire.Offer(2, [bytes(32)]), wire.FindValue(3, bytes(32))
    assert of_kind(hear(machine, 9, store), ports.Hand) == [ports.Hand(name(9), store)]
    assert of_kind(hear(machine, 9, offer), ports.Hand) == [ports.Hand(name(9), offer)]
    assert hear(machine, 9, find) == [ports.Hand(name(9), find, nodes(3, [1], free=0))]


# --- replies ---


def test_named_nodes_are_asked_but_become_contacts_only_when_they_answer() -> None:
    machine = machine_at(ME, World(WORLD))
    meet(machine, [1])
    first = machine.handle(ports.Find(1, 40), 0.0)
    effects = hear(machine, 1, nodes(asked(first)[1], [41, 42]))
    assert set(asked(effects)) == {41, 42}
    assert machine.contacts() == [name(1)]
    hear(machine, 41, nodes(asked(effects)[41], []))
    assert set(machine.contacts()) == {name(1), name(41)}


def test_replies_from_others_or_with_another_number_are_ignored() -> None:
    machine = machine_at(ME, World([ME, 1, 2, 41]))
    meet(machine, [1])
    number = asked(machine.handle(ports.Find(1, 40), 0.0))[1]
    for sender, wrong in ((2, number), (200, number), (1, number + 1), (1, 0)):
        assert hear(machine, sender, nodes(wrong, [41])) == []
        assert machine.contacts() == [name(1)]
    right = hear(machine, 1, nodes(number, [41]))
    assert set(asked(right)) == {41}
    assert hear(machine, 1, nodes(number, [2])) == []  # the same again


def test_unregistered_nodes_and_myself_are_never_asked() -> None:
    machine = machine_at(ME, World([ME, 1]))
    meet(machine, [1])
    number = asked(machine.handle(ports.Find(1, 40), 0.0))[1]
    effects = hear(machine, 1, nodes(number, [41, ME, 1, 200]))
    assert asks(effects) == []
    assert of_kind(effects, ports.Found) == [ports.Found(1, (name(1),), 1, 2)]


@pytest.mark.parametrize("reply", [wire.Pong, lambda n: wire.Stored(n, True), lambda n: wire.Have(n, []),
                                   lambda n: wire.Value(n, b"ok")])
def test_an_answer_to_another_question_is_a_failure(reply: type[wire.Pong]) -> None:
    machine = machine_at(ME, World(WORLD))
    meet(machine, [1])
    number = asked(machine.handle(ports.Find(1, 40), 0.0))[1]
    assert of_kind(hear(machine, 1, reply(number)), ports.Found) == [ports.Found(1, (), 0, 1)]


def test_too_many_named_nodes_are_cut() -> None:
    machine = machine_at(ME, World(WORLD))
    meet(machine, [1])
    number = asked(machine.handle(ports.Find(1, 40), 0.0))[1]
    hear(machine, 1, nodes(number, [50, 51, 52, 40, 41]))
    lost = [effect for place in (50, 51, 52, 40, 41) for effect in hear(machine, place, wire.Ping(0))]
    assert not of_kind(lost, ports.Found)
    found: list[Effect] = []
    for _ in range(10):
        found += [effect for number in range(1, 20) for effect in machine.handle(
            ports.Fired(ports.NoReply(number)), 9.0)]
    assert of_kind(found, ports.Found) == [ports.Found(1, (name(1),), 1, 8)]  # 1 answered; 50, 51, 52 twice


# --- the table ---


def crowded() -> Machine:
    machine = machine_at(ME, World(WORLD))
    meet(machine, [128, 129, 130])
    return machine


def test_a_newcomer_has_the_oldest_pinged_and_comes_in_when_it_is_silent() -> None:
    machine = crowded()
    effects = meet(machine, [131], now=100.0)
    assert [place for place, message in asks(effects) if isinstance(message, wire.Ping)] == [128]
    number = asked(effects)[128]
    assert ports.SetTimer(100.0 + SMALL.reply, ports.NoReply(number)) in effects
    machine.handle(ports.Fired(ports.NoReply(number)), 102.0)
    assert machine.contacts() == [name(place) for place in (129, 130, 131)]


def test_the_oldest_stays_when_it_answers() -> None:
    machine = crowded()
    number = asked(meet(machine, [131], now=100.0))[128]
    hear(machine, 128, wire.Pong(number))
    assert machine.handle(ports.Fired(ports.NoReply(number)), 102.0) == []
    assert machine.contacts() == [name(place) for place in (129, 130, 128)]


def test_who_left_the_registry_is_forgotten() -> None:
    world = World(WORLD)
    machine = machine_at(ME, world)
    meet(machine, [1, 2])
    world.places.remove(1)
    assert machine.handle(ports.Left(name(1), 1), 0.0) == [ports.Neighbour(name(1), here=False)]
    assert machine.contacts() == [name(2)]
    assert set(asked(machine.handle(ports.Find(1, 1), 0.0))) == {2}
    world.places.add(1)
    assert machine.contacts() == [name(2)]  # it has to be heard again


def test_storage_is_told_who_comes_near_and_goes() -> None:
    machine = machine_at(ME, World(WORLD))
    meet(machine, [128, 1, 65])
    assert of_kind(meet(machine, [66]), ports.Neighbour) == [
        ports.Neighbour(name(128), here=False), ports.Neighbour(name(66), here=True)]
    assert of_kind(meet(machine, [129]), ports.Neighbour) == []
    effects: list[Effect] = []
    for ticket in (1, 2):  # twice silent
        effects += machine.handle(ports.Lost(name(66), asked(machine.handle(ports.Find(ticket, 66), 0.0))[66]), 0.0)
    assert of_kind(effects, ports.Neighbour) == [
        ports.Neighbour(name(66), here=False), ports.Neighbour(name(128), here=True)]
    assert of_kind(meet(machine, [66]), ports.Neighbour) == [
        ports.Neighbour(name(128), here=False), ports.Neighbour(name(66), here=True)]


def test_a_table_survives_a_restart_as_json() -> None:
    machine = crowded()
    meet(machine, [1, 65])
    plain = json.loads(json.dumps(machine.snapshot()))
    again = machine_at(ME, World(set(WORLD) - {129}))
    again.restore(plain)
    assert again.contacts() == [name(place) for place in (65, 1, 128, 130)]


@pytest.mark.parametrize("plain", [None, [], {}, {"version": 2, "contacts": []}, {"version": 1, "contacts": [5]},
                                   {"version": 1, "contacts": "0x"}, {"version": 1}])
def test_what_is_no_snapshot_is_refused(plain: object) -> None:
    with pytest.raises(ValueError, match="snapshot"):
        crowded().restore(plain)


# --- joining and chores ---


def test_joining_asks_the_bootstrap_nodes_for_my_own_place_and_then_looks_into_every_bucket() -> None:
    machine = machine_at(ME, World(WORLD))
    effects = machine.handle(ports.Join(1, (name(1), name(300))), 0.0)
    assert [(place, bytes_id(message.target)) for place, message in asks(effects)
            if isinstance(message, wire.FindNode)] == [(1, ME)]
    effects = hear(machine, 1, nodes(asked(effects)[1], [65]))
    effects = hear(machine, 65, nodes(asked(effects)[65], [1]))
    assert of_kind(effects, ports.Found) == [ports.Found(1, (name(65), name(1)), 2, 4)]
    targets = {message.target for _, message in asks(effects) if isinstance(message, wire.FindNode)}
    assert {bucket_of(ME, bytes_id(target)) for target in targets} == {0}  # the first


def drive(machine: Machine, effects: list[Effect], now: float) -> list[Effect]:
    """All peers answer that they know nobody; what else the machine wants, and all it asked."""
    everything: list[Effect] = []
    while effects:
        everything += effects
        effects = [more for place, message in asks(effects)
                   for more in hear(machine, place, nodes(message.number, []), now)]
    return everything


def test_every_bucket_is_looked_into_once_in_a_while() -> None:
    machine = machine_at(ME, World(WORLD))
    drive(machine, machine.handle(ports.Join(1, (name(1),)), 0.0), 0.0)
    later = 2 * SMALL.refresh
    effects = drive(machine, machine.handle(ports.Fired(ports.Every(ports.Chore.REFRESH)), later), later)
    buckets = [bucket_of(ME, bytes_id(message.target)) for _, message in asks(effects)
               if isinstance(message, wire.FindNode)]
    assert buckets == [*range(6, 256), -1]
    soon = later + 1.0
    effects = drive(machine, machine.handle(ports.Fired(ports.Every(ports.Chore.REFRESH)), soon), soon)
    assert asks(effects) == []


def test_who_reached_nobody_tries_again_soon() -> None:
    machine = machine_at(ME, World(WORLD))
    effects = machine.handle(ports.Join(1, (name(1),)), 0.0)
    assert ports.SetTimer(SMALL.retry, ports.Every(ports.Chore.REFRESH)) in effects
    while 1 in asked(effects):
        effects = machine.handle(ports.Lost(name(1), asked(effects)[1]), 1.0)
        assert not of_kind(effects, ports.Found) or ports.Found(1, (), 0, 2) in effects  # it was asked twice
    effects = machine.handle(ports.Fired(ports.Every(ports.Chore.REFRESH)), 15.0)
    assert set(asked(effects)) == {1}
    assert ports.SetTimer(15.0 + SMALL.retry, ports.Every(ports.Chore.REFRESH)) in effects


def test_the_first_node_of_all_joins_nobody() -> None:
    effects = machine_at(ME, World([ME])).handle(ports.Join(1, ()), 0.0)
    assert of_kind(effects, ports.Found) == [ports.Found(1, (), 0, 0)]


def test_storage_is_told_to_republish_and_to_look_what_expired() -> None:
    machine = machine_at(ME, World(WORLD))
    started = machine.handle(ports.Join(1, ()), 0.0)
    for chore, period in ((ports.Chore.REPUBLISH, SMALL.republish), (ports.Chore.EXPIRE, SMALL.expire)):
        first = [effect for effect in started if isinstance(effect, ports.SetTimer)
                 and effect.timer == ports.Every(chore)]
        assert len(first) == 1
        effects = machine.handle(ports.Fired(ports.Every(chore)), first[0].at)
        assert ports.Due(chore) in effects
        again = next(effect for effect in effects if isinstance(effect, ports.SetTimer))
        assert again.timer == ports.Every(chore)
        assert all(0.75 * period <= wait <= 1.25 * period for wait in (first[0].at, again.at - first[0].at))


def test_joining_twice_does_not_double_the_chores() -> None:
    machine = machine_at(ME, World(WORLD))
    machine.handle(ports.Join(1, ()), 0.0)
    effects = machine.handle(ports.Join(2, (name(1),)), 5.0)
    assert set(asked(effects)) == {1}
    assert not [effect for effect in effects if isinstance(effect, ports.SetTimer)
                and isinstance(effect.timer, ports.Every)]


# --- records ---

#: A key whose place is nearer to the nodes 0 to 63 than to me.
KEY = next(key for key in (bytes([number]) for number in range(256)) if key_id(key) & 0b1100_0000 == 0)


def getting(copies: int = 1) -> tuple[Machine, dict[int, int]]:
    """A node that asked 1 and 2 for a record."""
    machine = machine_at(ME, World(WORLD))
    meet(machine, [1, 2])
    effects = machine.handle(ports.Get(1, KEY, copies), 0.0)
    assert {type(message) for _, message in asks(effects)} == {wire.FindValue}
    return machine, asked(effects)


def check(machine: Machine, place: int, number: int, record: bytes) -> int:
    """A node sends a record; the number under which storage is asked about it."""
    effects = hear(machine, place, wire.Value(number, record))
    assert not of_kind(effects, ports.Got)
    checks = [effect for effect in effects if isinstance(effect, ports.Check)]
    assert [(asked.key, asked.record) for asked in checks] == [(KEY, record)]
    return checks[0].number


def got(effects: list[Effect]) -> list[tuple[bytes | None, tuple[str, ...]]]:
    return [(effect.record, effect.holders) for effect in effects if isinstance(effect, ports.Got)]


def test_a_record_counts_when_storage_says_so() -> None:
    machine, numbers = getting()
    first, second = check(machine, 1, numbers[1], b"record"), check(machine, 2, numbers[2], b"other")
    assert hear(machine, 1, nodes(first, [])) == []  # the number is storage's now, whoever guesses it
    assert machine.handle(ports.Fired(ports.NoReply(numbers[1])), SMALL.reply) == []  # it did reply
    assert machine.handle(ports.Judged(first, 3), 3.0) == [ports.Got(1, b"record", (name(1),), 1, 3)]
    assert machine.handle(ports.Judged(second, 9), 3.0) == []  # answered already
    assert machine.handle(ports.Judged(first, 9), 3.0) == []


def test_a_false_record_is_not_taken_and_the_search_goes_on() -> None:
    machine, numbers = getting()
    assert machine.handle(ports.Judged(check(machine, 1, numbers[1], b"false"), None), 0.0) == []
    effects = machine.handle(ports.Judged(check(machine, 2, numbers[2], b"true"), 0), 0.0)
    assert got(effects) == [(b"true", (name(2),))]


def test_the_highest_version_of_as_many_as_wanted() -> None:
    machine, numbers = getting(copies=2)
    assert not got(machine.handle(ports.Judged(check(machine, 1, numbers[1], b"new"), 5), 0.0))
    effects = machine.handle(ports.Judged(check(machine, 2, numbers[2], b"old"), 4), 0.0)
    assert got(effects) == [(b"new", (name(1), name(2)))]


def test_no_record_is_an_answer_too() -> None:
    machine, numbers = getting()
    hear(machine, 1, nodes(numbers[1], []))
    effects = hear(machine, 2, nodes(numbers[2], []))
    assert got(effects) == [(None, ())]


def test_a_check_that_never_ends_does_not_hold_the_search_up_and_is_not_the_peers_fault() -> None:
    machine, numbers = getting()
    effects = hear(machine, 1, wire.Value(numbers[1], b"record"), 5.0)
    hear(machine, 2, nodes(numbers[2], []))
    timer = next(effect for effect in effects if isinstance(effect, ports.SetTimer))
    assert timer.at == 5.0 + SMALL.check and isinstance(timer.timer, ports.NoReply)
    assert got(machine.handle(ports.Fired(timer.timer), timer.at)) == [(None, ())]
    assert machine.handle(ports.Judged(timer.timer.number, 1), 99.0) == []
    assert ports.Answer(name(9), nodes(8, [1, 2], free=0)) in hear(machine, 9, wire.FindNode(8, id_bytes(1)))


def ranked(free: dict[int, int], world: World, mine: int = 0, request: ports.LocalRequest | None = None
           ) -> tuple[Machine, list[Effect]]:
    """Ask 1, 2 and 3, who say what they can take; the last effects."""
    machine = machine_at(ME, world)
    machine.handle(ports.Room(mine), 0.0)
    meet(machine, free)
    effects = machine.handle(request or ports.Rank(1, KEY, 1000), 0.0)
    while asks(effects) and not any(isinstance(message, wire.Store) for _, message in asks(effects)):
        effects = [more for place, message in asks(effects)
                   for more in hear(machine, place, nodes(message.number, [], free[place]))]
    return machine, effects


ROOMY = {1: 1 << 30, 2: 1 << 30, 3: 1 << 30}


def test_ranked_are_those_with_room_and_standing() -> None:
    world = World(WORLD)
    world.standings[name(3)] = Standing(stake=0)
    _, effects = ranked({1: 1 << 30, 2: 500, 3: 1 << 30}, world)
    assert [found.nodes for found in effects if isinstance(found, ports.Found)] == [(name(1),)]


def test_i_am_ranked_too_if_i_am_near_and_have_room() -> None:
    _, effects = ranked({1: 1 << 30, 200: 1 << 30}, World(WORLD), mine=1 << 30)
    assert [set(found.nodes) for found in effects if isinstance(found, ports.Found)] == [
        {name(1), name(200), name(ME)}]
    _, effects = ranked(ROOMY, World(WORLD), mine=1 << 30)  # three are nearer
    assert [set(found.nodes) for found in effects if isinstance(found, ports.Found)] == [{name(1), name(2), name(3)}]


def test_a_record_is_placed_on_the_best_and_where_one_refuses_on_the_next() -> None:
    _, effects = ranked(ROOMY, World(WORLD))
    order = [int(address[2:], 16) for found in effects if isinstance(found, ports.Found) for address in found.nodes]
    machine, effects = ranked(ROOMY, World(WORLD), request=ports.Put(5, KEY, b"record" * 200, 2))
    assert [(place, message.record) for place, message in asks(effects) if isinstance(message, wire.Store)] == [
        (place, b"record" * 200) for place in order[:2]]
    numbers = asked(effects)
    assert hear(machine, order[1], wire.Stored(numbers[order[1]], True)) == []
    effects = hear(machine, order[0], wire.Stored(numbers[order[0]], False, "full"))
    assert set(asked(effects)) == {order[2]}
    effects = machine.handle(ports.Fired(ports.NoReply(asked(effects)[order[2]])), 3.0)
    assert effects == [ports.Placed(5, (name(order[1]),), (name(order[0]), name(order[2])))]


def test_i_may_be_asked_to_store_by_myself() -> None:
    world = World(WORLD)
    machine, effects = ranked({1: 0}, world, mine=1 << 30, request=ports.Put(5, KEY, b"record", 1))
    number = asked(effects)[ME]
    store = asks(effects)[0][1]
    assert isinstance(store, wire.Store)
    assert hear(machine, ME, store) == [ports.Hand(name(ME), store)]
    assert hear(machine, ME, wire.Stored(number, True)) == [ports.Placed(5, (name(ME),), ())]
    assert name(ME) not in machine.contacts()


def test_nobody_with_room_places_nothing() -> None:
    _, effects = ranked({1: 0, 2: 0}, World(WORLD), request=ports.Put(5, KEY, b"record", 2))
    assert [effect for effect in effects if isinstance(effect, ports.Placed)] == [ports.Placed(5, (), ())]


# --- whatever happens ---


def garbage(number: int, rng: Random) -> wire.Reply:
    """What a lying peer may answer: registered and unregistered nodes, itself, me; or something else altogether."""
    replies: list[wire.Reply] = [
        nodes(number, [rng.randrange(300) for _ in range(rng.randrange(33))]), nodes(number, [ME]),
        nodes(number, []), wire.Pong(number), wire.Value(number, b"x"), wire.Stored(number, True),
        wire.Have(number, [True])]
    return rng.choice(replies)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), silent=st.floats(0.0, 1.0))
def test_every_request_is_answered_whatever_the_peers_do(seed: int, silent: float) -> None:
    rng = Random(seed)
    machine = machine_at(ME, World(WORLD), Settings(k=4, alpha=2, budget=12))
    requests: list[ports.LocalRequest] = [
        ports.Find(1, rng.randrange(256)), ports.Get(2, rng.randbytes(3), 2), ports.Rank(3, b"7", 10),
        ports.Put(4, b"9", b"r", 3), ports.Join(5, (name(3), name(299)))]
    todo = meet(machine, rng.sample(WORLD, 6))
    for request in requests:
        todo += machine.handle(request, 0.0)
    tickets, sent = set(), 0
    while todo:
        effect = todo.pop(rng.randrange(len(todo)))
        match effect:
            case ports.Ask(peer, message):
                sent += 1
                assert int(peer[2:], 16) in WORLD
                if peer == name(ME):
                    todo += hear(machine, ME, message)
                    todo += hear(machine, ME, wire.Stored(message.number, rng.random() < 0.5))
                elif rng.random() >= silent:
                    todo += machine.handle(ports.Heard(peer, garbage(message.number, rng)), 0.0)
            case ports.SetTimer(_, ports.NoReply() as timer):
                todo += machine.handle(ports.Fired(timer), 1.0)
            case ports.Check(number):
                todo += machine.handle(ports.Judged(number, rng.choice([None, 1])), 1.0)
            case ports.Found() | ports.Got() | ports.Placed():
                assert effect.ticket not in tickets
                tickets.add(effect.ticket)
    assert tickets == {1, 2, 3, 4, 5}
    assert sent <= 12 * (5 + 256 + 1) + 10  # budgets of the requests and of a refresh of all buckets
