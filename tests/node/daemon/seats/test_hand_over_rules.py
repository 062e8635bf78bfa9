"""When a hand-over is due, and what is held meanwhile: pure."""

import pytest

from enigmalang.node.daemon.seats.handing import holding
from enigmalang.node.daemon.seats.handing.due import DAY, Facts, Reason, Rules, agrees, due, lasts
from enigmalang.node.daemon.seats.handing.holding import HELD, Holds

RULES = Rules(refresh=1000.0, absence=100.0)
ONE, OTHER = b"1" * 32, b"2" * 32


@pytest.mark.parametrize(("facts", "reason"), [
    (Facts(), None),
    (Facts(age=999, served=5, absent={2: 99.0}), None),
    (Facts(age=1000), Reason.REFRESH),
    (Facts(served=5, rotation=5), Reason.ROTATION),
    (Facts(served=4, rotation=5), None),
    (Facts(absent={1: 3.0, 2: 100.0}), Reason.ABSENT),
    (Facts(left=(3,)), Reason.LEFT),
    (Facts(age=1000, served=5, rotation=5, absent={2: 100.0}, left=(3,)), Reason.LEFT),
    (Facts(age=1000, served=5, rotation=5, absent={2: 100.0}), Reason.ABSENT),
    (Facts(age=1000, served=5, rotation=5), Reason.ROTATION),
])
def test_what_is_due(facts, reason):
    assert due(facts, RULES) == reason
    assert reason is None or agrees(reason, facts, RULES)


def test_without_a_time_a_committee_lasts_for_ever():
    assert due(Facts(age=1e12), Rules(refresh=0)) is None
    assert lasts(Facts(age=1e12), Rules(refresh=0)) is None
    assert (lasts(Facts(age=400), RULES), lasts(Facts(age=1e12), RULES)) == (600, 0)


def test_others_go_along_when_they_see_nearly_the_same():
    assert agrees(Reason.REFRESH, Facts(age=501), RULES) and not agrees(Reason.REFRESH, Facts(age=499), RULES)
    assert agrees(Reason.REFRESH, Facts(age=DAY / 2 + 1), Rules(refresh=0))
    assert agrees(Reason.ABSENT, Facts(absent={2: 51.0}), RULES) and not agrees(
        Reason.ABSENT, Facts(absent={2: 49.0}), RULES)
    for reason in (Reason.LEFT, Reason.ROTATION, Reason.ABSENT, Reason.REFRESH):
        assert not agrees(reason, Facts(), RULES)
    assert not agrees(Reason.ROTATION, Facts(served=4, rotation=5), RULES)  # what the chain counts is not nearly so


def test_who_is_away_is_counted_by_seat():
    facts = Facts(absent={3: 10.0, 1: 50.0, 2: 60.0})
    assert facts.away(50.0) == (1, 2) and facts.away(61.0) == ()


def test_what_is_held_is_let_go_by_itself(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(holding, "monotonic", lambda: now[0])
    holds = Holds()
    assert holds.why("a") == ""
    assert holds.hold("a", 10.0, "ann", ONE)
    assert (holds.why("a"), holds.why("b")) == (HELD, "")
    now[0] = 10.1
    assert holds.why("a") == ""
    assert holds.hold("a", 10.0, "ann", ONE) and holds.hold("a", 10.0, "ben", OTHER)
    holds.release("a", "ben")
    assert holds.why("a") == HELD
    holds.release("a", "ann")
    assert holds.why("a") == ""


def test_what_is_held_goes_where_it_was_said_to(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(holding, "monotonic", lambda: now[0])
    holds = Holds()
    holds.hold("a", 10.0, "ann", ONE)
    assert holds.ready("a", "ann", ONE)
    assert not any((holds.ready("a", "ann", OTHER), holds.ready("a", "ben", ONE), holds.ready("b", "ann", ONE)))
    holds.hold("a", 10.0, "ben", OTHER)
    assert holds.ready("a", "ann", ONE) and holds.ready("a", "ben", OTHER)  # nobody is in another's way
    holds.hold("a", 10.0, "ann", OTHER)
    assert not holds.ready("a", "ann", ONE)
    now[0] = 10.1
    assert not holds.ready("a", "ann", OTHER)


def test_one_member_keeps_a_contract_from_its_jobs_for_a_while_on_a_day(monkeypatch):
    """Whether it lets holds end or begins them again and again; others have their own time, and it has more tomorrow.
    """
    now, held = [0.0], 0.0
    monkeypatch.setattr(holding, "monotonic", lambda: now[0])
    holds = Holds()
    for second in range(3000):
        if second % 7 == 0:
            holds.hold("a", 90.0, "mallory", ONE)
        if second % 1000 == 10:
            holds.release("a", "mallory")
        held += bool(holds.why("a"))
        now[0] += 1.0
    assert 0.95 * holding.SECONDS <= held <= 1.05 * holding.SECONDS
    assert not holds.hold("a", 90.0, "mallory", ONE) and holds.why("a") == ""
    assert holds.hold("b", 90.0, "mallory", ONE) and holds.hold("a", 90.0, "ann", ONE)
    now[0] = holding.DAY + 1.0
    assert holds.hold("a", 90.0, "mallory", ONE)
