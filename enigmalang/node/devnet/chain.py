"""The chain of a devnet, in a process of its own: FOLDER/chain has its socket, its lock, and what it is made of.

Embedded or anvil, it is `chain.kept` that brings it back: neither keeps anything by itself that outlives a kill.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enigmalang.chain.anvil import Anvil, find_anvil
from enigmalang.chain.errors import ChainError, ChainUnreachable
from enigmalang.chain.evm import Evm
from enigmalang.chain.kept import KeptEvm
from enigmalang.chain.rpc import RpcEvm
from enigmalang.chain.server import Server
from enigmalang.node.daemon.pidfile import FolderLock

ANVIL, EMBEDDED = "anvil", "embedded"
#: In its folder: its socket, the requests that made it, what its process says.
SOCKET, KEPT, OUTPUT = "chain.sock", "requests", "out.log"


def kind_here() -> str:
    """The kind of chain that a new devnet gets."""
    return ANVIL if find_anvil() else EMBEDDED


def serve(folder: Path, kind: str) -> None:
    """Serve the chain in `folder` until the process is interrupted; it returns when the chain itself has died. Raises
    ChainError, AlreadyRunning, OSError."""
    with FolderLock(folder), _fresh(kind) as evm, KeptEvm(evm, folder / KEPT) as kept, Server(kept, folder / SOCKET):
        while True:
            kept.lost.wait()
            kept.lost.clear()
            evm.request("eth_chainId")  # ChainUnreachable, unless only a connection was lost


@contextmanager
def _fresh(kind: str) -> Iterator[Evm]:
    if kind == EMBEDDED:
        from enigmalang.chain.embedded import EmbeddedEvm

        with EmbeddedEvm() as evm:
            yield evm
    elif kind == ANVIL:
        with Anvil() as anvil, anvil.connect() as evm:
            yield evm
    else:
        raise ChainError(f"there is no kind of chain named {kind}")


def answers(folder: Path) -> bool:
    """Whether the chain in `folder` is up, and where it was."""
    try:
        with RpcEvm(str(folder / SOCKET)) as evm:
            evm.request("eth_chainId")
    except ChainUnreachable:
        return False
    return True
