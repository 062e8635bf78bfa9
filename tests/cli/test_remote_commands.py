"""`enig deploy`, `call`, `events` and `show` against a network in this process."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from run_support import ROOT
from standin import StandIn, standing_in

from enigmalang.chain.embedded import EmbeddedEvm
from enigmalang.cli.app import run

SALARIES = str(ROOT / "examples" / "salaries.enig")


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    with EmbeddedEvm() as evm, standing_in(evm, tmp_path) as made:
        yield made


class Said:
    """What a command said, and its status."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def enig(network: StandIn, capfd: pytest.CaptureFixture[str]):
    def call(*arguments: str, stdin: str = "", monkey: pytest.MonkeyPatch | None = None) -> Said:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", io.StringIO(stdin))
            capfd.readouterr()
            status = run(arguments)
        out, err = capfd.readouterr()
        return Said(status, out, err)

    return call


def deploy(enig, file: str = SALARIES, *more: str) -> str:
    said = enig("deploy", file, *more)
    assert said.status == 0, said.err
    assert re.fullmatch(r"0x[0-9a-fA-F]{40}\n", said.out)
    return said.out.strip()


def test_salaries_from_deployment_to_a_private_result(enig, network: StandIn) -> None:
    address = deploy(enig)
    for name, pay in (("alice", "90_000"), ("bob", "60_000"), ("carol", "75000")):
        said = enig("call", address, "join", pay, "--key", name)
        assert (said.status, said.out) == (0, ""), said.err
        assert f"as {name}, 0x" in said.err and "development identity" in said.err
    said = enig("call", address, "average", "--json")
    told = json.loads(said.out)
    assert told["result"] == 75_000 and told["job"] == 4 and told["transaction"].startswith("0x")
    assert enig("call", address, "my_rank", "--key", "carol").out == "2\n"
    assert enig("call", address, "my_rank", "--key", "alice").out == "1\n"
    people = json.loads(enig("call", address, "people", "--json").out)["result"]
    assert len(people) == 3
