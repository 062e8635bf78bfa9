"""A ledger that is made when a program first needs one: most scripts need none, and a chain takes time to start."""

from collections.abc import Callable
from typing import Any


class LazyLedger:
    """Stands for what `start` makes; asked for anything, it makes it."""

    def __init__(self, start: Callable[[], Any]) -> None:
        self._start = start
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._made is None:
            self._made = self._start()
        return getattr(self._made, name)
