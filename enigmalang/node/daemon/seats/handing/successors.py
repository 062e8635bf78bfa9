"""The committee that takes over: drawn like any other, without who is away; or the same members once more, whose shares
and keys are new. Each member agrees for itself (`forming`, `consents`).
"""

import secrets
import threading
from collections import Counter
from dataclasses import dataclass

from enigmalang.chain.digests import consent_digest, keccak
from enigmalang.ethereum.words import number_word
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.forming import CONSENT_SECONDS, SERVES, CannotForm, Forming
from enigmalang.node.daemon.seats.handing.due import Reason
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.draws import ATTEMPTS, day_of, successor_nonce
from enigmalang.node.teams import as_signature
from enigmalang.transport.peering.errors import PeeringError, Refusal

_RENEWED = b"enigmalang renewed committee"


@dataclass(frozen=True, slots=True)
class Successor:
    """A committee of the hub, and which draw it is."""

    committee: int
    drawn: sm.Drawn


class Attempts:
    """How often a member has tried to form a successor of its committee, or consented to one, on each day. Threads may
    share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: Counter[tuple[int, bytes]] = Counter()

    def next(self, day: int, what: bytes) -> int:
        """The number of this attempt. Raises CannotForm when there were ATTEMPTS on this day."""
        with self._lock:
            self._made = Counter({key: made for key, made in self._made.items() if key[0] == day})
            if self._made[day, what] >= ATTEMPTS:
                raise CannotForm(f"{ATTEMPTS} attempts at a successor came to nothing; the next one is made tomorrow")
            self._made[day, what] += 1
            return self._made[day, what] - 1


def purpose(reason: Reason, contract: str, served: int) -> bytes:
    """What a successor is drawn for: with a rotation each contract has its own; else one is for all of them."""
    return f"{contract}/{served}".encode() if reason is Reason.ROTATION else b""


def formed(here: Here, forming: Forming, place: Place, rotation: int, reason: Reason, without: tuple[str, ...],
           attempts: Attempts, what: bytes) -> Successor:
    """A new committee, in a transaction that this node pays; `what`: see `purpose`. Raises CannotForm, ChainError,
    ValueError."""
    day = day_of(here.hub.chain)
    if reason is Reason.REFRESH:
        attempts.next(day, b"renewed")
        return Successor(_renewed(here, place, rotation, secrets.token_bytes(32)), sm.Drawn())
    if not forming.enough(len(place.members)):
        raise CannotForm(f"fewer than {len(place.members)} nodes answer")
    attempt = attempts.next(day, what)
    nonce = successor_nonce(place.committee, what, day, attempt)
    found = forming.form(len(place.members), place.threshold, nonce, rotation, without)
    drawing = found.drawing
    number = here.hub.form(here.key, found.members, drawing.threshold, drawing.salt(), found.until,
                           [as_signature(each) for each in found.signatures], rotation)
    return Successor(number, sm.Drawn(day, attempt, drawing.block, drawing.number))


def _renewed(here: Here, place: Place, rotation: int, nonce: bytes) -> int:
    until = here.hub.chain.block().time + CONSENT_SECONDS
    renew = sm.Renew(place.committee, nonce, until)
    answers: dict[int, sm.Answer | PeeringError] = dict(
        here.ask_all(place.others, lambda _: renew, here.pace.ask))
    try:
        answers[place.me] = consent(here, place, rotation, renew)
    except Refusal as refusal:
        raise CannotForm(str(refusal)) from None
    signatures = []
    for seat in range(1, len(place.members) + 1):
        answer = answers[seat]
        if not isinstance(answer, sm.Agreed):
            raise CannotForm(str(answer) if isinstance(answer, PeeringError) else f"seat {seat} does not agree")
        signatures.append(as_signature(answer.signature))
    return here.hub.form(here.key, place.members, place.threshold, _salt(renew), until, signatures, rotation)


def consent(here: Here, place: Place, rotation: int, request: sm.Renew) -> sm.Agreed:
    """This member's, to serve with the same members once more. Raises Refusal, ChainError."""
    if len(request.nonce) != 32 or not 0 < request.until - here.hub.chain.block().time <= 2 * CONSENT_SECONDS:
        raise Refusal("a consent for another time than now")
    if len(here.hub.committees_of(here.key.address)) >= SERVES:
        raise Refusal("this node serves in as many committees as it can")
    digest = consent_digest(here.hub.domain, place.members, place.threshold, _salt(request), request.until, rotation)
    return sm.Agreed(here.key.sign(digest).to_bytes())


def _salt(request: sm.Renew) -> bytes:
    return keccak(keccak(_RENEWED) + number_word(request.committee) + request.nonce)
