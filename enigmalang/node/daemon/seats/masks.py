"""Masks for clients: any member gets one from all the others, and hands over what each of them tells the client.

A member makes a mask of the committee's keys and of all that it is bound to (`node.admission`), keeps what it gave,
encrypts its part for the client and signs it. No order is needed, and no term: members that are asked for one number by
two clients give it once. The client checks that all told the same key the same mask (`node.reserved`), so the member
that it asks can only fail.
"""

from collections.abc import Mapping

from enigmalang.chain.digests import Domain
from enigmalang.ethereum.keys import SigningKey
from enigmalang.fields import field_named
from enigmalang.mpc.party import Party
from enigmalang.node.admission import Admission
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.daemon.seats.recovering import kept_keys
from enigmalang.node.durable import points
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.masks import NumberTaken
from enigmalang.node.durable.sqlite import CommitteeState
from enigmalang.node.reserved import mask_name, told_digest
from enigmalang.sharing import ArithShare
from enigmalang.transport.network import PeerError
from enigmalang.transport.peering.errors import PeeringError, Refusal
from enigmalang.wire.errors import WireError

#: How often another number is tried when others were faster.
TRIES = 16
#: No member can be made to skip more numbers at a time: they would run out.
SKIP = 1 << 32


class NotNow(Exception):
    """A mask cannot be given at this time: a member does not answer, or the committee has not met yet."""


class _Nobody:
    """The network of a party that computes with nobody."""

    def __init__(self, me: int, n: int) -> None:
        self.me, self.n = me, n

    def exchange(self, tag: int, sends: Mapping[int, object], expects: Mapping[int, int]
                 ) -> dict[int, memoryview | bytes]:
        raise PeerError(0, "a mask needs no messages")

    def post(self, tag: int, sends: Mapping[int, object]) -> None:
        raise PeerError(0, "a mask needs no messages")

    def fetch(self, tag: int, expects: Mapping[int, int]) -> dict[int, memoryview | bytes]:
        raise PeerError(0, "a mask needs no messages")

    def flush(self) -> None:
        """Nothing was posted."""


class Giver:
    """Masks of one committee at this member. Threads may share one: numbers are given one at a time."""

    def __init__(self, place: Place, state: CommitteeState, key: SigningKey, domain: Domain,
                 at: points.Hook = points.unwatched) -> None:
        self._place, self._state, self._key, self._domain, self._at = place, state, key, domain, at

    @property
    def highest(self) -> int:
        return self._state.masks.highest()

    def give(self, request: sm.Mask) -> sm.Told | sm.Taken:
        """What the client is told of the mask, once it is kept. Raises Refusal."""
        highest = self.highest
        if not highest < request.number <= highest + SKIP:
            return sm.Taken(highest)
        try:
            (message,) = self._admission(request.field).reserve(
                request.number, request.size, request.owner, request.receiver)
        except NumberTaken:
            return sm.Taken(self.highest)
        except WireError as error:
            raise Refusal(str(error)) from None
        name = mask_name(self._place.committee, request.number)
        digest = told_digest(self._domain, name, request.size, request.owner, request.receiver, message, request.nonce)
        return sm.Told(message, self._key.sign(digest).to_bytes())

    def share_of(self, number: int, field: str) -> ArithShare:
        """This member's share of mask `number` itself, to be dealt with its job. Raises Refusal."""
        try:
            return self._admission(field).share_of(number)
        except WireError as error:
            raise Refusal(str(error)) from None

    def _admission(self, field: str) -> Admission:
        place, keys = self._place, kept_keys(self._place, self._state)
        if keys is None:
            raise Refusal("the committee has not met yet")
        party = Party(_Nobody(place.me, len(place.members)), keys, field_named(field), b"masks")
        return Admission(party, keys.derive(b"masks"), self._state.masks, self._at)


def reserve(here: Here, place: Place, giver: Giver, field: str, size: int, owner: str, receiver: bytes, nonce: bytes
            ) -> tuple[int, dict[int, sm.Told]]:
    """A mask's name, and by seat what each member tells the client. Raises NotNow, StateError."""
    number = giver.highest + 1
    for _ in range(TRIES):
        request = sm.Mask(place.committee, number, size, owner, receiver, field, nonce)
        try:
            answers: dict[int, sm.Answer | PeeringError] = {place.me: giver.give(request)}
        except (Refusal, StateError) as error:  # perhaps there is room again in a moment
            raise NotNow(str(error)) from error
        if isinstance(answers[place.me], sm.Told):
            answers |= here.ask_all(place.others, lambda _, asked=request: asked, here.pace.ask)  # type: ignore[misc]
        told = {seat: answer for seat, answer in answers.items() if isinstance(answer, sm.Told)}
        if len(told) == len(place.members):
            return mask_name(place.committee, number), dict(sorted(told.items()))
        for seat, answer in answers.items():
            if isinstance(answer, PeeringError):
                raise NotNow(f"seat {seat} of committee {place.committee} gives no mask: {answer.reason}")
        number = max(answer.highest for answer in answers.values() if isinstance(answer, sm.Taken)) + 1
    raise NotNow("others were faster each time")
