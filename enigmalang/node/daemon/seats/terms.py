"""Who leads a committee, and when: one seat's view, as a pure state machine without I/O, clock or randomness.

Members compute together in a *term*, which has a number and a leader; every member is needed for it. Nobody appoints a
leader: of the members that answer, the lowest seat takes the next number and announces its term. Nothing rests on there
being one leader only: a member obeys one term at a time, gives up a term for a greater one, or for one of the same
number that a lower seat leads, and never obeys a number twice, not even after a restart. A wrong leader costs time: the
chain takes t+1 signatures, and each member checks all it signs (`node.serving`).

Adversary: members that stop, come back, or announce what they like. They can keep a term from coming up, as each of
them can by not taking part; under a leader that gets nothing done the others end the term, and pass that seat over for
a while. Cost: each second a message from every member to the leader, and from the leader to every member.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

#: Terms are counted to here, and no seat is made to skip more than JUMP of them at a time by what another one tells.
MOST, JUMP = 1 << 62, 1 << 40


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. `ask`: between two questions to the same seat. `silent`: after which a seat that does not answer is
    taken for gone. `known`: after which everybody has heard of a term. `meet`: for it to come up. `rest`: after a term
    that was led here, doubled each time that none comes up. `turn`: that a higher seat gives each lower one to lead.
    `passed`: that a useless leader is passed over.
    """

    ask: float = 1.0
    silent: float = 8.0
    known: float = 3.0
    meet: float = 20.0
    rest: float = 0.5
    turn: float = 12.0
    passed: float = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What a seat says of itself: the greatest term it knows, and the one it obeys (0: none) and who leads that."""

    greatest: int
    term: int = 0
    leader: int = 0


# ---- what is to be done, in this order


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask `seat` how it stands: `answered` follows, `unreachable`, or nothing."""

    seat: int


@dataclass(frozen=True, slots=True)
class Keep:
    """Make `term` durable before what follows is done: it is where this seat starts from after a restart."""

    term: int


@dataclass(frozen=True, slots=True)
class Lead:
    """Announce `term` to all others, and meet them in it: `up`, `lost` or `refused` follows."""

    term: int


