"""`enig devnet`: a network of processes, some of which are killed, that ends and comes back with all that it had."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from time import monotonic

import pytest
from run_support import ROOT

from enigmalang.cli.app import run
from enigmalang.ethereum.hashing import checksummed
from enigmalang.node.daemon.config import read_config
from enigmalang.node.daemon.pidfile import running
from enigmalang.node.networks import records

ENIG = [sys.executable, "-c", "import sys; from enigmalang.cli.app import run; sys.exit(run(sys.argv[1:]))"]
SALARIES = str(ROOT / "examples" / "salaries.enig")


@pytest.fixture
def home(monkeypatch):
    """Short enough for sockets in it; whatever still runs at the end is killed."""
    folder = Path(tempfile.mkdtemp(prefix="enig-"))
    monkeypatch.setenv("ENIGMALANG_HOME", str(folder))
    yield folder
    for lock in folder.glob("devnet/**/pid"):
        pid = running(lock.parent)
        if pid:
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder)


def enig(*arguments):
    """Status and stdout of a command in this process, for a new one costs half a second."""
    with redirect_stdout(TextIOWrapper(BytesIO(), "utf-8")) as out, redirect_stderr(StringIO()) as err:
        status = run([str(each) for each in arguments])
        out.seek(0)
        said = out.read().strip()
    assert "Traceback" not in err.getvalue() and "bug" not in err.getvalue(), err.getvalue()
    return status, said or err.getvalue().strip()


def up(*arguments):
    """As a process, whose children outlive it."""
    done = subprocess.run([*ENIG, "devnet", "up", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def state():
    status, text = enig("devnet", "status", "--json")
    return status, json.loads(text)


def until(condition):
    """How it is when `condition` holds: a node hears of what others did a little later."""
    deadline, pause = monotonic() + 60.0, threading.Event()
    while not condition(found := state()[1]):
        assert monotonic() < deadline, found
        pause.wait(0.1)
    return found


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def called(address, *arguments):
    status, said = enig("call", address, *arguments)
    assert status == 0, said
    return said


def test_a_network_that_comes_back(home):
    assert up("--nodes", 4, "--chain", "embedded", "--rent")[-1] == "ready"
    folder = home / "devnet"
    status, first = state()
    assert status == 0 and first["healthy"] and first["chain"]["kind"] == "embedded" and first["chain"]["id"] == 1337
    assert [node["number"] for node in first["nodes"]] == [1, 2, 3, 4]
    assert len({node["endpoint"] for node in first["nodes"]} | {node["address"] for node in first["nodes"]}) == 8
    for node in (folder / "nodes").iterdir():
        assert (node / "password").stat().st_mode & 0o777 == 0o600 and node.stat().st_mode & 0o777 == 0o700

    status, address = enig("deploy", SALARIES)
    assert status == 0, address
    for name, pay in (("alice", 90_000), ("bob", 60_000)):
        called(address, "join", pay, "--key", name)
    then = until(lambda found: sum(node["jobs"]["done"] == 2 for node in found["nodes"]) == 3)
    members = [node for node in then["nodes"] if node["committees"] == [1]]
    assert len(members) == 3
    assert "join(private amount: uint32)" in enig("show", address)[1]

    rent = ("--rent", first["rent"])
    assert f"rent       {checksummed(first['rent'])}" in enig("devnet", "status")[1]
    status, said = enig("dht", "put", "it", SALARIES)
    assert status == 1 and "nobody pays for keeping this value" in said
    status, holders = enig("dht", "put", "it", SALARIES, *rent, "--days", 1)
    assert status == 0 and len(holders.split()) == 3

    victim = members[0]
    kill(victim["pid"])
    kill(then["chain"]["pid"])
    found = until(lambda found: not found["chain"]["up"] and any(not node["up"] for node in found["nodes"]))
    assert enig("devnet", "status")[0] == 1 and not found["healthy"]
    assert [node["number"] for node in found["nodes"] if not node["up"]] == [victim["number"]]
    said = enig("devnet", "status")[1]
    assert "embedded, down" in said and f"{victim['number']}     0x" in said and "down: `enig devnet up` starts" in said

    assert up()[-1] == "ready"
    _, found = state()
    again = found["nodes"][victim["number"] - 1]
    assert again["up"] and again["pid"] != victim["pid"] and again["address"] == victim["address"]
    assert again["endpoint"] == victim["endpoint"] and found["chain"]["block"] >= then["chain"]["block"]
    assert up()[-1] == "is up already"
    called(address, "join", 75_000, "--key", "carol")

    status, said = enig("devnet", "down")
    assert status == 0 and said.splitlines() == [*(f"node {n} has ended" for n in (1, 2, 3, 4)), "the chain has ended"]
    assert not records() and all(running(lock.parent) is None for lock in folder.glob("**/pid"))
    assert state()[0] == 3 and enig("devnet", "down") == (0, "nothing was up")
    assert enig("call", address, "average")[0] == 1

    assert up("--nodes", 4)[-1] == "ready"
    _, last = state()
    assert [(n["address"], n["endpoint"]) for n in last["nodes"]] == [(n["address"], n["endpoint"])
                                                                     for n in first["nodes"]]
    assert last["hub"] == first["hub"]
    assert called(address, "average") == "75000"
    assert enig("dht", "get", "it") == (0, Path(SALARIES).read_text().strip())
    assert enig("dht", "rent", "it", *rent)[0] == 0
    assert called(address, "my_rank", "--key", "alice") == "1"
    assert enig("events", address)[1].count("Joined(") == 3
    assert enig("chain", "down") == (1, "enig: no network is up")  # it is another command's
    assert enig("devnet", "down")[0] == 0


def test_what_cannot_be(home, tmp_path):
    assert enig("devnet", "status") == (1, f"enig: there is no devnet in {home}/devnet: `enig devnet up` makes one")
    assert enig("devnet", "down")[0] == 1 and not (home / "devnet").exists()
    assert enig("devnet", "up", "--nodes", "2")[0] == 2
    status, said = enig("devnet", "up", "--folder", tmp_path / ("long" * 30))
    assert status == 1 and "too long for a socket's path" in said
    (tmp_path / "thesis.txt").write_text("mine")
    status, said = enig("devnet", "up", "--folder", tmp_path)
    assert status == 1 and "has other things in it" in said and (tmp_path / "thesis.txt").read_text() == "mine"


def test_what_cannot_be_changed(home):
    from enigmalang.node.devnet.folder import begin, make_node

    folder = home / "devnet"
    folder.mkdir()
    begin(folder, "embedded")
    for number in (1, 2, 3, 4):
        make_node(folder, number, "0x" + "ab" * 20)
    status, said = enig("devnet", "up", "--nodes", "3")
    assert status == 1 and "has 4 nodes, which are on the hub: 3 are too few" in said
    status, said = enig("devnet", "up", "--chain", "anvil")
    assert status == 1 and "is embedded, and stays it" in said
    status, said = enig("devnet", "up", "--rent")
    assert status == 1 and "keep data without rent" in said
    (folder / "devnet.json").write_text('{"chain": "embedded", "hub": ""}')  # as earlier versions wrote it
    status, said = enig("devnet", "up", "--rent")
    assert status == 1 and "keep data without rent" in said
    (folder / "devnet.json").write_text("{}")
    status, said = enig("devnet", "status")
    assert status == 1 and "devnet.json cannot be read" in said


def test_ports_that_others_took(home):
    import socket

    from enigmalang.node.devnet.folder import PORTS, begin, freed, make_node, node_folder

    folder = home / "devnet"
    folder.mkdir()
    begin(folder, "embedded")
    make_node(folder, 1, "0x" + "ab" * 20)
    node = node_folder(folder, 1)
    before = read_config(node)
    assert freed(node) == before
    assert before.endpoint.port in PORTS  # where no connection of another process comes to be
    with socket.create_server(("127.0.0.1", before.endpoint.port)):
        after = freed(node)
    assert after == read_config(node) != before and after.endpoint.port != before.endpoint.port
    assert after.chain == before.chain and after.node.password_file == before.node.password_file


def test_a_process_that_does_not_begin(tmp_path):
    from enigmalang.node.devnet.folder import DevnetError
    from enigmalang.node.devnet.processes import launch, wait_for

    output = tmp_path / "out"
    process = launch([sys.executable, "-c", "import sys; sys.exit('no luck today')"], output)
    with pytest.raises(DevnetError, match=r"the thing has ended\n.*/out says:\nno luck today\n.*/none says nothing$"):
        wait_for("the thing", lambda: False, process, [output, tmp_path / "none"], 60.0)
    with pytest.raises(DevnetError, match="the thing is not ready after 0 seconds"):
        wait_for("the thing", lambda: False, None, [], 0.0)
    assert output.stat().st_mode & 0o777 == 0o600


def test_a_process_that_does_not_end(tmp_path):
    from enigmalang.node.devnet.processes import await_end, interrupt

    code = ("import signal, sys, time\nfrom pathlib import Path\n"
            "from enigmalang.node.daemon.pidfile import FolderLock\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "with FolderLock(Path(sys.argv[1])): print('in', flush=True); time.sleep(600)")
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"in\n"
        assert interrupt(tmp_path) == process.pid
        assert not await_end(tmp_path, 0.0)
        assert process.wait() == -signal.SIGKILL
    assert interrupt(tmp_path) is None and await_end(tmp_path, 0.0)
