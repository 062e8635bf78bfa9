"""Jobs on a network: asked for by clients, computed and signed by the nodes, ended by the operator. One network for all
tests; each has a contract and people of its own.
"""

from dataclasses import replace

import numpy as np
import pytest
from eth_abi.abi import decode, encode
from msgspec import structs
from service_client import FEE, PLAN, Contract, Person, compiled, hosted

from enigmalang.chain import development
from enigmalang.chain.compiling import compile_source
from enigmalang.chain.digests import (
    Call,
    Signature,
    Work,
    function_digest,
    keccak,
    result_digest,
    revealed_digest,
    signer,
)
from enigmalang.chain.hub import FAILED, FULFILLED, OPEN
from enigmalang.chain.interface import Interface
from enigmalang.chain.ledger import EvmLedger
from enigmalang.chain.rpc import RpcEvm
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute.masks import masked_bytes
from enigmalang.node.devchain import LeafValues, form_committee
from enigmalang.node.masking import MaskError
from enigmalang.node.reserved import open_told, read_parcels
from enigmalang.plan.codec import encode_plan, hash_plan
from enigmalang.sharing.faults import SharingError
from enigmalang.wire import messages as msg

P = (1 << 61) - 1


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENIGMALANG_HOME", str(tmp_path_factory.mktemp("home")))
        with hosted(tmp_path_factory.mktemp("net")) as found:
            yield found


@pytest.fixture(scope="module")
def plan():
    return compiled()


@pytest.fixture(scope="module")
def rpc(host):
    with RpcEvm(str(host.socket)) as found:
        yield found


@pytest.fixture
def alice():
    return Person("alice")


@pytest.fixture
def bob():
    return Person("bob")


@pytest.fixture
def pool(host, plan, rpc, alice, bob):
    made = Contract(host, plan, rpc, alice)
    made.fund(bob)
    return made


def ended(pool, job):
    """The job's status when the operator has had his turn."""
    pool.host.operator.step()
    return pool.hub.job(job).status


def error_of(pool, job):
    """What t+1 nodes say why a job failed."""
    (event,) = [e for e in pool.hub.events(["Failed"]) if e.fields["job"] == job]
    return event.fields["error"]


def execute(pool, job, **changed):
    """What each node replies when it is told to compute a job."""
    (opened,) = [e for e in pool.hub.events(["Opened"]) if e.fields["job"] == job]
    asked = msg.Execute(0, job, opened.log.block, pool.chain.block_number(), hash_plan(pool.plan),
                        encode_plan(pool.plan))
    replies = pool.host.cluster.ask(lambda n: structs.replace(asked, number=n, **changed), msg.Executed)
    return [replies[node] for node in sorted(replies)]


def refusal(replies):
    """What all nodes say that refuse: none of them signs anything."""
    assert all(not reply.signature and not reply.delivered and not reply.words for reply in replies)
    (text,) = {reply.error for reply in replies}
    return text


# ---- what is computed


def test_a_job_is_fulfilled_with_the_nodes_own_signatures(pool, alice, bob):
    for person, amount in ((alice, 40), (bob, 70)):
        job = pool.request("put", person, amount)
        assert ended(pool, job) == FULFILLED
    assert list(pool.read("people")) == [alice.address, bob.address]
    # What an outsider finds on the chain alone: the members of the committee signed exactly this.
    (settled,) = [e for e in pool.hub.events(["Settled"]) if e.fields["job"] == job]
    (opened,) = [e for e in pool.hub.events(["Opened"]) if e.fields["job"] == job]
    sent = pool.chain.ask("eth_getTransactionByHash", settled.log.transaction)["input"]
    method = pool.ledger.contracts.find(pool.address).interface.methods["fulfil_put"]
    *_, version, words, root, work, signatures = decode(method.inputs, bytes.fromhex(sent[10:]))
    f = opened.fields
    call = Call(pool.address, f["committee"], job, f["function"], f["arguments"])
    digest = result_digest(pool.hub.domain, call, version, revealed_digest(words), root, Work(*work))
    signers = {signer(digest, Signature(*signature)) for signature in signatures}
    assert signers == set(pool.hub.committee(pool.host.network.committee).members)  # t+1 = 2 would do


