"""The daemon's log: an event's name and its facts, as lines for people or as JSON for programs.

What is secret here is bytes or an object that hides itself: a fact is a text, a number, a truth or a list of these, and
everything else is refused when it is logged, not when it is read.
"""

import json
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO, TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

from enigmalang.node.daemon.config import LogOptions

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
#: How many problems `enig node status` can show, and how long one fact may be.
KEPT, MAX_TEXT = 20, 2000
Fact = str | int | float | bool | None | list[str] | list[int]


@dataclass(frozen=True, slots=True)
class Problem:
    """A warning or an error: when (ISO 8601, UTC), and what."""

    time: str
    level: str
    text: str


class Log:
    """Events go to a file or to standard error. Threads may share one. Problems are remembered, the last `KEPT`."""

    def __init__(self, options: LogOptions, folder: Path, stream: TextIO | None = None) -> None:
        """`stream`: instead of standard error. Raises OSError for a file that cannot be written."""
        self._logger = logging.Logger("enigmalang.node", LEVELS[options.level])
        self._handler = _handler(options, folder, stream)
        self._handler.setFormatter(_Json() if options.format == "json" else _Text())
        self._logger.addHandler(self._handler)
        self._lock = threading.Lock()
        self._problems: deque[Problem] = deque(maxlen=KEPT)
        self._counts = {"warning": 0, "error": 0}

    def debug(self, event: str, **facts: Fact) -> None:
        self._write("debug", event, facts)

    def info(self, event: str, **facts: Fact) -> None:
        self._write("info", event, facts)

    def warning(self, event: str, **facts: Fact) -> None:
        self._write("warning", event, facts)

    def error(self, event: str, **facts: Fact) -> None:
        self._write("error", event, facts)

    def problems(self) -> tuple[Problem, ...]:
        """The last warnings and errors, oldest first."""
        with self._lock:
            return tuple(self._problems)

    def counts(self) -> dict[str, int]:
        """How many warnings and errors there were."""
        with self._lock:
            return dict(self._counts)

    @property
    def lost(self) -> int:
        """How many lines could not be written."""
        return self._handler.lost

    def close(self) -> None:
        self._handler.close()

    def _write(self, level: str, event: str, facts: Mapping[str, Fact]) -> None:
        plain = {name: _plain(name, value) for name, value in facts.items()}
        if LEVELS[level] >= logging.WARNING:
            with self._lock:
                self._counts[level] += 1
                self._problems.append(Problem(_now(), level, _line(event, plain)))
        self._logger.log(LEVELS[level], event, extra={"facts": plain})


def _handler(options: LogOptions, folder: Path, stream: TextIO | None) -> "_OwnFile | _Stream":
    if not options.file:
        return _Stream(stream or sys.stderr)
    path = folder / options.file
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _OwnFile(path, maxBytes=options.file_bytes, backupCount=options.files, encoding="utf-8")


def _plain(name: str, value: Any) -> Fact:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + "…"
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return value
    raise TypeError(f"{name} is no fact for a log: {type(value).__name__}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(event: str, facts: Mapping[str, Fact]) -> str:
    """On one line, and printable: what peers and chains say may be anything."""
    text = " ".join([event, *(f"{name}={_shown(value)}" for name, value in facts.items())])
    return "".join(char if char.isprintable() else "?" for char in text)


def _shown(value: Fact) -> str:
    if isinstance(value, str):
        return value if value and not set(value) & set(' "=') else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


class _Lenient(logging.Handler):
    """A line that cannot be written is counted, not complained about: a full disk ends no node."""

    lost = 0

    def handleError(self, record: logging.LogRecord) -> None:
        self.lost += 1


class _Stream(_Lenient, logging.StreamHandler[TextIO]):
    pass


class _OwnFile(_Lenient, RotatingFileHandler):
    """Files for their owner alone."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return TextIOWrapper(FileIO(descriptor, "a"), encoding=self.encoding, write_through=True)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{_now()} {record.levelname.lower():7} {_line(record.msg, record.__dict__['facts'])}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"time": _now(), "level": record.levelname.lower(), "event": record.msg,
                           **record.__dict__["facts"]})
