"""One daemon a folder: a lock that the system lets go of when its holder ends, however it ends."""

import fcntl
import os
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType

FILE = "pid"
#: Digits of a number in it: its length stays, so that a full disk too has room for the next one.
WIDTH = 10
#: Who looks whether a daemon runs (`running`) holds the lock himself, for less than this.
LOOK_SECONDS = 0.2


class AlreadyRunning(Exception):
    """Another process has the folder; `pid` is its number, 0 when it has not said it yet."""

    def __init__(self, folder: Path, pid: int) -> None:
        super().__init__(f"the node in {folder} runs already{f' (pid {pid})' if pid else ''}: `enig node status` shows "
                         "what it does, `enig node stop` ends it")
        self.pid = pid


class FolderLock:
    """Holds FOLDER/pid from `with` to the end of it. Raises AlreadyRunning, and OSError for a folder that is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1

    def __enter__(self) -> "FolderLock":
        descriptor = os.open(self._folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = monotonic() + LOOK_SECONDS
        while not _locked(descriptor, fcntl.LOCK_EX):
            if monotonic() > deadline:
                os.close(descriptor)
                raise AlreadyRunning(self._folder, read_pid(self._folder))
            sleep(0.01)
        try:
            _write(descriptor, str(os.getpid()))
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            _write(self._descriptor, "")
        finally:
            os.close(self._descriptor)  # the file stays: a new one could be locked while another holds this one


def read_pid(folder: Path) -> int:
    """The number that stands in FOLDER/pid, 0 when there is none."""
    try:
        return int((folder / FILE).read_text().strip() or "0")
    except (OSError, ValueError):
        return 0


def running(folder: Path) -> int | None:
    """The process that has the folder (0: it has not said its number yet), None when none has."""
    try:
        descriptor = os.open(folder / FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _locked(descriptor, fcntl.LOCK_SH) else read_pid(folder)
    finally:
        os.close(descriptor)


def _write(descriptor: int, number: str) -> None:
    os.pwrite(descriptor, f"{number:<{WIDTH}}\n".encode(), 0)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
