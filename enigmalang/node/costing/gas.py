"""Gas of contracts' functions, as a program's tests use them: read off the blocks of the chain that they run on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from enigmalang.plan.calls import Attested, Key, LedgerCall, Signer

if TYPE_CHECKING:
    from enigmalang.chain.client import Chain
    from enigmalang.chain.ledger import EvmLedger


@dataclass(slots=True)
class Gas:
    """By function, the largest of its calls; a job's transactions together."""

    used: dict[str, int] = field(default_factory=dict)

    def add(self, function: str, gas: int) -> None:
        self.used[function] = max(gas, self.used.get(function, 0))


class MeteredLedger:
    """A ledger of a chain that mines a block for each transaction; `gas` gets what each call used."""

    def __init__(self, ledger: EvmLedger, chain: Chain, gas: Gas) -> None:
        self._ledger, self._chain, self._gas = ledger, chain, gas
        self._jobs: dict[int, tuple[str, int]] = {}  # function, gas of its request

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def create(self, contract: str, creator: Signer, value: int, args: Key) -> str:
        """See `ports.Chain`."""
        with self._counting() as counted:
            made = self._ledger.create(contract, creator, value, args)
        self._gas.add(f"{contract}.init", counted())
        return made

    def transact(self, call: LedgerCall) -> list[Any]:
        """See `ports.Chain`."""
        with self._counting() as counted:
            shown = self._ledger.transact(call)
        self._gas.add(call.function.name, counted())
        return shown

    def request(self, call: LedgerCall, masked: bytes, mask: int) -> int:
        """See `ports.Chain`."""
        with self._counting() as counted:
            job = self._ledger.request(call, masked, mask)
        self._jobs[job] = call.function.name, counted()
        return job

    def fulfil(self, job: int, version: int, attested: Attested) -> list[Any]:
        """See `ports.Chain`."""
        with self._counting() as counted:
            shown = self._ledger.fulfil(job, version, attested)
        function, before = self._jobs[job]
        self._gas.add(function, before + counted())
        return shown

    @contextmanager
    def _counting(self) -> Iterator[Any]:
        """Gives what counts the gas of the blocks since; what the client sends to have money first is not counted."""
        first = self._chain.block_number()
        yield lambda: self._last(first)

    def _last(self, first: int) -> int:
        last = self._chain.block_number()
        if last == first:
            return 0
        return int(self._chain.ask("eth_getBlockByNumber", hex(last), False)["gasUsed"], 16)
