"""The daemon's part that computes: the node's seats in committees, what clients ask of them, and new committees."""

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from math import inf
from time import monotonic
from typing import Any

from enigmalang.chain.errors import ChainError
from enigmalang.chain.hub import FAILED, FULFILLED
from enigmalang.mpc import heap
from enigmalang.node.daemon.connection import Misconfigured
from enigmalang.node.daemon.metrics import COUNTER, GAUGE, Family, Metrics
from enigmalang.node.daemon.parts import Surroundings
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.clients import Clients
from enigmalang.node.daemon.seats.forming import Forming
from enigmalang.node.daemon.seats.handing.driving import Told
from enigmalang.node.daemon.seats.handing.due import Reason, Rules
from enigmalang.node.daemon.seats.handing.taking import Serving, Taking
from enigmalang.node.daemon.seats.head import Head
from enigmalang.node.daemon.seats.here import Here, Pace, Place
from enigmalang.node.daemon.seats.kept import Kept
from enigmalang.node.daemon.seats.member import Member
from enigmalang.node.daemon.seats.plans import find_plan, take
from enigmalang.node.daemon.seats.telling import past, summary
from enigmalang.node.durable import points
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.sqlite import SqliteState
from enigmalang.node.faults import describe_bug
from enigmalang.node.reaching import TOPIC
from enigmalang.transport.peering.errors import Refusal
from enigmalang.wire.errors import WireError

FAMILIES = (
    Family("enig_committees", GAUGE, "Committees in which this node has a seat."),
    Family("enig_handovers_total", COUNTER, "Contracts that this node led to another committee, by reason.", "reason",
           tuple(reason.value for reason in Reason)),
    Family("enig_handovers_failed_total", COUNTER, "Hand-overs led here that came to nothing, and were tried again."),
)
#: Committees that are over before the node takes them off its list on the hub, in which there is room for 32.
TIDY, TIDY_AGAIN = 12, 30.0
#: Seconds after which free memory is handed back to the system.
HAND_BACK = 60.0
#: Committees that this node has left of which it keeps the outcomes, for who asks late.
PAST = 64
#: Seconds of failed hand-overs after which the node is not well.
FAILING = 60.0
#: Short questions to other nodes that are under way at once.
ASKING = 64
#: Seconds for which a node is not well after its disk refused: the others ask again sooner.
REFUSING = 30.0
STATE, KEPT = "state.db", "seats.db"


