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
from enigmalang.node.daemon.seats.forming import CannotForm, Forming
from enigmalang.node.daemon.seats.handing.due import Rules
from enigmalang.node.daemon.seats.handing.handing import Handing
from enigmalang.node.daemon.seats.handing.successors import Attempts, consent
from enigmalang.node.daemon.seats.handing.taking import Taking
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.daemon.seats.leading import Leading
from enigmalang.node.daemon.seats.masks import Giver
from enigmalang.node.daemon.seats.outcomes import CommitteeOutcomes
from enigmalang.node.daemon.seats.plans import CommitteePlans
from enigmalang.node.daemon.seats.recovering import Helping
from enigmalang.node.daemon.seats.seat import Seat
from enigmalang.node.daemon.seats.steady import Steady
from enigmalang.node.daemon.seats.telling import LastJob, Serving
from enigmalang.node.draws import day_of
from enigmalang.node.durable import points
from enigmalang.node.durable.errors import StateError
from enigmalang.node.operator import Operator
from enigmalang.node.teams import Manner, Team
from enigmalang.node.vault_room import room_line
from enigmalang.plan.codec import decode_plan
from enigmalang.transport.network import Network
from enigmalang.transport.peering.errors import Refusal
from enigmalang.wire import messages as msg
from enigmalang.wire.errors import WireError

#: How often members may say that they cannot compute a job (each time later) before it is left to its deadline.
REFUSALS = 60
#: Seconds that each lower seat has to end a job that is overdue.
LATE = 5.0
#: Plans of which it is remembered what they compute over.
FIELDS_KEPT = 1024
#: Seconds after which a leader who has let a job lie is passed over.
USELESS = 60.0


class Member:
    """This node in one committee. `start`: the block from which on its jobs are looked for, when nothing is known."""

    def __init__(self, here: Here, place: Place, start: int, ended: Callable[[int], None],
                 stays: Callable[[str], bool], rules: Rules, at: points.Hook = points.unwatched) -> None:
        """`ended` is told how each job ended (`chain.hub.FULFILLED`, …); `stays`: whether a node is the hub's and
        means to stay; `rules`: when contracts are handed over. Raises ChainError, StateError."""
        self.place = place
        self._here, self._at, self._ended = here, at, ended
        self._state = here.state.committee(place.committee)
        self.giver = Giver(place, self._state, here.key, here.hub.domain, at)
        self.plans = CommitteePlans(here, place)
        self.outcomes = CommitteeOutcomes(here, place)
        self.helping = Helping(here, place, self._state)
        self.seat = Seat(here, place, self._state, self._computing)
        self.handing = Handing(here, rules, place, self._state, self.giver, self.seat,
                               self.plans.__getitem__, self._field, stays, start, at)
        self._leading = Leading(here, place, self.seat, self._field_of)
        known = here.kept.looked(place.committee)
        self._start = self._looked = max(start, self.handing.first) if known is None else known
        self.operator = self._operator()
        self._consents = Attempts()
        self._open: frozenset[int] = frozenset()
        self._fields: dict[bytes, str] = {}  # by plan
        self._last = ""  # of the last execution
        self._last_job: LastJob | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f"committee-{place.committee}", daemon=True)

    def start(self, taking: Taking, forming: Forming) -> None:
        """Serve, until `close`."""
        self._thread.start()
        self.handing.begin(lambda: self.operator, taking, forming)

    def close(self, seconds: float) -> None:
        """Leave the term, and let go of everything, within so many seconds."""
        deadline = monotonic() + seconds
        self._stop.set()
        self.seat.close(seconds)
        self._thread.join(max(0.0, deadline - monotonic()))
        self.handing.close(max(0.0, deadline - monotonic()))
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
            case sm.Renew():
                return self._renewed(seat, request)
            case sm.Release():
                self.handing.holds.release(request.contract, self.place.members[seat - 1])
                return sm.Done()
            case _:
                raise Refusal("a request that is not for a committee")

    def _renewed(self, seat: int, request: sm.Renew) -> sm.Agreed:
        """Consent to the same members once more, if the time is nearly over here too; so often a day to each."""
        try:
            if not self.handing.is_old():
                raise Refusal("for this node the committee's time is not over")
            self._consents.next(day_of(self._here.hub.chain), bytes([seat]))
            return consent(self._here, self.place, self.handing.rotation, request)
        except (ChainError, CannotForm) as error:
            raise Refusal(str(error)) from None

    @property
    def serving(self) -> Serving:
        """For people."""
        since = self.seat.busy
        return Serving(self.seat.status, self.handing.contracts, self.operator.doing(),
                       monotonic() - since if since else 0.0, self._last_job)

    def vault_lines(self) -> list[str]:
        """For people: how full the vaults are that are kept here."""
        try:
            return [room_line(self._state, vault) for vault in self.handing.vaults]
        except StateError as error:
            return [f"how full its vaults are cannot be told: {error}"]

    # ---- jobs

    def _operator(self) -> Operator:
        here, place = self._here, self.place
        manner = Manner(self._start, REFUSALS, LATE * place.me, here.pace.poll, here.pace.order)
        team = Team(self._leading, place.committee, place.members, place.threshold)
        return Operator(here.hub, here.key, team, self._say, plans=self.plans, outcomes=self.outcomes, manner=manner)

    def _serve(self) -> None:
        """The thread that follows the jobs."""
        steady = Steady(self._here, "jobs wait", self.place.committee, self._stop,
                        (ChainError, EngineError, StateError, WireError))
        head, looked = -2, 0.0
        while not self._stop.is_set():
            led = bool(self._open) and self._leading.term > 0
            now = self._here.head.wait(head, self._here.pace.poll)
            if now == head and not led and not (self._open and monotonic() - looked > self._here.pace.look):
                continue
            looked = monotonic()
            if steady.did(self._step):
                head = now

    def _step(self) -> None:
        try:
            self.operator.step()
        except ReorganisedTooFar:
            self.operator = self._operator()
            self.operator.step()  # everything is looked at again
        finally:
            self._look()

    def _look(self) -> None:
        """Remember where to look for jobs after a restart; see that who leads does something."""
        now, left = frozenset(self.operator.open_jobs), frozenset(self.operator.left)
        self.operator.left -= left
        for job in (self._open | left) - now:
            state = self._here.hub.job(job)
            self._last_job = LastJob(job, state.contract.lower(), state.status, monotonic())
            self._ended(state.status)
        self._open = now
        block = self.operator.settled_before
        if block != self._looked:
            self._here.kept.look(self.place.committee, block)
            self._looked = block
        if min(self.operator.waiting, self.seat.idle) > USELESS:
            self.seat.useless()

    def _computing(self, network: Network) -> Computing:
        return Computing(self._here, self.place, self._state, network, lambda name: self.plans.get(name, b""),
                         self.handing.applying.take, self.handing.held, self._at)

    def _field_of(self, request: msg.Message) -> str:
        """What a request to the committee computes over: the leader has the plan. What is refuted was executed."""
        if isinstance(request, msg.Execute):
            self._last = self._field(request.digest)
        return self._last

    def _field(self, plan: bytes) -> str:
        """What a plan computes over. Raises KeyError when nobody has it, PlanError. Any thread may ask."""
        found = self._fields.get(plan)
        if found is None:
            if len(self._fields) >= FIELDS_KEPT:
                self._fields.clear()
            found = self._fields[plan] = decode_plan(self.plans[plan]).field
        return found

    def _say(self, line: str) -> None:
        self._here.log.info("job", committee=self.place.committee, text=line)
