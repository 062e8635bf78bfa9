"""What a DHT node is busy with: lookups on behalf of a local request or a chore, and records being placed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from enigmalang.dht.lookup import Lookup
from enigmalang.dht.placement import preference, rank
from enigmalang.dht.ports import Find, Get, Join, Members, Put, Rank


@dataclass(slots=True, eq=False)
class Errand:
    """A lookup and what it is for (None: a refresh). `free`: bytes that those who answered say they can take.
    `record`, `version` and `holders`: the best valid record that was seen, and who sent valid ones.
    """

    purpose: Join | Find | Rank | Get | Put | None
    lookup: Lookup
    free: dict[int, int] = field(default_factory=dict)
    record: bytes | None = None
    version: int = -1
    holders: list[str] = field(default_factory=list)
    finished: bool = False

    def take(self, record: bytes, version: int, holder: str) -> None:
        """A valid record came."""
        self.holders.append(holder)
        if version > self.version:
            self.record, self.version = record, version

    @property
    def satisfied(self) -> bool:
        """Whether no further answer is needed."""
        enough = isinstance(self.purpose, Get) and len(self.holders) >= self.purpose.copies
        return enough or self.lookup.done


@dataclass(slots=True, eq=False)
class Placing:
    """A record on its way to its holders: `left` are those who were not asked yet, the best first."""

    put: Put
    left: list[str]
    waiting: int = 0
    holders: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def next(self) -> list[str]:
        """Who is to be asked now. They count as asked from here on."""
        missing = max(0, self.put.copies - len(self.holders) - self.waiting)
        chosen, self.left = self.left[:missing], self.left[missing:]
        self.waiting += len(chosen)
        return chosen

    def answered(self, peer: str, accepted: bool) -> None:
        """One that was asked took the record, or did not."""
        self.waiting -= 1
        (self.holders if accepted else self.refused).append(peer)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A request that waits for its reply: to whom, and for what (None: a ping). `record`: being checked."""

    peer: str
    place: int
    task: Errand | Placing | None
    record: bytes | None = None


def best_holders(key: bytes, size: int, free: Mapping[int, int], members: Members) -> list[str]:
    """The nodes of `free` (place: bytes it can take) by how well they suit to hold `size` bytes under `key`."""
    weights = {}
    for place, room in free.items():
        address = members.address(place)
        standing = None if address is None else members.standing(address)
        if address is not None and standing is not None:
            weights[address] = preference(standing, room, size)
    return rank(key, weights)
