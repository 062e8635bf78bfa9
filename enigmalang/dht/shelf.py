"""What one node keeps: records and chunks in sqlite3, within a quota, through crashes.

WAL with `synchronous=FULL`, one writer thread that puts what waits into one transaction (one fsync for many), readers
beside it. What `put` and `put_chunks` returned from is on disk; what a crash cut short is there whole or not at all.
Chunks belong to one key of one owner, and are never shared with another's: whoever signs for a root that it read in a
public record has nothing until it hands over the chunks itself, so no rule and no rent is gone round by another key.
Nothing is taken unchecked: records come as `Verified`, chunks with the proof that they are of a value with a record;
what the disk has changed is missing from then on, so that repair copies it again. The quota is taken when a record
comes, for the whole value.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from enigmalang.dht.canonical import Malformed
from enigmalang.dht.chunks import Chunk, ChunkRefused
from enigmalang.dht.database import NotThisFile, open_database
from enigmalang.dht.records import Record, SignedRecord, Verified, decode_record, encode_record, supersedes
from enigmalang.dht.writing import Passed, Writer

#: Bytes that are counted for a value, and for each chunk, beside what they hold.
OVERHEAD = 512
_PAGE = 256  # records of one page of an iteration
_HASH = 32
_GIVEN_BACK = 1024  # pages that one transaction gives back to the disk
T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (
    id INTEGER PRIMARY KEY, db INTEGER NOT NULL, key BLOB NOT NULL, owner BLOB NOT NULL, root BLOB NOT NULL,
    size INTEGER NOT NULL, room INTEGER NOT NULL, UNIQUE (db, key, owner, root, size));
CREATE TABLE IF NOT EXISTS records (
    db INTEGER NOT NULL, key BLOB NOT NULL, value INTEGER NOT NULL REFERENCES kept(id), body BLOB NOT NULL,
    PRIMARY KEY (db, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_of ON records(value);
CREATE TABLE IF NOT EXISTS chunks (
    value INTEGER NOT NULL REFERENCES kept(id) ON DELETE CASCADE, place INTEGER NOT NULL, path BLOB NOT NULL,
    data BLOB NOT NULL, UNIQUE (value, place));
CREATE TABLE IF NOT EXISTS taken (bytes INTEGER NOT NULL);
INSERT INTO taken SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM taken);
CREATE TRIGGER IF NOT EXISTS kept_in AFTER INSERT ON kept BEGIN
    UPDATE taken SET bytes = bytes + new.room; END;
CREATE TRIGGER IF NOT EXISTS kept_out AFTER DELETE ON kept BEGIN
    UPDATE taken SET bytes = bytes - old.room; END;
CREATE TRIGGER IF NOT EXISTS records_in AFTER INSERT ON records BEGIN
    UPDATE taken SET bytes = bytes + length(new.body); END;
CREATE TRIGGER IF NOT EXISTS records_out AFTER DELETE ON records BEGIN
    UPDATE taken SET bytes = bytes - length(old.body); END;
CREATE TRIGGER IF NOT EXISTS records_other AFTER UPDATE ON records BEGIN
    UPDATE taken SET bytes = bytes + length(new.body) - length(old.body); END;
"""
_TAKEN = "SELECT bytes FROM taken"
_SWEEP = "DELETE FROM kept WHERE id NOT IN (SELECT value FROM records)"
_OF = "db=? AND key=? AND owner=? AND root=? AND size=?"  # `_place`
_VERSION = 2


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

    def put(self, verified: Verified) -> bool:
        """Keep a record, and room for its value. False: it is kept already.

        Raises ShelfRefused for a record that does not supersede the one of its owner that is kept, ShelfFull. The value
        that it replaces is no longer kept after the next `sweep`.
        """
        record, body = verified.record, encode_record(verified.signed)
        value, place = record.value, _place(record)

        def write(db: sqlite3.Connection) -> bool:
            row = db.execute("SELECT body FROM records WHERE db=? AND key=?", (record.db, record.key)).fetchone()
            if row is not None:
                old = _read(row[0])
                if old == verified.signed:
                    return False
                if old is not None and _is_older(record, old.record):
                    raise ShelfRefused(f"version {old.record.version} is kept, and {record.version} is not after it")
            db.execute("INSERT INTO kept (db, key, owner, root, size, room) VALUES (?, ?, ?, ?, ?, ?)"
                       " ON CONFLICT DO NOTHING", (*place, value.size + OVERHEAD * (1 + value.chunks)))
            db.execute(f"INSERT INTO records VALUES (?, ?, (SELECT id FROM kept WHERE {_OF}), ?)"
                       " ON CONFLICT (db, key) DO UPDATE SET value=excluded.value, body=excluded.body",
                       (record.db, record.key, *place, body))
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

    def put_chunks(self, record: Record, chunks: Sequence[Chunk]) -> None:
        """Keep chunks of the value of a record that is kept: all of them or none.

        Raises ChunkRefused for a chunk that is not of the value, ShelfRefused for an unknown record, ShelfFull.
        """
        for chunk in chunks:
            chunk.check(record.value)

        def write(db: sqlite3.Connection) -> None:
            row = db.execute(f"SELECT id FROM kept WHERE {_OF}", _place(record)).fetchone()
            if row is None:
                raise ShelfRefused("no record of this value is kept")
            db.executemany("INSERT INTO chunks VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                           [(row[0], c.index, b"".join(c.path), c.data) for c in chunks])

        self._write(write)

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
        """The record of a key; None when none is kept, or the disk has damaged it: then it is forgotten."""
        row = self._one("SELECT body FROM records WHERE db=? AND key=?", db, key)
        if row is None:
            return None
        found = _read(row[0])
        if found is None:
            self.drop(db, key)
        return found

    def chunk(self, record: Record, place: int) -> Chunk | None:
        """A chunk of the record's value, with its proof; None when it is not kept. One that is damaged is forgotten."""
        row = self._one(f"SELECT data, path, value FROM chunks JOIN kept ON id = value WHERE {_OF} AND place=?",
                        *_place(record), place)
        if row is None:
            return None
        data, path, number = row
        found = Chunk(place, data, tuple(path[i : i + _HASH] for i in range(0, len(path), _HASH)))
        try:
            found.check(record.value)
        except ChunkRefused:
            self._write(lambda db: db.execute("DELETE FROM chunks WHERE value=? AND place=?", (number, place)))
            return None
        return found

    def missing(self, record: Record) -> tuple[int, ...] | None:
        """The places of a record's value whose chunks are not kept; None for a value that is not kept."""
        with self._lock:
            row = self._reading.execute(f"SELECT id FROM kept WHERE {_OF}", _place(record)).fetchone()
            if row is None:
                return None
            there = {place for (place,) in self._reading.execute("SELECT place FROM chunks WHERE value=?", row)}
        return tuple(place for place in range(record.value.chunks) if place not in there)

    def records(self) -> Iterator[SignedRecord]:
        """All records in the order of their keys, a page at a time: what changes meanwhile may be seen or not. Damaged
        ones are forgotten."""
        at: tuple[int, bytes] = (0, b"")
        while True:
            with self._lock:
                rows = self._reading.execute(
                    "SELECT db, key, body FROM records WHERE (db, key) > (?, ?) ORDER BY db, key LIMIT ?",
                    (*at, _PAGE)).fetchall()
            for db, key, body in rows:
                at = db, key
                found = _read(body)
                if found is None:
                    self.drop(db, key)
                else:
                    yield found
            if len(rows) < _PAGE:
                return

    def count(self) -> int:
        """How many records there are."""
        row = self._one("SELECT count(*) FROM records")
        assert row is not None
        return int(row[0])

    def usage(self) -> Usage:
        row = self._one(_TAKEN)
        assert row is not None
        return Usage(row[0], self._quota)

    def _one(self, query: str, *args: object) -> tuple[Any, ...] | None:
        with self._lock:
            found: tuple[Any, ...] | None = self._reading.execute(query, args).fetchone()
        return found


def _place(record: Record) -> tuple[int, bytes, bytes, bytes, int]:
    """What a value is kept under: the key and the owner, not its root alone."""
    return record.db, record.key, record.owner, record.root, record.size


def _given_back(db: sqlite3.Connection) -> int:
    """How many free pages the disk got back. One a statement: Python takes one step of a pragma without columns."""
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    for _ in range(min(free, _GIVEN_BACK)):
        db.execute("PRAGMA incremental_vacuum(1)")
    return min(int(free), _GIVEN_BACK)


def _read(body: bytes) -> SignedRecord | None:
    """None for what the disk has damaged."""
    try:
        return decode_record(body)
    except Malformed:
        return None


def _is_older(new: Record, old: Record) -> bool:
    """A record of another owner never is: it was verified, so the ledger has given the key away since `old` came."""
    return new.owner == old.owner and new != old and not supersedes(new, old)


def _opened(path: Path) -> sqlite3.Connection:
    """Raises ShelfRefused."""
    try:
        # Of a new file: pages that fit chunks, and are given back when they are free.
        return open_database(path, ("page_size=16384", "auto_vacuum=INCREMENTAL"), wait=30.0)
    except (NotThisFile, OSError) as error:
        raise ShelfRefused(str(error)) from None


def _prepared(db: sqlite3.Connection, most_pages: int | None) -> None:
    """Tables, in a file that is new or of this version."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version not in (0, _VERSION):
        raise ShelfRefused(f"the shelf has format {version}, and this program knows {_VERSION}: move the file away, and"
                           " the node begins with an empty one")
    db.executescript(_SCHEMA)
    db.execute(f"PRAGMA user_version={_VERSION}")
    if most_pages is not None:
        db.execute(f"PRAGMA max_page_count={most_pages:d}")
