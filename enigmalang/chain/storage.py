"""Rent for storage (`contracts/Storage.vy`) from Python: deployed, asked, and sent to, on any chain.

What each call does is said in the contract; calls work as in `hub`. `dht.rent` computes the same off the chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from enigmalang.chain.client import Chain, Log, Receipt, Tag
from enigmalang.chain.compiling import own_contract
from enigmalang.chain.digests import keccak
from enigmalang.chain.hub import HubEvent
from enigmalang.chain.interface import Interface
from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.words import address_word, number_word

#: Leases that are collected for in one transaction.
MOST_COLLECTED = 32
DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class RentParameters:
    """What is fixed at deployment: `price` in wei a second for 2^30 bytes on one node, the others in seconds."""

    price: int = 10**9
    window: int = 30 * DAY
    restricted: int = 7 * DAY
    grace: int = 30 * DAY
    ahead: int = DAY


@dataclass(frozen=True, slots=True)
class Lease:
    """Room for `size` bytes on each of `holders`, who earn `rate` wei a second until `until`. `period` 0: it does not
    renew itself. `rate` 0: there is none."""

    owner: str
    size: int
    rate: int
    until: int
    period: int
    holders: tuple[str, ...]

    @property
    def cost(self) -> int:
        """Wei of one renewal."""
        return self.rate * self.period * len(self.holders)


@dataclass(frozen=True, slots=True)
class LeaseStanding:
    """As `dht.rent.LeaseStanding`; `state` by its number, 0 for no lease."""

    state: int
    until: int
    balance: int
    renewals: int


@cache
def storage_interface() -> Interface:
    return Interface(own_contract("Storage").abi)


def lease_name(owner: str, db: int, key: bytes) -> bytes:
    """What the lease of `owner` for `key` is called: 32 bytes."""
    return keccak(address_word(owner) + number_word(db) + key)


def deploy_storage(chain: Chain, key: SigningKey, hub: str, parameters: RentParameters | None = None) -> "Storage":
    """A new contract, for the nodes of the hub at `hub`."""
    from eth_abi.abi import encode

    p = parameters or RentParameters()
    words = (hub, p.price, p.window, p.restricted, p.grace, p.ahead)
    made = chain.deploy(key, own_contract("Storage").init, encode(storage_interface().constructor, words)).contract
    assert made is not None  # a creation's receipt has the address
    return Storage(chain, made)


class Storage:
    """One contract on one chain."""

    def __init__(self, chain: Chain, address: str) -> None:
        self.chain, self.address = chain, address

    def parameters(self, tag: Tag = "latest") -> RentParameters:
        names = ("PRICE", "WINDOW", "RESTRICTED_TIME", "GRACE_TIME", "AHEAD")
        return RentParameters(*(int(self._call(tag, name)) for name in names))

    # ---- money

    def deposit(self, key: SigningKey, amount: int, who: str | None = None) -> Receipt:
        """Add to the balance of `who` (by default, of the key's address)."""
        return self._send(key, "deposit", who or key.address, value=amount)

    def withdraw(self, key: SigningKey, amount: int | None = None) -> int:
        """What was paid: `amount`, or (None) the whole balance."""
        wanted = 2**256 - 1 if amount is None else amount
        return int(self._event(self._send(key, "withdraw", wanted), "Withdrawn")["amount"])

    def balance(self, who: str, tag: Tag = "latest") -> int:
        return int(self._call(tag, "balance_of", who))

    # ---- leases

    def store(self, owner: SigningKey, db: int, name: bytes, size: int, period: int, holders: Sequence[str], *,
              renews: bool = True, value: int = 0) -> bytes:
        """The lease's name. `period` in seconds; `value` wei are added to the owner's balance first."""
        receipt = self._send(owner, "store", db, name, size, period, renews, list(holders), value=value)
        return bytes(self._event(receipt, "Leased")["lease"])

    def renew(self, key: SigningKey, lease: bytes) -> int:
        """The time until which the lease is paid now."""
        return int(self._event(self._send(key, "renew", lease), "Renewed")["until"])

    def collect(self, node: SigningKey, leases: Sequence[bytes]) -> Receipt:
        """For at most `MOST_COLLECTED` leases. Only for what the node has kept: it says so by this."""
        return self._send(node, "collect", list(leases))

    def stop(self, owner: SigningKey, db: int, name: bytes) -> Receipt:
        return self._send(owner, "stop", db, name)

    def close(self, key: SigningKey, lease: bytes) -> Receipt:
        return self._send(key, "close", lease)

    def lease(self, name: bytes, tag: Tag = "latest") -> Lease:
        owner, size, rate, until, period, holders = self._call(tag, "lease", name)
        return Lease(owner, size, rate, until, period, tuple(holders))

    def standing(self, lease: bytes, tag: Tag = "latest") -> LeaseStanding:
        return LeaseStanding(*self._call(tag, "standing", lease))

    def paid_to(self, lease: bytes, holder: str, tag: Tag = "latest") -> int:
        """The time to which `holder` has been paid, 0 for who is none."""
        return int(self._call(tag, "paid_to", lease, holder))

    def rate(self, size: int, tag: Tag = "latest") -> int:
        """Wei a second for `size` bytes on one node."""
        return int(self._call(tag, "rate", size))

    # ---- events

    def events(self, names: Sequence[str] = (), first: Tag = 0, last: Tag = "latest") -> tuple[HubEvent, ...]:
        """Events of blocks `first` to `last`; with `names`, those alone."""
        topics = [[storage_interface().event(name).topic for name in names]] if names else []
        return tuple(map(read_storage_event, self.chain.logs(self.address, topics, first, last)))

    # ---- calling

    def _call(self, tag: Tag, name: str, *args: Any) -> Any:
        method = storage_interface().methods[name]
        (found,) = method.decode(self.chain.call(self.address, method.encode(args), tag=tag))
        return found

    def _send(self, key: SigningKey, name: str, *args: Any, value: int = 0) -> Receipt:
        return self.chain.send(key, self.address, storage_interface().methods[name].encode(args), value)

    def _event(self, receipt: Receipt, name: str) -> dict[str, Any]:
        event = storage_interface().event(name)
        return next(event.decode(log.topics, log.data) for log in receipt.logs
                    if log.address == self.address and log.topics[0] == event.topic)


def read_storage_event(log: Log) -> HubEvent:
    """An event of the contract; KeyError for a log that is none of its."""
    event = storage_interface().events[log.topics[0]]
    return HubEvent(event.name, event.decode(log.topics, log.data), log)