class SeatsPart:
    """See `parts.Part`."""

    name, topic = "seats", TOPIC

    def __init__(self, pace: Pace | None = None, at: points.Hook = points.unwatched) -> None:
        self._pace, self._at = pace or Pace(), at
        self._members: dict[int, Member] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._trouble, self._next_look = "", 0.0
        self._refused = -inf, ""  # when the disk last refused what another member asked for, and why
        self._ended_handings = Told()  # of committees that this node has left
        self._leaving: dict[int, Future[None]] = {}  # committees that are being left
        self._next_tidy = self._next_said = self._next_trim = 0.0
        self._over: set[int] = set()  # committees that have handed over all they had
        self._lasting: set[int] = set()  # committees of which something is kept, and not to be erased

    # ---- start and stop

    def start(self, around: Surroundings) -> None:
        folder = around.folder / self.name
        folder.mkdir(mode=0o700, exist_ok=True)
        chain, hub = around.chain, around.hub
        self._around = around
        try:
            self._state = SqliteState(folder / STATE, around.keys.storage, f"chain {chain.id}, hub {hub.address}")
            self._kept = Kept(folder / KEPT)
        except StateError as error:
            raise Misconfigured(str(error)) from None
        self._pool = ThreadPoolExecutor(ASKING, "ask")
        self._head = Head(chain, self._pace.poll, around.log)
        self._here = Here(around.keys.signing, hub, around.peering, self._state, self._kept, self._head, around.log,
                          self._pool, self._pace, around.stop)
        start = around.config.chain.start
        self._forming = Forming(self._here, self._others, start)
        options = around.config.committees
        self._rules = Rules(options.refresh_hours * 3600, options.absence_seconds)
        self._taking = Taking(self._here, self._rules, self._handings, self._forming, self._at)
        for family in FAMILIES:
            around.metrics.declare(family)
        self._clients = Clients(self._here, self._served, self._forming, lambda: len(around.registry.members()),
                                self._disk)
        self._ticking = threading.Thread(target=self._run, name="seats", daemon=True)
        self._head.start()
        self._ticking.start()

    def stop(self, seconds: float) -> None:
        deadline = monotonic() + seconds
        self._stopped.set()
        self._ticking.join(seconds)
        self._head.close(seconds)
        for member in self._served().values():
            member.close(max(1.0, deadline - monotonic()))
        wait(self._leaving.values(), max(0.0, deadline - monotonic()))
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._state.close()
        self._kept.close()

    # ---- what others ask

    def answer(self, peer: str, body: memoryview) -> bytes:
        """See `Part.answer`."""
        try:
            return sm.encode(self._answer(peer, sm.decode_request(body)))
        except StateError as error:
            self._disk(error)
            raise Refusal(str(error)) from None
        except WireError as error:
            raise Refusal(str(error)) from None

    def _disk(self, error: StateError) -> None:
        """Said once a minute at most: others ask again and again."""
        now = monotonic()
        self._refused = now, str(error)
        if now >= self._next_said:
            self._next_said = now + 60.0
            self._around.log.warning("the disk refuses", reason=str(error))

    def _answer(self, peer: str, request: sm.Request) -> sm.Answer:
        match request:
            case sm.Propose():
                return self._forming.heard(peer, request)
            case sm.Agree():
                return self._forming.agree(peer, request)
            case sm.TakePlan():
                take(self._here, request.data)
                return sm.Done()
            case sm.Ready():
                return self._taking.ready(peer, request)
            case sm.Hand():
                return self._taking.hand(peer, request)
            case sm.WantOutcome() if request.committee not in self._served():  # of a committee that was
                return sm.OutcomeOf(self._kept.outcome(request.committee, request.job))
            case sm.WantPlan():
                return sm.Plan(find_plan(self._here, request.digest) or b"")
            case _:
                member = self._served().get(request.committee)
                if member is None:
                    raise Refusal("this node does not serve that committee yet")
                return member.answer(member.place.seat_of(peer), request)

    def serve(self, body: memoryview) -> bytes:
        """See `Part.serve`."""
        return self._clients.serve(body)

    # ---- what is told

    def status(self) -> Mapping[str, Any]:
        """See `Part.status`."""
        members, now = sorted(self._served().items()), monotonic()
        serving = [member.serving for _, member in members]
        last = [f"last hand-over: {self._taking.last}"] if self._taking.last else []
        over, leaving = self._over - dict(members).keys(), tuple(self._leaving)
        return {
            "text": summary(serving, now),
            "seats": [asdict(each.seat) for each in serving],
            "serves": [each.told(now) for each in serving],
            "over": sorted(over), "leaving": sorted(leaving),
            "jobs": [*(line for each, (_, member) in zip(serving, members, strict=True) for line in (
                each.line, *each.job_lines(), *member.handing.lines(), *member.vault_lines())),
                     *_folded(self._told()), *past(over - set(leaving), leaving), *last],
        }

    def metrics(self, metrics: Metrics) -> None:
        """See `Part.metrics`."""
        metrics.set("enig_jobs_under_way", float(sum(bool(member.seat.busy) for member in self._served().values())))
        metrics.set("enig_committees", float(len(self._served())))
        told = [self._ended_handings, *(member.handing.told for member in self._served().values())]
        for reason in Reason:
            metrics.set("enig_handovers_total", float(sum(each.done[reason.value] for each in told)), reason.value)
        metrics.set("enig_handovers_failed_total", float(sum(each.failed for each in told)))

    def trouble(self) -> str:
        """See `Part.trouble`."""
        now, (refused, why) = monotonic(), self._refused
        if self._trouble or now - refused < REFUSING:
            return self._trouble or why
        return next((f"committee {number} is not handed over: {told.trouble}" for number, told in self._told().items()
                     if told.trouble and now - told.since >= FAILING), "")

    def _told(self) -> dict[int, Told]:
        return {number: member.handing.told for number, member in sorted(self._served().items())}

    # ---- committees

    def _served(self) -> dict[int, Member]:
        with self._lock:
            return dict(self._members)

    def _handings(self) -> dict[int, Serving]:
        return {number: member.handing for number, member in self._served().items()}

    def _others(self) -> tuple[str, ...]:
        return tuple(each.address for each in self._around.registry.members()
                     if each.address != self._around.keys.address)

    def _stays(self, address: str) -> bool:
        """Whether a node is one of the hub's and gave no notice; all do while the hub is not read."""
        registry = self._around.registry
        found = registry.member(address)
        return registry.member(self._around.keys.address) is None or (found is not None and not found.leaves)

    def _ended(self, status: int) -> None:
        """A job of one of the committees has ended so."""
        outcome = {FULFILLED: "done", FAILED: "failed"}.get(status, "refused")
        self._around.metrics.add("enig_jobs_total", outcome)

    def _run(self) -> None:
        """The thread of this part: seats tick, and new committees are served."""
        while not self._stopped.wait(self._pace.tick):
            try:
                self._tick()
                self._hand_back()
            except Exception as error:  # noqa: BLE001  a node without this thread is none: it is said, and goes on
                self._say(describe_bug(error))

    def _hand_back(self) -> None:
        """Now and then, while nothing is computed: what a busy minute left free would be kept for ever."""
        if monotonic() >= self._next_trim and not any(member.seat.busy for member in self._served().values()):
            self._next_trim = monotonic() + HAND_BACK
            heap.collect()

    def _tick(self) -> None:
        trouble = ""
        try:
            if monotonic() >= self._next_look:
                self._next_look = monotonic() + self._pace.poll
                self._follow()
        except (ChainError, StateError) as error:
            trouble = str(error)
        for member in self._served().values():
            try:
                member.seat.tick()
            except StateError as error:
                trouble = str(error)
        self._say(trouble)

    def _say(self, trouble: str) -> None:
        """Once for each trouble."""
        if trouble and trouble != self._trouble:
            self._around.log.warning("seats wait", reason=trouble)
        self._trouble = trouble

    def _follow(self) -> None:
        """Take the seats that this node has, and leave those that it lost. Raises ChainError, StateError."""
        me = self._around.keys.address
        known = self._around.registry.member(me)
        listed = set(known.committees) if known is not None else set()
        self._over |= {number for number, member in self._served().items() if member.handing.over}
        serves = listed - self._over
        for number in serves - self._members.keys():
            found = self._here.hub.committee(number)
            members = tuple(address.lower() for address in found.members)
            place = Place(number, members, found.threshold, members.index(me) + 1)
            member = Member(self._here, place, self._around.config.chain.start, self._ended, self._stays, self._rules,
                            self._at)
            with self._lock:
                self._members[number] = member
            member.start(self._taking, self._forming)
            self._around.log.info("serving", committee=number, seat=place.me, of=len(members))
        for number in self._members.keys() - serves:
            with self._lock:
                gone = self._members.pop(number)
            self._leaving[number] = self._pool.submit(self._leave, number, gone)  # others go on meanwhile
        self._leaving = {number: each for number, each in self._leaving.items() if not each.done()}
        self._erase(serves | self._leaving.keys())
        if len(listed & self._over) >= TIDY and monotonic() >= self._next_tidy:
            self._next_tidy = monotonic() + TIDY_AGAIN
            self._here.hub.claim(self._around.keys.signing)  # the hub forgets them when what they earned is collected

    def _leave(self, number: int, member: Member) -> None:
        """In a thread of the pool."""
        member.close(self._pace.work)
        self._ended_handings.add(member.handing.told)
        self._around.log.info("left", committee=number)
        try:
            self._kept.forget_past(self._served(), PAST)
        except StateError as error:  # when the next one is left it is tried again
            self._disk(error)

    def _erase(self, serves: set[int]) -> None:
        """Nothing is kept of committees that are over, or in which the hub says that this node has no seat any more."""
        hub, me, block = self._here.hub, self._around.keys.address, self._around.registry.block
        for number in set(self._state.committees()) - serves - self._lasting:
            found = hub.committee(number, block)
            lost = me in [member.lower() for member in found.members] and not hub.seat(number, me, block)
            if not lost and number not in self._over:
                self._lasting.add(number)  # looked at again when the node starts anew
                continue
            self._state.committee(number).erase()
            self._around.log.info("erased", committee=number)


def _folded(told: Mapping[int, Told]) -> list[str]:
    """Why committees are not handed over, for people: once for each reason."""
    reasons: dict[str, list[str]] = {}
    for number, each in told.items():
        if each.trouble:
            reasons.setdefault(each.trouble, []).append(str(number))
    return [f"not handed over yet (committee {', '.join(numbers)}): {reason}" for reason, numbers in reasons.items()]
