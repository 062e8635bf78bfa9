"""The whole way of a contract, with nothing standing in: anvil and a network in other processes, the real commands,
and a script that trusts neither.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from run_support import ROOT, Done, enig

from enigmalang.chain.anvil import Anvil, find_anvil, missing
from enigmalang.chain.client import Chain
from enigmalang.chain.hub import EXPIRED, Hub
from enigmalang.chain.rpc import RpcEvm
from enigmalang.identity.keys import Keystore
from enigmalang.node.remote_jobs import GRACE

COMMAND = [sys.executable, "-c", "from enigmalang.cli import main; main()"]
SALARIES = "examples/salaries.enig"
VERIFY = Path(__file__).with_name("verify_job.py")


@dataclass
class Up:
    """A network in another process."""

    home: str
    process: subprocess.Popen[str]
    pids: dict[int, int]
    addresses: dict[int, str]

    def enig(self, *arguments: str) -> Done:
        return enig(*arguments, ENIGMALANG_HOME=self.home)

    def done(self, *arguments: str) -> str:
        said = self.enig(*arguments)
        assert said.returncode == 0, said.stderr
        return said.stdout.strip()


@contextmanager
def up(folder: Path, *options: str) -> Iterator[Up]:
    """`enig chain up`, from its last ready line until it was interrupted and has ended."""
    home = str(folder / "home")
    process = subprocess.Popen([*COMMAND, "chain", "up", *options], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, env={**os.environ, "ENIGMALANG_HOME": home})
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if line.strip() == "ready":
                break
        else:
            raise AssertionError("".join(said))
        nodes = re.findall(r"^node (\d+)\s+(0x[0-9a-f]{40})\s+pid (\d+)$", "".join(said), re.MULTILINE)
        yield Up(home, process, {int(n): int(pid) for n, _, pid in nodes}, {int(n): a for n, a, _ in nodes})
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
        print("".join(said) + rest)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.skipif(find_anvil() is None, reason=missing())
def test_salaries_on_anvil_verified_from_chain_data_alone(tmp_path: Path) -> None:
    with Anvil(port=free_port()) as anvil, up(tmp_path, "--chain", anvil.url) as network:
        address = network.done("deploy", SALARIES, "--contract", "Salaries", "--chain", anvil.url)
        for name, pay in (("alice", "90_000"), ("bob", "60_000"), ("carol", "75_000")):
            assert network.done("call", address, "join", pay, "--key", name) == ""
        assert network.done("call", address, "average", "--chain", anvil.url) == "75000"
        assert network.done("call", address, "my_rank", "--key", "carol") == "2"
        abi = tmp_path / "Salaries.json"
        network.done("compile", SALARIES, "--contract", "Salaries", "--to", "abi", "-o", str(abi))
        told = verified(anvil.url, address, abi)
        assert told["result"] == 75_000
        assert {a.lower() for a in told["members"]} == set(network.addresses.values())
        assert len(told["signers"]) == 3
        assert_no_salary_in(anvil.url)


def verified(url: str, address: str, abi: Path) -> dict[str, object]:
    """What the independent script finds."""
    done = subprocess.run([sys.executable, str(VERIFY), url, address, "Salaries", "average", str(abi)],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def assert_no_salary_in(url: str) -> None:
    """No transaction of the whole chain has one of the salaries as a word, of either byte order."""
    chain = Chain(RpcEvm(url))
    with chain.evm:
        for number in range(1, chain.block_number() + 1):
            for sent in chain.ask("eth_getBlockByNumber", hex(number), True)["transactions"]:
                for pay in (90_000, 60_000):  # the mean, 75 000, is public
                    assert pay.to_bytes(8, "big").hex() not in sent["input"]
                    assert pay.to_bytes(8, "little").hex() not in sent["input"]


def test_a_node_killed_in_the_middle_of_a_job_ends_in_a_refund(tmp_path: Path) -> None:
    seconds = 30  # by the clock: the first job must be done in time on a busy machine too
    with up(tmp_path, "--chain", "embedded", "--job-time", str(seconds)) as network:
        address = network.done("deploy", SALARIES)
        assert network.done("call", address, "join", "90_000", "--key", "alice") == ""
        url = json.loads(next((tmp_path / "home" / "networks").glob("*.json")).read_text())
        os.kill(network.pids[2], signal.SIGSTOP)  # so that the job cannot be over before the node is killed
        process = subprocess.Popen([*COMMAND, "call", address, "my_rank", "--key", "bob"], cwd=ROOT, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={**os.environ, "ENIGMALANG_HOME": network.home})
        assert process.stderr is not None
        before = [process.stderr.readline(), process.stderr.readline()]
        assert "is with the nodes" in before[-1], before
        os.kill(network.pids[2], signal.SIGKILL)
        out, err = process.communicate(timeout=seconds + GRACE + 60)
        assert process.returncode == 1 and out == ""
        assert "error[E0711]" in err, err
        assert "came back (1000000000000000 wei)" in err
        chain = Chain(RpcEvm(url["url"]))
        with chain.evm:
            hub, bob = Hub(chain, url["hub"]), Keystore().get("bob").address
            assert hub.job(2).status == EXPIRED
            assert hub.owed(bob) == 0
            assert chain.balance(bob) == 10_000 * 10**18
        assert len(json.loads(network.done("call", address, "people", "--json"))["result"]) == 1
