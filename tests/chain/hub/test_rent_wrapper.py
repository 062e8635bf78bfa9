"""`chain/storage.py`: everything by name, on the embedded chain."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from enigmalang.chain import development
from enigmalang.chain import digests as d
from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import EmbeddedEvm, faucet_key
from enigmalang.chain.errors import Reverted
from enigmalang.chain.hub import DHT, Hub, Parameters, deploy_hub
from enigmalang.chain.storage import Lease, RentParameters, Storage, deploy_storage, lease_name
from enigmalang.dht.rent import State
from enigmalang.ethereum.keys import SigningKey

ETHER = 10**18
TERMS = RentParameters(price=2**30, window=10_000, restricted=700, grace=3000, ahead=100)
KEY = d.log_key(["key"])
NODES = [SigningKey(d.keccak(f"node {i}".encode())) for i in range(2)]
ALICE = SigningKey(d.keccak(b"alice"))


@dataclass(frozen=True)
class Live:
    chain: Chain
    hub: Hub
    storage: Storage


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with EmbeddedEvm({key.address: 10 * ETHER for key in (*NODES, ALICE)}) as evm:
        chain = Chain(evm)
        hub = deploy_hub(chain, faucet_key(), Parameters(unbonding=2000, job_time=100, max_job_time=1000))
        for node in NODES:
            hub.register(node, d.keccak(node.address.encode()), bytes(32), "localhost:1", ETHER)
        yield Live(chain, hub, deploy_storage(chain, faucet_key(), hub.address, TERMS))


def test_a_lease_from_beginning_to_end(live: Live):
    storage, first = live.storage, live.chain.block_number()
    holders = [node.address for node in NODES]
    assert storage.parameters() == TERMS
    rate = storage.rate(500)
    storage.deposit(ALICE, rate * 8000)
    lease = storage.store(ALICE, DHT, KEY, 500, 1000, holders, value=7)
    assert lease == lease_name(ALICE.address, DHT, KEY)
    found = storage.lease(lease)
    assert found == Lease(ALICE.address, 500, rate, found.until, 1000, tuple(holders))
    assert storage.balance(ALICE.address) == rate * 8000 - found.cost + 7
    with pytest.raises(Reverted, match="nothing to renew"):
        storage.renew(ALICE, lease)
    development.advance(live.chain, seconds=1500)
    assert storage.standing(lease).state == State.ACTIVE and storage.standing(lease).renewals == 1
    assert storage.renew(NODES[0], lease) == found.until + 1000
    storage.collect(NODES[0], [lease])
    paid = storage.balance(NODES[0].address)
    assert 1500 * rate <= paid < 1600 * rate
    assert storage.paid_to(lease, NODES[0].address) > storage.paid_to(lease, NODES[1].address) > 0
    assert storage.withdraw(NODES[0]) == paid and storage.balance(NODES[0].address) == 0
    storage.stop(ALICE, DHT, KEY)
    assert storage.lease(lease).rate == 0
    assert storage.withdraw(ALICE, 5) == 5
    names = [event.name for event in storage.events(first=first + 1)]
    assert names == ["Deposited", "Deposited", "Leased", "Renewed", "Earned", "Withdrawn", "Earned", "Earned", "Ended",
                     "Withdrawn"]
    assert [event.fields["until"] for event in storage.events(["Renewed"])] == [found.until + 1000]


def test_a_lease_that_is_deleted(live: Live):
    lease = live.storage.store(ALICE, DHT, d.keccak(b"other"), 500, 1000, [NODES[0].address], renews=False,
                               value=1000 * live.storage.rate(500))
    development.advance(live.chain, seconds=1000 + 700 + 3000)
    assert live.storage.standing(lease).state == State.DELETED
    live.storage.close(NODES[1], lease)
    assert live.storage.standing(lease).state == State.NONE
