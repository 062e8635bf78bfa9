"""What one node keeps: records and chunks in sqlite3, within a quota, through crashes.

WAL with `synchronous=FULL`, one writer thread that puts what waits into one transaction (one fsync for many), readers
beside it. What `put` and `put_chunks` returned from is on disk; what a crash cut short is there whole or not at all.
Chunks are kept by their root and place, so equal values in the clear are kept once. Nothing is taken unchecked: records
come as `Verified`, leaves must hash to the record's root, chunks to their leaf; a chunk that the disk has changed is
missing from then on, so that repair copies it again. The quota is taken when a record comes, for the whole value.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from enigmalang.dht.chunks import Chunk, ChunkRefused, check_leaves, count_of, leaf_of, length_of, path_to
from enigmalang.dht.records import SignedRecord, Verified, decode_record, encode_record, supersedes
from enigmalang.dht.writing import Passed, Writer

#: Bytes that are counted for a value beside its chunks, its leaves and its record.
OVERHEAD = 512
_PAGE = 256  # records of one page of an iteration
_LEAF = 32
_GIVEN_BACK = 1024  # pages that one transaction gives back to the disk
T = TypeVar("T")

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS kept (
    root BLOB PRIMARY KEY, size INTEGER NOT NULL, leaves BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    db INTEGER NOT NULL, key BLOB NOT NULL, root BLOB NOT NULL REFERENCES kept(root), body BLOB NOT NULL,
    PRIMARY KEY (db, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_of ON records(root);
CREATE TABLE IF NOT EXISTS chunks (
    root BLOB NOT NULL REFERENCES kept(root) ON DELETE CASCADE, place INTEGER NOT NULL, data BLOB NOT NULL,
    UNIQUE (root, place));
CREATE TABLE IF NOT EXISTS taken (bytes INTEGER NOT NULL);
INSERT INTO taken SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM taken);
CREATE TRIGGER IF NOT EXISTS kept_in AFTER INSERT ON kept BEGIN
    UPDATE taken SET bytes = bytes + new.size + length(new.leaves) + {OVERHEAD}; END;
CREATE TRIGGER IF NOT EXISTS kept_out AFTER DELETE ON kept BEGIN
    UPDATE taken SET bytes = bytes - old.size - length(old.leaves) - {OVERHEAD}; END;
CREATE TRIGGER IF NOT EXISTS records_in AFTER INSERT ON records BEGIN
    UPDATE taken SET bytes = bytes + length(new.body); END;
CREATE TRIGGER IF NOT EXISTS records_out AFTER DELETE ON records BEGIN
    UPDATE taken SET bytes = bytes - length(old.body); END;
CREATE TRIGGER IF NOT EXISTS records_other AFTER UPDATE ON records BEGIN
    UPDATE taken SET bytes = bytes + length(new.body) - length(old.body); END;
"""
_TAKEN = "SELECT bytes FROM taken"
_SWEEP = "DELETE FROM kept WHERE root NOT IN (SELECT root FROM records)"
_VERSION = 1


class ShelfFull(Exception):
    """There is no room: the quota, the file's own limit or the disk is full. Nothing was changed."""


class ShelfRefused(Exception):
    """What does not fit to what is kept: an old version, or chunks of an unknown value."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes: what is taken of the quota, and the quota."""

    used: int
    quota: int


