"""The writer of a shelf: many pieces of work in one transaction, and each with its own outcome."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from enigmalang.dht.writing import BATCH, Closed, Writer


class Bench:
    """A writer that is held up while work is put before it."""

    def __init__(self, path: Path) -> None:
        self.passed: list[str] = []
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)")
        self.writer = Writer(connection, self.passed.append)
        self.outcomes: dict[int, object] = {}

    def together(self, works: list[Callable[[sqlite3.Connection], object]]) -> dict[int, object]:
        """What came of `works`, which all wait before the first is taken."""
        go, begun = threading.Event(), threading.Event()

        def hold(_: sqlite3.Connection) -> None:
            begun.set()
            assert go.wait(30)

        threads = [threading.Thread(target=self.run, args=(-1, hold))]
        threads[0].start()
        assert begun.wait(30)
        threads += [threading.Thread(target=self.run, args=pair) for pair in enumerate(works)]
        for thread in threads[1:]:
            thread.start()
        until = monotonic() + 30
        while self.writer.waiting < len(works):
            assert monotonic() < until
            threading.Event().wait(0.001)
        go.set()
        for thread in threads:
            thread.join()
        del self.outcomes[-1]
        return self.outcomes

    def run(self, number: int, work: Callable[[sqlite3.Connection], object]) -> None:
        try:
            self.outcomes[number] = self.writer.run(work)
        except (ValueError, sqlite3.Error) as error:
            self.outcomes[number] = type(error)

    def rows(self) -> set[int]:
        return self.writer.run(lambda db: {n for (n,) in db.execute("SELECT n FROM t")})


def insert(number: int) -> Callable[[sqlite3.Connection], int]:
    def work(db: sqlite3.Connection) -> int:
        db.execute("INSERT INTO t VALUES (?)", (number,))
        return number

    return work


def refuse(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO t VALUES (99)")
    raise ValueError


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "file")
    yield made
    made.writer.close()


def test_what_waits_goes_into_one_transaction(bench: Bench):
    assert bench.together([insert(i) for i in range(10)]) == {i: i for i in range(10)}
    assert bench.passed == ["begun", "written", "committed", "answered"] * 2  # the one that held it up, and all others
    assert bench.rows() == set(range(10))


def test_a_transaction_has_an_end(bench: Bench):
    bench.together([insert(i) for i in range(BATCH + 1)])
    assert bench.passed.count("begun") == 3 and bench.rows() == set(range(BATCH + 1))


def test_who_is_refused_is_refused_alone(bench: Bench):
    assert bench.together([insert(1), refuse, insert(2)]) == {0: 1, 1: ValueError, 2: 2}
    assert bench.passed.count("begun") == 2 and bench.rows() == {1, 2}


def test_a_failure_of_the_database_is_one_s_own(bench: Bench):
    """As when the disk is full: sqlite may have undone everything."""
    found = bench.together([insert(1), insert(2), insert(2), insert(3)])
    assert sorted(map(str, found.values())) == sorted(map(str, [1, 2, 3, sqlite3.IntegrityError]))
    assert bench.rows() == {1, 2, 3}


def test_closing_writes_what_waits(tmp_path: Path):
    bench = Bench(tmp_path / "file")
    bench.writer.run(insert(1))
    bench.writer.close()
    bench.writer.close()
    with pytest.raises(Closed):
        bench.writer.run(insert(2))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_a_writer_that_broke(tmp_path: Path):
    def broken(point: str) -> None:
        if point == "written":
            raise KeyError(point)

    connection = sqlite3.connect(tmp_path / "file", isolation_level=None, check_same_thread=False)
    writer = Writer(connection, broken)
    with pytest.raises(KeyError):
        writer.run(lambda db: None)
    writer.close()
    with pytest.raises(Closed):
        writer.run(lambda db: None)
    connection.close()
