"""Handing a contract to another committee: what it takes, what moves; and what the old one signed counts no more."""

from collections.abc import Sequence

import pytest
from actors import DEPOSIT, JOB_TIME, NOTHING, UNBONDING, Actor, World, actor, signed
from machine import START, Contract, Receipt, Refused

from enigmalang.chain import digests as d

FEE, RUN = 10**15, d.keccak(b"run")
OPEN, FULFILLED = 1, 2
OTHERS = [actor(f"other {i}") for i in range(3)]


@pytest.fixture
def successor(world: World) -> int:
    """A committee of three other nodes."""
    world.register_more(OTHERS)
    return world.form(OTHERS, 1)


def digest_of(world: World, new: int, settled: int = 0, old: int | None = None, contract: Contract | None = None
              ) -> bytes:
    address = (contract or world.contract).address
    return d.handover_digest(world.domain, address, old or world.committee, new, world.consent(new), settled, RUN)


def reattach(world: World, new: int, settled: int = 0, by: Sequence[Actor] | None = None,
             to: Sequence[Actor] = OTHERS[:2], old: int | None = None, contract: Contract | None = None) -> Receipt:
    """As `by` (two of the first committee) and `to` (two of the successor) sign it; sent by a stranger."""
    digest = digest_of(world, new, settled, old, contract)
    signers = world.nodes[:2] if by is None else by
    return world.hub.send("reattach", (contract or world.contract).address, world.consent(new), settled, RUN,
                          signed(digest, signers), signed(digest, to), sender=world.eve.address)


def attached(world: World, contract: Contract | None = None) -> dict[str, int]:
    return world.hub.call("attachment", (contract or world.contract).address)


def open_jobs(world: World, committee: int) -> int:
    return world.hub.call("committee", committee)["open_jobs"]


