"""Jobs as they stand on the chain: what nodes and whoever serves them read of one, and what they check.

The hub's event says which job of which contract was opened, and the digest of what it computes on; the contract's event
says what that is. Only code that was generated from the plan asks with its caller's own address, so the contract must
have that code, and must have had it before the job was opened: what creates a contract could be anything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from enigmalang.chain.abi import from_abi
from enigmalang.chain.client import Chain, Log
from enigmalang.chain.deployed import Contracts, Values
from enigmalang.chain.digests import Call, function_digest
from enigmalang.chain.hub import hub_interface
from enigmalang.chain.outcomes import Job
from enigmalang.ethereum.words import number_word
from enigmalang.ir.leaves import Leaf, leaves_of
from enigmalang.plan.calls import Attested, LedgerCall
from enigmalang.plan.plan import Plan, PlanFunction


class NoSuchJob(Exception):
    """The chain has no such job of this plan; the text says what does not fit."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What the hub says of a job when it is opened; `committee`: see `served_by`."""

    job: int
    contract: str
    committee: int
    function: bytes
    arguments: bytes
    requester: str
    payment: int
    block: int


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asked for a job."""

    address: str

    @property
    def name(self) -> str:
        return self.address


class Settling(Protocol):
    """A contract that has jobs: `deployed.Deployed`, `vault.VaultContract`."""

    def version(self, at: int) -> int: ...

    def private_root(self, at: int) -> bytes: ...

    def encode_fulfil(self, job: Job, version: int, attested: Attested, root: bytes, signatures: Any) -> bytes: ...

    def encode_failure(self, job: Job, version: int, error: str, attested: Attested, signatures: Any) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Requested:
    """A job and the contract it is of. `digests`: what is signed of the call."""

    opened: Opened
    job: Job
    contract: Settling
    digests: Call


def read_opened(log: Log) -> Opened:
    """From the hub's event."""
    f = hub_interface().event("Opened").decode(log.topics, log.data)
    return Opened(f["job"], f["contract"], f["committee"], f["function"], f["arguments"], f["requester"], f["payment"],
                  log.block)


def find_opened(chain: Chain, hub: str, job: int, block: int) -> Opened:
    """Job `job`, which was opened in block `block`. Raises NoSuchJob."""
    logs = chain.logs(hub, [hub_interface().event("Opened").topic, number_word(job)], block, block)
    if len(logs) != 1:
        raise NoSuchJob(f"block {block} opened no job {job}")
    return read_opened(logs[0])


def served_by(opened: Opened, committee: int) -> Opened:
    """The job, when its contract has been handed over to `committee` since: which is whose signatures count."""
    return replace(opened, committee=committee)


def read_requested(chain: Chain, contracts: Contracts, plan: Plan, values: Values, opened: Opened) -> Requested:
    """What was asked for with a job. Raises NoSuchJob when it is no job of a contract of the plan."""
    contract = contracts.find(opened.contract)
    if contract is None or not chain.code(opened.contract, opened.block - 1):
        raise NoSuchJob(f"the contract at {opened.contract} was not made from its plan, or not before its job")
    function = _function(plan, contract.name, opened.function)
    topic = contract.requested
    logs = chain.logs(opened.contract, [topic, number_word(opened.job)], opened.block, opened.block)
    if len(logs) != 1:
        raise NoSuchJob(f"the contract at {opened.contract} did not say what job {opened.job} computes on")
    public, masked, mask = contract.decode_requested(function, logs[0])
    args, shapes = _leaves(function, public, values)
    call = LedgerCall(opened.contract, contract.name, function, Requester(opened.requester), opened.payment, args,
                      shapes)
    job = Job(opened.job, call, masked, mask, public)
    digests = contract.digests(job, opened.committee)
    if (digests.function, digests.arguments) != (opened.function, opened.arguments):
        raise NoSuchJob(f"job {opened.job} was opened for other arguments than the contract says")
    return Requested(opened, job, contract, digests)


def _function(plan: Plan, contract: str, digest: bytes) -> PlanFunction:
    for name, function in plan.functions.items():
        owner, _, short = name.rpartition(".")
        if owner == contract and function.secret is not None and function_digest(owner, short) == digest:
            return function
    raise NoSuchJob(f"{contract} has no such function for nodes")


def _leaves(function: PlanFunction, public: Sequence[Any], values: Values
            ) -> tuple[tuple[Any, ...], tuple[tuple[int, ...], ...]]:
    """The leaves of all parameters, None where private, and the private ones' shapes: the inverse of
    `Deployed.request_data`.
    """
    data, private = iter(public), []
    args: list[Any] = []
    for param in function.public.params:
        leaves = leaves_of(param.type, param.private)
        private += [leaf for leaf in leaves if leaf.private]
        if not any(leaf.private for leaf in leaves):
            args += values.leaves_from(from_abi(next(data), param.type), param.type)
            continue
        for leaf in leaves:
            args += [None] if leaf.private else values.leaves_from(from_abi(next(data), leaf.declared), leaf.declared)
    return tuple(args), tuple(tuple(_shape(leaf, data)) for leaf in private)


def _shape(leaf: Leaf, lengths: Iterator[int]) -> Iterator[int]:
    for size, exact in zip(leaf.lens, leaf.exact, strict=True):
        length = (size or 0) if exact else next(lengths)
        if size is not None and length > size:
            raise NoSuchJob(f"a list of {length} where there are at most {size}")
        yield length
