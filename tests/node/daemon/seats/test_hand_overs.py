"""A contract goes to other committees: its time is over, members leave or stay away, it has served its jobs."""

import threading
from dataclasses import replace
from time import monotonic

import pytest
from daemon_world import World, key_of
from seat_deaths import Death
from seat_nodes import LONG, PACE, Client, Later, Nodes, compiled, development, until

from enigmalang.chain.client import Chain
from enigmalang.chain.digests import keccak
from enigmalang.chain.errors import ChainError
from enigmalang.chain.formations import Formation
from enigmalang.chain.hub import FULFILLED, hub_interface
from enigmalang.chain.requested import NoSuchJob
from enigmalang.diagnostics import EnigmaError
from enigmalang.identity.keys import Keystore
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats import part
from enigmalang.node.daemon.seats.forming import Forming
from enigmalang.node.daemon.seats.handing import holding, worth
from enigmalang.node.daemon.seats.handing.driving import Told
from enigmalang.node.daemon.seats.handing.due import Facts, Reason
from enigmalang.node.daemon.seats.handing.successors import Successor, _renewed
from enigmalang.node.daemon.seats.handing.taking import RUNS
from enigmalang.node.draws import GRACE, day_of
from enigmalang.node.durable import points
from enigmalang.node.durable.handover import state_at
from enigmalang.node.durable.settling import chain_root
from enigmalang.node.remote import connect, open_contract, service_of
from enigmalang.node.remote_calls import Caller
from enigmalang.node.reserved import VOID, split_mask
from enigmalang.transport.peering.errors import Refusal

HOUR = 3600
#: Calmer: chains in this process take long to answer.
CALM = replace(PACE, timing=replace(PACE.timing, meet=12.0), poll=0.2, look=1.0)


@pytest.fixture(scope="module")
def plan():
    return compiled()


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Three, whose committees last an hour of the chain."""
    with World() as world, Nodes(world, tmp_path_factory.mktemp("nodes"), 3, CALM, refresh_hours=1.0) as running:
        yield running


@pytest.fixture(scope="module")
def client(nodes, plan):
    made = Client(nodes, plan)
    assert made.call("put", 40).leaves == []
    return made


def serving(client):
    """The number of the committee that serves the client's contract."""
    return client.nodes.world.hub.attachment(client.address).committee


def settled(client, nodes):
    """Wait until every member of the contract's committee has what the chain has; the committee."""
    hub = nodes.world.hub

    def agreed():
        number = serving(client)
        members = nodes.in_seats(tuple(member.lower() for member in hub.committee(number).members))
        root = chain_root(hub, client.address, nodes.world.chain.block_number())
        return all(state_at(node.part._state.committee(number), client.address, root) for node in members)

    until(agreed, "the hand-over", LONG)
    return serving(client)


def after(client, before):
    """The committee that took over from `before`, of which nothing is kept any more."""
    until(lambda: serving(client) != before, "another committee", LONG)
    new = settled(client, client.nodes)
    until(lambda: not any(before in node.part._state.committees() for node in client.nodes.all.values()),
          "the end of the old committee", LONG)
    return new


def kept(node, committee, client):
    """The stored values of a node."""
    return node.part._state.committee(committee).values(client.address)


def test_a_refresh_changes_every_share_and_no_value(nodes, client):
    old = serving(client)
    done = client.call("mine")
    assert done.leaves == [40]
    old_values = {name: kept(node, old, client) for name, node in nodes.all.items()}
    sealed = [bytes(row[0]) for node in nodes.all.values() for row in node.part._state.file.rows(
        "SELECT value FROM current UNION SELECT keys FROM committees")]
    development.advance(nodes.world.chain, seconds=HOUR)
    new = after(client, old)
    assert nodes.world.hub.committee(new).members == nodes.world.hub.committee(old).members
    for name, node in nodes.all.items():
        values = kept(node, new, client)
        assert values.keys() == old_values[name].keys() and values
        assert all(value.data != old_values[name][at].data for at, value in values.items() if not value.public)
        state = node.part._state.committee(old)
        assert state.keys() is None and not state.values(client.address) and not state.contracts()
        on_disk = b"".join(path.read_bytes() for path in (node.folder / "data" / "seats").glob("state.db*"))
        assert not any(each in on_disk for each in sealed)
    assert client.call("mine").leaves == [40]
    service = service_of(nodes.world.hub, old)  # what the old committee did is still given out
    assert service is not None and service.result(done.job)["status"] == "fulfilled"
    assert len(service.result(done.job)["signed"]) == 3
    service.close()
    words = (f"committee {new} ", "new shares in", "1 jobs here", f"from committee {old} to {new}",
             Reason.REFRESH.value)

    def told() -> bool:  # a job is counted at the node's next look at its committee
        lines = " ".join(nodes.all["node1"].part.status()["jobs"])
        return all(each in lines for each in words)

    until(told, f"all of {words} in the node's status", LONG)


