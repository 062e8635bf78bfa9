"""Private values of scripts at a network's nodes: who may what, and what is there afterwards."""

import numpy as np
import pytest
from msgspec import structs
from seat_deaths import nodes_of
from seat_nodes import development
from vault_clients import KEYS, B, Erase, Person, Refused, Rows, Towns, key_of

from enigmalang.chain.errors import ChainError
from enigmalang.ethereum.keys import SigningKey
from enigmalang.node.daemon.status import lines
from enigmalang.node.vault_room import Amounts
from enigmalang.wire.orders import RUN, Leaf, Order, Temporary, Write

#: A number that shows where it lies in the clear: 13 bytes that nothing else has.
SECRET = int.from_bytes(b"tell nobody!!", "little")


nodes = nodes_of(3)


@pytest.fixture(scope="module")
def town(nodes):
    return Towns(nodes)


@pytest.fixture(scope="module")
def alice(town):
    """Her height is 170, and bob may compute with it."""
    made = Person(town, "alice")
    made.write("height", 170, rule="only", args=(KEYS.get("bob").address,), about=b"uint32 [()]")
    return made


@pytest.fixture(scope="module")
def bob(town):
    return Person(town, "bob")


def names(town, slot):
    """What each node keeps in a slot: of what the chain took before the last order, at least."""
    states = [node.part._state.committee(town.committee) for node in town.nodes.in_seats(town.members)]
    return [set(state.names(town.address, slot)) for state in states]


# ---- who may what


def test_what_one_wrote_another_computes_with_whom_the_rule_lets(town, alice, bob):
    assert bob.read("height", plus=5) == 175
    assert town.vault.entry(key_of("height")).about == b"uint32 [()]"
    with pytest.raises(Refused, match="not permitted: computing with"):
        Person(town, "carol").read("height")


def test_raw_data_is_its_dealers_alone(alice, bob):
    assert alice.declassify("height") == 170
    with pytest.raises(Refused, match="not permitted: reading the raw data"):
        bob.declassify("height")


def test_what_is_not_there_is_said_to_be_missing(alice):
    with pytest.raises(Refused, match="not there: MPC key"):
        alice.read("weight")


def test_a_key_of_another_is_not_written_to(town, alice, bob):
    with pytest.raises(Refused, match="not permitted: writing to"):
        bob.write("height", 1, point=False)
    assert bob.read("height") == 170


def test_several_may_what_one_may_not(town, alice):
    alice.write("shared", 9, rule="at_least", args=(2, KEYS.get("bob").address, KEYS.get("carol").address))
    carol = Person(town, "carol")
    with pytest.raises(Refused, match="not permitted"):
        carol.read("shared")
    rows = Rows()
    order = carol.order(rows.circuit(opens=[rows("load", handle=0)]), reads=[Leaf(key_of("shared"), 0)])
    with pytest.raises(Refused, match="not permitted"):
        carol.ask(order, "dave")
    assert carol.ask(order, "bob").opened == [9]


def test_an_order_is_carried_out_once(town, alice):
    """What bob signed once is not for what is there later."""
    alice.write("shared twice", 1, rule="at_least", args=(2, KEYS.get("bob").address, KEYS.get("carol").address))
    carol, rows = Person(town, "carol"), Rows()
    order = carol.order(rows.circuit(opens=[rows("load", handle=0)]), reads=[Leaf(key_of("shared twice"), 0)])
    data = carol.signed(order, "bob")
    carol.hand_over(data)
    carol.awaited(carol.request(data))
    alice.write("shared twice", 2, point=False)
    with pytest.raises(ChainError, match="requested before"):
        carol.request(data)
    with pytest.raises(Refused, match="not permitted"):
        carol.ask(structs.replace(order, number=order.number + 1))


# ---- forged orders


def test_an_order_is_its_requesters_alone(town, alice, bob):
    """Bob requests what alice signed, and what he signs for alice's session."""
    rows = Rows()
    circuit = rows.circuit(opens=[rows("load", handle=0)])
    data = alice.signed(alice.order(circuit, reads=[Leaf(key_of("height"), 0)]))
    bob.hand_over(data)
    with pytest.raises(Refused, match="not signed by its session"):
        bob.awaited(bob.request(data))
    kept = Rows()
    alice.ask(alice.order(kept.circuit(keeps=[(kept("load", handle=0), 1)]), [5], keeps=[Temporary(1)]))
    theirs = bob.order(circuit, reads=[Temporary(1)], session=bytes.fromhex(alice.session.address[2:]))
    with pytest.raises(Refused, match="not signed by its session"):
        bob.ask(theirs)
    assert alice.ask(alice.order(circuit, reads=[Temporary(1)])).opened == [5]


