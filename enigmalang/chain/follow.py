"""Following a chain's logs through reorganisations.

A log is handed out when `depth` blocks follow its own. A reorganisation of at most `depth` blocks is never seen by who
follows; after a deeper one, what was handed out and is gone is handed out again as removed, newest first, before what
came in its place.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from enigmalang.chain.client import LOG_BLOCKS, Chain, Log
from enigmalang.chain.errors import ChainError
from enigmalang.chain.evm import Json

#: Blocks from one place to the next, and places on the chain that are remembered for going back, with their
#: logs: a place is a block at least, and Ethereum's are final after 64 to 96.
STRIDE, MEMORY = LOG_BLOCKS, 256


@dataclass(frozen=True, slots=True)
class Notice:
    """A log at its depth; `removed` when a reorganisation took it back after it had been handed out."""

    log: Log
    removed: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """A block up to which everything was handed out, and what came since the place before."""

    number: int
    hash: str
    logs: tuple[Log, ...]


class ReorganisedTooFar(ChainError):
    """What was handed out and is gone is no longer known: who follows has to start anew."""


class Follower:
    """The logs of `addresses` (none: of all) with `topics` (see `Chain.logs`) from block `start` on."""

    def __init__(
        self, chain: Chain, addresses: str | Sequence[str] = (), topics: Sequence[Json] = (), *, start: int = 0,
        depth: int | None = None, after: tuple[int, str] | None = None,
    ) -> None:
        """`depth`: default is the chain's `confirmations`. `after`: number and hash of a block up to which all is known
        already: it starts after that; ReorganisedTooFar when the chain has another one there."""
        self._chain, self._addresses, self._topics, self._start = chain, addresses, topics, start
        self.depth = chain.confirmations if depth is None else depth
        self._places: list[_Place] = [] if after is None else [_Place(*after, ())]
        self._forgotten = after is not None
        # What a `poll` found before the chain fell silent, for the next one; and what was handed out at places that are
        # gone: perhaps it comes back as it was.
        self._ready: list[Notice] = []
        self._owed: tuple[Log, ...] = ()

    @property
    def next_block(self) -> int:
        """The first block of which nothing was handed out yet: where another follower may start."""
        return self._places[-1].number + 1 if self._places else self._start

    @property
    def place(self) -> tuple[int, str] | None:
        """The newest block of which all was handed out, by number and hash; None before the first."""
        return (self._places[-1].number, self._places[-1].hash) if self._places else None

    def poll(self) -> list[Notice]:
        """What is new. ReorganisedTooFar when the chain was reorganised below all that is remembered; after another
        ChainError nothing is lost, and `poll` is called again."""
        while True:
            self._rewind()
            target = min(self._chain.block_number() - self.depth, self.next_block + STRIDE - 1)
            if target < self.next_block:
                notices = self._ready + [Notice(log, removed=True) for log in reversed(self._owed)]
                self._ready, self._owed = [], ()
                return notices
            place = self._fetch(target)
            if place is not None:
                kept = _common(self._owed, place.logs)
                self._ready += [Notice(log, removed=True) for log in reversed(self._owed[kept:])]
                self._ready += [Notice(log) for log in place.logs[kept:]]
                self._owed = ()
                self._remember(place)

    def stream(self, stop: threading.Event, pause: float = 0.5) -> Iterator[Notice]:
        """Notices as they come, until `stop` is set; the chain is asked every `pause` seconds."""
        while not stop.is_set():
            yield from self.poll()
            stop.wait(pause)

    def _rewind(self) -> None:
        """Forget the places that the chain no longer has; what was handed out there is owed."""
        while self._places and self._hash(self._places[-1].number) != self._places[-1].hash:
            self._owed = self._places.pop().logs + self._owed
        if self._forgotten and not self._places:
            raise ReorganisedTooFar(
                f"the chain was reorganised by more than the {MEMORY} steps that are remembered")

    def _fetch(self, target: int) -> _Place | None:
        """The place `target`; None when the chain was reorganised while it was asked."""
        before = self._hash(target)
        logs = self._chain.logs(self._addresses, self._topics, self.next_block, target)
        if before is None or self._hash(target) != before:
            return None
        return _Place(target, before, logs)

    def _remember(self, place: _Place) -> None:
        self._places.append(place)
        if len(self._places) > MEMORY:
            del self._places[0]
            self._forgotten = True

    def _hash(self, number: int) -> str | None:
        block = self._chain.find_block(number)
        return block.hash if block else None


def _common(one: tuple[Log, ...], other: tuple[Log, ...]) -> int:
    """How many logs both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
