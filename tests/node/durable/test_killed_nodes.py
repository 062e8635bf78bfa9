"""Nodes die at every step of their work, and come back: all that was acknowledged is there, and results are right."""

from itertools import count

import pytest
from durable_network import PROGRAM, Committee
from lacking import lacking
from service_client import Contract, Person, compiled

from enigmalang.chain.embedded import EmbeddedEvm
from enigmalang.chain.hub import FULFILLED
from enigmalang.node.durable import points

AT_KEYS = (points.KEYS_MADE, points.KEYS_KEPT, points.KEYS_CONFIRMED)
AT_JOBS = tuple(point for point in points.POINTS if point not in AT_KEYS)


@pytest.fixture(scope="module")
def plan():
    return compiled(PROGRAM)


@pytest.fixture(scope="module")
def evm():
    return EmbeddedEvm()


@pytest.fixture
def committee(tmp_path, evm):
    with Committee(tmp_path, evm) as made:
        yield made


class Story:
    """People who use a contract; `after` happens between each request and its job."""

    def __init__(self, committee: Committee, plan, after=lambda: None):
        self.committee, self.after = committee, after
        self.alice, self.bob = Person("alice"), Person("bob")
        self.kept: Contract = committee.contract(plan, self.alice, "Kept")
        self.kept.fund(self.bob)

    def job(self, name, sender, *args):
        job = self.committee.asked(lambda: self.kept.request(name, sender, *args))
        self.after()
        assert self.committee.done(job) == FULFILLED
        return job

    @property
    def shown(self):
        return list(self.kept.read("shown"))


def check_kept(story, inputs):
    """What the chain says is what each node has; no mask served two jobs. `inputs`: jobs that had one."""
    committee, address = story.committee, story.kept.address
    block = committee.chain.block_number()
    for node in committee.nodes.values():
        assert committee.hub.attachment(address, block).committee == node.committee
        assert lacking(committee.hub, node.state, [address], block) == []
    assert committee.roots(address) == {story.kept.root()}
    masks = [mask for mask in committee.masked if mask]
    assert len(masks) == len(set(masks)) == inputs


def test_all_processes_begin_again_between_request_and_job(committee, plan):
    def again():
        committee.down()
        for node in committee.nodes.values():
            node.die()

    story = Story(committee, plan, again)
    story.job("join", story.alice, 40, True)
    story.job("join", story.bob, 70, True)
    story.job("fill", story.alice, [1, 2, 3], [[1, 2], [3, 4]])
    story.job("total", story.alice)
    story.job("larger", story.bob)
    story.job("swap", story.bob)
    story.job("yes", story.bob)
    story.job("cell", story.bob)
    assert story.shown == [110 + 2000 + 7, 1, 4 + 20]
    mine = story.job("mine", story.bob)
    assert story.kept.private_result(mine, story.bob) == 70
    check_kept(story, 3)


def test_processes_live_on_when_their_mesh_is_lost(committee, plan):
    story = Story(committee, plan, committee.down)
    story.job("join", story.alice, 40, True)
    story.job("join", story.bob, 70, True)
    story.job("total", story.alice)
    assert story.shown == [110]
    check_kept(story, 2)


@pytest.mark.parametrize("point", AT_KEYS)
def test_a_node_dies_when_keys_are_agreed(point, committee, plan):
    node = committee.nodes[2]
    node.fatal = point
    story = Story(committee, plan)
    story.job("join", story.alice, 40, True)
    story.job("total", story.alice)
    assert node.deaths == 1 and story.shown == [40]
    check_kept(story, 1)


@pytest.fixture(scope="module")
def going(tmp_path_factory, evm, plan):
    """A contract that one test after the other uses, and whose people and amounts grow."""
    with Committee(tmp_path_factory.mktemp("going"), evm) as made:
        yield Story(made, plan), count(1), []


@pytest.mark.parametrize("point", AT_JOBS)
def test_a_node_dies_at(point, going):
    story, numbers, amounts = going
    victim = story.committee.nodes[next(numbers) % 3 + 1]
    deaths, person = victim.deaths, Person("somebody")
    story.kept.fund(person)
    victim.fatal = point
    amounts.append(10 ** len(amounts) % 10**9)
    story.job("join", person, amounts[-1], True)
    story.job("total", story.alice)
    assert victim.deaths == deaths + 1
    assert story.shown[-1] == sum(amounts)
    check_kept(story, len(amounts))
