"""Work in idle time: after a pause, until there is nothing more to do, and never after the end."""

import os
import signal
import threading

import pytest
from node_helpers import LONG, run_product

from enigmalang.execute.ports import EngineError
from enigmalang.mpc.ahead import STEP
from enigmalang.mpc.stock import CAPACITY
from enigmalang.node import idle
from enigmalang.node.cluster import Cluster
from enigmalang.node.idle import Idle
from enigmalang.wire import messages as msg


def test_steps_until_done_and_again_after_a_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "PAUSE", 0.001)
    left, done = [3], threading.Event()

    def step() -> bool:
        left[0] -= 1
        if left[0] == 0:
            done.set()
        return left[0] > 0

    worker = Idle(step)
    worker.start()
    assert done.wait(LONG)
    assert left == [0]
    done.clear()
    left[0] = 2
    worker.used()
    assert done.wait(LONG)
    worker.stop()
    worker.join()
    worker.used()
    assert left == [0]


def test_stopped_before_it_starts() -> None:
    worker = Idle(lambda: True)
    worker.stop()
    worker.join()


def test_the_stock_is_filled_and_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "PAUSE", 0.001)
    full = threading.Event()
    replenish = Cluster._replenish

    def step(cluster: Cluster) -> bool:
        more = replenish(cluster)
        if not more and not cluster._busy._is_owned():  # type: ignore[attr-defined]
            full.set()
        return more

    monkeypatch.setattr(Cluster, "_replenish", step)
    with Cluster.start(timeout=LONG) as cluster:
        assert full.wait(LONG)
        stats = cluster.stats()
        run_product(cluster)
    assert stats.rounds == stats.products == 0
    assert stats.ahead["rounds"] >= 2 * CAPACITY // STEP
    assert stats.ahead["products"] >= CAPACITY


def test_a_fault_in_idle_time_is_told_to_the_next_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "PAUSE", LONG)
    with Cluster.start(timeout=LONG) as cluster:
        run_product(cluster)
        for pid in cluster.pids.values():
            assert pid > 0
        cluster._processes._workers[2].kill()
        cluster._processes._workers[2].wait()
        assert cluster._replenish() is False
        assert cluster.closed
        with pytest.raises(EngineError, match="node 2: its process was killed") as caught:
            run_product(cluster)
        assert caught.value.code == "E0701"


def test_closed_in_the_middle_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "PAUSE", LONG)
    cluster = Cluster.start(timeout=LONG)
    run_product(cluster)
    os.kill(cluster.pids[2], signal.SIGSTOP)  # no step ends from here on
    assert cluster._control is not None
    sent, send_all = threading.Event(), cluster._control.send_all

    def send(message: msg.Message) -> None:
        send_all(message)
        sent.set()

    cluster._control.send_all = send  # type: ignore[method-assign]
    monkeypatch.setattr(idle, "PAUSE", 0.001)
    cluster._idle.used()
    assert sent.wait(LONG)
    closer = threading.Thread(target=cluster.close)
    closer.start()
    closer.join(LONG)
    assert not closer.is_alive()
    assert not cluster._idle._thread.is_alive()
    with pytest.raises(EngineError, match="the cluster is closed"):
        run_product(cluster)
