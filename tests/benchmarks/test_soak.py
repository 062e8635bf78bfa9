"""The soak in short: real processes under jobs, stores and kills; and that it would tell what goes wrong."""

import os
import sys
from dataclasses import dataclass, field
from subprocess import PIPE, Popen
from types import SimpleNamespace

import pytest

from benchmarks.soak import watching
from benchmarks.soak.audit import audit_jobs
from benchmarks.soak.command import soak
from benchmarks.soak.jobs import Asked
from benchmarks.soak.options import Options, arguments
from benchmarks.soak.report import as_json, as_text
from benchmarks.soak.watching import WARM, Life, Watch, trend

ALICE, BOB = "0xa", "0xb"


def test_a_network_under_kills_loses_nothing():
    """About 80 seconds on two quiet cores. Every job is right or refunded, every stored value is there, and a file
    outlives two of its holders."""
    said = []
    report = soak(Options(nodes=5, clients=3, kill_every=3.0, jobs=20, seed=20, file_bytes=600_000), said.append)
    assert not report.faults, "\n".join([*said, as_text(report)])
    counts = report.audit.counts
    assert counts["right"] + counts["refunded"] == sum(counts.values()) == report.jobs + report.final
    assert report.jobs == 20 and report.kills and report.loss is not None and len(report.loss.killed) == 2
    assert report.stranger is not None and report.stranger.refused
    told = as_json(report)
    assert told["outcomes"] == dict(counts) and told["faults"] == [] and "all well" in as_text(report)


@dataclass
class Hub:
    """As much of one as an audit reads."""

    told: list = field(default_factory=list)

    def event(self, name, job, who=ALICE):
        self.told.append(SimpleNamespace(name=name, fields={"job": job, "requester": who, "contract": "0xc"}))

    def events(self, names):
        return [event for event in self.told if event.name in names]


def audited(hub, *asked):
    return audit_jobs(hub, {"Balances": "0xc"}, asked)


def job(number, function, args, leaves, who=ALICE):
    return Asked(who, "Balances", function, args, 0.0, number, leaves)


@pytest.fixture
def hub():
    hub = Hub()
    for number in (1, 2, 3):
        hub.event("Opened", number)
    hub.event("Settled", 1)
    hub.event("Expired", 2)
    hub.event("Settled", 3)
    return hub


def test_jobs_are_held_against_the_model_in_the_hubs_order(hub):
    found = audited(hub, job(3, "mine", [], [5]), job(1, "deposit", [5], []), job(2, "deposit", [7], None))
    assert not found.faults and found.counts == {"right": 2, "refunded": 1}


def test_a_wrong_result_is_told(hub):
    found = audited(hub, job(1, "deposit", [5], []), job(2, "deposit", [7], None), job(3, "mine", [], [12]))
    assert found.counts["wrong"] == 1 and "[12] instead of [5]" in found.faults[0]


def test_what_has_no_end_or_no_result_or_nobody_that_asked_is_told(hub):
    hub.event("Opened", 4)
    hub.event("Opened", 5)
    found = audited(hub, job(1, "deposit", [5], []), job(2, "deposit", [7], None), job(3, "mine", [], None),
                    job(4, "mine", [], None), job(0, "mine", [], None))
    assert found.counts == {"right": 1, "refunded": 1, "unfetched": 1, "open": 1, "unsent": 1}
    assert [words for fault in found.faults for words in ("no result", "still open", "nobody", "never sent")
            if words in fault] == ["no result", "still open", "nobody", "never sent"]


def test_memory_that_grows_is_told_from_memory_that_wavers():
    times = [float(t) for t in range(0, 600, 2)]
    assert trend(1, "memory", times, [1e8 + 5e6 * (t % 7) for t in times]).flat
    assert not trend(1, "memory", times, [1e8 + 1e5 * t for t in times]).flat
    slow = trend(1, "memory", times, [1e8 + 1.2e4 * t for t in times])  # 7.2 MB in ten minutes
    assert not slow.flat and slow.first < 1.006e8 < 1.066e8 < slow.last < slow.median + 3.6e6
    assert trend(1, "threads", times, [40.0 + t % 5 for t in times]).flat
    assert not trend(1, "threads", times, [40.0 + t / 40 for t in times]).flat


def test_options_are_read():
    options, save = arguments(["--minutes", "2", "--jobs", "9", "--kill-every", "0", "--spare", "2",
                               "--save", "x.json"])
    assert (options.minutes, options.jobs, options.kill_every, str(save)) == (2.0, 9, 0.0, "x.json")
    assert options.spare == 2
    for words in (["--nodes", "2"], ["--spare", "0"], ["--nodes", "4", "--spare", "4"]):
        with pytest.raises(SystemExit):
            arguments(words)


def test_a_life_is_judged_when_it_was_long_enough_and_after_it_has_warmed_up(tmp_path):
    """Of each node the longest; a spared one is judged, one that is killed all the time is not."""
    watch = Watch(SimpleNamespace(nodes=(), folder=tmp_path))
    watch.close()
    for node, number, began, seconds in ((1, 1, 0, 400), (1, 2, 400, 800), (2, 1, 0, 1000)):
        life = watch.lives[node, number] = Life(node, number)
        for t in range(0, seconds, 2):
            grown = min(t, WARM) * 1e5  # until it is warm
            life.rows.append((float(began + t), 8e7 + grown, 40.0, 30.0, 1.6e8))
    found = watch.trends()
    assert [(each.node, each.what) for each in found] == [(2, "memory"), (2, "threads"), (2, "files")]
    assert all(each.flat and each.first == each.last for each in found)
    assert watch.courses().keys() == {2} and watch.peak() == 1.6e8


def test_a_process_and_what_it_started_are_measured():
    with Popen([sys.executable, "-c", "input()"], stdin=PIPE) as child:
        assert {os.getpid(), child.pid} <= set(watching._family(os.getpid()))
        assert watching._resident(os.getpid()) > watching._resident(child.pid) > 0
        child.communicate(b"\n")
    memory, threads, files, resident = watching._sample(os.getpid())
    assert 0 < memory < resident and threads >= 1 and files >= 3
    assert watching._sample(child.pid) is None and watching._resident(child.pid) == 0
