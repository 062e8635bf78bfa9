"""A committee, as one of its members serves it: its seat, its jobs, masks, plans, outcomes, and help for others.

Every member follows the committee's jobs; the one that leads has them computed, sends what was signed, and pays for
that. A job whose time is over is ended by the lowest seat that is there to do it.
"""

import threading
from collections.abc import Callable
from time import monotonic

from enigmalang.chain.errors import ChainError
from enigmalang.chain.follow import ReorganisedTooFar
from enigmalang.execute.ports import EngineError
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.computing import Computing
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.daemon.seats.leading import Leading
from enigmalang.node.daemon.seats.masks import Giver
from enigmalang.node.daemon.seats.outcomes import CommitteeOutcomes
from enigmalang.node.daemon.seats.plans import CommitteePlans
from enigmalang.node.daemon.seats.recovering import Helping
from enigmalang.node.daemon.seats.seat import Seat
from enigmalang.node.durable import points
from enigmalang.node.durable.errors import StateError
from enigmalang.node.faults import describe_bug
from enigmalang.node.operator import Operator
from enigmalang.node.teams import Manner, Team
from enigmalang.plan.codec import decode_plan
from enigmalang.transport.network import Network
from enigmalang.transport.peering.errors import Refusal
from enigmalang.wire import messages as msg
from enigmalang.wire.errors import WireError

#: How often members may say that they cannot compute a job (each time later) before it is left to its deadline.
REFUSALS = 60
#: Seconds that each lower seat has to end a job that is overdue.
LATE = 5.0
#: Seconds after which a leader who has let a job lie is passed over.
USELESS = 60.0


class Member:
    """This node in one committee. `start`: the block from which on its jobs are looked for, when nothing is known."""

    def __init__(self, here: Here, place: Place, start: int, ended: Callable[[int], None],
                 at: points.Hook = points.unwatched) -> None:
        """`ended` is told how each job ended (`chain.hub.FULFILLED`, …). Raises ChainError, StateError."""
        self.place = place
        self._here, self._at, self._ended = here, at, ended
        self._state = here.state.committee(place.committee)
        self.giver = Giver(place, self._state, here.key, here.hub.domain)
        self.plans = CommitteePlans(here, place)
        self.outcomes = CommitteeOutcomes(here, place)
        self.helping = Helping(here, place, self._state)
        self.seat = Seat(here, place, self._state, self._computing)
        self._leading = Leading(here, place, self.seat, self._field_of)
        known = here.kept.looked(place.committee)
        self._start = self._looked = start if known is None else known
        self.operator = self._operator()
        self._open: frozenset[int] = frozenset()
        self._fields: dict[bytes, str] = {}  # by plan
        self._last = ""  # of the last execution
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f"committee-{place.committee}", daemon=True)

    def start(self) -> None:
        """Serve, until `close`."""
        self._thread.start()

    def close(self, seconds: float) -> None:
        """Leave the term, and let go of everything, within so many seconds."""
        deadline = monotonic() + seconds
        self._stop.set()
        self.seat.close(seconds)
        self._thread.join(max(0.0, deadline - monotonic()))
        self._leading.close()

    def answer(self, seat: int, request: sm.Request) -> sm.Answer:
        """A request of the member in `seat`. Raises Refusal, StateError."""
        match request:
            case sm.Stand():
                return self.seat.stand(seat, request)
            case sm.Announce():
                return self.seat.announced(seat, request.term)
            case sm.Do():
                return self.seat.do(seat, request)
            case sm.Mask():
                return self.giver.give(request)
            case sm.TakeOutcome():
                self.outcomes.take(request.job, request.data)
                return sm.Done()
            case sm.WantOutcome():
                return sm.OutcomeOf(self._here.kept.outcome(self.place.committee, request.job))
            case sm.WantLayout():
                return self.helping.layout(request)
            case sm.WantShares():
                return self.helping.shares(seat, request)
            case _:
                raise Refusal("a request that is not for a committee")

    # ---- jobs

    def _operator(self) -> Operator:
        here, place = self._here, self.place
        manner = Manner(self._start, REFUSALS, LATE * place.me, here.pace.poll)
        team = Team(self._leading, place.committee, place.members, place.threshold)
        return Operator(here.hub, here.key, team, self._say, plans=self.plans, outcomes=self.outcomes, manner=manner)

    def _serve(self) -> None:
        """The thread that follows the jobs."""
        silent, head, looked = "", -2, 0.0
        while not self._stop.is_set():
            led = bool(self._open) and self._leading.term > 0
            now = self._here.head.wait(head, self._here.pace.poll)
            if now == head and not led and not (self._open and monotonic() - looked > self._here.pace.look):
                continue
            try:
                looked = monotonic()
                self.operator.step()
                self._look()
                head, silent = now, ""
            except ReorganisedTooFar:
                self.operator = self._operator()  # and everything is looked at again
            except (ChainError, EngineError, StateError, WireError) as error:
                silent = self._wait(silent, str(error))
            except Exception as error:  # noqa: BLE001  no job is done without this thread: it is said, and goes on
                silent = self._wait(silent, describe_bug(error))

    def _wait(self, before: str, reason: str) -> str:
        """After something went wrong, which is said once; the reason."""
        if reason != before:
            self._here.log.warning("jobs wait", committee=self.place.committee, reason=reason)
        self._stop.wait(self._here.pace.poll)
        return reason

    def _look(self) -> None:
        """Remember where to look for jobs after a restart; see that who leads does something."""
        now = frozenset(self.operator.open_jobs)
        for job in self._open - now:
            self._ended(self._here.hub.job(job).status)
        self._open = now
        block = self.operator.settled_before
        if block != self._looked:
            self._here.kept.look(self.place.committee, block)
            self._looked = block
        if min(self.operator.waiting, self.seat.idle) > USELESS:
            self.seat.useless()

    def _computing(self, network: Network) -> Computing:
        return Computing(self._here, self.place, self._state, network, lambda name: self.plans.get(name, b""), self._at)

    def _field_of(self, request: msg.Message) -> str:
        """What a request to the committee computes over: the leader has the plan. What is refuted was executed."""
        if isinstance(request, msg.Execute):
            if request.digest not in self._fields:
                self._fields[request.digest] = decode_plan(self.plans[request.digest]).field
            self._last = self._fields[request.digest]
        return self._last

    def _say(self, line: str) -> None:
        self._here.log.info("job", committee=self.place.committee, text=line)
