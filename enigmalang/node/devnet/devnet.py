"""A network on this machine for development, whose parts are processes of their own: `up`, `down`, and how it is.

`up` brings everything to where it should be from whatever it finds: nothing, all of it, or what is left after some was
killed. Nobody watches over the processes: what has died stays dead until the next `up`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from enigmalang.chain import development
from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import faucet_key
from enigmalang.chain.hub import deploy_hub
from enigmalang.chain.memory import CHAIN_ID, FUNDS
from enigmalang.chain.rpc import RpcEvm
from enigmalang.chain.storage import deploy_storage
from enigmalang.node.daemon.config import read_config
from enigmalang.node.daemon.control import NoDaemon, ask
from enigmalang.node.daemon.keys import KeyFolder
from enigmalang.node.daemon.pidfile import AlreadyRunning, FolderLock, running
from enigmalang.node.devnet import chain as chains
from enigmalang.node.devnet import folder as folders
from enigmalang.node.devnet.folder import DevnetError, Made
from enigmalang.node.devnet.processes import await_end, interrupt, launch, wait_for
from enigmalang.node.networks import Network, drop_record, keep_record, records

if TYPE_CHECKING:
    import subprocess

#: Seconds in which a chain is there, with all that was ever done on it; in which nodes serve; in which a chain ends.
CHAIN_SECONDS, NODE_SECONDS, END_SECONDS = 600.0, 120.0, 30.0
#: Seconds that a node has to say how it is while it begins.
ANSWER_SECONDS = 10.0
Say = Callable[[str], None]


class Devnet:
    """The one in `folder`. `program`: what runs `enig`, up to its arguments."""

    def __init__(self, folder: Path, program: Sequence[str] = (), say: Say = lambda line: None) -> None:
        self.folder, self._program, self._say = folder.absolute(), program, say

    def up(self, nodes: int | None = None, kind: str | None = None, rents: bool = False) -> bool:
        """Start what does not run, after making what is not there; whether anything had to be done.

        `nodes`: how many, by default those that there are, or `folder.USUAL`. `rents`: a new devnet's nodes ask for
        rent. Raises DevnetError, ChainError, OSError.
        """
        self._refuse_another()
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DevnetError(f"no folder {self.folder} can be made ({error.strerror}): choose another") from None
        with self._alone():
            made = self._made(kind, rents)
            count = self._count(nodes)
            began = self._start_chain(made)
            with self._chain() as chain:
                made = self._with_rent(self._with_hub(made, chain), chain)
                network = self._with_nodes(made, chain, count)
            began = self._start_nodes() or began
            keep_record(network)
            return began

    def down(self) -> list[str]:
        """End all processes, and wait until they have ended: what there is to say of each. Raises DevnetError."""
        if folders.read_made(self.folder) is None:
            raise DevnetError(f"there is no devnet in {self.folder}: `enig devnet up` makes one")
        with self._alone():
            nodes = [each for each in folders.node_folders(self.folder) if interrupt(each) is not None]
            said = [f"node {each.name} {_ended(await_end(each, _patience(each)))}" for each in nodes]
            chain = folders.chain_folder(self.folder)
            if interrupt(chain) is not None:  # after the nodes, which may still need it
                said.append(f"the chain {_ended(await_end(chain, END_SECONDS))}")
            for network in records():
                if network.url == folders.chain_url(self.folder):
                    drop_record(network)
            return said

    # ---- what there is

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with FolderLock(self.folder):
                yield
        except AlreadyRunning as error:
            raise DevnetError(f"another `enig devnet` (pid {error.pid}) is at work in {self.folder}") from None

    def _made(self, kind: str | None, rents: bool) -> Made:
        made = folders.read_made(self.folder)
        if made is None:
            return folders.begin(self.folder, kind or chains.kind_here(), rents)
        if kind not in (None, made.chain):
            raise DevnetError(f"the chain in {self.folder} is {made.chain}, and stays it: choose another folder for "
                              f"{kind}")
        if rents and made.rent is None:
            raise DevnetError(f"the nodes in {self.folder} keep data without rent, and go on so: choose another folder "
                              "for --rent")
        return made

    def _count(self, nodes: int | None) -> int:
        there = len(folders.node_folders(self.folder))
        if nodes is not None and nodes < there:
            raise DevnetError(f"{self.folder} has {there} nodes, which are on the hub: {nodes} are too few")
        return nodes or there or folders.USUAL

    def _refuse_another(self) -> None:
        """Clients find one network on a chain of a given number, and all development chains have the same."""
        for network in records():
            if network.chain == CHAIN_ID and network.url != folders.chain_url(self.folder) and _alive(network):
                raise DevnetError(f"another network is up on this machine ({network.url}): end it first, with `enig "
                                  f"{'devnet down` in its folder' if network.drawn else 'chain down`'}")

    # ---- making and starting

    def _start_chain(self, made: Made) -> bool:
        where = folders.chain_folder(self.folder)
        if chains.answers(where):
            return False
        process, output = None, where / chains.OUTPUT
        if running(where) is None:
            self._say(f"starting the chain ({made.chain})")
            process = launch([*self._program, "devnet", "keep-chain", "--folder", str(self.folder)], output)
        wait_for("the chain", lambda: chains.answers(where), process, [output], CHAIN_SECONDS)
        return True

    @contextmanager
    def _chain(self) -> Iterator[Chain]:
        with RpcEvm(folders.chain_url(self.folder)) as evm:
            yield Chain(evm)

    def _with_hub(self, made: Made, chain: Chain) -> Made:
        if not made.hub:
            return folders.keep_made(self.folder, replace(made, hub=deploy_hub(chain, faucet_key()).address.lower()))
        if not chain.code(made.hub):
            raise DevnetError(f"the chain in {self.folder} has no hub at {made.hub}: remove the folder to begin anew")
        return made

    def _with_rent(self, made: Made, chain: Chain) -> Made:
        if made.rent != "":
            return made
        contract = deploy_storage(chain, faucet_key(), made.hub)
        return folders.keep_made(self.folder, replace(made, rent=contract.address.lower()))

    def _with_nodes(self, made: Made, chain: Chain, count: int) -> Network:
        """The network, with the folders of its nodes, and money for each."""
        for number in range(len(folders.node_folders(self.folder)) + 1, count + 1):
            folders.make_node(self.folder, number, made.hub, made.rent or "")
        addresses = [_address(each) for each in folders.node_folders(self.folder)]
        for address in addresses:
            if chain.balance(address) < FUNDS // 2:
                development.fund(chain, address, FUNDS)
        return Network(chain.id, folders.chain_url(self.folder), made.hub, 0, "", tuple(addresses), 0, "")

    def _start_nodes(self) -> bool:
        """Start those that do not run, all at once, and wait until every one serves."""
        begun: dict[Path, subprocess.Popen[bytes]] = {}
        for where in folders.node_folders(self.folder):
            if running(where) is None:
                folders.moved(where, folders.freed(where), folders.chain_url(self.folder))
                begun[where] = launch([*self._program, "node", "start", str(where)], where / folders.OUTPUT)
        if begun:
            self._say(f"starting {len(begun)} nodes" if len(begun) > 1 else f"starting node {next(iter(begun)).name}")
        waiting = [each for each in folders.node_folders(self.folder) if each in begun or not _serves(each)]
        for where in waiting:
            wait_for(f"node {where.name}", lambda where=where: _serves(where), begun.get(where),  # type: ignore[misc]
                     [where / folders.OUTPUT, where / folders.LOG], NODE_SECONDS)
        return bool(waiting)


def _serves(folder: Path) -> bool:
    try:
        return bool(ask(folder, "status", ANSWER_SECONDS)["phase"] == "serving")
    except NoDaemon:
        return False


def _address(folder: Path) -> str:
    address = KeyFolder(folder).address()
    if address is None:
        raise DevnetError(f"{folder} has lost the node's key")
    return address


def _patience(folder: Path) -> float:
    config = read_config(folder)
    return config.node.stop_seconds + config.chain.timeout_seconds + ANSWER_SECONDS


def _ended(by_itself: bool) -> str:
    return "has ended" if by_itself else "did not end, and was killed"


def _alive(network: Network) -> bool:
    from enigmalang.node.remote import known_networks

    return network in known_networks()
