"""What tests of committees share: running nodes, and deaths at a named point."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from daemon_world import World
from seat_nodes import LONG, Nodes, RunningNode

from enigmalang.node.durable.errors import StateError


def nodes_of(count: int) -> Any:
    """A fixture of a module: so many nodes on a hub of their own."""

    @pytest.fixture(scope="module")
    def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
        with World() as world, Nodes(world, tmp_path_factory.mktemp("nodes"), count) as running:
            yield running

    return nodes


class Death:
    """A hook that ends what a node does when it comes to `point` for the first time."""

    def __init__(self, point: str) -> None:
        self.point, self.reached = point, threading.Event()

    def __call__(self, point: str) -> None:
        if point == self.point and not self.reached.is_set():
            self.reached.set()
            raise StateError("the process was killed here")


def dies_at(node: RunningNode, point: str, meanwhile: Callable[[], Any]) -> Any:
    """What `meanwhile` begins; the node dies at `point` of it, and comes back."""
    death = Death(point)
    node.cut()
    node.start(death)
    begun = meanwhile()
    assert death.reached.wait(LONG)
    node.cut()
    node.start()
    return begun


def loses_its_disk(node: RunningNode) -> None:
    """The node stops, what its seats keep is gone, and it comes back."""
    node.stop()
    lost = list((node.folder / "data" / "seats").iterdir())
    assert lost
    for path in lost:
        path.unlink()
    node.start()
