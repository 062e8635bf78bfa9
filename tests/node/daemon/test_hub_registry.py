"""Who is a peer, from the events of the hub: also when the chain changes its mind, or somebody copies a key."""

from daemon_world import PARAMETERS, key_of, print_of

from enigmalang.chain import development
from enigmalang.chain.client import Chain
from enigmalang.chain.errors import ChainUnreachable
from enigmalang.chain.hub import Hub
from enigmalang.node.daemon.registry import HubRegistry
from enigmalang.transport.peering.contacts import Contact


def names_of(registry):
    return {each.address for each in registry.members()}


def test_nodes_come_and_change(world):
    registry = HubRegistry(world.hub)
    registry.step()
    assert not registry.members() and registry.who(print_of("ann")) is None and registry.version == 0
    ann = world.register("ann", "localhost:1234")
    bob = world.register("bob", "[::1]:99")
    assert registry.step() == {ann, bob}
    assert registry.who(print_of("ann")) == ann and registry.contact(bob) == Contact(bob, "::1", 99, print_of("bob"))
    assert registry.height == registry.block == world.chain.block_number() and registry.version == 1
    world.hub.update(key_of("ann"), bytes(32), print_of("new"), "localhost:77")
    registry.step()
    assert registry.who(print_of("ann")) is None and registry.who(print_of("new")) == ann
    assert registry.contact(ann) == Contact(ann, "localhost", 77, print_of("new")) and registry.version == 2
    assert registry.step() == frozenset() and registry.version == 2


def test_a_registry_that_starts_later_finds_the_same(world):
    ann = world.register("ann")
    world.register("bob")
    world.hub.update(key_of("bob"), bytes(32), print_of("new"), "elsewhere:5")
    early, late = HubRegistry(world.hub), HubRegistry(world.hub, world.chain.block_number() - 2)
    early.step()
    late.step()
    assert early.members() == late.members() and len(early.members()) == 2 and early.who(print_of("ann")) == ann


def test_who_leaves_is_a_peer_until_it_is_free(world):
    addresses = [world.register(name) for name in ("ann", "bob", "cid", "dan")]
    world.form("ann", "bob", "cid")
    registry = HubRegistry(world.hub)
    for name in ("ann", "dan"):
        world.hub.leave(key_of(name))
    registry.step()
    assert names_of(registry) == set(addresses)
    development.advance(world.chain, seconds=PARAMETERS.unbonding + 1)
    registry.step()
    assert names_of(registry) == set(addresses[:3]) and registry.who(print_of("dan")) is None, "nothing binds dan"
    world.hub.withdraw(key_of("ann"))
    registry.step()
    assert names_of(registry) == set(addresses[1:3]) and registry.contact(addresses[0]) is None


def test_confirmations_are_waited_for_but_not_to_throw_somebody_out(world):
    world.register("ann")
    bob, cid = world.register("bob"), world.register("cid")
    committee = world.form("ann", "bob", "cid")
    registry = HubRegistry(world.deep(3))
    registry.step()
    assert cid not in names_of(registry), "not three blocks deep"
    development.advance(world.chain, blocks=3)
    registry.step()
    assert {bob, cid} <= names_of(registry) and registry.height - registry.block == 3
    mark = development.snapshot(world.chain)
    world.slash(committee, "cid", "ann", "bob")
    registry.step()
    assert registry.who(print_of("cid")) is None and cid not in names_of(registry), "out at once"
    development.restore(world.chain, mark)
    development.advance(world.chain, blocks=1)
    registry.step()
    assert registry.who(print_of("cid")) == cid, "and in again when it never happened"


def test_a_reorganisation_undoes_what_it_undoes(world):
    ann = world.register("ann")
    registry = HubRegistry(world.hub)
    registry.step()
    mark = development.snapshot(world.chain)
    bob = world.register("bob")
    world.hub.update(key_of("ann"), bytes(32), print_of("new"), "localhost:77")
    registry.step()
    assert registry.who(print_of("new")) == ann
    development.restore(world.chain, mark)
    development.advance(world.chain, blocks=1)
    assert registry.step() == {ann, bob}
    assert names_of(registry) == {ann} and registry.who(print_of("ann")) == ann


def test_who_copies_a_certificate_does_not_take_its_place(world):
    ann = world.register("ann")
    eve = world.register("eve", fingerprint=print_of("ann"))
    world.hub.update(key_of("ann"), bytes(32), print_of("ann"), "localhost:77")  # no other certificate: ann keeps it
    registry = HubRegistry(world.hub)
    registry.step()
    assert registry.who(print_of("ann")) == ann and registry.contact(eve) is None
    world.hub.update(key_of("ann"), bytes(32), print_of("new"), "localhost:77")
    registry.step()
    assert registry.who(print_of("ann")) == eve, "nobody else has it any more"
    assert registry.who(print_of("new")) == ann


def test_who_comes_back_is_not_first_any_more(world):
    world.register("ann")
    world.hub.leave(key_of("ann"))
    development.advance(world.chain, seconds=PARAMETERS.unbonding + 1)
    world.hub.withdraw(key_of("ann"))
    eve = world.register("eve", fingerprint=print_of("ann"))
    world.register("ann")
    registry = HubRegistry(world.hub)
    registry.step()
    assert registry.who(print_of("ann")) == eve


def test_an_endpoint_that_is_none_has_no_contact(world):
    ann = world.register("ann", "unix:/somewhere")
    registry = HubRegistry(world.hub)
    registry.step()
    assert registry.contact(ann) is None and registry.who(print_of("ann")) == ann


def test_a_chain_that_falls_silent_in_between_loses_nothing(world):
    class Broken:
        """Passes everything on but the `fail`th request."""

        def __init__(self):
            self.fail = -1

        def batch(self, calls):
            self.fail -= 1
            if self.fail == 0:
                raise ChainUnreachable("there", "broken", "")
            return world.evm.batch(calls)

        def request(self, method, params=()):
            return self.batch([(method, params)])[0]

    evm = Broken()
    registry = HubRegistry(Hub(Chain(evm), world.hub.address))
    registry.step()
    ann = world.register("ann")
    failures = 0
    while True:
        evm.fail = failures + 1
        try:
            registry.step()
        except ChainUnreachable:
            failures += 1
            assert registry.who(print_of("ann")) is None
            continue
        break
    assert failures > 4 and registry.who(print_of("ann")) == ann


def test_a_chain_that_begins_anew(world, monkeypatch):
    monkeypatch.setattr("enigmalang.chain.follow.MEMORY", 2)
    mark = development.snapshot(world.chain)
    ann = world.register("ann")
    registry = HubRegistry(world.hub)
    for _ in range(4):
        development.advance(world.chain, blocks=1)
        registry.step()
    assert names_of(registry) == {ann}
    development.restore(world.chain, mark)
    development.advance(world.chain, blocks=9)
    bob = world.register("bob")
    registry.step()
    assert names_of(registry) == {bob}
