"""Layers beside each other: a schedule is as long as its longest chain, in as few calls as that allows."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from enigmalang.circuits import waves
from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.costs import rounds_of
from enigmalang.circuits.layers import Layer, cut_layers
from enigmalang.circuits.timeline import Timeline, latest_starts

A, B = Form.ARITH, Form.BITS
LTZ, EQZ = rounds_of("ltz", {}, 61), rounds_of("eqz", {}, 61)


class Build:
    def __init__(self) -> None:
        self.nodes = [Node("input", (), (), A, {"slot": 0})]

    def add(self, op: str, *args: int, form: Form = A, **attrs: object) -> int:
        self.nodes.append(Node(op, args or (0,), (), form, dict(attrs)))
        return len(self.nodes) - 1

    def chain(self, length: int, first: int = 0) -> int:
        for _ in range(length):
            first = self.add("mul", first, first)
        return first

    def layers(self, *ends: int) -> tuple[Layer, ...]:
        return cut_layers(self.circuit(*ends))

    def circuit(self, *ends: int) -> Circuit:
        kept = tuple((end, number) for number, end in enumerate(ends))  # opened products would need no round
        return Circuit("M61", tuple(self.nodes), keeps=kept)


def told(layers: Sequence[Layer]) -> list[tuple[str, int, tuple[int, ...]]]:
    return [(layer.protocol, len(layer.together), layer.awaits) for layer in layers]


def length(layers: Sequence[Layer], nodes: Sequence[Node]) -> int:
    """Rounds, when each layer begins as soon as it may."""
    begins, ends = [0], [0]
    for layer in layers:
        begins.append(max([begins[-1], *(ends[number + 1] for number in layer.awaits)]))
        costs = [cost_of(nodes[i]) for i in layer.together]
        ends.append(begins[-1] + max(costs, default=0))
    return max(ends)


def cost_of(node: Node) -> int:
    return rounds_of(node.op, node.attrs, 61) if node.op in ("mul", "ltz", "eqz", "b2a") else 0


def longest(nodes: Sequence[Node]) -> int:
    ends: list[int] = []
    for node in nodes:
        ends.append(max((ends[arg] for arg in node.args), default=0) + cost_of(node))
    return max(ends)


def test_kinds_begin_together() -> None:
    b = Build()
    ends = b.add("mul", 0, 0), b.add("ltz", form=B), b.add("eqz", form=B), b.add("divc", divisor=7)
    layers = b.layers(*ends)
    assert {layer.protocol for layer in layers} == {"products", "ltz", "eqz", "divc"}
    assert all(layer.awaits == () for layer in layers)


def test_a_chain_runs_inside_a_longer_protocol() -> None:
    b = Build()
    ends = b.chain(LTZ - 2), b.add("ltz", form=B)
    layers = b.layers(*ends)
    assert length(layers, b.nodes) == LTZ
    chain = LTZ - 2
    assert told(layers) == [("ltz", 1, ()), ("products", 1, ()), *(("products", 1, (i,)) for i in range(1, chain))]


def test_what_may_wait_waits_for_its_kind() -> None:
    """One comparison is at the end of a chain, the other is ready at once."""
    b = Build()
    early, late = b.add("ltz", form=B), b.add("ltz", b.chain(3), form=B)
    assert told(b.layers(early, late)) == [
        ("products", 1, ()), ("products", 1, (0,)), ("products", 1, (1,)), ("ltz", 2, (2,))]


def test_what_may_not_wait_does_not() -> None:
    b = Build()
    early = b.chain(5, b.add("b2a", b.add("ltz", form=B)))
    late = b.add("ltz", b.chain(2), form=B)
    layers = b.layers(early, late)
    assert length(layers, b.nodes) == LTZ + 2 + 5
    assert [layer.protocol for layer in layers].count("ltz") == 2


def test_products_for_later_delay_nothing() -> None:
    """They run with the last that there are, not in a round of their own."""
    b = Build()
    chain = b.chain(6)
    other = b.add("mul", 0, 0)
    flag = b.add("b2a", b.add("ltz", chain, form=B))
    end = b.add("mul", flag, other)
    layers = b.layers(end)
    assert length(layers, b.nodes) == 6 + LTZ + 2 + 1


def test_one_kind_awaits_the_layer_before() -> None:
    b = Build()
    assert told(b.layers(b.chain(3))) == [("products", 1, ()), ("products", 1, (0,)), ("products", 1, (1,))]


def tangled(seed: int, width: int, depth: int) -> list[Node]:
    rng = random.Random(seed)
    b = Build()
    numbers = [0]
    for _ in range(depth):
        made = []
        for _ in range(width):
            op = rng.choice(["add", "mul", "mul", "neg", "ltz", "eqz"])
            args = [rng.choice(numbers[-3 * width :]) for _ in range(2 if op in ("add", "mul") else 1)]
            node = b.add(op, *args, form=B if op in ("ltz", "eqz") else A)
            made.append(b.add("b2a", node) if op in ("ltz", "eqz") else node)
        numbers += made
    return b.nodes


@pytest.mark.parametrize("seed", range(30))
def test_as_long_as_the_longest_chain(seed: int) -> None:
    """And all that a layer uses is there when it begins."""
    nodes = tangled(seed, 1 + seed % 7, 3 + seed)
    used = {arg for node in nodes for arg in node.args}
    ends = [number for number in range(len(nodes)) if number not in used]
    circuit = Circuit("M61", tuple(nodes), keeps=tuple((end, i) for i, end in enumerate(ends)))
    layers = cut_layers(circuit)
    assert length(layers, nodes) == longest(nodes)
    assert sorted(i for layer in layers for i in (*layer.local, *layer.together)) == list(range(len(nodes)))
    local: set[int] = set()
    for layer in layers:
        done = {i for number in layer.awaits for i in layers[number].together}
        for i in layer.local:
            assert set(nodes[i].args) <= local | done
            local.add(i)
        assert all(set(nodes[i].args) <= local | done for i in layer.together)


@pytest.mark.parametrize("seed", range(3))
def test_latest_starts_of_narrow_and_wide_circuits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = tangled(seed, 90, 30)
    users = np.array([i for i, node in enumerate(nodes) for _ in node.args])
    args = np.array([arg for node in nodes for arg in node.args])
    costs = np.array([cost_of(node) for node in nodes])
    needed = np.ones(len(nodes), np.bool_)
    wide = latest_starts(users, args, needed, costs)
    monkeypatch.setattr(waves, "LEAST_WAVE", 1 << 60)
    assert np.array_equal(wide, latest_starts(users, args, needed, costs))
    assert wide.min() == 0 and (wide[args] + costs[args] <= wide[users]).all()


def test_the_clock_stops_at_what_can_wait_no_longer() -> None:
    clock = Timeline([5, 1], [1, 2])
    clock.wait(0, 1, 0)
    clock.wait(1, 1, 2)
    assert clock.begin() == [0] and clock.busy
    assert clock.advance() == [] and clock.begin() == [1]
    assert clock.advance() == [1] and clock.advance() == [0] and not clock.busy
