"""What members of a committee, and nodes that become one, ask each other: requests and answers as MessagePack.

Who asks is what the channel says. A request that is refused is answered by the channel (`peering.errors.Refusal`).
"""

from enigmalang.wire.messages import Message, encode_message
from enigmalang.wire.typed import Decoder

# ---- terms


class Stand(Message, frozen=True):
    """So does my seat in this committee stand (`terms.Standing`); how does yours? Answered by `Stands`."""

    committee: int
    greatest: int
    term: int
    leader: int


class Stands(Message, frozen=True):
    """See `terms.Standing`."""

    greatest: int
    term: int
    leader: int


class Announce(Message, frozen=True):
    """I lead this term. Answered by `Obeys`."""

    committee: int
    term: int


class Obeys(Message, frozen=True):
    yes: bool


class Do(Message, frozen=True):
    """Request `number` (they count from 1) of the leader of a term: a message of `wire.messages`, for the session over
    `field`. Answered by `Did`, when it is done; refused, the term is over.
    """

    committee: int
    term: int
    number: int
    field: str
    request: bytes


class Did(Message, frozen=True):
    """A reply of `wire.messages`."""

    reply: bytes


# ---- what clients ask for, at all members


class Mask(Message, frozen=True):
    """Give mask `number` for inputs of `owner`, and tell me what the holder of `receiver` shall have of it, who asked
    with `nonce`. Answered by `Told`, or `Taken`.
    """

    committee: int
    number: int
    size: int
    owner: str
    receiver: bytes
    field: str
    nonce: bytes


class Told(Message, frozen=True):
    """Encrypted for the client, and signed (`node.reserved`)."""

    message: bytes
    signature: bytes


class Taken(Message, frozen=True):
    """Masks up to `highest` were given: another number will do."""

    highest: int


class TakePlan(Message, frozen=True):
    """The canonical bytes of a plan, or of an order. Answered by `Done`."""

    data: bytes


class WantPlan(Message, frozen=True):
    """Answered by `Plan`."""

    digest: bytes


class Plan(Message, frozen=True):
    """Empty when it is not there."""

    data: bytes


class TakeOutcome(Message, frozen=True):
    """What all members handed over with a job (`outcomes`). Answered by `Done`."""

    committee: int
    job: int
    data: bytes


class WantOutcome(Message, frozen=True):
    """Answered by `OutcomeOf`."""

    committee: int
    job: int


class OutcomeOf(Message, frozen=True):
    """Empty when there is none."""

    data: bytes


class WantLayout(Message, frozen=True):
    """What is public of a contract's private state at `root`? Answered by `Layout`."""

    committee: int
    contract: str
    root: bytes


class Layout(Message, frozen=True):
    """See `durable.handover.encode_layout`."""

    data: bytes


class WantShares(Message, frozen=True):
    """My shares of `count` values of that state from number `first` on, in the order of their texts
    (`durable.handover`), blinded (`sharing.recovery`). Answered by `Shares`."""

    committee: int
    contract: str
    root: bytes
    field: str
    counter: int
    first: int
    count: int


class Shares(Message, frozen=True):
    data: bytes


class Done(Message, frozen=True):
    """It is durable."""


# ---- forming a committee


class Propose(Message, frozen=True):
    """Somebody wants a committee of `size` nodes, without those that are not there; `nonce` is theirs (32 bytes). It is
    to serve `rotation` jobs of a contract (0: any number). Answered by `Heard`."""

    size: int
    threshold: int
    nonce: bytes
    rotation: int = 0
    without: tuple[str, ...] = ()


class Heard(Message, frozen=True):
    """Your request was not known when block `block` was the newest."""

    block: int


class Agree(Message, frozen=True):
    """Serve in the committee that is draw `number` of my request with `nonce` at block `block`. Answered by `Agreed`.
    """

    nonce: bytes
    block: int
    number: int
    until: int


class Agreed(Message, frozen=True):
    """r, s and v of a signature of `digests.consent_digest`."""

    signature: bytes


class Renew(Message, frozen=True):
    """The time of `committee` is over: serve in a new one of the same members. `nonce` (32 bytes) is mine. Answered by
    `Agreed`."""

    committee: int
    nonce: bytes
    until: int


# ---- handing a contract over to another committee


class Drawn(Message, frozen=True):
    """Which draw a successor is, of a request of mine (`Agree`) whose nonce says what it is for: attempt `attempt` of
    day `day` (`draws.successor_nonce`). No `block`: it has the same members."""

    day: int = 0
    attempt: int = 0
    block: int = 0
    number: int = 0


class Ready(Message, frozen=True):
    """`contract` goes from `committee` to `successor`, for this reason: begin no job of it, finish what is under way,
    and say what there is to hand over. Successor 0: could you? Nothing is begun then. Answered by `Readied`.
    """

    committee: int
    contract: str
    successor: int
    reason: str
    drawn: Drawn


class Readied(Message, frozen=True):
    """What a member has of a contract when the hub has counted `settled`: the root of the private state, what is public
    of it (`durable.handover.encode_layout`), and the masks of its open jobs: job, size, owner, receiver.
    """

    settled: int
    root: bytes
    layout: bytes
    masks: list[tuple[int, int, str, bytes]]


class Release(Message, frozen=True):
    """The hand-over that I asked to be ready for came to nothing. Answered by `Done`."""

    committee: int
    contract: str


class Hand(Message, frozen=True):
    """Deal what `Readied` says, or receive it: `dealers` are seats of `committee`. `nonce` (32 bytes): another one for
    each attempt. `reason` is for people. Answered by `Handed`.
    """

    committee: int
    contract: str
    successor: int
    field: str
    dealers: list[int]
    what: Readied
    nonce: bytes
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
