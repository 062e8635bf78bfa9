"""What the hub says of contracts that moved: which committee a job counts for, and which state was taken last."""

import pytest
from daemon_world import PARAMETERS, PASSING, key_of

from enigmalang.chain import development
from enigmalang.chain import digests as d
from enigmalang.chain.client import Chain
from enigmalang.chain.compiling import compile_source
from enigmalang.chain.embedded import faucet_key
from enigmalang.chain.formations import formation
from enigmalang.chain.hub import EMPTY
from enigmalang.chain.interface import Interface
from enigmalang.node.draws import _records
from enigmalang.node.durable import settling
from enigmalang.node.durable.settling import SettledRoots

OLD, NEW = ("ann", "ben", "cid"), ("dan", "eva", "fay")
FUNCTION = d.function_digest("C", "f")
ROOTS = [bytes([number]) * 32 for number in (1, 2)]


class Town:
    """A contract that keeps no state itself, and two committees."""

    def __init__(self, world):
        self.world, self.hub, self.chain = world, world.hub, world.chain
        for name in (*OLD, *NEW):
            world.register(name)
        self.old, self.new = world.form(*OLD), world.form(*NEW)
        passing = compile_source(PASSING.read_text("utf-8"), "Passing")
        self._interface = Interface(passing.abi)
        from eth_abi.abi import encode

        self._code = passing.init + encode(self._interface.constructor, (self.hub.address, self.old, 0))
        self.contract = self.deployed()

    def deployed(self):
        return self.chain.deploy(faucet_key(), self._code).contract

    def send(self, name, *args, value=0):
        self.chain.send(faucet_key(), self.contract, self._interface.methods[name].encode(args), value)

    def request(self):
        self.send("request", FUNCTION, EMPTY, 0, value=10**15)
        return self.hub.attachment(self.contract).newest

    def fulfil(self, job, names, root=EMPTY):
        at = self.hub.attachment(self.contract)
        call = d.Call(self.contract, at.committee, job, FUNCTION, EMPTY)
        version = at.settled - at.since if at.committee == self.old else at.settled - 1
        digest = d.result_digest(self.hub.domain, call, version, EMPTY, root, d.Work())
        signed = [d.sign(digest, key_of(name).reveal()) for name in names[:2]]
        self.send("fulfil", job, FUNCTION, EMPTY, version, EMPTY, root, (0, 0, 0), [(s.r, s.s, s.v) for s in signed])

    def move(self):
        settled = self.hub.attachment(self.contract).settled
        consent = formation(self.hub, self.new, 0, self.chain.block_number()).consent
        digest = d.handover_digest(self.hub.domain, self.contract, self.old, self.new, consent, settled, EMPTY)
        ours, theirs = ([d.sign(digest, key_of(name).reveal()) for name in names[:2]] for names in (OLD, NEW))
        self.hub.reattach(faucet_key(), self.contract, consent, settled, EMPTY, ours, theirs)

    def records(self):
        """How many jobs members of the old and the new committee have ended, and let expire."""
        served, faults = _records(self.hub, self.chain.block_number(), 0)
        return [tuple(counts[key_of(name).address] for counts in (served, faults)) for name in (OLD[0], NEW[2])]

    def wait(self):
        development.advance(self.chain, seconds=PARAMETERS.job_time + 1)


@pytest.fixture
def town(world):
    return Town(world)


def test_a_job_counts_for_the_committee_that_ended_it(town):
    first, second, third = (town.request() for _ in range(3))
    town.fulfil(first, OLD)
    town.move()
    town.fulfil(second, NEW)
    assert town.records() == [(1, 0), (1, 0)]
    town.wait()
    town.hub.fail(faucet_key(), third)
    assert town.records() == [(1, 0), (1, 1)]


def test_a_job_that_was_overdue_when_its_contract_moved_is_the_old_committee_s_fault(town):
    job = town.request()
    town.wait()
    town.move()
    town.hub.fail(faucet_key(), job)
    assert town.records() == [(0, 1), (0, 0)]


def test_the_hub_knows_the_root_that_was_signed_last(town):
    head, watching = town.chain.block_number, SettledRoots(town.hub)

    def root():
        """By one who looks for the first time, and by one who has looked before."""
        found = watching.at(town.contract, head())
        assert SettledRoots(town.hub).at(town.contract, head()) == found
        return found

    assert root() == EMPTY
    jobs = [town.request(), town.request()]
    town.fulfil(jobs[0], OLD, ROOTS[0])
    before = head()
    assert root() == ROOTS[0]
    town.move()
    assert root() == root() == ROOTS[0]
    town.fulfil(jobs[1], NEW, ROOTS[1])
    assert root() == ROOTS[1]
    assert watching.at(town.contract, before) == ROOTS[0]


def test_blocks_before_a_contract_was_attached_are_not_looked_at(town, monkeypatch):
    """However old the hub is: a contract that never had a result costs as much as it is old, and that once."""
    monkeypatch.setattr(settling, "BLOCKS", 10)
    head, logs, asked = town.chain.block_number, Chain.logs, []

    def counted(chain, address, topics, first, last):
        asked.append((first, last))
        return logs(chain, address, topics, first, last)

    development.advance(town.chain, blocks=50)
    other = Town.__new__(Town)
    other.__dict__.update(town.__dict__, contract=town.deployed())
    other.move()
    monkeypatch.setattr(Chain, "logs", counted)
    made, roots = head(), SettledRoots(town.hub)
    assert roots.at(other.contract, made) == EMPTY and min(asked)[0] > made - 20
    development.advance(town.chain, blocks=5)
    asked.clear()
    assert roots.at(other.contract, head()) == EMPTY and min(asked)[0] == made + 1


def test_how_a_committee_came_to_be(town):
    head = town.chain.block_number()
    found = formation(town.hub, town.new, 0, head)
    assert found.members == tuple(key_of(name).address for name in NEW)
    assert (found.number, found.threshold, found.rotation) == (town.new, 1, 0)
    assert formation(town.hub, town.new, 0, found.block - 1) is None
    assert formation(town.hub, 99, 0, head) is None
    assert found.consent != formation(town.hub, town.old, 0, head).consent