#: Who dies: the one who leads, a dealer, or one who only receives.
SEATS = {points.HAND_DEALT: 2, points.HAND_COLLECTED: 1, points.HAND_SENT: 1, points.HAND_RECEIVED: 3}


@pytest.mark.parametrize("point", points.HANDING)
def test_a_member_dies_in_the_middle_of_a_hand_over(nodes, client, point):
    """It ends in the old committee or the new one, and goes on."""
    old = settled(client, nodes)
    seats = nodes.in_seats(tuple(member.lower() for member in nodes.world.hub.committee(old).members))
    node, death = seats[SEATS.get(point, 2) - 1], Death(point)
    node.cut()
    node.start(death)
    until(lambda: node.member(old).seat.status.up, "a term", LONG)
    development.advance(nodes.world.chain, seconds=HOUR)
    assert death.reached.wait(LONG), point
    node.cut()
    node.start()
    after(client, old)
    assert client.call("mine").leaves == [40]


def test_nobody_takes_part_in_what_is_not_due_or_was_not_drawn(nodes, client, plan):
    old = settled(client, nodes)
    one, two, three = nodes.in_seats(tuple(m.lower() for m in nodes.world.hub.committee(old).members))
    taking, other = two.part._taking, Client(nodes, plan, who="dora").committee
    ready = sm.Ready(old, client.address, other, Reason.REFRESH.value, sm.Drawn())
    for reason in Reason:
        with pytest.raises(Refusal, match="no hand-over is due"):
            taking.ready(one.address, sm.Ready(old, client.address, other, reason.value, sm.Drawn()))
    with pytest.raises(Refusal, match="a reason that there is none of"):
        taking.ready(one.address, sm.Ready(old, client.address, other, "because", sm.Drawn()))
    with pytest.raises(Refusal, match="no member"):
        taking.ready("0x" + "ab" * 20, ready)
    with pytest.raises(Refusal, match="does not serve that contract"):
        taking.ready(one.address, sm.Ready(old, "0x" + "ab" * 20, other, Reason.REFRESH.value, sm.Drawn()))
    what = sm.Readied(0, bytes(32), b"\x90", [])
    with pytest.raises(Refusal, match="changed since"):
        taking.hand(one.address, sm.Hand(old, client.address, other, "M61", [1, 2], what, bytes(32), ""))
    with pytest.raises(Refusal, match="no member"):  # before it waits for a committee that there is none of
        taking.hand("0x" + "ab" * 20, sm.Hand(old, client.address, 1 << 40, "M61", [1, 2], what, bytes(32), ""))
    for dealers in ([], [1], [1, 1], [1, 2, 3], [1, 99]):
        with pytest.raises(Refusal, match="2 different members"):
            taking.hand(one.address, sm.Hand(old, client.address, other, "M61", dealers, what, bytes(32), ""))
    now = nodes.world.hub.attachment(client.address).settled
    with pytest.raises(Refusal, match="not ready"):
        taking.hand(one.address, sm.Hand(old, client.address, other, "M61", [1, 2],
                                         sm.Readied(now, bytes(32), b"\x90", []), bytes(32), ""))
    with pytest.raises(Refusal, match="time is not over"):
        three.part._answer(one.address, sm.Renew(old, bytes(32), 0))
    assert serving(client) == old


