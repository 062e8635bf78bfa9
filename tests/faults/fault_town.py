"""A network of real processes that tests hurt: a chain, nodes with folders of their own, and people who use a contract.

Nodes and chain are those of `enig devnet`; only the tests' own processes are ever ended.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from fault_launcher import DIE_AT, SKEW
from later import LONG, Later

from enigmalang.chain import development
from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import faucet_key
from enigmalang.chain.errors import ChainError
from enigmalang.chain.hub import Hub, Parameters, deploy_hub
from enigmalang.chain.rpc import RpcEvm
from enigmalang.node.daemon.config import FILE, Config, read_config, with_options, written
from enigmalang.node.daemon.control import NoDaemon, ask
from enigmalang.node.daemon.keys import KeyFolder
from enigmalang.node.devnet import chain as chains
from enigmalang.node.devnet import folder as folders
from enigmalang.node.networks import Network

LAUNCHER = str(Path(__file__).with_name("fault_launcher.py"))
ETHER = 10**18
#: Seconds for what happens in a few.
SOON = 60.0
T = TypeVar("T")


def until(condition: Callable[[], T], what: str, seconds: float = LONG) -> T:
    """Wait until `condition()` is true, and give it."""
    deadline, pause = monotonic() + seconds, threading.Event()
    while True:
        found = condition()
        if found:
            return found
        assert monotonic() < deadline, f"{what} does not happen in {seconds:g} seconds"
        pause.wait(0.05)


class Node:
    """The folder of a node and its process, which may be killed, stopped, frozen and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.number = folder, int(folder.name)
        self.process: subprocess.Popen[bytes] | None = None
        self.wrapper: Sequence[str] = ()  # what the process is run by: `ip netns exec NAME`
        self.skew = 0.0
        address = KeyFolder(folder).address()
        assert address is not None
        self.address = address

    # ---- its process

    def start(self) -> None:
        assert not self.runs
        with open(self.folder / "out.log", "ab") as output:
            self.process = subprocess.Popen(
                [*self.wrapper, sys.executable, LAUNCHER, "node", "start", str(self.folder)], stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, env=os.environ | {SKEW: str(self.skew)})

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def serving(self) -> "Node":
        """When it serves."""
        until(lambda: not self.runs or self.status()["phase"] == "serving", f"node {self.number} serving")
        assert self.runs, f"node {self.number} has ended: {self.said()[-2000:]}"
        return self

    def died(self) -> None:
        """When it has killed itself."""
        assert self.process is not None
        until(lambda: not self.runs, f"the death of node {self.number}", SOON)
        assert self.process.returncode == -signal.SIGKILL, self.said()[-2000:]

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """As `enig node stop`, which gives it the same time."""
        assert self.process is not None
        config = read_config(self.folder)
        self.process.terminate()
        allowed = config.node.stop_seconds + config.chain.timeout_seconds + 10.0
        assert self.process.wait(allowed) == 0, self.said()[-2000:]

    def die_at(self, point: str) -> None:
        (self.folder / DIE_AT).write_text(point)

    # ---- what it says

    def status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = ask(self.folder, "status", SOON)
        except NoDaemon:
            return {"phase": "down"}
        return found

    def log(self) -> str:
        path = self.folder / folders.LOG
        return path.read_text(errors="replace") if path.exists() else ""

    def said(self) -> str:
        return (self.folder / "out.log").read_text(errors="replace") + self.log()

    def seat_up(self, committee: int) -> bool:
        """Whether it has met the others of a committee."""
        seats = self.status().get("parts", {}).get("seats", {}).get("seats", ())
        return any(seat["committee"] == committee and seat["up"] for seat in seats)

    def memory(self) -> int:
        """Bytes of memory that its process has now."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    # ---- its configuration

    @property
    def config(self) -> Config:
        return read_config(self.folder)

    def change(self, section: str, **options: Any) -> None:
        """For its next start."""
        (self.folder / FILE).write_text(written(with_options(self.config, section, **options)))

    def password(self) -> str:
        return (self.folder / folders.PASSWORD).read_text().splitlines()[0]


class Town:
    """`count` nodes on a chain of their own. A context manager, which ends them all."""

    def __init__(self, count: int, *, job_time: int = 120, kind: str | None = None,
                 prepare: Callable[[Node], None] = lambda node: None) -> None:
        """`prepare` is called for each node before its first start."""
        self.folder = Path(tempfile.mkdtemp(prefix="enig-"))  # short: sockets lie in it
        self.kind = kind or chains.kind_here()
        self._count, self._job_time, self._prepare = count, job_time, prepare
        self.nodes: list[Node] = []
        self.chain_process: subprocess.Popen[bytes] | None = None
        self._home = os.environ.get("ENIGMALANG_HOME")

    def __enter__(self) -> "Town":
        os.environ["ENIGMALANG_HOME"] = str(self.folder / "home")
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        for node in self.nodes:
            with suppress(ProcessLookupError):
                node.kill()
        self.kill_chain()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._home is None:
            os.environ.pop("ENIGMALANG_HOME", None)
        else:
            os.environ["ENIGMALANG_HOME"] = self._home

    def _begin(self) -> None:
        folders.begin(self.folder, self.kind)
        self.start_chain()
        with self.chain() as chain:
            parameters = Parameters(minimum_deposit=ETHER, job_time=self._job_time)
            self.hub = deploy_hub(chain, faucet_key(), parameters).address
            for number in range(1, self._count + 1):
                folders.make_node(self.folder, number, self.hub.lower())
                node = Node(folders.node_folder(self.folder, number))
                development.fund(chain, node.address, 100 * ETHER)
                self.nodes.append(node)
                self._prepare(node)
        self.mend()

    # ---- the chain

    @property
    def url(self) -> str:
        return folders.chain_url(self.folder)

    def start_chain(self) -> None:
        output = folders.chain_folder(self.folder) / chains.OUTPUT
        with open(output, "ab") as file:
            self.chain_process = subprocess.Popen(
                [sys.executable, LAUNCHER, "devnet", "keep-chain", "--folder", str(self.folder)],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        where, process = folders.chain_folder(self.folder), self.chain_process
        until(lambda: process.poll() is not None or chains.answers(where), "the chain")
        assert process.poll() is None, output.read_text(errors="replace")

    def kill_chain(self) -> None:
        if self.chain_process is not None:
            self.chain_process.kill()
            self.chain_process.wait()

    @contextmanager
    def chain(self) -> Iterator[Chain]:
        with RpcEvm(self.url) as evm:
            yield Chain(evm)

    @contextmanager
    def on_hub(self) -> Iterator[Hub]:
        with self.chain() as chain:
            yield Hub(chain, self.hub)

    @property
    def network(self) -> Network:
        """As clients see it: committees are drawn."""
        with self.chain() as chain:
            return Network(chain.id, self.url, self.hub.lower(), 0, "", (), 0, "")

    # ---- nodes

    def mend(self) -> None:
        """Start what does not run; until all serve."""
        if self.chain_process is not None and self.chain_process.poll() is not None:
            self.start_chain()
        (self.folder / "nodes" / DIE_AT).unlink(missing_ok=True)
        for node in self.nodes:
            (node.folder / DIE_AT).unlink(missing_ok=True)
            if not node.runs:
                node.start()
        for node in self.nodes:
            node.serving()

    def somebody_dies_at(self, point: str) -> None:
        """The node that comes there first."""
        (self.folder / "nodes" / DIE_AT).write_text(point)

    def at(self, address: str) -> Node:
        return next(node for node in self.nodes if node.address == address)


__all__ = ["LONG", "SOON", "ChainError", "Later", "Node", "Town", "until"]
