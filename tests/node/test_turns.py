"""Whose turn it is at a committee, and who makes way for whom."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from enigmalang.chain.hub import FAILED, OPEN, Attachment, JobState
from enigmalang.chain.requested import Opened
from enigmalang.chain.vault import FIELD, order_function
from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.effort import chain_rounds, number_rounds
from enigmalang.node import turns, waiting
from enigmalang.node.turns import Kind, Turns, holds_up, is_long, least_left
from enigmalang.node.waiting import Pending, Waiting

PLAN, TIME = bytes(32), 600


@dataclass
class FakeHub:
    """The jobs of some contracts, opened at time 1000 unless said otherwise, and the chain's clock."""

    now: int = 1000
    development: bool = False
    jobs: dict[int, JobState] = field(default_factory=dict)
    lines: dict[str, list[int]] = field(default_factory=dict)

    @property
    def chain(self):
        return SimpleNamespace(block=lambda tag="latest": SimpleNamespace(time=self.now), development=self.development)

    def opens(self, job: int, contract: str = "0xc", who: str = "0xa", order: bool = False, at: int = 1000) -> Opened:
        self.jobs[job] = JobState(contract, who, 0, 0, at + TIME, False, OPEN)
        self.lines.setdefault(contract, []).append(job)
        return Opened(job, contract, 1, order_function() if order else bytes(32), bytes(32), who, 0, 5)

    def job(self, number: int, tag: object = "latest") -> JobState:
        return self.jobs[number]

    def attachment(self, contract: str, tag: object = "latest") -> Attachment:
        line = self.lines[contract]
        return Attachment(1, PLAN, TIME, line[0], line[-1], 0, 0, len(line))

    def next_job(self, number: int, tag: object = "latest") -> int:
        line = self.lines[self.jobs[number].contract]
        return dict(zip(line, [*line[1:], 0], strict=True))[number]


@pytest.fixture
def hub():
    return FakeHub()


@pytest.fixture
def line(hub):
    return Waiting(hub, [PLAN])


def order_of(line: Waiting) -> list[int]:
    done: list[int] = []
    while (pending := line.next(done)) is not None:
        done.append(pending.opened.job)
        line.had(pending)
    return done


def test_contracts_go_first_long_orders_last_and_what_broke_a_term_after_all(hub, line):
    for job in (1, 2, 3, 4):
        line.add(hub.opens(job, f"0x{job}", who=f"0xa{job}", order=job < 4))
    line[1].kind = Kind.LONG
    line[4].breaks = 1
    line.add(hub.opens(5, "0x5"))
    assert order_of(line) == [5, 2, 3, 1, 4]


def test_callers_take_turns(hub, line):
    """However many jobs one has."""
    for job, who in enumerate(["0xa", "0xa", "0xa", "0xb", "0xc", "0xb"], 1):
        line.add(hub.opens(job, f"0x{job}", who=who))
    assert order_of(line) == [1, 4, 5, 2, 6, 3]


def test_who_had_a_turn_is_followed_by_the_next_job_of_its_contract(hub, line):
    for job, contract in enumerate(["0xc", "0xd", "0xc"], 1):
        line.add(hub.opens(job, contract))
    assert [line.had(line[job]) for job in (1, 2, 3)] == [3, 0, 0]


def test_turns_of_long_ago_are_forgotten(monkeypatch):
    monkeypatch.setattr(turns, "CALLERS", 2)
    had = Turns()
    for caller in ("0xa", "0xb", "0xa", "0xc"):
        had.had(caller)
    assert [had.last(caller) for caller in ("0xa", "0xb", "0xc")] == [3, 0, 4]


# ---- how long


def asked(line: Waiting, job: int) -> str:
    return line.enough(line[job], 600.0, lambda: None)()


def test_a_job_is_waited_for_as_long_as_its_time_lasts(hub, line, monkeypatch):
    line.add(hub.opens(1))
    clock = [50.0]
    monkeypatch.setattr(waiting, "monotonic", lambda: clock[0])
    enough = line.enough(line[1], line.left(line[1], hub.job(1), hub.attachment("0xc")), lambda: None)
    clock[0] += TIME
    assert enough() == ""
    clock[0] += 1
    assert enough() == "job 1 took longer than the 600 s that were left of its time"


def test_what_is_left_is_told_by_the_clock_here_where_the_chains_stands_still(hub, line, monkeypatch):
    line.add(hub.opens(1))
    heard = line[1].since
    monkeypatch.setattr(waiting, "monotonic", lambda: heard + 590)
    assert line.left(line[1], hub.job(1), hub.attachment("0xc")) == 600
    hub.development = True
    assert line.left(line[1], hub.job(1), hub.attachment("0xc")) == 10
    assert least_left(TIME) == 5 and least_left(10) == 1


