"""How a node opens a file of its own as a database: its owner's alone, a write-ahead log, every commit on the disk."""

import errno
import os
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

#: Bytes that the file of a log keeps when what it had is in the database: a large transaction leaves no large file.
LOG_BYTES = 1 << 25
#: KiB of pages that a connection keeps in memory. A node has five of them, which fill over hours; what is read again
#: and again are an index's upper pages, and the system has the others at hand.
CACHE_KIB = 512


class NotThisFile(sqlite3.DatabaseError):
    """The file is no database, is damaged, or lies where a node cannot keep one."""


class Damaged(NotThisFile):
    """What is in the file contradicts itself."""


def open_database(path: Path, first: Sequence[str] = (), wait: float = 0.0, look: bool = False) -> sqlite3.Connection:
    """A connection that threads may share under a lock; transactions are begun and ended by hand.

    `first`: pragmas that come before all others (of a new file: its pages). `wait`: seconds for which another
    connection's lock is waited for. `look`: read the whole file, to see that it is sound: for small ones.

    What returns from COMMIT is on the disk, also when the power fails just then. Raises NotThisFile, sqlite3.Error,
    OSError.
    """
    _private(path)
    connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        for pragma in (*first, f"cache_size=-{CACHE_KIB}", "foreign_keys=ON", "cell_size_check=ON", "synchronous=FULL",
                       f"journal_size_limit={LOG_BYTES}"):
            connection.execute(f"PRAGMA {pragma}")
        if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
            raise NotThisFile(f"the file system of {path} has no write-ahead log")
        if look and (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise Damaged(f"{path} is damaged: {found}")
    except BaseException:
        connection.close()
        raise
    return connection


def _private(path: Path) -> None:
    """Make the file, or see that it is its owner's alone; SQLite gives what it puts beside it the same rights. A new
    one is still there after the power was lost.

    One that is there is not opened: to close it would end the locks of all connections that this process has to it
    (POSIX has them so), and another process that looks in would take it for its own, and its log away.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    except FileExistsError:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(errno.EINVAL, "not a file", str(path)) from None
        path.chmod(0o600)
        return
    with suppress(OSError):  # a file system that cannot flush folders
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
