"""Strangers, clients and a node gone bad misbehave at a node's port: it goes on serving, and its memory stays flat."""

from fault_purse import Purse
from fault_strangers import ATTACKS, contact_of, gone_bad
from fault_town import Town, until

#: Rounds of all attacks after a first one, which fills caches and grows the pools of threads; and bytes that the
#: memory of the process may grow in them: less than one frame of 4 MB for each that was announced.
ROUNDS, GROWTH = 4, 16 << 20


def test_who_misbehaves_at_the_door(purse: Purse, town: Town, rng):
    node = rng.choice(purse.members)
    bad = next(each for each in town.nodes if each not in purse.members)
    bad.stop()
    contact, key = contact_of(node), gone_bad(bad)
    before = 0
    for number in range(ROUNDS + 1):
        for attack in rng.sample(ATTACKS, len(ATTACKS)):
            attack(contact, key, rng)
        assert node.runs
        if not number:
            before = node.memory()
    assert node.memory() - before < GROWTH
    assert purse.put()
    until(lambda: node.status()["healthy"], "health")
    assert not any("bug" in problem["text"] for problem in node.status()["problems"])
    assert "Traceback" not in node.said()
    purse.check()
