"""Clusters of real processes: results, what stays, what leaves, and how they end."""

import os
import signal
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from node_helpers import LONG, A, B, alive, chain, children, product, rogue, run_product, wait_gone
from tls_helpers import RecordingProxy, record_types

from enigmalang.circuits.circuit import Circuit, Node, Output
from enigmalang.execute.ports import EngineError
from enigmalang.node.cluster import Cluster, check_numbers
from enigmalang.node.control import Control
from enigmalang.wire import messages as msg


@pytest.fixture(scope="module")
def cluster() -> Any:
    with Cluster.start(timeout=LONG) as shared:
        yield shared


def test_results(cluster: Cluster) -> None:
    run_product(cluster)
    run_product(cluster)


@pytest.mark.parametrize(("nodes", "threshold", "field"), [(4, 1, "M127"), (5, 2, "M61")])
def test_other_sizes(nodes: int, threshold: int, field: str) -> None:
    value = np.array([2**40, -(2**50)], dtype=object) if field == "M127" else np.array([2**20, -(2**25)])
    circuit = Circuit(field, (Node("input", (), (2,), A, {"slot": 0}), Node("mul", (0, 0), (2,), A)), (1,))
    with Cluster.start(nodes=nodes, threshold=threshold, field=field, timeout=LONG) as other:
        assert other.run(circuit, [value]).opened[0].tolist() == [int(v) ** 2 for v in value]
        assert sorted(other.pids) == list(range(1, nodes + 1))


def test_eleven_nodes() -> None:
    """A wide committee: other protocols for bits, inputs and products; its sets have keys, so it shuffles by them."""
    nodes = (
        Node("input", (), (4,), A, {"slot": 0}),
        Node("input", (), (4,), B, {"slot": 1}),
        Node("ltz", (0,), (4,), B),
        Node("and", (1, 2), (4,), B),
        Node("b2a", (3,), (4,), A),
        Node("mul", (0, 4), (4,), A),
        Node("shr", (0,), (4,), A, {"f": 1, "mode": "exact"}),
    )
    recipient = X25519PrivateKey.generate()
    raw, public = recipient.private_bytes_raw(), recipient.public_key().public_bytes_raw()
    circuit = Circuit("M61", nodes, (5, 6), outputs=(Output(0, 0), Output(3, 0)))
    with Cluster.start(nodes=11, timeout=LONG) as wide:
        result = wide.run(circuit, [np.array([5, -7, 0, -1]), np.array([True, True, True, False])], [public])
        assert [value.tolist() for value in result.opened] == [[0, -7, 0, 0], [2, -4, 0, -1]]
        assert wide.unseal(result.sealed[0], raw, False).tolist() == [5, -7, 0, -1]
        assert wide.unseal(result.sealed[1], raw, True).tolist() == [False, True, False, False]


def test_bits_in_and_out(cluster: Cluster) -> None:
    nodes = (
        Node("input", (), (70,), B, {"slot": 0}),
        Node("input", (), (70,), B, {"slot": 1}),
        Node("and", (0, 1), (70,), B),
        Node("not", (2,), (70,), B),
    )
    x, y = np.arange(70) % 2 == 0, np.arange(70) % 3 == 0
    opened = cluster.run(Circuit("M61", nodes, (3, 0)), [x, y]).opened
    assert opened[0].tolist() == (~(x & y)).tolist()
    assert opened[1].tolist() == x.tolist()


def test_kept_values(cluster: Cluster) -> None:
    keep = Circuit("M61", (Node("input", (), (3,), A, {"slot": 0}),), keeps=((0, 77),))
    load = Circuit("M61", (Node("load", (), (3,), A, {"handle": 77}), Node("add", (0, 0), (3,), A)), (1,))
    assert cluster.run(keep, [np.array([1, 2, 3])]).opened == ()
    assert cluster.run(load, []).opened[0].tolist() == [2, 4, 6]
    cluster.run(keep, [np.array([5, 6, 7])])
    assert cluster.run(load, []).opened[0].tolist() == [10, 12, 14]


def test_forgotten_values() -> None:
    load = Circuit("M61", (Node("load", (), (), A, {"handle": 5}),), (0,))
    keep = Circuit("M61", (Node("input", (), (), A, {"slot": 0}),), keeps=((0, 5),))
    with Cluster.start(timeout=LONG) as other:
        other.run(keep, [np.array(9)])
        other.forget([5, 6])
        with pytest.raises(EngineError, match="nothing under handle 5"):
            other.run(load, [])


