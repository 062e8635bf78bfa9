"""/health and /metrics, and the lock on a folder."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from enigmalang.node.daemon.config import Config, LogOptions
from enigmalang.node.daemon.log import Log
from enigmalang.node.daemon.metrics import FAMILIES, Family, Metrics
from enigmalang.node.daemon.monitor import Monitor, PortTaken
from enigmalang.node.daemon.peers import MAX_REASONS, Hearer
from enigmalang.node.daemon.pidfile import AlreadyRunning, FolderLock, read_pid, running
from enigmalang.transport.peering.events import Event, Kind

LINE = re.compile(r'(# (HELP|TYPE) enig_[a-z_]+ .+|enig_[a-z_]+(\{[a-z]+="([^"\\\n]|\\["\\n])*"\})? -?[0-9.e+]+)')


def fetch(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_numbers_as_prometheus_reads_them():
    metrics = Metrics()
    metrics.add("enig_jobs_total", "done")
    metrics.add("enig_jobs_total", "done", 2)
    metrics.set("enig_balance_wei", 10**18)
    metrics.set("enig_uptime_seconds", 1.5)
    metrics.add("enig_refusals_total", 'bad "reason"\\\nenig_up 7')
    text = metrics.text()
    for line in text.splitlines():
        assert LINE.fullmatch(line), line
    assert 'enig_jobs_total{outcome="done"} 3\nenig_jobs_total{outcome="failed"} 0\n' in text
    assert f"enig_balance_wei {10**18}\n" in text and "enig_uptime_seconds 1.5\n" in text
    assert 'enig_refusals_total{reason="bad \\"reason\\"\\\\\\nenig_up 7"} 1\n' in text
    assert text.count("# TYPE ") == len(FAMILIES)


def test_metrics_of_parts():
    metrics = Metrics(())
    family = Family("enig_dht_records", "gauge", "Records that are kept here.")
    metrics.declare(family)
    metrics.before_reading(lambda: metrics.set("enig_dht_records", 5))
    assert metrics.text().endswith("enig_dht_records 5\n")
    for bad in (family, Family("other_name", "gauge", ""), Family("enig_x", "guess", "")):
        with pytest.raises(ValueError):
            metrics.declare(bad)


def test_health_and_metrics_over_http():
    well = [True]
    with Monitor("127.0.0.1", 0, Metrics(), lambda: (well[0], {"phase": "serving"})) as monitor:
        status, kind, text = fetch(monitor.port, "/health")
        assert (status, kind, json.loads(text)) == (200, "application/json", {"healthy": True, "phase": "serving"})
        well[0] = False
        assert fetch(monitor.port, "/health")[0] == 503 and fetch(monitor.port, "/live")[0] == 200
        status, kind, text = fetch(monitor.port, "/metrics")
        assert status == 200 and kind.startswith("text/plain; version=0.0.4") and "# TYPE enig_up gauge\n" in text
        assert fetch(monitor.port, "/etc/passwd")[0] == 404
        with pytest.raises(PortTaken, match=r"monitor\.port"):
            Monitor("127.0.0.1", monitor.port, Metrics(), lambda: (True, {})).__enter__()
    with pytest.raises(urllib.error.URLError):
        fetch(monitor.port, "/health")


def test_who_is_connected_and_who_was_turned_away(tmp_path):
    log, metrics = Log(LogOptions(file="log"), tmp_path), Metrics()
    now = [100.0]
    hearer = Hearer(log, metrics, lambda: now[0])
    for purpose in ("control", "data"):
        hearer(Event(Kind.CONNECTED, "0xab", "10.0.0.1", "", purpose))
        now[0] += 1
    hearer(Event(Kind.CONNECTED, "", "10.0.0.2", "", "client"))
    (peer,) = hearer.connected()
    assert (peer.address, peer.since, peer.connections) == ("0xab", 100.0, 2)
    for _ in range(2):
        hearer(Event(Kind.LOST, "0xab", "10.0.0.1", "it went", "control"))
    assert hearer.connected() == ()
    for number in range(1000):
        hearer(Event(Kind.REFUSED, "", "10.0.0.9", "a stranger"))
        hearer(Event(Kind.REFUSED, "", "10.0.0.9", f"made up {number}"))
    assert metrics.get("enig_refusals_total", "a stranger") == 1000
    assert metrics.get("enig_connections_total", "client") == 1
    assert metrics.text().count("enig_refusals_total{") == MAX_REASONS + 1
    log.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert sum("connected" in line for line in lines) == 1 and sum("lost" in line for line in lines) == 1
    assert len(lines) < 120, "strangers do not fill the disk"


HOLD = """
import sys
from pathlib import Path
from enigmalang.node.daemon.pidfile import FolderLock
with FolderLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_process_a_folder(tmp_path):
    assert running(tmp_path) is None
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as other:
        assert other.stdout.readline() == "held\n"
        assert running(tmp_path) == other.pid
        with pytest.raises(AlreadyRunning, match=f"pid {other.pid}"), FolderLock(tmp_path):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert running(tmp_path) is None, "the system lets go of what a dead process held"
    with FolderLock(tmp_path):
        assert running(tmp_path) == os.getpid()
    assert running(tmp_path) is None and Config(tmp_path).folder == tmp_path


def test_the_next_process_of_a_folder_needs_no_room(tmp_path):
    """What it writes lies where the last one's number lay: on a full disk there is no other place."""
    sizes = []
    for _ in range(2):
        with FolderLock(tmp_path):
            sizes.append((tmp_path / "pid").stat().st_size)
        sizes.append((tmp_path / "pid").stat().st_size)
    assert sizes == [sizes[0]] * 4 and sizes[0] > 0
    assert running(tmp_path) is None and read_pid(tmp_path) == 0
