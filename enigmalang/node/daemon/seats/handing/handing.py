"""One committee's hand-overs at one member: it follows the chain, leads what is due, and answers who leads."""

import threading
from collections.abc import Callable
from typing import Protocol

from enigmalang.chain.errors import ChainError
from enigmalang.chain.requested import NoSuchJob, Opened, Requested
from enigmalang.chain.vault import vault_plan
from enigmalang.diagnostics import EnigmaError
from enigmalang.node.daemon.seats.forming import Forming
from enigmalang.node.daemon.seats.handing.applying import Applying
from enigmalang.node.daemon.seats.handing.driving import Driving, Told
from enigmalang.node.daemon.seats.handing.due import Facts, Reason, Rules, agrees, lasts
from enigmalang.node.daemon.seats.handing.facts import Standing, Watched
from enigmalang.node.daemon.seats.handing.holding import Holds
from enigmalang.node.daemon.seats.handing.taking import OpenMask, Taking
from enigmalang.node.daemon.seats.handing.worth import Worth
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.daemon.seats.masks import Giver
from enigmalang.node.daemon.seats.recovering import Recovery, kept_keys
from enigmalang.node.daemon.seats.seat import Seat
from enigmalang.node.daemon.seats.steady import Steady
from enigmalang.node.durable import points
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.sqlite import CommitteeState
from enigmalang.node.mustering import input_size

#: Why a committee with a rotation begins no further job.
SERVED = "its committee has served its jobs; another one takes over"


class Jobs(Protocol):
    """What a member knows of the open jobs of its committee: `operator.Operator`, and the plans."""

    def open_of(self, contract: str) -> list[Opened]: ...

    def requested(self, opened: Opened, digest: bytes) -> Requested: ...


