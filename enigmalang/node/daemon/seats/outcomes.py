"""What members handed over with a job: the sealed pieces of its private results, signed by each (`node.reserved`).

The leader hands all of it to all members before it tells the chain: so who received something gets it from any of them,
whoever is gone by then. Results are encrypted for their receivers.
"""

import msgspec

from enigmalang.chain.errors import ChainError
from enigmalang.chain.hub import OPEN
from enigmalang.execute.ports import EngineError
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.daemon.seats.kept import OUTCOME_BYTES
from enigmalang.node.durable.errors import StateError
from enigmalang.node.reserved import delivered_digest, signed_by
from enigmalang.node.teams import Outcome
from enigmalang.transport.peering.errors import Refusal
from enigmalang.wire import messages as msg
from enigmalang.wire.errors import WireError
from enigmalang.wire.typed import Decoder, encode


class _Bundle(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An outcome: why the job failed, and the reply of each seat (`wire.messages.Executed`)."""

    error: str
    replies: dict[int, bytes]


_DECODER = Decoder[_Bundle](_Bundle, "outcome")


def encode_outcome(outcome: Outcome) -> bytes:
    return encode(_Bundle(outcome.error, {seat: msg.encode_message(reply) for seat, reply in outcome.replies.items()}))


def decode_outcome(data: bytes) -> Outcome:
    """Raises WireError."""
    bundle = _DECODER.decode(data)
    replies = {}
    for seat, body in bundle.replies.items():
        reply = msg.decode_reply(body)
        if not isinstance(reply, msg.Executed):
            raise WireError("an outcome with another reply")
        replies[seat] = reply
    return Outcome(bundle.error, replies)


class CommitteeOutcomes:
    """`teams.Outcomes` of a committee, at one member. Threads may share one."""

    def __init__(self, here: Here, place: Place) -> None:
        self._here, self._place = here, place

    def get(self, job: int) -> Outcome | None:
        data = self._here.kept.outcome(self._place.committee, job)
        return decode_outcome(data) if data else None

    def put(self, job: int, outcome: Outcome) -> None:
        """Kept here, and what has private results by more than t members. Raises EngineError."""
        data, place = encode_outcome(outcome), self._place
        try:
            if len(data) > OUTCOME_BYTES:
                raise EngineError(f"the results of job {job} have {len(data)} bytes, at most {OUTCOME_BYTES}")
            self._here.kept.keep_outcome(place.committee, job, data)
        except StateError as error:
            raise EngineError(str(error)) from None
        if not any(reply.results or reply.parcels for reply in outcome.replies.values()):
            return
        taken = self._here.ask_all(
            place.others, lambda _: sm.TakeOutcome(place.committee, job, data), self._here.pace.ask)
        if sum(isinstance(answer, sm.Done) for answer in taken.values()) < place.threshold:
            raise EngineError(f"too few members took the results of job {job}")

    def take(self, job: int, data: bytes) -> None:
        """What a leader hands over. Raises Refusal unless each part is signed by the member whose it is."""
        if len(data) > OUTCOME_BYTES:
            raise Refusal("more than an outcome may have")
        try:
            outcome = decode_outcome(data)
            if not self._is_signed(job, outcome):
                raise Refusal("an outcome that its members did not sign")
            if self._here.kept.outcome(self._place.committee, job) and self._here.hub.job(job).status != OPEN:
                raise Refusal("the job has ended")
            self._here.kept.keep_outcome(self._place.committee, job, data)
        except (WireError, ChainError, StateError) as error:
            raise Refusal(str(error)) from None

    def find(self, job: int) -> Outcome | None:
        """What is kept here, or by another member."""
        found = self.get(job)
        if found is not None and (found.replies or found.error):
            return found
        want = sm.WantOutcome(self._place.committee, job)
        for answer in self._here.ask_all(self._place.others, lambda _: want, self._here.pace.ask).values():
            if isinstance(answer, sm.OutcomeOf) and answer.data:
                try:
                    self.take(job, answer.data)
                except Refusal:
                    continue  # a member that tells nonsense
                return self.get(job)
        return found

    def _is_signed(self, job: int, outcome: Outcome) -> bool:
        if len(outcome.replies) != len(self._place.members):
            return False
        for seat, reply in outcome.replies.items():
            digest = delivered_digest(self._here.hub.domain, job, reply.results, reply.parcels)
            if not 1 <= seat <= len(self._place.members) or (
                    signed_by(digest, reply.delivered) != self._place.members[seat - 1]):
                return False
        return True
