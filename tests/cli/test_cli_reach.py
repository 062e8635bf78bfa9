"""What a contract on a chain cannot reach is said before anything runs."""

import pytest

from enigmalang.cli.app import run

PROGRAM = """
def noted(k: string[10]) -> uint32:
    found: uint32 = DHT[k]
    return found

contract Notes:
    private x: uint32

    def put(private v: uint32):
        x = wrap(v + noted("k"))

    def keep(private v: uint32):
        MPC["k"] = v

test "a note":
    print("it began")
    DHT["k"] = 3
    n = deploy Notes()
    n.put(4)
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    path = tmp_path / "notes.enig"
    path.write_text(PROGRAM)
    return path


@pytest.mark.parametrize("command", (["check"], ["run"], ["test"], ["deploy"]))
def test_databases_in_contracts_are_refused_before_a_chain_is_there(program, command, capfd):
    arguments = ["--engine", "clear"] if command in (["run"], ["test"]) else []
    assert run([*command, str(program), *arguments]) == 1
    out, err = capfd.readouterr()
    assert "it began" not in out
    assert err.count("error[E0803]") == 2
    assert "DHT lies off the chain: a contract cannot reach it" in err and "called from here" in err
    assert "MPC lies off the chain" in err


def test_the_ledger_in_memory_reaches_them(program, capfd):
    assert run(["run", str(program), "--engine", "clear", "--chain", "memory"]) == 0
    assert "✓ a note" in capfd.readouterr().out


def test_what_scripts_cannot_do_on_a_network_is_found_by_check(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("NO_COLOR", "1")
    path = tmp_path / "script.enig"
    path.write_text('identity alice\nas alice:\n    DHT.set("a", 1, ~only(alice))\n    MPC["b"] = 2\n')
    assert run(["check", str(path)]) == 0
    capfd.readouterr()
    assert run(["check", "--network", str(path)]) == 1
    err = capfd.readouterr().err
    assert err.count("error[E0803]") == 1 and "whom it does not name" in err


def test_a_network_is_not_in_memory(program, capfd):
    assert run(["run", str(program), "--network", "--chain", "memory"]) == 2
    assert "--network needs a chain that is up" in capfd.readouterr().err
