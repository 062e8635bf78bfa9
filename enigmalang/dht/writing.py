"""One thread that writes to a database: what waits goes into one transaction, and so into one fsync.

Each piece of work stands in a savepoint: one that fails is undone alone. Whoever gave it gets its value only after the
transaction is on disk, or the exception that it raised.
"""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar, cast

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]
Passed = Callable[[str], None]
#: What a writer passes on its way, in this order.
POINTS = ("begun", "written", "committed", "answered")
#: Pieces of work in one transaction: the others wait for the next.
BATCH = 64


class Closed(Exception):
    """The writer was closed."""


class Writer:
    """Owns `connection` and its thread until `close`."""

    def __init__(self, connection: sqlite3.Connection, passed: Passed | None = None) -> None:
        self._connection, self._passed = connection, passed or _unheard
        self._queue: SimpleQueue[tuple[Work, Future[Any]] | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="dht-writer")
        self._thread.start()

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returned, when it is on disk. Raises what it raised, sqlite3's errors of the transaction that it
        was in, Closed. `work` may run twice, the first time undone."""
        done: Future[Any] = Future()
        with self._closing:
            if self._closed:
                raise Closed("the writer is closed")
            self._queue.put((work, done))
        return cast(T, done.result())

    @property
    def waiting(self) -> int:
        """How many pieces of work the thread has not taken yet."""
        return self._queue.qsize()

    def close(self) -> None:
        """What waits is written first."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        batch: list[tuple[Work, Future[Any]]] = []
        going = True
        try:
            while going:
                batch, going = self._taken()
                if batch:
                    self._serve(batch)
        except BaseException as error:  # a fault of this program: nobody waits for ever
            self._give_up(batch, error)
            raise

    def _taken(self) -> tuple[list[tuple[Work, Future[Any]]], bool]:
        """What waits, at least one piece, as far as it fits in a transaction; and whether there will be more."""
        batch: list[tuple[Work, Future[Any]]] = []
        while len(batch) < BATCH and not (batch and self._queue.empty()):
            one = self._queue.get()
            if one is None:
                return batch, False
            batch.append(one)
        return batch, True

    def _give_up(self, batch: list[tuple[Work, Future[Any]]], error: BaseException) -> None:
        with self._closing:
            self._closed = True
        while not self._queue.empty():
            one = self._queue.get()
            batch += [one] if one is not None else []
        for _, done in batch:
            if not done.done():
                done.set_exception(error)

    def _serve(self, batch: list[tuple[Work, Future[Any]]]) -> None:
        """One transaction for all; when that fails, one for each, so that who asked too much fails alone."""
        try:
            answers = self._transaction([work for work, _ in batch])
        except sqlite3.Error as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            for one in batch:
                self._serve([one])
            return
        for (_, done), (value, raised) in zip(batch, answers, strict=True):
            if raised is None:
                done.set_result(value)
            else:
                done.set_exception(raised)
        self._passed("answered")

    def _transaction(self, works: list[Work]) -> list[tuple[Any, Exception | None]]:
        db = self._connection
        db.execute("BEGIN IMMEDIATE")
        try:
            self._passed("begun")
            answers = [self._saved(work) for work in works]
            self._passed("written")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:  # sqlite itself has undone it when the disk is full
                db.execute("ROLLBACK")
            raise
        self._passed("committed")
        return answers

    def _saved(self, work: Work) -> tuple[Any, Exception | None]:
        """The value of `work`, or what it raised; a failure of the database is the whole transaction's."""
        db = self._connection
        db.execute("SAVEPOINT one")
        try:
            answer: tuple[Any, Exception | None] = work(db), None
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - handed to whoever gave the work
            db.execute("ROLLBACK TO one")
            answer = None, error
        db.execute("RELEASE one")
        return answer


def _unheard(point: str) -> None:
    """Nobody wants to know."""
