"""Workers that are started before the program is compiled: only for programs that need them, and never left behind."""

from pathlib import Path

import pytest

from enigmalang.cli.ahead import workers_ahead
from enigmalang.node.cluster import Cluster


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret.enig"
    path.write_text("private x: uint8 = 1\n")
    return str(path)


def test_unused_workers_are_ended(secret: str) -> None:
    with workers_ahead([secret], "mpc", 3) as workers:
        assert workers is not None
        assert sorted(workers.pids) == [1, 2, 3]
    assert all(workers.exited(node) for node in (1, 2, 3))


def test_a_cluster_takes_them(secret: str) -> None:
    with workers_ahead([secret], "mpc", 3) as workers:
        assert workers is not None
        with Cluster.start(3, timeout=60.0, workers=workers) as cluster:
            assert cluster.pids == workers.pids
    assert all(workers.exited(node) for node in (1, 2, 3))


def test_none_when_nothing_is_private(tmp_path: Path, secret: str) -> None:
    (tmp_path / "open.enig").write_text("print(1)\n")
    for path, engine, nodes in [
        (str(tmp_path / "open.enig"), "mpc", 3),
        (str(tmp_path / "missing.enig"), "mpc", 3),
        (secret, "circuit", 3),
        (secret, "mpc", 2),
    ]:
        with workers_ahead([path], engine, nodes) as workers:
            assert workers is None
