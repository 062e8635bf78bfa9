"""The vault's contract and what the library makes of it, with a committee whose keys are in this process."""

from dataclasses import replace

import pytest

from enigmalang.chain import development
from enigmalang.chain.digests import keccak
from enigmalang.chain.errors import Reverted
from enigmalang.chain.hub import FAILED, FULFILLED, MPC, Hub, hub_interface
from enigmalang.chain.ledger import STALE
from enigmalang.chain.requested import NoSuchJob, find_opened
from enigmalang.chain.rules import rule_name, words_of
from enigmalang.chain.vault import (
    Entry,
    Vault,
    deploy_vault,
    find_ordered,
    find_vaults,
    is_vault,
    ordered,
    slot_of,
    vault_plan,
    words_of_outcome,
)
from enigmalang.ethereum.keys import SigningKey
from enigmalang.identity.keys import Keystore
from enigmalang.node.devchain import DevChain
from enigmalang.plan.calls import Attested
from enigmalang.wire.orders import RUN, Order, SignedOrder, Write, encode_core, encode_order, order_name

FEE, KEY, ABOUT = 10**15, keccak(b"height"), b"uint32 [()]"
ORDER = encode_order(SignedOrder(encode_core(Order(RUN, bytes(20), closes=True)), bytes(65)))
OPENED, ROOT = keccak(b"opened"), keccak(b"root")


class Town:
    def __init__(self) -> None:
        self.dev = DevChain.embedded()
        self.chain, self.hub = self.dev.chain, Hub(self.dev.chain, self.dev.hub)
        self.alice = SigningKey(keccak(b"alice"))
        development.fund(self.chain, self.alice.address, 10**19)
        self.address = deploy_vault(self.chain, self.alice, self.dev.hub, self.dev.committee)
        self.vault = Vault(self.hub, self.address)

    def request(self):
        """The job, as nodes read it."""
        receipt = self.chain.send(self.alice, self.address, self.vault.encode_request(ORDER), FEE)
        opened = find_opened(self.chain, self.hub.address, self.vault.job_of(receipt.logs), receipt.block)
        return ordered(self.chain, opened, find_ordered(self.chain, opened), None)

    def send(self, data):
        return self.chain.send(self.dev.attesters.sender, self.address, data)

    def fulfil(self, requested, writes, version=0, words=None):
        attested = Attested(words_of_outcome(OPENED, writes), (), 1, 2, 3)
        signed = self.dev.attesters.result(self.hub.domain, requested.digests, version, attested, ROOT)
        sent = attested if words is None else replace(attested, words=words)
        return self.send(requested.contract.encode_fulfil(requested.job, version, sent, ROOT, signed))


@pytest.fixture(scope="module")
def deployed():
    town = Town()
    yield town
    town.dev.close()


@pytest.fixture
def town(deployed):
    mark = development.snapshot(deployed.chain)
    yield deployed
    development.restore(deployed.chain, mark)


def test_a_vault_is_found_by_its_plan_and_known_by_its_code(town):
    second = deploy_vault(town.chain, town.alice, town.dev.hub, town.dev.committee, 60)
    assert find_vaults(town.hub) == [second, town.address]
    assert town.hub.attachment(second).plan == vault_plan() and town.hub.attachment(second).job_time == 60
    assert not is_vault(town.chain, town.hub.address) and not is_vault(town.chain, town.alice.address)


def test_a_request_names_who_asks_and_the_order(town):
    requested = town.request()
    assert requested.opened.requester == town.alice.address and requested.job.public == (order_name(ORDER),)
    assert town.hub.job(requested.job.number).fee == FEE


def test_an_outcome_is_taken_with_its_entries_and_once(town):
    requested = town.request()
    rule = rule_name(words_of(Keystore().predicate("owner"), lambda found: pytest.fail("no such rule")))
    writes = [(slot_of(KEY, town.alice.address, rule), Write(KEY, rule, ABOUT, 1))]
    receipt = town.fulfil(requested, writes)
    job = requested.job.number
    assert town.hub.job(job).status == FULFILLED and town.vault.opened(job, receipt.block) == OPENED
    assert (requested.contract.version(receipt.block), requested.contract.private_root(receipt.block)) == (1, ROOT)
    assert town.vault.written(KEY, town.alice.address, rule) == (job, ABOUT)
    assert town.vault.entry(KEY) is None  # until a pointer names it
    town.hub.declare(town.alice, words_of(Keystore().predicate("owner"), lambda found: pytest.fail("no such rule")))
    town.chain.send(town.alice, town.hub.address, hub_interface().methods["point"].encode((MPC, KEY, ROOT, rule)))
    assert town.vault.entry(KEY) == Entry(town.alice.address, rule, job, ABOUT)
    with pytest.raises(Reverted):
        town.fulfil(requested, writes, 1)


def test_nothing_counts_that_was_not_signed(town):
    requested = town.request()
    rule = bytes(32)
    writes = [(slot_of(KEY, town.alice.address, rule), Write(KEY, rule, ABOUT, 1))]
    for other in (words_of_outcome(ROOT, writes), words_of_outcome(OPENED, [])):
        with pytest.raises(Reverted):
            town.fulfil(requested, writes, words=other)
    with pytest.raises(Reverted, match=STALE):
        town.fulfil(requested, writes, 1)
    assert requested.contract.version(town.chain.block_number()) == 0


def test_a_failure_changes_nothing(town):
    requested = town.request()
    attested = Attested((), (), 0, 0, 0)
    signed = town.dev.attesters.failure(town.hub.domain, requested.digests, 0, attested, "no")
    receipt = town.send(requested.contract.encode_failure(requested.job, 0, "no", attested, signed))
    assert town.hub.job(requested.job.number).status == FAILED
    assert requested.contract.version(receipt.block) == 0


def test_only_a_vault_asks_in_the_name_of_its_caller(town):
    """Other code could name anybody as the requester."""
    requested = town.request()
    with pytest.raises(NoSuchJob, match="no vault"):
        find_ordered(town.chain, replace(requested.opened, contract=town.hub.address))
    with pytest.raises(NoSuchJob):
        find_ordered(town.chain, replace(requested.opened, requester=town.hub.address))


def test_money_is_not_left_behind(town):
    with pytest.raises(Reverted, match="only the hub"):
        town.chain.send(town.alice, town.address, b"", 1)