def test_a_mask_is_for_whom_it_was_given(alice, bob):
    rows = Rows()
    circuit = rows.circuit(opens=[rows("load", handle=0)])
    theirs = alice.order(circuit, [1])
    stolen = bob.order(circuit, [1])
    mixed = Order(RUN, stolen.session, circuit, theirs.mask, stolen.masked, stolen.inputs)
    with pytest.raises(Refused, match="mask"):
        bob.ask(mixed)
    done = alice.ask(theirs)
    assert done.opened == [1]
    with pytest.raises(Refused, match="mask"):
        alice.ask(structs.replace(theirs, number=1000))  # a mask serves once


def test_other_bytes_are_another_order(town, alice, bob):
    """Nobody hands over what the request does not name: it fails when the nodes have waited for it."""
    order = bob.order()
    job = bob.request(bob.signed(order))
    again = Person(town, "dave")
    closing = again.signed(again.order(closes=True))
    later = again.request(closing)
    again.hand_over(closing)
    with pytest.raises(Refused, match="nobody has handed over the order"):
        bob.awaited(job)
    assert again.awaited(later).opened == []


# ---- entries


def test_a_new_rule_shows_when_the_pointer_says_so(town, alice, bob):
    """Between the job and the pointer all is as it was; the old values can be erased afterwards, not before."""
    bobs = (bob.address,)
    alice.write("age", 40, rule="only", args=bobs)
    old = town.vault.entry(key_of("age"))
    alice.write("age", 41, rule="owner", point=False)
    assert bob.read("age") == 40 and alice.read("age") == 40
    erase = Erase(key_of("age"), old.rule, old.job)
    alice.ask(alice.order(erases=[erase]))  # of what is in use: it stays
    assert bob.read("age") == 40
    alice.point("age", alice.declare())
    assert alice.read("age") == 41
    with pytest.raises(Refused, match="not permitted"):
        bob.read("age")
    alice.ask(alice.order(erases=[erase]))
    alice.point("age", old.rule)  # nothing of it is left
    with pytest.raises(Refused, match="not there"):
        bob.read("age")


def test_what_was_written_anew_meanwhile_is_not_erased(town, alice):
    alice.write("size", 1)
    first = town.vault.entry(key_of("size"))
    anyone = alice.declare("anyone")
    alice.point("size", anyone)
    alice.write("size", 2, point=False)
    alice.ask(alice.order(erases=[Erase(key_of("size"), first.rule, first.job)]))
    alice.point("size", first.rule)
    assert alice.read("size") == 2


def test_the_same_owner_and_rule_need_no_second_step(town, alice, bob):
    alice.write("steps", 1, np.arange(3))
    alice.write("steps", 2, point=False)
    assert alice.read("steps") == 2
    rows = Rows()
    with pytest.raises(Refused, match="not there: leaf 1"):
        alice.ask(alice.order(rows.circuit(opens=[rows("load", shape=(3,), handle=0)]),
                              reads=[Leaf(key_of("steps"), 1)]))


def test_a_value_is_read_in_its_own_shape(alice, bob):
    for wrong in ({"shape": (2,)}, {"form": B}):
        with pytest.raises(Refused, match="another form or shape"):
            bob.read("height", **wrong)


def test_bits_arrays_and_big_numbers_are_kept(town, alice):
    rows = Rows()
    numbers = np.array([3, -5, 1 << 100], dtype=object)
    load = rows("load", shape=(3,), handle=0)
    sign = rows("ltz", load, shape=(3,), form=B)
    alice.ask(alice.order(rows.circuit(keeps=[(sign, 1), (load, 2)]), [numbers], keeps=[Temporary(10), Temporary(11)]))
    back = Rows()
    bits, load = back("load", shape=(3,), form=B, handle=0), back("load", shape=(3,), handle=1)
    done = alice.ask(alice.order(back.circuit(opens=[bits, load]), reads=[Temporary(10), Temporary(11)]))
    assert [each.tolist() for each in done.opened] == [[False, True, False], [3, -5, 1 << 100]]


