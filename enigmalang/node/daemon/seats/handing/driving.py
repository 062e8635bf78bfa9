"""Leading a hand-over: the lowest seat that is there does it, and each other one when its turn comes.

It gets a successor formed, asks the old members what there is to hand over, has t + 1 of them deal and all of the
successor receive, and sends what they signed: from the block that has it, the successor serves the contract. Until then
nothing has changed; whatever fails is tried again, less and less often. A wrong leader can only fail.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from enigmalang.chain.digests import Signature
from enigmalang.chain.errors import ChainError
from enigmalang.chain.formations import formation
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.forming import CannotForm, Forming
from enigmalang.node.daemon.seats.handing.due import Reason, Rules, due
from enigmalang.node.daemon.seats.handing.facts import Standing
from enigmalang.node.daemon.seats.handing.successors import Attempts, Successor, formed, purpose
from enigmalang.node.daemon.seats.handing.taking import Serving, Taking, run_of
from enigmalang.node.daemon.seats.here import Here
from enigmalang.node.draws import GRACE, day_of
from enigmalang.node.durable import points
from enigmalang.node.teams import as_signature
from enigmalang.plan.codec import PlanError
from enigmalang.transport.peering.errors import PeeringError, PeerRefused, Refusal
from enigmalang.wire.messages import Message

#: How often a successor may fail before another one is formed: each takes a place that the hub gives its members.
TRIES = 5
#: Seconds until a hand-over that failed is tried again: twice as many each time, up to the longest.
AGAIN, LONGEST = 1.0, 120.0


class Failed(Exception):
    """A hand-over came to nothing; the text says why."""


@dataclass(slots=True)
class _Due:
    """A contract that is to be handed over."""

    reason: Reason
    since: float
    failures: int = 0
    next_try: float = 0.0


@dataclass(slots=True)
class Told:
    """What a person is told of hand-overs that this member led."""

    trouble: str = ""
    since: float = 0.0  # when the trouble began
    done: Counter[str] = field(default_factory=Counter)
    failed: int = 0

    def add(self, other: "Told") -> None:
        """Count another member's with these."""
        self.done += other.done
        self.failed += other.failed


