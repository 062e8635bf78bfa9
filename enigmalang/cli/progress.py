"""A spinner on stderr, on a terminal only, for whatever takes longer than a second."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.live import Live

#: Seconds before anything is shown.
PATIENCE = 1.0


class Progress:
    """What is going on just now. A context manager: when it ends, nothing of the display is left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._text = ""
        self._live: Live | None = None
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
            if self._live is not None:
                self._hide()
                self._start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Out of the way while the program prints a line."""
        with self._lock:
            shown = self._live is not None
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
        from rich.live import Live
        from rich.spinner import Spinner

        # No redirection: it would send what the program prints to stderr. `paused` keeps the two apart instead.
        self._live = Live(
            Spinner("dots", self._text), console=Console(stderr=True), transient=True,
            redirect_stdout=False, redirect_stderr=False,
        )
        self._live.start()

    def _hide(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
