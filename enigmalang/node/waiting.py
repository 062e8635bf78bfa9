"""The jobs of a committee that have not ended, as who has them computed sees them: whose turn is next, what is left of
the time of each, and when one that is computed has to make way.
"""

from collections.abc import Callable, Collection, Container
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from enigmalang.chain.errors import ChainError
from enigmalang.chain.hub import OPEN, Attachment, Hub, JobState
from enigmalang.chain.requested import Opened
from enigmalang.chain.vault import order_function
from enigmalang.node.turns import HALF, LINE, TURN, Kind, Turns


@dataclass(slots=True)
class Pending:
    """A job that has not ended; `since`: when it was heard of (monotonic)."""

    opened: Opened
    since: float
    refused: str = ""
    attempts: int = 0
    refusals: int = 0
    breaks: int = 0  # terms that ended while it was computed: others have their turn first
    due: float = 0.0  # since when it is the next one of its contract
    next_try: float = 0.0
    kind: Kind = Kind.CONTRACT
    late: bool = False  # too little of its time was left to begin it


class Waiting(dict[int, Pending]):
    """By number. `plans`: those that somebody has. Methods raise ChainError."""

    def __init__(self, hub: Hub, plans: Container[bytes]) -> None:
        super().__init__()
        self._hub, self._plans, self._turns = hub, plans, Turns()

    def add(self, opened: Opened) -> None:
        """A job that was just heard of."""
        kind = Kind.SHORT if opened.function == order_function() else Kind.CONTRACT
        self[opened.job] = Pending(opened, monotonic(), kind=kind)

    def next(self, done: Collection[int]) -> Pending | None:
        """Whose turn it is of those who are not `done`."""
        return min((each for number, each in self.items() if number not in done), key=self._place, default=None)

    def had(self, pending: Pending) -> int:
        """It had a turn: the job that follows it in its contract, 0 for none."""
        self._turns.had(pending.opened.requester)
        return min((number for number, each in self.items() if number > pending.opened.job
                    and each.opened.contract == pending.opened.contract), default=0)

    def _place(self, pending: Pending) -> tuple[int, int, int, int]:
        return pending.breaks, pending.kind, self._turns.last(pending.opened.requester), pending.opened.job

    def left(self, pending: Pending, state: JobState, attached: Attachment) -> float:
        """Seconds of its time; where the chain's clock stands still, by the clock here."""
        chain = self._hub.chain
        left = float(state.deadline - chain.block().time)
        return min(left, attached.job_time - (monotonic() - pending.since)) if chain.development else left

    def enough(self, pending: Pending, left: float, look: Callable[[], None]) -> Callable[[], str]:
        """Asked why nodes are not waited for any longer that compute a job from now on, with `left` seconds of its
        time; empty while they are. `look` takes up what is new."""
        began = monotonic()

        def asked() -> str:
            took = monotonic() - began
            if took > left:
                return f"job {pending.opened.job} took longer than the {left:.0f} s that were left of its time"
            if took > TURN:
                with suppress(ChainError):
                    look()
                    if self._keeps_waiting(pending):
                        return f"job {pending.opened.job} took {took:.0f} s, and the time of others runs out"
            return ""

        return asked

    def _keeps_waiting(self, computed: Pending) -> bool:
        """Whether the time of somebody else's job runs out that could be computed instead, or after it: of the oldest,
        for each of them the chain is asked."""
        others = [each for _, each in sorted(self.items())
                  if each.opened.requester != computed.opened.requester and _has_turns(each)]
        return any(self._runs_out(each, computed) for each in others[:LINE])

    def _runs_out(self, pending: Pending, computed: Pending) -> bool:
        attached, state = self._hub.attachment(pending.opened.contract), self._hub.job(pending.opened.job)
        first = self.get(attached.oldest)
        return state.status == OPEN and attached.plan in self._plans and first is not None and (
            first is computed or _has_turns(first)) and (
            self.left(pending, state, attached) < attached.job_time * HALF)


def _has_turns(pending: Pending) -> bool:
    """Whether it would be begun, as far as is known."""
    return not (pending.breaks or pending.refused or pending.late)
