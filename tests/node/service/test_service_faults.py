"""Networks that break, and operators who break them: nothing is signed that was not asked for, and money goes back."""

import os
import signal
from types import SimpleNamespace

import pytest
from msgspec import structs
from service_client import FEE, Contract, Person, compiled, hosted

from enigmalang.chain import development
from enigmalang.chain.anvil import find_anvil, missing
from enigmalang.chain.errors import RpcError
from enigmalang.chain.hub import EXPIRED, FAILED, FULFILLED, OPEN
from enigmalang.chain.logbook import key_id
from enigmalang.chain.rpc import RpcEvm
from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.execute.onchain import TRIES
from enigmalang.execute.ports import EngineError
from enigmalang.node.operator import ATTEMPTS
from enigmalang.node.serving import Service
from enigmalang.node.sitting import Peers
from enigmalang.plan.codec import encode_plan, hash_plan
from enigmalang.wire import messages as msg
from enigmalang.wire.codec import digest, encode_circuit
from enigmalang.wire.errors import WireError

CHAINS = ["embedded", pytest.param("anvil", marks=pytest.mark.skipif(find_anvil() is None, reason=missing()))]


@pytest.fixture(scope="module")
def plan():
    return compiled()


@pytest.fixture
def network(request, tmp_path, monkeypatch, plan):
    """A network, a pool on it, and alice."""
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "home"))
    said: list[str] = []
    with hosted(tmp_path, getattr(request, "param", "embedded")) as host, RpcEvm(str(host.socket)) as rpc:
        alice = Person("alice")
        host.operator._tell = said.append
        yield Contract(host, plan, rpc, alice), alice, said


def tell(pool, requests):
    """What the operator tells each node, one request each; raises EngineError when a node notices."""
    with pool.host.cluster._using() as control:
        number = pool.host.cluster._next()
        for node, request in requests.items():
            control._send([node], msg.encode_message(structs.replace(request, number=number)))
        return control.collect(msg.Executed, number)


def execution(pool, job):
    (opened,) = [e for e in pool.hub.events(["Opened"]) if e.fields["job"] == job]
    return msg.Execute(0, job, opened.log.block, pool.chain.block_number(), hash_plan(pool.plan),
                       encode_plan(pool.plan))


@pytest.mark.parametrize("network", CHAINS, indirect=True)
def test_a_node_that_is_killed_between_request_and_fulfilment(network):
    pool, alice, said = network
    assert ended(pool, pool.request("put", alice, 40)) == FULFILLED
    job, owed = pool.request("buy", alice, 30, value=5000), pool.hub.owed(alice.address)
    os.kill(pool.host.cluster.pids[2], signal.SIGKILL)
    assert ended(pool, job) == OPEN  # nobody can compute it: not even a failure is signed
    assert any("node 2" in line for line in said)
    with pytest.raises(RpcError, match="the nodes are gone"):
        pool.reserve(alice, 1)
    development.advance(pool.chain, seconds=601)
    assert ended(pool, job) == EXPIRED
    assert pool.hub.owed(alice.address) - owed == 5000 + FEE
    assert pool.read("total") == 0 and pool.result(job)["status"] == "expired"


def ended(pool, job):
    pool.host.operator.step()
    return pool.hub.job(job).status


@pytest.mark.parametrize("network", CHAINS, indirect=True)
def test_an_outcome_that_the_chain_refuses_is_a_failure_and_the_next_job_is_done(network):
    pool, alice, said = network
    assert ended(pool, pool.request("put", alice, 40)) == FULFILLED
    job, owed = pool.request("give", alice, pool.host.hub.address), pool.hub.owed(alice.address)
    states = [ended(pool, job) for _ in range(ATTEMPTS)]
    assert states == [OPEN] * (ATTEMPTS - 1) + [FAILED]
    assert pool.hub.owed(alice.address) > owed and pool.result(job)["status"] == "failed"
    assert any(f"job {job}" in line and "failed" in line for line in said)
    assert ended(pool, pool.request("over_limit", alice)) == FULFILLED


def test_what_a_job_reads_of_the_log_may_change_meanwhile(network, monkeypatch):
    """Nobody's transaction can hold a job up for ever: nodes compute again, but not again and again."""
    pool, alice, said = network
    limits, operator = iter([39, 41, *range(100, 120)]), pool.host.operator
    send, changes = operator._send, [1]

    def write():
        pool.hub.write(alice.signing, key_id(("pool limit",)), "uint256", next(limits).to_bytes(32, "big"))

    def before(*outcome):
        if changes[0]:
            changes[0] -= 1
            write()
        return send(*outcome)

    monkeypatch.setattr(operator, "_send", before)
    write()
    changes[0] = 0
    assert ended(pool, pool.request("put", alice, 40)) == FULFILLED
    changes[0], job = 1, pool.request("below", alice)
    assert [ended(pool, job), ended(pool, job)] == [OPEN, FULFILLED]
    assert pool.read("total") == 41 and pool.result(job)["status"] == "fulfilled"
    changes[0], job = 100, pool.request("below", alice)
    states = [ended(pool, job) for _ in range(TRIES)]
    assert states == [OPEN] * (TRIES - 1) + [FAILED] and pool.read("total") == 41
    assert any("keeps changing" in line for line in said)


