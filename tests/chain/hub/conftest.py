"""A world for each test, undone by a snapshot: deploying the hub costs more than any test."""

from collections.abc import Iterator

import pytest
from actors import World


@pytest.fixture(scope="session")
def deployed() -> World:
    return World()


@pytest.fixture
def world(deployed: World) -> Iterator[World]:
    mark = deployed.machine.snapshot()
    yield deployed
    deployed.machine.revert(mark)
