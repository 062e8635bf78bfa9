"""What seats keep besides private state, in a file of their own: nothing in it is secret (results are encrypted for who
receives them). SQLite, a write-ahead log, flushed at every commit; threads take turns.

What private state there is, and the keys of committees, are in the state's own file (`node.durable`).
"""

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from enigmalang.dht.database import open_database
from enigmalang.node.durable.errors import StateError, StateFull

#: Outcomes that are kept for who asks for them, of each committee; bytes of one, and of all that are kept.
OUTCOMES, OUTCOME_BYTES, OUTCOMES_BYTES = 4096, 1 << 25, 1 << 30
_TABLES = """
CREATE TABLE IF NOT EXISTS outcomes (committee INTEGER, job INTEGER, value BLOB NOT NULL, PRIMARY KEY (committee, job))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS looked (committee INTEGER PRIMARY KEY, block INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS counters (committee INTEGER, seat INTEGER, counter INTEGER NOT NULL,
    PRIMARY KEY (committee, seat)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS plans (number INTEGER PRIMARY KEY, digest BLOB UNIQUE NOT NULL, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, digest BLOB UNIQUE NOT NULL, value BLOB NOT NULL);
"""


class Kept:
    """The file at `path`. Everything raises StateError when it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with self._explained():
            self._db = open_database(path)
            self._db.executescript(_TABLES)

    # ---- outcomes

    def outcome(self, committee: int, job: int) -> bytes:
        """Empty when there is none."""
        row = self._row("SELECT value FROM outcomes WHERE committee = ? AND job = ?", committee, job)
        return b"" if row is None else bytes(row[0])

    def keep_outcome(self, committee: int, job: int, value: bytes) -> None:
        """The oldest jobs' are forgotten when there are too many, or they have too many bytes."""
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?)", (committee, job, value))
            self._db.execute(
                "DELETE FROM outcomes WHERE committee = ?1 AND job <= (SELECT MAX(job) FROM ("
                "SELECT job, ROW_NUMBER() OVER newest AS place, SUM(LENGTH(value)) OVER newest AS bytes FROM outcomes "
                "WHERE committee = ?1 WINDOW newest AS (ORDER BY job DESC)) WHERE place > ?2 OR bytes > ?3)",
                (committee, OUTCOMES, OUTCOMES_BYTES))

    def forget_past(self, served: Collection[int], most: int) -> None:
        """Of committees that are not among `served`, the outcomes of the newest `most` alone are kept."""
        with self._writing():
            past = [number for (number,) in self._db.execute("SELECT DISTINCT committee FROM outcomes ORDER BY 1 DESC")
                    if number not in served]
            self._db.executemany("DELETE FROM outcomes WHERE committee = ?", [(number,) for number in past[most:]])

    # ---- where a committee's jobs are looked for

    def looked(self, committee: int) -> int | None:
        """A block before which no open job of the committee was opened; None when that is not known."""
        row = self._row("SELECT block FROM looked WHERE committee = ?", committee)
        return None if row is None else int(row[0])

    def look(self, committee: int, block: int) -> None:
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO looked VALUES (?, ?)", (committee, block))

    # ---- who was helped with its shares (`sharing.recovery.Helper`)

    def counter(self, committee: int, seat: int) -> int | None:
        row = self._row("SELECT counter FROM counters WHERE committee = ? AND seat = ?", committee, seat)
        return None if row is None else int(row[0])

    def keep_counter(self, committee: int, seat: int, counter: int) -> None:
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO counters VALUES (?, ?, ?)", (committee, seat, counter))

    # ---- plans, and orders (`wire.orders`)

    def plan(self, digest: bytes) -> bytes | None:
        return self._by_digest("plans", digest)

    def keep_plan(self, digest: bytes, value: bytes, most: int, room: int) -> None:
        """The oldest are forgotten when there are more than `most`, or they have more than `room` bytes: anybody may
        hand plans over. Those that a job used are kept with the state."""
        self._keep("plans", digest, value, most, room)

    def order(self, digest: bytes) -> bytes | None:
        return self._by_digest("orders", digest)

    def keep_order(self, digest: bytes, value: bytes, most: int, room: int) -> None:
        """See `keep_plan`. Orders are not kept anywhere else."""
        self._keep("orders", digest, value, most, room)

    def _by_digest(self, table: str, digest: bytes) -> bytes | None:
        row = self._row(f"SELECT value FROM {table} WHERE digest = ?", digest)
        return None if row is None else bytes(row[0])

    def _keep(self, table: str, digest: bytes, value: bytes, most: int, room: int) -> None:
        with self._writing():
            self._db.execute(f"INSERT OR IGNORE INTO {table} (digest, value) VALUES (?, ?)", (digest, value))
            sizes = self._db.execute(f"SELECT number, LENGTH(value) FROM {table} ORDER BY number DESC").fetchall()
            held = 0
            for place, (number, size) in enumerate(sizes):
                held += size
                if place >= most or held > room:
                    self._db.execute(f"DELETE FROM {table} WHERE number <= ?", (number,))
                    break

    def plans(self) -> int:
        """How many there are."""
        return int((self._row("SELECT COUNT(*) FROM plans") or (0,))[0])

    # ---- parts

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _row(self, query: str, *values: Any) -> Any:
        with self._lock, self._explained():
            return self._db.execute(query, values).fetchone()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise StateFull(f"there is no room left for {self.path}: nothing was written") from None
            raise StateError(f"{self.path} cannot be read or written: {error}") from None
        except OSError as error:
            raise StateError(f"{self.path} cannot be opened: {error.strerror}") from None
