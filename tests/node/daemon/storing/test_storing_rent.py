"""Where nodes ask for rent: what is paid for is kept, for its owner alone when it ends, and then deleted."""

import pytest
from daemon_world import World, until
from storing_nodes import ALICE, BOB, StoringNodes, filled, key_of_text

from enigmalang.chain import development
from enigmalang.chain.embedded import faucet_key
from enigmalang.chain.hub import DHT
from enigmalang.chain.storage import RentParameters, deploy_storage, lease_name
from enigmalang.node import remote_storage as rs
from enigmalang.node.remote import RemoteError

TERMS = RentParameters(price=10**15, window=2000, restricted=100, grace=100, ahead=10)


def test_rent_is_paid_collected_and_runs_out(world: World, tmp_path):
    contract = deploy_storage(world.chain, faucet_key(), world.hub.address, TERMS)
    rs.with_funds(world.chain, ALICE.address)
    with StoringNodes(world, tmp_path, 3, replicas=2, rent=contract.address) as nodes:
        with pytest.raises(RemoteError, match="nobody pays"):
            _impatient(nodes, "free", None)
        stored = nodes.put("paid", filled(1000), [ALICE, BOB], rent=rs.Rent(contract, 1000))
        lease = lease_name(ALICE.address, DHT, key_of_text("paid"))
        assert len(stored.holders) == 2 and contract.lease(lease).size == stored.record.size
        assert nodes.get("paid", BOB) == filled(1000)
        development.advance(world.chain, seconds=1000)
        until(lambda: all(contract.balance(holder) > 0 for holder in stored.holders), "the holders collect")
        until(lambda: _code(nodes, BOB) == "E0510", "only the owner reads")
        assert nodes.get("paid", ALICE) == filled(1000)
        development.advance(world.chain, seconds=100)
        until(lambda: _code(nodes, ALICE) == "E0510", "nobody reads")
        assert nodes.holders("paid")
        development.advance(world.chain, seconds=100)
        until(lambda: not nodes.holders("paid"), "it is deleted")
        until(lambda: all(node.status["used_bytes"] == 0 for node in nodes.all), "its room is free again")


def _impatient(nodes: StoringNodes, key: str, rent: rs.Rent | None) -> None:
    """Nodes are not waited for as long as when they may only be behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rs, "BEHIND", 0.1)
        nodes.put(key, filled(10), [ALICE], rent=rent)


def _code(nodes: StoringNodes, who) -> str:
    try:
        nodes.get("paid", who)
    except RemoteError as error:
        return error.code
    return ""
