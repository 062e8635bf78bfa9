"""What a node replies about a job: an outcome, a failure, both signed; or why it computes no such job, unsigned."""

from collections.abc import Sequence

from enigmalang.chain.digests import Domain, Work, failure_digest, result_digest, revealed_digest
from enigmalang.chain.hub import EMPTY
from enigmalang.chain.outcomes import work_of
from enigmalang.chain.requested import Requested
from enigmalang.diagnostics import EnigmaError
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute.domain import Envelope
from enigmalang.execute.failures import Revert
from enigmalang.execute.requests import Computed
from enigmalang.node.reserved import delivered_digest
from enigmalang.plan.calls import Attested
from enigmalang.wire import messages as msg

#: Bytes of a failure's text on the chain.
MAX_ERROR = 256


def unsigned(number: int, reason: str) -> msg.Executed:
    """To request `number`."""
    return msg.Executed(number, 0, [], b"", [], reason, b"", [], [])


def failed(domain: Domain, key: SigningKey, requested: Requested, version: int, text: str, done: Work) -> msg.Executed:
    """The job fails on this version of its contract's state."""
    error = text.encode()[:MAX_ERROR].decode(errors="ignore") or "failed"
    digest = failure_digest(domain, requested.digests, version, error, done)
    return msg.Executed(0, version, [], EMPTY, [done.rounds, done.products, done.additions], error,
                        key.sign(digest).to_bytes(), [], [])


def fulfilled(domain: Domain, key: SigningKey, requested: Requested, version: int, root: bytes, attested: Attested,
              made: Computed, others: Sequence[str]) -> msg.Executed:
    """The outcome of a job, after which the private state's root is `root`; `others` are whom `made.deliveries` are
    for.
    """
    results = [_parcel(requested.opened.requester, envelope) for envelope in made.results]
    parcels = [_parcel(address, envelope) for address, envelope in zip(others, made.deliveries, strict=True)]
    return signed_outcome(domain, key, requested, version, root, attested, results, parcels)


def signed_outcome(domain: Domain, key: SigningKey, requested: Requested, version: int, root: bytes, attested: Attested,
                   results: list[msg.Parcel], parcels: list[msg.Parcel]) -> msg.Executed:
    """The outcome of a job, and what is handed over with it."""
    done, job = work_of(attested), requested.opened.job
    digest = result_digest(domain, requested.digests, version, revealed_digest(attested.words), root, done)
    return msg.Executed(
        0, version, [word.to_bytes(32, "big", signed=word < 0) for word in attested.words], root,
        [done.rounds, done.products, done.additions], "", key.sign(digest).to_bytes(), results, parcels,
        key.sign(delivered_digest(domain, job, results, parcels)).to_bytes())


def text_of(failure: Exception) -> str:
    """What the requester is told: on the chain, for everyone."""
    if isinstance(failure, Revert):
        return failure.text
    return failure.diagnostic.message if isinstance(failure, EnigmaError) else str(failure)


def _parcel(receiver: str, envelope: Envelope) -> msg.Parcel:
    sealed, bits, truth = envelope.content
    (piece,) = sealed.pieces
    return msg.Parcel(receiver, list(sealed.shape), bits, truth, piece)
