"""Nodes as processes, used by `enig deploy` and `enig call`: one is killed in the middle of it all, and comes back."""

import subprocess
import sys
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO

from daemon_world import PASSWORD, World, until
from seat_nodes import LONG, POOL, Later

from enigmalang.cli.app import run
from enigmalang.node.daemon.control import NoDaemon, ask

ENIG = [sys.executable, "-c", "import sys; from enigmalang.cli.app import run; sys.exit(run(sys.argv[1:]))"]


def status_of(folder):
    try:
        return ask(folder, "status", 30)
    except NoDaemon:
        return {"phase": "down"}


@contextmanager
def started(folder, *arguments):
    """A process of `enig node start`, when it serves; killed at the end if it is still there."""
    with open(f"{folder}.log", "ab") as log, subprocess.Popen(
            [*ENIG, "node", "start", str(folder), *arguments], stdout=log, stderr=log) as process:
        try:
            until(lambda: process.poll() is not None or status_of(folder)["phase"] == "serving", "serving", LONG)
            assert process.poll() is None
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def enig(*arguments):
    """What a command writes to stdout; it must go well."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = run(list(arguments))
    assert status == 0, err.getvalue()
    return out.getvalue().strip()


def test_deploy_and_call_while_a_node_is_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "home"))
    (tmp_path / "password").write_text(PASSWORD)
    secret = ["--password-file", str(tmp_path / "password")]
    with World() as world, ExitStack() as running:
        folders = [tmp_path / f"node{number}" for number in (1, 2, 3)]
        for folder in folders:
            world.node(folder)
        processes = [running.enter_context(started(folder, *secret)) for folder in folders]
        chain = ["--chain", str(world.socket)]
        address = enig("deploy", str(POOL), *chain, "--hub", world.hub.address)
        enig("call", address, "put", "40", *chain)
        mine = Later(lambda: enig("call", address, "mine", *chain))
        processes[1].kill()
        processes[1].wait()
        running.enter_context(started(folders[1], *secret))
        assert mine.result() == "40"
        until(lambda: all(status_of(folder)["parts"]["seats"]["seats"][0]["up"] for folder in folders), "a term", LONG)
        assert enig("call", address, "over_limit", *chain) == "True"
        assert "1 committee: 1 met" in enig("node", "status", str(folders[0]))
