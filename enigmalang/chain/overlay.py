"""Writes that have not happened: what the interpreter does to public state while a chain is only read."""

from typing import Any

Full = tuple[Any, ...]
_MISSING = object()


class Overlay:
    """Values over those of a chain, with a journal. Empty between transactions."""

    def __init__(self) -> None:
        self._values: dict[Full, Any] = {}
        self._journal: list[tuple[Full, Any]] = []

    def checkpoint(self) -> int:
        return len(self._journal)

    def rollback(self, mark: int) -> None:
        """Undo everything since `mark`."""
        while len(self._journal) > mark:
            full, old = self._journal.pop()
            if old is _MISSING:
                del self._values[full]
            else:
                self._values[full] = old

    def __contains__(self, full: Full) -> bool:
        return full in self._values

    def get(self, full: Full) -> Any:
        """What was written; KeyError if nothing was."""
        return self._values[full]

    def put(self, full: Full, value: Any) -> None:
        self._journal.append((full, self._values.get(full, _MISSING)))
        self._values[full] = value
