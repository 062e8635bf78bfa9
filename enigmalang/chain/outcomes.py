"""The outcome of a job as nodes sign it and a contract takes it (architecture.md, "A job, from call to effect")."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from enigmalang.chain.digests import (
    Call,
    Domain,
    Signature,
    Work,
    failure_digest,
    function_digest,
    keccak,
    result_digest,
    revealed_digest,
    sign,
)
from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.words import number_word
from enigmalang.plan.calls import Attested, Key, LedgerCall


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it was requested. `public` is the ABI data of its public parameters."""

    number: int
    call: LedgerCall
    masked: bytes
    mask: int
    public: tuple[Any, ...]


def call_digests(job: Job, types: Sequence[str], committee: int) -> Call:
    """Which call is signed for, by `committee`; `types` are the ABI types of its public parameters."""
    from eth_abi.abi import encode

    call = job.call
    data = encode(["address", "uint256", *types, "bytes", "uint256"],
                  [call.sender.address, call.value, *job.public, job.masked, job.mask])
    name = call.function.name.rpartition(".")[2]
    return Call(call.address, committee, job.number, function_digest(call.contract, name), keccak(data))


def work_of(attested: Attested) -> Work:
    return Work(attested.rounds, attested.products, attested.additions)


def private_root(before: bytes, job: int, written: Sequence[Key]) -> bytes:
    """A commitment to which job wrote which private state last: the root before, the job, and the keys written, sorted.

    Shares differ from node to node, so what is committed to is where they came from.
    """
    if not written:
        return before
    names = sorted(repr((slot, [str(k) for k in keys])) for _, slot, keys in written)
    return keccak(before + number_word(job) + b"".join(keccak(name.encode()) for name in names))


class Attesters(Protocol):
    """Who signs outcomes, and who sends them."""

    @property
    def sender(self) -> SigningKey: ...

    def result(self, domain: Domain, call: Call, version: int, attested: Attested, root: bytes) -> list[Signature]: ...

    def failure(self, domain: Domain, call: Call, version: int, attested: Attested, error: str) -> list[Signature]: ...


@dataclass(frozen=True, slots=True)
class LocalAttesters:
    """Keys of this process, for the engines that have no nodes and for development networks."""

    sender: SigningKey
    keys: tuple[SigningKey, ...] = field(repr=False)

    def result(self, domain: Domain, call: Call, version: int, attested: Attested, root: bytes) -> list[Signature]:
        revealed = revealed_digest(attested.words)
        return self._signed(result_digest(domain, call, version, revealed, root, work_of(attested)))

    def failure(self, domain: Domain, call: Call, version: int, attested: Attested, error: str) -> list[Signature]:
        return self._signed(failure_digest(domain, call, version, error, work_of(attested)))

    def _signed(self, digest: bytes) -> list[Signature]:
        return [sign(digest, key.reveal()) for key in self.keys]
