"""`enig chain up` and `down`: ready, answering, and gone without a trace."""

import os
import re
import signal
import subprocess
import sys

import pytest

from enigmalang.chain.embedded import EmbeddedEvm
from enigmalang.chain.rpc import RpcEvm
from enigmalang.chain.server import Server
from enigmalang.node.networks import Network, keep_record, records

ENIG = [sys.executable, "-c", "import sys; from enigmalang.cli.app import run; sys.exit(run(sys.argv[1:]))"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def pids(text):
    return [int(pid) for pid in re.findall(r"node \d +0x[0-9a-f]{40}  pid (\d+)", text)]


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_up_until_it_is_interrupted(home, way):
    command = [*ENIG, "chain", "up", "--chain", "embedded", "--job-time", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line == "ready\n":
                break
        text = "".join(lines)
        assert lines[-1:] == ["ready\n"], text
        (network,) = records()
        assert f"hub        {network.hub}\n" in text and len(pids(text)) == 3
        with RpcEvm(network.socket) as rpc:
            told = rpc.request("enigma_network")
            assert told["nodes"] == list(network.nodes) and told["threshold"] == 1 and told["field"] == "M61"
        process.send_signal(way)
        rest = process.stdout.read()
        assert process.wait() == 0 and rest == "ending\n"
    assert not records() and list((home / "networks").iterdir()) == []
    assert all(map(gone, pids(text)))


def test_in_the_background_until_down():
    up = subprocess.run([*ENIG, "chain", "up", "--chain", "embedded", "--detach"], capture_output=True, text=True)
    assert up.returncode == 0, up.stderr
    assert len(records()) == 1
    another = subprocess.run([*ENIG, "chain", "up", "--chain", "embedded", "--socket", "other.sock"],
                             capture_output=True, text=True)
    assert another.returncode == 1 and "`enig chain down --chain 1337`" in another.stderr
    assert len(records()) == 1
    down = subprocess.run([*ENIG, "chain", "down"], capture_output=True, text=True)
    assert (down.returncode, down.stdout) == (0, "the network on chain 1337 has ended\n")
    assert not records() and all(map(gone, pids(up.stdout)))
    assert subprocess.run([*ENIG, "chain", "down"], capture_output=True, text=True).stderr == "enig: no network is up\n"


def test_a_devnet_that_is_up_keeps_its_record(home):
    socket = home / "chain.sock"
    devnet = Network(1337, str(socket), "0x" + "11" * 20, 0, "", ("0x" + "22" * 20,) * 7, 0, "")
    keep_record(devnet)
    with EmbeddedEvm() as evm, Server(evm, socket):
        found = subprocess.run([*ENIG, "chain", "up", "--chain", "embedded"], capture_output=True, text=True)
    assert found.returncode == 1 and records() == [devnet]
    for said in ("devnet", "7 nodes", str(socket), devnet.hub, "`enig devnet down`", "ENIGMALANG_HOME"):
        assert said in found.stderr


def test_what_cannot_be_started():
    for arguments, status, said in (
        (["--nodes", "2"], 2, "3 to 31 nodes"),
        (["--chain", "http://127.0.0.1:9"], 1, "cannot be reached"),
        (["--key", "nobody"], 2, "nobody"),
    ):
        found = subprocess.run([*ENIG, "chain", "up", *arguments], capture_output=True, text=True)
        assert found.returncode == status and said in found.stderr
