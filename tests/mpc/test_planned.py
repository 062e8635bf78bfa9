"""Small products, planned: the same values and rounds as resharing one layer at a time, on fresh masks each."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from committee import Committee

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.evaluate import evaluate
from enigmalang.circuits.layers import schedule
from enigmalang.fields import M61, M127
from enigmalang.mpc import planned
from enigmalang.mpc.machine import Plan, execute, make_plan
from enigmalang.mpc.party import Party
from enigmalang.mpc.planned import BATCH, SMALL, Step, plan_steps
from enigmalang.sharing import structure
from enigmalang.transport.faulty import Fault, FaultKind, FaultyNetwork, random_faults
from enigmalang.transport.network import PeerError

COMMITTEES = [Committee(3, 1, M61), Committee(3, 1, M127), Committee(4, 1, M61), Committee(5, 2, M127)]


def circuit_of(field: str) -> Circuit:
    """Products of every kind: several to a layer, broadcasting, of one element, with openings between."""
    arith = Form.ARITH
    nodes = (
        Node("input", (), (3, 4), arith, {"slot": 0}),
        Node("input", (), (4,), arith, {"slot": 1}),
        Node("mul", (0, 1), (3, 4), arith),
        Node("dot", (0, 1), (3,), arith),
        Node("mul", (2, 2), (3, 4), arith),
        Node("reshape", (1,), (4, 1), arith),
        Node("matmul", (4, 5), (3, 1), arith),
        Node("reshape", (6,), (3,), arith),
        Node("mul", (7, 3), (3,), arith),
        Node("input", (), (3,), arith, {"slot": 2}),
        Node("select", (9, 8, 7), (3,), arith),
        Node("sum", (10,), (), arith, {"axis": 0}),
        Node("mul", (11, 11), (), arith),
        Node("mul", (12, 10), (3,), arith),
        Node("sub", (13, 3), (3,), arith),
    )
    return Circuit(field, nodes, (14, 10))


def unplanned(circuit: Circuit) -> Plan:
    return Plan(schedule(circuit), {})


@pytest.mark.parametrize("committee", COMMITTEES, ids=str)
@pytest.mark.parametrize("batch", [1, 20, BATCH])
def test_planned_and_unplanned_agree(
    committee: Committee, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planned, "BATCH", batch)
    circuit = circuit_of(committee.field.name)
    inputs = [np.array([[1, -2, 0, 2], [1, 1, 1, -1], [0, 0, 0, 0]]), np.array([1, -1, 2, 0]), np.array([1, 0, 1])]
    dealt = [committee.deal(value) for value in inputs]

    def body(make: Callable[[Circuit], Plan]) -> Callable[[Party], Any]:
        def run(party: Party) -> Any:
            shares = {slot: give(party) for slot, give in enumerate(dealt)}
            result = execute(party, circuit, shares, {}, plan=make(circuit))
            counters = party.counters
            counts = (counters.rounds, counters.products, counters.bytes_sent, counters.bytes_received)
            return [value.tolist() for value in result.opened], counts

        return run

    clear = evaluate(circuit, inputs, {})
    expected = [clear[number].tolist() for number in circuit.opens]
    assert make_plan(circuit).steps
    with_plan, without = committee.run(body(make_plan)), committee.run(body(unplanned))
    assert with_plan == without
    assert all(values == expected for values, _ in with_plan)


def test_steps_tile_their_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every product has masks of its own: the layers of a batch lie side by side, without a gap."""
    monkeypatch.setattr(planned, "BATCH", 20)
    circuit = circuit_of("M61")
    steps = plan_steps(circuit, schedule(circuit))
    batches: list[list[Step]] = []
    for number in sorted(steps):
        if steps[number].batch:
            batches.append([])
        batches[-1].append(steps[number])
    assert len(batches) > 1
    for batch in batches:
        assert [step.first for step in batch] == np.cumsum([0, *(step.count for step in batch)]).tolist()[:-1]
        assert batch[0].batch == sum(step.count for step in batch)


