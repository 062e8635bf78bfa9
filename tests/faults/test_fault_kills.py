"""Nodes are killed (kill -9) at every named point of their work: every job ends, and nothing is lost.

Some points always, the others when asked for: `pytest -m faults_long tests/faults`. (tests/node/durable tries all of
them in every run.)
"""

from contextlib import closing

import pytest
from fault_purse import Purse
from fault_town import SOON, until

from enigmalang.node.durable import points

AT_KEYS = (points.KEYS_MADE, points.KEYS_KEPT, points.KEYS_CONFIRMED)
AT_JOBS = (points.MASK_MADE, points.MASK_KEPT, points.JOB_READY, points.JOB_BEGUN, points.MASK_USED,
           points.JOB_COMPUTED, points.JOB_STAGED, points.JOB_SIGNED, points.SETTLING, points.SETTLED)
USUAL = (points.KEYS_KEPT, points.MASK_KEPT, points.JOB_COMPUTED, points.JOB_SIGNED, points.SETTLING)


def _some(names):
    return [pytest.param(name, marks=() if name in USUAL else pytest.mark.faults_long) for name in names]


def test_there_are_no_other_points():
    assert set(AT_KEYS + AT_JOBS) == set(points.POINTS)


@pytest.mark.parametrize("point", _some(AT_JOBS))
def test_a_node_is_killed_at(point, purse, rng):
    victim, settles = rng.choice(purse.members), point in (points.SETTLING, points.SETTLED)
    if settles:
        purse.put()  # what it staged becomes current when the next job begins
    victim.die_at(point)
    later = purse.putting()
    victim.died()
    victim.start()
    assert later.result()
    purse.check(look=settles)


@pytest.mark.parametrize("point", _some(AT_KEYS))
def test_a_node_is_killed_when_keys_are_agreed(point, town, rng):
    town.somebody_dies_at(point)
    with closing(Purse(town, rng)) as purse:
        victim = until(lambda: next((node for node in town.nodes if not node.runs), None), "a death", SOON)
        assert victim in purse.members
        victim.died()
        victim.start()
        assert purse.put()
        purse.check()
