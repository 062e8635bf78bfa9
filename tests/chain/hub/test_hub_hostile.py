"""Contracts that call back into the hub when it pays them: none gets in, and none gets more than its own."""

import pytest
from actors import DEPOSIT, NOTHING, WORK, World, signed
from machine import FUNDS, Contract, Refused, compiled

from enigmalang.chain import digests as d

FEE, PAYMENT = 10**15, 10**16
#: Attached to the hub, and a node, and whatever its owner makes it: when money comes it does `call`, once or for ever.
HOSTILE = """
# pragma version 0.4.3
hub: address
call: Bytes[4096]
value_: uint256
strict: bool
tried: public(uint256)
failed: public(uint256)
@deploy
@payable
def __init__(hub: address):
    self.hub = hub
@external
def arm(call: Bytes[4096], value_: uint256, strict: bool):
    self.call = call
    self.value_ = value_
    self.strict = strict
@external
@payable
def run(call: Bytes[4096], value_: uint256) -> Bytes[64]:
    return raw_call(self.hub, call, value=value_, max_outsize=64)
@external
@payable
def __default__():
    if len(self.call) > 0:
        self.tried += 1
        done: bool = False
        said: Bytes[100] = b""
        done, said = raw_call(self.hub, self.call, value=self.value_, max_outsize=100, revert_on_failure=False)
        if not done and len(said) == 0:  # the lock, and no refusal further in
            self.failed += 1
        if not done:
            assert not self.strict, "strict"
"""


@pytest.fixture
def hostile(world: World) -> Contract:
    made = world.machine.deploy(compiled(HOSTILE), world.eve.address, world.hub.address, value=10 * DEPOSIT)
    run(world, made, "attach", world.committee, NOTHING, 0)
    return made


def run(world: World, hostile: Contract, name: str, *args: object, value: int = 0) -> bytes:
    return hostile.send("run", world.hub.data(name, *args), value, sender=world.eve.address).value


def settle(world: World, hostile: Contract, job: int) -> tuple:
    call = d.Call(hostile.address, world.committee, job, NOTHING, NOTHING)
    digest = d.result_digest(world.domain, call, 0, NOTHING, NOTHING, WORK)
    return ("settle", job, NOTHING, NOTHING, 0, NOTHING, NOTHING, (10, 100, 1000), signed(digest, world.nodes[:2]))


def attacks(world: World, hostile: Contract, job: int) -> list[tuple]:
    """Every entry that moves money or state, with arguments that are right for the moment as far as can be."""
    owner = [1, [2 << 248]]
    return [
        ("claim", hostile.address), ("claim", world.alice.address), ("withdraw",), ("fail", job), ("leave",),
        settle(world, hostile, job), ("open", NOTHING, NOTHING, hostile.address, 0), ("declare", owner[1]),
        ("register", NOTHING, NOTHING, ""), ("top_up",), ("write", NOTHING, "int64", b""),
        ("point", 1, NOTHING, NOTHING, d.keccak((32).to_bytes(32, "big"))), ("update", NOTHING, NOTHING, ""),
        ("update_policy", hostile.address, hostile.address, NOTHING), ("attach", world.committee, NOTHING, 0),
        ("reattach", world.contract.address, NOTHING, 0, NOTHING, [], []),
    ]


def test_paid_for_a_job_it_calls_back(world: World, hostile: Contract):
    job = int.from_bytes(run(world, hostile, "open", NOTHING, NOTHING, hostile.address, PAYMENT, value=FEE + PAYMENT))
    for attack in attacks(world, hostile, job):
        mark = world.machine.snapshot()
        hostile.send("arm", world.hub.data(*attack), 0, False, sender=world.eve.address)
        run(world, hostile, *settle(world, hostile, job))
        assert (hostile.call("tried"), hostile.call("failed")) == (1, 1), attack
        assert world.hub.call("job", job)["status"] == 2
        share = world.price() // 3
        assert world.hub.call("owed", hostile.address) == FEE - 3 * share
        assert world.machine.balance(world.hub.address) == 3 * DEPOSIT + FEE
        world.machine.revert(mark)


def test_claiming_it_claims_again(world: World, hostile: Contract):
    job = int.from_bytes(run(world, hostile, "open", NOTHING, NOTHING, hostile.address, 0, value=FEE))
    world.request(world.bob, 10 * FEE)
    run(world, hostile, *settle(world, hostile, job))
    owed, before = world.hub.call("owed", hostile.address), world.machine.balance(hostile.address)
    for attack in attacks(world, hostile, job):
        mark = world.machine.snapshot()
        hostile.send("arm", world.hub.data(*attack), 0, False, sender=world.eve.address)
        run(world, hostile, "claim", hostile.address)
        assert (hostile.call("tried"), hostile.call("failed")) == (1, 1), attack
        assert world.machine.balance(hostile.address) == before + owed
        world.machine.revert(mark)


def test_withdrawing_it_withdraws_again(world: World, hostile: Contract):
    run(world, hostile, "register", NOTHING, NOTHING, "", value=DEPOSIT)
    run(world, hostile, "leave")
    world.machine.advance(100_000)
    before = world.machine.balance(hostile.address)
    for attack in attacks(world, hostile, 1):
        mark = world.machine.snapshot()
        hostile.send("arm", world.hub.data(*attack), 0, False, sender=world.eve.address)
        run(world, hostile, "withdraw")
        assert (hostile.call("tried"), hostile.call("failed")) == (1, 1), attack
        assert world.machine.balance(hostile.address) == before + DEPOSIT
        world.machine.revert(mark)


def test_who_refuses_its_own_payment_blocks_nobody_else(world: World, hostile: Contract):
    job = int.from_bytes(run(world, hostile, "open", NOTHING, NOTHING, hostile.address, PAYMENT, value=FEE + PAYMENT))
    hostile.send("arm", world.hub.data("claim", hostile.address), 0, True, sender=world.eve.address)
    with pytest.raises(Refused, match="strict"):
        run(world, hostile, *settle(world, hostile, job))
    mine = world.request(world.alice, FEE)
    world.fulfil(mine, world.nodes[:2])
    world.machine.advance(100_000)
    world.hub.send("fail", job, sender=world.bob.address)
    with pytest.raises(Refused, match="strict"):
        world.hub.send("claim", hostile.address, sender=world.bob.address)
    before = world.machine.balance(world.alice.address)
    assert world.hub.send("claim", sender=world.alice.address).value == FEE - 3 * (world.price() // 3)
    assert world.machine.balance(world.alice.address) > before
    assert world.machine.balance(world.eve.address) <= FUNDS
