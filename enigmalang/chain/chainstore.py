"""Where the embedded chain has what it knows: the port, and its twin in memory (`chainfile` has the lasting one).

State is a table of hashed nodes, from which nothing is ever taken out, so that each block's state stays readable.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from enigmalang.chain.evm import Json
from enigmalang.chain.records import Record, Records


@dataclass(frozen=True, slots=True)
class Mark:
    """What a snapshot goes back to: how many blocks there were, the newest one's header, the next one's as it was."""

    length: int
    head: Any
    pending: Any


class Blocks(Protocol):
    """The blocks of the chain; see `records.Records`."""

    def __len__(self) -> int: ...

    def add(self, record: Record) -> None: ...

    def cut(self, length: int) -> None: ...

    def at(self, number: int) -> Record | None: ...

    def number_of(self, hash: str) -> int | None: ...

    def of_transaction(self, hash: str) -> Record | None: ...

    def logs(self, addresses: tuple[str, ...], topics: list[Json], first: int, last: int) -> list[Json]: ...


class ChainStore(Protocol):
    """One chain. Headers are py-evm's objects. One thread uses it at a time."""

    @property
    def nodes(self) -> MutableMapping[bytes, bytes]:
        """py-evm's own table."""
        ...

    @property
    def blocks(self) -> Blocks: ...

    def ends(self) -> tuple[Any, Any] | None:
        """The newest block's header and the pending one, as saved last; None while there is no block."""
        ...

    def changing(self) -> AbstractContextManager[None]:
        """What is changed until its end is kept as a whole: all of it, or, when it raises, nothing."""
        ...

    def save(self, head: Any, pending: Any) -> None:
        """The chain ends so now. Within `changing`."""
        ...

    def mark(self, mark: Mark) -> int:
        """A number for a snapshot, from 1. Within `changing`."""
        ...

    def unmark(self, number: int) -> Mark | None:
        """The snapshot, which is used up with all later ones; None for an unknown one. Within `changing`."""
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...


class MemoryStore:
    """A `ChainStore` that is lost with the process."""

    def __init__(self) -> None:
        self.nodes: dict[bytes, bytes] = {}
        self.blocks = Records()
        self._marks: list[Mark] = []

    def ends(self) -> tuple[Any, Any] | None:
        return None

    @contextmanager
    def changing(self) -> Iterator[None]:
        length = len(self.blocks)
        try:
            yield
        except BaseException:
            self.blocks.cut(length)
            raise

    def save(self, head: Any, pending: Any) -> None:
        """The chain itself has both."""

    def mark(self, mark: Mark) -> int:
        self._marks.append(mark)
        return len(self._marks)

    def unmark(self, number: int) -> Mark | None:
        if not 0 < number <= len(self._marks):
            return None
        mark = self._marks[number - 1]
        del self._marks[number - 1:]
        return mark

    def close(self) -> None:
        """Nothing is held."""
