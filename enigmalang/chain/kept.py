"""A development chain that outlives its process: what changes it is written to a file first, and done again from there.

Both development chains (embedded, anvil) do the same when they are asked the same in the same order: numbers, times and
hashes of their blocks come out as before. A line of the file is the hash of the newest block before a request, its
method and its parameters; so a chain that does not come out as it was is noticed, and not gone on with.
"""

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType

from enigmalang.chain.errors import ChainError, ChainUnreachable, RpcError
from enigmalang.chain.evm import Call, Evm, Json

#: What changes a chain begins so; everything else only reads.
_CHANGES = ("eth_send", "enigma_send", "evm_", "anvil_", "hardhat_")
#: anvil mines a little after it took a transaction; one that waits for another nonce is in no block for long.
_SEND, SETTLE_SECONDS = "eth_send", 2.0
_INTERNAL = -32603


class NotTheSame(ChainError):
    """The kept requests do not give the chain that they gave before."""


class KeptEvm:
    """An `Evm`: `evm`, a fresh development chain, brought to where the one was whose requests `path` keeps.

    What changes the chain is on disk before it is done, one at a time, so nothing that anybody has seen is lost however
    the process ends. `lost` is set when `evm` does not answer any more. Raises NotTheSame, ChainError, OSError.
    """

    def __init__(self, evm: Evm, path: Path) -> None:
        self._evm, self._path = evm, path
        self._lock = threading.Lock()
        self.lost = threading.Event()
        self._head = self._newest()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._size = self._replay()
        except BaseException:
            os.close(self._file)
            raise

    # ---- the port

    def request(self, method: str, params: Sequence[Json] = ()) -> Json:
        """See `Evm.request`."""
        try:
            if not method.startswith(_CHANGES):
                return self._evm.request(method, params)
            with self._lock:
                self._keep(json.dumps([self._head, method, list(params)]).encode() + b"\n")
                return self._change(method, params)
        except ChainUnreachable:
            self.lost.set()
            raise

    def batch(self, calls: Sequence[Call]) -> list[Json]:
        """See `Evm.batch`."""
        return [self.request(method, params) for method, params in calls]

    def close(self) -> None:
        """Let go of the file; the chain is its maker's to close."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def __enter__(self) -> "KeptEvm":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- doing and keeping

    def _change(self, method: str, params: Sequence[Json]) -> Json:
        """Carry it out, wholly: the next one finds the chain at rest."""
        try:
            done = self._evm.request(method, params)
            if method.startswith(_SEND):
                self._settle(done)
            return done
        finally:
            self._head = self._newest()

    def _settle(self, transaction: Json) -> None:
        deadline = monotonic() + SETTLE_SECONDS
        while self._evm.request("eth_getTransactionReceipt", (transaction,)) is None and monotonic() < deadline:
            sleep(0.002)

    def _newest(self) -> str:
        return str(self._evm.request("eth_getBlockByNumber", ("latest", False))["hash"])

    def _keep(self, line: bytes) -> None:
        """On disk when this returns. Raises RpcError, with nothing kept, when the disk takes no more."""
        try:
            done = 0
            while done < len(line):
                done += os.write(self._file, line[done:])
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise RpcError(_INTERNAL, f"the chain cannot be kept in {self._path}: {error.strerror}") from None
        self._size += len(line)

    def _replay(self) -> int:
        """Do again what the file has: its size. A line that was cut off in the middle was never carried out."""
        text = self._path.read_bytes()
        size = text.rfind(b"\n") + 1
        if size < len(text):
            os.ftruncate(self._file, size)
        for number, line in enumerate(text[:size].splitlines(), 1):
            head, method, params = self._entry(line, number)
            if head != self._head:
                raise NotTheSame(f"{self._path}, line {number}: the chain's newest block was {head} and is now "
                                 f"{self._head}: another kind or version of chain cannot go on with it")
            try:
                self._change(method, params)
            except RpcError:
                continue  # as it was the first time
        return size

    def _entry(self, line: bytes, number: int) -> tuple[str, str, list[Json]]:
        try:
            head, method, params = json.loads(line)
        except ValueError as error:
            raise NotTheSame(f"{self._path}, line {number} cannot be read: {error}") from None
        return head, method, params
