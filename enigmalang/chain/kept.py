"""A development chain that outlives its process: what changes it is written to a file first, and done again from there.

Development chains (embedded, anvil) do the same when they are asked the same in the same order: numbers, times and
hashes of their blocks come out as before. A line of the file is the hash of the newest block before a request, its
method and its parameters; so a chain that does not come out as it was is noticed, and not gone on with.

anvil can say what its state is, and be told: with `dumps`, only what came since, and a few blocks before, is done
again. It says nothing of snapshots, of transactions that wait, and of settings: while there are such, none is made.
"""

import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep

from enigmalang.chain.dumps import Dumps, Place
from enigmalang.chain.errors import ChainError, ChainUnreachable, RpcError
from enigmalang.chain.evm import Evm, Json, LocalEvm, hexed, quantity, unhexed, unquantity

#: What changes a chain begins so; everything else only reads.
_CHANGES = ("eth_send", "enigma_send", "evm_", "anvil_", "hardhat_")
#: Of these, what a dump has in it, or what the file of requests has beside it.
_DUMPED = (
    "eth_sendRawTransaction", "enigma_send", "evm_snapshot", "evm_revert", "evm_mine", "anvil_mine", "evm_increaseTime",
    "evm_setNextBlockTimestamp", "anvil_setBalance",
)
#: anvil mines a little after it took a transaction; one that waits for another nonce is in no block for long.
_SEND, SETTLE_SECONDS = "eth_send", 2.0
#: How a transaction is sent, and how so that the answer comes when it is mined (EIP-7966).
_RAW, _MINED = "eth_sendRawTransaction", "eth_sendRawTransactionSync"
_INTERNAL = -32603
#: Requests from one dump to the next: so many at least, and a part of all that there are. A dump has all blocks, so its
#: cost grows with their number; so does that of a block, of which anvil computes the whole state's root.
STEP, PART = 128, 32
#: Requests that are done again in any case, where there are so many: a dump has only the newest block's state, and
#: nodes ask for that of the blocks just before.
HISTORY = 128
#: A snapshot is given up when so many requests came after it, for the sake of the next dump.
SNAPSHOT_REQUESTS = 4_096


class NotTheSame(ChainError):
    """The kept requests do not give the chain that they gave before."""


class BadDump(NotTheSame):
    """What was dumped does not: it is gone now, and a fresh chain may try without it."""


