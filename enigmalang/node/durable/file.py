"""The file of a node's state: SQLite with a write-ahead log, flushed to the disk at every commit, one writer.

One process has it at a time. Its threads take turns.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from enigmalang.dht.database import Damaged, open_database
from enigmalang.node.durable.box import Box
from enigmalang.node.durable.errors import NewerSchema, StateBusy, StateError, StateFull, WrongKey

#: Raised with every change of the tables; a file of an older one is brought up when it is opened.
SCHEMA = 2
_CHECK = b"enigmalang node state"
_AWAY = ("move it away, with those that end in -wal and -shm, and start the node: it gets its shares back from the "
         "other members of its committees, where no more than their threshold lost theirs")
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE committees (committee INTEGER PRIMARY KEY, keys BLOB, confirmed INTEGER NOT NULL DEFAULT 0,
    highest INTEGER NOT NULL DEFAULT 0, term INTEGER NOT NULL DEFAULT 0, block INTEGER NOT NULL DEFAULT 0);
CREATE TABLE masks (committee INTEGER, number INTEGER, owner TEXT NOT NULL, size INTEGER NOT NULL,
    receiver BLOB NOT NULL, job INTEGER, pieces BLOB NOT NULL, PRIMARY KEY (committee, number)) WITHOUT ROWID;
CREATE INDEX used ON masks (committee, job) WHERE job IS NOT NULL;
CREATE TABLE plans (digest BLOB PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE runs (committee INTEGER, job INTEGER, block INTEGER, contract TEXT NOT NULL, runs INTEGER NOT NULL,
    PRIMARY KEY (committee, job, block)) WITHOUT ROWID;
CREATE TABLE roots (committee INTEGER, contract TEXT, root BLOB NOT NULL, PRIMARY KEY (committee, contract))
    WITHOUT ROWID;
CREATE TABLE current (committee INTEGER, contract TEXT, name BLOB, value BLOB NOT NULL,
    PRIMARY KEY (committee, contract, name)) WITHOUT ROWID;
CREATE TABLE stages (stage INTEGER PRIMARY KEY, committee INTEGER NOT NULL, contract TEXT NOT NULL,
    job INTEGER NOT NULL, opened INTEGER NOT NULL, version INTEGER NOT NULL, revealed BLOB NOT NULL,
    before BLOB NOT NULL, root BLOB NOT NULL);
CREATE UNIQUE INDEX staged ON stages (committee, contract, job, root);
CREATE TABLE staged_values (stage INTEGER, name BLOB, value BLOB NOT NULL, PRIMARY KEY (stage, name)) WITHOUT ROWID;
"""
#: What schema 2 has beyond the first.
_HANDED = """
CREATE TABLE handed (stage INTEGER PRIMARY KEY, committee INTEGER NOT NULL, contract TEXT NOT NULL,
    old INTEGER NOT NULL, settled INTEGER NOT NULL, run BLOB NOT NULL, root BLOB NOT NULL);
CREATE UNIQUE INDEX handed_run ON handed (committee, contract, run);
CREATE TABLE handed_values (stage INTEGER, name BLOB, value BLOB NOT NULL, PRIMARY KEY (stage, name)) WITHOUT ROWID;
CREATE TABLE handed_masks (stage INTEGER, job INTEGER, owner TEXT NOT NULL, size INTEGER NOT NULL,
    receiver BLOB NOT NULL, pieces BLOB NOT NULL, PRIMARY KEY (stage, job)) WITHOUT ROWID;
"""


class StateFile:
    """An open file; a context manager. `belongs`: what the state is of (a chain and a hub), written into a new file and
    compared ever after. `box` encrypts for it.
    """

    def __init__(self, path: Path, key: bytes, belongs: str = "") -> None:
        """Raises StateError: StateBusy, WrongKey, NewerSchema, or for a file that is none of these."""
        self.path, self.box = path, Box(key)
        self._lock = threading.RLock()
        with self._explained():
            # Shares that were refreshed are gone; and nobody else has the file meanwhile.
            self._db = open_database(path, ("locking_mode=EXCLUSIVE", "secure_delete=ON"), look=True)
        try:
            self._begin(belongs)
        except BaseException:
            self._db.close()
            raise

    def _begin(self, belongs: str) -> None:
        with self._explained():
            (schema,) = self._db.execute("PRAGMA user_version").fetchone()
        if schema > SCHEMA:
            raise NewerSchema(f"the state in {self.path} is of schema {schema}, written by a later version of "
                              f"EnigmaLang; this one knows {SCHEMA}")
        with self.writing():  # also takes the lock for good
            if schema == 0:
                self._make(belongs)
            if schema < SCHEMA:
                self._execute(_HANDED)
                self._db.execute(f"PRAGMA user_version = {SCHEMA}")
        sealed = dict(self.rows("SELECT name, value FROM meta"))
        try:
            known = self.box.open(("meta", "check"), sealed["check"]) == _CHECK
        except (StateError, KeyError):
            known = False
        if not known:
            raise WrongKey(f"the state in {self.path} was written with another storage key")
        owner = self.box.open(("meta", "belongs"), sealed["belongs"]).decode()
        if owner != belongs:
            raise StateError(f"the state in {self.path} is of {owner or 'nothing named'}, not of {belongs or 'that'}")

    def _make(self, belongs: str) -> None:
        self._execute(_TABLES)
        for name, data in (("check", _CHECK), ("belongs", belongs.encode())):
            self.run("INSERT INTO meta VALUES (?, ?)", name, self.box.seal(("meta", name), data))

    def _execute(self, statements: str) -> None:
        for statement in statements.split(";\n"):
            if statement.strip():
                self._db.execute(statement)

    # ---- reading and writing

    def rows(self, query: str, *values: Any) -> list[Any]:
        with self._lock, self._explained():
            return self._db.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> Any | None:
        found = self.rows(query, *values)
        return found[0] if found else None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction: on the disk when it ends, undone when anything is raised."""
        with self._lock:
            with self._explained():
                self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                with self._explained():
                    self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite undid it already, or the file is gone
                    self._db.execute("ROLLBACK")
                raise

    def run(self, statement: str, *values: Any) -> int:
        """Within `writing`. The last row's id."""
        with self._explained():
            return self._db.execute(statement, values).lastrowid or 0

    def run_many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Within `writing`."""
        with self._explained():
            self._db.executemany(statement, rows)

    def scrub(self) -> None:
        """What was deleted is overwritten in the file (`secure_delete`) and gone from its log. Copies that a disk or a
        file system makes by itself are out of reach: they are encrypted, and as good as the storage key."""
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def limit(self, pages: int) -> None:
        """Let the file have at most so many pages, as on a disk that is full then: for tests."""
        self.rows(f"PRAGMA max_page_count = {int(pages)}")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def __enter__(self) -> "StateFile":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OverflowError) as error:
            raise _explained(error, self.path) from None
        except OSError as error:
            raise StateError(f"the state in {self.path} cannot be opened: {error.strerror}") from None


def _explained(error: Exception, path: Path) -> StateError:
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL:
        return StateFull(f"there is no room left for the state in {path}: nothing was written")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StateBusy(f"the state in {path} is in use by another process")
    if code == sqlite3.SQLITE_NOTADB:
        return StateError(f"{path} is not the state of a node: {_AWAY}")
    if code == sqlite3.SQLITE_CORRUPT or isinstance(error, Damaged):
        return StateError(f"the state in {path} is damaged: {_AWAY} ({error})")
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return StateError(f"the state in {path} cannot be read or written: {error} ({name})")
