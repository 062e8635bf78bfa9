"""The rent that a node earns: leases are renewed when they end, and what was earned is collected."""

from collections.abc import Iterable
from contextlib import suppress

from enigmalang.chain.errors import Reverted
from enigmalang.chain.storage import MOST_COLLECTED, RentParameters, Storage, lease_name
from enigmalang.dht.records import Record
from enigmalang.ethereum.keys import SigningKey
from enigmalang.node.daemon.storing.ledger import HubLedger


class Earning:
    """For one thread. All methods raise ChainError."""

    def __init__(self, ledger: HubLedger, key: SigningKey) -> None:
        self._rent, self._key = ledger.rent, key
        self._terms: RentParameters | None = None

    def look(self, records: Iterable[Record]) -> None:
        """Renew what ends, in turns: the first of the lease's holders when it may be renewed, the last when it ends, so
        that a holder that is gone keeps nobody from being paid. Collect when half of what can be collected
        at once has been earned, and at a lease's end. What a node collects for, it says to have kept: the values of
        `records` are here whole."""
        if self._rent is None:
            return
        terms = self._terms = self._terms or self._rent.parameters()
        now = self._rent.chain.block().time
        due = [name for record in records if self._due(self._rent, record, now, terms, name := _name(record))]
        for first in range(0, len(due), MOST_COLLECTED):
            with suppress(Reverted):
                self._rent.collect(self._key, due[first : first + MOST_COLLECTED])

    def _due(self, rent: Storage, record: Record, now: int, terms: RentParameters, name: bytes) -> bool:
        lease = rent.lease(name)
        holders = [holder.lower() for holder in lease.holders]
        if self._key.address not in holders:
            return False
        turn = terms.ahead * holders.index(self._key.address) // len(holders)
        if now + terms.ahead >= lease.until + turn and rent.standing(name).renewals:
            with suppress(Reverted):  # another was faster
                rent.renew(self._key, name)
        earned = min(now, lease.until) - rent.paid_to(name, self._key.address)
        return earned >= terms.window // 2 or (earned > 0 and now >= lease.until)


def _name(record: Record) -> bytes:
    return lease_name(record.address, record.db, record.key)
