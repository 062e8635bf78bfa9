"""What the chain says of hand-overs becomes so here: new shares are taken, those that came to nothing are dropped, and
what another committee serves by now is erased.
"""

import threading
from collections.abc import Callable

from enigmalang.chain.hub import Attachment, Hub, hub_interface
from enigmalang.ethereum.words import address_word, number_word
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.durable import points
from enigmalang.node.durable.handed import Handed
from enigmalang.node.durable.sqlite import CommitteeState


class Applying:
    """At one member of one committee. Threads may share one: they take turns."""

    def __init__(self, here: Here, place: Place, state: CommitteeState, first: int, lose: Callable[[str], None],
                 at: points.Hook = points.unwatched) -> None:
        """`first`: the block in which the committee was formed; `lose` is told of a contract of which nothing may be
        left in memory either."""
        self._here, self._place, self._state, self._lose, self._at = here, place, state, lose, at
        self._first = first
        self._lock = threading.Lock()

    def step(self, block: int) -> None:
        """Bring what is kept to where the chain is at `block`, which is final here. Raises ChainError, StateError."""
        hub, number = self._here.hub, self._place.committee
        with self._lock:
            for handed in self._state.handed.all():
                self._decide(handed, hub.attachment(handed.contract, block), block)
            for contract in sorted(self._state.known()):
                if hub.attachment(contract, block).committee not in (0, number):
                    self._erase(contract)

    def take(self, contract: str, block: int) -> None:
        """Of one contract, of which a job is due: take what was handed over. Raises ChainError, StateError."""
        with self._lock:
            for handed in self._state.handed.all():
                if handed.contract == contract:
                    self._decide(handed, self._here.hub.attachment(contract, block), block)

    def _decide(self, handed: Handed, attached: Attachment, block: int) -> None:
        if attached.committee == self._place.committee:
            if took(self._here.hub, handed.contract, self._place.committee, self._first, block) == handed.run:
                self._at(points.HAND_TAKING)
                self._state.handed.take(handed)
                self._at(points.HAND_TAKEN)
                self._here.log.info("took over", committee=self._place.committee, contract=handed.contract,
                                    old=handed.old)
                return
        elif (attached.committee, attached.settled) == (handed.old, handed.settled):
            return  # the chain may still take it
        if any(each == handed for each in self._state.handed.all()):  # `take` forgets other runs
            self._state.handed.drop(handed)

    def _erase(self, contract: str) -> None:
        self._at(points.HAND_ERASING)
        for job in self._state.masks.handed():
            if self._here.hub.job(job).contract.lower() == contract:
                self._state.masks.drop(-job)
        self._state.forget(contract)
        self._at(points.HAND_ERASED)
        self._here.log.info("handed over", committee=self._place.committee, contract=contract)
        self._lose("a contract went to another committee")


def took(hub: Hub, contract: str, committee: int, first: int, block: int) -> bytes:
    """The run by which `committee`, formed in block `first`, took over `contract` last, as of `block`; empty when it
    served it from the start."""
    event = hub_interface().event("Reattached")
    topics = [event.topic, address_word(contract), None, number_word(committee)]
    log = hub.chain.last_log(hub.address, topics, first, block)
    return bytes(event.decode(log.topics, log.data)["run"]) if log is not None else b""
