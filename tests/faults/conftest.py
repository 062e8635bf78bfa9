"""One town of four nodes for all tests on loopback, whole again before each; and where chance comes from.

Those that take long are left out unless asked for: `pytest -m faults_long tests/faults`.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest
from fault_purse import PEOPLE, Purse
from fault_town import Town

#: Another number here is another course of events.
SEED = "ENIGMALANG_FAULT_SEED"
LATER = "faults_long"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{LATER}: takes long; only when asked for")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if LATER not in config.option.markexpr:
        left = [item for item in items if item.get_closest_marker(LATER)]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> Random:
    seed = f"{os.environ.get(SEED, '6')} {request.node.name}"
    print(f"seed: {seed!r} (the first word is ${SEED})")  # shown when the test fails
    return Random(seed)


@pytest.fixture(scope="session")
def made() -> Iterator[Town]:
    with Town(4) as town:
        yield town


@pytest.fixture
def town(made: Town) -> Town:
    made.mend()
    return made


@pytest.fixture(scope="session")
def shared(made: Town) -> Iterator[Purse]:
    with closing(Purse(made, Random("purse"))) as purse:
        for who in PEOPLE:
            assert purse.put(who)
        yield purse


@pytest.fixture
def purse(shared: Purse, town: Town) -> Purse:
    """A contract that one test after the other uses, so that each sees what the ones before it left."""
    return shared
