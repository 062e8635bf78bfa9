"""Committees on request: drawn by the chain, agreed to by who is drawn, and by nobody to anything else."""

import pytest
from daemon_world import key_of
from seat_switchboard import Office

from enigmalang.chain import development
from enigmalang.chain.digests import Signature, consent_digest, signer
from enigmalang.node.daemon.seats import forming
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.draws import DRAWS, WITHIN, Drawing
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
