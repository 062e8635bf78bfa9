"""`contracts/Storage.vy`: prepaid leases, renewals, and who is paid for what."""

import pytest
from actors import Actor, World, actor
from machine import FUNDS, Refused, compiled
from renting import AHEAD, GRACE, KEY, PRICE, RATE, RESTRICTED, SIZE, WINDOW, Rent

from enigmalang.chain.compiling import CODE_LIMIT, own_contract
from enigmalang.dht.rent import State


@pytest.fixture(scope="module")
def made(deployed: World) -> Rent:
    return Rent(deployed)


@pytest.fixture
def rent(made: Rent, world: World) -> Rent:
    """`world` undoes what a test does."""
    made.forget()
    return made


@pytest.fixture
def alice(world: World) -> Actor:
    return world.alice


def held(rent: Rent) -> int:
    return rent.machine.balance(rent.contract.address)


def test_it_fits():
    assert 0 < len(own_contract("Storage").runtime) <= CODE_LIMIT


# ---- money


def test_deposits_and_withdrawals(rent: Rent, alice: Actor, world: World):
    rent.send("deposit", alice.address, by=world.bob, value=7)
    rent.send("deposit", alice.address, by=alice, value=5)
    assert rent.balance(alice) == held(rent) == 12
    before = rent.machine.balance(alice.address)
    assert rent.send("withdraw", 4, by=alice).value == 4
    with pytest.raises(Refused, match="balance is too low"):
        rent.send("withdraw", 9, by=alice)
    assert rent.send("withdraw", 2**256 - 1, by=alice).value == 8
    assert rent.machine.balance(alice.address) == before + 12
    assert rent.send("withdraw", 2**256 - 1, by=world.eve).value == 0


def test_storing_is_paid_ahead(rent: Rent, alice: Actor, world: World):
    cost = 3 * 100 * RATE
    with pytest.raises(Refused, match="balance is too low"):
        rent.store(alice, world.nodes, value=cost - 1)
    receipt = rent.store(alice, world.nodes, value=cost + 1)
    assert rent.balance(alice) == 1 and rent.prepaid(rent.lease) == cost
    name, fields = receipt.logs[-1]
    assert name == "Leased" and fields["lease"] == rent.lease == rent.contract.call("name", alice.address, 1, KEY)
    found = rent.found()
    assert (found["owner"], found["rate"], found["until"]) == (alice.address, RATE, rent.machine.now + 100)


def test_rates_are_rounded_up(rent: Rent, world: World):
    assert [rent.contract.call("rate", size) for size in (0, 1, 2**30)] == [1, 1, PRICE]
    cheap = world.machine.deploy(own_contract("Storage"), world.alice.address, world.hub.address, 3, *[1000] * 4)
    assert [cheap.call("rate", size) for size in (0, 1, 2**29, 2**30, 2**30 + 1)] == [1, 1, 2, 3, 4]


def test_what_cannot_be_stored(rent: Rent, alice: Actor, world: World):
    node = world.nodes[0]
    for change, text in (({"holders": []}, "needs a holder"), ({"holders": [node, node]}, "a holder twice"),
                         ({"holders": [node, world.eve]}, "no active node"), ({"period": 0}, "period"),
                         ({"period": 2**32 + 1}, "period"), ({"size": 2**40 + 1}, "too large")):
        with pytest.raises(Refused, match=text):
            rent.store(alice, **{"holders": [node], **change}, value=10**20)
    world.hub.send("leave", sender=node.address)
    with pytest.raises(Refused, match="no active node"):
        rent.store(alice, [node], value=10**9)


# ---- earning


def test_holders_earn_by_the_second(rent: Rent, alice: Actor, world: World):
    first, second, _ = world.nodes
    rent.store(alice, [first, second], value=2 * 100 * RATE)
    rent.machine.advance(30)
    assert rent.send("collect", [rent.lease], by=first).value == rent.balance(first) == 30 * RATE
    assert rent.send("collect", [rent.lease, rent.lease], by=first).value == 0
    rent.machine.advance(500)  # it is paid for 100
    assert rent.send("collect", [rent.lease], by=first).value == 70 * RATE
    assert rent.send("collect", [rent.lease], by=second).value == 100 * RATE
    assert rent.prepaid(rent.lease) == 0 and rent.balance(alice) == 0
    assert rent.send("withdraw", 2**256 - 1, by=second).value == 100 * RATE


