"""What members of a committee hand each other: plans, masks, outcomes."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec.structs import replace
from seat_nodes import POOL, compiled
from seat_switchboard import Office

from enigmalang.execute.ports import EngineError
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats import plans
from enigmalang.node.daemon.seats.here import Place
from enigmalang.node.daemon.seats.masks import SKIP, Giver, NotNow, reserve
from enigmalang.node.daemon.seats.outcomes import CommitteeOutcomes, encode_outcome
from enigmalang.node.daemon.seats.plans import CommitteePlans, take_plan
from enigmalang.node.masking import MaskError
from enigmalang.node.reserved import delivered_digest, open_told, split_mask
from enigmalang.node.teams import Outcome
from enigmalang.plan.codec import encode_plan, hash_plan
from enigmalang.sharing.keys import keys_from_contributions, message_for, new_contributions
from enigmalang.sharing.structure import structure
from enigmalang.transport.peering.errors import Refusal
from enigmalang.wire import messages as msg

NAMES = ["ann", "ben", "cid"]
COMMITTEE = 4
OWNER = "0x" + "ab" * 20
FRESH = bytes(range(32))


class Members:
    """A committee of three, whose questions are answered without any term."""

    def __init__(self, office: Office) -> None:
        self.office, addresses = office, tuple(office.address(name) for name in NAMES)
        self.addresses = addresses
        self.places = {name: Place(COMMITTEE, addresses, 1, seat) for seat, name in enumerate(NAMES, 1)}
        self.states = {name: office.here[name].state.committee(COMMITTEE) for name in NAMES}
        domain = office.world.hub.domain
        self.givers = {name: Giver(self.places[name], self.states[name], office.here[name].key, domain)
                       for name in NAMES}
        self.outcomes = {name: CommitteeOutcomes(office.here[name], self.places[name]) for name in NAMES}
        for name in NAMES:
            office.board.answers[office.address(name)] = lambda peer, request, name=name: self.answer(name, request)

    def answer(self, name: str, request: sm.Request) -> sm.Answer:
        here = self.office.here[name]
        match request:
            case sm.Mask():
                return self.givers[name].give(request)
            case sm.TakePlan():
                take_plan(here, request.data)
                return sm.Done()
            case sm.WantPlan():
                return sm.Plan(here.kept.plan(request.digest) or b"")
            case sm.TakeOutcome():
                self.outcomes[name].take(request.job, request.data)
                return sm.Done()
            case sm.WantOutcome():
                return sm.OutcomeOf(here.kept.outcome(COMMITTEE, request.job))
        raise AssertionError(request)

    def meet(self) -> None:
        """Agree keys, as in the first term."""
        shape = structure(3, 1)
        made = {seat: new_contributions(shape, seat) for seat in shape.parties}
        for seat, name in enumerate(NAMES, 1):
            told = {peer: message_for(shape, peer, seat, made[peer]) for peer in shape.parties if peer != seat}
            keys = keys_from_contributions(shape, seat, made[seat], told)
            self.states[name].keep_keys(keys.encode(), True)


@pytest.fixture
def members(world, tmp_path):
    with Office(world, tmp_path, NAMES) as office:
        yield Members(office)


# ---- masks


def told(members, name, size=3, receiver=None, nonce=FRESH):
    key = receiver or X25519PrivateKey.generate()
    here, place = members.office.here[name], members.places[name]
    number, answers = reserve(
        here, place, members.givers[name], "M61", size, OWNER, key.public_key().public_bytes_raw(), FRESH)
    answer = {"mask": number, "told": {str(seat): "0x" + each.message.hex() for seat, each in answers.items()},
              "signed": {str(seat): "0x" + each.signature.hex() for seat, each in answers.items()}}
    name, mask = open_told(answer, key.private_bytes_raw(), "M61", size, OWNER, members.addresses, 1, here.hub.domain,
                           nonce)
    assert split_mask(name)[0] == COMMITTEE
    return split_mask(name)[1], mask


def test_a_mask_comes_from_all_members_whoever_is_asked(members):
    members.meet()
    found = [told(members, name) for name in ("ann", "cid", "ben", "ann")]
    assert [number for number, _ in found] == [1, 2, 3, 4]
    values = [tuple(mask.tolist()) for _, mask in found]
    assert len(set(values)) == 4 and all(len(each) == 3 for each in values)


def test_an_answer_to_an_earlier_question_is_none_to_this_one(members):
    """Even to the same key: what members sign holds the client's nonce."""
    members.meet()
    key = X25519PrivateKey.generate()
    assert told(members, "ann", receiver=key)[0] == 1
    with pytest.raises(MaskError, match="did not sign"):
        told(members, "ann", receiver=key, nonce=bytes(32))


def test_a_number_that_others_were_faster_with_is_not_given_twice(members):
    members.meet()
    members.states["cid"].masks.skip(40)  # it gave masks while the others were away
    assert told(members, "ann")[0] == 41 and told(members, "ben")[0] == 42
    request = sm.Mask(COMMITTEE, 42, 3, OWNER, bytes(32), "M61", FRESH)
    assert members.givers["cid"].give(request) == sm.Taken(42)


def test_nobody_makes_members_run_out_of_numbers(members):
    members.meet()
    request = sm.Mask(COMMITTEE, SKIP + 1, 1, OWNER, bytes([9]) * 32, "M61", FRESH)
    assert members.givers["ann"].give(request) == sm.Taken(0)