def test_a_mask_of_the_committee_before_is_void_and_the_client_asks_again(nodes, client):
    """The contract moves between a client's two questions: nothing is computed on what does not fit."""
    old, asked = settled(client, nodes), []

    class Slow(Caller):
        def _masked(self, request):
            asked.append(super()._masked(request))
            if len(asked) == 1:
                development.advance(nodes.world.chain, seconds=HOUR)
                after(client, old)
            return asked[-1]

    with open_contract(connect(str(nodes.world.socket)), client.address) as remote:
        done = Slow(remote, Keystore().get("eva")).call(client.plan.functions["Pool.put"], [5])
    assert done.leaves == [] and client.call("mine", who="eva").leaves == [5]
    assert [split_mask(mask)[0] for _, mask in asked] == [old, serving(client)]
    failed = nodes.world.hub.events(["Failed"])
    assert [event.fields["error"] for event in failed] == [VOID]


def test_what_strangers_attach_costs_a_committee_nothing(nodes, client, monkeypatch):
    """An account without code, and a contract whose plan nobody has: nothing is formed for them, nothing kept."""
    monkeypatch.setattr(worth, "PATIENCE", 0.0)
    old, hub = settled(client, nodes), nodes.world.hub
    attach = hub_interface().methods["attach"]
    hub.chain.send(key_of("mallory"), hub.address, attach.encode((old, bytes(range(32)), 0)))
    assert hub.attachment(key_of("mallory").address).committee == old
    before = len(hub.events(["Formed"]))
    development.advance(nodes.world.chain, seconds=HOUR)
    new = after(client, old)  # the keys of the old committee are erased
    assert all(node.part._state.committee(old).keys() is None for node in nodes.all.values())
    assert hub.committee(old).contracts == 1

    def successors():
        return {event.fields["successor"] for event in hub.events(["Reattached"])}

    until(lambda: {event.fields["committee"] for event in hub.events(["Formed"])[before:]} <= successors(),
          "the other hand-overs", LONG)  # every committee that was formed is of use
    assert serving(client) == new and client.call("mine").leaves == [40]


def test_what_a_contract_says_of_its_state_does_not_matter(nodes, client, monkeypatch):
    """It lies about its root, or has none: it moves with the state that the hub took last, and no keys stay behind."""
    old, call = settled(client, nodes), Chain.call
    truth = chain_root(nodes.world.hub, client.address, nodes.world.chain.block_number())
    for lie in (b"lie".rjust(32), None):

        def lying(chain, to, data=b"", *args, lie=lie, **kwargs):
            if to.lower() == client.address.lower() and data == keccak(b"private_root()")[:4]:
                if lie is None:
                    raise ChainError("execution reverted")
                return lie
            return call(chain, to, data, *args, **kwargs)

        monkeypatch.setattr(Chain, "call", lying)
        development.advance(nodes.world.chain, seconds=HOUR)
        new = until(lambda old=old: (now := serving(client)) != old and now, "another committee", LONG)
        until(lambda old=old: not any(old in node.part._state.committees() for node in nodes.all.values()),
              "the end of the old committee", LONG)
        for node in nodes.in_seats(tuple(m.lower() for m in nodes.world.hub.committee(new).members)):
            until(lambda node=node, new=new: node.part._state.committee(new).root(client.address) == truth, "its state",
                  LONG)
        old = new
    monkeypatch.undo()
    assert client.call("mine").leaves == [40]


def test_jobs_that_nobody_can_read_hold_nothing_up(nodes, client, monkeypatch):
    handing = next(iter(nodes.all.values())).member(settled(client, nodes)).handing

    class Wrong(EnigmaError):
        def __init__(self):
            Exception.__init__(self)

    class Jobs:
        def open_of(self, contract):
            return [NoSuchJob("of another plan"), Wrong()]

        def requested(self, opened, digest):
            raise opened

    monkeypatch.setattr(handing, "_jobs", Jobs)
    assert handing.masks_of(client.address, bytes(32)) == []


