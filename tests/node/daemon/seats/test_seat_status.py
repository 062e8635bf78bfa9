"""What `enig node status` says of committees: what a node serves now, its jobs, what they wait for, what is over."""

from dataclasses import replace

import pytest
from daemon_world import World
from seat_nodes import LONG, PACE, Client, Nodes, compiled, development, until

from enigmalang.chain.hub import EXPIRED, FULFILLED
from enigmalang.node.daemon.seats.handing.handing import Handing
from enigmalang.node.daemon.seats.seat import SeatStatus
from enigmalang.node.daemon.seats.telling import LastJob, Serving, past, summary
from enigmalang.node.daemon.status import lines

HERE, THERE = SeatStatus(3, 2, 5, 7, 2, True), SeatStatus(4, 1, 3, 1, 3, True)


def test_jobs_in_words():
    jobs = {8: ("0xaa", ""), 9: ("0xaa", "waits for job 8 of the same contract")}
    led = Serving(HERE, ("0xaa",), jobs, 4.2, None)
    assert led.line.endswith("led here (term 7); serves 0xaa")
    assert led.job_lines() == ["job 8 of 0xaa: computed now, for 4 s",
                               "job 9 of 0xaa: waits for job 8 of the same contract"]
    assert replace(led, busy=0.0).job_lines()[0] == "job 8 of 0xaa: its turn has come"
    assert replace(led, seat=THERE, busy=0.0).job_lines()[0].endswith("seat 3 leads it")
    apart = replace(led, seat=replace(HERE, up=False))
    assert apart.job_lines()[0] == "job 8 of 0xaa: waits until all members of the committee have met"
    assert replace(led, contracts=()).line.endswith("serves no contract")
    assert replace(led, contracts=None).line.endswith("is being read")


def test_all_of_it_in_a_sentence():
    assert summary([], 0.0) == "no committee: it waits to be drawn for one"
    one = Serving(HERE, (), {}, 0.0, None)
    assert summary([one], 0.0) == "1 committee: 1 met, 1 led here; computes nothing now; 0 open jobs"
    two = Serving(THERE, (), {5: ("0xaa", "")}, 1.0, LastJob(4, "0xaa", EXPIRED, 90.0))
    older = replace(one, last=LastJob(3, "0xbb", FULFILLED, 10.0))
    assert summary([older, two], 100.0) == (
        "2 committees: 2 met, 1 led here; computes in 1; 1 open job; the last job was 4, not done in time, and "
        "refunded, 10 s ago")
    assert two.told(100.0)["last_job"] == {
        "job": 4, "contract": "0xaa", "ended": "not done in time, and refunded", "seconds_ago": 10.0}


def test_what_is_over():
    assert past((), ()) == []
    leaving, over = past((2, 1), (3,))
    assert leaving == "leaving committee 3" and over.startswith("over: committee 1, 2;")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Three, whose committees last an hour of the chain."""
    calm = replace(PACE, timing=replace(PACE.timing, meet=12.0), poll=0.2, look=1.0)
    with World() as world, Nodes(world, tmp_path_factory.mktemp("nodes"), 3, calm, refresh_hours=1.0) as running:
        yield running


def test_a_node_says_what_it_serves_now(nodes, monkeypatch):
    """Before, when it begins, while it does, and when another committee has taken over."""
    node = nodes.all["node1"]
    begin, early = Handing.begin, []

    def begun(self, *args):
        early.append((self.told.trouble, node.daemon.status()["jobs"]["under_way"], node.part.trouble()))
        begin(self, *args)

    monkeypatch.setattr(Handing, "begin", begun)
    assert "no committee" in "\n".join(lines(node.daemon.status()))
    client = Client(nodes, compiled())
    job = client.call("put", 40).job

    def told():
        return node.daemon.status()["parts"]["seats"]

    def ended(job):
        return [each["last_job"] for each in told()["serves"] if each["last_job"] and each["last_job"]["job"] == job]

    assert early and set(early) == {("", 0, "")}
    (last,) = until(lambda: ended(job), "the job's end", LONG)
    assert last["ended"] == "fulfilled" and last["contract"] == client.address
    until(lambda: told()["serves"][0]["contracts"] == [client.address], "what it serves", LONG)
    text = "\n".join(lines(node.daemon.status()))
    assert f"serves     contract {client.address} in committee {client.committee}" in text
    assert f"the last job was {job}, fulfilled" in text and "0 open jobs" in text
    development.advance(nodes.world.chain, seconds=3600)
    until(lambda: nodes.world.hub.attachment(client.address).committee != client.committee, "a hand-over", LONG)
    new = nodes.world.hub.attachment(client.address).committee
    until(lambda: [each["committee"] for each in told()["serves"]] == [new] and told()["over"] == [client.committee]
          and not told()["leaving"] and told()["serves"][0]["contracts"] == [client.address], "the new committee", LONG)
    status = node.daemon.status()
    text = "\n".join(lines(status))
    assert client.committee in status["committees"], "the hub still lists it"
    assert f"serves     contract {client.address} in committee {new}\n" in text
    assert f"over: committee {client.committee};" in text
