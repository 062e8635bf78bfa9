"""What nodes keep in memory is bounded, however many jobs they do, and of however many contracts."""

import gc
import sys
import threading
from collections import Counter

import pytest
from daemon_world import World
from seat_nodes import LONG, Client, Nodes, compiled

from enigmalang.chain import follow
from enigmalang.node.daemon.seats import computing, part
from enigmalang.node.remote import connect
from enigmalang.node.remote_calls import deploy

#: Rounds of jobs before what is there is counted, and until it is counted again: two jobs each.
WARM, COUNTED = 3, 6
#: What the chain of the test remembers lies in this process, too; and what is kept of tests.
ELSEWHERE = ("enigmalang.chain.records", "enigmalang.chain.kept", "enigmalang.ethereum")


@pytest.fixture(scope="module")
def plan():
    return compiled()


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, World() as world:
        patch.setattr(follow, "MEMORY", 4)
        with Nodes(world, tmp_path_factory.mktemp("nodes"), 3) as running:
            yield running


def ours() -> "Counter[str]":
    """How many objects there are of each type of this program.

    No other thread runs while all objects are looked at: one that is in the middle of making a tuple would find that
    somebody else has it, which CPython does not forgive (issue 59313).
    """
    gc.collect()
    before = sys.getswitchinterval()
    sys.setswitchinterval(3600.0)
    try:
        threading.Event().wait(0.1)  # who waits for the interpreter from now on does so for an hour
        types = [type(each) for each in gc.get_objects()]
    finally:
        sys.setswitchinterval(before)
    names = [f"{each.__module__}.{each.__qualname__}" for each in types if isinstance(each.__module__, str)]
    return Counter(name for name in names if name.startswith("enigmalang.") and not name.startswith(ELSEWHERE))


def test_nothing_is_kept_of_jobs_that_have_ended(nodes, plan):
    """Among all types of objects there is none of which three nodes have one more for each round of jobs."""
    client = Client(nodes, plan)
    for number in range(3):
        client.call("put", number + 1, who=f"person {number}")

    def rounds(count: int) -> None:
        for number in range(count):
            assert client.call("mine", who=f"person {number % 3}").leaves == [number % 3 + 1]
            assert client.call("agree", 1, who="alice").leaves == []

    rounds(WARM)
    before = ours()
    rounds(COUNTED)
    after = ours()
    grown = {name: after[name] - before[name] for name in after if after[name] - before[name] >= COUNTED}
    assert not grown, grown


def test_a_term_serves_a_number_of_contracts_and_then_the_members_meet_anew(nodes, plan, monkeypatch):
    """No job is lost by that."""
    monkeypatch.setattr(computing, "CONTRACTS", 2)
    client = Client(nodes, plan)
    chain = connect(str(nodes.world.socket))
    with chain.evm:
        others = [deploy(chain, client.network, plan, "Pool", client.identity, []) for _ in range(2)]
    member = nodes.in_seats(client.members)[0].member(client.committee)
    terms = set()
    for amount, address in enumerate([client.address, *others, client.address], 5):
        client.address = address
        assert client.call("put", amount, who=f"person {amount}").leaves == []
        assert client.call("mine", who=f"person {amount}").leaves == [amount]
        terms.add(member.seat.status.term)
    assert len(terms) > 1


def test_free_memory_is_handed_back_now_and_then(nodes, monkeypatch):
    trimmed = threading.Semaphore(0)
    monkeypatch.setattr(part, "HAND_BACK", 0.0)
    monkeypatch.setattr(part.heap, "trim", lambda size: trimmed.release())
    for node in nodes.all.values():
        node.part._next_trim = 0.0
    assert all(trimmed.acquire(timeout=LONG) for _ in range(2 * len(nodes.all)))
