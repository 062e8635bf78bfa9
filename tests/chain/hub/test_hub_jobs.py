"""Jobs: fees, payments, signatures, deadlines; nobody can take what is not theirs."""

import pytest
from actors import DEPOSIT, FUNCTION, JOB_TIME, MAX_JOB_TIME, NOTHING, WORK, World, deploy_hub, signed, words
from machine import Refused

from enigmalang.chain import digests as d
from enigmalang.ethereum.keys import ORDER

FEE, PAYMENT = 10**15, 10**16
OPEN, FULFILLED, FAILED, EXPIRED = 1, 2, 3, 4


def status(world: World, job: int) -> int:
    return world.hub.call("job", job)["status"]


def fulfil(world: World, arguments: tuple) -> None:
    world.contract.send("fulfil", *arguments, sender=world.eve.address)


def nothing_moved(world: World, job: int, fee: int = FEE, payment: int = 0) -> None:
    """The job is as it was, and its money where it was."""
    found = world.hub.call("job", job)
    assert (found["status"], found["fee"], found["payment"]) == (OPEN, fee, payment)
    assert [world.owed(a) for a in (world.alice, world.bob, world.eve, *world.nodes)] == [0] * (3 + len(world.nodes))
    assert world.machine.balance(world.hub.address) == len(world.nodes) * DEPOSIT + fee + payment


def test_a_fulfilled_job_pays_the_contract_the_nodes_and_the_rest_back(world: World):
    job = world.request(world.alice, FEE, PAYMENT)
    receipt = world.fulfil(job, world.nodes[:2])
    share = world.price() // 3
    assert world.machine.balance(world.contract.address) == PAYMENT
    assert [world.owed(node) for node in world.nodes] == [share] * 3
    assert world.owed(world.alice) == FEE - 3 * share
    _, event = next(log for log in receipt.logs if log[0] == "Settled")
    assert (event["job"], event["paid"]) == (job, 3 * share)
    assert event["work"] == {"rounds": 10, "products": 100, "additions": 1000}
    assert status(world, job) == FULFILLED
    before = world.machine.balance(world.nodes[2].address)
    assert world.hub.send("claim", sender=world.nodes[2].address).value == share
    assert world.machine.balance(world.nodes[2].address) == before + share
    assert world.machine.balance(world.hub.address) == 3 * DEPOSIT + FEE - share


def test_opening_tells_everything_a_node_needs(world: World):
    arguments = d.keccak(b"arguments")
    receipt = world.contract.send("request", FUNCTION, arguments, PAYMENT, sender=world.alice.address,
                                  value=FEE + PAYMENT)
    ((name, event),) = receipt.logs
    assert name == "Opened"
    assert event == {"job": receipt.value, "contract": world.contract.address, "committee": world.committee,
                     "function": FUNCTION, "arguments": arguments, "requester": world.alice.address,
                     "payment": PAYMENT, "fee": FEE, "deadline": world.machine.now + JOB_TIME}


def test_the_fee_is_the_most_that_is_paid(world: World):
    job = world.request(world.alice, fee=100)
    world.fulfil(job, world.nodes[:2])
    assert [world.owed(node) for node in world.nodes] == [33] * 3
    assert world.owed(world.alice) == 1


def test_a_failure_gives_the_payment_back_and_pays_for_the_work(world: World):
    job = world.request(world.alice, FEE, PAYMENT)
    receipt = world.report(job, world.nodes[1:])
    paid = world.price() // 3 * 3
    assert world.owed(world.alice) == FEE - paid + PAYMENT
    assert world.machine.balance(world.contract.address) == 0
    assert next(e["error"] for n, e in receipt.logs if n == "Failed") == "no"
    assert status(world, job) == FAILED
    assert world.contract.call("version") == 0


def test_an_expired_job_gives_everything_back(world: World):
    job = world.request(world.alice, FEE, PAYMENT)
    world.machine.advance(JOB_TIME)
    with pytest.raises(Refused, match="deadline is not over"):
        world.hub.send("fail", job, sender=world.eve.address)
    world.machine.advance(1)
    world.hub.send("fail", job, sender=world.eve.address)
    assert world.owed(world.alice) == FEE + PAYMENT
    assert world.owed(world.eve) == 0
    assert status(world, job) == EXPIRED
    with pytest.raises(Refused, match="not open"):
        world.hub.send("fail", job, sender=world.eve.address)


# ---- what is refused costs nobody anything


def test_too_few_signatures(world: World):
    job = world.request(world.alice, FEE)
    for signers in (world.nodes[:1], []):
        with pytest.raises(Refused, match="too few signatures"):
            world.fulfil(job, signers)
        with pytest.raises(Refused, match="too few signatures"):
            world.report(job, signers)
    nothing_moved(world, job)


