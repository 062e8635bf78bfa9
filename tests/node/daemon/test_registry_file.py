"""What a node knows of the hub's nodes outlives it, as long as the chain agrees."""

import sqlite3
from contextlib import closing

import pytest
from daemon_world import ETHER, key_of, print_of

from enigmalang.chain import development
from enigmalang.chain.client import Chain
from enigmalang.chain.evm import LocalEvm
from enigmalang.chain.hub import Hub
from enigmalang.node.daemon.registry import HubRegistry
from enigmalang.node.daemon.registry_file import RegistryFile

HERE = "chain 1337, hub 0x1"


class Asked(LocalEvm):
    """How a chain is asked: methods, and the blocks of which logs were wanted."""

    def __init__(self, evm):
        self.evm, self.methods, self.first = evm, [], []

    def request(self, method, params=()):
        self.methods.append(method)
        if method == "eth_getLogs":
            self.first.append(int(params[0]["fromBlock"], 16))
        return self.evm.request(method, params)


@pytest.fixture
def restarted(world, tmp_path):
    """The registry of a node that starts anew, after a step; and how it asked."""
    def start(belongs=HERE, confirmations=0):
        kept = RegistryFile(tmp_path / "hub.db", belongs)
        asked = Asked(world.evm)
        registry = HubRegistry(Hub(Chain(asked, confirmations=confirmations), world.hub.address), kept=kept)
        registry.step()
        kept.close()
        return registry, asked
    return start


def same(registry, world):
    """As one that has read all of the chain."""
    other = HubRegistry(world.hub)
    other.step()
    prints = [print_of(name) for name in ("ann", "bob", "cid", "new")]
    return (registry.members() == other.members() and registry.block == other.block
            and [registry.who(each) for each in prints] == [other.who(each) for each in prints])


def test_it_goes_on_where_it_was(world, restarted):
    world.register("ann")
    world.register("bob", fingerprint=print_of("ann"), deposit=2 * ETHER)
    world.register("cid")
    world.form("ann", "bob", "cid")
    first, _ = restarted()
    assert same(first, world) and len(first.members()) == 3
    before = world.chain.block_number()
    world.hub.update(key_of("ann"), bytes(32), print_of("new"), "localhost:77")
    world.hub.leave(key_of("cid"))
    again, asked = restarted()
    assert same(again, world) and again.who(print_of("ann")) == key_of("bob").address
    assert min(asked.first) == before + 1 and "eth_getCode" not in asked.methods, "nor does it look for the hub"
    third, asked = restarted()
    assert same(third, world) and not asked.first, "nothing is new"


def test_claims_are_kept(world, restarted):
    """Who was first to have a certificate: of who copied it, nothing else tells."""
    ann = world.register("ann")
    world.register("bob", fingerprint=print_of("ann"))
    restarted()
    world.hub.update(key_of("ann"), bytes(32), print_of("ann"), "localhost:77")
    registry, _ = restarted()
    assert registry.who(print_of("ann")) == ann and same(registry, world)


def test_a_chain_that_was_reorganised_meanwhile(world, restarted):
    """The kept block is not there any more: all is read anew."""
    ann = world.register("ann")
    mark = development.snapshot(world.chain)
    world.register("bob")
    restarted()
    development.restore(world.chain, mark)
    for more in (0, 5):  # the chain is shorter than it was, and longer
        development.advance(world.chain, blocks=1 + more)
        registry, _ = restarted()
        assert same(registry, world) and [each.address for each in registry.members()] == [ann]


def test_a_chain_that_is_reorganised_below_what_was_kept(world, tmp_path):
    ann = world.register("ann")
    mark = development.snapshot(world.chain)
    world.register("bob")
    kept = RegistryFile(tmp_path / "hub.db", HERE)
    HubRegistry(world.hub, kept=kept).step()
    registry = HubRegistry(world.hub, kept=kept)
    registry.step()
    development.restore(world.chain, mark)
    development.advance(world.chain, blocks=4)
    registry.step()
    assert [each.address for each in registry.members()] == [ann] and same(registry, world)
    late = HubRegistry(world.hub, kept=kept)
    late.step()
    assert same(late, world)


def test_confirmations(world, restarted):
    """What is kept is what counts: as many blocks deep as the node waits for."""
    world.register("ann")
    development.advance(world.chain, blocks=3)
    mark = development.snapshot(world.chain)
    world.register("bob")
    first, _ = restarted(confirmations=3)
    assert len(first.members()) == 1
    development.restore(world.chain, mark)
    development.advance(world.chain, blocks=3)
    again, asked = restarted(confirmations=3)
    assert len(again.members()) == 1 and min(asked.first) > 3


def changed(path, statement):
    """By somebody else."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement)


@pytest.mark.parametrize("spoil", [
    lambda path: path.write_bytes(b"no database" * 1000),
    lambda path: path.write_bytes(path.read_bytes()[:4096]),
    lambda path: sqlite3.connect(path).execute("PRAGMA user_version=99").connection.close(),
    lambda path: changed(path, "UPDATE members SET committees = '['"),
    lambda path: changed(path, "UPDATE members SET deposit = 'much'"),
    lambda path: path.unlink()])
def test_a_file_that_cannot_be_used_is_begun_anew(world, restarted, tmp_path, spoil):
    world.register("ann")
    restarted()
    spoil(tmp_path / "hub.db")
    registry, _ = restarted()
    assert same(registry, world) and len(registry.members()) == 1


def test_the_file_of_another_hub(world, restarted):
    world.register("ann")
    restarted("chain 1, hub 0x2")
    registry, asked = restarted()
    assert same(registry, world) and "eth_getLogs" in asked.methods


def test_a_full_disk_costs_only_time(world, tmp_path, restarted):
    world.register("ann")
    restarted()
    kept = RegistryFile(tmp_path / "hub.db", HERE)
    kept._db.execute("PRAGMA query_only=ON")
    registry = HubRegistry(world.hub, kept=kept)
    world.register("bob")
    registry.step()
    assert same(registry, world)
    kept._db.execute("PRAGMA query_only=OFF")
    world.register("cid")
    registry.step()
    kept.close()
    again, _ = restarted()
    assert same(again, world) and len(again.members()) == 3
