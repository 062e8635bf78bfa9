"""`enig node init`, and what the other commands say of folders that are none: texts that say how to mend."""

import os
import stat
import sys
from io import StringIO

import pytest

from enigmalang.cli.app import run
from enigmalang.ethereum.keys import SigningKey
from enigmalang.identity.files import KeyFiles
from enigmalang.node.daemon import folders, keys
from enigmalang.node.daemon.config import FILE, read_config
from enigmalang.node.daemon.pidfile import FolderLock

HUB = "0x" + "aB" * 20
GIVEN = ["--chain", "http://127.0.0.1:1", "--hub", HUB]


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch):
    """Passwords that are cheap to check, a home of our own, and nobody at the keyboard."""
    monkeypatch.setattr(folders.make_folder, "__defaults__", (None, 2))
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(keys.PASSWORD_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "stdin", StringIO())


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text("correct horse\n")
    return ["--password-file", str(path)]


def enig(capsys, *arguments):
    status = run(["node", *map(str, arguments)])
    said = capsys.readouterr()
    assert "Traceback" not in said.err and "bug" not in said.err
    return status, said.out, said.err


def test_init(tmp_path, capsys, password):
    folder = tmp_path / "node"
    status, out, err = enig(capsys, "init", folder, *GIVEN, *password, "--endpoint", "node.example:7400", "--deposit",
                            "2_000_000_000_000_000_000", "--monitor-port", "9000", "--monitor-address", "0.0.0.0",
                            "--listen", "0.0.0.0:7400")
    assert status == 0 and not err
    config = read_config(folder)
    assert (config.chain.url, config.chain.hub) == ("http://127.0.0.1:1", HUB.lower())
    assert (config.node.endpoint, config.node.deposit) == ("node.example:7400", 2 * 10**18)
    assert (config.monitor.address, config.monitor.port) == ("0.0.0.0", 9000)
    address = keys.KeyFolder(folder).open("correct horse").address
    assert address in out.lower() and f"enig node start {folder}" in out
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600


def test_init_twice(tmp_path, capsys, password):
    folder = tmp_path / "node"
    assert enig(capsys, "init", folder, *GIVEN, *password)[0] == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    status, _, err = enig(capsys, "init", folder, *GIVEN, *password)
    assert status == 1 and "left as it is" in err
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("place", ["file/node", "file", "full"])
def test_init_where_no_folder_can_be(tmp_path, capsys, password, place):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "keys").write_text("mine")
    status, _, err = enig(capsys, "init", tmp_path / place, *GIVEN, *password)
    assert status == 2 and ("is a file" in err or "Choose another place" in err)
    assert (tmp_path / "file").read_text() == (tmp_path / "full" / "keys").read_text() == "mine"
    assert not (tmp_path / "full" / FILE).exists()


def test_init_with_a_key_that_there_is(tmp_path, capsys, password):
    key = SigningKey.generate()
    KeyFiles(work=2).add("mine", key, "correct horse")
    status, out, _ = enig(capsys, "init", tmp_path / "node", *GIVEN, "--key", "mine", *password)
    assert status == 0 and key.address in out.lower()
    assert keys.KeyFolder(tmp_path / "node").open("correct horse").address == key.address
    for name, said in (("mine", "does not open the key mine"), ("other", "no key named other")):
        wrong = tmp_path / "wrong"
        wrong.write_text("wrong horse")
        status, _, err = enig(capsys, "init", tmp_path / "two", *GIVEN, "--key", name, "--password-file", wrong)
        assert status == 2 and said in err and "horse" not in err
        assert not (tmp_path / "two" / FILE).exists()