def test_a_signature_by_a_stranger(world: World):
    job = world.request(world.alice, FEE)
    with pytest.raises(Refused, match="stranger"):
        world.fulfil(job, [world.nodes[0], world.eve])
    nothing_moved(world, job)


def test_the_same_signer_twice(world: World):
    job = world.request(world.alice, FEE)
    with pytest.raises(Refused, match="signed twice"):
        world.fulfil(job, [world.nodes[0], world.nodes[0]])
    nothing_moved(world, job)


def test_a_signature_of_something_else(world: World):
    job = world.request(world.alice, FEE)
    good = world.result(job, world.nodes[:2])
    other = d.keccak(b"other")
    for position, value in ((4, other), (5, other), (6, words(d.Work(10**6, 100, 1000)))):
        changed = (*good[:position], value, *good[position + 1:])
        with pytest.raises(Refused, match="stranger"):
            fulfil(world, changed)
    for position in (1, 2):
        with pytest.raises(Refused, match="other arguments"):
            fulfil(world, (*good[:position], other, *good[position + 1:]))
    nothing_moved(world, job)


def test_a_broken_signature(world: World):
    job = world.request(world.alice, FEE)
    *rest, signatures = world.result(job, world.nodes[:2])
    r, s, v = signatures[0]
    for broken in ((r, s, 26), (r, s, 0), (NOTHING, s, v), (r, NOTHING, v)):
        with pytest.raises(Refused, match="stranger"):
            fulfil(world, (*rest, [broken, signatures[1]]))
    nothing_moved(world, job)


def test_the_other_form_of_a_signature(world: World):
    job = world.request(world.alice, FEE)
    *rest, signatures = world.result(job, world.nodes[:2])
    r, s, v = signatures[0]
    high = (r, (ORDER - int.from_bytes(s, "big")).to_bytes(32, "big"), 55 - v)
    with pytest.raises(Refused, match="malleable"):
        fulfil(world, (*rest, [high, signatures[1]]))
    nothing_moved(world, job)


@pytest.mark.parametrize("change", ["chain", "hub", "job", "contract", "committee", "version"])
def test_signatures_made_for_elsewhere(world: World, change: str):
    job = world.request(world.alice, FEE)
    chain, hub = (world.domain.chain + (change == "chain"), world.eve.address if change == "hub" else world.hub.address)
    contract = world.eve.address if change == "contract" else world.contract.address
    call = d.Call(contract, world.committee + (change == "committee"), job + (change == "job"), FUNCTION, NOTHING)
    digest = d.result_digest(d.Domain(chain, hub), call, int(change == "version"), NOTHING, NOTHING, WORK)
    with pytest.raises(Refused, match="stranger"):
        fulfil(world, (*world.result(job, [])[:-1], signed(digest, world.nodes[:2])))
    nothing_moved(world, job)


def test_another_hub_does_not_take_the_same_signatures(world: World):
    """The same contract's job of the same number in a second hub: only the hub's address differs."""
    second = World.__new__(World)
    second.__dict__ |= world.__dict__ | {"hub": deploy_hub(world.machine, world.bob), "_consents": {}}
    for node in world.nodes:
        second.register(node)
    second.domain = d.Domain(world.domain.chain, second.hub.address)
    second.committee = second.form(world.nodes, 1)
    second.contract = second.deploy()
    job = second.request(world.alice, FEE)
    digest = d.result_digest(world.domain, second.call(job), 0, NOTHING, NOTHING, WORK)
    with pytest.raises(Refused, match="stranger"):
        second.contract.send("fulfil", *second.result(job, [])[:-1], signed(digest, world.nodes[:2]),
                             sender=world.eve.address)
    second.fulfil(job, world.nodes[:2])


def test_a_replayed_fulfil(world: World):
    job = world.request(world.alice, FEE)
    arguments = world.result(job, world.nodes[:2])
    fulfil(world, arguments)
    with pytest.raises(Refused, match="stale version"):
        fulfil(world, arguments)
    with pytest.raises(Refused, match="not open"):
        world.fulfil(job, world.nodes[:2], version=1)
    with pytest.raises(Refused, match="not open"):
        world.report(job, world.nodes[:2], version=1)
    later = world.request(world.alice, FEE)
    *_, signatures = arguments
    with pytest.raises(Refused, match="stranger"):
        fulfil(world, (*world.result(later, [], version=1)[:-1], signatures))


