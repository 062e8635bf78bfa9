"""The watch, with a clock of its own: who is accused of hanging, and who is not."""

from collections.abc import Callable, Iterator

import pytest

from enigmalang.node import watch
from enigmalang.node.watch import STEP, Watch
from enigmalang.wire.messages import Heartbeat

LIMIT = 10.0


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pass_time(
        self, watched: Watch, seconds: float, each: Callable[[int], None], awaited: set[int]
    ) -> tuple[int, str] | None:
        """Look every STEP; `each(k)` happens before the k-th look."""
        for k in range(round(seconds / STEP)):
            each(k)
            self.now += STEP
            if (found := watched.look(awaited)) is not None:
                return found
        return None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Clock]:
    fake = _Clock()
    monkeypatch.setattr(watch, "monotonic", fake)
    yield fake


def _watch(ticks: Callable[[int], int] = lambda node: 0) -> Watch:
    watched = Watch(3, LIMIT, ticks)
    watched.begin()
    return watched


def test_silent_node_is_accused(clock: _Clock) -> None:
    watched = _watch()

    def beat(k: int) -> None:
        for node in (1, 3):
            watched.beat(node, Heartbeat(k, 0))

    assert clock.pass_time(watched, LIMIT - 2 * STEP, beat, {2}) is None
    found = clock.pass_time(watched, 1.0, beat, {2})
    assert found == (2, "no sign of life for 10 s (stopped or hung)")


def test_silent_node_that_computes_is_not(clock: _Clock) -> None:
    used = [0]

    def ticks(node: int) -> int:
        used[0] += 1
        return used[0]

    watched = _watch(ticks)
    assert clock.pass_time(watched, 10 * LIMIT, lambda k: None, {1, 2, 3}) is None


def test_node_without_progress_is_accused_and_not_those_who_wait_for_it(clock: _Clock) -> None:
    watched = _watch()

    def beat(k: int) -> None:
        for node, waiting in ((1, 3), (2, 3), (3, 0)):
            watched.beat(node, Heartbeat(7, waiting))

    assert clock.pass_time(watched, LIMIT - 2 * STEP, beat, {1, 2, 3}) is None
    assert clock.pass_time(watched, 1.0, beat, {1, 2, 3}) == (3, "no progress for 10 s")


def test_progress_of_one_is_progress(clock: _Clock) -> None:
    watched = _watch()

    def beat(k: int) -> None:
        for node in (1, 2, 3):
            watched.beat(node, Heartbeat(k if node == 2 else 0, 0))

    assert clock.pass_time(watched, 10 * LIMIT, beat, {1, 2, 3}) is None


def test_coordinator_that_was_stopped_accuses_nobody(clock: _Clock) -> None:
    watched = _watch()
    for _ in range(5):
        clock.now += 100 * LIMIT
        assert watched.look({1, 2, 3}) is None


def test_every_wait_starts_afresh(clock: _Clock) -> None:
    watched = _watch()
    for _ in range(5):
        assert clock.pass_time(watched, LIMIT - 2 * STEP, lambda k: None, {1}) is None
        watched.begin()
