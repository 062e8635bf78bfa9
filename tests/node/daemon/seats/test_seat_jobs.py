"""Jobs of committees without a coordinator: they are done whoever leads, and whoever dies and comes back."""

import threading
from hashlib import sha256

import pytest
from msgspec import structs
from seat_deaths import dies_at, loses_its_disk, nodes_of
from seat_nodes import LONG, POOL, Client, compiled, development, until

from enigmalang.chain.errors import ChainUnreachable
from enigmalang.chain.hub import EXPIRED
from enigmalang.chain.requested import Opened
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.durable import points
from enigmalang.node.remote import RemoteError, connect, service_of
from enigmalang.plan.codec import encode_plan
from enigmalang.wire import messages as msg


@pytest.fixture(scope="module")
def plan():
    return compiled()


nodes = nodes_of(3)


@pytest.fixture(scope="module")
def client(nodes, plan):
    """A pool of a new committee, in which alice has put 40."""
    made = Client(nodes, plan)
    assert made.call("put", 40).leaves == []
    return made


def test_jobs_are_done_and_nobody_coordinates(client):
    assert (client.call("mine").leaves, client.call("over_limit").leaves) == ([40], [True])


@pytest.mark.parametrize(("seat", "point"), [
    (1, points.JOB_SIGNED), (2, points.JOB_STAGED), (3, points.JOB_BEGUN)])
def test_a_member_dies_in_the_middle_of_a_job_and_comes_back(nodes, client, seat, point):
    node = nodes.in_seats(client.members)[seat - 1]
    put = dies_at(node, point, lambda: client.later("put", 7, who=f"person {seat}"))
    assert put.result().leaves == [] and client.call("mine", who=f"person {seat}").leaves == [7]


def test_a_leader_dies_after_it_has_collected_the_signatures(nodes, client, monkeypatch):
    node, collected = nodes.in_seats(client.members)[0], threading.Event()
    operator = node.member(client.committee).operator

    def dies(*outcome):
        collected.set()
        raise ChainUnreachable("here", "the process was killed", "")

    monkeypatch.setattr(operator, "_send", dies)
    put = client.later("put", 7, who="bob")
    assert collected.wait(LONG)
    node.cut()
    node.start()
    assert put.result().leaves == [] and client.call("mine", who="bob").leaves == [7]


def test_a_second_leader_costs_time_and_nothing_else(nodes, client):
    one, two, _ = nodes.in_seats(client.members)
    before = one.member(client.committee).seat.status.term
    said = two.part._here.ask(one.address, sm.Announce(client.committee, before + 5), LONG)
    assert said == sm.Obeys(True)  # seat 2 announces a term that it does not lead; nobody else comes
    assert client.call("mine").leaves == [40]
    assert one.member(client.committee).seat.status.term > before + 5


def test_a_member_that_lost_its_data_gets_it_back(nodes, client):
    node = nodes.in_seats(client.members)[2]
    loses_its_disk(node)
    assert client.call("mine").leaves == [40] and client.call("over_limit").leaves == [True]
    state = node.part._state.committee(client.committee)
    assert state.root(client.address) != bytes(32) and state.keys() is not None


def test_a_leader_who_lies_gets_no_signatures(nodes, client, monkeypatch):
    """He names another block, plan, job or beginning than there is: no member signs anything."""
    member = nodes.in_seats(client.members)[0].member(client.committee)
    due: list[tuple[Opened, bytes]] = []
    seen = threading.Event()

    def attempt(pending, digest, enough):
        due.append((pending.opened, digest))
        seen.set()

    other = encode_plan(compiled(POOL.with_name("other.enig")))
    with monkeypatch.context() as patched:
        patched.setattr(member.operator, "_attempt", attempt)
        patched.setattr(member._leading, "_field_of", lambda request: "M61")
        mine = client.later("mine")
        assert seen.wait(LONG)
        opened, digest = due[0]
        honest = msg.Execute(0, opened.job, opened.block, nodes.world.chain.block_number(), digest, b"")
        for lie in (
            structs.replace(honest, block=honest.block + 1000), structs.replace(honest, digest=bytes(32)),
            structs.replace(honest, plan=other, digest=sha256(other).digest()),
            structs.replace(honest, job=honest.job - 1), structs.replace(honest, opened=honest.opened - 1),
        ):
            replies = member._leading.ask(lambda number, lie=lie: structs.replace(lie, number=number), msg.Executed)
            assert len(replies) == 3 and all(reply.error and not reply.signature for reply in replies.values())
    assert mine.result().leaves == [40]


def test_whoever_a_client_asks_may_die(nodes, client):
    """Any member answers: for a result, and for a mask as soon as all are there."""
    one, two, three = nodes.in_seats(client.members)
    chain = connect(str(nodes.world.socket))
    with chain.evm:
        service = service_of(nodes.world.hub, client.committee)
        assert service is not None
        job = client.call("mine").job
        for gone in (one, two, three):
            gone.stop()
            assert service.result(job)["status"] == "fulfilled"
            assert len(service.result(job)["signed"]) == 3
            gone.start()
        service.close()
    one.stop()
    waiting = client.later("put", 3, who="carol")
    one.start()
    assert waiting.result().leaves == []


def test_a_job_that_cannot_be_computed_is_refunded_by_any_member(nodes, client):
    """One member stays away: the others end the job when its time is over, and nobody asked them to."""
    hub = nodes.world.hub
    node = nodes.in_seats(client.members)[0]
    before = {int(event.fields["job"]) for event in hub.events(["Opened"])}
    node.stop()
    waiting = client.later("over_limit")
    opened = until(lambda: {int(e.fields["job"]) for e in hub.events(["Opened"])} - before, "a request", LONG)
    development.advance(nodes.world.chain, seconds=1000)
    (job,) = opened
    until(lambda: hub.job(job).status == EXPIRED, "a refund", LONG)
    with pytest.raises(RemoteError, match="did not end job"):
        waiting.result()
    node.start()
    assert client.call("over_limit").leaves == [True]
