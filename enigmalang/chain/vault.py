"""A vault (`contracts/Vault.vy`): private values of scripts that a committee keeps, and orders to compute with them.

A vault computes over one field, so that every script can use what another one wrote. It is attached at the hub with a
plan that has nothing in it, which says "a vault, version 1": to its committee it is a contract like others.

Of an entry of `MPC` the hub's pointer says who owns it and whom its rule lets. The shares lie in a *slot*, named by the
key, the owner and the rule. So what is written under another owner or rule than before does not show until the pointer
says so, and is there by then; under the same ones it takes the place of what was there with the job that wrote it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from enigmalang.chain.client import Chain, Log, Tag
from enigmalang.chain.compiling import own_contract
from enigmalang.chain.decoding import decode
from enigmalang.chain.digests import Call, Domain, function_digest, keccak
from enigmalang.chain.hub import MPC, Hub, hub_interface, signature_data
from enigmalang.chain.interface import Interface
from enigmalang.chain.outcomes import Job, work_of
from enigmalang.chain.requested import NoSuchJob, Opened, Requested, Requester
from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.words import address_word, number_word
from enigmalang.ir.ir import Function, Operation, Region
from enigmalang.plan.calls import Attested, LedgerCall
from enigmalang.plan.codec import encode_plan, hash_plan
from enigmalang.plan.plan import Plan, PlanFunction
from enigmalang.source import Span
from enigmalang.types.types import NoneT
from enigmalang.wire.orders import Order, Write, encode_core, order_name

#: What vaults compute over.
FIELD = "M127"
#: How the failure of an order begins that asks for what a predicate does not allow.
NOT_PERMITTED = "not permitted: "
#: How the failure of an order begins that reads what is not there.
MISSING = "not there: "
_NAME, _RUN = "Vault", "run"
_PLAN = Plan("enigma vault 1", FIELD, {})
_ORDER = b"enigmalang order"
_WRITTEN = "(bytes32,bytes)[]"
_NOBODY = "0x" + "0" * 40
#: Bytes that its code ends with, and that Vyper does not count: HUB.
_IMMUTABLES = 32


@cache
def vault_plan() -> bytes:
    """The hash of the plan that says "a vault, version 1"."""
    return hash_plan(_PLAN)


@cache
def order_function() -> bytes:
    """What jobs of vaults are opened for: 32 bytes."""
    return function_digest(_NAME, _RUN)


def vault_plan_bytes() -> bytes:
    """Its canonical bytes."""
    return encode_plan(_PLAN)


@cache
def vault_interface() -> Interface:
    return Interface(own_contract(_NAME).abi)


def deploy_vault(chain: Chain, key: SigningKey, hub: str, committee: int, job_time: int = 0) -> str:
    """A new vault, served by a committee that computes over FIELD (if it cannot compute over any): its address.
    `job_time`: seconds that an order may take; 0 for the hub's own. Raises ChainError."""
    from eth_abi.abi import encode

    words = encode(vault_interface().constructor, (hub, committee, vault_plan(), job_time))
    made = chain.deploy(key, own_contract(_NAME).init, words).contract
    assert made is not None  # a creation's receipt has the address
    return made


def is_vault(chain: Chain, address: str, tag: Tag = "latest") -> bool:
    """Whether the code at `address` is a vault's: no other asks with its caller's own address."""
    code, runtime = chain.code(address, tag), own_contract(_NAME).runtime
    return code[: len(runtime)] == runtime and len(code) - len(runtime) == _IMMUTABLES


def find_vaults(hub: Hub) -> list[str]:
    """All vaults of the hub, the newest first."""
    event = hub_interface().event("Attached")
    logs = hub.chain.logs(hub.address, [event.topic], hub.first_block())
    fields = [event.decode(log.topics, log.data) for log in logs]
    found = [str(each["contract"]) for each in fields if each["plan"] == vault_plan()]
    return [address for address in reversed(found) if is_vault(hub.chain, address)]


# ---- orders


def slot_of(key: bytes, owner: str, rule: bytes) -> bytes:
    """Where the shares of the entry `key` (`logbook.key_id`) are that `owner` wrote under `rule`: 32 bytes."""
    return keccak(key + address_word(owner) + rule)


def order_digest(domain: Domain, vault: str, requester: str, core: bytes) -> bytes:
    """What the session's key, and who asks with the requester, sign of an order's `core`: 32 bytes."""
    addresses = [address_word(each) for each in (vault, requester)]
    return keccak(keccak(_ORDER) + domain.separator + addresses[0] + addresses[1] + keccak(core))


def sign_order(domain: Domain, vault: str, requester: str, order: Order, key: SigningKey) -> bytes:
    """A signature of `order_digest`, 65 bytes."""
    return key.sign(order_digest(domain, vault, requester, encode_core(order))).to_bytes()


@dataclass(frozen=True, slots=True)
class Entry:
    """What the chain says of an entry of `MPC`: its owner and rule, the job that wrote it, and what it told about it
    (`Write.about`)."""

    owner: str
    rule: bytes
    job: int
    about: bytes


