"""Nodes and committees: deposits, notice, consent."""

import pytest
from actors import DEPOSIT, JOB_TIME, MAX_JOB_TIME, NOTHING, UNBONDING, WEIGHTS, World, signed
from machine import FUNDS, START, Refused

from enigmalang.chain import digests as d
from enigmalang.chain.compiling import own_contract


def test_registering(world: World):
    receipt = world.register(world.bob, DEPOSIT + 5)
    assert receipt.logs[0][0] == "Registered"
    found = world.hub.call("node", world.bob.address)
    assert (found["deposit"], found["endpoint"], found["leaves"]) == (DEPOSIT + 5, "localhost:1", 0)
    assert world.hub.call("is_active", world.bob.address)
    with pytest.raises(Refused, match="registered already"):
        world.register(world.bob)


def test_a_deposit_below_the_minimum(world: World):
    with pytest.raises(Refused, match="below the minimum"):
        world.register(world.bob, DEPOSIT - 1)
    assert world.machine.balance(world.bob.address) == FUNDS


def test_keys_are_changed_by_the_node_itself(world: World):
    node = world.nodes[0].address
    world.hub.send("update", d.keccak(b"new"), NOTHING, "host:2", sender=node)
    assert world.hub.call("node", node)["key"] == d.keccak(b"new")
    world.hub.send("top_up", sender=node, value=7)
    assert world.hub.call("node", node)["deposit"] == DEPOSIT + 7
    for name, args in (("update", (NOTHING, NOTHING, "")), ("top_up", ()), ("leave", ())):
        with pytest.raises(Refused, match="not registered"):
            world.hub.send(name, *args, sender=world.eve.address)


def test_leaving_takes_notice(world: World):
    node = world.nodes[0]
    with pytest.raises(Refused, match="not given notice"):
        world.hub.send("withdraw", sender=node.address)
    world.hub.send("leave", sender=node.address)
    assert not world.hub.call("is_active", node.address)
    with pytest.raises(Refused, match="leaving already"):
        world.hub.send("leave", sender=node.address)
    world.machine.advance(UNBONDING - 1)
    with pytest.raises(Refused, match="notice is not over"):
        world.hub.send("withdraw", sender=node.address)
    world.machine.advance(1)
    world.hub.send("withdraw", sender=node.address)
    assert world.machine.balance(node.address) == FUNDS
    assert world.hub.call("committee", world.committee)["present"] == 2
    with pytest.raises(Refused, match="not given notice"):
        world.hub.send("withdraw", sender=node.address)
    world.register(node)
    assert world.hub.call("seat", world.committee, node.address) == 0


def test_nobody_withdraws_from_an_open_job(world: World):
    node = world.nodes[0]
    world.hub.send("leave", sender=node.address)
    world.machine.advance(UNBONDING - 1)
    job = world.request(world.alice)
    world.machine.advance(1)
    with pytest.raises(Refused, match="a job of its committee is open"):
        world.hub.send("withdraw", sender=node.address)
    world.fulfil(job, [node, world.nodes[1]])
    earned = world.owed(node)
    world.hub.send("withdraw", sender=node.address)
    assert world.owed(node) == earned > 0


def test_new_jobs_do_not_hold_a_node_for_ever(world: World):
    node = world.nodes[0]
    world.hub.send("leave", sender=node.address)
    world.machine.advance(UNBONDING + 2 * MAX_JOB_TIME)
    world.request(world.alice)
    with pytest.raises(Refused, match="a job of its committee is open"):
        world.hub.send("withdraw", sender=node.address)
    world.machine.advance(1)
    world.hub.send("withdraw", sender=node.address)


def test_a_leaving_node_can_be_slashed(world: World):
    node = world.nodes[0]
    job = world.request(world.alice)
    world.hub.send("leave", sender=node.address)
    world.accuse(job, node, world.nodes[1:])
    world.machine.advance(UNBONDING)
    with pytest.raises(Refused, match="not given notice"):
        world.hub.send("withdraw", sender=node.address)


# ---- committees


def test_committees_are_of_members_that_agreed(world: World):
    until = START + 1000
    members = [n.address for n in world.nodes]
    good = world.consents(world.nodes, 1, NOTHING, until)
    for signatures, reason in (
        ([*good[:2], *world.consents([world.eve], 1, NOTHING, until)], "has not agreed"),
        ([good[1], good[0], good[2]], "has not agreed"), (good[:2], "of each member"),
        (world.consents(world.nodes, 2, NOTHING, until), "has not agreed"),
    ):
        with pytest.raises(Refused, match=reason):
            world.hub.send("form", members, 1, NOTHING, until, signatures, 0, sender=world.alice.address)
    made = world.hub.send("form", members, 1, NOTHING, until, good, 0, sender=world.eve.address).value
    assert made == world.committee + 1
    with pytest.raises(Refused, match="formed already"):
        world.hub.send("form", members, 1, NOTHING, until, good, 0, sender=world.eve.address)


def test_old_consent_does_not_count(world: World):
    until = world.machine.now
    world.form(world.nodes, 1, until=until)
    world.machine.advance(1)
    with pytest.raises(Refused, match="too old"):
        world.form(world.nodes, 1, salt=d.keccak(b""), until=until)


@pytest.mark.parametrize(("count", "threshold"), [(3, 0), (3, 2), (2, 1), (1, 0), (3, 2**255)])
def test_a_committee_has_2t_plus_1_nodes(world: World, count: int, threshold: int):
    with pytest.raises(Refused, match=r"2t\+1|Revert"):
        world.form(world.nodes[:count], threshold)


def test_a_member_counts_once_and_is_active(world: World):
    a, b, c = world.nodes
    with pytest.raises(Refused, match="a member twice"):
        world.form([a, b, b], 1)
    with pytest.raises(Refused, match="no active node"):
        world.form([a, b, world.eve], 1)
    world.hub.send("leave", sender=c.address)
    with pytest.raises(Refused, match="no active node"):
        world.form([a, b, c], 1, salt=d.keccak(b"new"))


def test_a_node_serves_in_32_committees(world: World):
    for i in range(31):
        world.form(world.nodes, 1, salt=d.keccak(bytes([i])))
    with pytest.raises(Refused, match="too many committees"):
        world.form(world.nodes, 1, salt=d.keccak(b"one more"))


@pytest.mark.parametrize("wrong", [(UNBONDING, JOB_TIME, UNBONDING // 2 + 1), (UNBONDING, 9, MAX_JOB_TIME),
                                   (UNBONDING, MAX_JOB_TIME + 1, MAX_JOB_TIME)])
def test_a_hub_with_parameters_that_do_not_fit(world: World, wrong: tuple[int, int, int]):
    account = world.machine.deploy_blueprint(own_contract("Account"), world.alice.address)
    with pytest.raises(Refused):
        world.machine.deploy(own_contract("Hub"), world.alice.address, DEPOSIT, *wrong, *WEIGHTS, account)


def test_the_domain_is_the_one_of_python(world: World):
    assert world.hub.call("domain") == world.domain.separator
    assert signed(world.domain.separator, [world.eve])[0][2] in (27, 28)
