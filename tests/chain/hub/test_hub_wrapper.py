"""`chain/hub.py`: everything by name, on the embedded chain."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from actors import CONTRACT

from enigmalang.chain import development
from enigmalang.chain import digests as d
from enigmalang.chain import hub as h
from enigmalang.chain.client import Chain
from enigmalang.chain.compiling import compile_source
from enigmalang.chain.embedded import EmbeddedEvm, faucet_key
from enigmalang.chain.errors import Reverted, RpcError
from enigmalang.chain.hub import Hub, Parameters, account_interface, deploy_hub, signature_data
from enigmalang.chain.interface import Interface
from enigmalang.chain.rules import OWNER, rule_name, words_of
from enigmalang.ethereum.keys import SigningKey
from enigmalang.identity.predicates import Predicate

ETHER, FEE = 10**18, 10**15
PARAMETERS = Parameters(unbonding=2000, job_time=100, max_job_time=1000)
FUNCTION, ARGUMENTS = d.function_digest("C", "f"), d.keccak(b"arguments")
KEY = d.log_key(["key"])


def key_of(name: str) -> SigningKey:
    return SigningKey(d.keccak(name.encode()))


NODES = [key_of(f"node {i}") for i in range(3)]
ALICE = key_of("alice")


@dataclass(frozen=True)
class Live:
    chain: Chain
    hub: Hub
    committee: int
    contract: str

    def send(self, name: str, *args: object, value: int = 0) -> None:
        self.chain.send(ALICE, self.contract, PASSING.methods[name].encode(args), value)

    def signatures(self, digest: bytes, count: int = 2) -> list[d.Signature]:
        return [d.sign(digest, node.reveal()) for node in NODES[:count]]


PASSED = compile_source(CONTRACT, "Passing")
PASSING = Interface(PASSED.abi)


@pytest.fixture(scope="module")
def started() -> Iterator[Live]:
    from eth_abi.abi import encode

    with EmbeddedEvm({key.address: 10 * ETHER for key in (*NODES, ALICE)}) as evm:
        chain = Chain(evm)
        hub = deploy_hub(chain, faucet_key(), PARAMETERS)
        for i, node in enumerate(NODES):
            hub.register(node, d.keccak(bytes([i])), d.keccak(b"tls"), f"host:{i}", ETHER)
        members = [node.address for node in NODES]
        digest = d.consent_digest(hub.domain, members, 1, h.EMPTY, 2**40)
        committee = hub.form(ALICE, members, 1, h.EMPTY, 2**40, [d.sign(digest, node.reveal()) for node in NODES])
        made = chain.deploy(ALICE, PASSED.init, encode(PASSING.constructor, (hub.address, committee, 0)))
        assert made.contract is not None
        yield Live(chain, hub, committee, made.contract)


@pytest.fixture
def live(started: Live) -> Iterator[Live]:
    mark = development.snapshot(started.chain)
    yield started
    development.restore(started.chain, mark)


def test_nodes_and_committees(live: Live):
    node = NODES[0]
    assert live.hub.committee(live.committee) == h.Committee(tuple(n.address for n in NODES), 1, 3, 0, 1, 0)
    assert live.hub.seat(live.committee, node.address) == 1
    assert live.hub.committees_of(node.address) == (live.committee,)
    live.hub.update(node, h.EMPTY, h.EMPTY, "new:1")
    live.hub.top_up(node, 5)
    assert live.hub.node(node.address) == h.Node(h.EMPTY, h.EMPTY, "new:1", ETHER + 5, 0)
    live.hub.leave(node)
    assert not live.hub.is_active(node.address)
    with pytest.raises(Reverted, match="notice is not over"):
        live.hub.withdraw(node)
    development.advance(live.chain, seconds=PARAMETERS.unbonding)
    live.hub.withdraw(node)
    assert live.chain.balance(node.address) == 10 * ETHER


def test_a_job(live: Live):
    live.send("request", FUNCTION, ARGUMENTS, 0, value=FEE)
    (opened,) = live.hub.events(["Opened"])
    job, work = opened.fields["job"], d.Work(1, 2, 3)
    assert live.hub.attachment(live.contract) == h.Attachment(
        live.committee, d.keccak(b"plan"), PARAMETERS.job_time, job, job, 0, 0, 1)
    state = live.hub.job(job)
    assert (state.requester, state.fee, state.status, live.hub.next_job(job)) == (ALICE.address, FEE, h.OPEN, 0)
    call = d.Call(live.contract, live.committee, job, FUNCTION, ARGUMENTS)
    signed = live.signatures(d.result_digest(live.hub.domain, call, 0, h.EMPTY, h.EMPTY, work))
    live.send("fulfil", job, FUNCTION, ARGUMENTS, 0, h.EMPTY, h.EMPTY, (1, 2, 3), signature_data(signed))
    assert live.hub.job(job).status == h.FULFILLED
    price = live.hub.price(work)
    assert price == PARAMETERS.round_weight + 2 * PARAMETERS.product_weight + 3
    assert live.hub.owed(ALICE.address) == FEE - price // 3 * 3
    assert live.hub.claim(ALICE, NODES[0].address) == price // 3
    assert [event.name for event in live.hub.events()][-3:] == ["Settled", "Owed", "Claimed"]


def test_accusing_and_expiry(live: Live):
    live.send("request", FUNCTION, ARGUMENTS, 0, value=FEE)
    (opened,) = live.hub.events(["Opened"])
    job, bad = opened.fields["job"], NODES[2].address
    live.hub.accuse(ALICE, job, bad, h.EMPTY, live.signatures(d.accusation_digest(live.hub.domain, job, bad, h.EMPTY)))
    assert live.hub.owed(NODES[0].address) == ETHER // 2
    development.advance(live.chain, seconds=PARAMETERS.job_time + 1)
    live.hub.fail(ALICE, job)
    assert live.hub.job(job).status == h.EXPIRED
    assert live.hub.claim(ALICE) == FEE


def test_the_log(live: Live):
    live.hub.write(ALICE, KEY, "int64", b"one")
    block = live.chain.block()
    development.advance(live.chain, blocks=3)
    live.hub.write(ALICE, KEY, "int64", b"two")
    first = h.Entry(block.number, block.time, ALICE.address, "int64", b"one")
    assert (live.hub.count(KEY), live.hub.latest(KEY).value, live.hub.entry(KEY, 0)) == (2, b"two", first)
    assert live.hub.entry_at(KEY, block.number + 1) == live.hub.entry_at(KEY, block.time + 1) == first
    assert live.hub.count(KEY, tag=block.number) == 1


def test_identities_and_pointers(live: Live):
    a, b = ALICE.address, NODES[0].address
    owner = rule_name([OWNER << 248])
    words = words_of(Predicate("only", (a, b)))
    live.hub.declare(ALICE, words)
    both = rule_name(words)
    assert live.hub.rule(both) == tuple(words)
    shared = live.hub.create_identity(ALICE, [a], [owner])
    live.hub.update_policy(ALICE, shared, b, both)
    assert (live.hub.members_of(shared), live.hub.policy(shared, b)) == ((a, b), both)
    assert live.hub.decide(both, b, [b], a, "read")
    data = h.hub_interface().methods["point"].encode((h.DHT, KEY, h.EMPTY, both))
    live.hub.execute(ALICE, shared, live.hub.address, data)
    assert live.hub.pointer(h.DHT, KEY) == h.Pointer(shared, h.EMPTY, both)
    assert live.hub.may(a, shared, "act")
    both_of_them = d.execute_digest(d.Domain(live.chain.id, shared), live.hub.address, data, 0, live.hub.nonce(shared))
    live.hub.execute_signed(NODES[2], shared, live.hub.address, data, 0, [d.sign(both_of_them, ALICE.reveal())])
    assert live.hub.nonce(shared) == 1
    stranger = NODES[1].address
    assert not live.hub.may_data(stranger, h.DHT, KEY, "read")
    assert live.hub.may_data_signed([b], h.DHT, KEY, "read")
    live.hub.record_refusal(NODES[1], h.DHT, KEY, stranger, "read")
    assert live.hub.events(["Refused"])[-1].fields["who"] == stranger
    live.hub.point(ALICE, h.MPC, KEY, h.EMPTY, owner)
    assert live.hub.pointer(h.MPC, KEY).owner == a
    assert "Executed" in [event.name for event in account_interface().events.values()]


class Counted:
    """A chain that counts what is asked of it, and forgets old states where it is told to."""

    def __init__(self, evm, forgets: bool = False) -> None:
        self._evm, self._forgets = evm, forgets
        self.asked: list[tuple[str, object]] = []

    def request(self, method, params=()):
        self.asked.append((method, params))
        if self._forgets and method == "eth_getCode" and params[1] != "latest":
            raise RpcError(-32000, "missing trie node")
        return self._evm.request(method, params)

    def batch(self, calls):
        return [self.request(*call) for call in calls]

    def close(self):
        pass


def test_events_are_read_from_where_the_hub_was_made(monkeypatch):
    monkeypatch.setattr(h, "MARGIN", 2)
    with EmbeddedEvm({key.address: 10 * ETHER for key in NODES}) as evm:
        chain = Chain(evm)
        development.advance(chain, blocks=37)
        hub = deploy_hub(chain, faucet_key(), PARAMETERS)
        made = chain.block_number()
        hub.register(NODES[0], h.EMPTY, h.EMPTY, "host:1", ETHER)
        development.advance(chain, blocks=11)
        for forgets, first in ((False, made - 2), (True, 0)):
            counted = Counted(evm, forgets)
            again = Hub(Chain(counted), hub.address)
            for _ in range(2):
                assert [event.name for event in again.events(["Registered"])] == ["Registered"]
            froms = {int(params[0]["fromBlock"], 16) for method, params in counted.asked if method == "eth_getLogs"}
            assert (again.first_block(), froms) == (first, {first})
            assert sum(method == "eth_getCode" for method, _ in counted.asked) <= 6
