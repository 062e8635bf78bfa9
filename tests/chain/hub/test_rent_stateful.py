"""Random sequences of all calls of the rent contract: its money always adds up, and `dht.rent` agrees with it."""

from typing import Any

import pytest
from actors import Actor, World, actor
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from machine import Receipt, Refused
from renting import RATE, Rent

NODES = [actor(f"node {i}") for i in range(3)]
OWNERS = [actor("alice"), actor("bob")]
EVERYONE = [*NODES, *OWNERS, actor("eve")]
KEYS = [bytes(31) + b"k", bytes(31) + b"l"]
owner, who = st.sampled_from(OWNERS), st.sampled_from(EVERYONE)
key, number = st.sampled_from([KEYS[0], *KEYS]), st.sampled_from([0, 0, 2, 2, 1, 3])
amount = st.sampled_from([0, 1, 99 * RATE, 1000 * RATE, 10**6 * RATE])


class RentMachine(RuleBasedStateMachine):
    rent: Rent

    @initialize()
    def start(self) -> None:
        self.machine, self.contract = self.rent.machine, self.rent.contract
        self.mark = self.machine.snapshot()
        self.rent.forget()
        self.leases = [self.rent.lease_of(o, k) for o in OWNERS for k in KEYS]
        self.paid_in = self.paid_out = 0
        self.named: dict[str, set[str]] = {o.address: set() for o in OWNERS}
        self.started = {a.address: self.machine.balance(a.address) for a in EVERYONE}
        for by, renews in zip(OWNERS, (True, False), strict=True):
            self.store(by, KEYS[0], 5000, renews, NODES[:2], 10**6 * RATE, 100)

    def teardown(self) -> None:
        if hasattr(self, "mark"):
            self.only_those_named_are_paid()
            self.machine.revert(self.mark)

    def attempt(self, name: str, *args: Any, by: Actor, value: int = 0) -> Receipt | None:
        before = self.wealth()
        try:
            receipt = self.rent.send(name, *args, by=by, value=value)
        except Refused:
            return None
        finally:
            after = self.wealth()
            # Nobody loses by what others do: an owner's prepaid money only goes to those it named.
            for a in EVERYONE:
                if a is not by and after[a.address] < before[a.address]:
                    assert a in OWNERS and name in ("collect", "close")
        self.paid_in += value
        if name == "withdraw":
            self.paid_out += receipt.value
        return receipt

    def wealth(self) -> dict[str, int]:
        """Balance here, and for owners what is prepaid for their leases."""
        found = {a.address: self.rent.balance(a) for a in EVERYONE}
        for o in OWNERS:
            found[o.address] += sum(self.rent.prepaid(self.rent.lease_of(o, k)) for k in KEYS)
        return found

    @rule(by=who, to=who, value=amount)
    def deposit(self, by: Actor, to: Actor, value: int) -> None:
        assert self.attempt("deposit", to.address, by=by, value=value) is not None

    @rule(by=who, part=st.sampled_from([0, 1, 1000 * RATE, 2**256 - 1]))
    def withdraw(self, by: Actor, part: int) -> None:
        before = self.rent.balance(by)
        done = self.attempt("withdraw", part, by=by)
        assert (done is not None) == (part <= before or part == 2**256 - 1)

    @rule(by=owner, under=key, period=st.sampled_from([0, 1, 50, 100, 5000]), renews=st.booleans(),
          holders=st.lists(st.sampled_from([*NODES, *NODES, EVERYONE[-1]]), max_size=3), value=amount,
          size=st.sampled_from([0, 1, 100]))
    def store(self, by: Actor, under: bytes, period: int, renews: bool, holders: list[Actor], value: int, size: int
              ) -> None:
        done = self.attempt("store", 1, under, size, period, renews, [h.address for h in holders], by=by, value=value)
        if done is not None:
            assert holders and len(set(holders)) == len(holders) and set(holders) <= set(NODES)
            self.named[by.address] |= {h.address for h in holders}

    @rule(by=who, of=owner, under=key)
    def renew(self, by: Actor, of: Actor, under: bytes) -> None:
        lease = self.rent.lease_of(of, under)
        expected = self.rent.expected(lease) if self.rent.found(lease)["rate"] else None
        done = self.attempt("renew", lease, by=by)
        assert (done is not None) == (expected is not None and expected.renewals > 0)
        if done is not None and expected is not None:
            assert done.value == expected.renewals
            assert (self.rent.found(lease)["until"], self.rent.balance(of)) == (expected.until, expected.balance)

    @rule(by=st.sampled_from([*NODES, *EVERYONE]), chosen=st.lists(number, min_size=1, max_size=5))
    def collect(self, by: Actor, chosen: list[int]) -> None:
        before = self.rent.balance(by)
        done = self.attempt("collect", [self.leases[i] for i in chosen], by=by)
        assert done is not None and (done.value == 0 or by in NODES)
        assert by in OWNERS or self.rent.balance(by) == before + done.value

    @rule(by=owner, under=key)
    def stop(self, by: Actor, under: bytes) -> None:
        there = self.rent.found(self.rent.lease_of(by, under))["rate"] > 0
        assert (self.attempt("stop", 1, under, by=by) is not None) == there

    @rule(by=who, chosen=number)
    def close(self, by: Actor, chosen: int) -> None:
        self.attempt("close", self.leases[chosen], by=by)

    @rule(seconds=st.sampled_from([1, 100, 1500, 4995]))
    def time_passes(self, seconds: int) -> None:
        self.machine.advance(seconds)

    # ---- what always holds

    @invariant()
    def money_adds_up(self) -> None:
        owed = sum(self.rent.balance(a) for a in EVERYONE)
        prepaid = sum(self.rent.prepaid(lease) for lease in self.leases)
        assert self.machine.balance(self.contract.address) == owed + prepaid == self.paid_in - self.paid_out
        left = sum(self.machine.balance(a.address) - before for a, before in
                   zip(EVERYONE, self.started.values(), strict=True))
        assert left == self.paid_out - self.paid_in

    @invariant()
    def the_chain_and_the_nodes_agree_how_leases_stand(self) -> None:
        for lease in self.leases:
            if self.rent.found(lease)["rate"]:
                assert self.rent.standing(lease) == self.rent.expected(lease)

    def only_those_named_are_paid(self) -> None:
        for lease in self.leases:
            found = self.rent.found(lease)
            for a in EVERYONE:
                to = self.rent.read("paid_to", lease, a.address)
                assert (to > 0) == (a.address in found["holders"]) and to <= max(found["until"], 0)


@pytest.fixture(scope="module")
def three() -> Rent:
    world = World()
    for a in EVERYONE:
        world.machine.fund(a.address)
    return Rent(world)


def test_random_sequences_of_rent(three: Rent):
    kind = type("Sequences", (RentMachine,), {"rent": three})
    run_state_machine_as_test(kind, settings=settings(
        max_examples=14, stateful_step_count=24, deadline=None, suppress_health_check=list(HealthCheck)))