class Driving:
    """At one member of one committee; used by one thread."""

    def __init__(self, here: Here, rules: Rules, member: Serving, taking: Taking, forming: Forming,
                 at: points.Hook = points.unwatched) -> None:
        self._here, self._rules, self._member, self._at = here, rules, member, at
        self._taking, self._forming = taking, forming
        self._due: dict[str, _Due] = {}
        self._successors: dict[Reason, Successor] = {}
        self._tried: Counter[Reason] = Counter()
        self._attempts = Attempts()
        self.told = Told()

    @property
    def reasons(self) -> Mapping[str, Reason]:
        """Why contracts are to be handed over now."""
        return {contract: each.reason for contract, each in list(self._due.items())}

    def step(self, standing: Standing, absent: Mapping[int, float]) -> None:
        """Lead what is due and this member's turn. Raises ChainError, StateError."""
        now = monotonic()
        if not self._due:
            self.told.trouble = ""
        for contract in self._due.keys() - standing.contracts.keys():
            del self._due[contract]
        for contract in standing.contracts:
            reason = due(standing.facts(contract, absent), self._rules)
            if reason is None:
                self._due.pop(contract, None)
                continue
            waits = self._due.setdefault(contract, _Due(reason, now))
            waits.reason = reason
            if now >= waits.next_try and now - waits.since >= self._turn(standing, absent):
                self._try(contract, waits, standing.rotation, absent)

    def _turn(self, standing: Standing, absent: Mapping[int, float]) -> float:
        """Seconds that lower seats have, of those who are there."""
        lower = [seat for seat in range(1, self._member.place.me)
                 if seat not in absent and seat not in standing.left]
        return len(lower) * self._here.pace.turn

    def _try(self, contract: str, waits: _Due, rotation: int, absent: Mapping[int, float]) -> None:
        here, number = self._here, self._member.place.committee
        try:
            successor = self._hand_over(contract, waits.reason, rotation, absent)
        except (Failed, CannotForm, ChainError, PlanError, KeyError, ValueError) as error:
            waits.failures += 1
            waits.next_try = monotonic() + min(AGAIN * 2 ** min(waits.failures, 10), LONGEST)
            self.told.failed += 1
            if not self.told.trouble:
                self.told.since = monotonic()
            self.told.trouble = str(error)
            here.log.warning("not handed over", committee=number, contract=contract, why=waits.reason.value,
                             reason=str(error))
            return
        self._due.pop(contract, None)
        self.told.trouble = ""
        self.told.done[waits.reason.value] += 1
        here.log.info("led a hand-over", committee=number, contract=contract, successor=successor,
                      why=waits.reason.value)

    # ---- one hand-over

    def _hand_over(self, contract: str, reason: Reason, rotation: int, absent: Mapping[int, float]) -> int:
        here, place = self._here, self._member.place
        if reason not in self._successors or self._is_stale(self._successors[reason]):
            self._forget(reason)
            self._successors[reason] = self._formed(contract, reason, rotation, absent)
        successor = self._successors[reason]
        try:
            ready = sm.Ready(place.committee, contract, successor.committee, reason.value, successor.drawn)
            dealers, what = self._choose(self._asked(place.others, place.me, ready, self._taking.ready))
            plan = here.hub.attachment(contract).plan
            self._hand_on(successor.committee, plan)
            request = sm.Hand(place.committee, contract, successor.committee, self._member.field_of(plan),
                              list(dealers), what, secrets.token_bytes(32), reason.value)
            self._send(request, dealers)
        except (Failed, ChainError):
            self._release(contract)
            self._tried[reason] += 1
            if self._tried[reason] >= TRIES:  # perhaps another one will do
                self._forget(reason)
            raise
        if reason is Reason.ROTATION:
            self._forget(reason)  # each contract has its own
        return successor.committee

    def _hand_on(self, successor: int, plan: bytes) -> None:
        """The plan, to all of the successor: perhaps none of them has it. Raises Failed, ChainError."""
        here = self._here
        members = [member.lower() for member in here.hub.committee(successor).members]
        others = {place: member for place, member in enumerate(members) if member != here.key.address}
        data = sm.TakePlan(self._member.plan_of(plan))
        for place, answer in here.ask_all(others, lambda _: data, here.pace.ask).items():
            if not isinstance(answer, sm.Done):
                raise Failed(f"{members[place]}: {_why(answer)}")

    def _release(self, contract: str) -> None:
        """Jobs go on until the next try."""
        here, place = self._here, self._member.place
        self._member.holds.release(contract, here.key.address)
        release = sm.Release(place.committee, contract)
        here.ask_all(place.others, lambda _: release, here.pace.ask)

    def _is_stale(self, successor: Successor) -> bool:
        """Whether it was drawn so long ago that nobody believes in it. Raises ChainError."""
        return successor.drawn.block > 0 and successor.drawn.day < day_of(self._here.hub.chain, GRACE)

    def _forget(self, reason: Reason) -> None:
        self._successors.pop(reason, None)
        self._tried.pop(reason, None)

    def _formed(self, contract: str, reason: Reason, rotation: int, absent: Mapping[int, float]) -> Successor:
        """A successor, when t + 1 members could hand over to one: who attaches what nobody can serve costs nothing.
        Raises Failed, CannotForm, ChainError."""
        here, place = self._here, self._member.place
        self._choose(self._asked(place.others, place.me, sm.Ready(
            place.committee, contract, 0, reason.value, sm.Drawn()), self._taking.ready))
        longest = sorted(absent, key=lambda seat: -absent[seat])[: place.threshold]
        without = tuple(sorted(place.members[seat - 1] for seat in longest))
        what = purpose(reason, contract, self._served(contract))
        return formed(here, self._forming, place, rotation, reason, without, self._attempts, what)

    def _served(self, contract: str) -> int:
        return self._here.hub.attachment(contract).served

    def _asked(self, others: Mapping[int, str], me: int, request: Message, own: Callable[..., sm.Answer]
               ) -> dict[int, "sm.Answer | PeeringError"]:
        """What each answers, this node too: `own` is what it does itself. Members may have to see the successor first.
        """
        here = self._here
        address = here.key.address

        def mine() -> "sm.Answer | PeeringError":
            try:
                return own(address, request)
            except Refusal as refusal:
                return PeerRefused(address, str(refusal))

        told = here.pool.submit(mine) if me else None
        found = here.ask_all(others, lambda _: request, here.pace.hand)
        return found | ({me: told.result()} if told is not None else {})

    def _choose(self, answers: Mapping[int, "sm.Answer | PeeringError"]) -> tuple[tuple[int, ...], sm.Readied]:
        """t + 1 members that have the same, and what they all have. Raises Failed."""
        threshold = self._member.place.threshold
        groups: dict[tuple[int, bytes, bytes], dict[int, sm.Readied]] = {}
        for seat, answer in sorted(answers.items()):
            if isinstance(answer, sm.Readied):
                groups.setdefault((answer.settled, answer.root, answer.layout), {})[seat] = answer
        best = max(groups.values(), key=len, default={})
        if len(best) <= threshold:
            why = "; ".join(f"seat {seat}: {_why(answer)}" for seat, answer in sorted(answers.items())
                            if not isinstance(answer, sm.Readied))
            raise Failed(f"{len(best)} members are ready, and {threshold + 1} are needed ({why or 'they differ'})")
        dealers = tuple(best)[: threshold + 1]
        first = best[dealers[0]]
        common = [mask for mask in first.masks if all(mask in best[seat].masks for seat in dealers)]
        return dealers, sm.Readied(first.settled, first.root, first.layout, common)

    def _send(self, request: sm.Hand, dealers: tuple[int, ...]) -> None:
        """Have it dealt and signed, and tell the chain. Raises Failed, ChainError."""
        hub, place, key = self._here.hub, self._member.place, self._here.key
        successor = formation(hub, request.successor, hub.first_block(), hub.chain.block_number())
        if successor is None:
            raise Failed("the successor is not on the chain any more")
        new = successor.members
        everyone = tuple(dict.fromkeys((*(place.members[seat - 1] for seat in dealers), *new)))
        others = {number: peer for number, peer in enumerate(everyone, 1) if peer != key.address}
        me = everyone.index(key.address) + 1 if key.address in everyone else 0
        answers = {everyone[number - 1]: answer
                   for number, answer in self._asked(others, me, request, self._taking.hand).items()}
        old = _signatures(answers, [place.members[seat - 1] for seat in dealers], lambda told: told.old)
        successors = _signatures(answers, new, lambda told: told.new)
        self._at(points.HAND_COLLECTED)
        hub.reattach(key, request.contract, successor.consent, request.what.settled, run_of(request), old, successors)
        self._at(points.HAND_SENT)


def _signatures(answers: Mapping[str, "sm.Answer | PeeringError"], members: "tuple[str, ...] | list[str]",
                which: Callable[[sm.Handed], bytes]) -> list[Signature]:
    """Of all of these members. Raises Failed."""
    found = []
    for member in members:
        answer = answers[member]
        if not isinstance(answer, sm.Handed) or not which(answer):
            raise Failed(f"{member}: {_why(answer)}")
        found.append(as_signature(which(answer)))
    return found


def _why(answer: "sm.Answer | PeeringError") -> str:
    return str(answer) if isinstance(answer, PeeringError) else "answered with something else"