def test_private_state_and_a_result_for_the_caller_alone(pool, alice, bob):
    for person, amount in ((alice, 40), (bob, 70)):
        assert ended(pool, pool.request("put", person, amount)) == FULFILLED
    job = pool.request("mine", bob)
    assert ended(pool, job) == FULFILLED
    assert pool.private_result(job, bob) == 70
    with pytest.raises(SharingError):
        pool.private_result(job, alice)


def test_a_value_for_somebody_else(pool, alice, bob):
    job = pool.request("tell", alice, 41, bob.address)
    assert ended(pool, job) == FULFILLED
    assert pool.private_result(job, bob, others=True) == 42
    with pytest.raises(SharingError):
        pool.private_result(job, alice, others=True)
    answer = pool.result(job)
    assert answer["parcels"]["1"][0]["receiver"] == bob.address and answer["results"] == {"1": [], "2": [], "3": []}
    nobody = "0x" + "7" * 40  # who published no key learns nothing
    assert ended(pool, pool.request("tell", alice, 41, nobody)) == FULFILLED


def test_results_that_the_operator_changed_are_noticed(pool, alice, bob):
    for person, amount in ((alice, 1), (bob, 2)):
        assert ended(pool, pool.request("put", person, amount)) == FULFILLED
    jobs = [pool.request("mine", person) for person in (alice, bob)]
    pool.host.operator.step()
    one, other = map(pool.result, jobs)
    network = pool.host.network
    assert len(read_parcels(one, jobs[0], network.nodes, pool.hub.domain)[0]) == 3
    for false in (other, one | {"results": other["results"]}, one | {"signed": {}}, one | {"results": {"1": []}}):
        with pytest.raises(MaskError):
            read_parcels(false, jobs[0], network.nodes, pool.hub.domain)


def test_a_private_list(pool, alice):
    job = pool.request("sum_of", alice, 3, [1, 2, 6])
    assert ended(pool, job) == FULFILLED
    assert pool.private_result(job, alice) == 27


def test_failing_require_gives_the_payment_back(pool, alice):
    before, owed = pool.chain.balance(alice.address), pool.hub.owed(alice.address)
    job = pool.request("buy", alice, 3, value=5000)
    assert ended(pool, job) == FAILED
    assert error_of(pool, job) == "too little" and pool.result(job)["error"] == "too little"
    (failed,) = [e for e in pool.hub.events(["Failed"]) if e.fields["job"] == job]
    assert pool.hub.owed(alice.address) - owed == 5000 + FEE - failed.fields["paid"]
    assert before - pool.chain.balance(alice.address) == 5000 + FEE
    assert pool.chain.balance(pool.address) == 0


def test_a_payment_reaches_the_contract(pool, alice):
    job = pool.request("buy", alice, 6, value=5000)
    assert ended(pool, job) == FULFILLED
    assert pool.chain.balance(pool.address) == 5000 and pool.read("total") == 1


def test_on_a_state_that_moved_on_it_is_computed_again(pool, alice, bob, monkeypatch):
    for person, amount in ((alice, 40), (bob, 70)):
        assert ended(pool, pool.request("put", person, amount)) == FULFILLED
    pool.transact("set_limit", alice, 500)
    sent, send = [], pool.host.operator._send

    def late(pending, requested, reply, signatures):
        sent.append((reply.version, reply.words[0][-1]))
        if len(sent) == 1:
            pool.transact("set_limit", alice, 5)  # so that 110 > limit now
        send(pending, requested, reply, signatures)

    monkeypatch.setattr(pool.host.operator, "_send", late)
    job = pool.request("over_limit", alice)
    assert ended(pool, job) == OPEN
    assert ended(pool, job) == FULFILLED
    (first, no), (second, yes) = sent
    assert (no, yes) == (0, 1) and second == first + 1


def test_what_a_job_wrote_on_a_state_that_moved_on_is_forgotten(pool, alice, monkeypatch):
    send, late = pool.host.operator._send, []

    def first_too_late(*args):
        if not late:
            late.append(pool.transact("set_limit", alice, 1))
        send(*args)

    monkeypatch.setattr(pool.host.operator, "_send", first_too_late)
    job = pool.request("put", alice, 9)
    assert [ended(pool, job), ended(pool, job)] == [OPEN, FULFILLED]
    job = pool.request("mine", alice)
    assert ended(pool, job) == FULFILLED and pool.private_result(job, alice) == 9