def test_a_stale_version(world: World):
    first, second = world.request(world.alice, FEE), world.request(world.alice, FEE)
    early = world.result(second, world.nodes[:2], version=0)
    world.fulfil(first, world.nodes[:2])
    with pytest.raises(Refused, match="stale version"):
        fulfil(world, early)
    world.fulfil(second, world.nodes[:2], version=1)


def test_after_the_deadline(world: World):
    job = world.request(world.alice, FEE)
    world.machine.advance(JOB_TIME + 1)
    with pytest.raises(Refused, match="deadline is over"):
        world.fulfil(job, world.nodes[:2])
    with pytest.raises(Refused, match="deadline is over"):
        world.report(job, world.nodes[:2])
    nothing_moved(world, job)


def test_at_the_deadline_it_is_in_time(world: World):
    job = world.request(world.alice, FEE)
    world.machine.advance(JOB_TIME)
    world.fulfil(job, world.nodes[:2])


def test_a_second_claim_gives_nothing(world: World):
    job = world.request(world.alice, FEE)
    world.fulfil(job, world.nodes[:2])
    node = world.nodes[0].address
    assert world.hub.send("claim", sender=node).value > 0
    assert world.hub.send("claim", sender=node).value == 0
    assert world.hub.send("claim", node, sender=world.eve.address).value == 0


def test_anyone_may_claim_for_another_but_not_get_it(world: World):
    job = world.request(world.alice, FEE)
    world.fulfil(job, world.nodes[:2])
    before, mine = world.machine.balance(world.alice.address), world.machine.balance(world.eve.address)
    amount = world.hub.send("claim", world.alice.address, sender=world.eve.address).value
    assert world.machine.balance(world.alice.address) == before + amount
    assert world.machine.balance(world.eve.address) == mine


def test_the_hub_takes_no_loose_money(world: World):
    with pytest.raises(Refused):
        world.machine.transact(world.eve.address, world.hub.address, b"", 1)


# ---- order


def test_only_the_oldest_open_job_is_settled(world: World):
    first, second, third = (world.request(world.alice, FEE) for _ in range(3))
    with pytest.raises(Refused, match="an older job"):
        world.fulfil(second, world.nodes[:2])
    world.report(first, world.nodes[:2])
    with pytest.raises(Refused, match="an older job"):
        world.fulfil(third, world.nodes[:2])
    world.fulfil(second, world.nodes[:2])
    world.fulfil(third, world.nodes[:2], version=1)
    found = world.hub.call("attachment", world.contract.address)
    assert (found["oldest"], found["newest"]) == (0, 0)
    assert world.hub.call("committee", world.committee)["open_jobs"] == 0


def test_jobs_that_expire_leave_the_queue_wherever_they_stand(world: World):
    quick = world.deploy(job_time=100)
    first = world.request(world.alice, contract=quick)
    world.accuse(first, world.nodes[2], world.nodes[:2])
    world.machine.advance(50)
    later = [world.request(world.alice, contract=quick) for _ in range(3)]
    assert world.hub.call("next_job", first) == later[0]
    world.machine.advance(51)
    with pytest.raises(Refused, match="not over"):
        world.hub.send("fail", later[1], sender=world.eve.address)
    world.hub.send("fail", first, sender=world.eve.address)
    world.machine.advance(50)
    for job in (later[1], later[2]):
        world.hub.send("fail", job, sender=world.eve.address)
    found = world.hub.call("attachment", quick.address)
    assert (found["oldest"], found["newest"]) == (later[0], later[0])
    fresh = world.request(world.alice, contract=quick)
    assert world.hub.call("next_job", later[0]) == fresh
    world.hub.send("fail", later[0], sender=world.eve.address)
    world.fulfil(fresh, world.nodes[:2], contract=quick)


def test_contracts_have_their_own_queues(world: World):
    other = world.deploy()
    world.request(world.alice)
    job = world.request(world.alice, contract=other)
    world.fulfil(job, world.nodes[:2], contract=other)


def test_a_contract_cannot_settle_another_s_job(world: World):
    other = world.deploy()
    job = world.request(world.alice)
    world.request(world.alice, contract=other)
    with pytest.raises(Refused, match="another contract's"):
        world.fulfil(job, world.nodes[:2], contract=other)


# ---- who may open


def test_only_attached_contracts_open_jobs(world: World):
    with pytest.raises(Refused, match="not attached"):
        world.hub.send("open", FUNCTION, NOTHING, world.eve.address, 0, sender=world.eve.address)


def test_the_payment_is_sent_along(world: World):
    with pytest.raises(Refused, match="less was sent"):
        world.contract.send("request", FUNCTION, NOTHING, 2, sender=world.alice.address, value=1)


