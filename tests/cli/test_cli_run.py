"""`enig run` and `enig test` through the real command: inputs, failures, statistics, interruptions."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from run_support import ROOT, enig

from enigmalang.cli.app import run
from enigmalang.node.cluster import Cluster

Client = subprocess.Popen[str]
COMMAND = [sys.executable, "-c", "from enigmalang.cli import main; main()"]
#: A program whose circuits take far longer than these tests wait, but no memory to speak of.
LONG = """
private xs: list[uint32, 64] = [i for i in range(64)]
total = 0
for i in range(100000):
    xs = sorted(xs)
    print(i, reveal(xs[0] > i))
"""


def write(folder: Path, text: str, name: str = "p.enig") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


PAY = 'private pay: list[uint16, 4] = input("pay")\nprint(len(pay), reveal(sum(pay)))\n'


@pytest.mark.parametrize(
    ("option", "code", "words"),
    [
        (None, "E0603", "--input pay=VALUE"),
        ("pay=none.csv", "E0601", "none.csv"),
        ("pay=latin.csv", "E0602", "latin.csv"),
        ("pay=[1,", "E0604", "not JSON"),
        ("pay=bad.csv", "E0605", "row 3, column 1 should be an integer (uint16)"),
        ("pay=[1, 70000]", "E0606", "input 'pay'[1] is outside of uint16 (0 to 65535)"),
        ("pax=[1]", "E0607", "'pax'"),
        ("pay=[1, 2, 3, 4, 5]", "E0608", "at most 4"),
    ],
)
def test_bad_input(tmp_path: Path, option: str | None, code: str, words: str) -> None:
    (tmp_path / "latin.csv").write_bytes(b"1\n\xff\n")
    write(tmp_path, "pay\n1\nx\n", "bad.csv")
    write(tmp_path, PAY)
    done = enig("run", "p.enig", "--engine", "clear", *(["--input", option] if option else []), cwd=tmp_path)
    assert done.returncode == 1
    assert f"error[{code}]" in done.stderr
    assert words in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_inputs_and_arguments(tmp_path: Path) -> None:
    write(tmp_path, PAY + 'n: uint8 = input("1")\nprint(n)\n')
    write(tmp_path, "name,pay\nada,10\nbob,20\n", "t.csv")
    done = enig("run", "p.enig", "--engine", "circuit", "--input", "pay=t.csv:pay", "--", "7", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "2 30\n7\n"), done.stderr


@pytest.mark.parametrize(
    ("nodes", "threshold"), [("2", None), ("0", None), ("-1", None), ("1000", None), ("3", "2"), ("5", "0")]
)
def test_impossible_committee_is_wrong_usage(nodes: str, threshold: str | None) -> None:
    done = enig("run", "examples/hello.enig", "--nodes", nodes, *(["--threshold", threshold] if threshold else []))
    assert done.returncode == 2
    assert "nodes" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("seconds", ["0", "-1", "inf", "nan", "soon"])
def test_impossible_timeout_is_wrong_usage(seconds: str) -> None:
    done = enig("run", "examples/hello.enig", "--timeout", seconds)
    assert done.returncode == 2
    assert "time" in done.stderr
    assert "Traceback" not in done.stderr


def test_timeout_reaches_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    start = Cluster.start

    def spied(*args: Any, **options: Any) -> Cluster:
        cluster = start(*args, **options)
        given.append(cluster._timeout)
        return cluster

    monkeypatch.setattr(Cluster, "start", spied)
    assert run(["run", "examples/hello.enig", "--timeout", "55"]) == 0
    assert run(["run", "examples/hello.enig"]) == 0
    assert given == [55.0, 20.0]


def test_failure_points_at_the_source(tmp_path: Path) -> None:
    path = write(tmp_path, 'print(1)\nx = [1, 2]\ni: uint8 = input("1")\nprint(x[i])\nprint(2)\n')
    done = enig("run", path, "--engine", "clear", "--", "5")
    assert (done.returncode, done.stdout) == (1, "1\n")
    assert "error[E0504]" in done.stderr
    assert "p.enig:4:" in done.stderr
    assert "print(x[i])" in done.stderr


def test_failing_test(tmp_path: Path) -> None:
    path = write(tmp_path, 'test "good":\n    assert True\n\ntest "bad":\n    x = 1\n    assert x == 2, "no"\n')
    done = enig("run", path, "--engine", "clear")
    assert (done.returncode, done.stdout) == (1, "✓ good\n✗ bad\n")
    assert "error[E0505]" in done.stderr
    done = enig("test", path)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "1 passed, 1 failed"
    assert done.stderr.count("error[E0505]") == 1


def test_test_json(tmp_path: Path) -> None:
    path = write(tmp_path, 'test "t":\n    private a = 20\n    print(reveal(a + 1))\n')
    done = enig("test", path, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"tests", "diagnostics"}
    (one,) = found["tests"]
    assert set(one) == {"file", "name", "engines", "passed", "seconds", "printed", "diagnostics"}
    assert one["engines"] == ["clear", "circuit", "mpc"]
    assert (one["name"], one["passed"], one["printed"]) == ("t", True, "21\n")


def test_disagreement_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from enigmalang.cli.session import Settings
    from enigmalang.cli.testing import run_tests
    from enigmalang.execute.domain import ClearDomain

    path = write(tmp_path, 'test "t":\n    private a = 20\n    print(reveal(a + 1))\n')
    original = ClearDomain.reveal
    monkeypatch.setattr(ClearDomain, "reveal", lambda self, secret, type: original(self, secret, type) + 1)
    assert run_tests([path], Settings(), None, False) == 1
    told = capsys.readouterr()
    assert "error[E0707]" in told.err
    assert "1 failed" in told.out


def test_stats() -> None:
    done = enig("run", "examples/salaries.enig", "--stats")
    assert done.returncode == 0
    rows = dict(re.findall(r"^(.*?) {2,}([\d.,]+)$", done.stderr, re.MULTILINE))
    assert {"rounds", "bytes sent by a node", "products", "ANDs", "comparisons", "circuits"} <= set(rows)
    assert {"seconds: compile", "seconds: start", "seconds: run"} <= set(rows)
    assert int(rows["rounds"].replace(",", "")) > 0
    assert int(rows["comparisons"].replace(",", "")) >= 3


def workers_of(pid: int) -> list[int]:
    """Child processes of `pid`."""
    tasks = Path(f"/proc/{pid}/task").iterdir()  # a child is listed under the thread that started it
    return sorted(int(child) for task in tasks for child in (task / "children").read_text().split())


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(map(alive, pids)):
        time.sleep(0.05)
    return not any(map(alive, pids))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Client]:
    """`enig run` of a long program, after its first line."""
    process = subprocess.Popen(
        [*COMMAND, "run", write(tmp_path, LONG)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "0 False\n"
            yield process
        finally:
            process.kill()


def test_three_distinct_processes_work(running: Client) -> None:
    workers = workers_of(running.pid)
    assert len(workers) == 3
    running.terminate()
    running.communicate(timeout=30)
    assert gone(workers), "the workers outlive a client that was terminated"


def test_ctrl_c_leaves_nothing_behind(running: Client) -> None:
    workers = workers_of(running.pid)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert errors.splitlines()[-1] == "enig: interrupted"
    assert "Traceback" not in errors
    assert not any(map(alive, workers)), "the workers are ended before the command is"


def test_killed_worker_ends_the_run(running: Client) -> None:
    workers = workers_of(running.pid)
    os.kill(workers[1], signal.SIGKILL)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 1
    assert "error[E0701]" in errors
    assert "node 2" in errors
    assert "Traceback" not in errors
    assert gone(workers)
