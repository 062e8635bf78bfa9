"""Seats of a committee in virtual time: messages that are late or lost, machines that stop, links that are cut."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from enigmalang.node.daemon.seats.terms import Ask, Drop, Effect, Join, Keep, Lead, Terms, Timing

TICK = 0.25
#: Seconds after which a meeting notices that a member is gone from it.
NOTICE = 0.5


@dataclass
class _Place:
    """A machine. `run` counts its starts: what was meant for an earlier one is lost."""

    machine: Terms | None = None
    kept: int = 0
    run: int = 0
    obeyed: list[tuple[int, int]] = field(default_factory=list)
    useless: bool = False  # it leads, and gets nothing done


class World:
    """`n` seats. What is always true is checked after each step."""

    def __init__(self, n: int, seed: int, timing: Timing | None = None, loss: float = 0.0) -> None:
        self.n, self.rng, self.now, self.loss = n, Random(seed), 0.0, loss
        self.timing = timing or Timing()
        self.places = {seat: _Place() for seat in range(1, n + 1)}
        self.cut: set[frozenset[int]] = set()
        self.terms = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        for seat in self.places:
            self.start(seat)

    # ---- what a test does

    def start(self, seat: int) -> None:
        place = self.places[seat]
        place.run += 1
        place.machine = Terms(seat, self.n, place.kept, self.now, self.timing)
        self._ticks(seat, place.run)

    def stop(self, seat: int) -> None:
        self.places[seat].machine = None

    def split(self, one: set[int]) -> None:
        """Nothing passes between `one` and the others."""
        self.cut |= {frozenset((a, b)) for a in one for b in self.places if b not in one}

    def heal(self) -> None:
        self.cut.clear()

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, happens = heapq.heappop(self._events)
            happens()
            self._check()
        self.now = end

    def standing(self) -> set[tuple[int, int]]:
        """(term, leader) that some seat obeys, (0, 0) for those that obey none."""
        return {(m.standing.term, m.standing.leader) for m in self.machines()}

    def machines(self) -> list[Terms]:
        return [place.machine for place in self.places.values() if place.machine is not None]

    @property
    def together(self) -> bool:
        """Whether all seats meet in one term."""
        machines = self.machines()
        return len(machines) == self.n and all(m.is_up for m in machines) and len(self.standing()) == 1

    # ---- machinery

    def later(self, seconds: float, happens: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, happens))

    def _ticks(self, seat: int, run: int) -> None:
        machine = self.places[seat].machine
        if machine is None or self.places[seat].run != run:
            return
        self._do(seat, machine.tick(self.now))
        self.later(TICK * self.rng.uniform(0.8, 1.2), lambda: self._ticks(seat, run))

    def _do(self, seat: int, effects: list[Effect]) -> None:
        place = self.places[seat]
        for effect in effects:
            match effect:
                case Keep(term):
                    assert term >= place.kept
                    place.kept = term
                case Ask(other):
                    self._ask(seat, other, self.now)
                case Lead(term):
                    self.terms += 1
                    self._joins(seat, term, seat)
                    for other in self.places:
                        if other != seat:
                            self._announce(seat, other, term)
                case Join(term, leader):
                    self._joins(seat, term, leader)
                case Drop():
                    pass

    def _joins(self, seat: int, term: int, leader: int) -> None:
        place = self.places[seat]
        assert place.kept >= term, "a term is durable before it is obeyed"
        assert (term, leader) not in place.obeyed, "no term is obeyed twice, not even after a restart"
        assert not place.obeyed or term >= place.obeyed[-1][0], "terms only grow"
        place.obeyed.append((term, leader))
        self._meets(seat, term, leader, place.run)

    def _sent(self, source: int, target: int, happens: Callable[[], None]) -> None:
        """A message, after a while, to whoever runs there then; or never."""
        if self.rng.random() < self.loss:
            return

        def arrives() -> None:
            if frozenset((source, target)) not in self.cut and self.places[target].machine is not None:
                happens()

        self.later(self.rng.expovariate(20.0), arrives)

    def _ask(self, seat: int, other: int, asked: float) -> None:
        run, told = self.places[seat].run, self._machine(seat).standing
        if self.places[other].machine is None and self.rng.random() < 0.8:  # nobody listens there
            self.later(0.01, lambda: self._is_gone(seat, other, run))
            return

        def is_asked() -> None:
            machine = self._machine(other)
            self._do(other, machine.asked(seat, told, self.now))
            standing = machine.standing
            self._sent(other, seat, lambda: is_told(standing))

        def is_told(standing: object) -> None:
            machine = self.places[seat].machine
            if machine is not None and self.places[seat].run == run:
                self._do(seat, machine.answered(other, standing, asked, self.now))  # type: ignore[arg-type]

        self._sent(seat, other, is_asked)

    def _machine(self, seat: int) -> Terms:
        machine = self.places[seat].machine
        assert machine is not None
        return machine

    def _is_gone(self, seat: int, other: int, run: int) -> None:
        if self.places[seat].machine is not None and self.places[seat].run == run:
            self._do(seat, self._machine(seat).unreachable(other, self.now))

    def _announce(self, leader: int, other: int, term: int) -> None:
        run, told = self.places[leader].run, False

        def arrives() -> None:
            nonlocal told
            machine = self.places[other].machine
            assert machine is not None
            obeyed, effects = machine.announced(leader, term, self.now)
            self._do(other, effects)
            told = obeyed

        def is_known() -> None:
            machine = self.places[leader].machine
            if not told and machine is not None and self.places[leader].run == run:
                self._do(leader, machine.refused(term, self.now))

        self._sent(leader, other, arrives)
        self.later(2.0, is_known)

    def _meets(self, seat: int, term: int, leader: int, run: int) -> None:
        """Up when all obey the term and reach each other; looked at until it is over."""
        place = self.places[seat]
        machine = place.machine
        if machine is None or place.run != run or machine.standing.term != term or machine.standing.leader != leader:
            return
        whole = not self.cut and len(self.machines()) == self.n and all(
            (m.standing.term, m.standing.leader) == (term, leader) for m in self.machines())
        if whole and not machine.is_up:
            self._do(seat, machine.up(term, self.now))
        elif not whole and machine.is_up:
            self._do(seat, machine.lost(term, self.now))
            return
        elif machine.is_up and self.places[leader].useless and self.rng.random() < 0.2:
            self._do(seat, machine.useless(self.now))
            return
        self.later(NOTICE, lambda: self._meets(seat, term, leader, run))

    def _check(self) -> None:
        leads = [m.leading for m in self.machines() if m.leading]
        obeyed = [(m.standing.term, m.standing.leader) for m in self.machines() if m.is_up]
        for lead in set(obeyed):
            if obeyed.count(lead) > self.n // 2:
                assert all(obeyed.count(other) <= self.n // 2 for other in set(obeyed) - {lead})
        assert len(leads) == len(set(leads)) or len(set(obeyed)) <= len(set(leads))