def test_private_results_go_to_a_key(alice):
    rows = Rows()
    load = rows("load", shape=(2,), handle=0)
    small = rows("ltz", load, shape=(2,), form=B)
    receiver = alice.receiver.public_key().public_bytes_raw()
    done = alice.ask(alice.order(rows.circuit(outputs=[load, small]), [np.array([7, -7])], recipients=[receiver]))
    assert [each.tolist() for each in done.received] == [[7, -7], [False, True]] and done.opened == []


def test_what_is_told_goes_into_a_frame_from_all_members(alice, bob):
    rows = Rows()
    wide = rows("broadcast", rows("load", handle=0), shape=(40_000,))
    with pytest.raises(Refused, match="40000 numbers are told at once"):
        bob.ask(bob.order(rows.circuit(opens=[wide]), reads=[Leaf(key_of("height"), 0)]))


# ---- what is forgotten, and what never was


def test_a_session_ends_with_all_it_kept(town, alice):
    other = Person(town, "alice", SigningKey.generate())
    rows = Rows()
    load = rows("load", handle=0)
    keeps = rows.circuit(keeps=[(load, 1), (load, 2)])
    other.ask(other.order(keeps, [3], keeps=[Temporary(1), Temporary(2)]))
    mine = bytes.fromhex(other.session.address[2:])
    reads = Rows()
    other.ask(other.order(reads.circuit(opens=[reads("load", handle=0)]), reads=[Temporary(1)], forgets=[1]))
    alice.read("height")  # so that all have settled what was before
    assert all({name for name in found if name[1][0] == mine} == {("kept", (mine, 2))}
               for found in names(town, "kept"))
    other.ask(other.order(closes=True))
    alice.read("height")
    for slot in ("kept", "open"):
        assert all(mine not in {name[1][0] for name in found} for found in names(town, slot))
    with pytest.raises(Refused, match="not there: value 2"):
        other.ask(other.order(reads.circuit(opens=[0]), reads=[Temporary(2)]))


def test_sessions_that_are_idle_for_long_are_over(town, alice, monkeypatch):
    """By the chain's time: what others do in between does not count."""
    idle, circuit = Person(town, "dave"), keeping()
    idle.ask(idle.order(circuit, [3], keeps=[Temporary(1)]))
    mine = bytes.fromhex(idle.session.address[2:])
    for _ in range(3):
        alice.ask(alice.order(circuit, [1], keeps=[Temporary(20)]))
    assert all(mine in {name[1][0] for name in found} for found in names(town, "kept"))
    monkeypatch.setattr("enigmalang.node.ordered.IDLE", 1)
    development.advance(town.chain, seconds=60)
    for _ in range(2):
        alice.ask(alice.order(circuit, [1], keeps=[Temporary(20)]))
    assert all(mine not in {name[1][0] for name in found} for found in names(town, "kept"))
    assert kept_for(town, idle.address).sessions == 0


def test_an_order_that_fails_leaves_nothing(town, alice, bob):
    """Its parts are done together: what may be done is not, when another part may not."""
    alice.write("hers", 1)
    bob.read("height")  # so that all have settled what was before
    before = [names(town, slot) for slot in ("entry", "kept", "wrote")]
    rows, rule = Rows(), bob.declare()
    load, other = rows("load", handle=0), rows("load", handle=1)
    circuit = rows.circuit(opens=[other], keeps=[(load, 2)])
    with pytest.raises(Refused, match="not permitted"):
        bob.ask(bob.order(circuit, [1], reads=[Leaf(key_of("height"), 0)], keeps=[Leaf(key_of("hers"), 0)],
                          writes=[Write(key_of("hers"), rule, b"", 1)]))
    assert town.vault.written(key_of("hers"), bob.address, rule) is None
    assert bob.read("height") == 170
    assert [names(town, slot) for slot in ("entry", "kept", "wrote")] == before


# ---- room


def keeping():
    """A circuit that keeps what it is given."""
    rows = Rows()
    return rows.circuit(keeps=[(rows("load", handle=0), 1)])


def kept_for(town, owner=""):
    """How much an identity, or everybody, has in the vault, as of the last order but one at least."""
    name = ("size", (owner.lower(),) if owner else ())
    found = first_state(town).pick(town.address, [name]).get(name)
    return Amounts() if found is None else Amounts(*map(int, found.constant().tolist()))


def first_state(town):
    return town.nodes.in_seats(town.members)[0].part._state.committee(town.committee)