@pytest.mark.parametrize("bits", [False, True])
def test_sealed_output(cluster: Cluster, bits: bool) -> None:
    form = B if bits else A
    value = np.array([1, 0, 1, 1])
    key = X25519PrivateKey.generate()
    circuit = Circuit("M61", (Node("input", (), (4,), form, {"slot": 0}),), outputs=(Output(0, 1),))
    recipients = [
        X25519PrivateKey.generate().public_key().public_bytes_raw(),
        key.public_key().public_bytes_raw(),
    ]
    result = cluster.run(circuit, [value], recipients)
    assert result.opened == ()
    assert result.sealed[0].shape == (4,)
    assert len(result.sealed[0].pieces) == 3
    opened = cluster.unseal(result.sealed[0], key.private_bytes_raw(), bits)
    assert opened.astype(int).tolist() == value.tolist()


def test_stats() -> None:
    with Cluster.start(timeout=LONG) as other:
        empty = other.stats()
        assert (empty.rounds, empty.products, empty.circuits) == (0, 0, 0)
        other.run(chain(10, size=6), [np.ones(6, dtype=np.int64)])
        stats = other.stats()
        assert stats.circuits == 1
        assert stats.rounds >= 11  # ten products and an opening
        assert stats.products == 60
        assert stats.bytes_sent >= 60 * 8
        assert all(value >= 0 for value in stats.seconds.values())
        assert {"start", "node: run"} <= stats.seconds.keys()


def test_large_input(cluster: Cluster) -> None:
    value = np.arange(200_000) - 100_000
    nodes = (Node("input", (), (200_000,), A, {"slot": 0}), Node("neg", (0,), (200_000,), A))
    circuit = Circuit("M61", nodes, (1,))
    assert np.array_equal(cluster.run(circuit, [value]).opened[0], -value)


def test_what_does_not_fit_is_refused_before_it_is_sent(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="M127; this cluster computes over M61"):
        cluster.run(Circuit("M127", ()), [])
    with pytest.raises(ValueError, match="input 1, but 1 were given"):
        cluster.run(product(), [np.zeros(4, int)])
    with pytest.raises(ValueError, match="an input is outside"):
        cluster.run(product(), [np.full(4, 2**60), np.zeros(4, int)])
    with pytest.raises(ValueError, match=r"node 0 \(neg\): an argument is not an earlier node"):
        cluster.run(Circuit("M61", (Node("neg", (0,), (), A),)), [])
    with pytest.raises(ValueError, match="32 bytes"):
        cluster.run(product(), [np.zeros(4, int)] * 2, [b"short"])
    run_product(cluster)


def test_many_circuits(cluster: Cluster) -> None:
    """More than the nodes keep: old ones are dropped and shipped again."""
    circuits = [
        Circuit("M61", (Node("const", (), (), A, {"value": np.array(k)}), Node("neg", (0,), (), A)), (1,))
        for k in range(70)
    ]
    for k in (*range(70), *range(70)):
        assert cluster.run(circuits[k], []).opened[0].tolist() == -k


@pytest.mark.parametrize(
    ("nodes", "threshold", "field", "text"),
    [
        (2, None, "M61", "3 to 31 nodes, not 2"),
        (32, None, "M61", "3 to 31 nodes, not 32"),
        (3, 2, "M61", "threshold 2 with 3 nodes: it must be between 1 and 1"),
        (5, 0, "M61", "between 1 and 2"),
        (3, 1, "M31", "unknown field 'M31'"),
    ],
)
def test_impossible_numbers(nodes: int, threshold: int | None, field: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Cluster.start(nodes=nodes, threshold=threshold, field=field)
    assert [check_numbers(n, None, "M61", 1.0) for n in range(3, 10)] == [1, 1, 2, 2, 3, 3, 4]


# --- processes ---


def test_workers_are_recognisable_and_hold_no_secret_in_sight(cluster: Cluster) -> None:
    for node, pid in cluster.pids.items():
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        assert b" ".join(arguments).decode().strip().endswith(f"enigmalang.node.worker --node {node}")
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        names = {entry.partition(b"=")[0].decode() for entry in environment} - {""}
        ours = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}
        ours |= {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_ARENA_MAX"}
        assert names - os.environ.keys() <= ours
        files = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir() if int(entry.name) > 2]
        assert files
        assert not [file for file in files if "key" in file or "memfd" in file or file.startswith("/tmp")]


