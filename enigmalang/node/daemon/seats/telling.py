"""What a node does in its committees, for people: what it serves now, which jobs are under way, what each waits for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from enigmalang.chain.hub import EXPIRED, FAILED, FULFILLED
from enigmalang.node.daemon.seats.seat import SeatStatus

#: How a job ended, by its status on the hub.
ENDS = {FULFILLED: "fulfilled", FAILED: "failed: its error is on the chain", EXPIRED: "not done in time, and refunded"}


@dataclass(frozen=True, slots=True)
class LastJob:
    """A job that has ended: how (a status of the hub), and when (monotonic)."""

    job: int
    contract: str
    status: int
    at: float


@dataclass(frozen=True, slots=True)
class Serving:
    """One committee that the node serves now. `contracts`: those that are there for it to serve; None until that is
    read. `jobs`: open ones, and what each waits for (empty: its turn has come). `busy`: seconds for which something is
    computed, 0 when nothing is. `last`: the job that ended last here."""

    seat: SeatStatus
    contracts: tuple[str, ...] | None
    jobs: Mapping[int, tuple[str, str]]  # number -> contract, and why it waits
    busy: float
    last: LastJob | None

    @property
    def line(self) -> str:
        """The committee, in words."""
        if self.contracts is None:
            what = "what it serves is being read"
        else:
            what = f"serves {', '.join(self.contracts)}" if self.contracts else "serves no contract"
        return f"{self.seat.line}; {what}"

    def job_lines(self) -> list[str]:
        """Its open jobs."""
        return [f"job {job} of {contract}: {self._state(why)}" for job, (contract, why) in sorted(self.jobs.items())]

    def _state(self, why: str) -> str:
        if why:
            return why
        if not self.seat.up:
            return "waits until all members of the committee have met"
        if self.busy:
            return f"computed now, for {self.busy:.0f} s"
        return "its turn has come" if self.seat.leads else f"its turn has come; seat {self.seat.leader} leads it"

    def told(self, now: float) -> dict[str, Any]:
        """For programs."""
        last = self.last and {"job": self.last.job, "contract": self.last.contract,
                              "ended": ENDS.get(self.last.status, "ended"), "seconds_ago": now - self.last.at}
        return {"committee": self.seat.committee, "seat": self.seat.seat, "members": self.seat.members,
                "contracts": None if self.contracts is None else list(self.contracts), "busy_seconds": self.busy,
                "jobs": [{"job": job, "contract": contract, "state": self._state(why)}
                         for job, (contract, why) in sorted(self.jobs.items())],
                "last_job": last}


def summary(serving: Sequence[Serving], now: float) -> str:
    """What the node does, in a sentence."""
    if not serving:
        return "no committee: it waits to be drawn for one"
    jobs, busy = sum(len(each.jobs) for each in serving), sum(bool(each.busy) for each in serving)
    met = sum(each.seat.up for each in serving)
    led = sum(each.seat.up and each.seat.leads for each in serving)
    count = f"{len(serving)} committees" if len(serving) != 1 else "1 committee"
    last = max((each.last for each in serving if each.last is not None), key=lambda last: last.at, default=None)
    doing = f"computes in {busy}" if busy else "computes nothing now"
    ended = "" if last is None else (f"; the last job was {last.job}, {ENDS.get(last.status, 'ended')}, "
                                     f"{now - last.at:.0f} s ago")
    waiting = f"{jobs} open jobs" if jobs != 1 else "1 open job"
    return f"{count}: {met} met, {led} led here; {doing}; {waiting}{ended}"


def past(over: Iterable[int], leaving: Iterable[int]) -> list[str]:
    """Committees that the hub still lists for this node, and that it does not serve any more."""
    gone, going = sorted(over), sorted(leaving)
    said = []
    if going:
        said.append(f"leaving committee {', '.join(map(str, going))}")
    if gone:
        said.append(f"over: committee {', '.join(map(str, gone))}; others serve what was served there, and it leaves "
                    "the list when what it earned is collected")
    return said