def test_a_vault_that_is_full_says_so(town, alice, monkeypatch):
    monkeypatch.setattr("enigmalang.node.vault_room.NUMBERS", 10)
    monkeypatch.setattr("enigmalang.node.vault_room.PART", 1)
    monkeypatch.setattr("enigmalang.node.vault_room.ROUNDS", 0)
    carol = Person(town, "carol")
    with pytest.raises(Refused, match="the vault is full: it keeps 10 numbers at most, and would keep"):
        carol.write("many", np.arange(9))


def test_what_is_kept_is_counted_for_whose_it_is(town, alice):
    alice.read("height")  # so that all have settled what was before
    values = first_state(town).values(town.address)
    kept = [value for name, value in values.items() if name[0] in ("entry", "kept")]
    numbers, sessions = sum(int(np.prod(value.shape)) for value in kept), sum(name[0] == "open" for name in values)
    assert kept_for(town) == Amounts(numbers, len(kept), sessions)
    owners = [name[1][0] for name in values if name[0] == "size" and name[1]]
    assert sum((kept_for(town, owner) for owner in owners), Amounts()) == kept_for(town)
    told = "\n".join(lines(town.nodes.in_seats(town.members)[0].daemon.status()))
    assert f"vault {town.address} keeps {numbers} of 4,194,304 numbers, {len(kept)} of 16,384 values" in told


def test_nobody_takes_the_room_of_another(town, alice, monkeypatch):
    """Neither with numbers, nor with values or sessions: what is full is one's own part."""
    stranger = Person(town, "mallory")
    mine = alice.order(keeping(), [7], keeps=[Temporary(30)])
    alice.ask(mine)
    monkeypatch.setattr("enigmalang.node.vault_room.SESSIONS", 8)  # 2 to each, and alice has more than that
    monkeypatch.setattr("enigmalang.node.vault_room.ROUNDS", 0)
    monkeypatch.setattr("enigmalang.node.vault_room.PART", 4)
    own = [Person(town, "mallory") for _ in range(2)]
    for each in own:
        each.ask(each.order(keeping(), [1], keeps=[Temporary(1)]))
    with pytest.raises(Refused, match=f"keeps for {stranger.address} 2 runs of scripts at most, and would keep 3"):
        stranger.ask(stranger.order(keeping(), [1], keeps=[Temporary(1)]))
    monkeypatch.setattr("enigmalang.node.vault_room.NUMBERS", 40)
    with pytest.raises(Refused, match="10 numbers at most"):
        own[0].write("much", np.arange(11))
    rows = Rows()
    circuit = rows.circuit(opens=[rows("load", handle=0)])
    assert alice.ask(alice.order(circuit, reads=[Temporary(30)])).opened == [7]
    assert own[0].ask(own[0].order(circuit, reads=[Temporary(1)])).opened == [1]
    for each in own:  # and who gives back may have again
        each.ask(each.order(closes=True))
    stranger.ask(stranger.order(keeping(), [1], keeps=[Temporary(1)]))
    stranger.ask(stranger.order(closes=True))


def test_room_is_paid_for_once(town, alice, monkeypatch):
    """A number as ten rounds; what takes the place of as much costs nothing more."""
    hub, size = town.hub, 100
    first = alice.write("paid", np.arange(size))
    again = alice.write("paid", np.arange(size), point=False)
    work = [event.fields["work"] for event in hub.events(["Settled"]) if event.fields["job"] in (first.job, again.job)]
    assert work[0][0] - work[1][0] == Amounts(size, 1).rounds == 10 * (size + 256)
    monkeypatch.setattr("enigmalang.node.vault_room.ROUNDS", 10**6)
    with pytest.raises(Refused, match=r"costs 356000000000000000 wei, and the fee is 1000000000000000: offer more"):
        alice.write("unpaid", np.arange(size))
    assert town.vault.entry(key_of("unpaid")) is None


def test_nothing_that_is_written_down_shows_a_value(town, alice, nodes):
    order = alice.write("secret", SECRET, rule="only", args=(KEYS.get("bob").address,))
    assert alice.declassify("secret") == SECRET
    clear = (SECRET.to_bytes(13, "little"), SECRET.to_bytes(13, "big"), str(SECRET).encode(), f"{SECRET:x}".encode())
    written = [path.read_bytes() for node in nodes.all.values() for path in node.folder.rglob("*") if path.is_file()]
    logs = [log.data for log in town.chain.logs(town.address)]
    assert order.job and len(written) > 10 and logs
    assert not any(each in data for data in (*written, *logs) for each in clear)
