"""Rent: active, restricted, in grace, deleted; renewed as long as the balance lasts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enigmalang.dht.rent import Lease, LeaseStanding, State, Terms, may_read, standing, state_at

TERMS = Terms(restricted=70, grace=300, ahead=10)
ONCE, AGAIN = Lease(1000, 50, 0), Lease(1000, 50, 100)


@pytest.mark.parametrize(("now", "state"), [
    (0, State.ACTIVE), (999, State.ACTIVE), (1000, State.RESTRICTED), (1069, State.RESTRICTED), (1070, State.GRACE),
    (1369, State.GRACE), (1370, State.DELETED), (10**9, State.DELETED)])
def test_what_is_not_renewed(now: int, state: State):
    assert standing(ONCE, 10**9, now, TERMS) == LeaseStanding(state, 1000, 10**9, 0)
    assert standing(AGAIN, 49, now, TERMS) == LeaseStanding(state, 1000, 49, 0)


@pytest.mark.parametrize(("now", "renewals"), [(0, 0), (989, 0), (990, 1), (1089, 1), (1090, 2), (1500, 6)])
def test_what_renews_itself(now: int, renewals: int):
    found = standing(AGAIN, 10**6, now, TERMS)
    assert found == LeaseStanding(State.ACTIVE, 1000 + 100 * renewals, 10**6 - 50 * renewals, renewals)


def test_the_balance_lasts_for_so_many_renewals():
    assert standing(AGAIN, 149, 1200, TERMS) == LeaseStanding(State.RESTRICTED, 1200, 49, 2)
    assert standing(AGAIN, 149, 1569, TERMS) == LeaseStanding(State.GRACE, 1200, 49, 2)


def test_what_is_deleted_all_the_same_is_not_charged_for():
    assert standing(AGAIN, 149, 1570, TERMS) == LeaseStanding(State.DELETED, 1000, 149, 0)


def test_who_reads_when():
    for state in State:
        for is_owner in (False, True):
            for permitted in (False, True):
                allowed = may_read(state, is_owner, permitted)
                assert allowed == {State.ACTIVE: permitted, State.RESTRICTED: is_owner}.get(state, False)


leases = st.builds(Lease, st.integers(0, 2000), st.integers(1, 100), st.sampled_from([0, 1, 7, 100, 5000]))
terms = st.builds(Terms, *[st.integers(0, 300)] * 3)
times = st.integers(0, 5000)


@given(leases, st.integers(0, 1000), times, terms)
def test_what_always_holds(lease: Lease, balance: int, now: int, kept: Terms):
    found = standing(lease, balance, now, kept)
    assert found.balance == balance - found.renewals * lease.cost >= 0
    assert found.until == lease.until + found.renewals * lease.period
    assert found.state == state_at(found.until, now, kept)
    again = standing(Lease(found.until, lease.cost, lease.period), found.balance, now, kept)
    assert (again.state, again.renewals) == (found.state, 0)  # renewing is done at once


@given(leases, st.integers(0, 1000), times, times, terms)
def test_time_only_makes_it_worse_and_money_only_better(lease: Lease, balance: int, now: int, later: int, kept: Terms):
    found = standing(lease, balance, now, kept)
    assert standing(lease, balance, now + later, kept).state >= found.state
    assert standing(lease, balance + later, now, kept).state <= found.state


@given(leases, st.integers(0, 1000), times, times, terms)
def test_renewing_on_the_way_changes_nothing(lease: Lease, balance: int, first: int, later: int, kept: Terms):
    """Whether somebody called `renew` between or not, as long as the data was not deleted then."""
    between = standing(lease, balance, first, kept)
    renewed = Lease(between.until, lease.cost, lease.period)
    late, at_once = (standing(a, b, first + later, kept) for a, b in ((renewed, between.balance), (lease, balance)))
    assert late.state == at_once.state
    if late.state is not State.DELETED:
        assert (late.until, late.balance) == (at_once.until, at_once.balance)
