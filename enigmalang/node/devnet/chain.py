"""The chain of a devnet, in a process of its own: FOLDER/chain has its socket, its lock, and what it is made of.

The embedded chain is in a file (`chain.chainfile`). anvil keeps nothing that outlives a kill: `chain.kept` brings it
back from the requests that it got, and from what it said of its state now and then.
"""

import threading
from contextlib import suppress
from pathlib import Path

from enigmalang.chain.anvil import Anvil, find_anvil
from enigmalang.chain.dumps import flush_folder
from enigmalang.chain.errors import ChainError, ChainUnreachable
from enigmalang.chain.kept import BadDump, KeptEvm
from enigmalang.chain.rpc import RpcEvm
from enigmalang.chain.server import Server
from enigmalang.mpc import heap
from enigmalang.node.daemon.pidfile import FolderLock

ANVIL, EMBEDDED = "anvil", "embedded"
#: In its folder: its socket, the requests that made it, what its process says; and the file of an embedded chain.
SOCKET, KEPT, OUTPUT, CHAIN = "chain.sock", "requests", "out.log", "chain.db"
#: Seconds after which free memory is handed back to the system.
HAND_BACK = 60.0


def kind_here() -> str:
    """The kind of chain that a new devnet gets."""
    return ANVIL if find_anvil() else EMBEDDED


def serve(folder: Path, kind: str) -> None:
    """Serve the chain in `folder` until the process is interrupted; it returns when the chain itself has died. Raises
    ChainError, AlreadyRunning, OSError."""
    with FolderLock(folder):
        if kind == EMBEDDED:
            _serve_embedded(folder)
        elif kind == ANVIL:
            while not _serve_anvil(folder):
                pass
        else:
            raise ChainError(f"there is no kind of chain named {kind}")


def _serve_anvil(folder: Path) -> bool:
    """False when it is to be tried with less of what was dumped."""
    with Anvil() as anvil, anvil.connect() as evm:
        try:
            kept = KeptEvm(evm, folder / KEPT, dumps=True)
        except BadDump:
            return False
        with kept, Server(kept, folder / SOCKET):
            while True:
                while not kept.lost.wait(HAND_BACK):
                    heap.trim(heap.LARGE)
                kept.lost.clear()
                evm.request("eth_chainId")  # ChainUnreachable, unless only a connection was lost


def _serve_embedded(folder: Path) -> None:
    from enigmalang.chain.chainfile import ChainFile
    from enigmalang.chain.embedded import EmbeddedEvm

    if not (folder / CHAIN).exists():
        _take_over(folder)
    with EmbeddedEvm(store=ChainFile(folder / CHAIN)) as evm, Server(evm, folder / SOCKET):
        while not threading.Event().wait(HAND_BACK):
            heap.trim(heap.LARGE)


def _take_over(folder: Path) -> None:
    """The file of a chain, with all that an earlier version kept as requests; it bears its name when it is whole."""
    from enigmalang.chain.chainfile import ChainFile
    from enigmalang.chain.embedded import EmbeddedEvm

    part = folder / f"{CHAIN}.part"
    for path in (part, *(part.with_name(part.name + more) for more in ("-wal", "-shm"))):
        path.unlink(missing_ok=True)
    with EmbeddedEvm(store=ChainFile(part, lasting=False)) as evm:
        if (folder / KEPT).exists():
            with KeptEvm(evm, folder / KEPT):
                pass
    part.rename(folder / CHAIN)
    flush_folder(folder)
    with suppress(FileNotFoundError):  # an earlier version is to notice that it cannot go on
        (folder / KEPT).rename(folder / f"{KEPT}.done")


def answers(folder: Path) -> bool:
    """Whether the chain in `folder` is up, and where it was."""
    try:
        with RpcEvm(str(folder / SOCKET)) as evm:
            evm.request("eth_chainId")
    except ChainUnreachable:
        return False
    return True
