"""The ledger of a program as an EVM chain: `execute.ports.Ledger` and `Chain` over any adapter.

What is read comes from the generated contracts' getters and the hub, all of one operation at one block; what the
interpreter writes lies in an overlay. Transactions run the generated code. References to private state are this
client's own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from enigmalang.chain import development
from enigmalang.chain.acting import Senders
from enigmalang.chain.client import Chain, Receipt, Tag
from enigmalang.chain.deployed import Contracts, Deployed, Values
from enigmalang.chain.digests import Call, Domain
from enigmalang.chain.errors import ChainError, Reverted, TransactionRefused
from enigmalang.chain.hub import EXPIRED, Hub
from enigmalang.chain.logbook import Logbook
from enigmalang.chain.money import Money
from enigmalang.chain.outcomes import Attesters, Job, private_root
from enigmalang.chain.overlay import Overlay
from enigmalang.chain.permissions import Permissions
from enigmalang.ethereum.keys import SigningKey
from enigmalang.plan.calls import ESCROW, Attested, Key, LedgerCall, LedgerError, Signer, WrongSide
from enigmalang.plan.plan import Plan
from enigmalang.types.types import Label, Type

#: What a generated contract says when its state moved on.
STALE = "stale version"
#: Wei that a request offers for the work on a development chain.
FEE = 10**15


class Keyed(Signer, Protocol):
    """A sender whose key is here."""

    @property
    def signing(self) -> SigningKey | None: ...


class EvmLedger:
    """One client's ledger. `committee`: the number, on the hub, of the committee that serves what it deploys. `node`:
    the key of a registered node, which records whom it refused. `since`: the block after which nobody but this client
    was on the chain."""

    def __init__(self, chain: Chain, hub: str, plan: Plan, values: Values, *, committee: int = 0,
                 attesters: Attesters | None = None, fee: int = FEE, node: SigningKey | None = None,
                 since: int | None = None) -> None:
        self._chain = chain
        self._contracts = Contracts(chain, hub, plan, values)
        self._log = Logbook(chain, hub, plan, values)
        self._hub = Hub(chain, hub)
        self._money = Money(chain, self._hub, since)
        self._senders = Senders(chain, self._hub, self._fund)
        self._permissions = Permissions(chain, hub, plan, self._senders, self._sent, self._tag, node)
        self._values = values
        self._committee, self._attesters, self._fee = committee, attesters, fee
        self._overlay = Overlay()
        self._private: dict[Key, Any] = {}
        self._jobs: dict[int, Job] = {}
        self._block: int | None = None  # that everything is read at, within an operation
        self._pinned: int | None = None
        self._seen: dict[Key, Any] = {}
        self.chain = chain.id
        self._domain = Domain(chain.id, hub)

    # ---- the Ledger port: what is read, and an overlay

    @property
    def number(self) -> int:
        """Of the block that a transaction sent now would be in."""
        return self._at() + 1

    @property
    def time(self) -> int:
        return self._chain.block(self._at()).time + 1

    def _at(self) -> int:
        if self._block is None:
            self._block = self._chain.block_number() if self._pinned is None else self._pinned
            self._seen.clear()
        return self._block

    @property
    def contracts(self) -> Contracts:
        return self._contracts

    def pin(self, block: int) -> None:
        """From now on the chain is read as it was at `block`, and nobody is given money."""
        self._pinned = block
        self._moved()

    def _tag(self) -> Tag:
        return "latest" if self._pinned is None else self._pinned

    def _moved(self) -> None:
        """What was read may be old."""
        self._block = None

    def checkpoint(self) -> int:
        mark = self._overlay.checkpoint()
        if not mark:
            self._moved()
        return mark

    def rollback(self, mark: int) -> None:
        self._overlay.rollback(mark)

    def seal(self) -> None:
        """Transactions seal themselves."""

    def advance(self, amount: int, unit: str) -> None:
        """Only on a development chain. Raises LedgerError elsewhere."""
        try:
            development.advance(self._chain, **{"blocks" if unit == "blocks" else "seconds": amount})
        except ChainError as error:
            raise LedgerError(str(error)) from None
        self._moved()

    def deploy(self, contract: str, creator: str) -> str:
        raise WrongSide("`create` deploys on a chain")

    def contract_at(self, address: str) -> str | None:
        found = self._contracts.find(address)
        return found.name if found is not None else None

    def adopt(self, address: str, contract: str) -> Deployed:
        """Take up contract `contract` of the plan, which is at `address` already."""
        return self._contracts.at(address) or self._contracts.add(address, contract)

    def identify(self, address: str) -> str | None:
        """Which contract of the plan the code at `address` is; None if it is none of them."""
        return self._contracts.identify(address)

    def get(self, address: str, slot: str, keys: Key) -> Any | None:
        """What is stored, None if nothing was (of maps whose keys are asked for)."""
        full = (address, slot, keys)
        if full in self._overlay:
            return self._overlay.get(full)
        if full in self._private:
            return self._private[full]
        contract = self._contracts.find(address)
        if contract is None or contract.slot(slot).label is Label.PRIVATE:
            return None
        at = self._at()
        if full not in self._seen:
            (self._seen[full],) = contract.read(slot, [keys], at)
        return self._seen[full]

    def prefetch(self, address: str, slot: str, keys: Sequence[Key]) -> None:
        contract, at = self._contracts.find(address), self._at()
        missing = [k for k in dict.fromkeys(keys) if (address, slot, k) not in self._seen]
        if contract is not None and len(missing) > 1:
            for key, value in zip(missing, contract.read(slot, missing, at), strict=True):
                self._seen[address, slot, key] = value

    def put(self, address: str, slot: str, keys: Key, value: Any) -> None:
        self._overlay.put((address, slot, keys), value)

    def emit(self, address: str, name: str, args: Key) -> None:
        """Events are the chain's."""

    def balance(self, address: str) -> int:
        full = ("balance", address)
        if full in self._overlay:
            found: int = self._overlay.get(full)
            return found
        if self._pinned is not None:
            return self._money.of(address, self._pinned)
        self._fund(address)
        if self._contracts.at(address) is not None:
            return self._money.of(address)
        return self._money.with_owed(address)

    def transfer(self, source: str, target: str, amount: int) -> bool:
        if source != ESCROW:
            if self.balance(source) < amount:
                return False
            self._overlay.put(("balance", source), self.balance(source) - amount)
        self._overlay.put(("balance", target), self.balance(target) + amount)
        return True

    def write_log(self, key: Any, value: Any) -> None:
        self._overlay.put(("L", key), (*self.read_log(key), self._log.made(self.number, self.time, value)))

    def digest(self, leaves: Sequence[Any], type: Type) -> int:
        """keccak256(abi_encode(…)) of the leaves."""
        return self._log.digest(leaves, type)

    def read_log(self, key: Any) -> Sequence[Any]:
        full = ("L", key)
        if full in self._overlay:
            found: Sequence[Any] = self._overlay.get(full)
            return found
        at = self._at()
        if full not in self._seen:
            self._seen[full] = self._log.read(key, at)
        return self._seen[full]  # type: ignore[no-any-return]

    # ---- the Chain port: transactions

    def create(self, contract: str, creator: Signer, value: int, args: Key) -> str:
        key = self._senders.key(creator)
        code = self._contracts.creation(contract, self._committee, args)
        self._afford(creator, value)
        receipt = self._sent(lambda: self._chain.deploy(key, code, b"", value))
        assert receipt.contract is not None
        self._contracts.add(receipt.contract, contract)
        return receipt.contract

    def transact(self, call: LedgerCall) -> list[Any]:
        contract = self._of(call)
        data = contract.encode(call.function, call.args)
        self._afford(call.sender, call.value)
        return self._run(contract, call, data, lambda: self._senders.send(
            call.sender, call.address, data, call.value))

    def _run(self, contract: Deployed, call: LedgerCall, data: bytes, send: Callable[[], Receipt]) -> list[Any]:
        """The result is that of a call just before: a transaction gives none."""
        returned = self._returned(contract, call, data, call.value) if contract.returns(call.function) else []
        self._sent(send)
        return returned

    def view(self, call: LedgerCall) -> list[Any]:
        contract = self._of(call)
        return self._returned(contract, call, contract.encode(call.function, call.args), 0)

    def _returned(self, contract: Deployed, call: LedgerCall, data: bytes, value: int) -> list[Any]:
        try:
            raw = self._chain.call(call.address, data, sender=call.sender.address, value=value)
        except Reverted as error:
            raise LedgerError(error.text, error.text == STALE) from None
        return contract.decode(call.function, raw)

    def request(self, call: LedgerCall, masked: bytes, mask: int) -> int:
        contract = self._of(call)
        data = contract.encode_request(call, masked, mask, self._fee)
        self._afford(call.sender, call.value, self._fee)
        receipt = self._sent(lambda: self._senders.send(call.sender, call.address, data, call.value, self._fee))
        number = self._contracts.opened(receipt.logs)
        self._jobs[number] = Job(number, call, masked, mask, contract.request_data(call))
        return number

    def version(self, address: str) -> int:
        self._moved()
        contract = self._contracts.find(address)
        assert contract is not None
        return contract.version(self._at())

    def fulfil(self, job: int, version: int, attested: Attested) -> list[Any]:
        found = self._jobs[job]
        contract = self._of(found.call)
        root = self.private_root(found.call.address, job, attested.written)
        signed = self._signers().result(self._domain, self._signed_call(contract, found), version, attested, root)
        data = contract.encode_fulfil(found, version, attested, root, signed)
        sender = self._signers().sender
        result = self._returned(contract, found.call, data, 0) if contract.returns(found.call.function) else []
        self._sent(lambda: self._chain.send(sender, found.call.address, data))
        return result

    def report_failure(self, job: int, version: int, error: str, attested: Attested) -> None:
        found = self._jobs[job]
        contract = self._of(found.call)
        text = error.encode()[:256].decode(errors="ignore")
        signed = self._signers().failure(self._domain, self._signed_call(contract, found), version, attested, text)
        data = contract.encode_failure(found, version, text, attested, signed)
        self._sent(lambda: self._chain.send(self._signers().sender, found.call.address, data))

    def _signed_call(self, contract: Deployed, job: Job) -> Call:
        return contract.digests(job, self._hub.attachment(job.call.address).committee)

    def expire(self, job: int) -> bool:
        key = self._senders.any_key(self._jobs[job].call.sender)
        try:
            self._sent(lambda: self._hub.fail(key, job))
        except LedgerError:
            return self._hub.job(job).status == EXPIRED
        return True

    def keep(self, writes: Mapping[Key, Any]) -> None:
        self._private.update(writes)

    def private_root(self, address: str, job: int, written: Sequence[Key]) -> bytes:
        """Of the contract at `address`, once `job` has written `written`."""
        contract = self._contracts.find(address)
        assert contract is not None
        return private_root(contract.private_root(self._at()), job, written)

    def pay(self, source: Signer, target: str, amount: int) -> None:
        self._fund(target)
        self._afford(source, amount)
        self._sent(lambda: self._senders.send(source, target, b"", amount))

    def submit(self, sender: Signer, to: str, data: bytes, fee: int) -> Receipt:
        """Any transaction of `sender`, with `fee` wei, which whoever signs for it pays. Raises LedgerError."""
        self._afford(sender, 0, fee)
        return self._sent(lambda: self._senders.send(sender, to, data, 0, fee))

    def any_key(self, sender: Signer) -> SigningKey:
        """A key that acts for `sender` in what anyone may send. Raises LedgerError."""
        return self._senders.any_key(sender)

    def publish(self, writer: Signer, key: Any, value: Any) -> None:
        data = self._log.encode(key, value)
        self._sent(lambda: self._senders.send(writer, self._contracts.hub, data))

    # ---- the Chain port: who may

    def share(self, creator: Signer, members: Sequence[tuple[Signer, Any]]) -> str:
        address = self._permissions.share(creator, members)
        self._fund(address, account=True)
        return address

    def can_act(self, sender: Signer) -> bool:
        return self._senders.can_act(sender)

    def declare(self, writer: Signer, predicate: Any) -> bytes:
        return self._permissions.declare(writer, predicate)

    def point(self, writer: Signer, db: str, key: Key, content: bytes, rule: bytes) -> None:
        self._permissions.point(writer, db, key, content, rule)

    def permits(self, askers: Sequence[str], db: str, key: Key, action: str) -> bool:
        return self._permissions.permits(askers, db, key, action)

    def refuse(self, who: str, db: str, key: Key, action: str) -> None:
        self._permissions.refuse(who, db, key, action)

    # ---- parts

    def _of(self, call: LedgerCall) -> Deployed:
        found = self._contracts.find(call.address)
        if found is None:
            raise LedgerError(f"there is no contract at {call.address}")
        return found

    def _signers(self) -> Attesters:
        if self._attesters is None:
            raise LedgerError("no nodes sign here")
        return self._attesters

    def _fund(self, address: str, account: bool = False) -> None:
        """On a development chain, who has never been seen starts with money, as on every ledger of this kind."""
        if self._pinned is None:
            self._money.fund(address, account)

    def _afford(self, sender: Any, value: int, fee: int = 0) -> None:
        """Before `sender` sends `value`, and it, or the member of it who signs, `fee`."""
        if not value and not fee:
            return
        key = self._senders.any_key(sender)
        if sender.signing is not None:
            self._money.ready(key, key.address, value, fee)
        else:
            self._money.ready(key, sender.address, value)
            self._money.ready(key, key.address, 0, fee)

    def _sent(self, send: Callable[[], Receipt]) -> Receipt:
        try:
            return send()
        except Reverted as error:
            raise LedgerError(error.text, error.text == STALE) from None
        except TransactionRefused as error:
            raise LedgerError(str(error)) from None
        finally:
            self._moved()
