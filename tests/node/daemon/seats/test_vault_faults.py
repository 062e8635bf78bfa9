"""Private values of scripts outlive deaths of nodes, lost disks, restarts, and the committee that kept them."""

import threading

import pytest
from seat_deaths import dies_at, loses_its_disk, nodes_of
from seat_nodes import LONG, Later, development, until
from vault_clients import KEYS, Person, Refused, Rows, Towns, key_of

from enigmalang.node.durable import points
from enigmalang.wire.orders import Leaf, Temporary

nodes = nodes_of(4)


@pytest.fixture(scope="module")
def town(nodes):
    return Towns(nodes)


@pytest.fixture(scope="module")
def alice(town):
    made = Person(town, "alice")
    made.write("height", 170, rule="only", args=(KEYS.get("bob").address,))
    return made


@pytest.mark.parametrize(("seat", "point", "value"), [(2, points.JOB_STAGED, 171), (3, points.JOB_SIGNED, 172)])
def test_a_member_dies_while_an_entry_is_written_and_catches_up(nodes, town, alice, seat, point, value):
    dies_at(nodes.in_seats(town.members)[seat - 1], point, lambda: alice.write(
        "height", value, rule="only", args=(KEYS.get("bob").address,), point=False))
    assert Person(town, "bob").read("height") == value


def test_a_member_that_lost_its_disk_gets_its_shares_back(nodes, town, alice, monkeypatch):
    """In as many parts as it takes: here each value is one."""
    monkeypatch.setattr("enigmalang.node.daemon.seats.recovering.PART_BYTES", 1)
    alice.write("weight", 70, [1, 2, 3])
    node = nodes.in_seats(town.members)[2]
    loses_its_disk(node)
    assert alice.declassify("height") == 172 and alice.declassify("weight", number=1, shape=(3,)).tolist() == [1, 2, 3]
    state = node.part._state.committee(town.committee)
    assert {name[0] for name in state.values(town.address)} >= {"entry", "wrote", "size"}


def test_a_restart_of_all_nodes_loses_nothing(nodes, town, alice):
    rows = Rows()
    alice.ask(alice.order(rows.circuit(keeps=[(rows("load", handle=0), 1)]), [5], keeps=[Temporary(1)]))
    running = nodes.in_seats(town.members)
    for node in running:
        node.stop()
    for node in running:
        node.start()
    sums = Rows()
    total = sums("add", sums("load", handle=0), sums("load", handle=1))
    order = alice.order(sums.circuit(opens=[total]), reads=[Temporary(1), Leaf(key_of("height"), 0)])
    assert alice.ask(order).opened == [177]


def test_an_order_that_ends_the_nodes_session_each_time_makes_room(town, alice, monkeypatch):
    """A circuit that checks out and cannot be run is given up after some attempts; the next order is carried out."""
    monkeypatch.setattr("enigmalang.node.vaults.MAX_BEGUN", 1)
    rows = Rows()
    places, values = rows("load", shape=(2,), handle=0), rows("load", shape=(2,), handle=1)
    moved = rows("permute", places, values, shape=(1, 2))  # by what is no permutation
    with pytest.raises(Refused, match="could not be carried out"):
        alice.ask(alice.order(rows.circuit(opens=[moved]), [[0, 0], [1, 2]]))
    assert alice.read("height") == 172


def test_a_job_makes_way_when_the_time_of_another_runs_out(nodes, town, alice, monkeypatch):
    """A member hangs in the middle of it: another vault's order is carried out, and then it is tried again."""
    alice.write("shoulder", 61)
    monkeypatch.setattr("enigmalang.node.waiting.TURN", 0.0)
    node, hangs, goes_on = nodes.in_seats(town.members)[1], threading.Event(), threading.Event()

    def hook(point):
        if point == points.JOB_BEGUN and not hangs.is_set():
            hangs.set()
            goes_on.wait(LONG)

    node.stop()
    node.start(hook)
    read = Later(lambda: alice.read("shoulder"))
    assert hangs.wait(LONG)
    bob = Person(town.beside(), "bob")
    data = bob.signed(bob.order(closes=True))
    bob.hand_over(data)
    job = bob.request(data)
    development.advance(town.chain, seconds=60)  # of the 100 that it has
    assert bob.awaited(job).opened == []
    goes_on.set()
    assert read.result() == 61


def test_a_long_order_fails_when_it_holds_up_somebody_elses(nodes, town, alice, monkeypatch):
    alice.write("leg", 84, rule="only", args=(KEYS.get("bob").address,))
    monkeypatch.setattr("enigmalang.node.turns.ROUNDS", -1)  # each one is long
    node, people = nodes.in_seats(town.members)[2], (alice, Person(town, "bob"))
    rows = Rows()
    circuit = rows.circuit(opens=[rows("load", handle=0)])
    orders = [each.signed(each.order(circuit, reads=[Leaf(key_of("leg"), 0)])) for each in people]
    node.stop()  # nothing is begun
    jobs = []
    for each, data in zip(people, orders, strict=True):
        each.hand_over(data)
        jobs.append(each.request(data))
    development.advance(town.chain, seconds=60)
    node.start()
    with pytest.raises(Refused, match="the time of somebody else's order behind it runs out"):
        alice.awaited(jobs[0], True)
    assert people[1].awaited(jobs[1], True).opened == [84]


def test_another_committee_takes_a_vault_over_with_all_that_it_keeps(nodes, town):
    """After two jobs of a committee with a rotation; open orders and their masks go along."""
    later = Towns(nodes, rotation=2)
    dave = Person(later, "dave")
    first = later.hub.attachment(later.address).committee
    dave.write("arm", 70)
    for plus in (1, 2, 3):
        assert dave.read("arm", plus=plus) == 70 + plus
    assert until(lambda: later.hub.attachment(later.address).committee != first, "a hand-over", LONG)
