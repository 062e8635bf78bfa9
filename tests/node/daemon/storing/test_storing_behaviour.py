"""What is publicly recorded of nodes counts when holders are chosen."""

from daemon_world import ETHER, PASSING, World, key_of

from enigmalang.chain import development
from enigmalang.chain import digests as d
from enigmalang.chain.compiling import compile_source
from enigmalang.chain.embedded import faucet_key
from enigmalang.chain.hub import EMPTY
from enigmalang.chain.interface import Interface
from enigmalang.dht.placement import FULL_REPUTATION, preference
from enigmalang.node.daemon.registry import read_member
from enigmalang.node.daemon.storing import behaviour
from enigmalang.node.daemon.storing.behaviour import Behaviour
from enigmalang.node.daemon.storing.view import View

NAMES = ("one", "two", "three")


def _expired(world: World, committee: int) -> None:
    """A job that nobody does."""
    from eth_abi.abi import encode

    passing = compile_source(PASSING.read_text("utf-8"), "Passing")
    interface = Interface(passing.abi)
    contract = world.chain.deploy(faucet_key(), passing.init,
                                  encode(interface.constructor, (world.hub.address, committee, 0))).contract
    data = interface.methods["request"].encode((d.function_digest("C", "f"), EMPTY, 0))
    world.chain.send(faucet_key(), contract, data, 10**15)
    job = world.hub.events(["Opened"])[-1].fields["job"]
    development.advance(world.chain, seconds=2000)
    world.hub.fail(faucet_key(), job)


def test_expired_jobs_and_taken_deposits_count_against_a_node_for_a_time(world: World, monkeypatch):
    addresses = [world.register(name) for name in (*NAMES, "four")]
    committee, now = world.form(*NAMES), [0.0]
    seen = Behaviour(world.hub, clock=lambda: now[0])

    def look() -> list[int]:
        now[0] += behaviour.LOOK
        seen.look()
        return [seen.reputation(address) for address in addresses]

    assert look() == [FULL_REPUTATION] * 4
    _expired(world, committee)
    assert look() == [500, 500, 500, 1000]
    world.slash(committee, "one", "two", "three")
    assert look() == [1000 // 9, 500, 500, 1000]
    monkeypatch.setattr(behaviour, "SPAN", 4)
    development.advance(world.chain, blocks=5)
    assert look() == [FULL_REPUTATION] * 4  # forgiven


def test_who_goes_or_failed_is_chosen_less_or_not_at_all(world: World):
    good, bad, leaving = (world.register(name) for name in NAMES)
    world.hub.leave(key_of("three"))
    view = View(lambda address: 250 if address == bad else FULL_REPUTATION)
    view.refresh(read_member(world.hub, address) for address in (good, bad, leaving))
    weights = [preference(view.standing(address), 2**30, 1000) for address in (good, bad, leaving)]
    assert weights[0] == 4 * weights[1] > 0 == weights[2]
    assert view.standing(good).stake == ETHER and view.place(leaving) is not None
