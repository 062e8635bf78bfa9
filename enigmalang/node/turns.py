"""Whose turn it is at a committee, which does one job at a time.

Jobs of contracts go before orders of vaults, short orders before long ones, and among those who asked whoever had no
turn for longest. What is computed makes way when the time of somebody else's job runs out (`waiting`). Jobs of one
contract are done in the order that the chain has them in: there a long order, or one that made way before, fails when
the time of another one's behind it runs out, as all members see on the chain.
"""

from dataclasses import dataclass, field
from enum import IntEnum

from enigmalang.chain.hub import Hub
from enigmalang.chain.requested import Opened
from enigmalang.circuits.circuit import Circuit
from enigmalang.circuits.effort import chain_rounds, inner_products, number_rounds

#: An order is long when it has more rounds one after another, more numbers times rounds, or more multiplications within
#: products of matrices: others take seconds, and rounds between continents half a minute.
ROUNDS, WORK, PRODUCTS = 1 << 9, 1 << 24, 1 << 28
#: A job's time runs out when less than this part of it is left.
HALF = 1 / 2
#: Seconds of a job's time with less of which it is not begun; a part of it, where that is less.
LITTLE, LITTLE_PART = 5.0, 1 / 10
#: Seconds that a job is computed for, whoever waits.
TURN = 30.0
#: Jobs that are looked at, of those that wait; who has more orders than that behind one of theirs makes others wait.
LINE = 64
#: Callers whose last turn is remembered.
CALLERS = 4096
MAKES_WAY = "it takes long, and the time of somebody else's order behind it runs out: try again later"


class Kind(IntEnum):
    """Of jobs: the smaller goes first."""

    CONTRACT = 0
    SHORT = 1
    LONG = 2


def is_long(circuit: Circuit | None) -> bool:
    """Whether an order with this circuit may take more than seconds: all members find the same."""
    return circuit is not None and (
        chain_rounds(circuit) > ROUNDS or number_rounds(circuit) > WORK or inner_products(circuit) > PRODUCTS)


def least_left(job_time: float) -> float:
    """Seconds that must be left of a job that is begun."""
    return min(LITTLE, job_time * LITTLE_PART)


def holds_up(hub: Hub, opened: Opened, block: int) -> bool:
    """Whether, as of `block`, the time of somebody else's job runs out that waits behind this one in its contract.
    Raises ChainError."""
    now, job_time, number = hub.chain.block(block).time, hub.attachment(opened.contract, block).job_time, opened.job
    for _ in range(LINE):
        number = hub.next_job(number, block)
        if not number:
            return False
        state = hub.job(number, block)
        if state.requester.lower() != opened.requester.lower():
            return state.deadline - now < job_time * HALF
    return True


@dataclass(slots=True)
class Turns:
    """Who had a turn, and when."""

    _last: dict[str, int] = field(default_factory=dict)
    _count: int = 0

    def had(self, caller: str) -> None:
        """It had one now."""
        self._count += 1
        self._last.pop(caller, None)
        self._last[caller] = self._count
        if len(self._last) > CALLERS:
            del self._last[next(iter(self._last))]

    def last(self, caller: str) -> int:
        """A number that grows with each turn; 0 for who had none that is remembered."""
        return self._last.get(caller, 0)
