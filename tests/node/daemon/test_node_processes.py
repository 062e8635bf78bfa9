"""`enig node` as processes: started, stopped, killed, started again, and told apart from what goes wrong."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO

import pytest
from daemon_world import ETHER, PASSWORD, changed, until

from enigmalang.chain import development
from enigmalang.chain.server import Server
from enigmalang.cli.app import run
from enigmalang.node.daemon.control import NoDaemon, ask
from enigmalang.node.daemon.keys import KeyFolder
from enigmalang.node.daemon.pidfile import running
from enigmalang.node.daemon.registry import read_member

#: A node without parts, which are tested by themselves and take long to load; in the background it is the whole one.
ENIG = [sys.executable, "-c", "import sys; from enigmalang.cli.app import run; from enigmalang.node.daemon import "
        "assembly; assembly.parts = lambda config: (); sys.exit(run(sys.argv[1:]))"]


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD)
    return ["--password-file", str(path)]


def command(*arguments):
    return [*ENIG, "node", *map(str, arguments)]


def said(*arguments):
    """What a command answers: `start` as a process, the others here, for a process costs half a second."""
    if arguments[0] == "start":
        done = subprocess.run(command(*arguments), capture_output=True, text=True)
        status, out, err = done.returncode, done.stdout, done.stderr
    else:
        with redirect_stdout(StringIO()) as shown, redirect_stderr(StringIO()) as wrong:
            status = run(["node", *map(str, arguments)])
        out, err = shown.getvalue(), wrong.getvalue()
    assert "Traceback" not in err and "bug" not in err, err
    return status, out, err


def status_of(folder):
    try:
        return ask(folder, "status", 30)
    except NoDaemon:
        return {"phase": "down"}


@contextmanager
def started(folder, *arguments, phase="serving", **options):
    """A process of `enig node start`, when it has come so far; killed at the end if it is still there."""
    line = command("start", folder, *arguments)
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, **options) as process:
        try:
            until(lambda: process.poll() is not None or status_of(folder)["phase"] == phase, phase)
            assert process.poll() is None, process.stderr.read()
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def ended(process, status=0):
    _, text = process.communicate()
    assert process.returncode == status and "Traceback" not in text, text
    return text


def test_a_life(world, tmp_path, secret):
    folder = tmp_path / "node"
    address = KeyFolder(folder).address() if world.node(folder) else None
    with started(folder, *secret) as process:
        assert read_member(world.hub, address).deposit == ETHER and running(folder) == process.pid
        status, out, _ = said("status", folder)
        assert status == 0 and "standing   active" in out and f"pid {process.pid}" in out
        status, _, err = said("start", folder, *secret)
        assert status == 1 and f"runs already (pid {process.pid})" in err and "enig node stop" in err
        assert os.stat(folder / "control.sock").st_mode & 0o777 == 0o600
        assert said("stop", folder) == (0, f"the node in {folder} has ended\n", "")
        text = ended(process)
        assert PASSWORD not in text and text.splitlines()[-1].endswith("stopped")
    assert not (folder / "control.sock").exists() and running(folder) is None
    assert said("status", folder)[0] == 3


def test_killed_and_started_again(world, tmp_path, secret):
    folder = tmp_path / "node"
    world.node(folder)
    with started(folder, *secret) as process:
        address = status_of(folder)["address"]
        (folder / "data" / "kept").write_bytes(b"kept")
        process.kill()
        process.wait()
    assert (folder / "control.sock").exists() and running(folder) is None
    status, out, _ = said("status", folder)
    assert status == 3 and "running    no" in out
    with started(folder, *secret):
        found = status_of(folder)
        assert found["address"] == address and found["stored_bytes"] == 4 and found["deposit"] == str(ETHER)
    assert len(world.hub.events(["Registered"])) == 1


def test_a_chain_that_comes_later(world, tmp_path, secret):
    folder, late = tmp_path / "node", tmp_path / "late.sock"
    changed(world.node(folder), "chain", url=str(late))
    with started(folder, *secret, phase="waiting for the chain") as process:
        status, out, _ = said("status", folder)
        assert status == 1 and "not reached yet" in out
        until(lambda: "waiting for the chain" in str(status_of(folder).get("problems")), "a look in vain")
        with Server(world.evm, late):
            until(lambda: status_of(folder)["phase"] == "serving", "finding the chain")
            process.send_signal(signal.SIGTERM)
            assert ended(process).count("waiting for the chain") == 1


def test_in_the_background(world, tmp_path, secret):
    folder = tmp_path / "node"
    world.node(folder)
    status, out, err = said("start", folder, "--detach", *secret)
    assert status == 0, err
    pid = running(folder)
    try:
        assert out.startswith(f"in the background: pid {pid}, ")
        status, _, err = said("start", folder, "--detach", *secret)
        assert status == 1 and f"runs already (pid {pid})" in err
        until(lambda: status_of(folder)["phase"] == "serving", "serving")
    finally:
        assert said("stop", folder)[0] == 0
    assert "serving" in (folder / "start.log").read_text() and PASSWORD not in (folder / "start.log").read_text()


def test_in_the_background_when_it_cannot_be(world, tmp_path, secret):
    config = world.node(tmp_path / "a")
    with started(tmp_path / "a", *secret):
        port = status_of(tmp_path / "a")["monitor"]
        changed(world.node(tmp_path / "b"), "monitor", port=port)
        for detach in ([], ["--detach"]):
            status, out, err = said("start", tmp_path / "b", *detach, *secret)
            assert status == 2 and f"127.0.0.1:{port}: Address already in use" in err and "monitor.port" in err
            assert not out and config.monitor.port == 0 and running(tmp_path / "b") is None


def test_the_password_from_systemd_and_an_interrupt(world, tmp_path):
    world.node(tmp_path / "node")
    (tmp_path / "enigmalang-password").write_text(PASSWORD + "\n")
    with started(tmp_path / "node", env=os.environ | {"CREDENTIALS_DIRECTORY": str(tmp_path)},
                 stdin=subprocess.DEVNULL) as process:
        process.send_signal(signal.SIGINT)
        assert ended(process).splitlines()[-1].endswith("stopped")


def test_a_wrong_hub(world, tmp_path, secret):
    config = world.node(tmp_path / "node")
    changed(config, "chain", hub="0x" + "11" * 20)
    status, _, err = said("start", tmp_path / "node", *secret)
    assert status == 2 and "there is no hub at 0x1111" in err and "node.toml" in err


def test_its_owner_acts_with_and_without_the_daemon(world, tmp_path, secret):
    folder = tmp_path / "node"
    world.node(folder)
    status, _, err = said("rotate", folder, *secret)
    assert status == 1 and "enig node start" in err
    with started(folder, *secret) as process:
        status, out, _ = said("rotate", folder)
        assert status == 0 and out.startswith("new channel key ")
        assert json.loads(said("status", folder, "--json")[1])["channel"]["fingerprint"] == out.split()[-1]
        process.terminate()
        ended(process)
    status, out, _ = said("rotate", folder, *secret)
    assert status == 0 and read_member(world.hub, KeyFolder(folder).address()).fingerprint.hex() == out.split()[-1]
    status, _, err = said("leave", folder, "--withdraw", *secret)
    assert status == 1 and "the node has not given notice" in err
    status, out, _ = said("leave", folder, *secret)
    assert status == 0 and "notice given" in out
    assert said("claim", folder, *secret)[:2] == (0, "nothing is owed\n")
    development.advance(world.chain, seconds=3000)
    status, out, _ = said("leave", folder, "--withdraw", *secret)
    assert status == 0 and out.startswith(f"{ETHER} wei came back")
    status, _, err = said("start", folder, *secret)
    assert status == 2 and "--rejoin" in err


def test_killed_at_every_moment_of_its_start(world, tmp_path, secret):
    """Whenever it dies, the next start finds a folder and a hub that it can go on with: one deposit, one key."""
    folder = tmp_path / "node"
    world.node(folder)
    address = KeyFolder(folder).address()
    for words in ("listening", "the hub is read", "registered on the hub"):
        with subprocess.Popen(command("start", folder, *secret), stderr=subprocess.PIPE, text=True) as process:
            for line in process.stderr:
                if words in line:
                    break
            process.kill()
        assert world.hub.node(address).deposit in (0, ETHER)
    with started(folder, *secret):
        assert len(world.hub.events(["Registered"])) == 1 and status_of(folder)["standing"] == "active"
