"""What is publicly recorded of nodes' behaviour: the hub's events of deposits that were taken, and of jobs that a
committee let expire. It counts when new holders are chosen (`dht.placement`).

Nothing that nodes say of each other counts, so nobody can talk another down. All members of a committee answer for its
expired jobs alike, since the chain cannot see whose fault it was; what is older than `SPAN` blocks is forgiven. Views
that differ for a moment only make a copy too many somewhere.
"""

from collections import Counter
from collections.abc import Callable
from time import monotonic

from enigmalang.chain.errors import ChainError
from enigmalang.chain.follow import Follower, ReorganisedTooFar
from enigmalang.chain.hub import Hub, hub_interface, read_event
from enigmalang.dht.placement import FULL_REPUTATION

#: Blocks for which a fault is remembered: a week of twelve seconds each.
SPAN = 50_400
#: Seconds between looks at the chain.
LOOK = 30.0
#: What a fault counts: a deposit that was taken, by what t+1 of a committee signed; an expired job.
SLASHED, EXPIRED = 7, 1


class Behaviour:
    """For one thread, but for `reputation`."""

    def __init__(self, hub: Hub, clock: Callable[[], float] = monotonic) -> None:
        self._hub, self._clock = hub, clock
        self._next = float("-inf")
        self._faults: dict[tuple[int, int], tuple[tuple[str, ...], int]] = {}  # block and index -> who, and what counts
        self._marks: Counter[str] = Counter()
        self._follower: Follower | None = None

    def look(self) -> None:
        """Read what is new, now and then. Raises ChainError; it is read again then."""
        if self._clock() < self._next:
            return
        height = self._hub.chain.block_number()
        try:
            self._read(height)
        except ReorganisedTooFar:
            self._follower = None
            self._read(height)
        self._next = self._clock() + LOOK

    def reputation(self, address: str) -> int:
        """0 to `FULL_REPUTATION`, which is that of a node without a fault: half for one expired job, a third for two.
        """
        return FULL_REPUTATION // (1 + self._marks[address])

    def _read(self, height: int) -> None:
        if self._follower is None:
            topics = [hub_interface().event(name).topic for name in ("Slashed", "Expired")]
            self._follower = Follower(self._hub.chain, self._hub.address, [topics], start=max(0, height - SPAN))
            self._faults.clear()
        for notice in self._follower.poll():
            at = notice.log.block, notice.log.index
            if notice.removed:
                self._faults.pop(at, None)
                continue
            event = read_event(notice.log)
            if event.name == "Slashed":
                self._faults[at] = (str(event.fields["accused"]).lower(),), SLASHED
            else:
                self._faults[at] = self._serving(str(event.fields["contract"]), notice.log.block), EXPIRED
        for at in [at for at in self._faults if at[0] < height - SPAN]:
            del self._faults[at]
        marks: Counter[str] = Counter()
        for who, weight in self._faults.values():
            marks.update(dict.fromkeys(who, weight))
        self._marks = marks  # at once: others read them

    def _serving(self, contract: str, block: int) -> tuple[str, ...]:
        """Who was to do a contract's jobs as of `block`; who is now, where the chain's node has no such old state."""
        try:
            number = self._hub.attachment(contract, block).committee
        except ChainError:
            number = self._hub.attachment(contract).committee
        return tuple(member.lower() for member in self._hub.committee(number).members)
