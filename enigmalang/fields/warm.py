"""Loading the kernels: processes that start together compile once; the others wait, then load the cache."""

import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

_guard = threading.Lock()
_module: list[ModuleType] = []


def warm() -> None:
    """Compile or load every kernel, holding a lock between processes (3.5 s the first time, then 0.25 s)."""
    kernels()


def kernels() -> ModuleType:
    """The kernel module, loaded on first use."""
    if not _module:
        with _guard:
            if not _module:
                _module.append(_load())
    return _module[0]


def _load() -> ModuleType:
    import numba  # noqa: F401  # outside the lock: processes may do this side by side

    with _exclusive(lock_path()):
        from enigmalang.fields import kernels as module
    return module


def lock_path() -> Path:
    """The lock file in the user's cache folder, or in the temporary folder when that cannot be written."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "enigmalang"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder / "kernels.lock"
    except OSError:
        pass
    return Path(tempfile.gettempdir()) / f"enigmalang-kernels-{os.getuid()}.lock"


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