def test_an_init_with_a_private_part_is_the_first_job(host, rpc, alice, bob):
    sealed = Contract(host, compiled(PLAN.with_name("sealed.enig")), rpc, alice, "Sealed")
    sealed.fund(bob)
    assert ended(sealed, sealed.request("init", alice, 500)) == FULFILLED
    assert ended(sealed, sealed.request("above", bob, 501)) == FULFILLED
    assert sealed.read("tries") == 1


def test_jobs_of_a_contract_are_done_in_their_order(pool, alice, bob):
    jobs = [pool.request("put", alice, 4), pool.request("put", alice, 5), pool.request("put", bob, 6)]
    pool.host.operator.step()
    assert [pool.hub.job(job).status for job in jobs] == [FULFILLED, FAILED, FULFILLED]
    assert error_of(pool, jobs[1]) == "already there"


# ---- what clients do wrong, or to one another


def test_a_boolean_that_is_none(pool, alice):
    job = pool.request("agree", alice, 2)
    assert ended(pool, job) == FAILED
    assert "outside its range" in error_of(pool, job) and pool.read("total") == 0


def test_a_thief_cannot_use_anothers_mask_nor_use_it_up(pool, alice, bob):
    number, mask = pool.reserve(alice, 1)
    masked = masked_bytes("M61", [np.array(40, dtype=object)], mask)
    stolen = pool.request("put", bob, 0, masked=(masked, number))
    assert ended(pool, stolen) == FAILED
    assert error_of(pool, stolen) == "the inputs' mask is not the requester's, or was used"
    own = pool.request("put", alice, 0, masked=(masked, number))
    assert ended(pool, own) == FULFILLED
    job = pool.request("mine", alice)
    assert ended(pool, job) == FULFILLED and pool.private_result(job, alice) == 40
    again = pool.request("agree", alice, 0, masked=(masked, number))
    assert ended(pool, again) == FAILED  # a mask serves once


def test_inputs_that_are_no_elements_or_do_not_fit_harm_nobody(pool, alice):
    for size, content in ((1, P.to_bytes(8, "little")), (1, b"\xff" * 8), (2, bytes(8))):
        number, _ = pool.reserve(alice, size)
        job = pool.request("put", alice, 0, masked=(content, number))
        assert ended(pool, job) == FAILED
        assert error_of(pool, job) == "the inputs do not fit their mask"
    assert ended(pool, pool.request("put", alice, 1)) == FULFILLED


def test_who_published_no_key_gets_no_private_result(host, plan, rpc, pool):
    stranger = Person("stranger")
    development.fund(pool.chain, stranger.address, 10**20)
    job = pool.request("mine", stranger)
    assert ended(pool, job) == FAILED
    assert error_of(pool, job) == "the requester has published no key to receive its result under"


def test_masks_that_the_operator_made_or_read_are_noticed(pool, rpc, alice, bob):
    keys = [p.receiving.public_key().public_bytes_raw().hex() for p in (alice, bob)]
    network = pool.host.network

    def opened(answer):
        return open_told(answer, alice.receiving.private_bytes_raw(), "M61", 3, alice.address, network.nodes,
                         network.threshold, pool.hub.domain)

    honest = rpc.request("enigma_reserve", ["M61", 3, alice.address, keys[0]])
    assert len(opened(honest)[1]) == 3
    to_bob = rpc.request("enigma_reserve", ["M61", 3, alice.address, keys[1]])
    for false in (
        to_bob,  # who could encrypt it again for alice
        honest | {"mask": honest["mask"] + 1},
        honest | {"told": honest["told"] | {"2": to_bob["told"]["2"]}},
        honest | {"signed": {}},
    ):
        with pytest.raises(MaskError):
            opened(false)


# ---- what an operator does wrong


def test_a_replayed_execute_is_answered_with_the_same(pool, alice, bob):
    job = pool.request("put", alice, 40)
    first, again = execute(pool, job), execute(pool, job)
    assert [r.signature for r in first] == [r.signature for r in again] and all(r.signature for r in first)
    assert ended(pool, job) == FULFILLED
    assert "not the next one" in refusal(execute(pool, job))
    old = pool.chain.block_number() - 1
    assert ended(pool, pool.request("put", bob, 1)) == FULFILLED
    assert "older" in refusal(execute(pool, job, block=old))


