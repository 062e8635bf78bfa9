"""The devnet that is soaked: `enig devnet up` and its processes, which are killed and started again here."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from time import monotonic, sleep

from enigmalang.node.daemon.config import FILE as CONFIG
from enigmalang.node.daemon.config import read_config, with_options, written
from enigmalang.node.daemon.control import NoDaemon, ask
from enigmalang.node.daemon.keys import KeyFolder
from enigmalang.node.daemon.pidfile import running
from enigmalang.node.devnet import folder as folders
from enigmalang.node.devnet.processes import launch
from enigmalang.node.networks import Network, records

ENIG = [sys.executable, "-c", "import sys; from enigmalang.cli.app import run; sys.exit(run(sys.argv[1:]))"]
#: Seconds in which a node serves again, however busy the machine is; between two looks.
SERVES, PAUSE = 120.0, 0.05


class SoakError(Exception):
    """The soak cannot go on; the text says why."""


@dataclass(slots=True)
class Node:
    """A node's process. `lives`: how often it was started."""

    number: int
    folder: Path
    address: str
    lives: int = 1
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def pid(self) -> int | None:
        """None while it is dead; 0 while it has not said its number yet."""
        return running(self.folder)

    @property
    def serves(self) -> bool:
        try:
            return bool(ask(self.folder, "status", 10.0)["phase"] == "serving")
        except NoDaemon:
            return False

    def kill(self) -> None:
        """kill -9, and until it is dead."""
        pid = self.pid
        if pid:
            os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        while self.pid is not None:
            sleep(PAUSE)

    def start(self) -> None:
        self.process = launch([*ENIG, "node", "start", str(self.folder)], self.folder / folders.OUTPUT)
        self.lives += 1

    def await_serving(self) -> None:
        """Raises SoakError with its last words."""
        deadline = monotonic() + SERVES
        while not self.serves:
            if monotonic() > deadline or (self.process is not None and self.process.poll() is not None):
                said = (self.folder / folders.OUTPUT).read_text(errors="replace")[-2000:]
                raise SoakError(f"node {self.number} does not serve:\n{said}")
            sleep(PAUSE)


@dataclass(frozen=True, slots=True)
class Devnet:
    """A devnet that is up."""

    folder: Path
    network: Network
    nodes: tuple[Node, ...]

    @property
    def url(self) -> str:
        return self.network.url


def down(net: Devnet) -> None:
    """`enig devnet down`, which ends the processes that were started here, too."""
    enig("devnet", "down")
    for each in net.nodes:
        if each.process is not None:
            each.process.wait()
            each.process = None


def up_again(net: Devnet, away: float, check: float) -> None:
    """`enig devnet up`, after `down`, with nodes that take a holder of stored data for gone after `away` seconds, and
    look every `check` seconds: a test has no quarter of an hour for that."""
    for each in net.nodes:
        config = with_options(read_config(each.folder), "storage", away_seconds=away, check_seconds=check)
        (each.folder / CONFIG).write_text(written(config), "utf-8")
        each.lives += 1
    enig("devnet", "up")


def enig(*words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """A command, as a process. Raises SoakError when it fails."""
    done = subprocess.run([*ENIG, *words], capture_output=True, text=True)
    if check and done.returncode:
        raise SoakError(f"enig {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


@contextmanager
def devnet(count: int, folder: Path | None) -> Iterator[Devnet]:
    """`enig devnet up --nodes COUNT`, with a home of its own, and down at the end."""
    home = Path(tempfile.mkdtemp(prefix="soak-")) if folder is None else folder.absolute()
    with _environment(ENIGMALANG_HOME=str(home), PYTHONPYCACHEPREFIX=str(home / "pycache"),
                      PYTHONDONTWRITEBYTECODE=""):  # a node that is installed starts from compiled modules
        enig("devnet", "up", "--nodes", str(count))
        where = folders.default_folder()
        (network,) = records()
        nodes = tuple(Node(int(each.name), each, str(KeyFolder(each).address()))
                      for each in folders.node_folders(where))
        try:
            yield Devnet(where, network, nodes)
        finally:
            _end(where, nodes)
    if folder is None:
        rmtree(home, ignore_errors=True)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """These variables of the process, for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _end(where: Path, nodes: Sequence[Node]) -> None:
    """`enig devnet down`, and the children that were started here."""
    enig("devnet", "down", check=False)
    for each in nodes:
        if each.process is not None:
            each.process.wait()
    assert running(folders.chain_folder(where)) is None
