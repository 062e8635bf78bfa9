"""Jobs of committees without a coordinator: they are done whoever leads, and whoever dies and comes back."""

import pytest
from daemon_world import World
from seat_nodes import Client, Nodes, compiled


@pytest.fixture(scope="module")
def plan():
    return compiled()


@pytest.fixture
def nodes(tmp_path):
    with World() as world, Nodes(world, tmp_path, 3) as running:
        yield running


def test_jobs_are_done_and_nobody_coordinates(nodes, plan):
    client = Client(nodes, plan)
    assert client.call("put", 40).leaves == []
    assert (client.call("mine").leaves, client.call("over_limit").leaves) == ([40], [True])
