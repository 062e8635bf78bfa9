"""What members of a committee, and nodes that become one, ask each other: requests and answers as MessagePack.

Who asks is what the channel says. A request that is refused is answered by the channel (`peering.errors.Refusal`).
"""

from typing import Any

import msgspec

from enigmalang.wire.errors import WireError


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True, forbid_unknown_fields=True):
    """Base of all; on the wire an array that starts with the message's name."""

    def __repr__(self) -> str:  # some hold encrypted shares, and names are enough
        return f"<{type(self).__name__}>"


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
    """Give mask `number` for inputs of `owner`, and tell me what the holder of `receiver` shall have of it. Answered by
    `Told`, or `Taken`.
    """

    committee: int
    number: int
    size: int
    owner: str
    receiver: bytes
    field: str


class Told(Message, frozen=True):
    """Encrypted for the client, and signed (`node.reserved`)."""

    message: bytes
    signature: bytes


class Taken(Message, frozen=True):
    """Masks up to `highest` were given: another number will do."""

    highest: int


class TakePlan(Message, frozen=True):
    """The canonical bytes of a plan. Answered by `Done`."""

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
    """My shares of that state, blinded (`sharing.recovery`). Answered by `Shares`."""

    committee: int
    contract: str
    root: bytes
    field: str
    counter: int


class Shares(Message, frozen=True):
    data: bytes


class Done(Message, frozen=True):
    """It is durable."""


# ---- forming a committee


class Propose(Message, frozen=True):
    """Somebody wants a committee of `size` nodes; `nonce` is theirs (32 bytes). Answered by `Heard`."""

    size: int
    threshold: int
    nonce: bytes


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


Request = (Stand | Announce | Do | Mask | TakePlan | WantPlan | TakeOutcome | WantOutcome | WantLayout | WantShares
           | Propose | Agree)
Answer = Stands | Obeys | Did | Told | Taken | Done | Plan | OutcomeOf | Layout | Shares | Heard | Agreed

_ENCODER = msgspec.msgpack.Encoder()
_REQUEST: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Request)
_ANSWER: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Answer)


def encode(message: Message) -> bytes:
    return _ENCODER.encode(message)


def decode_request(data: bytes | memoryview) -> Request:
    """Raises WireError for anything that is no request."""
    found: Request = _decode(_REQUEST, data)
    return found


def decode_answer(data: bytes | memoryview) -> Answer:
    """Raises WireError for anything that is no answer."""
    found: Answer = _decode(_ANSWER, data)
    return found


def _decode(decoder: msgspec.msgpack.Decoder[Any], data: bytes | memoryview) -> Any:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"malformed message: {error}") from None