def idle(nodes, committee, monkeypatch):
    """The members of a committee whose time is over, none of which leads a hand-over."""
    seats = nodes.in_seats(tuple(member.lower() for member in nodes.world.hub.committee(committee).members))
    for node in seats:
        monkeypatch.setattr(node.member(committee).handing._driving, "step", lambda *asked: None)
    development.advance(nodes.world.chain, seconds=HOUR)
    return seats


def test_shares_are_dealt_to_the_successor_that_was_looked_at_alone(nodes, client, monkeypatch):
    """A leader that shows a good successor and then names another one, which it made up, gets no share."""
    old, hub = settled(client, nodes), nodes.world.hub
    one, two, _ = seats = idle(nodes, old, monkeypatch)
    made_up = Client(nodes, client.plan, who="mallory").committee
    member = one.member(old)
    new = _renewed(member._here, member.place, 0, bytes(32))
    field = member.handing.field_of(hub.attachment(client.address).plan)
    for node in seats:
        what = node.part._taking.ready(one.address, sm.Ready(old, client.address, new, Reason.REFRESH.value,
                                                             sm.Drawn()))
    for leader, successor in ((one, made_up), (two, new)):
        hand = sm.Hand(old, client.address, successor, field, [1, 2], what, bytes(32), "")
        with pytest.raises(Refusal, match="not ready for that"):
            two.part._taking.hand(leader.address, hand)
    monkeypatch.undo()
    after(client, old)
    assert client.call("mine").leaves == [40]


def test_a_successor_was_drawn_today(nodes, client):
    """Draws of other days are nobody's to choose from; a leader that has one from yesterday gets another one drawn."""
    old, chain = settled(client, nodes), nodes.world.chain
    one, two, _ = nodes.in_seats(tuple(m.lower() for m in nodes.world.hub.committee(old).members))
    place, today = two.member(old).place, day_of(chain)
    other = Formation(old, place.members[::-1], place.threshold, 0, bytes(32), 1)
    for day, why in ((day_of(chain, GRACE) - 1, "not drawn today"), (today + 1, "not drawn today"),
                     (today, "not announced here")):
        ready = sm.Ready(old, client.address, old, Reason.LEFT.value, sm.Drawn(day, 0, 5, 0))
        with pytest.raises(Refusal, match=why):
            two.part._taking._check_successor(place, one.address, ready, Facts(), other)
    driving = one.member(old).handing._driving
    for day, stale in ((day_of(chain, GRACE) - 1, True), (today, False)):
        assert driving._is_stale(Successor(old, sm.Drawn(day, 0, 5, 0))) is stale
    assert not driving._is_stale(Successor(old, sm.Drawn()))  # the same members, which nobody draws


def test_a_member_that_asks_for_hand_overs_in_vain_keeps_nobody_from_working(nodes, client, monkeypatch):
    """It has the contract held for a while on one day, and is refused then; others hand it over meanwhile."""
    monkeypatch.setattr(holding, "SECONDS", 0.5)
    old, pause = settled(client, nodes), threading.Event()
    one, two, three = idle(nodes, old, monkeypatch)
    member = one.member(old)
    new = _renewed(member._here, member.place, 0, bytes(32))

    def ask():
        two.part._taking.ready(three.address, sm.Ready(old, client.address, new, Reason.REFRESH.value, sm.Drawn()))

    with pytest.raises(Refusal, match="long enough today"):
        for _ in range(600):
            ask()
            pause.wait(0.05)
    assert two.member(old).handing.holds.why(client.address) == ""
    monkeypatch.undo()
    after(client, old)
    assert client.call("mine").leaves == [40]


