"""What the chain says of stored data: pointers, who may read, and what is paid for."""

import threading
from collections.abc import Callable, Sequence
from time import monotonic, time

from enigmalang.chain.hub import Hub, Pointer
from enigmalang.chain.storage import Storage, lease_name
from enigmalang.dht.records import Record, RecordRefused, SignedRecord, Verified, verify
from enigmalang.dht.rent import State

#: Who reads without saying who.
ANYBODY = "0x" + "00" * 20
#: Seconds for which an answer of the chain about a reader is good: a value is read chunk by chunk.
FRESH = 2.0
#: Answers that are remembered.
REMEMBERED = 4096


class HubLedger:
    """`dht.records.Ledger` of one hub, and of the contract that rent is paid to, if there is one. Any thread. All
    methods raise ChainError when the chain cannot be asked."""

    def __init__(self, hub: Hub, rent: Storage | None = None, clock: Callable[[], float] = monotonic) -> None:
        self.hub, self.rent, self._clock = hub, rent, clock
        self.separator = hub.domain.separator
        self._lock = threading.Lock()
        self._known: dict[tuple[object, ...], tuple[float, int]] = {}

    def pointer(self, db: int, key: bytes) -> Pointer:
        return self.hub.pointer(db, key)

    def may_sign(self, owner: str, signer: str) -> bool:
        return self.hub.may(signer, owner, "update")

    def verified(self, signed: SignedRecord) -> Verified:
        """Raises RecordRefused."""
        return verify(signed, self.separator, self, int(time()))

    def may_read(self, who: str, db: int, key: bytes) -> bool:
        """Whether the predicate lets `who` read; `ANYBODY`: whoever does not say. As of `FRESH` seconds ago."""
        return bool(self._lately((who, db, key), lambda: self.hub.may_data(who, db, key, "read")))

    def paid_lately(self, record: Record) -> State:
        """`paid`, as of `FRESH` seconds ago."""
        return State(self._lately((record.commitment(),), lambda: self.paid(record)))

    def paid(self, record: Record) -> State:
        """How the rent for a value stands; ACTIVE where none is asked for, NONE where less was paid for."""
        if self.rent is None:
            return State.ACTIVE
        name = lease_name(record.address, record.db, record.key)
        if self.rent.lease(name).size < record.size:
            return State.NONE
        return State(self.rent.standing(name).state)

    def paid_holders(self, record: Record) -> tuple[str, ...] | None:
        """Whom the lease names and pays; None where no rent is asked for."""
        if self.rent is None:
            return None
        lease = self.rent.lease(lease_name(record.address, record.db, record.key))
        return tuple(holder.lower() for holder in lease.holders)

    def _lately(self, asked: tuple[object, ...], ask: Callable[[], int]) -> int:
        now = self._clock()
        with self._lock:
            known = self._known.get(asked)
        if known is not None and now - known[0] < FRESH:
            return known[1]
        answer = ask()
        with self._lock:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[asked] = now, answer
        return answer


def check_taker(paid: Sequence[str] | None, me: str, giver: str | None) -> None:
    """Whether the node `me` may be given a value of which the lease pays the nodes `paid` (`HubLedger.paid_holders`).

    A node that is paid takes it from anybody. One that is not takes only a copy, from a node that is paid (`giver`),
    and only if another one is paid that may be gone; it keeps it unpaid until the owner names it (`Storage.vy`). Else a
    lease at the owner's own node would have others store for nothing. Raises RecordRefused.
    """
    if paid is None or me in paid or (giver in paid and len(paid) > 1):
        return
    raise RecordRefused("the lease of this value does not name this node: nobody pays it for keeping the value")


def check_paid(state: State) -> None:
    """Raises RecordRefused for what nobody needs to keep."""
    if state in (State.NONE, State.DELETED):
        raise RecordRefused("nobody pays for keeping this value")
