"""Nodes whose state is not that of the others: nobody computes with them before it is, and then all goes on."""

import pytest
from durable_network import PROGRAM, Committee, T
from lacking import Lack, lacking
from service_client import Contract, Person, compiled

from enigmalang.chain import development
from enigmalang.chain.hub import FULFILLED, OPEN
from enigmalang.execute.onchain import TRIES
from enigmalang.execute.ports import EngineError
from enigmalang.fields import M61
from enigmalang.node.durable import points
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.handover import (
    decode_layout,
    encode_layout,
    filled,
    kinds_of,
    layout_digest,
    shares_of,
    state_at,
)
from enigmalang.node.durable.state import Begun
from enigmalang.plan.codec import encode_plan, hash_plan
from enigmalang.sharing import Keys, structure
from enigmalang.sharing.recovery import Helper, Request, restore
from enigmalang.wire import messages as msg


@pytest.fixture(scope="module")
def plan():
    return compiled(PROGRAM)


@pytest.fixture(scope="module")
def committee(tmp_path_factory):
    with Committee(tmp_path_factory.mktemp("disks")) as made:
        yield made


@pytest.fixture
def kept(committee, plan):
    """A contract of alice's."""
    made = committee.contract(plan, alice := Person("alice"), "Kept")
    made.alice = alice
    return made


def done(kept: Contract, committee: Committee, name, *args):
    job = committee.asked(lambda: kept.request(name, kept.alice, *args))
    assert committee.done(job) == FULFILLED


def execute(kept, committee, job, block=None):
    """What the nodes say when they are told to compute it."""
    (opened,) = [e for e in committee.hub.events(["Opened"]) if e.fields["job"] == job]
    at = committee.chain.block_number() if block is None else block
    return committee.ask(lambda n: msg.Execute(n, job, opened.log.block, at, hash_plan(kept.plan),
                                               encode_plan(kept.plan)), msg.Executed)


def refusals(replies):
    assert not any(reply.signature for reply in replies.values())
    return {node: reply.error for node, reply in replies.items()}


def recovered(committee, number, lack):
    """What node `number` gets of the others for a contract (`sharing.recovery`): t + 1 of them."""
    shape = structure(3, T)
    request, answers, layouts = Request(lack.there, number, 1), {}, set()
    for node in committee.nodes.values():
        if node.number != number:
            values = state_at(node.state, lack.contract, lack.there)
            kept = node.state.keys()
            assert values is not None and kept is not None
            keys = Keys.decode(kept[0], node.number, 3, T)
            shares = shares_of(values, M61, shape.pieces(node.number))
            answers[node.number] = Helper(keys, {}).answer(request, shares)
            layouts.add(encode_layout(values))
    (told,) = layouts
    layout = decode_layout(told)
    return filled(layout, restore(shape, number, kinds_of(layout, M61), answers).values)


def test_a_node_that_lost_its_disk_is_missed_and_made_whole(committee, kept):
    done(kept, committee, "join", 40, True)
    done(kept, committee, "fill", [1, 2, 3], [[1, 2], [3, 4]])
    done(kept, committee, "larger")
    masked = committee.asked(lambda: kept.request("join", kept.alice, 2, False))  # its mask is known to all now
    committee.nodes[3].die(disk=False)
    committee.down()
    assert committee.meet()  # it has its keys again, but neither masks nor state
    said = refusals(execute(kept, committee, masked))
    assert "do not have the private state" in said[3] and said[1] == said[2] == "node 3 cannot compute it now"
    block, node = committee.chain.block_number(), committee.nodes[3]
    (lack,) = lacking(committee.hub, node.state, [kept.address], block)
    assert lack == Lack(kept.address, bytes(32), kept.root())
    node.state.replace(kept.address, lack.there, recovered(committee, 3, lack))
    assert lacking(committee.hub, node.state, [kept.address], block) == []
    committee.down()
    assert committee.done(masked) == FULFILLED  # with a mask that it took over from the others
    done(kept, committee, "total")
    done(kept, committee, "yes")
    done(kept, committee, "cell")
    assert list(kept.read("shown")) == [2 * 2 + 2000 + 7, 0, 1 + 30]
    digests = {layout_digest(b"", node.state.values(kept.address).items()) for node in committee.nodes.values()}
    assert len(digests) == 1


def test_the_shares_that_become_current_are_those_of_the_run_that_the_chain_took(committee, kept, monkeypatch):
    """A job is computed twice on one version of the state; a node dies before it staged the second run, and the outcome
    of the first is sent. Shares of the two would not fit together."""
    done(kept, committee, "fill", [1, 2, 3], [[1, 2], [3, 4]])
    send, first = committee.operator._send, []
    monkeypatch.setattr(committee.operator, "_send", lambda *outcome: first.append(outcome))
    job = committee.asked(lambda: kept.request("best", kept.alice))
    committee.operator.step()
    committee.down()
    assert committee.meet()
    others = [committee.nodes[number].reached[points.JOB_SIGNED] for number in (1, 2)]
    for event in others:
        event.clear()
    committee.nodes[3].fatal = points.JOB_COMPUTED
    committee.nodes[3].last = lambda: [event.wait(60) for event in others]
    with pytest.raises(EngineError, match="a node died"):
        execute(kept, committee, job)
    send(*first[0])
    assert committee.hub.job(job).status == FULFILLED
    monkeypatch.undo()
    staged = [{stage.root for stage in node.state.staged(kept.address)} for node in committee.nodes.values()]
    assert [len(roots) for roots in staged] == [2, 2, 1] and kept.root() in set.intersection(*staged)
    done(kept, committee, "total")
    assert list(kept.read("shown")) == [3000 + 7]
    assert committee.roots(kept.address) == {kept.root()}