def test_nodes_see_for_themselves_that_the_chain_refuses(network):
    """An operator who would have jobs fail gets no signatures."""
    pool, alice, _ = network
    job = pool.request("put", alice, 40)
    execute = execution(pool, job)
    refute = msg.Refute(0, job, execute.block, [])
    untold = tell(pool, dict.fromkeys((1, 2, 3), refute))
    assert {reply.error for reply in untold.values()} == {f"job {job} was not computed here"}
    done = tell(pool, dict.fromkeys((1, 2, 3), execute))
    for signatures, why in [
        ([], "too few members"), ([done[1].signature], "too few members"),
        ([done[1].signature] * 3, "too few members"), ([b"", bytes(65), done[2].signature], "too few members"),
        ([reply.signature for reply in done.values()], "the chain takes the outcome"),
    ]:
        replies = tell(pool, {n: structs.replace(refute, signatures=signatures) for n in (1, 2, 3)})
        assert all(why in reply.error and not reply.signature for reply in replies.values())
    assert ended(pool, job) == FULFILLED


def test_a_node_that_is_killed_while_it_computes(network, monkeypatch):
    pool, alice, said = network
    job, cluster = pool.request("put", alice, 40), pool.host.cluster
    send = cluster._control.send_all

    def killed(message):
        os.kill(cluster.pids[3], signal.SIGSTOP)  # it gets the job, and does not go on with it
        send(message)
        os.kill(cluster.pids[3], signal.SIGKILL)

    cluster._idle.stop()  # what it does between jobs is not meant
    monkeypatch.setattr(cluster._control, "send_all", killed)
    assert ended(pool, job) == OPEN
    assert any("node 3" in line for line in said)
    development.advance(pool.chain, seconds=601)
    assert ended(pool, job) == EXPIRED


def test_different_jobs_for_different_nodes(network):
    pool, alice, _ = network
    pool.fund(bob := Person("bob"))
    other = Contract(pool.host, pool.plan, pool._rpc, bob)
    one, two = execution(pool, pool.request("put", alice, 40)), execution(other, other.request("agree", bob, True))
    with pytest.raises(EngineError, match="runs another circuit"):
        tell(pool, {1: one, 2: one, 3: two})


def test_a_job_for_some_nodes_only(network):
    """The others refuse what is no job, and those who began wait in vain: nobody signs."""
    pool, alice, _ = network
    job = execution(pool, pool.request("put", alice, 40))
    pool.host.cluster._control._watch._limit = 1.0  # seconds until who waits is given up
    with pytest.raises(EngineError):
        tell(pool, {1: job, 2: structs.replace(job, job=77), 3: structs.replace(job, job=77)})


def test_masks_of_different_owners_at_different_nodes(network):
    """A mask that some nodes take for another's is not used by them; the rest cannot go on alone."""
    pool, alice, _ = network
    thief = Person("thief")
    pool.fund(thief)
    public = thief.receiving.public_key().public_bytes_raw()
    with pool.host.cluster._using() as control:
        number = pool.host.cluster._next()
        for node, owner in ((1, thief), (2, alice), (3, alice)):
            control._send([node], msg.encode_message(msg.Reserve(number, 1, owner.address, public)))
        control.collect(msg.Masks, number)
    job = execution(pool, pool.request("put", thief, 0, masked=(bytes(8), number)))
    with pytest.raises(EngineError):
        pool.host.cluster._control._watch._limit = 1.0
        tell(pool, {1: job, 2: job, 3: job})


def load() -> bytes:
    """A circuit that opens what a node keeps."""
    return encode_circuit(Circuit("M61", (Node("load", (), (), Form.ARITH, {"handle": 1}),), (0,)))


HUB = "0x" + "1" * 40
MEMBERS = [f"0x{n:040x}" for n in (1, 2, 3)]


@pytest.mark.parametrize(("request_", "reason"), [
    (msg.Prepare(1, digest(load()), load(), []), "nobody else"),
    (msg.Run(1, b"", []), "nobody else"),
    (msg.Admit(1, 1, bytes(8), [[]], [1]), "nobody else"),
    (msg.Forget([1]), "nobody else"),
    (msg.Reserve(1, 1, MEMBERS[0]), "everyone would know"),
    (msg.Enlist(1, "", MEMBERS[0], "0", ""), "one hub"),
    (msg.Consent(1, MEMBERS[:2], 1, bytes(32), 1), "another size"),
    (msg.Consent(1, MEMBERS, 0, bytes(32), 1), "another size"),
    (msg.Consent(1, MEMBERS, 1, bytes(32), 1), "not asked for"),
])
def test_what_a_node_that_serves_a_ledger_does_not_do(request_, reason):
    service = Service(SimpleNamespace(), Peers(1, 1, "M61", (b"1", b"2", b"3")))
    service._hub = SimpleNamespace(address=HUB)
    with pytest.raises(WireError, match=reason):
        service.answer(request_)


def test_no_consent_to_a_committee_of_others_than_the_node_is_linked_with():
    service = Service(SimpleNamespace(), Peers(1, 1, "M61", (b"1", b"2", b"3")))
    prints = {service._key.address: b"1", MEMBERS[1]: b"2", MEMBERS[2]: b"of somebody else"}
    service._hub = SimpleNamespace(node=lambda who: SimpleNamespace(fingerprint=prints[who]))
    with pytest.raises(WireError, match="other nodes than those of the cluster"):
        service.answer(msg.Consent(1, [service._key.address, *MEMBERS[1:]], 1, bytes(32), 1))
