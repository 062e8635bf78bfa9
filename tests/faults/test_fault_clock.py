"""Nodes whose clocks are ten minutes ahead, or behind."""

from fault_purse import Purse
from fault_town import Node

SKEW = 600.0


def again(node: Node, skew: float, *, without_state: bool = False) -> None:
    """Begin anew with another clock; `without_state`: having lost keys, masks and shares."""
    node.stop()
    if without_state:
        for path in (node.folder / "data" / "seats").glob("state.db*"):
            path.unlink()
    node.skew = skew
    node.start()
    node.serving()


def test_clocks_that_are_wrong(purse: Purse):
    ahead, behind, _ = members = purse.members
    again(ahead, SKEW)
    again(behind, -SKEW)
    assert purse.put()
    purse.check()
    for node in members:
        if node.skew:
            again(node, 0.0)
    purse.check()


def test_a_clock_that_goes_back_between_two_recoveries(purse: Purse, rng):
    """What a node asks the others for may not depend on what its clock said before."""
    node = rng.choice(purse.members)
    again(node, SKEW, without_state=True)
    purse.check()
    again(node, -SKEW, without_state=True)
    purse.check()
    again(node, 0.0)
    assert purse.put()
    purse.check()
