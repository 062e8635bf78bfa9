"""Loading the kernels: machine code from the cache. Processes that start together compile once; the others wait.

The cache is executable code, so it is read from a folder that only its owner can write.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enigmalang.fields.native import Kernels

#: Seconds that a process waits for another one's compilation before it compiles too.
PATIENCE = 60.0
_CHECK_BYTES = 32
_guard = threading.Lock()
_loaded: list[Kernels] = []
_looks = [0]


def warm() -> None:
    """Load every kernel, compiled first where the cache has none (about 2 s, then 0.1 s)."""
    kernels()


def kernels() -> Kernels:
    """The kernels, loaded on first use."""
    if not _loaded:
        with _guard:
            if not _loaded:
                _loaded.append(_load())
    return _loaded[0]


def _load() -> Kernels:
    from enigmalang.fields import native

    folder = cache_folder()
    if folder is None:
        return native.Kernels(native.compiled())
    path = folder / f"kernels-{native.fingerprint()}.o"
    code = _read(path)
    if code is None:
        with _alone(folder / "kernels.lock"):
            code = _read(path)
            if code is None:
                code = native.compiled()
                _write(path, code)
    return native.Kernels(code)


def looks() -> int:
    """How often this process looked whether another one had compiled: waiting for that, at most PATIENCE seconds, is
    no standstill.
    """
    return _looks[0]


def cache_folder() -> Path | None:
    """The user's cache folder, or one in the temporary folder; None when neither is ours alone to write."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in (base / "enigmalang", Path(tempfile.gettempdir()) / f"enigmalang-{os.getuid()}"):
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _private(folder.lstat()) and os.access(folder, os.W_OK):
                return folder
    return None


def _private(status: os.stat_result) -> bool:
    writable = stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & writable


def _read(path: Path) -> bytes | None:
    """The code, or None when it is not there, or not whole."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    code = data[_CHECK_BYTES:]
    return code if data[:_CHECK_BYTES] == _check(code) else None


def _write(path: Path, code: bytes) -> None:
    with suppress(OSError):  # a full disk costs the next process a compilation
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(_check(code) + code)
        os.replace(file.name, path)


def _check(code: bytes) -> bytes:
    return blake2b(code, digest_size=_CHECK_BYTES).digest()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock; who has held it for too long may be stopped, so that in the end we go on without it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _looks[0] += 1
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)