def test_close_leaves_nothing() -> None:
    before = children()
    threads = threading.active_count()
    for _ in range(2):
        with Cluster.start(timeout=LONG) as other:
            pids = list(other.pids.values())
            assert all(alive(pid) for pid in pids)
        assert [pid for pid in pids if alive(pid)] == []
        other.close()
    assert children() == before  # no zombie either
    assert threading.active_count() == threads


def test_error_inside_the_block_leaves_nothing() -> None:
    pids: list[int] = []
    with pytest.raises(ZeroDivisionError), Cluster.start(timeout=LONG) as other:
        pids = list(other.pids.values())
        raise ZeroDivisionError
    assert len(pids) == 3
    assert [pid for pid in pids if alive(pid)] == []


def test_cluster_that_nobody_closes_ends_with_its_process() -> None:
    code = "from enigmalang.node.cluster import Cluster; "
    code += f"print(*Cluster.start(timeout={LONG}).pids.values(), flush=True)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=2 * LONG, check=True)
    assert done.stderr == ""
    assert wait_gone(list(map(int, done.stdout.split()))) == []


def test_thread_that_starts_a_cluster_may_end() -> None:
    """Linux would send the workers' death signal when the thread that started them ends."""
    started: list[Cluster] = []
    thread = threading.Thread(target=lambda: started.append(Cluster.start(timeout=LONG)))
    thread.start()
    thread.join(2 * LONG)
    with started[0] as other:
        run_product(other)


def _program(mode: str) -> tuple[subprocess.Popen[str], list[int]]:
    program = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "interrupted.py"), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a process group of its own, as a shell would make
    )
    assert program.stdout is not None
    pids = list(map(int, program.stdout.readline().split()))
    assert len(pids) == 3
    if mode == "running":
        assert program.stdout.readline() == "running\n"
    return program, pids


@pytest.mark.parametrize("mode", ["idle", "running"])
def test_ctrl_c_leaves_nothing(mode: str) -> None:
    program, pids = _program(mode)
    os.killpg(program.pid, signal.SIGINT)
    _, errors = program.communicate(timeout=LONG)
    assert program.returncode != 0
    assert errors.count("Traceback") == 1  # the program's own KeyboardInterrupt; workers say nothing
    assert "KeyboardInterrupt" in errors
    assert wait_gone(pids) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_death_of_the_coordinator_leaves_nothing(how: signal.Signals) -> None:
    program, pids = _program("running")
    os.kill(pids[0], signal.SIGSTOP)  # a stopped worker must go, too
    program.send_signal(how)
    program.communicate(timeout=LONG)
    assert wait_gone(pids) == []


# --- what the wire carries ---


def test_wire_carries_no_plaintext(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    proxies: list[RecordingProxy] = []
    introduction = Control._introduction

    def through_proxy(self: Control, node: int, deadline: float) -> msg.Member:
        member = introduction(self, node, deadline)
        proxies.append(RecordingProxy(member.port))
        return msg.Member(member.number, proxies[-1].port, member.certificate)

    monkeypatch.setattr(Control, "_introduction", through_proxy)
    monkeypatch.setenv("ROGUE_FILE", str(tmp_path / "frames"))
    rng = np.random.default_rng(5)
    value = rng.integers(-(2**58), 2**58, 64)
    circuit = Circuit(
        "M61",
        (Node("input", (), (64,), A, {"slot": 0}), Node("mul", (0, 0), (64,), A), Node("ltz", (1,), (64,), B)),
        (2,),
        keeps=((1, 1),),
    )
    with rogue(monkeypatch, "record"), Cluster.start(timeout=LONG) as other:
        for _ in range(3):
            other.run(circuit, [value])
    for proxy in proxies:
        proxy.close()
    streams = [bytes(stream) for proxy in proxies for stream in proxy.streams]
    assert len(streams) == 9  # to each node from the coordinator and from two others
    assert all(set(record_types(stream)) <= {20, 21, 22, 23} for stream in streams)
    assert all(len(zlib.compress(stream)) > 0.9 * len(stream) for stream in streams)
    traffic = b"".join(streams)
    frames = _recorded(tmp_path / "frames")  # what node 3 handed to its links, in the clear
    assert sum(map(len, frames)) > 3000
    for clear in [value.tobytes(), *frames]:
        for start in range(0, len(clear) - 7, 8):
            piece = clear[start : start + 8]
            assert piece not in traffic or piece.count(piece[0]) > 6, "plaintext on the wire"


def _recorded(path: Path) -> list[bytes]:
    data, frames = path.read_bytes(), []
    while data:
        length = int.from_bytes(data[:8], "little")
        frames.append(data[8 : 8 + length])
        data = data[8 + length :]
    return frames
