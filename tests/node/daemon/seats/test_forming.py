"""Committees on request: drawn by the chain, agreed to by who is drawn, and by nobody to anything else."""

import pytest
from daemon_world import key_of
from seat_switchboard import Office

from enigmalang.chain import development
from enigmalang.chain.digests import Signature, consent_digest, signer
from enigmalang.identity.keys import Keystore
from enigmalang.node import remote_forming
from enigmalang.node.daemon.seats import forming
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.handing.successors import Attempts
from enigmalang.node.draws import ATTEMPTS, DRAWS, WITHIN, Drawing, successor_nonce
from enigmalang.node.networks import Network
from enigmalang.node.remote import RemoteError, active_nodes
from enigmalang.transport.peering.errors import Refusal

NAMES = ["ann", "ben", "cid", "dan", "eva", "fay"]
NONCE = bytes(range(32))


@pytest.fixture
def office(world, tmp_path):
    with Office(world, tmp_path, NAMES) as made:
        yield made


def until(office):
    return office.world.chain.block().time + 100


def signatures(consented):
    return [Signature(each[:32], each[32:64], each[64]) for each in consented.signatures]


def test_who_is_drawn_agrees_and_the_hub_takes_it(office):
    world = office.world
    found = office.forming["ann"].form(3, 1, NONCE)
    assert found.members == found.drawing.members(world.hub) and len(set(found.members)) == 3
    digest = consent_digest(world.hub.domain, found.members, 1, found.drawing.salt(), found.until)
    assert [signer(digest, each) for each in signatures(found)] == list(found.members)
    number = world.hub.form(key_of("ann"), found.members, 1, found.drawing.salt(), found.until, signatures(found))
    assert world.hub.committee(number).members == found.members
    asked = {kind for _, _, kind in office.board.asked}
    assert asked == {"Propose", "Agree"}


def test_another_nonce_block_or_number_is_another_draw(office):
    hub = office.world.hub
    development.advance(hub.chain, blocks=6)
    head = hub.chain.block_number()
    draws = {Drawing(office.address("ann"), bytes([nonce]) * 32, 5, 2, block, number).members(hub)
             for nonce in range(4) for block in (head - 1, head) for number in range(2)}
    assert len(draws) == 16  # of 720 orders


def test_one_who_is_down_is_replaced_by_the_next_draw(office):
    first = office.forming["ann"].form(3, 1, NONCE)
    gone = next(member for member in first.members if member != office.address("ann"))
    office.board.down = {gone}
    later = office.forming["ann"].form(3, 1, bytes(32))
    assert gone not in later.members and 0 <= later.drawing.number < DRAWS


def test_whoever_asks_for_more_nodes_than_there_are_is_told_so(office, monkeypatch):
    monkeypatch.setattr(remote_forming, "FEW_SECONDS", 0.0)
    hub = office.world.hub
    network = Network(hub.chain.id, "", hub.address, 0, "", (), 0, "")
    count = len(active_nodes(hub))
    text = f"a committee of {count + 1} was asked for, and {count} nodes are registered"
    with pytest.raises(RemoteError, match=text):
        remote_forming.with_committee(hub.chain, network, Keystore().get("me"), "M61", size=count + 1)


def test_too_few_nodes_form_nothing(office):
    with pytest.raises(ValueError, match="3 to 9 nodes"):
        office.forming["ann"].form(2, 1, NONCE)
    with pytest.raises(ValueError, match="at least 2t"):
        office.forming["ann"].form(5, 3, NONCE)
    with pytest.raises(forming.CannotForm, match="6 nodes answer"):
        office.forming["ann"].form(7, 3, NONCE)
    office.board.down = set(office.others(office.address("ann")))
    with pytest.raises(forming.CannotForm, match="1 nodes answer"):
        office.forming["ann"].form(3, 1, bytes(32))


