"""The processes of a devnet: begun in the background, waited for, ended, and found again by their folder's lock."""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from enigmalang.node.daemon.pidfile import running
from enigmalang.node.devnet.folder import DevnetError

#: Seconds between two looks.
PAUSE = 0.05
#: Characters of a process's last words that are told.
TOLD = 2000


def launch(command: Sequence[str], output: Path) -> "subprocess.Popen[bytes]":
    """A process that outlives this one; what it says goes to `output`, anew."""
    with open(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)


def wait_for(what: str, there: Callable[[], bool], process: "subprocess.Popen[bytes] | None", output: Sequence[Path],
             seconds: float) -> None:
    """Until `there()`. Raises DevnetError with the last words in the files `output` when the process ends, or when the
    time is over."""
    deadline = monotonic() + seconds
    while not there():
        ended = process is not None and process.poll() is not None
        if ended or monotonic() > deadline:
            how = "has ended" if ended else f"is not ready after {seconds:g} seconds"
            raise DevnetError("\n".join([f"{what} {how}", *map(_last_words, output)]))
        sleep(PAUSE)


def _last_words(path: Path) -> str:
    said = path.read_text(errors="replace")[-TOLD:].strip() if path.exists() else ""
    return f"{path} says:\n{said}" if said else f"{path} says nothing"


def interrupt(folder: Path) -> int | None:
    """Ask the process that holds `folder` to end: its number, None when there is none."""
    pid = running(folder)
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    return pid


def await_end(folder: Path, seconds: float) -> bool:
    """Whether it ended by itself. After `seconds` it is killed: whatever it has acknowledged is on disk."""
    deadline, killed = monotonic() + seconds, 0
    while (pid := running(folder)) is not None:
        if monotonic() > deadline and pid and pid != killed:
            killed = pid
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        sleep(PAUSE)
    return not killed
