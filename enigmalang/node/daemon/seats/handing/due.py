"""When a contract is handed over to another committee, as one member sees it: pure.

A committee lasts for a time only, for what an adversary learns of its shares is worth nothing once they were dealt anew
(Herzberg, Jarecki, Krawczyk, Yung: Proactive Secret Sharing, CRYPTO 1995). It ends sooner when members leave, or stay
away, and when it has served as many jobs of a contract as it was formed for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

#: A member goes along with a hand-over that is due after so much of its own time: clocks differ.
SLACK = 0.5
#: Seconds that a member without a time of its own lets a committee last before others may renew it.
DAY = 86_400.0


class Reason(StrEnum):
    """Why a contract is handed over."""

    LEFT = "a member left"
    ABSENT = "a member is away"
    ROTATION = "it served its jobs"
    REFRESH = "its time is over"


@dataclass(frozen=True, slots=True)
class Rules:
    """Seconds: `refresh` that a committee lasts (0: for ever), `absence` that a member may be away."""

    refresh: float = DAY
    absence: float = 300.0


@dataclass(frozen=True, slots=True)
class Facts:
    """`age`: seconds since the committee was formed. `served`: jobs of the contract, of `rotation` (0: any number).
    `left`: seats of who has no deposit any more, or gave notice. `absent`: seconds since others were heard of, by seat.
    """

    age: float = 0.0
    served: int = 0
    rotation: int = 0
    left: tuple[int, ...] = ()
    absent: Mapping[int, float] = field(default_factory=dict)

    def away(self, seconds: float) -> tuple[int, ...]:
        """The seats that were not heard of for so long."""
        return tuple(seat for seat, gone in sorted(self.absent.items()) if gone >= seconds)


def due(facts: Facts, rules: Rules) -> Reason | None:
    """Why the contract is to be handed over now; None while it is not."""
    if facts.left:
        return Reason.LEFT
    if facts.away(rules.absence):
        return Reason.ABSENT
    if facts.rotation and facts.served >= facts.rotation:
        return Reason.ROTATION
    if rules.refresh and facts.age >= rules.refresh:
        return Reason.REFRESH
    return None


def agrees(reason: Reason, facts: Facts, rules: Rules) -> bool:
    """Whether a member takes part in what another one says is due: it sees the same, or nearly.

    One member can thus have shares dealt anew after half the time, so twice as often as all others want; it leads these
    hand-overs and pays for them, and asks in vain for a while of each day only (`holding`, `successors.Attempts`).
    """
    match reason:
        case Reason.LEFT:
            return bool(facts.left)
        case Reason.ABSENT:
            return bool(facts.away(rules.absence * SLACK))
        case Reason.ROTATION:
            return 0 < facts.rotation <= facts.served
        case Reason.REFRESH:
            return facts.age >= SLACK * (rules.refresh or DAY)


def lasts(facts: Facts, rules: Rules) -> float | None:
    """Seconds until the committee's time is over; None when it has none."""
    return max(0.0, rules.refresh - facts.age) if rules.refresh else None