class KeptEvm(LocalEvm):
    """An `Evm`: `evm`, a fresh development chain, brought to where the one was whose requests `path` keeps.

    What changes the chain is on disk before it is done, one at a time, so nothing that anybody has seen is lost however
    the process ends. `lost` is set when `evm` does not answer any more. `dumps`: it is an anvil. Raises NotTheSame,
    ChainError, OSError.
    """

    def __init__(self, evm: Evm, path: Path, dumps: bool = False) -> None:
        self._evm, self._path = evm, path
        self._lock = threading.Lock()
        self.lost = threading.Event()
        self._dumps = Dumps(path) if dumps else None
        self._head = self._newest()[0]
        # Snapshots that may be gone back to: their number, and how many requests there were. A dump has none, so anvil
        # counts from 0 again after one: `_before` were taken until then.
        self._marks: dict[int, int] = {}
        self._before = self._taken = 0
        self._lines = self._size = self._next_dump = 0
        self._told_all = True  # whether a dump has all that was ever done
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._bring_back()
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
                if self._dumps is not None and method == "evm_revert" and not self._may_revert(params):
                    return False
                self._keep(json.dumps([self._head, method, list(params)]).encode() + b"\n")
                return self._change(method, params)
        except ChainUnreachable:
            self.lost.set()
            raise

    def close(self) -> None:
        """Let go of the file; the chain is its maker's to close."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    # ---- doing and keeping

    def _change(self, method: str, params: Sequence[Json]) -> Json:
        """Carry it out, wholly: the next one finds the chain at rest."""
        before = self._head
        self._lines += 1
        self._told_all = self._told_all and method in _DUMPED
        try:
            done = self._carry_out(method, params)
            if method.startswith(_SEND):
                self._settle(done)
            return done
        finally:
            self._head = self._newest()[0]
            self._dump_if_due(before)

    def _carry_out(self, method: str, params: Sequence[Json]) -> Json:
        if self._dumps is None or method not in ("evm_snapshot", "evm_revert"):
            return self._evm.request(method, params)
        if method == "evm_snapshot":
            number = unquantity(self._evm.request(method, params)) + self._before
            self._marks[number], self._taken = self._lines, number + 1
            return quantity(number)
        number = unquantity(params[0])
        self._marks = {each: lines for each, lines in self._marks.items() if each < number}
        return self._evm.request(method, (quantity(number - self._before),))

    def _may_revert(self, params: Sequence[Json]) -> bool:
        """Whether there is such a snapshot; what was dumped after it is not to be used any more."""
        try:
            number = unquantity(params[0])
        except (IndexError, TypeError, ValueError):
            return False
        if number not in self._marks:
            return False
        assert self._dumps is not None
        for place in self._dumps.places():
            if place.lines >= self._marks[number]:
                self._dumps.drop(place)
        return True

    def _settle(self, transaction: Json) -> None:
        deadline = monotonic() + SETTLE_SECONDS
        while self._evm.request("eth_getTransactionReceipt", (transaction,)) is None and monotonic() < deadline:
            sleep(0.002)

    def _newest(self) -> tuple[str, int]:
        block = self._evm.request("eth_getBlockByNumber", ("latest", False))
        return str(block["hash"]), unquantity(block["timestamp"])

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

    # ---- dumps

    def _dump_if_due(self, before: str) -> None:
        """After a request that found `before` as the newest block. Only if that made another: what was said of the next
        one (its time) is in no dump."""
        if self._dumps is not None and self._lines >= self._next_dump and self._head != before:
            self._dump(self._dumps)

    def _dump(self, dumps: Dumps) -> None:
        """Where it cannot be, more is done again at the next start, and it is tried again later."""
        self._next_dump = self._lines + max(STEP, self._lines // PART)
        if not self._told_all or any(self._lines - lines < SNAPSHOT_REQUESTS for lines in self._marks.values()):
            self._next_dump = self._lines + STEP
            return
        try:
            if any(map(unquantity, self._evm.request("txpool_status").values())):
                return
            head, time = self._newest()
            place = Place(self._lines, self._size, head, time, self._taken)
            dumps.write(place, unhexed(self._evm.request("anvil_dumpState")))
            self._marks.clear()
        except (RpcError, OSError):
            return

    def _load(self, dumps: Dumps, size: int) -> None:
        """Begin with a dump that `HISTORY` requests follow, if there is one: the newest of these."""
        for place in dumps.places():
            with self._path.open("rb") as file:
                file.seek(max(0, place.size - 1))
                tail = file.read()
            if place.size > size or not tail.startswith(b"\n") or tail.count(b"\n", 1) < HISTORY:
                continue
            try:
                loaded = self._evm.request("anvil_loadState", (hexed(dumps.read(place)),))
            except RpcError:
                loaded = False
            if not loaded:
                continue
            self._head = self._newest()[0]
            if self._head != place.head:
                dumps.drop(place)
                raise BadDump(f"{self._path}: what was dumped after line {place.lines} is another chain's")
            self._evm.request("evm_setNextBlockTimestamp", (quantity(place.time + 1),))  # anvil's clock begins anew
            self._lines, self._size, self._taken = place.lines, place.size, place.marks
            self._before, self._next_dump = place.marks, place.lines + max(STEP, place.lines // PART)
            return

    # ---- bringing back

    def _bring_back(self) -> None:
        """A line that was cut off in the middle was never carried out."""
        size = _whole(self._path)
        if size < os.fstat(self._file).st_size:
            os.ftruncate(self._file, size)
        self._next_dump = STEP
        if self._dumps is not None:
            self._load(self._dumps, size)
        begun = self._lines
        try:
            entries = [*self._entries(), None]
            for entry, following in pairwise(entries):
                assert entry is not None
                self._replay(*entry, mined=following is not None and following[0] != entry[0])
        except NotTheSame as error:
            if self._dumps is None or not begun:
                raise
            for place in self._dumps.places():
                if place.lines == begun:
                    self._dumps.drop(place)
            raise BadDump(str(error)) from None

    def _entries(self) -> Iterator[tuple[str, str, list[Json], int]]:
        """What is to be done again: the newest block's hash before it, method, parameters; and how long its line is."""
        with self._path.open("rb") as file:
            file.seek(self._size)
            for number, line in enumerate(file, self._lines + 1):
                try:
                    head, method, params = json.loads(line)
                except ValueError as error:
                    raise NotTheSame(f"{self._path}, line {number} cannot be read: {error}") from None
                yield head, method, params, len(line)

    def _replay(self, head: str, method: str, params: Sequence[Json], size: int, mined: bool) -> None:
        """`mined`: a block came of it the first time."""
        if head != self._head:
            raise NotTheSame(f"{self._path}, line {self._lines + 1}: the chain's newest block was {head} and is now "
                             f"{self._head}: another kind or version of chain cannot go on with it")
        self._size += size
        with suppress(RpcError):  # as it was the first time; or a node that does not know the way
            if mined and method == _RAW and self._dumps is not None:
                self._head = str(self._evm.request(_MINED, params)["blockHash"])
                self._lines += 1
                self._dump_if_due(head)
                return
        with suppress(RpcError):
            self._change(method, params)


def _whole(path: Path) -> int:
    """Bytes of the whole lines of a file."""
    with path.open("rb") as file:
        end, step = file.seek(0, os.SEEK_END), 1 << 16
        while end:
            begin = max(0, end - step)
            file.seek(begin)
            last = file.read(end - begin).rfind(b"\n")
            if last >= 0:
                return begin + last + 1
            end = begin
    return 0