def test_strangers_earn_nothing(rent: Rent, alice: Actor, world: World):
    rent.store(alice, world.nodes[:1], value=100 * RATE)
    rent.machine.advance(50)
    for liar in (world.nodes[1], world.eve, alice):
        assert rent.send("collect", [rent.lease, bytes(32)], by=liar).value == 0
    assert rent.prepaid(rent.lease) == 100 * RATE


def test_who_did_not_attest_for_long_is_paid_for_the_window_only(rent: Rent, alice: Actor, world: World):
    node = world.nodes[0]
    rent.store(alice, [node], period=3 * WINDOW, value=3 * WINDOW * RATE)
    rent.machine.advance(WINDOW + 40)
    receipt = rent.send("collect", [rent.lease], by=node)
    assert receipt.value == WINDOW * RATE and rent.balance(alice) == 40 * RATE
    assert receipt.logs == (("Earned", {"lease": rent.lease, "holder": node.address, "amount": WINDOW * RATE,
                                        "returned": 40 * RATE}),)


def test_stopping_returns_what_is_left(rent: Rent, alice: Actor, world: World):
    rent.store(alice, world.nodes, value=3 * 100 * RATE)
    rent.machine.advance(40)
    rent.send("stop", 1, KEY, by=alice)
    assert rent.balance(alice) == 3 * 60 * RATE
    assert all(rent.balance(node) == 40 * RATE for node in world.nodes)
    assert rent.found()["rate"] == 0 and rent.standing().state is State.NONE
    for name, args in (("stop", (1, KEY)), ("renew", (rent.lease,)), ("close", (rent.lease,))):
        with pytest.raises(Refused, match="no such lease"):
            rent.send(name, *args, by=alice)
    assert rent.send("collect", [rent.lease], by=world.nodes[0]).value == 0


def test_an_owner_cannot_take_back_what_was_earned(rent: Rent, alice: Actor, world: World):
    """Naming others, or none, or withdrawing: those who held it until then have their rent."""
    old, new, _ = world.nodes
    rent.store(alice, [old], value=200 * RATE)
    rent.machine.advance(60)
    rent.store(alice, [new])
    assert rent.balance(old) == 60 * RATE and rent.balance(alice) == 40 * RATE
    rent.send("withdraw", 2**256 - 1, by=alice)
    rent.machine.advance(100)
    assert rent.send("collect", [rent.lease], by=new).value == 100 * RATE
    assert rent.send("collect", [rent.lease], by=old).value == 0


def test_leases_are_of_owners(rent: Rent, alice: Actor, world: World):
    """Nobody's lease stands in the way of another's for the same key."""
    rent.store(world.eve, world.nodes[:1], value=100 * RATE)
    rent.store(alice, world.nodes[1:2], value=100 * RATE)
    rent.send("stop", 1, KEY, by=world.eve)
    assert rent.found()["holders"] == (world.nodes[1].address,)


def test_a_slashed_holder_keeps_what_it_earned(rent: Rent, alice: Actor, world: World):
    node = world.nodes[0]
    job = world.request(world.bob)
    rent.store(alice, [node], value=100 * RATE)
    rent.machine.advance(50)
    world.accuse(job, node, world.nodes[1:])
    rent.send("stop", 1, KEY, by=alice)
    assert rent.balance(node) == 50 * RATE


# ---- renewing


def test_anybody_renews_what_ends_soon(rent: Rent, alice: Actor, world: World):
    rent.store(alice, world.nodes[:1], value=250 * RATE)
    until = rent.found()["until"]
    rent.machine.advance(100 - AHEAD - 1)
    with pytest.raises(Refused, match="nothing to renew"):
        rent.send("renew", rent.lease, by=world.eve)
    rent.machine.advance(1)
    assert rent.send("renew", rent.lease, by=world.eve).value == 1
    assert rent.found()["until"] == until + 100 and rent.balance(alice) == 50 * RATE
    rent.machine.advance(110)
    with pytest.raises(Refused, match="nothing to renew"):  # less is left than a period costs
        rent.send("renew", rent.lease, by=world.eve)


def test_what_its_owner_did_not_want_renewed(rent: Rent, alice: Actor, world: World):
    rent.store(alice, world.nodes[:1], renews=False, value=10**9)
    rent.machine.advance(100)
    with pytest.raises(Refused, match="nothing to renew"):
        rent.send("renew", rent.lease, by=world.eve)
    assert rent.standing().state is State.RESTRICTED