class Vault:
    """A vault from a client's side."""

    def __init__(self, hub: Hub, address: str) -> None:
        self.hub, self.address = hub, address

    @property
    def chain(self) -> Chain:
        return self.hub.chain

    def encode_request(self, order: bytes) -> bytes:
        """Call data of a request for the order with these bytes; the value that goes with it is the fee."""
        return vault_interface().methods["request"].encode((order_name(order),))

    def job_of(self, logs: Sequence[Log]) -> int:
        """The job that a request opened, from its receipt."""
        topic = vault_interface().event("Requested").topic
        return next(int.from_bytes(log.topics[1], "big") for log in logs
                    if log.address == self.address and log.topics[0] == topic)

    def opened(self, job: int, block: int) -> bytes:
        """The digest of what the order of `job` opened, which block `block` ended (`wire.orders.decode_opened`)."""
        event = vault_interface().event("Fulfilled")
        log = self.chain.logs(self.address, [event.topic, number_word(job)], block, block)[-1]
        return bytes(event.decode(log.topics, log.data)["opened"])

    def entry(self, key: bytes, tag: Tag = "latest") -> Entry | None:
        """What there is under `key`; None for nothing, or for what is in another vault."""
        pointer = self.hub.pointer(MPC, key, tag)
        if pointer.owner == _NOBODY:
            return None
        found = self.written(key, pointer.owner, pointer.rule, tag)
        return None if found is None else Entry(pointer.owner, pointer.rule, *found)

    def written(self, key: bytes, owner: str, rule: bytes, tag: Tag = "latest") -> tuple[int, bytes] | None:
        """The job that wrote `key` last for this owner and rule, and what it said about it; None if none did."""
        event = vault_interface().event("Wrote")
        last = tag if isinstance(tag, int) else self.chain.block_number()
        log = self.chain.last_log(
            self.address, [event.topic, slot_of(key, owner, rule)], self.hub.first_block(), last)
        if log is None:
            return None
        fields = event.decode(log.topics, log.data)
        return int(fields["job"]), bytes(fields["about"])


# ---- from the nodes' side


@dataclass(frozen=True, slots=True)
class VaultContract:
    """A vault as `Requested` has it: see `requested.Settling`. The words of an outcome are the digest of what was
    opened and the ABI of the entries that were written."""

    chain: Chain
    address: str

    def version(self, at: int) -> int:
        return int(self._get("version", at))

    def private_root(self, at: int) -> bytes:
        return bytes(self._get("private_root", at))

    def _get(self, name: str, at: int) -> Any:
        method = vault_interface().methods[name]
        return method.decode(self.chain.call(self.address, method.encode(()), tag=at))[0]

    def encode_fulfil(self, job: Job, version: int, attested: Attested, root: bytes, signatures: Any) -> bytes:
        work, data = work_of(attested), b"".join(word.to_bytes(32, "big", signed=True) for word in attested.words)
        (written,) = decode([_WRITTEN], data[32:])
        return vault_interface().methods["fulfil"].encode((
            job.number, job.call.sender.address, job.public[0], version, data[:32], written, root,
            (work.rounds, work.products, work.additions), signature_data(signatures)))

    def encode_failure(self, job: Job, version: int, error: str, attested: Attested, signatures: Any) -> bytes:
        work = work_of(attested)
        return vault_interface().methods["report_failure"].encode((
            job.number, job.call.sender.address, job.public[0], version, error,
            (work.rounds, work.products, work.additions), signature_data(signatures)))

    def digests(self, job: Job, committee: int) -> Call:
        """What `committee` signs of which order a job is."""
        arguments = _arguments(job.call.sender.address, job.public[0])
        return Call(self.address, committee, job.number, order_function(), arguments)


def words_of_outcome(opened: bytes, writes: Sequence[tuple[bytes, Write]]) -> tuple[int, ...]:
    """The words that are attested: `opened` is a digest, `writes` the entries that were written, with their slots."""
    from eth_abi.abi import encode

    data = opened + encode([_WRITTEN], [[(slot, write.about) for slot, write in writes]])
    return tuple(int.from_bytes(data[i : i + 32], "big", signed=True) for i in range(0, len(data), 32))


def find_ordered(chain: Chain, opened: Opened) -> bytes:
    """The name of the order that a job of a vault was opened for. Raises NoSuchJob when it is no vault's, ChainError.
    """
    if not is_vault(chain, opened.contract) or not chain.code(opened.contract, opened.block - 1):
        raise NoSuchJob(f"the contract at {opened.contract} is no vault, or was none before its job")
    event = vault_interface().event("Requested")
    logs = chain.logs(opened.contract, [event.topic, number_word(opened.job)], opened.block, opened.block)
    if len(logs) != 1:
        raise NoSuchJob(f"the vault at {opened.contract} did not say what job {opened.job} is for")
    name = bytes(logs[0].topics[2])
    arguments = _arguments(opened.requester, name)
    if (opened.function, opened.arguments) != (order_function(), arguments):
        raise NoSuchJob(f"job {opened.job} was opened for another order than the vault says")
    return name


def ordered(chain: Chain, opened: Opened, name: bytes, order: Order | None) -> Requested:
    """The job as `requested.read_requested` gives those of other contracts; `order` is the one called `name`, None when
    nobody has it."""
    shapes = order.shapes if order is not None else ()
    call = LedgerCall(opened.contract, _NAME, _FUNCTION, Requester(opened.requester), 0, (), shapes)
    masked, mask = (order.masked, int.from_bytes(order.mask, "big")) if order is not None else (b"", 0)
    job, contract = Job(opened.job, call, masked, mask, (name,)), VaultContract(chain, opened.contract)
    return Requested(opened, job, contract, contract.digests(job, opened.committee))


def _arguments(requester: str, name: bytes) -> bytes:
    return keccak(address_word(requester) + name)


_SPAN = Span("vault", 1, 1, 1, 1)
_FUNCTION = PlanFunction(Function(
    f"{_NAME}.{_RUN}", "external", (), Region([], [Operation("yield", (), (), _SPAN)]), NoneT(), False, _SPAN))