class Shelf:
    """The records and chunks of one node, in the file `path`. A context manager; all methods are of any thread.

    `quota`: bytes; `most_pages`: a limit of the file itself, in pages of 16 KiB (None: none but the disk's); `passed`:
    told the names of `writing.POINTS` as they are passed, for tests that stop there.
    """

    def __init__(self, path: Path, quota: int, most_pages: int | None = None, passed: Passed | None = None) -> None:
        self._quota = quota
        _private(path)
        self._connections = [_opened(path), _opened(path)]
        writing, self._reading = self._connections
        try:
            _prepared(writing, most_pages)
        except BaseException:
            self._close()
            raise
        self._lock = threading.Lock()
        self._writer = Writer(writing, passed)

    def __enter__(self) -> "Shelf":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """What waits to be written is written first."""
        self._writer.close()
        with self._lock:
            self._close()

    def _close(self) -> None:
        for connection in self._connections:
            connection.close()

    # ---- writing

    def put(self, verified: Verified, leaves: Sequence[bytes]) -> bool:
        """Keep a record, and room for its value; `leaves` of all its chunks. False: it is kept already.

        Raises ChunkRefused for leaves of another root, ShelfRefused for an older version than the one that is kept,
        ShelfFull. The value that it replaces is no longer kept after the next `sweep`.
        """
        record, body = verified.record, encode_record(verified.signed)
        check_leaves(leaves, record.root, record.size)

        def write(db: sqlite3.Connection) -> bool:
            row = db.execute("SELECT body FROM records WHERE db=? AND key=?", (record.db, record.key)).fetchone()
            if row is not None:
                old = decode_record(row[0])
                if old == verified.signed:
                    return False
                if not supersedes(record, old.record) and record != old.record:
                    raise ShelfRefused(f"version {old.record.version} is kept, and {record.version} is not after it")
            db.execute("INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                       (record.root, record.size, b"".join(leaves)))
            db.execute("INSERT INTO records VALUES (?, ?, ?, ?) ON CONFLICT (db, key) DO UPDATE SET root=excluded.root,"
                       " body=excluded.body", (record.db, record.key, record.root, body))
            self._within_quota(db)
            return True

        return self._write(write)

    def _within_quota(self, db: sqlite3.Connection) -> None:
        """Room is made by what nothing refers to any more, before it is refused."""
        if db.execute(_TAKEN).fetchone()[0] <= self._quota:
            return
        db.execute(_SWEEP)
        used = db.execute(_TAKEN).fetchone()[0]
        if used > self._quota:
            raise ShelfFull(f"{used} bytes would be kept, and the quota is {self._quota}")

    def put_chunks(self, root: bytes, chunks: Sequence[tuple[int, bytes]]) -> None:
        """Keep chunks, by place, of a value of which a record is kept: all of them or none.

        Raises ShelfRefused for an unknown root, ChunkRefused for a chunk that is another than the one signed for,
        ShelfFull.
        """
        hashes = [leaf_of(data) for _, data in chunks]

        def write(db: sqlite3.Connection) -> None:
            size, leaves = self._known(db, root)
            for (place, data), leaf in zip(chunks, hashes, strict=True):
                if not 0 <= place < count_of(size) or leaf != _leaf(leaves, place):
                    raise ChunkRefused(f"chunk {place} is not the one that was signed for")
                db.execute("INSERT INTO chunks VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (root, place, data))

        self._write(write)

    @staticmethod
    def _known(db: sqlite3.Connection, root: bytes) -> tuple[int, bytes]:
        row = db.execute("SELECT size, leaves FROM kept WHERE root=?", (root,)).fetchone()
        if row is None:
            raise ShelfRefused("no record of this value is kept")
        return row[0], row[1]

    def drop(self, db: int, key: bytes) -> bool:
        """Forget the record of a key; its chunks go with the next `sweep`. False: there was none."""
        return self._write(lambda c: c.execute("DELETE FROM records WHERE db=? AND key=?", (db, key)).rowcount > 0)

    def sweep(self) -> int:
        """Delete the values that no record refers to, and give their room back to the disk. How many they were."""
        deleted = self._write(lambda db: db.execute(_SWEEP).rowcount)
        while deleted and self._write(_given_back) == _GIVEN_BACK:
            pass
        return deleted

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return self._writer.run(work)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
                raise ShelfFull("the disk has no room for it") from error
            raise

    # ---- reading

    def record(self, db: int, key: bytes) -> SignedRecord | None:
        row = self._one("SELECT body FROM records WHERE db=? AND key=?", db, key)
        return None if row is None else decode_record(row[0])

    def leaves(self, root: bytes) -> tuple[bytes, ...] | None:
        """Of all chunks of a value; None for one that is not kept."""
        row = self._one("SELECT leaves FROM kept WHERE root=?", root)
        return None if row is None else tuple(_split(row[0]))

    def chunk(self, root: bytes, place: int) -> Chunk | None:
        """A chunk with its proof; None when it is not kept. One that is damaged is forgotten."""
        row = self._one("SELECT data, leaves, size FROM chunks JOIN kept USING (root) WHERE root=? AND place=?", root,
                        place)
        if row is None:
            return None
        data, leaves, size = row
        if len(data) != length_of(size, place) or leaf_of(data) != _leaf(leaves, place):
            self._write(lambda db: db.execute("DELETE FROM chunks WHERE root=? AND place=?", (root, place)))
            return None
        return Chunk(place, data, path_to(_split(leaves), place))

    def missing(self, root: bytes) -> tuple[int, ...] | None:
        """The places of a value whose chunks are not kept; None for a value that is not kept."""
        with self._lock:
            row = self._reading.execute("SELECT size FROM kept WHERE root=?", (root,)).fetchone()
            if row is None:
                return None
            there = {p for (p,) in self._reading.execute("SELECT place FROM chunks WHERE root=?", (root,))}
        return tuple(place for place in range(count_of(row[0])) if place not in there)

    def records(self) -> Iterator[SignedRecord]:
        """All records in the order of their keys, a page at a time: what changes meanwhile may be seen or not."""
        at: tuple[int, bytes] = (0, b"")
        while True:
            with self._lock:
                rows = self._reading.execute(
                    "SELECT db, key, body FROM records WHERE (db, key) > (?, ?) ORDER BY db, key LIMIT ?",
                    (*at, _PAGE)).fetchall()
            for db, key, body in rows:
                at = db, key
                yield decode_record(body)
            if len(rows) < _PAGE:
                return

    def usage(self) -> Usage:
        row = self._one(_TAKEN)
        assert row is not None
        return Usage(row[0], self._quota)

    def _one(self, query: str, *args: object) -> tuple[Any, ...] | None:
        with self._lock:
            found: tuple[Any, ...] | None = self._reading.execute(query, args).fetchone()
        return found


def _given_back(db: sqlite3.Connection) -> int:
    """How many free pages the disk got back. One a statement: Python takes one step of a pragma without columns."""
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    for _ in range(min(free, _GIVEN_BACK)):
        db.execute("PRAGMA incremental_vacuum(1)")
    return min(int(free), _GIVEN_BACK)


def _split(leaves: bytes) -> list[bytes]:
    return [leaves[i : i + _LEAF] for i in range(0, len(leaves), _LEAF)]


def _leaf(leaves: bytes, place: int) -> bytes:
    return leaves[place * _LEAF : (place + 1) * _LEAF]


def _private(path: Path) -> None:
    """The file is its owner's alone; sqlite gives what it puts beside it the same rights."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _opened(path: Path) -> sqlite3.Connection:
    """Shared by threads under a lock, or the writer's; transactions are begun and ended by hand."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    # Of a new file, and before anything else: pages that fit chunks, and are given back when they are free.
    connection.execute("PRAGMA page_size=16384")
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-8192")  # KiB
    return connection


def _prepared(db: sqlite3.Connection, most_pages: int | None) -> None:
    """Tables, in a file that is new or of this version."""
    if db.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
        raise ShelfRefused("the file system has no write-ahead log")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version not in (0, _VERSION):
        raise ShelfRefused(f"the shelf has format {version}, and this program knows {_VERSION}")
    db.executescript(_SCHEMA)
    db.execute(f"PRAGMA user_version={_VERSION}")
    if most_pages is not None:
        db.execute(f"PRAGMA max_page_count={most_pages:d}")
