"""What the hub says of a committee and its contracts: the facts on which a hand-over depends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from enigmalang.chain.formations import formation
from enigmalang.chain.hub import Attachment, Hub, hub_interface
from enigmalang.ethereum.words import number_word
from enigmalang.node.daemon.seats.handing.due import Facts
from enigmalang.node.daemon.seats.handing.worth import Worth
from enigmalang.node.daemon.seats.here import Place

#: Blocks that are looked at again for contracts, where a reorganisation may have changed them.
AGAIN = 64


@dataclass(frozen=True, slots=True)
class Standing:
    """A committee at a block: its contracts that count (`worth`), seconds since it was formed, the jobs it serves of a
    contract (0: any number), and the seats of who has left or is about to."""

    contracts: Mapping[str, Attachment]
    age: float
    rotation: int
    left: tuple[int, ...]

    def facts(self, contract: str, absent: Mapping[int, float]) -> Facts:
        """Of one of its contracts."""
        attached = self.contracts[contract]
        return Facts(self.age, attached.settled - attached.since, self.rotation, self.left, absent)


class Watched:
    """What one committee serves, and since when. One thread uses it at a time."""

    def __init__(self, hub: Hub, place: Place, start: int, stays: Callable[[str], bool], worth: Worth) -> None:
        """`stays`: whether a node has its deposit, and gave no notice. Raises ChainError."""
        self._hub, self._place, self._stays, self._worth = hub, place, stays, worth
        self.over = False  # whether all that it served, and that is worth anything, is served by others
        formed = formation(hub, place.committee, start, hub.chain.block_number())
        self.first = formed.block if formed is not None else start
        self.formed = hub.chain.block(self.first).time
        self._since = hub.chain.block().time - monotonic()  # a chain without blocks has a clock that stands still
        self.rotation = hub.committee(place.committee).rotation
        self._next, self._seen = self.first, dict[str, None]()

    def at(self, block: int) -> Standing:
        """How it stands at `block`. Raises ChainError."""
        hub, number = self._hub, self._place.committee
        attached, reattached = (hub_interface().event(name) for name in ("Attached", "Reattached"))
        for event, topics in ((attached, [attached.topic, None, number_word(number)]),
                              (reattached, [reattached.topic, None, None, number_word(number)])):
            for log in hub.chain.logs(hub.address, topics, max(self.first, min(self._next, block) - AGAIN), block):
                self._seen[str(event.decode(log.topics, log.data)["contract"]).lower()] = None
        self._next = block + 1
        found = {contract: hub.attachment(contract, block) for contract in self._seen}
        here = {contract: each for contract, each in found.items() if each.committee == number}
        contracts = {contract: each for contract, each in here.items() if self._worth.counts(contract, each, block)}
        if not contracts and all(self._worth.ignored(contract) for contract in here):
            self.over = any(each.committee not in (0, number) for each in found.values())
        now = max(hub.chain.block(block).time, self._since + monotonic())
        left = tuple(seat for seat, member in enumerate(self._place.members, 1) if not self._stays(member))
        return Standing(contracts, max(0.0, now - self.formed), self.rotation, left)