def test_init_with_a_socket_and_confirmations(tmp_path, capsys, password, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["--chain", "chain.sock", "--hub", HUB, "--confirmations", "12"]
    assert enig(capsys, "init", "node", *given, *password)[0] == 0
    config = read_config(tmp_path / "node")
    assert (config.chain.url, config.chain.confirmations) == (str(tmp_path / "chain.sock"), 12)


@pytest.mark.parametrize("arguments, said", [
    (["--hub", "0x12"], "is no address"),
    (["--endpoint", "here"], "no HOST:PORT"),
    (["--deposit", "much"], "is no integer"),
    (["--monitor-port", "70000"], "70000"),
])
def test_init_with_what_cannot_be(tmp_path, capsys, password, arguments, said):
    status, _, err = enig(capsys, "init", tmp_path / "node", *GIVEN, *password, *arguments)
    assert status == 2 and said in err and not (tmp_path / "node").exists()


def test_a_password_from_everywhere(tmp_path, capsys, password, monkeypatch):
    monkeypatch.setattr(sys, "stdin", StringIO("typed\n"))
    assert enig(capsys, "init", tmp_path / "a", *GIVEN, "--password-file", "-")[0] == 0
    keys.KeyFolder(tmp_path / "a").open("typed")
    monkeypatch.setenv(keys.PASSWORD_VARIABLE, password[1])
    assert enig(capsys, "init", tmp_path / "b", *GIVEN)[0] == 0
    keys.KeyFolder(tmp_path / "b").open("correct horse")
    monkeypatch.delenv(keys.PASSWORD_VARIABLE)
    status, _, err = enig(capsys, "init", tmp_path / "c", *GIVEN)
    assert status == 2 and "--password-file FILE" in err and "node.password_file" in err
    status, _, err = enig(capsys, "init", tmp_path / "c", *GIVEN, "--password-file", tmp_path / "none")
    assert status == 2 and "cannot be read: No such file" in err


@pytest.mark.parametrize("command", ["start", "stop", "status", "rotate", "leave", "claim"])
def test_folders_that_are_none(tmp_path, capsys, command):
    status, _, err = enig(capsys, command, tmp_path)
    assert status == 2 and "is no node's folder" in err and "enig node init" in err


@pytest.mark.parametrize("command", ["start", "stop", "status"])
def test_unknown_options(tmp_path, capsys, password, command):
    enig(capsys, "init", tmp_path / "node", *GIVEN, *password)
    with (tmp_path / "node" / FILE).open("a") as file:
        file.write("prot = 5\n")
    status, _, err = enig(capsys, command, tmp_path / "node")
    assert status == 2 and "there is no option monitor.prot; did you mean monitor.port?" in err


def test_a_node_that_does_not_run(tmp_path, capsys, password):
    folder = tmp_path / "node"
    enig(capsys, "init", folder, *GIVEN, *password)
    status, out, _ = enig(capsys, "status", folder)
    assert status == 3 and "running    no: `enig node start` starts it" in out and HUB.lower() in out
    status, out, _ = enig(capsys, "status", folder, "--json")
    assert status == 3 and '"running": false' in out
    status, _, err = enig(capsys, "stop", folder)
    assert status == 3 and "does not run" in err
    status, _, err = enig(capsys, "claim", folder, *password)
    assert status == 1 and "cannot be reached" in err


def test_a_node_that_does_not_answer(tmp_path, capsys, password):
    folder = tmp_path / "node"
    enig(capsys, "init", folder, *GIVEN, *password)
    with FolderLock(folder):
        status, _, err = enig(capsys, "status", folder)
        assert status == 1 and f"runs (pid {os.getpid()}) and does not answer" in err
        status, _, err = enig(capsys, "claim", folder, *password)
        assert status == 1 and "runs already" in err


def test_a_wrong_password(tmp_path, capsys, password):
    folder = tmp_path / "node"
    enig(capsys, "init", folder, *GIVEN, *password)
    (tmp_path / "wrong").write_text("wrong horse")
    for command in ("start", "rotate"):
        status, _, err = enig(capsys, command, folder, "--password-file", tmp_path / "wrong")
        assert status == 2 and "does not open the node's key" in err and "horse" not in err


def test_a_folder_that_is_open_to_all(tmp_path, capsys, password):
    folder = tmp_path / "node"
    enig(capsys, "init", folder, *GIVEN, *password)
    folder.chmod(0o755)
    status, _, err = enig(capsys, "start", folder, *password)
    assert status == 2 and f"chmod o-rwx {folder}" in err
