"""The network of a session: Ctrl-C ends the waiting for the nodes, and nothing of theirs."""

import os
import signal
import threading
from typing import Any

import numpy as np
import pytest

from enigmalang.circuits.circuit import Circuit
from enigmalang.execute.ports import EngineError, EngineStats, RunResult
from enigmalang.repl.network import Network


class Slow:
    """A cluster whose circuits run until they are let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.forgotten: list[int] = []
        self.closed = False

    def run(self, *_: Any) -> RunResult:
        self.begun.set()
        assert self.go.wait(60)
        return RunResult((np.array(42),), ())

    def forget(self, handles: list[int]) -> None:
        self.forgotten += handles

    def stats(self) -> EngineStats:
        return EngineStats(rounds=7)

    def failure(self) -> str | None:
        return None

    def close(self) -> None:
        self.closed = True


def test_ctrl_c_ends_the_waiting_only(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Slow()
    monkeypatch.setattr(Network, "_start", lambda self: cluster)
    network = Network(3, None, "M127", 20.0)

    def press() -> None:
        assert cluster.begun.wait(60)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        network.run(Circuit("M127", (), (), (), ((0, 0), (1, 1))), [], (), [11, 12])
    presser.join()
    assert not cluster.forgotten and not cluster.closed
    assert network.ending
    cluster.go.set()
    assert network.stats().rounds == 7  # waits its turn behind what was stopped
    assert not network.ending
    assert cluster.forgotten == [11, 12]
    assert network.state == "ready"
    network.close()
    assert cluster.closed


class Dying(Slow):
    """A cluster that a circuit ends, and that does not keep the cause, as `Cluster`."""

    def run(self, *_: Any) -> RunResult:
        self.closed = True
        raise EngineError("node 2: its process was killed", "E0701")

    def stats(self) -> EngineStats:
        raise EngineError("the cluster is closed")

    def failure(self) -> str | None:
        return "the cluster is closed" if self.closed else None


def test_the_cause_of_a_loss_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Network, "_start", lambda self: Dying())
    network = Network(3, None, "M127", 20.0)
    network.wait()
    assert network.failure() is None
    for ask in (lambda: network.run(Circuit("M127", (), (), (), ()), []), network.stats):
        with pytest.raises(EngineError, match="node 2: its process was killed") as caught:
            ask()
        assert caught.value.code == "E0701"
        assert network.failure() == "node 2: its process was killed"
    assert network.state == "lost"
    network.close()
