"""A Bristol file on disk; what is wrong with it is said with its line."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from enigmalang.circuits.boolean import BooleanCircuit
from enigmalang.circuits.bristol import BristolError, parse_bristol
from enigmalang.diagnostics import Diagnostic, EnigmaError
from enigmalang.source import Span

#: A file that the user names may be this long.
MAX_BYTES = 256 << 20
#: Where the system shows a process the files and pipes that it was given open.
OPEN_ALREADY = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
#: A file that a program names may be this long: it is read whenever the program is checked.
MAX_PART = 64 << 20


def read_bristol(path: str) -> BooleanCircuit:
    """The circuit in the file that the user named, or in what the command was started with (/dev/stdin, `<(…)`).
    Raises EnigmaError E0601, E0602, E0901.

    A pipe by name may wait for ever for somebody to write into it.
    """
    return _parsed(path, _data(path, MAX_BYTES, regular=not path.startswith(OPEN_ALREADY)))


def read_part(path: str) -> BooleanCircuit:
    """The circuit in a file that a program names. Raises EnigmaError E0601, E0602, E0901.

    Who checks a program need not trust it, and an editor checks it at each key: devices and pipes are not opened.
    """
    return _parsed(path, _data(path, MAX_PART, regular=True))


def _parsed(path: str, data: bytes) -> BooleanCircuit:
    try:
        return parse_bristol(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _fail("E0602", "the file is no UTF-8: a Bristol circuit is a text", path, line, None) from None
    except BristolError as error:
        raise _fail("E0901", error.text, path, error.line, "`enig explain E0901` shows both headers and a gate"
                    ) from None


def _data(path: str, most: int, *, regular: bool) -> bytes:
    try:
        if regular:
            return _regular(path, most)
        with Path(path).open("rb") as file:
            return _bounded(path, file.read(most + 1), most)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _fail("E0601", f"the file cannot be read: {reason.lower()}", path, 0, None) from None


def _regular(path: str, most: int) -> bytes:
    """Looked at before it is opened (to open a device can have effects) and after (it may be another one by then)."""
    _check(path, os.stat(path), most)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        _check(path, os.fstat(file.fileno()), most)
        return _bounded(path, file.read(most + 1), most)


def _check(path: str, found: os.stat_result, most: int) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise _fail("E0601", "this is a folder", path, 0, None)
    if not stat.S_ISREG(found.st_mode):
        raise _fail("E0601", "this is no file on a disk but a device or a pipe", path, 0, None)
    if found.st_size > most:
        raise _too_large(path, most)


def _bounded(path: str, data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise _too_large(path, most)
    return data


def _too_large(path: str, most: int) -> EnigmaError:
    return _fail("E0601", f"the file is larger than {most >> 20} MiB", path, 0, None)


def _fail(code: str, message: str, path: str, line: int, help: str | None) -> EnigmaError:
    """Line 0: about the whole file, of which nothing is shown."""
    place = Span(path, line, 1, line, 1)
    return EnigmaError(Diagnostic(code, message, place, (), help))