def test_open_jobs_and_their_fees_go_along(world: World, successor: int):
    jobs = [world.request(world.alice, FEE) for _ in range(3)]
    world.fulfil(jobs[0], world.nodes[:2])
    mine = [world.owed(node) for node in world.nodes]
    receipt = reattach(world, successor, settled=1)
    ((name, event),) = receipt.logs
    assert (name, event) == ("Reattached", {"contract": world.contract.address, "old": world.committee,
                                            "successor": successor, "settled": 1, "run": RUN})
    found = attached(world)
    assert (found["committee"], found["settled"], found["since"], found["open"]) == (successor, 2, 2, 2)
    assert (found["oldest"], found["newest"], found["job_time"]) == (jobs[1], jobs[2], JOB_TIME)
    assert (open_jobs(world, world.committee), open_jobs(world, successor)) == (0, 2)
    world.fulfil(jobs[1], OTHERS[:2], version=1)
    assert [world.owed(node) for node in world.nodes] == mine
    assert [world.owed(node) for node in OTHERS] == [world.price() // 3] * 3
    assert (attached(world)["settled"], attached(world)["since"], open_jobs(world, successor)) == (3, 2, 1)


def test_jobs_that_end_after_it_are_counted_where_they_are(world: World, successor: int):
    """Expired, failed, fulfilled, opened anew: the open counts of both committees and of the contract stay right."""
    other = world.deploy()
    jobs = [world.request(world.alice, FEE) for _ in range(3)]
    theirs = world.request(world.bob, FEE, contract=other)
    reattach(world, successor)
    assert (open_jobs(world, world.committee), open_jobs(world, successor)) == (1, 3)
    world.report(jobs[0], OTHERS[1:])
    world.fulfil(jobs[1], OTHERS[:2], version=world.contract.call("version"))
    world.request(world.alice, FEE)
    assert (open_jobs(world, successor), attached(world)["open"], attached(world)["settled"]) == (2, 2, 3)
    world.machine.advance(JOB_TIME + 1)
    for job in (jobs[2], theirs):
        world.hub.send("fail", job, sender=world.eve.address)
    assert (open_jobs(world, world.committee), open_jobs(world, successor)) == (0, 1)
    assert (attached(world)["open"], attached(world)["settled"]) == (1, 3)  # an expiry changed no state


@pytest.mark.parametrize("same", [True, False])
def test_what_the_old_committee_signed_counts_no_more(world: World, same: bool):
    """Not even when the members are the same: the new state would be in shares that they no longer keep."""
    job = world.request(world.alice, FEE)
    world.register_more(OTHERS[:1])
    members = world.nodes if same else [*world.nodes[:2], OTHERS[0]]
    new = world.form(members, 1, salt=d.keccak(b"refresh"))
    before = world.result(job, world.nodes[:2]), world.failure(job, world.nodes[:2])
    reattach(world, new, to=world.nodes[:2])
    for name, arguments in zip(("fulfil", "report_failure"), before, strict=True):
        with pytest.raises(Refused, match="stranger"):
            world.contract.send(name, *arguments, sender=world.eve.address)
    assert world.hub.call("job", job)["status"] == OPEN
    world.fulfil(job, world.nodes[:2])
    assert world.hub.call("job", job)["status"] == FULFILLED


def test_a_state_that_changed_since_is_handed_over_again(world: World, successor: int):
    for ended in (world.fulfil, world.report):
        job = world.request(world.alice, FEE)
        settled = attached(world)["settled"]
        ended(job, world.nodes[:2], version=world.contract.call("version"))
        for wrong in (settled, settled + 2):
            with pytest.raises(Refused, match="changed since"):
                reattach(world, successor, settled=wrong)
    assert attached(world)["committee"] == world.committee
    reattach(world, successor, settled=2)


def test_an_old_handover_cannot_be_replayed(world: World, successor: int):
    """There and back again: the same two committees, but another count."""
    keep = world.deploy(committee=successor)
    reattach(world, successor)
    with pytest.raises(Refused, match="changed since"):
        reattach(world, successor)
    third = world.form(world.nodes, 1, salt=d.keccak(b"third"))
    reattach(world, third, settled=1, by=OTHERS[:2], to=world.nodes[:2], old=successor)
    with pytest.raises(Refused, match="changed since"):
        reattach(world, successor)
    digest = digest_of(world, successor, settled=0)
    with pytest.raises(Refused, match="stranger"):
        world.hub.send("reattach", world.contract.address, world.consent(successor), 2, RUN,
                       signed(digest, world.nodes[:2]), signed(digest, OTHERS[:2]), sender=world.eve.address)
    assert attached(world)["committee"] == third and attached(world, keep)["committee"] == successor


def test_who_has_to_sign(world: World, successor: int):
    ours, theirs = world.nodes, OTHERS
    for by, to, reason in (
        (ours[:1], theirs[:2], "too few"), (ours[:2], theirs[:1], "too few"), ([], [], "too few"),
        ([ours[0], ours[0]], theirs[:2], "twice"), (ours[:2], [theirs[1], theirs[1]], "twice"),
        (theirs[:2], theirs[:2], "stranger"), (ours[:2], ours[:2], "stranger"),
        ([ours[0], world.eve], theirs[:2], "stranger"), (theirs[:2], ours[:2], "stranger"),
    ):
        with pytest.raises(Refused, match=reason):
            reattach(world, successor, by=by, to=to)
    world.hub.send("leave", sender=ours[0].address)
    world.machine.advance(UNBONDING)
    world.hub.send("withdraw", sender=ours[0].address)
    fresh = world.form(OTHERS, 1, salt=d.keccak(b"fresh"))
    with pytest.raises(Refused, match="stranger"):
        reattach(world, fresh, by=ours[:2])
    reattach(world, fresh, by=ours[1:])  # the one that left is not needed


@pytest.mark.parametrize("change", [
    "chain", "hub", "contract", "old", "successor", "consent", "settled", "run", "list"])
def test_a_handover_signed_for_elsewhere(world: World, successor: int, change: str):
    domain = d.Domain(world.domain.chain + (change == "chain"),
                      world.eve.address if change == "hub" else world.hub.address)
    digest = d.handover_digest(
        domain, world.eve.address if change == "contract" else world.contract.address,
        world.committee + (change == "old"), successor + (change == "successor"),
        NOTHING if change == "consent" else world.consent(successor), int(change == "settled"),
        NOTHING if change == "run" else RUN)
    good = digest_of(world, successor)
    lists = [signed(digest, world.nodes[:2]), signed(good, OTHERS[:2])]
    for wrong in ([lists, [signed(good, world.nodes[:2]), signed(digest, OTHERS[:2])]]
                  if change != "list" else [lists[::-1]]):
        with pytest.raises(Refused, match="stranger"):
            world.hub.send("reattach", world.contract.address, world.consent(successor), 0, RUN, *wrong,
                           sender=world.eve.address)


@pytest.mark.parametrize("reorganised", ["others have its number", "it has another number", "it is as before"])
def test_a_handover_means_one_committee_on_every_branch_of_the_chain(world: World, reorganised: str):
    """Signed on one branch for committee 2, of nodes 0, 1 and a third; on another branch, committees of the same
    signers were formed in another order. Nobody else gets the contract, and nobody under a number for which the
    members keep nothing."""
    world.register_more(OTHERS)
    ours, theirs = [*world.nodes[:2], OTHERS[0]], [*world.nodes[:2], OTHERS[1]]
    mark = world.machine.snapshot()
    signed_for = world.form(ours, 1)
    digest, consent = digest_of(world, signed_for), world.consent(signed_for)
    both = [signed(digest, world.nodes[:2])] * 2
    world.machine.revert(mark)
    order = {"others have its number": [theirs], "it has another number": [theirs, ours], "it is as before": [ours]}
    numbers = [world.form(members, 1) for members in order[reorganised]]
    assert numbers[0] == signed_for
    named = (world.consent(signed_for), consent)
    for name in named if reorganised != "it is as before" else ():
        with pytest.raises(Refused, match=r"stranger|does not fit"):
            world.hub.send("reattach", world.contract.address, name, 0, RUN, *both, sender=world.eve.address)
        assert attached(world)["committee"] == world.committee
    if reorganised == "it is as before":
        world.hub.send("reattach", world.contract.address, consent, 0, RUN, *both, sender=world.eve.address)
        assert attached(world)["committee"] == signed_for


def test_the_successor_fits(world: World):
    world.register_more(OTHERS)
    five = [*world.nodes, *OTHERS[:2]]
    stricter, rotating = world.form(five, 2), world.form(OTHERS, 1, rotation=3)
    for wrong in (world.committee, rotating, 0, 99, 2**255):
        with pytest.raises(Refused, match=r"does not fit|Revert"):
            reattach(world, wrong, to=OTHERS[:2])
    reattach(world, stricter, to=five[:3])
    again = world.form(five, 1)
    with pytest.raises(Refused, match="does not fit"):  # more nodes, but fewer that may lie
        reattach(world, again, settled=1, by=five[:3], to=five[:2], old=stricter)


def test_only_what_is_attached_is_handed_over(world: World, successor: int):
    stranger = Contract(world.machine, world.eve.address, world.contract.abi)
    with pytest.raises(Refused, match="not attached"):
        reattach(world, successor, contract=stranger)


def test_rotation_is_agreed_on_and_read(world: World):
    world.register_more(OTHERS)
    members, until = [n.address for n in OTHERS], START + 10**9
    assert world.hub.call("committee", world.committee)["rotation"] == 0
    consents = world.consents(OTHERS, 1, NOTHING, until, rotation=1)
    for wrong in (0, 2):
        with pytest.raises(Refused, match="has not agreed"):
            world.hub.send("form", members, 1, NOTHING, until, consents, wrong, sender=world.eve.address)
    receipt = world.hub.send("form", members, 1, NOTHING, until, consents, 1, sender=world.eve.address)
    assert receipt.logs[0][1]["rotation"] == 1
    assert receipt.logs[0][1]["consent"] == d.consent_digest(world.domain, members, 1, NOTHING, until, 1)
    assert world.hub.call("committee", receipt.value)["rotation"] == 1
    most = world.form(OTHERS, 1, rotation=2**32 - 1)
    assert world.hub.call("committee", most)["rotation"] == 2**32 - 1
    with pytest.raises(Refused, match="too long a rotation"):
        world.form(OTHERS, 1, rotation=2**32)


def test_every_job_in_a_committee_of_its_own(world: World):
    """Rotation 1, for more jobs than a node has places: those of committees that are over are free again."""
    world.register_more(OTHERS)
    groups = [world.nodes, OTHERS]
    committee = world.form(world.nodes, 1, salt=d.keccak(b"first"), rotation=1)
    contract = world.deploy(committee)
    for number in range(70):
        old, new = groups[number % 2], groups[1 - number % 2]
        job = world.request(world.alice, FEE, contract=contract)
        world.fulfil(job, old[:2], version=number, contract=contract)
        at = attached(world, contract)
        assert at["settled"] - at["since"] == 1 == world.hub.call("committee", committee)["rotation"]
        follower = world.form(new, 1, salt=d.keccak(bytes([number])), rotation=1)
        reattach(world, follower, at["settled"], old[:2], new[:2], committee, contract)
        assert world.hub.call("committee", committee)["contracts"] == 0
        committee = follower
    share = world.price() // 3
    assert [world.owed(node) for node in (*world.nodes, *OTHERS)] == [35 * share] * 6
    for node in (*world.nodes, *OTHERS):
        assert world.hub.send("claim", node.address, sender=world.eve.address).value == 35 * share
        assert len(world.hub.call("committees_of", node.address)) <= 2
        assert world.owed(node) == 0


def test_a_committee_that_is_over_takes_no_contract(world: World, successor: int):
    reattach(world, successor)
    assert world.hub.call("committees_of", world.nodes[0].address) == (world.committee,)
    for _ in range(2):  # with its members still in their seats, and after they gave them up
        with pytest.raises(Refused, match="or it is over"):
            world.deploy()
        with pytest.raises(Refused, match="or it is over"):
            reattach(world, world.committee, settled=1, by=OTHERS[:2], to=world.nodes[:2], old=successor)
        for node in world.nodes:
            world.hub.send("claim", sender=node.address)
            assert world.hub.call("committees_of", node.address) == ()
            assert world.hub.call("seat", world.committee, node.address) == 0


def test_a_committee_that_nobody_wants_is_over_after_the_notice(world: World, successor: int):
    world.machine.advance(UNBONDING - 1)
    world.hub.send("claim", sender=OTHERS[0].address)
    assert world.hub.call("committees_of", OTHERS[0].address) == (successor,)
    world.machine.advance(1)
    with pytest.raises(Refused, match="or it is over"):
        reattach(world, successor)
    world.hub.send("claim", sender=OTHERS[0].address)
    assert world.hub.call("committees_of", OTHERS[0].address) == ()
    world.hub.send("claim", sender=world.nodes[0].address)  # which has a contract
    assert world.hub.call("committees_of", world.nodes[0].address) == (world.committee,)


def test_who_handed_all_its_jobs_over_may_go(world: World, successor: int):
    world.request(world.alice, FEE)
    node = world.nodes[0]
    world.hub.send("leave", sender=node.address)
    world.machine.advance(UNBONDING)
    with pytest.raises(Refused, match="a job of its committee is open"):
        world.hub.send("withdraw", sender=node.address)
    third = world.form(OTHERS, 1, salt=d.keccak(b"in time"))
    reattach(world, third)
    world.hub.send("withdraw", sender=node.address)
    late = OTHERS[0]
    world.hub.send("leave", sender=late.address)
    world.machine.advance(UNBONDING)
    with pytest.raises(Refused, match="a job of its committee is open"):
        world.hub.send("withdraw", sender=late.address)


def test_accusations_are_the_present_committee_s(world: World, successor: int):
    job = world.request(world.alice, FEE)
    reattach(world, successor)
    with pytest.raises(Refused, match="no member"):
        world.accuse(job, world.nodes[0], world.nodes[1:])
    with pytest.raises(Refused, match="stranger"):
        world.accuse(job, OTHERS[0], world.nodes[1:])
    world.accuse(job, OTHERS[0], OTHERS[1:])
    assert world.owed(OTHERS[1]) == DEPOSIT // 2
    world.fulfil(job, OTHERS[1:])
    assert world.contract.call("version") == 1


def test_gas(world: World, successor: int):
    """About what the contract says: two signatures of each committee, and no more writes than are needed."""
    world.request(world.alice, FEE)
    assert reattach(world, successor).gas < 130_000