@pytest.mark.parametrize("size", [0, SMALL + 1])
def test_empty_and_large_layers_are_not_small(size: int) -> None:
    nodes = (Node("input", (), (size,), Form.ARITH, {"slot": 0}), Node("mul", (0, 0), (size,), Form.ARITH))
    circuit = Circuit("M61", (*nodes, Node("mul", (1, 0), (size,), Form.ARITH)), (2,))
    assert plan_steps(circuit, schedule(circuit)) == {}


@pytest.mark.parametrize("n", [3, 4, 5])
def test_every_message_is_masked_by_what_its_receiver_lacks(n: int) -> None:
    """Of the t silent parties' shares, none is the receiver's: their weights in its message are not zero."""
    shape = structure(n, (n - 1) // 2)
    for me in shape.dealers:
        role = planned._role(M61, shape, me)
        assert me not in role.spoken
        assert not set(role.spoken) & set(role.silent)
        assert len(role.silent) == shape.t
        assert role.table[:-1].all()


@pytest.mark.parametrize("field", [M61, M127], ids=lambda field: field.name)
def test_unreduced_share_is_noticed(field: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    committee = Committee(3, 1, field)
    circuit = Circuit(field.name, (*circuit_of(field.name).nodes[:4], Node("mul", (3, 3), (3,), Form.ARITH)), (3,))
    circuit = Circuit(field.name, (*circuit.nodes, Node("neg", (4,), (3,), Form.ARITH)), (5,))
    dealt = [committee.deal(np.ones((3, 4), np.int64)), committee.deal(np.ones(4, np.int64))]

    def body(party: Party) -> None:
        if party.me == 2:
            swap = party.swap
            party.swap = lambda frames, expects: swap(  # type: ignore[method-assign]
                {peer: memoryview(b"\xff" * len(frame)) for peer, frame in frames.items()}, expects)
        execute(party, circuit, {slot: give(party) for slot, give in enumerate(dealt)}, {})

    with pytest.raises(PeerError, match="node 2: a number is not reduced"):
        committee.run(body)


def behind_faults(committee: Committee, faults: Callable[[Party], list[Fault]]) -> Callable[[Party], Any]:
    """A run of the circuit, and of the agreement before it, whose first half is sent ahead."""
    circuit = circuit_of(committee.field.name)
    dealt = [committee.deal(np.ones((3, 4), np.int64)), committee.deal(np.ones(4, np.int64)), committee.deal([1, 0, 1])]

    def body(party: Party) -> Any:
        party.network = FaultyNetwork(party.network, faults(party), seed=party.me)
        shares = {slot: give(party) for slot, give in enumerate(dealt)}
        result = execute(party, circuit, shares, {}, digest=bytes(range(32)))
        return [value.tolist() for value in result.opened]

    return body


@pytest.mark.parametrize("seed", range(3))
def test_delays_change_nothing(seed: int) -> None:
    committee = Committee(5, 2, M61)

    def faults(party: Party) -> list[Fault]:
        peers = [peer for peer in party.structure.parties if peer != party.me]
        return random_faults(100 * seed + party.me, 20, peers, 0.5, [FaultKind.DELAY])

    calm = committee.run(behind_faults(committee, lambda party: []))
    assert committee.run(behind_faults(committee, faults)) == calm


@pytest.mark.parametrize("step", [0, 1, 4])
@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.REORDER, FaultKind.CLOSE])
def test_a_lost_message_ends_the_run(step: int, kind: FaultKind) -> None:
    """In the agreement (step 0) as in the rounds after it. Party 2 hears from 1 in every round."""
    committee = Committee(3, 1, M61)

    def faults(party: Party) -> list[Fault]:
        return [Fault(step, peer, kind) for peer in (1, 3)] if party.me == 2 else []

    with pytest.raises(PeerError, match=r"node [13]: "):
        committee.run(behind_faults(committee, faults))


def test_a_corrupted_digest_is_another_circuit() -> None:
    committee = Committee(3, 1, M61)
    with pytest.raises(PeerError, match="node 1: runs another circuit"):
        committee.run(
            behind_faults(committee, lambda party: [Fault(0, 1, FaultKind.CORRUPT)] if party.me == 2 else []))