@dataclass(frozen=True, slots=True)
class Join:
    """Meet the others in `term` of `leader`: `up` or `lost` follows."""

    term: int
    leader: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Leave `term`; what it had under way is given up."""

    term: int


Effect = Ask | Keep | Lead | Join | Drop


@dataclass(slots=True)
class _Term:
    """The term that is obeyed; `met` is when it came up, None before."""

    number: int
    leader: int
    since: float
    met: float | None = None


@dataclass(slots=True)
class _Heard:
    """The last answer of a seat: when it came, when it was asked for, and what it said."""

    at: float
    asked: float
    standing: Standing


@dataclass(slots=True)
class Terms:
    """One seat of `n`, from 1. `kept`: the term that was made durable last, 0 at first; `start`: now.

    Every method takes the time (monotonic, seconds), and gives what is to be done.
    """

    me: int
    n: int
    kept: int
    start: float
    timing: Timing = field(default_factory=Timing)
    _greatest: int = 0
    _obeyed: tuple[int, int] = (0, 0)  # the last term that was obeyed, and its leader
    _term: _Term | None = None
    _heard: dict[int, _Heard] = field(default_factory=dict)
    _passed: dict[int, float] = field(default_factory=dict)
    _next_ask: float = 0.0
    _idle: float = 0.0  # since when there is no term
    _rest: float = 0.0  # until when none is led here
    _failed: int = 0  # terms that were led here and did not come up, in a row

    def __post_init__(self) -> None:
        self._greatest, self._obeyed = self.kept, (self.kept, 0)
        self._next_ask = self._idle = self._rest = self.start

    # ---- what others may know

    @property
    def standing(self) -> Standing:
        if self._term is None:
            return Standing(self._greatest)
        return Standing(self._greatest, self._term.number, self._term.leader)

    @property
    def leading(self) -> int:
        """The term that is up and led here; 0 when there is none."""
        term = self._term
        return term.number if term is not None and term.leader == self.me and term.met is not None else 0

    @property
    def is_up(self) -> bool:
        """Whether the members meet in a term that this seat obeys."""
        return self._term is not None and self._term.met is not None

    # ---- what happens

    def tick(self, now: float) -> list[Effect]:
        """Time passes."""
        effects: list[Effect] = []
        if now >= self._next_ask:
            self._next_ask = now + self.timing.ask
            effects += [Ask(seat) for seat in self._watched()]
        if self._term is not None and self._is_over(self._term, now):
            effects += self._end(now)
        if self._term is None and self._is_turn(now):
            effects += self._lead(now)
        return effects

    def answered(self, seat: int, standing: Standing, asked: float, now: float) -> list[Effect]:
        """`seat` says how it stands; it was asked at `asked`."""
        self._heard[seat] = _Heard(now, asked, standing)
        if standing.greatest <= min(MOST, self._greatest + JUMP):
            self._greatest = max(self._greatest, standing.greatest)
        return self.tick(now)

    def asked(self, seat: int, standing: Standing, now: float) -> list[Effect]:
        """`seat` asks, and says how it stands: it is there. What it says may be older than the term that all met in."""
        before = self._heard.get(seat)
        return self.answered(seat, standing, before.asked if before is not None else self.start, now)

    def unreachable(self, seat: int, now: float) -> list[Effect]:
        """Nobody listens where `seat` should be: it is gone, until it is heard again."""
        self._heard.pop(seat, None)
        if self._term is not None and seat in self._watched():
            return self._end(now)
        return []

    def announced(self, leader: int, term: int, now: float) -> tuple[bool, list[Effect]]:
        """`leader` announces a term: whether it is obeyed."""
        if leader == self.me or term > min(MOST, self._greatest + JUMP) or self._is_passed(leader, now):
            return False, []
        last, led_by = self._obeyed
        if term < last or (term == last and leader >= led_by):
            return False, []
        effects: list[Effect] = [Drop(self._term.number)] if self._term is not None else []
        return True, [*effects, *self._obey(term, leader, now), Join(term, leader)]

    def refused(self, term: int, now: float) -> list[Effect]:
        """Somebody does not obey, or does not hear, the term that is led here."""
        return self._end(now) if self._term is not None and self._term.number == term else []

    def up(self, term: int, now: float) -> list[Effect]:
        """All have met in `term`."""
        if self._term is not None and self._term.number == term:
            self._term.met, self._failed = now, 0
        return []

    def lost(self, term: int, now: float) -> list[Effect]:
        """Somebody was lost in `term`, or did not come to it."""
        return self.refused(term, now)

    def useless(self, now: float) -> list[Effect]:
        """There is work, and the leader gets none of it done: others have their turn first, for a while."""
        if self._term is None:
            return []
        self._passed[self._term.leader] = now + self.timing.passed
        return self._end(now)

    # ---- parts

    def _others(self) -> Iterator[int]:
        return (seat for seat in range(1, self.n + 1) if seat != self.me)

    def _watched(self) -> Iterator[int]:
        """Who has to be there for this seat: in a term the leader, for the leader all."""
        if self._term is not None and self._term.leader != self.me:
            return iter((self._term.leader,))
        return self._others()

    def _is_over(self, term: _Term, now: float) -> bool:
        if term.met is None and now - term.since > self.timing.meet:
            return True
        known = term.since + self.timing.known if term.met is None else term.met
        return any(self._is_gone(seat, term, known, now) for seat in self._watched())

    def _is_gone(self, seat: int, term: _Term, known: float, now: float) -> bool:
        """Whether it does not answer, or says that it is elsewhere: it was asked when it knew the term."""
        heard = self._heard.get(seat)
        if now - max(known, heard.at if heard is not None else 0.0) > self.timing.silent:
            return True
        return (heard is not None and heard.asked > known
                and (heard.standing.term, heard.standing.leader) != (term.number, term.leader))

    def _is_turn(self, now: float) -> bool:
        """All answer, and each seat that comes first has had the time to lead."""
        if now < self._rest or any(
                seat not in self._heard or now - self._heard[seat].at > self.timing.silent for seat in self._others()):
            return False
        order = sorted(range(1, self.n + 1), key=lambda seat: (self._is_passed(seat, now), seat))
        return now - self._idle >= order.index(self.me) * self.timing.turn

    def _is_passed(self, seat: int, now: float) -> bool:
        return now < self._passed.get(seat, 0.0)

    def _lead(self, now: float) -> list[Effect]:
        number = max(self._greatest, self._obeyed[0]) + 1
        return [*self._obey(number, self.me, now), Lead(number)]

    def _obey(self, term: int, leader: int, now: float) -> list[Effect]:
        self._term = _Term(term, leader, now)
        self._obeyed, self._greatest = (term, leader), max(self._greatest, term)
        return [Keep(term)]

    def _end(self, now: float) -> list[Effect]:
        assert self._term is not None
        ended, self._term = self._term, None
        self._idle = self._next_ask = now
        if ended.leader == self.me:
            if ended.met is None and len(self._heard) == self.n - 1:  # though all are there
                self._failed += 1
            self._rest = now + self.timing.rest * 2 ** min(self._failed, 5)
        return [Drop(ended.number)]
