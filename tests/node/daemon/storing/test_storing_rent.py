"""Where nodes ask for rent: what is paid for is kept, for its owner alone when it ends, and then deleted."""

import pytest
from daemon_world import World, until
from storing_nodes import ALICE, BOB, StoringNodes, filled, key_of_text

from enigmalang.chain import development
from enigmalang.chain.embedded import faucet_key
from enigmalang.chain.hub import DHT
from enigmalang.chain.storage import RentParameters, deploy_storage, lease_name
from enigmalang.dht.records import RecordRefused
from enigmalang.node import remote_storage as rs
from enigmalang.node.daemon.storing import messages as m
from enigmalang.node.daemon.storing.ledger import check_taker
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


def test_a_lease_is_renewed_from_the_owners_balance_though_the_first_holder_is_gone(world: World, tmp_path):
    contract = deploy_storage(world.chain, faucet_key(), world.hub.address, TERMS)
    rs.with_funds(world.chain, ALICE.address)
    with StoringNodes(world, tmp_path, 3, replicas=2, rent=contract.address) as nodes:
        stored = nodes.put("kept", filled(1000), [ALICE, BOB], rent=rs.Rent(contract, 1000, renews=True))
        name = lease_name(ALICE.address, DHT, key_of_text("kept"))
        first = contract.lease(name)
        contract.deposit(ALICE.signing, 2 * first.cost)
        gone = next(node for node in nodes.all if node.address == first.holders[0].lower())
        gone.stop()
        development.advance(world.chain, seconds=1000)
        until(lambda: contract.lease(name).until == first.until + 1000, "another renews")
        assert contract.balance(ALICE.address) == first.cost
        until(lambda: contract.balance(stored.holders[1]) > 0, "it collects")
        assert nodes.get("kept", BOB) == filled(1000)
        development.advance(world.chain, seconds=1000)
        until(lambda: contract.balance(ALICE.address) == 0, "the balance is used up")
        development.advance(world.chain, seconds=1000)
        until(lambda: _code(nodes, BOB, "kept") == "E0510", "only the owner reads")
        assert nodes.get("kept", ALICE) == filled(1000)


def test_nodes_that_took_a_copy_are_paid_when_the_owner_names_them(world: World, tmp_path):
    contract = deploy_storage(world.chain, faucet_key(), world.hub.address, TERMS)
    rs.with_funds(world.chain, ALICE.address)
    with StoringNodes(world, tmp_path, 4, replicas=2, rent=contract.address) as nodes:
        stored = nodes.put("moved", filled(1000), [ALICE], rent=rs.Rent(contract, 1000))
        lost = next(node for node in nodes.all if node.address == stored.holders[0])
        lost.stop()
        now = {node.address for node in nodes.held("moved", 2)}
        (copied,) = now - set(stored.holders)
        with nodes.client() as client, pytest.raises(RemoteError, match="belongs to"):
            rs.lease_again(world.hub, client, BOB, key_of_text("moved"), rs.Rent(contract, 1000))
        with nodes.client() as client:
            named = rs.lease_again(world.hub, client, ALICE, key_of_text("moved"), rs.Rent(contract, 1000))
        assert set(named) == now
        development.advance(world.chain, seconds=1000)
        until(lambda: contract.balance(copied) > 0, "who took a copy collects")


def test_a_lease_that_names_only_the_owners_node_makes_no_other_store(world: World, tmp_path, monkeypatch):
    """Alice pays a node of her own, which stores nothing, and so gets her money back."""
    contract = deploy_storage(world.chain, faucet_key(), world.hub.address, TERMS)
    rs.with_funds(world.chain, ALICE.address)
    with StoringNodes(world, tmp_path, 3, replicas=3, rent=contract.address) as nodes:
        own = world.register("accomplice", "localhost:1")
        monkeypatch.setattr(rs.Draft, "pay", lambda self, rent, owner: rs.lease(rent, owner, self.record, [own]))
        with pytest.raises(RemoteError, match="does not name this node") as refused:
            _impatient(nodes, "free", rs.Rent(contract, 1000))
        assert refused.value.code == "E0709"
        assert contract.lease(lease_name(ALICE.address, DHT, key_of_text("free"))).size > 0
        assert not any(node.status["values"] for node in nodes.all)


def test_a_lease_has_as_many_holders_as_it_pays(world: World, tmp_path, monkeypatch):
    contract = deploy_storage(world.chain, faucet_key(), world.hub.address, TERMS)
    rs.with_funds(world.chain, ALICE.address)
    with StoringNodes(world, tmp_path, 3, replicas=3, rent=contract.address) as nodes:
        one = nodes.all[1]

        def pay(self, rent, owner):
            self._candidates = [one.address]
            rs.lease(rent, owner, self.record, self._candidates)

        monkeypatch.setattr(rs.Draft, "pay", pay)
        nodes.put("once", filled(1000), [ALICE], rent=rs.Rent(contract, 1000))
        name = m.name_of(DHT, key_of_text("once"))
        until(lambda: name in one.part._copies._others, "it was looked whether copies are missing")
        assert nodes.holders("once") == [one] and one.status["copies"] == 0


@pytest.mark.parametrize("paid, giver, taken", [
    (None, None, True),  # where no rent is asked for
    (["me"], None, True), (["other", "me"], "stranger", True),
    (["other"], None, False), (["other", "third"], None, False), ([], None, False),  # of a client
    (["other", "third"], "other", True),  # the third may be gone
    (["other"], "other", False), (["other", "third"], "stranger", False),
])
def test_who_takes_what_is_paid_for(paid, giver, taken):
    if taken:
        check_taker(paid, "me", giver)
    else:
        with pytest.raises(RecordRefused, match="does not name this node"):
            check_taker(paid, "me", giver)


def _impatient(nodes: StoringNodes, key: str, rent: rs.Rent | None) -> None:
    """Nodes are not waited for as long as when they may only be behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rs, "BEHIND", 0.1)
        nodes.put(key, filled(10), [ALICE], rent=rent)


def _code(nodes: StoringNodes, who, key: str = "paid") -> str:
    try:
        nodes.get(key, who)
    except RemoteError as error:
        return error.code
    return ""
