"""Records of the DHT against pointers of a real hub, as the daemon will check them."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import msgspec
import pytest

from enigmalang.chain import digests as d
from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import EmbeddedEvm, faucet_key
from enigmalang.chain.hub import DHT, Hub, Pointer, deploy_hub, hub_interface
from enigmalang.chain.rules import OWNER, rule_name
from enigmalang.dht.chunks import leaf_of
from enigmalang.dht.records import Record, RecordRefused, Verified, sign_record, verify
from enigmalang.dht.sealing import CLEAR
from enigmalang.ethereum.keys import SigningKey

ETHER = 10**18
ALICE, BOB, EVE = (SigningKey(sha256(name).digest()) for name in (b"alice", b"bob", b"eve"))
KEY, RULE = d.log_key(["key"]), rule_name([OWNER << 248])
CONTENT = b"the content"


@dataclass(frozen=True)
class OnHub:
    """`dht.records.Ledger` of a hub."""

    hub: Hub

    def pointer(self, db: int, key: bytes) -> Pointer:
        return self.hub.pointer(db, key)

    def may_sign(self, owner: str, signer: str) -> bool:
        return self.hub.may(signer, owner, "update")


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with EmbeddedEvm({key.address: 10 * ETHER for key in (ALICE, BOB, EVE)}) as evm:
        made = deploy_hub(Chain(evm), faucet_key())
        made.declare(ALICE, [OWNER << 248])
        yield made


def record_of(owner: str, version: int = 1) -> Record:
    return Record(DHT, KEY, bytes.fromhex(owner[2:]), version, len(CONTENT), leaf_of(CONTENT), CLEAR, RULE)


def checked(hub: Hub, record: Record, by: SigningKey) -> Verified:
    domain = hub.domain.separator
    return verify(sign_record(record, domain, by), domain, OnHub(hub), 0)


def test_from_a_free_key_to_the_next_owner(hub: Hub):
    one, two = record_of(ALICE.address), record_of(ALICE.address, version=2)
    with pytest.raises(RecordRefused, match="belongs to another"):
        checked(hub, one, ALICE)
    hub.point(ALICE, DHT, KEY, one.commitment(), RULE)
    assert checked(hub, one, ALICE).record == one
    for record, by, text in ((two, ALICE, "another record"), (one, EVE, "another than its owner"),
                             (record_of(EVE.address), EVE, "belongs to another"),
                             (msgspec.structs.replace(one, rule=bytes(32)), ALICE, "another rule")):
        with pytest.raises(RecordRefused, match=text):
            checked(hub, record, by)
    hub.point(ALICE, DHT, KEY, two.commitment(), RULE)
    assert checked(hub, two, ALICE).record == two
    with pytest.raises(RecordRefused, match="another record"):
        checked(hub, one, ALICE)


def test_members_sign_for_their_shared_identity(hub: Hub):
    shared = hub.create_identity(ALICE, [ALICE.address, BOB.address], [RULE, RULE])
    key = d.log_key(["shared"])
    record = msgspec.structs.replace(record_of(shared), key=key)
    data = hub_interface().methods["point"].encode((DHT, key, record.commitment(), RULE))
    hub.execute(ALICE, shared, hub.address, data)
    for member in (ALICE, BOB):
        assert checked(hub, record, member).record == record
    with pytest.raises(RecordRefused, match="another than its owner"):
        checked(hub, record, EVE)
