"""How deep a node looks into a chain: at what may be undone only where nothing is lost by it."""

import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest

from enigmalang.chain.embedded import EmbeddedEvm
from enigmalang.chain.server import Server
from enigmalang.cli.app import run
from enigmalang.node.daemon import folders, keys
from enigmalang.node.daemon.config import FILE, read_config

HUB = "0x" + "aB" * 20


class Elsewhere:
    """What `chain.evm.Evm` asks for, of a chain that says it is another one."""

    def __init__(self, evm: EmbeddedEvm, number: int, client: str) -> None:
        self._evm, self._said = evm, {"eth_chainId": hex(number), "web3_clientVersion": client}

    def request(self, method: str, params: Sequence = ()):
        return self._said.get(method) or self._evm.request(method, params)

    def batch(self, calls):
        return [self.request(*call) for call in calls]

    def close(self) -> None:
        self._evm.close()


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch):
    monkeypatch.setattr(folders.make_folder, "__defaults__", (None, 2))
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(keys.PASSWORD_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "stdin", StringIO())
    (tmp_path / "password").write_text("correct horse\n")


def enig(capsys, tmp_path: Path, *arguments) -> tuple[int, str, str]:
    status = run(["node", *map(str, arguments), "--password-file", str(tmp_path / "password")])
    said = capsys.readouterr()
    assert "Traceback" not in said.err and "bug" not in said.err
    return status, said.out, said.err


def init(capsys, tmp_path: Path, url: object, *more: str) -> str:
    status, out, err = enig(capsys, tmp_path, "init", tmp_path / "node", "--chain", url, "--hub", HUB, *more)
    assert status == 0, err
    return out


@pytest.mark.parametrize("number, client, depth", [
    (1, "Geth/v1.15.0", 12), (11155111, "erigon/3.0", 12), (17, "reth/1.3", 12),
    (1337, "Geth/v1.15.0", 0), (31337, "HardhatNetwork/2.22", 0), (5, "anvil/v1.0.0", 0),
])
def test_a_node_is_made_as_deep_as_its_chain_needs(tmp_path, capsys, number: int, client: str, depth: int):
    with EmbeddedEvm() as evm, Server(Elsewhere(evm, number, client), tmp_path / "chain.sock") as chain:
        out = init(capsys, tmp_path, chain.path)
    assert read_config(tmp_path / "node").chain.confirmations == depth and f"depth     {depth} blocks" in out
    written = (tmp_path / "node" / FILE).read_text()
    assert f"confirmations = {depth}\n" in written and "more than a reorganisation ever undoes" in written


def test_where_no_chain_answers_it_is_made_for_one_that_counts(tmp_path, capsys):
    init(capsys, tmp_path, "http://127.0.0.1:1")
    assert read_config(tmp_path / "node").chain.confirmations == 12


def test_what_is_said_counts(tmp_path, capsys):
    with EmbeddedEvm() as evm, Server(evm, tmp_path / "chain.sock") as chain:
        init(capsys, tmp_path, chain.path, "--confirmations", "3")
    assert read_config(tmp_path / "node").chain.confirmations == 3


def test_a_node_does_not_start_without_depth_where_it_counts(tmp_path, capsys):
    with EmbeddedEvm() as evm, Server(Elsewhere(evm, 11155111, "Geth/v1.15.0"), tmp_path / "chain.sock") as chain:
        init(capsys, tmp_path, chain.path, "--confirmations", "0")
        status, _, err = enig(capsys, tmp_path, "start", tmp_path / "node")
    assert status == 2 and "chain.confirmations is 0" in err and "write chain.confirmations = 12" in err
