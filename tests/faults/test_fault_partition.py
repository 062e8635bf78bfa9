"""Nodes in network namespaces are cut off from the others, and come back: jobs end, and all agree afterwards."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from fault_links import CannotLink, Links
from fault_purse import PEOPLE, REFUNDED, Purse
from fault_town import LONG, Later, Town, until

from enigmalang.node.remote import RemoteError

#: Seconds that a job has.
JOB = 30


@pytest.fixture(scope="module")
def links() -> Iterator[Links]:
    try:
        with Links() as made:
            yield made
    except CannotLink as error:
        pytest.skip(f"no network namespaces here: {error}")


@pytest.fixture
def linked(links, rng) -> Iterator[Purse]:
    with Town(4, job_time=JOB, prepare=links.join) as town, closing(Purse(town, rng)) as purse:
        for who in PEOPLE:
            assert purse.put(who)
        yield purse


def all_met(purse: Purse) -> None:
    until(lambda: all(node.seat_up(purse.committee) for node in purse.members), "a term of all", LONG)


def opened(purse: Purse) -> int:
    """The job of the contract that waits to be done; 0 when there is none."""
    with purse.town.on_hub() as hub:
        return hub.attachment(purse.address).oldest


def test_a_minority_is_cut_off(linked, links, rng):
    purse, lost = linked, rng.choice(linked.members)
    others = [node for node in purse.members if node is not lost]

    later = purse.putting()  # under way when it happens
    until(lambda: opened(purse), "a request")
    links.cut_off([lost])
    until(lambda: not any(node.seat_up(purse.committee) for node in others), "the end of the term")
    links.heal()
    later.result(JOB + LONG)  # taken or refunded
    all_met(purse)
    purse.check()

    links.cut_off([lost])
    until(lambda: not any(node.seat_up(purse.committee) for node in others), "the end of the term")
    asked = Later(lambda: purse.call("total"))  # of inputs there are none: it can be asked for, and is not done
    with pytest.raises(RemoteError) as refused:
        asked.result(JOB + LONG)
    assert refused.value.code == REFUNDED
    links.heal()
    all_met(purse)
    assert purse.put()
    purse.check()
