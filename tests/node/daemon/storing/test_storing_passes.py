"""Passes of readers, and refused readers that are recorded."""

from storing_nodes import ALICE, BOB

from enigmalang.chain.digests import Domain
from enigmalang.node.daemon.storing.messages import Pass, pass_digest
from enigmalang.node.daemon.storing.passes import LASTS, Passes
from enigmalang.node.daemon.storing.tending import HOUR, Refusals

DOMAIN, NODE, KEY = Domain(7, "0x" + "11" * 20), "0x" + "22" * 20, b"k" * 32


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def shown(passes: Passes, who=ALICE, node=NODE, key=KEY, domain=DOMAIN, db=1) -> Pass:
    challenge = passes.challenge(db, key)
    return Pass(who.address, challenge, who.signing.sign(pass_digest(domain, node, db, key, challenge)).to_bytes())


def test_a_pass_is_of_one_reader_for_one_key_at_one_node():
    passes = Passes(DOMAIN, NODE)
    assert passes.reader(1, KEY, shown(passes)) == ALICE.address
    good = shown(passes)
    assert passes.reader(1, b"l" * 32, good) is None
    assert passes.reader(2, KEY, good) is None
    assert Passes(DOMAIN, NODE).reader(1, KEY, good) is None  # of another process
    assert passes.reader(1, KEY, shown(passes, node="0x" + "33" * 20)) is None
    assert passes.reader(1, KEY, shown(passes, domain=Domain(8, DOMAIN.hub))) is None
    assert passes.reader(1, KEY, Pass(BOB.address, good.challenge, good.signature)) is None
    for signature in (bytes(65), b"\xff" * 65):
        assert passes.reader(1, KEY, Pass(ALICE.address, good.challenge, signature)) is None


def test_a_pass_ends():
    clock = Clock()
    passes = Passes(DOMAIN, NODE, clock)
    good = shown(passes)
    clock.now += LASTS
    assert passes.reader(1, KEY, good) == ALICE.address
    clock.now += 1
    assert passes.reader(1, KEY, good) is None
    later = (int(clock.now * 1000) + 10**9).to_bytes(8, "big") + good.challenge[8:]
    assert passes.reader(1, KEY, Pass(ALICE.address, later, good.signature)) is None


def test_each_refused_reader_is_recorded_once_and_no_more_than_a_node_will_pay_for():
    clock = Clock()
    refusals = Refusals(2, clock)
    for number in (1, 1, 2, 3):
        refusals.add(f"0x{number:040x}", 1, KEY)
    assert refusals.seen == 4
    assert [refusals.next() for _ in range(3)] == [(f"0x{1:040x}", 1, KEY), (f"0x{2:040x}", 1, KEY), None]
    clock.now += HOUR + 1
    assert refusals.next() == (f"0x{3:040x}", 1, KEY)
    silent = Refusals(0, clock)
    silent.add(NODE, 1, KEY)
    assert silent.next() is None


def test_who_was_refused_is_remembered_up_to_a_number_and_then_others_are(monkeypatch):
    monkeypatch.setattr("enigmalang.node.daemon.storing.tending.REMEMBERED", 3)
    refusals = Refusals(100, Clock())
    told = []
    for number in (1, 2, 3, 4, 4, 5, 1):
        refusals.add(f"0x{number:040x}", 1, KEY)
        told.append(refusals.next() is not None)
    assert told == [True, True, True, True, False, True, True]  # the first was forgotten for the fourth
    assert len(refusals._known) == 3
