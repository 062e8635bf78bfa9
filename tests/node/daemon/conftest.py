"""One chain with a hub for a test module, undone by a snapshot after each test."""

from collections.abc import Iterator

import pytest
from daemon_world import World

from enigmalang.chain import development


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def world(made: World) -> Iterator[World]:
    mark = development.snapshot(made.chain)
    yield made
    development.restore(made.chain, mark)
