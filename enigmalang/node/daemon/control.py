"""The daemon's own socket, FOLDER/control.sock: what `enig node status`, `stop` and the rest ask. JSON-RPC, for the
folder's owner alone (0600)."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from enigmalang.chain.errors import ChainError, ChainUnreachable, RpcError
from enigmalang.chain.evm import Call, Json
from enigmalang.chain.rpc import RpcEvm
from enigmalang.chain.server import Server
from enigmalang.node.daemon.keys import BadKeys
from enigmalang.node.daemon.membership import Ended, NotYet

FILE = "control.sock"
#: What a Unix socket's path may have on Linux, in bytes, with the zero that ends it.
MAX_PATH = 108
_UNKNOWN, _INVALID, _REFUSED = -32601, -32602, -32000


class NoDaemon(Exception):
    """Nobody answers at the folder's socket."""


class Control:
    """Answers the methods of `verbs` from `with` to the end of it. What one of them raises as ChainError, NotYet, Ended
    or BadKeys is told to who asked. Raises ChainUnreachable when the socket cannot be made."""

    def __init__(self, folder: Path, verbs: Mapping[str, Callable[[], Json]]) -> None:
        self._server = Server(_Verbs(verbs), folder / FILE)

    def __enter__(self) -> "Control":
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)


def ask(folder: Path, verb: str, seconds: float) -> Json:
    """What the daemon in `folder` answers. Raises NoDaemon, and RpcError with its reason when it refuses."""
    try:
        with RpcEvm(str((folder / FILE).absolute()), seconds) as rpc:
            return rpc.request(verb)
    except ChainUnreachable as error:
        raise NoDaemon(error.reason) from None


def too_long(folder: Path) -> str:
    """What is wrong with a folder's path; empty when nothing is."""
    path = str((folder / FILE).absolute())
    if len(path.encode()) < MAX_PATH:
        return ""
    return f"{path} is too long for a socket's path, which has at most {MAX_PATH - 1} bytes: choose a shorter folder"


class _Verbs:
    """An `Evm` whose methods are the daemon's."""

    def __init__(self, verbs: Mapping[str, Callable[[], Json]]) -> None:
        self._verbs = verbs
        self._lock = threading.Lock()

    def request(self, method: str, params: Sequence[Json] = ()) -> Json:
        run = self._verbs.get(method)
        if run is None:
            raise RpcError(_UNKNOWN, f"the daemon has no method {method}")
        if params:
            raise RpcError(_INVALID, f"{method} takes nothing")
        try:
            return run()
        except RpcError:
            raise
        except (ChainError, NotYet, Ended, BadKeys) as error:
            raise RpcError(_REFUSED, str(error)) from None

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        return [self.request(method, params) for method, params in calls]

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> "_Verbs":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
