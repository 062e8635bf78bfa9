"""Workers that die, hang or lie: an EngineError that names the node and the reason, in time, and nothing is
left.

The time-outs given to clusters here are short so that the tests are; whether a test passes does not depend
on how fast the machine is.
"""

import os
import signal
import threading
import time

import numpy as np
import pytest
from node_helpers import LONG, chain, children, endless, impatient, rogue, run_product, wait_gone

from enigmalang.execute.ports import EngineError
from enigmalang.node.cluster import Cluster
from enigmalang.node.processes import Processes
from enigmalang.wire import messages as msg

SHORT = 5.0  # longer than a busy machine keeps a process from working


class _Run(threading.Thread):
    """An endless run in a thread, and the error that ended it."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self.error: EngineError | None = None
        self._cluster = cluster
        self._told = threading.Event()
        self._watch_requests()
        self.start()

    def _watch_requests(self) -> None:
        control = self._cluster._control
        assert control is not None
        send_all = control.send_all

        def send(message: msg.Message) -> None:
            send_all(message)
            if isinstance(message, (msg.Run, msg.Job)):
                self._told.set()

        control.send_all = send  # type: ignore[method-assign]

    def run(self) -> None:
        try:
            self._cluster.run(*endless())
        except EngineError as error:
            self.error = error

    def wait_under_way(self) -> None:
        """Until every node has made progress twice since the nodes were told to run."""
        control = self._cluster._control
        assert control is not None
        deadline = time.monotonic() + LONG
        signs, seen = control._watch._signs, dict[int, set[int]]()
        while time.monotonic() < deadline and self.is_alive():
            if self._told.is_set():
                for node, sign in signs.items():
                    seen.setdefault(node, set()).add(sign.progress)
                if all(len(progress) > 2 for progress in seen.values()):
                    return
            time.sleep(0.02)
        pytest.fail("the run does not get under way")

    def ended(self) -> str:
        self.join(LONG)
        assert not self.is_alive()
        assert self.error is not None
        return str(self.error)


def _started(limit: float = LONG) -> Cluster:
    cluster = Cluster.start(timeout=LONG)
    run_product(cluster)  # kernels are loaded, everybody is at work
    return impatient(cluster, limit)


@pytest.mark.parametrize(("how", "text"), [(signal.SIGKILL, "signal 9"), (signal.SIGTERM, "signal 15")])
def test_killed_in_the_middle(how: signal.Signals, text: str) -> None:
    with _started() as cluster:
        pids = list(cluster.pids.values())
        run = _Run(cluster)
        run.wait_under_way()
        os.kill(cluster.pids[2], how)
        message = run.ended()
        assert run.error is not None
        assert run.error.code == "E0701"
        assert message.startswith("node 2: its process was killed")
        assert text in message
        assert wait_gone(pids) == []
        with pytest.raises(EngineError, match="closed"):
            run_product(cluster)


def test_killed_while_idle() -> None:
    with _started() as cluster:
        os.kill(cluster.pids[3], signal.SIGKILL)
        with pytest.raises(EngineError, match="node 3: its process was killed"):
            run_product(cluster)


def test_stopped_in_the_middle() -> None:
    with _started(SHORT) as cluster:
        pids = list(cluster.pids.values())
        run = _Run(cluster)
        run.wait_under_way()
        os.kill(cluster.pids[1], signal.SIGSTOP)
        assert run.ended() == f"node 1: no sign of life for {SHORT:g} s (stopped or hung)"
        assert wait_gone(pids) == []


def test_stopped_and_continued_is_no_fault() -> None:
    with _started(LONG) as cluster:
        os.kill(cluster.pids[1], signal.SIGSTOP)
        timer = threading.Timer(0.5, os.kill, (cluster.pids[1], signal.SIGCONT))
        timer.start()
        run_product(cluster)
        timer.join()


def test_long_run_is_no_hang() -> None:
    """A run that takes longer than the time-out."""
    with _started(2.0) as cluster:
        circuit, began, longest = chain(6000), time.monotonic(), 0.0
        while longest < 2.5 and time.monotonic() - began < LONG:
            last = time.monotonic()
            cluster.run(circuit, [np.ones(100, dtype=np.int64)])
            longest = max(longest, time.monotonic() - last)
            circuit = chain(2 * len(circuit.nodes))
        assert longest > 2.0


def test_closed_in_the_middle() -> None:
    cluster = _started()
    pids = list(cluster.pids.values())
    run = _Run(cluster)
    run.wait_under_way()
    cluster.close()
    assert run.ended() in ("the cluster was closed", "the cluster is closed")
    assert wait_gone(pids) == []


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("length", r"node 3: frame of \d+ bytes, expected \d+ bytes .* \(says node [12]\)"),
        ("tag", r"node 3: frame with tag \d+, expected tag \d+ \(says node [12]\)"),
        ("unreduced", r"node 3: a number is not reduced .* \(says node [12]\)"),
        ("garbage", "node 3: malformed control message"),
        ("openings", "node 3: reports other openings than node 1 and 2"),
        ("masks", "nodes [12] and 3 drew different masks"),
        ("stale", "node 3: replied with Masks"),
        ("bug", r"node 3: ZeroDivisionError at rogue_worker.py:\d+ \(a bug in EnigmaLang\)$"),
    ],
)
def test_rogue_node_is_named(
    mode: str, text: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with rogue(monkeypatch, mode), Cluster.start(timeout=LONG) as cluster:
        pids = list(cluster.pids.values())
        with pytest.raises(EngineError, match=text):
            run_product(cluster)
        assert wait_gone(pids) == []
    assert capfd.readouterr() == ("", "")  # workers say nothing on the terminal


@pytest.mark.parametrize("mode", ["few counters", "more counters"])
def test_malformed_counters_are_noticed(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with rogue(monkeypatch, mode), Cluster.start(timeout=LONG) as cluster:
        run_product(cluster)
        with pytest.raises(EngineError, match="node 3: told other counters") as caught:
            cluster.stats()
        assert caught.value.code == "E0703"
        assert cluster.closed


def test_hanging_protocol_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its heartbeats go on, but it does nothing, and the others wait for it."""
    with (
        rogue(monkeypatch, "hang"),
        Cluster.start(timeout=LONG) as cluster,
        pytest.raises(EngineError, match=f"node 3: no progress for {SHORT:g} s"),
    ):
        run_product(impatient(cluster, SHORT))


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("silent", "node 3: did not start in time"),
        ("noise", "node 3: started with garbage"),
        ("exit", r"node 3: its process ended \(status 3\)"),
        ("killed", r"node 3: its process was killed \(signal 9, Killed\)"),
        ("killed when linked", r"node 3: its process was killed \(signal 9, Killed\)"),
    ],
)
def test_failed_start_is_named(
    mode: str, text: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    receive = Processes.receive

    def hasty(self: Processes, node: int, deadline: float) -> bytes:
        return receive(self, node, time.monotonic() + SHORT if node == 3 and mode == "silent" else deadline)

    monkeypatch.setattr(Processes, "receive", hasty)
    before = children()
    with rogue(monkeypatch, mode), pytest.raises(EngineError, match="the cluster did not start: " + text):
        Cluster.start(timeout=LONG)
    assert children() == before
    assert capfd.readouterr() == ("", "")
