"""What a node for development says of its whole state, kept beside the requests that made it: so they need not all be
done again.

A dump belongs to a place in the file of requests: a number of lines, and the bytes that these have. It is written under
another name, flushed and then renamed: a file with a dump's name is a whole one.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

#: Raised when the meaning of a dump changes; others are not read.
_VERSION = 1
_KEPT = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the requests: after `lines` of them, which are `size` bytes. `head` is the newest block's hash there,
    `time` its time, `marks` how many snapshots had ever been taken."""

    lines: int
    size: int
    head: str
    time: int
    marks: int


class Dumps:
    """The dumps beside the file `requests`: at most two, the newest first to be read. Raises OSError."""

    def __init__(self, requests: Path) -> None:
        self._requests = requests

    def places(self) -> list[Place]:
        """Those that there are, the newest first."""
        found = [place for path in self._files() if (place := _read(path)[0]) is not None]
        return sorted(found, key=lambda place: place.lines, reverse=True)

    def read(self, place: Place) -> bytes:
        """The dump of that place, as the node gave it; empty when it is damaged."""
        found, dump = _read(self._path(place.lines))
        return dump if found == place else b""

    def write(self, place: Place, data: bytes) -> None:
        """On disk when this returns; older ones than the two newest are removed."""
        head = json.dumps({"version": _VERSION, "digest": hashlib.sha256(data).hexdigest(), **asdict(place)}).encode()
        path = self._path(place.lines)
        part = path.with_name(f".{path.name}.part")
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(file, "wb") as out:
                out.write(head + b"\n" + data)
                out.flush()
                os.fsync(out.fileno())
            part.rename(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        flush_folder(path.parent)
        for old in self.places()[_KEPT:]:
            self.drop(old)

    def drop(self, place: Place) -> None:
        """It is not to be used any more."""
        self._path(place.lines).unlink(missing_ok=True)
        flush_folder(self._requests.parent)

    def _path(self, lines: int) -> Path:
        return self._requests.with_name(f"{self._requests.name}.{lines}")

    def _files(self) -> list[Path]:
        name = self._requests.name
        return [path for path in self._requests.parent.glob(f"{name}.*") if path.name[len(name) + 1 :].isdecimal()]


def _read(path: Path) -> tuple[Place | None, bytes]:
    """None for what is no dump, or one of another version."""
    try:
        head, _, data = path.read_bytes().partition(b"\n")
        said = json.loads(head)
        if said.pop("version") != _VERSION or said.pop("digest") != hashlib.sha256(data).hexdigest():
            return None, b""
        return Place(**said), data
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, b""


def flush_folder(folder: Path) -> None:
    """What was renamed or removed in it stays so when the power fails."""
    with suppress(OSError):  # a file system that cannot flush folders
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
