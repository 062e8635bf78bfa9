"""The in-memory ledger: public state, private slots (as opaque references), money, events, `L`, blocks and time.

Every change is written in a journal, so that a transaction can be undone as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha3_256
from typing import Any

from enigmalang.chain.abi import check_size

_MISSING = object()
#: Where a development chain starts, and what each identity owns there.
GENESIS_TIME = 1_700_000_000
FUNDS = 10_000 * 10**18
BLOCK_SECONDS = 12
CHAIN_ID = 1337


@dataclass(frozen=True, slots=True)
class Event:
    """What a contract emitted, leaf by leaf."""

    block: int
    address: str
    contract: str
    name: str
    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of `L` under a key."""

    block: int
    time: int
    value: Any


class MemoryLedger:
    """A ledger of one process. Addresses are 0x-hex in lower case."""

    def __init__(self, *, bounded: bool = True) -> None:
        """`bounded`: values of `L` have the size that a chain's have, at most."""
        self._bounded = bounded
        self.number = 1
        self.time = GENESIS_TIME
        self.chain = CHAIN_ID
        self._slots: dict[Any, Any] = {}
        self._contracts: dict[str, str] = {}
        self._balances: dict[str, int] = {}
        self._log: dict[Any, tuple[Entry, ...]] = {}
        self._events: list[Event] = []
        self._nonce = 0
        self._journal: list[tuple[dict[Any, Any] | None, Any, Any]] = []

    # ---- transactions

    def checkpoint(self) -> int:
        return len(self._journal)

    def rollback(self, mark: int) -> None:
        """Undo everything since `mark`."""
        while len(self._journal) > mark:
            table, key, old = self._journal.pop()
            if table is None:
                self._events.pop()
            elif old is _MISSING:
                del table[key]
            else:
                table[key] = old

    def seal(self) -> None:
        """A transaction is done: the next block begins, a second later."""
        self._journal.clear()
        self.number += 1
        self.time += 1

    def advance(self, amount: int, unit: str) -> None:
        """`blocks` take twelve seconds each; `seconds` make at least one block."""
        self.number += amount if unit == "blocks" else max(1, amount // BLOCK_SECONDS)
        self.time += amount * BLOCK_SECONDS if unit == "blocks" else amount

    def _set(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self._journal.append((table, key, table.get(key, _MISSING)))
        table[key] = value

    # ---- contracts and their state

    def deploy(self, contract: str, creator: str) -> str:
        """A new contract's address."""
        self._nonce += 1
        address = "0x" + sha3_256(f"{creator} {self._nonce} {contract}".encode()).digest()[-20:].hex()
        self._set(self._contracts, address, contract)
        return address

    def contract_at(self, address: str) -> str | None:
        return self._contracts.get(address)

    def get(self, address: str, slot: str, keys: tuple[Any, ...]) -> Any | None:
        """What was stored, None if nothing was."""
        return self._slots.get((address, slot, keys))

    def prefetch(self, address: str, slot: str, keys: Sequence[tuple[Any, ...]]) -> None:
        """Everything is here."""

    def put(self, address: str, slot: str, keys: tuple[Any, ...], value: Any) -> None:
        self._set(self._slots, (address, slot, keys), value)

    def emit(self, address: str, name: str, args: tuple[Any, ...]) -> None:
        self._journal.append((None, None, None))
        self._events.append(Event(self.number, address, self._contracts.get(address, ""), name, args))

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(self._events)

    # ---- money

    def balance(self, address: str) -> int:
        """Identities start with funds, contracts with nothing."""
        return self._balances.get(address, 0 if address in self._contracts else FUNDS)

    def transfer(self, source: str, target: str, amount: int) -> bool:
        """False, and no change, when `source` has too little."""
        if self.balance(source) < amount:
            return False
        self._set(self._balances, source, self.balance(source) - amount)
        self._set(self._balances, target, self.balance(target) + amount)
        return True

    # ---- the log `L`

    def write_log(self, key: Any, value: Any) -> None:
        """Append under `key`. Raises LedgerError for what is too large on any ledger."""
        if self._bounded:
            check_size(value)
        entry = Entry(self.number, self.time, value)
        self._set(self._log, key, (*self._log.get(key, ()), entry))

    def digest(self, leaves: Sequence[Any], type: Any) -> int:
        """Jobs are computed and fulfilled in one step here: what was read cannot have changed."""
        return 0

    def read_log(self, key: Any) -> tuple[Entry, ...]:
        """All values under `key`, oldest first."""
        return self._log.get(key, ())
