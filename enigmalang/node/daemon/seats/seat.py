"""A seat: one node's part in one committee. It does what its `Terms` say, and answers the other members.

Threads: the part's own ticks; the node's pool asks; each term's mesh has one; peering's answer. They meet under one
lock, which is not held while anybody waits for another node.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.daemon.seats.meshes import Mesh, TermOver, Work
from enigmalang.node.daemon.seats.terms import Ask, Drop, Effect, Join, Keep, Lead, Standing, Terms
from enigmalang.node.durable.sqlite import CommitteeState
from enigmalang.transport.network import Network
from enigmalang.transport.peering.errors import PeeringError, PeerUnreachable, Refusal


@dataclass(frozen=True, slots=True)
class SeatStatus:
    """For people: the term, who leads it (0: nobody), whether all have met."""

    committee: int
    seat: int
    members: int
    term: int
    leader: int
    up: bool

    @property
    def leads(self) -> bool:
        return self.leader == self.seat

    @property
    def line(self) -> str:
        """In words."""
        head = f"committee {self.committee}, seat {self.seat} of {self.members}: "
        leader = "here" if self.leads else f"by seat {self.leader}"
        if self.up:
            return head + f"all have met, led {leader} (term {self.term})"
        return head + (f"the members are meeting, led {leader} (term {self.term})" if self.leader else
                       "waits until all members are there")


class Seat:
    """`begin` makes what is computed with on the network of a term."""

    def __init__(self, here: Here, place: Place, state: CommitteeState, begin: Callable[[Network], Work]) -> None:
        self.place = place
        self._here, self._state, self._begin = here, state, begin
        self._lock = threading.RLock()
        self._terms = Terms(place.me, len(place.members), state.term(), monotonic(), here.pace.timing)
        self._mesh: Mesh | None = None
        self._asking: set[int] = set()
        self._seen = dict.fromkeys(place.others, monotonic())  # when each was heard of last
        self._closed = False

    # ---- the part

    def tick(self) -> None:
        """Time has passed."""
        with self._lock:
            if not self._closed:
                self._do(self._terms.tick(monotonic()))

    def useless(self) -> None:
        """There is work, and whoever leads gets none of it done."""
        with self._lock:
            self._do(self._terms.useless(monotonic()))

    def close(self, seconds: float) -> None:
        """Leave the term, and wait until nothing is computed any more."""
        with self._lock:
            self._closed = True
            mesh, self._mesh = self._mesh, None
        if mesh is not None:
            mesh.close()
            mesh.join(seconds)

    @property
    def status(self) -> SeatStatus:
        with self._lock:
            standing = self._terms.standing
            return SeatStatus(self.place.committee, self.place.me, len(self.place.members), standing.term,
                              standing.leader, self._terms.is_up)

    @property
    def busy(self) -> float:
        """Since when a request is computed (monotonic); 0 while none is."""
        with self._lock:
            return self._mesh.busy if self._mesh is not None else 0.0

    @property
    def idle(self) -> float:
        """Seconds for which nothing was computed in this term; 0 when something is, or there is no term."""
        with self._lock:
            mesh = self._mesh
            return 0.0 if mesh is None or mesh.busy or not self._terms.is_up else monotonic() - mesh.worked

    def absent(self) -> dict[int, float]:
        """Seconds since those were heard of who do not answer, by seat."""
        with self._lock:
            if self._terms.is_up:
                self._seen = dict.fromkeys(self._seen, monotonic())
            now, silent = monotonic(), self._here.pace.timing.silent
            return {seat: now - seen for seat, seen in self._seen.items() if now - seen > silent}

    # ---- for who leads

    def led(self) -> Mesh | None:
        """See `leading.Led`."""
        with self._lock:
            return self._mesh if self._terms.leading and not self._closed else None

    def lost(self, term: int, reason: str) -> None:
        """See `leading.Led`."""
        with self._lock:
            if self._closed or self._terms.standing.term != term:
                return
            self._here.log.info("term over", committee=self.place.committee, term=term, reason=reason)
            self._do(self._terms.lost(term, monotonic()))

    # ---- other members

    def stand(self, seat: int, request: sm.Stand) -> sm.Stands:
        with self._lock:
            self._seen[seat] = monotonic()
            if not self._closed:
                told = Standing(request.greatest, request.term, request.leader)
                self._do(self._terms.asked(seat, told, monotonic()))
            standing = self._terms.standing
            return sm.Stands(standing.greatest, standing.term, standing.leader)

    def announced(self, leader: int, term: int) -> sm.Obeys:
        with self._lock:
            if self._closed:
                raise Refusal("the node is stopping")
            obeyed, effects = self._terms.announced(leader, term, monotonic())
            self._do(effects)
            return sm.Obeys(obeyed)

    def do(self, leader: int, request: sm.Do) -> sm.Did:
        """A request of who leads the term."""
        with self._lock:
            mesh = self._mesh
            if mesh is None or (mesh.term, mesh.leader) != (request.term, leader):
                raise Refusal(f"term {request.term} is over")
        try:
            return sm.Did(mesh.do(request.number, request.field, request.request))
        except TermOver as over:
            raise Refusal(str(over)) from None

    # ---- effects

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Keep(term):
                    self._state.keep_term(term)
                case Ask(seat):
                    self._ask(seat)
                case Drop():
                    self._drop()
                case Join(term, leader):
                    self._meet(term, leader)
                case Lead(term):
                    self._meet(term, self.place.me)
                    threading.Thread(target=self._announce, args=(term,), name=f"announce-{term}", daemon=True).start()

    def _meet(self, term: int, leader: int) -> None:
        self._drop()
        self._mesh = Mesh(self._here, self.place, term, leader, self._begin, self._up, self.lost)
        self._mesh.start()

    def _drop(self) -> None:
        mesh, self._mesh = self._mesh, None
        if mesh is not None:
            mesh.close()

    def _up(self, term: int) -> None:
        with self._lock:
            self._do(self._terms.up(term, monotonic()))
            leader = self._terms.standing.leader
        self._here.log.info("term up", committee=self.place.committee, term=term, leader=leader)

    def _ask(self, seat: int) -> None:
        if seat not in self._asking:
            self._asking.add(seat)
            self._here.pool.submit(self._asked, seat, monotonic())

    def _asked(self, seat: int, asked: float) -> None:
        """In a thread of the pool."""
        own, answer, gone = self._terms.standing, None, False
        stand = sm.Stand(self.place.committee, own.greatest, own.term, own.leader)
        try:
            answer = self._here.ask(self.place.members[seat - 1], stand, self._here.pace.ask)
        except PeeringError as error:  # who is only slow, the machine sees by itself
            gone = isinstance(error, PeerUnreachable) and monotonic() - asked < self._here.pace.ask / 2
        with self._lock:
            self._asking.discard(seat)
            if self._closed:
                return
            if isinstance(answer, sm.Stands):
                self._seen[seat] = monotonic()
                standing = Standing(answer.greatest, answer.term, answer.leader)
                self._do(self._terms.answered(seat, standing, asked, monotonic()))
            elif gone:
                self._do(self._terms.unreachable(seat, monotonic()))

    def _announce(self, term: int) -> None:
        """In a thread of its own. A term that somebody does not obey is over."""
        announced = sm.Announce(self.place.committee, term)
        for seat, answer in self._here.ask_all(self.place.others, lambda _: announced, self._here.pace.ask).items():
            if not isinstance(answer, sm.Obeys) or not answer.yes:
                reason = str(answer) if isinstance(answer, PeeringError) else f"seat {seat} does not obey"
                self.lost(term, reason)
                return
