"""What members of a committee, and nodes that become one, ask each other: requests and answers as MessagePack.

Who asks is what the channel says. A request that is refused is answered by the channel (`peering.errors.Refusal`). The
types say what is taken: whoever answers has numbers, addresses and hashes that are such.
"""

from typing import Annotated

import msgspec

from enigmalang.wire.arrays import MAX_ELEMENTS
from enigmalang.wire.check import FIELDS
from enigmalang.wire.messages import Message, encode_message
from enigmalang.wire.typed import Address, Bytes32, Decoder, Number

#: Members that a draw leaves out at most: the threshold of the largest committee.
MOST_WITHOUT = 4

FieldName = Annotated[str, msgspec.Meta(pattern=rf"\A({'|'.join(FIELDS)})\Z")]
#: Numbers that one mask is for.
Size = Annotated[int, msgspec.Meta(ge=0, le=MAX_ELEMENTS)]

# ---- terms


class Stand(Message, frozen=True):
    """So does my seat in this committee stand (`terms.Standing`); how does yours? Answered by `Stands`."""

    committee: Number
    greatest: Number
    term: Number
    leader: Number


class Stands(Message, frozen=True):
    """See `terms.Standing`."""

    greatest: Number
    term: Number
    leader: Number


class Announce(Message, frozen=True):
    """I lead this term. Answered by `Obeys`."""

    committee: Number
    term: Number


class Obeys(Message, frozen=True):
    yes: bool


class Do(Message, frozen=True):
    """Request `number` (they count from 1) of the leader of a term: a message of `wire.messages`, for the session over
    `field`. Answered by `Did`, when it is done; refused, the term is over.
    """

    committee: Number
    term: Number
    number: Number
    field: FieldName
    request: bytes


class Did(Message, frozen=True):
    """A reply of `wire.messages`."""

    reply: bytes


# ---- what clients ask for, at all members


class Mask(Message, frozen=True):
    """Give mask `number` for inputs of `owner`, and tell me what the holder of `receiver` shall have of it, who asked
    with `nonce`. Answered by `Told`, or `Taken`.
    """

    committee: Number
    number: Number
    size: Size
    owner: Address
    receiver: Bytes32
    field: FieldName
    nonce: Bytes32


class Told(Message, frozen=True):
    """Encrypted for the client, and signed (`node.reserved`)."""

    message: bytes
    signature: bytes


class Taken(Message, frozen=True):
    """Masks up to `highest` were given: another number will do."""

    highest: Number


class TakePlan(Message, frozen=True):
    """The canonical bytes of a plan, or of an order. Answered by `Done`."""

    data: bytes


class WantPlan(Message, frozen=True):
    """Answered by `Plan`."""

    digest: Bytes32


class Plan(Message, frozen=True):
    """Empty when it is not there."""

    data: bytes


class TakeOutcome(Message, frozen=True):
    """What all members handed over with a job (`outcomes`). Answered by `Done`."""

    committee: Number
    job: Number
    data: bytes


class WantOutcome(Message, frozen=True):
    """Answered by `OutcomeOf`."""

    committee: Number
    job: Number


class OutcomeOf(Message, frozen=True):
    """Empty when there is none."""

    data: bytes


class WantLayout(Message, frozen=True):
    """What is public of a contract's private state at `root`? Answered by `Layout`."""

    committee: Number
    contract: Address
    root: Bytes32


class Layout(Message, frozen=True):
    """See `durable.handover.encode_layout`."""

    data: bytes


class WantShares(Message, frozen=True):
    """My shares of `count` values of that state from number `first` on, in the order of their texts
    (`durable.handover`), blinded (`sharing.recovery`). Answered by `Shares`."""

    committee: Number
    contract: Address
    root: Bytes32
    field: FieldName
    counter: Number
    first: Number
    count: Number


class Shares(Message, frozen=True):
    data: bytes


class Done(Message, frozen=True):
    """It is durable."""


# ---- forming a committee


class Propose(Message, frozen=True):
    """Somebody wants a committee of `size` nodes, without those that are not there; `nonce` is theirs (32 bytes). It is
    to serve `rotation` jobs of a contract (0: any number). Answered by `Heard`."""

    size: Number
    threshold: Number
    nonce: Bytes32
    rotation: Number = 0
    without: Annotated[tuple[Address, ...], msgspec.Meta(max_length=MOST_WITHOUT)] = ()


class Heard(Message, frozen=True):
    """Your request was not known when block `block` was the newest."""

    block: Number


class Agree(Message, frozen=True):
    """Serve in the committee that is draw `number` of my request with `nonce` at block `block`. Answered by `Agreed`.
    """

    nonce: Bytes32
    block: Number
    number: Number
    until: Number


class Agreed(Message, frozen=True):
    """r, s and v of a signature of `digests.consent_digest`."""

    signature: bytes


class Renew(Message, frozen=True):
    """The time of `committee` is over: serve in a new one of the same members. `nonce` (32 bytes) is mine. Answered by
    `Agreed`."""

    committee: Number
    nonce: Bytes32
    until: Number


# ---- handing a contract over to another committee


class Drawn(Message, frozen=True):
    """Which draw a successor is, of a request of mine (`Agree`) whose nonce says what it is for: attempt `attempt` of
    day `day` (`draws.successor_nonce`). No `block`: it has the same members."""

    day: Number = 0
    attempt: Number = 0
    block: Number = 0
    number: Number = 0


class Ready(Message, frozen=True):
    """`contract` goes from `committee` to `successor`, for this reason: begin no job of it, finish what is under way,
    and say what there is to hand over. Successor 0: could you? Nothing is begun then. Answered by `Readied`.
    """

    committee: Number
    contract: Address
    successor: Number
    reason: str
    drawn: Drawn


class Readied(Message, frozen=True):
    """What a member has of a contract when the hub has counted `settled`: the root of the private state, what is public
    of it (`durable.handover.encode_layout`), and the masks of its open jobs: job, size, owner, receiver.
    """

    settled: Number
    root: Bytes32
    layout: bytes
    masks: list[tuple[Number, Size, Address, bytes]]


class Release(Message, frozen=True):
    """The hand-over that I asked to be ready for came to nothing. Answered by `Done`."""

    committee: Number
    contract: Address


class Hand(Message, frozen=True):
    """Deal what `Readied` says, or receive it: `dealers` are seats of `committee`. `nonce` (32 bytes): another one for
    each attempt. `reason` is for people. Answered by `Handed`.
    """

    committee: Number
    contract: Address
    successor: Number
    field: FieldName
    dealers: list[Number]
    what: Readied
    nonce: Bytes32
    reason: str


class Handed(Message, frozen=True):
    """Signatures of `digests.handover_digest`: as a dealer, and as who has its new shares on the disk; or empty."""

    old: bytes
    new: bytes


Request = (Stand | Announce | Do | Mask | TakePlan | WantPlan | TakeOutcome | WantOutcome | WantLayout | WantShares
           | Propose | Agree | Renew | Ready | Release | Hand)
Answer = (Stands | Obeys | Did | Told | Taken | Done | Plan | OutcomeOf | Layout | Shares | Heard | Agreed | Readied
          | Handed)

_WHAT = "message of a committee"
decode_request = Decoder[Request](Request, _WHAT).decode
decode_answer = Decoder[Answer](Answer, _WHAT).decode


def encode(message: Message) -> bytes:
    """A request as it travels, without the topic; or an answer."""
    return encode_message(message)
