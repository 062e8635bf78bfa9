"""Identities and predicates."""

import pytest

from enigmalang.ethereum.hashing import keccak256
from enigmalang.ethereum.keys import recover
from enigmalang.identity.keys import Keystore
from enigmalang.identity.predicates import ANYONE, OWNER, Predicate, Question, allows

KEYS = Keystore()
ALICE, BOB, CAROL = (KEYS.get(name).address for name in ("alice", "bob", "carol"))
DOCTORS = KEYS.share(((ALICE, OWNER), (BOB, Predicate("only_compute"))))


def ask(predicate, who, action="read", owner=ALICE, signers=(), now=100):
    shared = {DOCTORS.address: DOCTORS.policies}
    question = Question(who, frozenset({who, *signers}), owner, action, now, shared,
                        lambda asked, asker: asked.name == "paid" and asker == CAROL)
    return allows(predicate, question)


def test_keys_are_those_of_the_name():
    assert Keystore().get("alice") == KEYS.get("alice")
    assert ALICE != BOB
    assert ALICE.startswith("0x")
    assert len(ALICE) == 42
    assert KEYS.at(BOB) is KEYS.get("bob")
    assert KEYS.at("0x" + "00" * 20) is None
    assert KEYS.get("alice").private_key.hex() not in repr(KEYS.get("alice"))


def test_an_identity_signs_for_its_address():
    alice = KEYS.get("alice")
    digest = keccak256(b"text")
    assert recover(digest, alice.signing.sign(digest)) == alice.address == ALICE
    assert alice.signing.reveal().hex() not in repr(alice) + repr(alice.signing)
    assert DOCTORS.signing is None


@pytest.mark.parametrize(("predicate", "allowed"), [
    (OWNER, {ALICE}), (ANYONE, {ALICE, BOB, CAROL}), (Predicate("only", (BOB, CAROL)), {BOB, CAROL}),
    (Predicate("members", (DOCTORS.address,)), {ALICE, BOB}),
    (Predicate("after", (100,)), {ALICE, BOB, CAROL}), (Predicate("after", (101,)), set()),
    (Predicate("before", (100,)), set()), (Predicate("before", (101,)), {ALICE, BOB, CAROL}),
    (Predicate("not", (OWNER,)), {BOB, CAROL}), (Predicate("paid"), {CAROL}),
    (Predicate("or", (OWNER, Predicate("paid"))), {ALICE, CAROL}),
    (Predicate("and", (OWNER, Predicate("paid"))), set()),
])
def test_predicates(predicate, allowed):
    assert {who for who in (ALICE, BOB, CAROL) if ask(predicate, who)} == allowed


def test_a_policy_may_let_compute_and_not_read():
    assert ask(OWNER, ALICE, "read", owner=DOCTORS.address)
    assert ask(OWNER, BOB, "compute", owner=DOCTORS.address)
    assert not ask(OWNER, BOB, "read", owner=DOCTORS.address)
    assert not ask(OWNER, CAROL, "compute", owner=DOCTORS.address)


def test_at_least():
    two = Predicate("at_least", (2, DOCTORS.address))
    assert not ask(two, ALICE)
    assert not ask(two, ALICE, signers=(CAROL,))
    assert ask(two, ALICE, signers=(BOB,))