def test_a_node_without_the_shares_that_the_chain_took_says_so(committee, kept, monkeypatch):
    """What the others staged under the chain's root, it can be given."""
    done(kept, committee, "join", 40, True)
    keep = committee.nodes[2].state.__class__.stage
    monkeypatch.setattr(committee.nodes[2].state.__class__, "stage",
                        lambda state, stage, values: None if state._file is committee.nodes[2].kept.file
                        else keep(state, stage, values))
    done(kept, committee, "larger")
    monkeypatch.undo()
    job = committee.asked(lambda: kept.request("yes", kept.alice))
    block = committee.chain.block_number()
    assert state_at(committee.nodes[2].state, kept.address, kept.root()) is None
    said = refusals(execute(kept, committee, job))
    assert "do not have the private state" in said[2]
    (lack,) = lacking(committee.hub, committee.nodes[2].state, [kept.address], block)
    committee.nodes[2].state.replace(kept.address, lack.there, recovered(committee, 2, lack))
    committee.down()
    assert committee.done(job) == FULFILLED and list(kept.read("shown")) == [0]


def test_how_often_a_job_was_computed_is_not_forgotten(committee, kept):
    """Each block may show something else: after so many a node computes it no more, whatever happened in between."""
    job = committee.asked(lambda: kept.request("join", kept.alice, 40, True))
    blocks = []
    for _ in range(2):
        blocks.append(committee.chain.block_number())
        assert all(reply.signature for reply in execute(kept, committee, job).values())
        committee.down()
        assert committee.meet()
        assert all(reply.signature for reply in execute(kept, committee, job).values())  # on the same block
        development.advance(committee.chain, blocks=1)
    node = committee.nodes[1]
    assert node.state.begun(job) == Begun(frozenset(blocks), 4)
    for number in range(TRIES - 2):
        node.state.begin(kept.address, job, number)
    node.die()
    committee.down()
    assert committee.meet()
    said = refusals(execute(kept, committee, job))
    assert said == {1: f"job {job} was computed {TRIES} times", 2: "node 1 cannot compute it now",
                    3: "node 1 cannot compute it now"}
    assert committee.hub.job(job).status == OPEN


def test_different_requests_end_before_anything_is_computed(committee, kept):
    job = committee.asked(lambda: kept.request("join", kept.alice, 40, True))
    (opened,) = [e for e in committee.hub.events(["Opened"]) if e.fields["job"] == job]
    block = committee.chain.block_number()
    development.advance(committee.chain, blocks=1)
    request = msg.Execute(1, job, opened.log.block, block, hash_plan(kept.plan), b"")
    later = msg.Execute(1, job, opened.log.block, block + 1, hash_plan(kept.plan), b"")
    replies = committee._together({
        number: lambda n=node: n.service.answer(later if n.number == 2 else request)
        for number, node in committee.nodes.items()})
    assert set(refusals(replies).values()) == {"the nodes were asked for different things"}
    assert committee.done(job) == FULFILLED


def test_a_node_whose_disk_is_full_signs_nothing_and_stops_nobody(committee, kept):
    """The others, t + 1 of them, sign; when there is room again it gets what it missed."""
    done(kept, committee, "join", 40, True)
    job = committee.asked(lambda: kept.request("larger", kept.alice))
    node = committee.nodes[2]

    class Full(type(node.state)):
        def stage(self, stage, values):
            raise StateError("there is no room left")

    node.service._keeper._state = Full(node.kept.file, node.committee)
    replies = execute(kept, committee, job)
    assert {number: bool(reply.signature) for number, reply in replies.items()} == {1: True, 2: False, 3: True}
    assert replies[2].error == "there is no room left" and not replies[2].words
    committee.down()
    assert committee.done(job) == FULFILLED
    assert lacking(committee.hub, node.state, [kept.address], committee.chain.block_number()) == []


def test_a_layout_is_canonical_and_shares_must_fit_it(committee, kept):
    done(kept, committee, "fill", [1, 2, 3], [[1, 2], [3, 4]])
    state = committee.nodes[1].state
    assert lacking(committee.hub, state, [kept.address], committee.chain.block_number()) == []
    values = state.values(kept.address)
    data = encode_layout(values)
    layout = decode_layout(data)
    assert not any(value.data for value in layout.values() if not value.public)
    shares = shares_of(values, M61, 2)
    assert list(shares) == sorted(shares) == list(kinds_of(layout, M61))
    assert encode_layout(filled(layout, shares)) == data
    text = next(iter(shares))
    for wrong in ({}, shares | {text: next(s for s in shares.values() if s.shape != shares[text].shape)}):
        with pytest.raises(StateError):
            filled(layout, wrong)
    for malformed in (b"", b"\xc1", data[:-1], encode_layout({})[:0] + b"\x91\x92\xa1x\xa1y"):
        with pytest.raises(StateError):
            decode_layout(malformed)


def test_a_job_that_has_ended_is_open_no_longer(committee, kept):
    """At once, and not when its turn comes again: others may be computed for long before that."""
    done(kept, committee, "fill", [1, 2, 3], [[1, 2], [3, 4]])
    job = committee.asked(lambda: kept.request("total", kept.alice))
    assert committee.done(job) == FULFILLED and job not in committee.operator.open_jobs
