"""A spinner on stderr, on a terminal only, for whatever takes longer than a second."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.status import Status

#: Seconds before anything is shown.
PATIENCE = 1.0


class Progress:
    """What is going on just now. A context manager: when it ends, nothing of the display is left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._text = ""
        self._status: Status | None = None
        self._timer: threading.Timer | None = None

    def __enter__(self) -> "Progress":
        if sys.stderr.isatty():
            self._timer = threading.Timer(PATIENCE, self._show)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
            self._hide()

    def phase(self, text: str) -> None:
        """Say what is being done from now on."""
        with self._lock:
            self._text = text
            if self._status is not None:
                self._status.update(text)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Out of the way while the program prints a line."""
        with self._lock:
            shown = self._status is not None
            self._hide()
            yield
            if shown:
                self._start()

    def _show(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._start()

    def _start(self) -> None:
        from rich.console import Console
        from rich.status import Status

        # Rich would route prints through its own console, which writes to stderr; `paused` keeps them apart instead.
        status = Status(self._text, console=Console(stderr=True))
        status._live._redirect_stdout = status._live._redirect_stderr = False
        status.start()
        self._status = status

    def _hide(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
