"""What the chain says against an outcome that a committee attested: asked by each node itself, so that whoever drives
the nodes cannot have a job fail that the chain would take.
"""

from dataclasses import dataclass

from enigmalang.chain.digests import Signature, Work, result_digest, revealed_digest
from enigmalang.chain.errors import Reverted
from enigmalang.chain.hub import Hub
from enigmalang.chain.ledger import STALE
from enigmalang.chain.requested import Requested
from enigmalang.node.reserved import signed_by
from enigmalang.plan.calls import Attested
from enigmalang.wire import messages as msg

#: Of a job that read, outside of its contract, what does not stay as it was for as long as computing takes.
MOVED = "what the job reads of other contracts or of L keeps changing"


class Refused(Exception):
    """A node computes, or signs, no such thing: the text says why."""


@dataclass(frozen=True, slots=True)
class Group:
    """A committee's members and threshold."""

    members: tuple[str, ...]
    threshold: int


def objection(hub: Hub, requested: Requested, reply: msg.Executed, request: msg.Refute, group: Group) -> str:
    """The text with which the contract refuses what `reply` says and more than t members signed. Raises Refused when it
    does not, and ChainError.
    """
    if reply.error:
        raise Refused("a failure is no outcome to refute")
    words = tuple(int.from_bytes(word, "big", signed=True) for word in reply.words)
    digest = result_digest(hub.domain, requested.digests, reply.version, revealed_digest(words), reply.root,
                           Work(*reply.work))
    signed = {signed_by(digest, data): data for data in request.signatures}
    signatures = [_signature(data) for who, data in signed.items() if who in group.members]
    if len(signatures) <= group.threshold:
        raise Refused("too few members signed that outcome")
    data = requested.contract.encode_fulfil(
        requested.job, reply.version, Attested(words, (), *reply.work), reply.root, signatures)
    try:
        hub.chain.call(requested.opened.contract, data, tag=request.block)
    except Reverted as error:
        if error.text == STALE:
            return MOVED  # the version is the contract's at that block, so it is what was read elsewhere
        return error.text or "the chain refuses the outcome"
    raise Refused("the chain takes the outcome")


def _signature(data: bytes) -> Signature:
    return Signature(data[:32], data[32:64], data[64])
