"""The active nodes as the DHT sees them: where each stands, and what speaks for storing on it."""

import threading
from collections.abc import Callable, Iterable

from enigmalang.dht.ids import node_id
from enigmalang.dht.placement import FULL_REPUTATION, Standing
from enigmalang.node.daemon.registry_file import Member


class View:
    """`dht.ports.Members`: a picture of the registry, taken by `refresh`. Any thread."""

    def __init__(self, reputation: Callable[[str], int] = lambda address: FULL_REPUTATION) -> None:
        """`reputation`: 0 to 1000, from what is publicly recorded of a node (`behaviour`)."""
        self._reputation = reputation
        self._lock = threading.Lock()
        self._places: dict[str, int] = {}
        self._addresses: dict[int, str] = {}
        self._standings: dict[str, Standing] = {}

    def refresh(self, members: Iterable[Member]) -> tuple[tuple[str, int], ...]:
        """Take a new picture; gives who is not in it any more, with the place it had."""
        found = {each.address: each for each in members}
        with self._lock:
            gone = tuple((address, place) for address, place in self._places.items() if address not in found)
            for address, place in gone:
                del self._places[address], self._addresses[place], self._standings[address]
            for address, member in found.items():
                if address not in self._places:
                    place = node_id(address)
                    self._places[address], self._addresses[place] = place, address
                # Who has given notice keeps what it has until it goes, and gets nothing new.
                self._standings[address] = Standing(
                    member.deposit, 0 if member.leaves else self._reputation(address))
        return gone

    def place(self, address: str) -> int | None:
        """See `Members.place`."""
        with self._lock:
            return self._places.get(address)

    def address(self, place: int) -> str | None:
        """See `Members.address`."""
        with self._lock:
            return self._addresses.get(place)

    def standing(self, address: str) -> Standing | None:
        """See `Members.standing`."""
        with self._lock:
            return self._standings.get(address)

    def addresses(self) -> tuple[str, ...]:
        """All of them, in no order."""
        with self._lock:
            return tuple(self._places)
