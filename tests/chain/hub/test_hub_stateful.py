"""Random sequences of all calls by random actors: what must hold in the hub holds after each.

The model keeps, beside the hub, what everyone paid in and got out. Calls are made as they come, right and wrong;
whether one succeeds is the hub's affair, what it may do to the money is the model's.
"""

from collections import Counter
from typing import Any

import pytest
from actors import DEPOSIT, FUNCTION, JOB_TIME, NOTHING, Actor, World, actor, signed
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from machine import Contract, Refused

from enigmalang.chain import digests as d

NODES = [actor(f"node {i}") for i in range(6)]
USERS = [actor(name) for name in ("alice", "bob", "eve")]
EVERYONE = [*NODES, *USERS]
KEYS = [d.log_key([i]) for i in range(3)]
OPEN = 1
who, node = st.sampled_from(EVERYONE), st.sampled_from(NODES)
number = st.integers(0, 7)
amount = st.sampled_from([0, 1, 7, 10**13, 10**15, 10**16])
committee_of = st.lists(st.integers(0, 4), min_size=2, max_size=4, unique=True).map(lambda s: [NODES[i] for i in s])
signers = st.lists(who, max_size=4)
mostly = st.sampled_from([True, True, True, True, False])
work = st.tuples(st.integers(0, 20), st.integers(0, 500), st.integers(0, 500)).map(lambda w: d.Work(*w))