def test_attaching(world: World):
    attach = world.hub.data("attach", world.committee, NOTHING, 0)
    world.machine.transact(world.bob.address, world.hub.address, attach, 0)
    with pytest.raises(Refused, match="attached already"):
        world.machine.transact(world.bob.address, world.hub.address, attach, 0)
    for committee in (0, world.committee + 1):
        with pytest.raises(Refused, match="no such committee"):
            world.hub.send("attach", committee, NOTHING, 0, sender=world.eve.address)
    for time in (9, MAX_JOB_TIME + 1):
        with pytest.raises(Refused, match="out of bounds"):
            world.hub.send("attach", world.committee, NOTHING, time, sender=world.eve.address)


# ---- accusations


def test_an_accused_loses_deposit_seats_and_the_job_goes_on(world: World):
    job = world.request(world.alice, FEE)
    bad, *good = world.nodes
    world.machine.advance(JOB_TIME)
    receipt = world.accuse(job, bad, good)
    _, event = next(log for log in receipt.logs if log[0] == "Slashed")
    assert (event["amount"], event["deadline"]) == (DEPOSIT, world.machine.now + JOB_TIME)
    assert [world.owed(node) for node in world.nodes] == [0, DEPOSIT // 2, DEPOSIT // 2]
    assert world.hub.call("node", bad.address)["deposit"] == 0
    assert world.hub.call("seat", world.committee, bad.address) == 0
    with pytest.raises(Refused, match="stranger"):
        world.fulfil(job, [bad, good[0]])
    with pytest.raises(Refused, match="no member"):
        world.accuse(job, bad, good)
    world.machine.advance(JOB_TIME)
    world.fulfil(job, good)
    assert world.owed(bad) == 0
    share = world.price() // 2
    assert [world.owed(node) for node in good] == [DEPOSIT // 2 + share] * 2
    with pytest.raises(Refused, match="not given notice"):
        world.hub.send("withdraw", sender=bad.address)


def test_what_the_accused_earned_before_is_its_own(world: World):
    world.fulfil(world.request(world.alice, FEE), world.nodes[:2])
    earned = world.owed(world.nodes[2])
    world.accuse(world.request(world.alice, FEE), world.nodes[2], world.nodes[:2])
    assert world.owed(world.nodes[2]) == earned > 0


def test_the_accused_loses_its_seat_in_every_committee(world: World):
    other = world.form(world.nodes, 1, salt=d.keccak(b"other"))
    world.accuse(world.request(world.alice), world.nodes[2], world.nodes[:2])
    assert world.hub.call("committee", other)["present"] == 2
    assert world.hub.call("committees_of", world.nodes[2].address) == ()
    assert world.hub.call("committees_of", world.nodes[0].address) == (world.committee, other)


@pytest.mark.parametrize("who", ["alone", "itself", "stranger"])
def test_accusations_that_do_not_count(world: World, who: str):
    job = world.request(world.alice, FEE)
    a, _, c = world.nodes
    signers = {"alone": [a], "itself": [a, c], "stranger": [a, world.eve]}[who]
    with pytest.raises(Refused, match="too few" if who == "alone" else "stranger"):
        world.accuse(job, c, signers)
    nothing_moved(world, job)


def test_the_deadline_is_prolonged_once():
    world = World(nodes=5, threshold=1)
    job = world.request(world.alice, FEE)
    world.machine.advance(100)
    world.accuse(job, world.nodes[0], world.nodes[3:])
    deadline = world.hub.call("job", job)["deadline"]
    assert deadline == world.machine.now + JOB_TIME
    world.machine.advance(100)
    world.accuse(job, world.nodes[1], world.nodes[3:])
    assert world.hub.call("job", job) | {"fee": 0} == world.hub.call("job", job) | {"fee": 0, "deadline": deadline}


def test_an_accusation_needs_an_open_job_in_time(world: World):
    job = world.request(world.alice, FEE)
    world.machine.advance(JOB_TIME + 1)
    with pytest.raises(Refused, match="deadline is over"):
        world.accuse(job, world.nodes[0], world.nodes[1:])
    world.hub.send("fail", job, sender=world.eve.address)
    for gone in (job, job + 1):
        with pytest.raises(Refused, match="not open"):
            world.accuse(gone, world.nodes[0], world.nodes[1:])


def test_a_committee_of_too_few_takes_no_jobs(world: World):
    job = world.request(world.alice, FEE)
    a, b, c = world.nodes
    world.accuse(job, a, [b, c])
    world.request(world.alice)
    for node in (b, c):
        world.hub.send("leave", sender=node.address)
    world.machine.advance(10_000)
    world.hub.send("withdraw", sender=b.address)
    with pytest.raises(Refused, match="lost too many"):
        world.request(world.alice)