class Handing:
    """See `taking.Serving`. `start` to `close` it has a thread of its own."""

    def __init__(self, here: Here, rules: Rules, place: Place, state: CommitteeState, giver: Giver, seat: Seat,
                 plan_of: Callable[[bytes], bytes], field_of: Callable[[bytes], str], stays: Callable[[str], bool],
                 start: int, at: points.Hook = points.unwatched) -> None:
        """`plan_of`, `field_of` and `stays`: see `Serving` and `Watched`; `start`: the committee was not formed before
        this block. Raises ChainError."""
        self.place, self.state, self.giver, self.holds = place, state, giver, Holds()
        self._here, self._rules, self._seat, self._at = here, rules, seat, at
        self.plan_of, self.field_of = plan_of, field_of
        self._watched = Watched(here.hub, place, start, stays, Worth(here.hub, state.known, field_of))
        self._watching = threading.Lock()
        self.applying = Applying(here, place, state, self._watched.first, self._lose, at)
        self._standing: Standing | None = None
        self.over = False  # whether the committee has handed over all it had: for ever
        self._driving: Driving | None = None  # until all is there
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"handing-{place.committee}", daemon=True)

    def begin(self, jobs: Callable[[], Jobs], taking: Taking, forming: Forming) -> None:
        """Once all is there."""
        self._jobs = jobs
        self._driving = Driving(self._here, self._rules, self, taking, forming, self._at)
        self._thread.start()

    def close(self, seconds: float) -> None:
        """Leave what is led; it is nobody's loss."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def is_old(self) -> bool:
        """Whether the committee may be renewed. Raises ChainError."""
        standing = self._at_block(self.final())
        return agrees(Reason.REFRESH, Facts(age=standing.age), self._rules)

    @property
    def first(self) -> int:
        """The block in which the committee was formed."""
        return self._watched.first

    @property
    def rotation(self) -> int:
        """Jobs that the committee serves of a contract; 0 for any number."""
        return self._watched.rotation

    def held(self, contract: str) -> str:
        """Why no job of the contract is begun now; empty when it may be. Raises ChainError."""
        if self.rotation and self._here.hub.attachment(contract).served >= self.rotation:
            return SERVED
        return self.holds.why(contract)

    # ---- taking.Serving

    @property
    def busy(self) -> bool:
        """See `Serving.busy`."""
        return bool(self._seat.busy)

    def facts(self, contract: str, block: int) -> Facts | None:
        """See `Serving.facts`."""
        standing = self._at_block(block)
        return standing.facts(contract, self._seat.absent()) if contract in standing.contracts else None

    def masks_of(self, contract: str, plan: bytes) -> list[OpenMask]:
        """See `Serving.masks_of`."""
        jobs, found = self._jobs(), []
        for opened in jobs.open_of(contract):
            try:
                job = jobs.requested(opened, plan).job
            except (NoSuchJob, EnigmaError):  # nobody can compute it, so nobody needs its mask
                continue
            if job.call.shapes:
                found.append(OpenMask(job.number, job.mask, input_size(job), job.call.sender.address))
        return found

    def recover(self, contract: str, field: str, root: bytes) -> bool:
        """See `Serving.recover`. Who computes has older state: its term ends."""
        keys = kept_keys(self.place, self.state)
        if keys is None:
            return False
        got = Recovery(self._here, self.place, self.state, keys).get(contract, field, root)
        if got:
            self._lose("private state came back")
        return got

    # ---- what is told

    @property
    def told(self) -> Told:
        """Of hand-overs that were led here."""
        return self._driving.told if self._driving is not None else Told()

    @property
    def contracts(self) -> tuple[str, ...] | None:
        """What the committee serves, as was looked last; None before the first look."""
        return None if self._standing is None else tuple(sorted(self._standing.contracts))

    @property
    def vaults(self) -> list[str]:
        """Those of `contracts` that are vaults."""
        found = self._standing.contracts if self._standing is not None else {}
        return sorted(contract for contract, attached in found.items() if attached.plan == vault_plan())

    def lines(self) -> list[str]:
        """For a person: what the committee serves, and what is due when."""
        standing, number = self._standing, self.place.committee
        if standing is None:
            return []
        names = ", ".join(sorted(standing.contracts)) or "no contract"
        rotation = f", {standing.rotation} jobs of each" if standing.rotation else ""
        rows = [f"committee {number} (its keys are {_duration(standing.age)} old) serves {names}{rotation}"]
        absent = self._seat.absent()
        for contract in sorted(standing.contracts):
            facts = standing.facts(contract, absent)
            reason = self._driving.reasons.get(contract) if self._driving is not None else None
            left = lasts(facts, self._rules)
            when = "new shares only when others ask" if left is None else f"new shares in {_duration(left)}"
            rows.append(f"{contract}: {facts.served} jobs here; " + (
                f"hand-over due: {reason.value}" if reason is not None else when))
        rows += [f"seat {seat} does not answer for {_duration(gone)}, left out after {_duration(self._rules.absence)}"
                 for seat, gone in sorted(absent.items())]
        return rows

    # ---- the thread

    def _run(self) -> None:
        steady = Steady(self._here, "hand-overs wait", self.place.committee, self._stop, (ChainError, StateError))
        head = -2
        while not self._stop.is_set():
            head = self._here.head.wait(head, self._here.pace.look)
            if not self._stop.is_set():
                steady.did(self._step)

    def _step(self) -> None:
        block = self.final()
        if block < self._watched.first:
            return
        self.applying.step(block)
        standing = self._standing = self._at_block(block)
        if self._driving is not None and kept_keys(self.place, self.state) is not None:  # else nothing moves
            self._driving.step(standing, self._seat.absent())
        self.over = self.over or self._watched.over

    def final(self) -> int:
        """The newest block that counts for this node. Raises ChainError."""
        chain = self._here.hub.chain
        return chain.block_number() - chain.confirmations

    def _at_block(self, block: int) -> Standing:
        with self._watching:
            return self._watched.at(block)

    def _lose(self, reason: str) -> None:
        """What a term has in memory is gone with it."""
        self._seat.lost(self._seat.status.term, reason)


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