def test_runs_that_come_to_nothing_do_not_pile_up(nodes, client, monkeypatch):
    """A leader that never tells the chain: each member keeps a few of its runs, all of which it signed."""
    old = settled(client, nodes)
    seats = idle(nodes, old, monkeypatch)
    one, hub = seats[0], nodes.world.hub
    member = one.member(old)
    new = _renewed(member._here, member.place, 0, bytes(32))
    field = member.handing.field_of(hub.attachment(client.address).plan)

    def run(number):
        request = sm.Ready(old, client.address, new, Reason.REFRESH.value, sm.Drawn())
        for node in seats:
            what = node.part._taking.ready(one.address, request)
        hand = sm.Hand(old, client.address, new, field, [1, 2], what, bytes([number]) * 32, "")
        asked = [Later(lambda node=node: node.part._taking.hand(one.address, hand)) for node in seats]
        return [each.result() for each in asked]

    for number in range(RUNS):
        assert all(each.new for each in run(number))
    with pytest.raises(Refusal):
        run(RUNS)
    assert [len(node.part._state.committee(new).handed.all()) for node in seats] == [RUNS] * 3
    monkeypatch.undo()
    after(client, old)
    assert client.call("mine").leaves == [40]


def test_a_failing_hand_over_is_told_once_and_the_node_is_not_well(nodes, monkeypatch):
    node = next(iter(nodes.all.values()))
    assert part._folded({1: Told("away"), 2: Told(), 3: Told("away")}) == [
        "not handed over yet (committee 1, 3): away"]
    monkeypatch.setattr(node.part, "_told", lambda: {7: Told("it fails", since=monotonic() - part.FAILING - 1)})
    assert "committee 7 is not handed over: it fails" in node.part.trouble()
    monkeypatch.setattr(node.part, "_told", lambda: {7: Told("it fails", since=monotonic())})
    assert "not handed over" not in node.part.trouble()


def test_a_contract_survives_the_loss_of_a_member_for_good(tmp_path, plan, monkeypatch):
    """A job that was asked for with its mask before is done by the next committee; so is all that comes later. Then
    another member gives notice."""
    with World() as world, Nodes(world, tmp_path, 5, CALM, refresh_hours=0.0, absence_seconds=1.0) as nodes:
        client = Client(nodes, plan)
        client.call("put", 40)
        seats = nodes.in_seats(client.members)
        for node in seats:
            monkeypatch.setattr(node.member(client.committee).operator, "_attempt", lambda *asked: None)
        put = client.later("put", 7, who="bob")
        hub = world.hub
        opened = until(lambda: hub.attachment(client.address).oldest, "a request", LONG)
        lost = seats[1].address
        seats[1].cut()
        assert put.result().leaves == [] and hub.job(opened).status == FULFILLED
        new = settled(client, nodes)
        assert lost not in [member.lower() for member in hub.committee(new).members]
        assert client.call("mine").leaves == [40] and client.call("mine", who="bob").leaves == [7]
        assert not hub.events(["Failed", "Expired"])
        leaving = next(name for name, node in nodes.all.items() if node.daemon is not None
                       and node.address in [member.lower() for member in hub.committee(new).members])
        hub.leave(key_of(leaving))
        until(lambda: serving(client) != new, "another committee", LONG)
        last = hub.committee(settled(client, nodes)).members
        assert not {lost, key_of(leaving).address} & {member.lower() for member in last}
        assert client.call("mine", who="bob").leaves == [7]


def test_each_job_has_its_own_committee(tmp_path, plan, monkeypatch):
    drawn = []
    form = Forming.form

    def watched(self, *args, **kwargs):
        drawn.append(form(self, *args, **kwargs))
        return drawn[-1]

    monkeypatch.setattr(Forming, "form", watched)
    with World() as world, Nodes(world, tmp_path, 5, CALM) as nodes:
        client = Client(nodes, plan, rotation=1)
        for number in range(5):
            assert client.call("put", 1, who=f"person {number}").leaves == []
        assert client.call("mine", who="person 3").leaves == [1]
        hub, where, ended = world.hub, 0, []
        for event in hub.events(["Attached", "Reattached", "Settled"]):
            match event.name:
                case "Attached":
                    where = int(event.fields["committee"])
                case "Reattached":
                    assert int(event.fields["old"]) == where
                    where = int(event.fields["successor"])
                case _:
                    ended.append(where)
        assert len(ended) == len(set(ended)) == 6
        by_members = {each.members: each.drawing for each in drawn}
        teams = [tuple(member.lower() for member in hub.committee(number).members) for number in ended]
        assert all(by_members[team].members(hub) == team for team in teams)
        assert len(set(teams)) > 1  # of ten