def test_nobody_agrees_to_what_was_not_drawn_as_it_was_announced(office):
    """A proposer that chooses: the block, the draw, another size, or a request that nobody heard of."""
    chain, ann, ben = office.world.chain, office.address("ann"), office.forming["ben"]
    heard = ben.heard(ann, sm.Propose(5, 2, NONCE)).block
    development.advance(chain, blocks=WITHIN + 2)

    def agree(**changes):
        given = {"nonce": NONCE, "block": heard + 1, "number": 0, "until": until(office)} | changes
        return ben.agree(ann, sm.Agree(**given))

    for changes, why in [
        ({"block": heard}, "draw at block"), ({"block": heard + WITHIN + 1}, "draw at block"),
        ({"nonce": bytes(32)}, "not announced here"), ({"number": DRAWS}, "draw"), ({"number": -1}, "draw"),
    ]:
        with pytest.raises(Refusal, match=why):
            agree(**changes)
    with pytest.raises(Refusal, match="not announced here"):
        ben.agree(office.address("cid"), sm.Agree(NONCE, heard + 1, 0, until(office)))
    drawn = [number for number in range(DRAWS) if office.address("ben") in Drawing(
        ann, NONCE, 5, 2, heard + 1, number).members(office.world.hub)]
    for number in range(DRAWS):
        if number in drawn:
            assert len(agree(number=number).signature) == 65
        else:
            with pytest.raises(Refusal, match="not drawn"):
                agree(number=number)
    with pytest.raises(Refusal, match="draw 0"):
        agree()  # each draw of a request once, and in order


def test_a_request_is_made_once_and_not_too_often(office, monkeypatch):
    ben, ann = office.forming["ben"], office.address("ann")
    ben.heard(ann, sm.Propose(3, 1, NONCE))
    with pytest.raises(Refusal, match="before"):
        ben.heard(ann, sm.Propose(3, 1, NONCE))
    with pytest.raises(Refusal, match="3 to 9"):
        ben.heard(ann, sm.Propose(31, 1, bytes(32)))
    for number in range(forming.REQUESTS - 1):
        ben.heard(ann, sm.Propose(3, 1, bytes([number]) * 32))
    with pytest.raises(Refusal, match="more than"):
        ben.heard(ann, sm.Propose(3, 1, b"x" * 32))
    ben.heard(office.address("cid"), sm.Propose(3, 1, b"x" * 32))  # others may


def test_a_consent_is_for_now(office):
    ann, ben = office.address("ann"), office.forming["ben"]
    heard = ben.heard(ann, sm.Propose(6, 2, NONCE)).block
    development.advance(office.world.chain, blocks=1)
    for wrong in (0, until(office) + 10**6):
        with pytest.raises(Refusal, match="another time"):
            ben.agree(ann, sm.Agree(NONCE, heard + 1, wrong and 1, wrong))


def drawn_at_ben(office, number=0, without=(), before=NAMES, most=1):
    """What ben says of draw `number` of a request of ann's, when some do not answer; `before`: who hands over."""
    ann, ben, nonce = office.address("ann"), office.forming["ben"], bytes([number, *map(len, without)]).rjust(32, b"n")
    heard = ben.heard(ann, sm.Propose(3, 1, nonce, 0, without)).block
    development.advance(office.world.chain, blocks=3)
    members = tuple(office.address(name) for name in before)
    return ben.drawn(ann, nonce, heard + 1, number, members, most), Drawing(
        ann, nonce, 3, 1, heard + 1, number, without)


def test_a_leader_leaves_out_nobody_but_absent_members_of_its_own_committee(office):
    """Who is cut off from others cannot be left out of a draw, unless it hands over itself; and t at most."""
    gone = tuple(sorted([office.address("cid"), office.address("dan")]))
    office.board.down = set(gone)
    for most, before in [(2, ["ann", "ben", "cid"]), (1, NAMES), (0, NAMES)]:
        with pytest.raises(Refusal, match="left out that may not be"):
            drawn_at_ben(office, without=gone, before=before, most=most)
        office.forming["ben"]._heard.clear()
    members, drawing = drawn_at_ben(office, without=gone, most=2)
    assert members == drawing.members(office.world.hub) and not set(gone) & set(members)


def test_a_leader_does_not_pass_over_a_draw_that_could_serve(office):
    with pytest.raises(Refusal, match="draw 0 of this request could serve"):
        drawn_at_ben(office, number=1)
    office.forming["ben"]._heard.clear()
    office.board.down = set(office.others(office.address("ben")))
    members, drawing = drawn_at_ben(office, number=1)
    assert members == drawing.members(office.world.hub)


def test_successors_are_tried_for_so_often_a_day():
    attempts = Attempts()
    assert [attempts.next(5, b"a") for _ in range(ATTEMPTS)] == list(range(ATTEMPTS))
    with pytest.raises(forming.CannotForm, match="tomorrow"):
        attempts.next(5, b"a")
    assert attempts.next(5, b"b") == 0 and attempts.next(6, b"a") == 0
    nonces = {successor_nonce(committee, what, day, attempt) for committee in (1, 2) for what in (b"", b"a")
              for day in (1, 2) for attempt in (0, 1)}
    assert len(nonces) == 16