@pytest.mark.parametrize(("change", "expected"), [
    ({}, True), ({"who": "0xa"}, False), ({"at": 1301}, False), ({"refused": "no"}, False), ({"breaks": 1}, False),
    ({"status": FAILED}, False), ({"contract": "0xc"}, True)])
def test_a_long_job_makes_way_for_somebody_else_whose_time_runs_out(hub, line, monkeypatch, change, expected):
    monkeypatch.setattr(waiting, "TURN", -1.0)
    line.add(hub.opens(1, who="0xa", at=1600))
    own = {name: change[name] for name in ("who", "contract", "at") if name in change}
    line.add(hub.opens(2, **{"contract": "0xd", "who": "0xb", "at": 1299, **own}))
    hub.now = 1600
    line[2].refused, line[2].breaks = change.get("refused", ""), change.get("breaks", 0)
    if "status" in change:
        hub.jobs[2] = JobState("0xd", "0xb", 0, 0, 1899, False, change["status"])
    assert ("the time of others runs out" in asked(line, 1)) is expected


def test_nobody_makes_way_for_a_job_that_cannot_be_done(hub, line, monkeypatch):
    """Behind one that is refused, or of a contract whose plan nobody has."""
    monkeypatch.setattr(waiting, "TURN", -1.0)
    for job, (contract, who) in enumerate([("0xc", "0xa"), ("0xd", "0xb"), ("0xd", "0xe")], 1):
        line.add(hub.opens(job, contract, who))
    hub.now = 1400
    line[2].refused = "no"
    assert asked(line, 1) == ""
    line[2].refused = ""
    assert "the time of others runs out" in asked(line, 1)
    line._plans = []
    assert asked(line, 1) == ""


def test_of_those_who_wait_the_oldest_are_looked_at(hub, line, monkeypatch):
    monkeypatch.setattr(waiting, "TURN", -1.0)
    monkeypatch.setattr(waiting, "LINE", 2)
    line.add(hub.opens(1, who="0xa", at=1600))
    for job, at in ((2, 1600), (3, 1600), (4, 1100)):
        line.add(hub.opens(job, f"0x{job}", who="0xb", at=at))
    hub.now = 1600
    assert asked(line, 1) == ""
    monkeypatch.setattr(waiting, "LINE", 3)
    assert "the time of others runs out" in asked(line, 1)


def test_an_order_holds_up_somebody_elses_behind_it(hub):
    first = hub.opens(1, who="0xA")
    assert not holds_up(hub, first, 5)
    hub.opens(2, who="0xa")
    hub.now = 1590
    assert not holds_up(hub, first, 5), "one's own"
    hub.opens(3, who="0xb", at=1300)
    hub.now = 1600
    assert not holds_up(hub, first, 5), "there is half of its time"
    hub.now = 1601
    assert holds_up(hub, first, 5)


def test_a_line_of_ones_own_is_looked_at_so_far(hub, monkeypatch):
    monkeypatch.setattr(turns, "LINE", 3)
    first = hub.opens(1)
    for job in (2, 3):
        hub.opens(job)
    assert not holds_up(hub, first, 5)
    hub.opens(4)
    assert holds_up(hub, first, 5)


# ---- which orders are long


def circuit(*nodes: Node) -> Circuit:
    return Circuit(FIELD, nodes, (len(nodes) - 1,), (), ())


def load(*shape: int) -> Node:
    return Node("load", (), shape, Form.ARITH, {"handle": 0})


def test_long_orders():
    assert not is_long(None) and not is_long(circuit(load(2)))
    product = circuit(load(1 << 10), Node("mul", (0, 0), (1 << 10,), Form.ARITH))
    assert (chain_rounds(product), number_rounds(product)) == (1, 1 << 10) and not is_long(product)
    assert is_long(circuit(load(1 << 25), Node("mul", (0, 0), (1 << 25,), Form.ARITH)))
    chain = [load(), *(Node("mul", (number, 0), (), Form.ARITH) for number in range(turns.ROUNDS + 1))]
    assert is_long(circuit(*chain)) and not is_long(circuit(*chain[:-1]))
    side = 1 << 10
    assert is_long(circuit(load(side, side), Node("matmul", (0, 0), (side, side), Form.ARITH)))
    assert number_rounds(circuit(Node("const", (), (), Form.ARITH, {"value": np.int64(1)}))) == 0


def test_a_job_heard_of_is_of_its_kind(hub, line):
    line.add(hub.opens(1, order=True))
    line.add(hub.opens(2))
    assert [line[job].kind for job in (1, 2)] == [Kind.SHORT, Kind.CONTRACT]
    assert isinstance(line.next([]), Pending)
