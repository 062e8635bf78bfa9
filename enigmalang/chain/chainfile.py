"""The embedded chain in a file: what somebody was told is in it, however the process ends.

SQLite with a write-ahead log. A request that changes the chain is one transaction, on the disk before it is answered;
reading a chain of any length begins at once, since nothing is computed again.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from enigmalang.chain.chainstore import Mark
from enigmalang.chain.errors import ChainError, RpcError
from enigmalang.chain.evm import Json
from enigmalang.chain.pyevm import pack_header, unpack_header
from enigmalang.chain.records import Record, logs_of

#: Raised with every change of the tables.
SCHEMA = 1
_INTERNAL = -32603
#: Kilobytes of the file that are kept in memory.
_CACHE = 65_536
_TABLES = """
CREATE TABLE nodes (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (number INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, header BLOB NOT NULL, block TEXT NOT NULL,
    sent TEXT UNIQUE, sending TEXT, receipt TEXT);
CREATE TABLE logged (address TEXT, number INTEGER, PRIMARY KEY (address, number)) WITHOUT ROWID;
CREATE INDEX logged_in ON logged (number);
CREATE TABLE marks (number INTEGER PRIMARY KEY, length INTEGER NOT NULL, head BLOB NOT NULL, pending BLOB NOT NULL);
CREATE TABLE ends (one INTEGER PRIMARY KEY CHECK (one = 1), head BLOB NOT NULL, pending BLOB NOT NULL);
"""


class ChainFile:
    """A `ChainStore` in the file `path`, made when it is not there. The chain that has it says when to close it.

    `lasting` False leaves it to the system when it is on the disk, until `close`. Raises ChainError, OSError.
    """

    def __init__(self, path: Path, lasting: bool = True) -> None:
        self._path, self._lasting = path, lasting
        path.touch(mode=0o600)
        with self._explained():
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            with self._explained():
                self._open()
        except BaseException:
            self._db.close()
            raise
        self.nodes = _Nodes(self._db)
        self.blocks = _Blocks(self._db)

    def _open(self) -> None:
        durable = "FULL" if self._lasting else "OFF"
        for pragma in (f"synchronous={durable}", f"cache_size=-{_CACHE}", "journal_mode=WAL"):
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        (schema,) = self._db.execute("PRAGMA user_version").fetchone()
        if schema not in (0, SCHEMA):
            raise ChainError(f"the chain in {self._path} is of another version of EnigmaLang (its file is {schema}, "
                             f"this one knows {SCHEMA}): use that version, or remove its folder to begin anew")
        if schema == 0:
            self._db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={SCHEMA}; COMMIT;")

    # ---- the port

    def ends(self) -> tuple[Any, Any] | None:
        """See `ChainStore.ends`."""
        with self._explained():
            found = self._db.execute("SELECT head, pending FROM ends").fetchone()
        return None if found is None else (unpack_header(found[0]), unpack_header(found[1]))

    @contextmanager
    def changing(self) -> Iterator[None]:
        """See `ChainStore.changing`. Raises RpcError, with nothing changed, when the disk takes no more."""
        try:
            with self._explained():
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # SQLite itself has rolled back already, or the file is as it was
                self._db.execute("ROLLBACK")
            self.blocks.count()
            raise

    def save(self, head: Any, pending: Any) -> None:
        """See `ChainStore.save`."""
        self._db.execute("INSERT OR REPLACE INTO ends VALUES (1, ?, ?)", (pack_header(head), pack_header(pending)))

    def mark(self, mark: Mark) -> int:
        """See `ChainStore.mark`."""
        (number,) = self._db.execute("SELECT coalesce(max(number), 0) + 1 FROM marks").fetchone()
        self._db.execute("INSERT INTO marks VALUES (?, ?, ?, ?)",
                         (number, mark.length, pack_header(mark.head), pack_header(mark.pending)))
        return int(number)

    def unmark(self, number: int) -> Mark | None:
        """See `ChainStore.unmark`."""
        found = self._db.execute("SELECT length, head, pending FROM marks WHERE number = ?", (number,)).fetchone()
        if found is None:
            return None
        self._db.execute("DELETE FROM marks WHERE number >= ?", (number,))
        return Mark(found[0], unpack_header(found[1]), unpack_header(found[2]))

    def close(self) -> None:
        """All of it is in the one file, and on the disk, when this returns. Raises OSError."""
        self._db.close()
        if not self._lasting:
            with self._path.open("rb") as file:
                os.fsync(file)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise RpcError(_INTERNAL, f"the chain cannot be kept in {self._path}: {error}") from None


class _Nodes(MutableMapping[bytes, bytes]):
    """py-evm's table."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __getitem__(self, key: bytes) -> bytes:
        found = self._db.execute("SELECT value FROM nodes WHERE key = ?", (key,)).fetchone()
        if found is None:
            raise KeyError(key)
        return bytes(found[0])

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO nodes VALUES (?, ?)", (key, value))

    def __delitem__(self, key: bytes) -> None:
        if not self._db.execute("DELETE FROM nodes WHERE key = ?", (key,)).rowcount:
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return self._db.execute("SELECT 1 FROM nodes WHERE key = ?", (key,)).fetchone() is not None

    def __iter__(self) -> Iterator[bytes]:
        return (key for (key,) in self._db.execute("SELECT key FROM nodes"))

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM nodes").fetchone()[0])


class _Blocks:
    """See `records.Records`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.count()

    def count(self) -> None:
        """Look how many there are."""
        self._length = int(self._db.execute("SELECT coalesce(max(number) + 1, 0) FROM blocks").fetchone()[0])

    def __len__(self) -> int:
        return self._length

    def add(self, record: Record) -> None:
        """See `Records.add`."""
        sent, receipt = record.transaction, record.receipt
        self._db.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)", (
            self._length, record.block["hash"], pack_header(record.header), json.dumps(record.block),
            sent and sent["hash"], sent and json.dumps(sent), receipt and json.dumps(receipt)))
        logged = {log["address"] for log in receipt["logs"]} if receipt else ()
        self._db.executemany("INSERT INTO logged VALUES (?, ?)", [(address, self._length) for address in logged])
        self._length += 1

    def cut(self, length: int) -> None:
        """See `Records.cut`."""
        for table in ("blocks", "logged"):
            self._db.execute(f"DELETE FROM {table} WHERE number >= ?", (length,))
        self._length = min(self._length, length)

    def at(self, number: int) -> Record | None:
        """See `Records.at`."""
        return self._one("number", number)

    def number_of(self, hash: str) -> int | None:
        """See `Records.number_of`."""
        found = self._db.execute("SELECT number FROM blocks WHERE hash = ?", (hash,)).fetchone()
        return None if found is None else int(found[0])

    def of_transaction(self, hash: str) -> Record | None:
        """See `Records.of_transaction`."""
        return self._one("sent", hash)

    def logs(self, addresses: tuple[str, ...], topics: list[Json], first: int, last: int) -> list[Json]:
        """See `Records.logs`."""
        some = f"AND address IN ({', '.join('?' * len(addresses))})" if addresses else ""
        found = self._db.execute(
            "SELECT receipt FROM blocks WHERE number IN (SELECT number FROM logged WHERE number BETWEEN ? AND ? "
            f"{some}) ORDER BY number", (first, last, *addresses))
        return [log for (receipt,) in found for log in logs_of(json.loads(receipt), addresses, topics)]

    def _one(self, column: str, value: str | int) -> Record | None:
        found: Sequence[Any] | None = self._db.execute(
            f"SELECT header, block, sending, receipt FROM blocks WHERE {column} = ?", (value,)).fetchone()
        if found is None:
            return None
        header, block, sending, receipt = found
        return Record(unpack_header(header), json.loads(block), sending and json.loads(sending),
                      receipt and json.loads(receipt))
