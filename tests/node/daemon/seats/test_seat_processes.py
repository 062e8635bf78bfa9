"""Nodes as processes, used by `enig deploy` and `enig call`: one is killed in the middle of it all, and comes back."""

from contextlib import ExitStack, redirect_stderr, redirect_stdout
from io import StringIO

from daemon_world import PASSWORD, World, until
from seat_nodes import LONG, POOL, Later
from test_node_processes import started, status_of

from enigmalang.cli.app import run


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
        assert "1 committee" in enig("node", "status", str(folders[0]))