def test_there_are_no_masks_while_a_member_is_away_or_before_all_have_met(members):
    with pytest.raises(NotNow, match="not met yet"):
        told(members, "ann")
    members.meet()
    members.office.board.down = {members.addresses[2]}
    with pytest.raises(NotNow, match=r"seat 3 .* is down"):
        told(members, "ann")
    members.office.board.down = set()
    assert told(members, "ann")[0] == 2  # the number that two members had given is not used again


# ---- plans


def test_a_plan_that_one_member_has_all_have(members):
    office, plan = members.office, compiled()
    name, data = hash_plan(plan), encode_plan(plan)
    ann = CommitteePlans(office.here["ann"], members.places["ann"])
    assert take_plan(office.here["cid"], data) == name
    assert name in ann and ann[name] == data
    assert office.here["ben"].kept.plan(name) is None
    ann.hand_on(data)
    assert office.here["ben"].kept.plan(name) == data


def test_what_is_no_plan_is_not_kept(members, monkeypatch):
    here = members.office.here["ann"]
    with pytest.raises(Refusal, match="no plan"):
        take_plan(here, b"no plan")
    one, two = encode_plan(compiled()), encode_plan(compiled(POOL.with_name("other.enig")))
    monkeypatch.setattr(plans, "MAX_PLAN_BYTES", len(two) - 1)
    with pytest.raises(Refusal, match="at most"):
        take_plan(here, two)
    monkeypatch.undo()
    monkeypatch.setattr(plans, "MAX_PLANS", 1)
    name = take_plan(here, one)
    assert take_plan(here, one) == name and here.kept.plan(name) == one
    assert here.kept.plan(take_plan(here, two)) == two
    assert here.kept.plan(name) is None and here.kept.plans() == 1  # the oldest goes, for who hands over the next
    members.states["ann"].keep_plan(name, one)  # unless a job used it
    assert plans.find_plan(here, name) == one


def test_a_member_that_gives_another_plan_is_passed_over(members):
    office, plan = members.office, compiled()
    name, other = hash_plan(plan), encode_plan(compiled(POOL.with_name("other.enig")))
    ann = CommitteePlans(office.here["ann"], members.places["ann"])
    office.board.answers[members.addresses[1]] = lambda peer, request: sm.Plan(other)
    office.board.answers[members.addresses[2]] = lambda peer, request: sm.Plan(b"nonsense")
    assert name not in ann and ann.get(name, b"") == b""
    take_plan(office.here["cid"], encode_plan(plan))
    office.board.answers[members.addresses[2]] = lambda peer, request: members.answer("cid", request)
    again = CommitteePlans(office.here["ann"], members.places["ann"])
    assert again[name] == encode_plan(plan)


# ---- outcomes


def replies(members, job, words=(b"one", b"two", b"six")):
    """Of all members: pieces of a private result, signed."""
    made = {}
    for (seat, name), word in zip(enumerate(NAMES, 1), words, strict=True):
        parcels = [msg.Parcel(OWNER, [], False, False, word)]
        digest = delivered_digest(members.office.world.hub.domain, job, parcels, [])
        made[seat] = msg.Executed(1, 0, [], bytes(32), [0, 0, 0], "", b"", parcels, [],
                                  members.office.here[name].key.sign(digest).to_bytes())
    return made


def test_results_are_with_all_members_before_the_chain_hears_of_them(members):
    members.outcomes["ann"].put(7, Outcome("", replies(members, 7)))
    for name in NAMES:
        found = members.outcomes[name].get(7)
        assert found is not None and [r.results[0].piece for r in found.replies.values()] == [b"one", b"two", b"six"]


def test_results_that_too_few_members_take_are_not_told(members):
    members.office.board.down = set(members.addresses[1:])
    with pytest.raises(EngineError, match="too few members"):
        members.outcomes["ann"].put(7, Outcome("", replies(members, 7)))
    members.office.board.down = {members.addresses[1]}
    members.outcomes["ann"].put(7, Outcome("", replies(members, 7)))
    members.office.board.down = set()
    assert members.outcomes["ben"].get(7) is None
    found = members.outcomes["ben"].find(7)  # who was away asks the others
    assert found is not None and len(found.replies) == 3


def test_nobody_hands_over_results_that_were_not_signed(members):
    good = replies(members, 7)
    forged = dict(good)
    forged[2] = replace(good[2], results=[replace(good[2].results[0], piece=b"mine")])
    for wrong in (forged, {1: good[1]}, {1: good[2], 2: good[2], 3: good[3]}, replies(members, 8)):
        with pytest.raises(Refusal, match="did not sign"):
            members.outcomes["ben"].take(7, encode_outcome(Outcome("", wrong)))
    with pytest.raises(Refusal, match="malformed"):
        members.outcomes["ben"].take(7, b"\xc1")
    assert members.outcomes["ben"].get(7) is None
    members.outcomes["ben"].take(7, encode_outcome(Outcome("", good)))


def test_a_failure_is_kept_where_it_was_seen(members):
    members.outcomes["ann"].put(9, Outcome("nobody has the plan"))
    found = members.outcomes["ann"].find(9)
    assert found is not None and found.error == "nobody has the plan"
    assert members.outcomes["ben"].find(9) is None
