"""A vault from a script's side: orders are handed over, requested, waited for, and what came of them is read.

What the nodes say is believed as far as it can be checked: what was opened has the digest that t+1 of them signed on
the chain, and what is sealed is signed by each of them and must fit together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import msgspec

from enigmalang.chain.client import Log
from enigmalang.chain.hub import Committee, read_event
from enigmalang.chain.ledger import FEE, EvmLedger
from enigmalang.chain.vault import FIELD, MISSING, NOT_PERMITTED, Vault, order_digest
from enigmalang.circuits.circuit import Array
from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.words import number_word
from enigmalang.execute.masks import masked_bytes
from enigmalang.execute.ports import EngineError, Sealed
from enigmalang.identity.keys import Identity
from enigmalang.node.masking import MaskError
from enigmalang.node.remote import RemoteError, Served
from enigmalang.node.remote_jobs import Watch, reserved_mask, result_of
from enigmalang.node.reserved import VOID, read_parcels
from enigmalang.node.vaults import NOBODY, opened_of
from enigmalang.plan.calls import LedgerError
from enigmalang.wire.errors import WireError
from enigmalang.wire.orders import Order, SignedOrder, circuit_of, decode_order, encode_core, encode_order

#: How often an order is given that another committee gets than the one that knows it, or its mask.
TRIES = 3


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of an order: arrays in the order of its circuit's openings, what is sealed, and by whom."""

    opened: tuple[Array, ...]
    sealed: tuple[Sealed, ...]
    committee: Committee


class VaultClient:
    """For one run of a script. `actors` says who acts, and then who else signs for it; `say` gets what is worth
    telling while one waits."""

    def __init__(self, remote: Served, ledger: EvmLedger, actors: Callable[[], Sequence[Identity]],
                 say: Callable[[str], None] = lambda text: None, fee: int = FEE) -> None:
        self.remote, self.ledger, self._actors, self._say, self._fee = remote, ledger, actors, say, fee
        self.vault = Vault(remote.hub, remote.address)
        self._session, self._numbers = SigningKey.generate(), count(1)
        self._last: Sequence[Identity] = ()  # who asked last
        self._names: dict[bytes, str] = {}

    @property
    def session(self) -> bytes:
        """What temporaries are under."""
        return bytes.fromhex(self._session.address[2:])

    @property
    def requester(self) -> str:
        """The address that asks now."""
        return self._actors()[0].address

    @property
    def last(self) -> str:
        """The address that asked last; empty if nobody has."""
        return self._last[0].address if self._last else ""

    def name(self, key: bytes, text: str) -> None:
        """What a user calls an entry of which nodes tell the key alone."""
        self._names[key] = text

    def carried_out(self, order: Order, inputs: Sequence[Array], shape: tuple[int, int] = (0, 0)) -> Ran:
        """What comes of `order`, whose `inputs` are masked here; `shape`: how many arrays it opens and seals. Raises
        EngineError, which says in whose hands it lies: E0510 not permitted, E0511 not there; RemoteError, ChainError.
        """
        remote, (who, *others) = self.remote, self._actors()
        watch = Watch(remote, lambda: self.ledger.any_key(who), self._say, quiet=True)
        remote.follow()
        for _ in range(TRIES):
            since = remote.chain.block_number()
            job = self._asked(self._masked(order, inputs, who), who, others)
            log = watch.ended(job)
            event = read_event(log)
            if event.name == "Expired":
                raise watch.expired(job)
            if event.name == "Settled":
                return self._given(job, since, log, shape)
            if event.fields["error"] not in (VOID, NOBODY):
                raise self._refused(str(event.fields["error"]))
            remote.follow()  # the vault moved after we masked our inputs, or handed the order over
        raise RemoteError("E0709", f"the vault {remote.address} moves from committee to committee", "try again later")

    def request(self, order: Order) -> None:
        """Ask for `order` as whoever asked last, and do not wait for what comes of it. Raises RemoteError, ChainError.
        """
        who, *others = self._last or self._actors()
        self.remote.follow()
        self._asked(order, who, others)

    # ---- asking

    def _masked(self, order: Order, inputs: Sequence[Array], who: Identity) -> Order:
        if not inputs:
            return order
        mask, numbers = reserved_mask(self.remote, FIELD, sum(value.size for value in inputs), who.address)
        content = masked_bytes(FIELD, inputs, numbers)
        return msgspec.structs.replace(order, mask=number_word(mask), masked=content)

    def _asked(self, order: Order, who: Identity, others: Sequence[Identity]) -> int:
        """The number of the job."""
        self._last = (who, *others)
        core = encode_core(msgspec.structs.replace(order, number=next(self._numbers)))  # vaults take each once
        digest = order_digest(self.remote.hub.domain, self.vault.address, who.address, core)
        keys = [each.signing for each in others if each.signing is not None]
        signed = SignedOrder(core, self._session.sign(digest).to_bytes(), [k.sign(digest).to_bytes() for k in keys])
        try:
            data = encode_order(signed)
            circuit_of(decode_order(data)[1])  # what nodes would not take is said before it is paid for
        except WireError as error:
            raise EngineError(f"this takes too much at once: {error}; let a statement do less, and make large public "
                              "arrays that meet private values `private` too: those go in parts", "E0803") from None
        self.remote.served().put_order(data)
        try:
            receipt = self.ledger.submit(who, self.vault.address, self.vault.encode_request(data), self._fee)
        except LedgerError as error:
            raise RemoteError("E0501", f"the request was refused: {error.text}") from None
        return self.vault.job_of(receipt.logs)

    def _refused(self, text: str) -> EngineError:
        for key, name in self._names.items():
            text = text.replace(f"MPC key {key.hex()}", f"MPC[{name}]")
        for start, code in ((NOT_PERMITTED, "E0510"), (MISSING, "E0511")):
            if text.startswith(start):
                return EngineError(f"the nodes refuse: {text}", code)
        return EngineError(f"the nodes refuse: {text}", "E0501")

    # ---- what came of it

    def _given(self, job: int, since: int, log: Log, shape: tuple[int, int]) -> Ran:
        remote, hub = self.remote, self.remote.hub
        if not any(shape):
            return Ran((), (), remote.committee())
        number = remote.ended_by(job, since, log)
        committee = hub.committee(number)
        try:
            results, parcels = read_parcels(result_of(remote, job, number), job, committee.members, hub.domain)
            opened = opened_of(parcels, self.vault.opened(job, log.block)) if shape[0] else []
            sealed = [Sealed(tuple(row[0].shape), tuple(parcel.piece for parcel in row))
                      for row in zip(*results, strict=True)]
        except (MaskError, WireError, ValueError) as error:
            raise EngineError(f"what the nodes told of job {job} does not fit together: {error}", "E0706") from None
        if (len(opened), len(sealed)) != shape:
            raise EngineError(f"the nodes told other results of job {job} than its order has", "E0706")
        return Ran(tuple(opened), tuple(sealed), committee)
