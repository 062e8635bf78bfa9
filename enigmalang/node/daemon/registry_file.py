"""What a node knows of the hub's nodes, kept in a file: after a start it reads only what the chain has new.

Nothing in it is secret, and nothing is lost without it: a file that cannot be read, or that is of another hub, is begun
anew. It says up to which block it knows everything; whether the chain still has that block, who reads asks.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path

from enigmalang.dht.database import open_database

#: Raised with every change of the tables; a file of another one is begun anew.
SCHEMA = 1
_TABLES = """
CREATE TABLE hub (name TEXT NOT NULL);
CREATE TABLE place (one INTEGER PRIMARY KEY CHECK (one = 1), block INTEGER NOT NULL, hash TEXT NOT NULL);
CREATE TABLE members (address TEXT PRIMARY KEY, key BLOB NOT NULL, fingerprint BLOB NOT NULL, endpoint TEXT NOT NULL,
    deposit TEXT NOT NULL, leaves INTEGER NOT NULL, committees TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE claims (address TEXT, block INTEGER, position INTEGER, fingerprint BLOB NOT NULL,
    PRIMARY KEY (address, block, position)) WITHOUT ROWID;
"""
#: When a node got a certificate: a block and a place in it; and which (empty: since when it has none).
Claim = tuple[tuple[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Member:
    """A node of the hub. `committees`: those in which it has a seat; `leaves`: when its notice ends, 0 if it stays."""

    address: str
    key: bytes
    fingerprint: bytes
    endpoint: str
    deposit: int
    leaves: int
    committees: tuple[int, ...]

    def bound(self, now: int) -> bool:
        """Whether it takes part: it stays, or its notice is not over, or a committee still has its seat."""
        return self.deposit > 0 and (not self.leaves or now < self.leaves or bool(self.committees))


@dataclass(frozen=True, slots=True)
class Known:
    """Everything up to a block, which has this `hash`."""

    block: int
    hash: str
    members: Mapping[str, Member]
    claims: Mapping[str, Sequence[Claim]]


class RegistryFile:
    """The file at `path`, of what `belongs` names (a chain and a hub). Raises OSError, sqlite3.Error when none can be
    made there."""

    def __init__(self, path: Path, belongs: str) -> None:
        try:
            self._db = _opened(path, belongs)
        except (sqlite3.Error, _Other):
            for each in (path, *(path.with_name(path.name + more) for more in ("-wal", "-shm"))):
                each.unlink(missing_ok=True)
            self._db = _opened(path, belongs)

    def load(self) -> Known | None:
        """None when nothing is known yet, or what is there cannot be read: it is read from the chain then, and all of
        it is written anew."""
        try:
            return self._read()
        except (sqlite3.Error, ValueError, TypeError):
            return None

    def _read(self) -> Known | None:
        place = self._db.execute("SELECT block, hash FROM place").fetchone()
        if place is None:
            return None
        members, claims = {}, dict[str, list[Claim]]()
        for address, key, fingerprint, endpoint, deposit, leaves, seats in self._db.execute("SELECT * FROM members"):
            members[address] = Member(address, key, fingerprint, endpoint, int(deposit), leaves,
                                      tuple(json.loads(seats)))
        for address, block, position, fingerprint in self._db.execute(
                "SELECT * FROM claims ORDER BY address, block, position"):
            claims.setdefault(address, []).append(((block, position), fingerprint))
        return Known(place[0], place[1], members, claims)

    def save(self, known: Known, about: Iterable[str] | None) -> None:
        """What has become of the nodes in `about`; of all (None) when what was kept is not so. Raises sqlite3.Error."""
        with self._writing():
            if about is None:
                self._db.execute("DELETE FROM members")
                self._db.execute("DELETE FROM claims")
            for address in known.members.keys() | known.claims.keys() if about is None else set(about):
                self._save(address, known)
            self._db.execute("INSERT OR REPLACE INTO place VALUES (1, ?, ?)", (known.block, known.hash))

    def _save(self, address: str, known: Known) -> None:
        member = known.members.get(address)
        self._db.execute("DELETE FROM members WHERE address = ?", (address,))
        self._db.execute("DELETE FROM claims WHERE address = ?", (address,))
        if member is not None:
            *same, deposit, leaves, seats = astuple(member)
            self._db.execute("INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?)",
                             (*same, str(deposit), leaves, json.dumps(seats)))
        self._db.executemany("INSERT INTO claims VALUES (?, ?, ?, ?)", [
            (address, *at, fingerprint) for at, fingerprint in known.claims.get(address, ())])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # it has rolled back already
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._db.close()


class _Other(Exception):
    """The file is of another hub, or another version's."""


def _opened(path: Path, belongs: str) -> sqlite3.Connection:
    db = open_database(path, look=True)
    try:
        db.execute("PRAGMA synchronous=NORMAL")  # what is lost with the power is read again
        (schema,) = db.execute("PRAGMA user_version").fetchone()
        if schema == 0:
            db.executescript(f"BEGIN; {_TABLES} COMMIT;")
            db.execute("INSERT INTO hub VALUES (?)", (belongs,))
            db.execute(f"PRAGMA user_version={SCHEMA}")
        elif schema != SCHEMA or db.execute("SELECT name FROM hub").fetchall() != [(belongs,)]:
            raise _Other
    except BaseException:
        db.close()
        raise
    return db