def test_renewed_late_the_time_between_is_paid(rent: Rent, alice: Actor, world: World):
    node = world.nodes[0]
    rent.store(alice, [node], value=100 * RATE)
    rent.machine.advance(100 + RESTRICTED + 50)
    assert rent.standing().state is State.GRACE
    rent.send("deposit", alice.address, by=alice, value=1000 * RATE)
    assert rent.standing().state is State.ACTIVE
    assert rent.send("renew", rent.lease, by=alice).value == 2
    assert rent.send("collect", [rent.lease], by=node).value == (100 + RESTRICTED + 50) * RATE


def test_what_is_deleted_is_not_renewed_but_cleared_away(rent: Rent, alice: Actor, world: World):
    node = world.nodes[0]
    rent.store(alice, [node], value=150 * RATE)
    rent.machine.advance(100 + RESTRICTED + GRACE - 1)
    with pytest.raises(Refused, match="not deleted"):
        rent.send("close", rent.lease, by=world.eve)
    rent.machine.advance(1)
    with pytest.raises(Refused, match="nothing to renew"):
        rent.send("renew", rent.lease, by=alice)
    rent.send("close", rent.lease, by=world.eve)
    assert rent.balance(node) == 100 * RATE and rent.balance(alice) == 50 * RATE and rent.found()["rate"] == 0


@pytest.mark.parametrize("wrong", [(0, 1, 1, 1, 1), (2**96 + 1, 1, 1, 1, 1), (1, 0, 1, 1, 1), (1, 2**32 + 1, 1, 1, 1),
                                   (1, 1, 2**32 + 1, 1, 1), (1, 1, 1, 2**32 + 1, 1), (1, 1, 1, 1, 2**32 + 1)])
def test_parameters_out_of_bounds(world: World, wrong: tuple[int, ...]):
    with pytest.raises(Refused, match="out of bounds"):
        world.machine.deploy(own_contract("Storage"), world.alice.address, world.hub.address, *wrong)


def test_the_largest_numbers_do_not_overflow(world: World):
    largest = world.machine.deploy(own_contract("Storage"), world.alice.address, world.hub.address, 2**96,
                                   *[2**32] * 4)
    rich = actor("rich")
    world.machine.fund(rich.address, 2**250)
    holders = [node.address for node in world.nodes]
    largest.send("store", 1, KEY, 2**40, 2**32, True, holders, sender=rich.address, value=2**200)
    lease = largest.call("name", rich.address, 1, KEY)
    world.machine.advance(2**33)
    largest.send("renew", lease, sender=rich.address)
    largest.send("collect", [lease], sender=holders[0])
    largest.send("stop", 1, KEY, sender=rich.address)


# ---- contracts that call back

#: Owner, and payer of itself: when money comes, it does `call`.
HOSTILE = """
# pragma version 0.4.3
rent: address
call: Bytes[1024]
tried: public(uint256)
failed: public(uint256)
@deploy
@payable
def __init__(rent: address):
    self.rent = rent
@external
def arm(call: Bytes[1024]):
    self.call = call
@external
@payable
def run(call: Bytes[1024]):
    raw_call(self.rent, call, value=msg.value)
@external
@payable
def __default__():
    if len(self.call) > 0:
        self.tried += 1
        if not raw_call(self.rent, self.call, revert_on_failure=False):
            self.failed += 1
"""


def test_paid_out_it_calls_back(rent: Rent, alice: Actor, world: World):
    hostile = world.machine.deploy(compiled(HOSTILE), world.eve.address, rent.contract.address)
    node = world.nodes[0]
    data = rent.contract.data

    def run(*call: object, value: int = 0) -> None:
        hostile.send("run", data(*call), sender=world.eve.address, value=value)

    rent.send("deposit", alice.address, by=alice, value=10**9)
    run("store", 1, KEY, SIZE, 100, True, [node.address], value=1000 * RATE)
    lease = rent.contract.call("name", hostile.address, 1, KEY)
    rent.machine.advance(95)
    for attack in (("withdraw", 1), ("withdraw", 2**256 - 1), ("stop", 1, KEY), ("renew", lease), ("close", lease),
                   ("collect", [lease]), ("deposit", hostile.address),
                   ("store", 1, KEY, SIZE, 50, True, [node.address])):
        mark = world.machine.snapshot()
        hostile.send("arm", data(*attack), sender=world.eve.address)
        run("withdraw", 2**256 - 1)
        assert (hostile.call("tried"), hostile.call("failed")) == (1, 1), attack
        assert world.machine.balance(hostile.address) == 900 * RATE
        assert held(rent) == 10**9 + rent.prepaid(lease)
        world.machine.revert(mark)
    assert rent.machine.balance(world.eve.address) == FUNDS - 1000 * RATE