class HubMachine(RuleBasedStateMachine):
    world: World

    @initialize()
    def start(self) -> None:
        self.machine, self.hub = self.world.machine, self.world.hub
        self.mark = self.machine.snapshot()
        self.contracts: list[Contract] = [self.world.contract]
        self.paid_in = {a.address: 0 for a in EVERYONE}
        self.paid_out = {a.address: 0 for a in EVERYONE}
        for member in self.world.nodes:
            self.paid_in[member.address] = DEPOSIT
        self.log: dict[bytes, list[dict[str, Any]]] = {key: [] for key in KEYS}
        self.closed: dict[int, dict[str, Any]] = {}
        self.salt = 0
        self.balances = {a.address: self.machine.balance(a.address) for a in EVERYONE}
        for by in USERS:
            self.request(by, 0, 10**16, 10**15)

    def teardown(self) -> None:
        if not hasattr(self, "mark"):
            return
        for n, job in self.closed.items():
            assert self.hub.call("job", n) == job
        for key, entries in self.log.items():
            assert [self.hub.call("entry", key, i) for i in range(len(entries))] == entries
        self.machine.revert(self.mark)

    def attempt(self, contract: Contract, name: str, *args: Any, by: Actor, value: int = 0) -> Any:
        """Whether it succeeds or not, nobody's own balance but the caller's falls."""
        try:
            receipt = contract.send(name, *args, sender=by.address, value=value)
        except Refused:
            return None
        finally:
            self.settle_accounts(by.address)
        return receipt

    def settle_accounts(self, caller: str) -> None:
        for address, before in self.balances.items():
            now = self.machine.balance(address)
            if now < before:
                assert address == caller
                self.paid_in[address] += before - now
            else:
                self.paid_out[address] += now - before
            self.balances[address] = now

    # ---- nodes

    @rule(by=node, deposit=st.sampled_from([DEPOSIT - 1, DEPOSIT, DEPOSIT + 3]))
    def register(self, by: Actor, deposit: int) -> None:
        made = self.attempt(self.hub, "register", NOTHING, NOTHING, "here", by=by, value=deposit)
        assert made is None or deposit >= DEPOSIT

    @rule(by=node, more=amount)
    def top_up(self, by: Actor, more: int) -> None:
        self.attempt(self.hub, "top_up", by=by, value=more)

    @rule(by=who)
    def update(self, by: Actor) -> None:
        self.attempt(self.hub, "update", NOTHING, NOTHING, "there", by=by)

    @rule(by=node)
    def leave(self, by: Actor) -> None:
        self.attempt(self.hub, "leave", by=by)

    @rule(by=node)
    def withdraw(self, by: Actor) -> None:
        before = self.hub.call("node", by.address)
        done = self.attempt(self.hub, "withdraw", by=by)
        assert done is None or 0 < before["leaves"] <= self.machine.now

    @rule(members=committee_of, threshold=st.sampled_from([0, 1, 1, 1, 2]), wrong=mostly.map(lambda often: not often))
    def form(self, members: list[Actor], threshold: int, wrong: bool) -> None:
        self.salt += 1
        salt = d.keccak(bytes([self.salt]))
        until = self.machine.now
        signatures = self.world.consents(members[::-1] if wrong else members, threshold, salt, until)
        made = self.attempt(self.hub, "form", [m.address for m in members], threshold, salt, until, signatures, 0,
                            by=USERS[0])
        assert made is None or (not wrong and len(members) >= 2 * threshold + 1 >= 3)
        if made is not None:
            self.world.formed(made)

    @rule(index=number, time=st.sampled_from([0, 100, 5000]))
    def attach(self, index: int, time: int) -> None:
        if len(self.contracts) < 4:
            try:
                self.contracts.append(self.world.deploy(committee=index + 1, job_time=time))
            except Refused:
                return

    @rule(by=who, index=number, to=number, chosen=signers, enough=mostly, stale=mostly.map(lambda often: not often))
    def reattach(self, by: Actor, index: int, to: int, chosen: list[Actor], enough: bool, stale: bool) -> None:
        """What is handed over keeps its queue, its plan and its job time; nothing is paid."""
        contract = self.contracts[index % len(self.contracts)]
        before = self.hub.call("attachment", contract.address)
        old, settled = before["committee"], before["settled"] - stale
        new = 1 + to % self.hub.call("committee_count")
        if settled < 0:
            return
        consent = self.world.consent(new)
        digest = d.handover_digest(self.world.domain, contract.address, old, new, consent, settled, NOTHING)
        ours, theirs = (self.seated(c) if enough else chosen for c in (old, new))
        thresholds = [self.hub.call("committee", c)["threshold"] for c in (old, new)]
        done = self.attempt(self.hub, "reattach", contract.address, consent, settled, NOTHING, signed(digest, ours),
                            signed(digest, theirs), by=by)
        if done is None:
            return
        assert not stale and new != old and thresholds[0] <= thresholds[1]
        for committee, by_whom, threshold in zip((old, new), (ours, theirs), thresholds, strict=True):
            assert len({a.address for a in by_whom}) > threshold
            assert all(self.hub.call("seat", committee, a.address) for a in by_whom)
        count = before["settled"] + 1
        assert self.hub.call("attachment", contract.address) == before | {
            "committee": new, "settled": count, "since": count}

    def seated(self, committee: int) -> list[Actor]:
        """As many of its members with seats as have to sign."""
        seated = [a for a in NODES if self.hub.call("seat", committee, a.address)]
        return seated[:self.hub.call("committee", committee)["threshold"] + 1]

    # ---- jobs

    @rule(by=who, index=number, fee=amount, payment=amount)
    def ask(self, by: Actor, index: int, fee: int, payment: int) -> None:
        self.request(by, index, fee, payment)

    def request(self, by: Actor, index: int, fee: int, payment: int) -> None:
        contract = self.contracts[index % len(self.contracts)]
        made = self.attempt(contract, "request", FUNCTION, NOTHING, payment, by=by, value=fee + payment)
        assert made is None or made.value == self.hub.call("job_count")

    def picked(self, index: int) -> tuple[int, Contract]:
        """A job, more often the one that is next; and its contract."""
        count = self.hub.call("job_count")
        contract = self.contracts[index % len(self.contracts)]
        oldest = self.hub.call("attachment", contract.address)["oldest"]
        return (oldest or index) if index < 5 else 1 + index % (count + 1), contract

    def those_who_sign(self, contract: Contract, chosen: list[Actor], enough: bool) -> list[Actor]:
        """Those chosen, or as many members with seats as are needed."""
        if not enough:
            return chosen
        return self.seated(self.hub.call("attachment", contract.address)["committee"])

    @rule(by=who, index=number, chosen=signers, enough=mostly, work=work)
    def fulfil(self, by: Actor, index: int, chosen: list[Actor], enough: bool, work: d.Work) -> None:
        job, contract = self.picked(index)
        before, held = self.hub.call("job", job), self.machine.balance(contract.address)
        by_whom = self.those_who_sign(contract, chosen, enough)
        version = contract.call("version")
        done = self.attempt(contract, "fulfil", *self.world.result(job, by_whom, version, work, contract), by=by)
        if done is not None:
            self.was_attested(before, contract, by_whom)
            assert self.machine.balance(contract.address) == held + before["payment"]
            with pytest.raises(Refused):
                contract.send("fulfil", *self.world.result(job, by_whom, version + 1, work, contract),
                              sender=by.address)

    @rule(by=who, index=number, chosen=signers, enough=mostly, work=work)
    def report_failure(self, by: Actor, index: int, chosen: list[Actor], enough: bool, work: d.Work) -> None:
        job, contract = self.picked(index)
        before = self.hub.call("job", job)
        by_whom = self.those_who_sign(contract, chosen, enough)
        arguments = self.world.failure(job, by_whom, "no", contract.call("version"), work, contract)
        if self.attempt(contract, "report_failure", *arguments, by=by) is not None:
            self.was_attested(before, contract, by_whom)

    def was_attested(self, before: dict[str, Any], contract: Contract, by_whom: list[Actor]) -> None:
        found = self.hub.call("attachment", contract.address)["committee"]
        assert before["status"] == OPEN and before["contract"] == contract.address
        assert self.machine.now <= before["deadline"]
        assert len({a.address for a in by_whom}) > self.hub.call("committee", found)["threshold"]
        assert all(self.hub.call("seat", found, a.address) for a in by_whom)

    @rule(by=who, index=number)
    def fail(self, by: Actor, index: int) -> None:
        job, _ = self.picked(index)
        before = self.hub.call("job", job)
        owed = self.hub.call("owed", before["requester"])
        if self.attempt(self.hub, "fail", job, by=by) is not None:
            assert before["status"] == OPEN and self.machine.now > before["deadline"]
            assert self.hub.call("owed", before["requester"]) == owed + before["fee"] + before["payment"]

    @rule(by=who, index=number, accused=node, chosen=signers, enough=mostly)
    def accuse(self, by: Actor, index: int, accused: Actor, chosen: list[Actor], enough: bool) -> None:
        job, contract = self.picked(index)
        by_whom = [a for a in self.those_who_sign(contract, chosen, enough) if not enough or a is not accused]
        digest = d.accusation_digest(self.world.domain, job, accused.address, NOTHING)
        done = self.attempt(self.hub, "accuse", job, accused.address, NOTHING, signed(digest, by_whom), by=by)
        if done is not None:
            assert accused not in by_whom
            assert self.hub.call("node", accused.address)["deposit"] == 0
            assert self.hub.call("committees_of", accused.address) == ()

    @rule(by=who, for_whom=who)
    def claim(self, by: Actor, for_whom: Actor) -> None:
        owed, before = self.hub.call("owed", for_whom.address), self.machine.balance(for_whom.address)
        done = self.attempt(self.hub, "claim", for_whom.address, by=by)
        assert done is not None and done.value == owed
        assert self.machine.balance(for_whom.address) == before + owed
        assert self.hub.call("owed", for_whom.address) == 0

    # ---- what has no money in it

    @rule(by=who, key=st.sampled_from(KEYS), content=st.binary(max_size=70))
    def write(self, by: Actor, key: bytes, content: bytes) -> None:
        assert self.attempt(self.hub, "write", key, "bytes", content, by=by) is not None
        self.log[key].append({"block": self.machine.number, "time": self.machine.now, "writer": by.address,
                              "kind": "bytes", "value": content})

    @rule(by=who, op=st.integers(0, 14))
    def declare(self, by: Actor, op: int) -> None:
        self.attempt(self.hub, "declare", [op << 248 | 3], by=by)

    @rule(by=who, members=st.lists(who, max_size=3), op=st.integers(1, 3))
    def identity(self, by: Actor, members: list[Actor], op: int) -> None:
        self.salt += 1
        rules = [rule_of(op)] * len(members)
        made = self.attempt(self.hub, "create_identity", [m.address for m in members], rules,
                            d.keccak(bytes([self.salt])), by=by)
        if made is not None:
            before = self.hub.call("members_of", made.value)
            changed = self.attempt(self.hub, "update_policy", made.value, by.address, rule_of(2), by=by)
            assert (changed is not None) == (by.address in before and op != 3)

    @rule(by=who, key=st.sampled_from(KEYS), db=st.integers(0, 2), op=st.integers(1, 3))
    def point(self, by: Actor, key: bytes, db: int, op: int) -> None:
        before = self.hub.call("pointer", db, key)["owner"] if db else None
        done = self.attempt(self.hub, "point", db, key, NOTHING, rule_of(op), by=by)
        assert (done is not None) == (db > 0 and before in (by.address, "0x" + "00" * 20))

    @rule(by=who, key=st.sampled_from(KEYS), asker=who, action=st.sampled_from(["read", "compute", "write"]))
    def refuse(self, by: Actor, key: bytes, asker: Actor, action: str) -> None:
        allowed = self.hub.call("may_data", asker.address, 1, key, action)
        active = self.hub.call("is_active", by.address)
        done = self.attempt(self.hub, "record_refusal", 1, key, asker.address, action, by=by)
        assert (done is not None) == (active and not allowed)

    @rule(seconds=st.sampled_from([1, 50, JOB_TIME + 1, 10**4]))
    def time_passes(self, seconds: int) -> None:
        self.machine.advance(seconds)

    # ---- what always holds

    @invariant()
    def money_adds_up(self) -> None:
        """Balance = deposits + fees and payments of open jobs + what is owed; closed jobs stay as they are."""
        jobs = {n: self.hub.call("job", n) for n in range(1, self.hub.call("job_count") + 1) if n not in self.closed}
        self.closed |= {n: job for n, job in jobs.items() if job["status"] != OPEN}
        assert all((job["fee"], job["payment"]) == (0, 0) for job in self.closed.values())
        held = sum(self.hub.call("node", a.address)["deposit"] for a in NODES)
        held += sum(job["fee"] + job["payment"] for job in jobs.values())
        held += sum(self.hub.call("owed", a.address) for a in EVERYONE)
        assert self.machine.balance(self.hub.address) == held
        inside = held + sum(self.machine.balance(c.address) for c in self.contracts)
        assert inside == sum(self.paid_in.values()) - sum(self.paid_out.values())
        self.queues_hold(jobs)

    def queues_hold(self, jobs: dict[int, dict[str, Any]]) -> None:
        """The open jobs of each contract, in order; and what committees serve adds up."""
        served, attached = Counter[int](), Counter[int]()
        for contract in self.contracts:
            ends = self.hub.call("attachment", contract.address)
            queue, at = [], ends["oldest"]
            while at:
                queue.append(at)
                at = self.hub.call("next_job", at)
            assert queue == [n for n, job in jobs.items() if job["status"] == OPEN
                             and job["contract"] == contract.address]
            assert (ends["newest"], ends["open"]) == (queue[-1] if queue else 0, len(queue))
            served[ends["committee"]] += len(queue)
            attached[ends["committee"]] += 1
        for number in range(1, self.hub.call("committee_count") + 1):
            found = self.hub.call("committee", number)
            assert (found["open_jobs"], found["contracts"]) == (served[number], attached[number])
            assert found["present"] == sum(self.hub.call("seat", number, a.address) > 0 for a in NODES)

    @invariant()
    def the_log_keeps_everything(self) -> None:
        for key, entries in self.log.items():
            assert self.hub.call("count", key) == len(entries)
            if entries:
                assert self.hub.call("latest", key) == entries[-1]


def rule_of(op: int) -> bytes:
    return d.keccak(b"".join(w.to_bytes(32, "big") for w in (32, 1, op << 248)))


@pytest.fixture(scope="module")
def six() -> World:
    world = World(nodes=4, threshold=1)
    for a in EVERYONE:
        world.machine.fund(a.address)
    for member in world.nodes:  # what they put down was before
        world.machine.fund(member.address)
    return world


def test_random_sequences_of_calls(six: World):
    kind = type("Sequences", (HubMachine,), {"world": six})
    run_state_machine_as_test(kind, settings=settings(
        max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)))
