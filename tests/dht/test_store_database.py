"""How a node's own files are opened."""

import os
import sqlite3
import stat
import subprocess
import sys

import pytest

from enigmalang.dht.database import NotThisFile, open_database


def test_a_new_file_is_its_owners_alone_with_a_log_and_commits_reach_the_disk(tmp_path):
    path = tmp_path / "new.sqlite"
    db = open_database(path)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    db.execute("CREATE TABLE t (x)")
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    db.close()


def test_little_of_a_large_file_is_kept_in_memory(tmp_path):
    for pragmas in (), ("page_size=16384",):
        db = open_database(tmp_path / f"{len(pragmas)}.sqlite", pragmas)
        assert db.execute("PRAGMA cache_size").fetchone() == (-512,)  # KiB
        db.close()


def test_rights_that_others_were_given_are_taken_back(tmp_path):
    path = tmp_path / "open.sqlite"
    open_database(path).close()
    path.chmod(0o644)
    open_database(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_not_followed(tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"")
    (tmp_path / "link.sqlite").symlink_to(target)
    with pytest.raises(OSError):
        open_database(tmp_path / "link.sqlite")
    assert target.read_bytes() == b""


def test_a_file_of_something_else_is_left_as_it_is(tmp_path):
    path = tmp_path / "text.sqlite"
    path.write_bytes(b"a text of some length, and no database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        open_database(path)
    assert path.read_bytes().startswith(b"a text")


def test_who_asks_is_told_of_a_damaged_page(tmp_path):
    path = tmp_path / "damaged.sqlite"
    db = open_database(path)
    db.execute("CREATE TABLE t (x)")
    db.executemany("INSERT INTO t VALUES (?)", [(os.urandom(500),) for _ in range(200)])
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    whole = bytearray(path.read_bytes())
    whole[4096 * 3 : 4096 * 3 + 64] = bytes(64)
    path.write_bytes(whole)
    with pytest.raises(NotThisFile, match="damaged"):
        open_database(path, look=True)
    open_database(path).close()


def test_a_large_transaction_leaves_no_large_log(tmp_path, monkeypatch):
    monkeypatch.setattr("enigmalang.dht.database.LOG_BYTES", 1 << 16)
    db = open_database(tmp_path / "large.sqlite")
    log = tmp_path / "large.sqlite-wal"
    db.execute("CREATE TABLE t (x)")
    db.execute("INSERT INTO t VALUES (zeroblob(8000000))")
    assert log.stat().st_size > 4_000_000
    for _ in range(3):  # the next ones begin at the log's start
        db.execute("INSERT INTO t VALUES (1)")
    assert log.stat().st_size <= 1 << 16
    db.close()


def test_who_looks_in_from_outside_takes_no_log_away(tmp_path):
    """Two connections of this process; another process opens the file between two commits, and closes it."""
    path, log = tmp_path / "shared.sqlite", tmp_path / "shared.sqlite-wal"
    first = open_database(path)
    first.execute("CREATE TABLE t (x)")
    first.close()
    one, other = open_database(path), open_database(path)
    for count in 1, 2:
        one.execute("INSERT INTO t VALUES (1)")
        look = "import sqlite3, sys; print(len(sqlite3.connect(sys.argv[1]).execute('SELECT x FROM t').fetchall()))"
        told = subprocess.run([sys.executable, "-c", look, path], capture_output=True, text=True, check=True)
        assert int(told.stdout) == count
        assert log.exists(), "what is committed from now on goes to a file without a name"
    one.close()
    other.close()