def test_only_the_next_job_of_a_contract(pool, alice, bob):
    first, second = pool.request("put", alice, 40), pool.request("put", bob, 40)
    assert "not the next one" in refusal(execute(pool, second))
    assert ended(pool, first) == FULFILLED


def test_a_wrong_plan(pool, alice):
    other = compiled(PLAN.with_name("other.enig"))
    job = pool.request("put", alice, 40)
    data = encode_plan(other)
    assert "another plan" in refusal(execute(pool, job, digest=hash_plan(other), plan=data))
    pool.host.operator.step()
    unseen = replace(pool.plan, path="elsewhere.enig")  # so that the nodes have not had it
    ledger = EvmLedger(pool.chain, pool.hub.address, unseen, LeafValues(), committee=pool.host.network.committee)
    pool.address, pool.plan, pool.ledger = ledger.create("Pool", alice, 0, ()), unseen, ledger
    job = pool.request("put", alice, 40)
    assert "not the one that was named" in refusal(execute(pool, job, plan=data))
    assert "cannot be read" in refusal(execute(pool, job, plan=b"enigma plan 1\nno"))
    assert pool.result(job)["status"] == "open"
    assert ended(pool, job) == OPEN  # nobody handed the operator this plan; when somebody does:
    pool._rpc.request("enigma_putPlan", [encode_plan(unseen).hex()])
    assert ended(pool, job) == FULFILLED


def test_a_job_of_another_committee(pool, alice):
    keys = [SigningKey.generate() for _ in range(3)]
    for key in keys:
        development.fund(pool.chain, key.address, 10**20)
    other = form_committee(pool.hub, keys, 1)
    ledger = EvmLedger(pool.chain, pool.hub.address, pool.plan, LeafValues(), committee=other)
    pool.address, pool.ledger = ledger.create("Pool", alice, 0, ()), ledger
    job = pool.request("put", alice, 40)
    assert refusal(execute(pool, job)) == f"job {job} is for another committee"


FALSE = """
# pragma version 0.4.3
interface Hub:
    def attach(committee: uint256, plan: bytes32): nonpayable
    def open(function: bytes32, arguments: bytes32, requester: address, payment: uint256) -> uint256: payable

event Requested:
    job: indexed(uint256)
    sender: indexed(address)
    function: bytes32
    arguments: Bytes[1024]

@deploy
def __init__(hub: address, committee: uint256, plan: bytes32):
    extcall Hub(hub).attach(committee, plan)

@external
@payable
def ask(hub: address, function: bytes32, digest: bytes32, requester: address, arguments: Bytes[1024]):
    job: uint256 = extcall Hub(hub).open(function, digest, requester, 0, value=msg.value)
    log Requested(job=job, sender=requester, function=function, arguments=arguments)
"""


def test_a_contract_that_only_says_it_has_the_plan(pool, alice, bob):
    """It could ask in the name of others, with inputs that they masked for another contract."""
    number, mask = pool.reserve(alice, 1)
    masked = masked_bytes("M61", [np.array(40, dtype=object)], mask)
    compiled_false = compile_source(FALSE, "False")
    code = compiled_false.init + encode(
        ["address", "uint256", "bytes32"], [pool.hub.address, pool.host.network.committee, hash_plan(pool.plan)])
    address = pool.chain.deploy(bob.signing, code).contract
    function = function_digest("Pool", "put")
    digest = keccak(encode(["address", "uint256", "bytes", "uint256"], [alice.address, 0, masked, number]))
    arguments = encode(["bytes", "uint256"], [masked, number])
    ask = Interface(compiled_false.abi).methods["ask"]
    pool.chain.send(bob.signing, address, ask.encode((pool.hub.address, function, digest, alice.address, arguments)))
    job = pool.hub.attachment(address).oldest
    assert "was not made from its plan" in refusal(execute(pool, job))
    assert ended(pool, job) == OPEN and "was not made from its plan" in pool.result(job)["error"]
    assert ended(pool, pool.request("put", alice, 0, masked=(masked, number))) == FULFILLED
