"""The chain dies and comes back, with all it had or without its last blocks: nodes go on by themselves."""

import signal
from contextlib import closing, suppress

import pytest
from fault_purse import Purse
from fault_town import SOON, Later, Node, Town, until

from enigmalang.chain.errors import ChainError
from enigmalang.chain.hub import OPEN
from enigmalang.node.devnet.chain import KEPT
from enigmalang.node.devnet.folder import chain_folder
from enigmalang.node.remote import RemoteError


def silent(node: Node, since: int) -> bool:
    """Whether a node has said, after so many characters of its log, that it does not hear the chain."""
    return "chain does not answer" in node.log()[since:] and node.status()["chain"]["silent_seconds"] > 1


def waiting(purse: Purse) -> int:
    """The first open job of the contract; 0 when there is none."""
    with purse.town.on_hub() as hub:
        return hub.attachment(purse.address).oldest


def ended(purse: Purse, job: int) -> bool:
    with purse.town.on_hub() as hub:
        return hub.job(job).status != OPEN


def asked(purse: Purse) -> Later:
    """A job that is under way; who asked for it may never learn what became of it."""

    def ask() -> None:
        with suppress(ChainError, RemoteError):
            purse.call("total")

    return Later(ask)


def kept(town: Town) -> int:
    """Bytes of what makes the chain."""
    return (chain_folder(town.folder) / KEPT).stat().st_size


def forget(town: Town, size: int) -> None:
    """The chain, which does not run, loses what came later."""
    with open(chain_folder(town.folder) / KEPT, "ab") as file:
        file.truncate(size)


def test_a_chain_that_is_away_for_a_while(purse: Purse, town: Town, rng):
    frozen = rng.choice(purse.members)
    frozen.signal(signal.SIGSTOP)
    later = asked(purse)
    job = until(lambda: waiting(purse), "a request", SOON)
    said = {node.number: len(node.log()) for node in town.nodes}
    town.kill_chain()
    frozen.signal(signal.SIGCONT)
    until(lambda: all(silent(node, said[node.number]) for node in town.nodes), "nodes that miss the chain", SOON)
    town.start_chain()
    until(lambda: ended(purse, job), "the job's end")
    later.result()
    assert purse.put()
    purse.check()


def test_a_chain_that_lost_a_request(purse: Purse, town: Town, rng):
    """The job that nodes wait to do was never asked for."""
    before, frozen = kept(town), rng.choice(purse.members)
    frozen.signal(signal.SIGSTOP)
    later = asked(purse)
    until(lambda: waiting(purse), "a request", SOON)
    town.kill_chain()
    forget(town, before)
    town.start_chain()
    frozen.signal(signal.SIGCONT)
    assert not waiting(purse)
    assert purse.put()
    purse.check()
    later.result()


def test_a_chain_that_lost_a_result(purse: Purse, town: Town):
    """What the nodes had computed, signed and seen fulfilled did not happen: they have what was before, too."""
    assert purse.put("alice")
    before, had = kept(town), dict(purse.has)
    assert purse.put("alice")
    town.kill_chain()
    forget(town, before)
    purse.has = had  # whoever put something down finds what was there before
    said = {node.number: len(node.log()) for node in town.nodes}
    town.start_chain()
    purse.check()  # its first job has the number of the one that was lost, and is not taken for that
    assert not any("do not agree" in node.log()[said[node.number]:] for node in town.nodes)
    assert purse.put("alice")
    purse.check()


@pytest.mark.faults_long
def test_a_chain_that_lost_what_nodes_have_gone_on_from(town: Town, rng):
    """Shares of before are gone: nobody can compute on them, and nodes say so. (Who waits for confirmations does not
    come here; a development chain has none.)"""
    with closing(Purse(town, rng)) as purse:
        assert purse.put("alice")
        purse.check()
        before = kept(town)
        assert purse.put("alice")
        purse.check()  # a job on what that one wrote: it is current at all nodes
        town.kill_chain()
        forget(town, before)
        town.start_chain()
        later = asked(purse)
        until(lambda: all("private state is missing" in node.log() for node in purse.members), "words", SOON)
        assert all(node.runs for node in town.nodes)
        later.result()  # refunded
