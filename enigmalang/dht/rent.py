"""How long data is kept: a pure function of what was paid, what the owner has left, and the time.

Rent is prepaid. When it runs out and the lease renews itself, the owner's balance pays for further periods. When that
is used up, the data is *restricted* for a while (only its owner may read it), then kept in *grace* (nobody reads it,
but renewing brings it back), then deleted. `contracts/Storage.vy` computes the same (`standing`).
"""

from dataclasses import dataclass
from enum import IntEnum


class State(IntEnum):
    """As the contract numbers them; NONE is no lease at all."""

    NONE = 0
    ACTIVE = 1
    RESTRICTED = 2
    GRACE = 3
    DELETED = 4


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds: how long data is restricted, how long in grace, and how long before its end a lease may be renewed."""

    restricted: int
    grace: int
    ahead: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Paid until the time `until`. A renewal costs `cost` wei and lasts `period` seconds; 0: it is not renewed."""

    until: int
    cost: int
    period: int


@dataclass(frozen=True, slots=True)
class LeaseStanding:
    """What holds at a time: the state, and after `renewals` renewals the end and what is left of the balance."""

    state: State
    until: int
    balance: int
    renewals: int


def standing(lease: Lease, balance: int, now: int, terms: Terms) -> LeaseStanding:
    """How `lease` stands at `now`, as if somebody had just called `renew`, which anyone may.

    A renewal begins where the paid time ended, so that who kept the data meanwhile is paid. What would be deleted all
    the same is not charged for. `balance` is all the owner's: of several leases each is looked at alone, and the chain
    has the last word.
    """
    needed = 0 if lease.period == 0 else max(0, (now + terms.ahead - lease.until) // lease.period + 1)
    renewals = min(needed, balance // lease.cost if lease.cost else needed)
    until = lease.until + renewals * lease.period
    state = state_at(until, now, terms)
    if state is State.DELETED:
        return LeaseStanding(state, lease.until, balance, 0)
    return LeaseStanding(state, until, balance - renewals * lease.cost, renewals)


def state_at(until: int, now: int, terms: Terms) -> State:
    """The state at `now` of what is paid until `until`, without further renewals."""
    if now < until:
        return State.ACTIVE
    if now < until + terms.restricted:
        return State.RESTRICTED
    if now < until + terms.restricted + terms.grace:
        return State.GRACE
    return State.DELETED


def may_read(state: State, is_owner: bool, permitted: bool) -> bool:
    """Whether a node gives the data out: `permitted` is what the predicate says of the asker."""
    match state:
        case State.ACTIVE:
            return permitted
        case State.RESTRICTED:
            return is_owner
        case _:
            return False
