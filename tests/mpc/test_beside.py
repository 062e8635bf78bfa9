"""Protocols beside each other: rounds are the longest's, not all of them; values, sizes of messages, faults."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from committee import Committee, agreed

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.evaluate import evaluate
from enigmalang.fields import M61, M127
from enigmalang.mpc import addends, bits, dealing, opening
from enigmalang.mpc.ahead import begin
from enigmalang.mpc.machine import execute, make_plan
from enigmalang.mpc.party import Party
from enigmalang.transport.faulty import Fault, FaultKind, FaultyNetwork, random_faults
from enigmalang.transport.network import PeerError

A, B = Form.ARITH, Form.BITS
CASES = [(3, 1, M61), (4, 1, M61), (5, 2, M61), (3, 1, M127), (9, 4, M61)]  # the last is wide


@pytest.fixture(params=CASES, ids=lambda p: f"{p[0]}-{p[1]}-{p[2]}")
def some(request: pytest.FixtureRequest) -> Committee:
    return Committee(*request.param)


class Build:
    """Operations on one input of `size` small integers."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.nodes = [Node("input", (), (size,), A, {"slot": 0})]
        self.ends: list[int] = []

    def add(self, op: str, *args: int, form: Form = A, shape: tuple[int, ...] | None = None, **attrs: object) -> int:
        self.nodes.append(Node(op, args, (self.size,) if shape is None else shape, form, dict(attrs)))
        return len(self.nodes) - 1

    def circuit(self, field: str) -> Circuit:
        return Circuit(field, tuple(self.nodes), opens=tuple(self.ends))


Part = Callable[[Build], None]


def products(b: Build, count: int = 3) -> None:
    """A chain; the last is added to something, so that it is not only opened."""
    x = 0
    for _ in range(count):
        x = b.add("mul", x, 0) if x else b.add("mul", 0, 0)
    b.ends.append(b.add("add", x, 0))


def comparison(b: Build) -> None:
    b.ends.append(b.add("ltz", 0, form=B, bits=12))


def equality(b: Build) -> None:
    b.ends.append(b.add("eqz", 0, form=B))


def division(b: Build) -> None:
    b.ends.append(b.add("divc", 0, divisor=7))


def shift(b: Build) -> None:
    b.ends.append(b.add("shr", 0, f=3, mode="exact"))


def digits(b: Build) -> None:
    square = b.add("mul", 0, 0)
    b.ends.append(b.add("a2b", square, form=B, shape=(b.size, 24), bits=24))


def chosen(b: Build) -> None:
    flag = b.add("b2a", b.add("ltz", 0, form=B))
    b.ends.append(b.add("add", b.add("select", flag, 0, b.add("mul", 0, 0)), 0))


def quotient(b: Build) -> None:
    square = b.add("mul", 0, 0)
    b.ends.append(b.add("divmod", square, b.add("add", square, square), shape=(2, b.size), bits=24))


def ordered(b: Build) -> None:
    b.ends.append(b.add("sort", 0, shape=(1, b.size), keys=1, ranges=((-4096, 4096),), ranks=None))


ALL: list[Part] = [products, comparison, equality, division, shift, digits, chosen, quotient, ordered]
SHORT: list[Part] = [products, comparison, equality, division, shift, digits, chosen]


def joined(parts: Sequence[Part], size: int, field: str) -> Circuit:
    b = Build(size)
    for part in parts:
        part(b)
    return b.circuit(field)


def values_of(size: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1000, 1000, size)


def ran(c: Committee, circuit: Circuit, values: np.ndarray, before: Callable[[Party], None]) -> list[tuple[Any, int]]:
    """What each party saw opened, and its rounds."""
    x = c.deal(values)

    def body(party: Party) -> tuple[Any, int]:
        before(party)
        result = execute(party, circuit, {0: x(party)}, {})
        return [value.tolist() for value in result.opened], party.counters.rounds

    return c.run(body)


def nothing(_: Party) -> None:
    """No preparation."""


def in_the_clear(circuit: Circuit, values: np.ndarray) -> list[Any]:
    found = evaluate(circuit, [values], {})
    return [found[end].tolist() for end in circuit.opens]


# ------------------------------------------------------------ rounds


@pytest.mark.parametrize("parts", [SHORT, [products, comparison, division], [comparison, digits], [quotient, chosen]])
def test_rounds_are_the_longests(some: Committee, parts: list[Part]) -> None:
    """Each alone has its rounds and an opening; so has the longest, with all others in the same rounds."""
    values, field = values_of(5), some.field.name
    alone = [agreed(ran(some, joined([part], 5, field), values, nothing))[1] for part in parts]
    circuit = joined(parts, 5, field)
    found, rounds = agreed(ran(some, circuit, values, nothing))
    assert found == in_the_clear(circuit, values)
    assert rounds == max(alone)


def test_a_long_chain_of_products_beside_a_comparison() -> None:
    """Some before it ends, some after: 20 rounds and an opening."""
    c = Committee(3, 1, M127)
    b = Build(2)
    products(b, 20)
    comparison(b)
    values = np.array([-3, 2])
    found, rounds = agreed(ran(c, b.circuit("M127"), values, nothing))
    assert (found, rounds) == (in_the_clear(b.circuit("M127"), values), 20 + 1)


def test_stocks_are_taken_in_the_same_order() -> None:
    """Comparisons by tables and conversions with bits in stock, beside products."""
    for n, t in ((3, 1), (5, 2)):
        c = Committee(n, t, M61)
        values, circuit = values_of(5), joined(SHORT, 5, "M61")
        found, _ = agreed(ran(c, circuit, values, lambda party: begin(party)))
        assert found == in_the_clear(circuit, values)


def test_rounds_that_go_in_parts(some: Committee, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large batches keep frames of their own, and count like small ones but for their pieces."""
    values, circuit = values_of(200), joined(SHORT, 200, some.field.name)
    _, whole = agreed(ran(some, circuit, values, nothing))
    for module in (dealing, opening, bits):
        monkeypatch.setattr(module, "PIECE", 64)
    monkeypatch.setattr(dealing, "WINDOW", 3)
    found, rounds = agreed(ran(some, circuit, values, nothing))
    assert found == in_the_clear(circuit, values)
    assert rounds >= whole
    monkeypatch.setattr(addends, "PIECE_BYTES", 1)
    found, _ = agreed(ran(some, circuit, values, nothing))
    assert found == in_the_clear(circuit, values)


# ------------------------------------------------------------ values


def test_every_kind_beside_every_other(some: Committee) -> None:
    values, circuit = values_of(4), joined(ALL, 4, some.field.name)
    found, _ = agreed(ran(some, circuit, values, nothing))
    assert found == in_the_clear(circuit, values)


def tangle(seed: int, field: str) -> Circuit:
    """Operations of all kinds on earlier results, which stay small."""
    rng = random.Random(seed)
    b = Build(3)
    small, flags = [0], [b.add("ltz", 0, form=B)]
    for _ in range(25):
        kind = rng.choice(["mul", "mul", "ltz", "eqz", "b2a", "and", "select", "shr", "divc", "sort"])
        x, y = rng.choice(small), rng.choice(small)
        f, g = rng.choice(flags), rng.choice(flags)
        if kind == "mul":  # kept small by a division
            small.append(b.add("divc", b.add("mul", x, y), divisor=rng.choice([1000, 1024])))
        elif kind in ("ltz", "eqz"):
            flags.append(b.add(kind, x, form=B))
        elif kind == "b2a":
            small.append(b.add("b2a", f))
        elif kind == "and":
            flags.append(b.add("and", f, g, form=B))
        elif kind == "select":
            small.append(b.add("select", b.add("b2a", f), x, y))
        elif kind == "shr":
            small.append(b.add("shr", x, f=2, mode="exact"))
        elif kind == "divc":
            small.append(b.add("divc", x, divisor=3))
        else:
            found = b.add("sort", x, shape=(1, 3), keys=1, ranges=((-4096, 4096),), ranks=None)
            small.append(b.add("reshape", found))
    used = {arg for node in b.nodes for arg in node.args}
    b.ends = [number for number in range(1, len(b.nodes)) if number not in used or number % 5 == 0]
    return b.circuit(field)


@pytest.mark.parametrize("seed", range(6))
def test_tangles(some: Committee, seed: int) -> None:
    circuit, values = tangle(seed, some.field.name), values_of(3, seed)
    found, _ = agreed(ran(some, circuit, values, nothing))
    assert found == in_the_clear(circuit, values)


def test_planned_products_beside_others_are_planned() -> None:
    """Their masks are drawn in one go; whether they share a round makes no difference to that."""
    b = Build(2)
    products(b, 6)
    comparison(b)
    plan = make_plan(b.circuit("M61"))
    steps = [plan.steps[number] for number in sorted(plan.steps)]
    assert [step.batch for step in steps] == [12, 0, 0, 0, 0, 0]


# ------------------------------------------------------------ what others see


def sizes(c: Committee, circuit: Circuit, values: np.ndarray) -> list[list[dict[int, int]]]:
    """Of every frame that each party sends, in order."""
    x = c.deal(values)

    def body(party: Party) -> list[dict[int, int]]:
        told: list[dict[int, int]] = []
        post = party.network.post

        def watched(tag: int, sends: Any) -> None:
            told.append({peer: len(frame) for peer, frame in sends.items()})
            post(tag, sends)

        party.network.post = watched  # type: ignore[method-assign]
        execute(party, circuit, {0: x(party)}, {})
        return told

    return c.run(body)


def test_sizes_of_messages_are_public(some: Committee) -> None:
    circuit = joined([*SHORT, quotient], 6, some.field.name)
    assert sizes(some, circuit, np.zeros(6, int)) == sizes(some, circuit, np.array([-9, 8, 1000, 0, -1000, 77]))


def test_one_frame_a_peer_and_round() -> None:
    c = Committee(3, 1, M61)
    circuit = joined([products, comparison, division], 6, "M61")
    _, rounds = agreed(ran(c, circuit, values_of(6), nothing))
    assert all(len(told) == rounds for told in sizes(c, circuit, values_of(6)))


# ------------------------------------------------------------ faults


def faulty(faults: Callable[[Party], list[Fault]], party: Party) -> None:
    party.network = FaultyNetwork(party.network, faults(party), seed=party.me)


def peers_of(party: Party) -> list[int]:
    return [peer for peer in party.structure.parties if peer != party.me]


@pytest.mark.parametrize("seed", range(3))
def test_late_frames_change_nothing(some: Committee, seed: int) -> None:
    circuit, values = joined(SHORT, 5, some.field.name), values_of(5, seed)

    def faults(party: Party) -> list[Fault]:
        return random_faults(100 * seed + party.me, 30, peers_of(party), 0.3, [FaultKind.DELAY])

    assert ran(some, circuit, values, partial(faulty, faults)) == ran(some, circuit, values, nothing)


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.REORDER, FaultKind.CLOSE])
@pytest.mark.parametrize("step", [1, 3, 6])
def test_a_lost_frame_ends_the_run(step: int, kind: FaultKind) -> None:
    c = Committee(3, 1, M61)

    def faults(party: Party) -> list[Fault]:
        return [Fault(step, peer, kind) for peer in peers_of(party)] if party.me == 2 else []

    with pytest.raises(PeerError, match=r"node [13]: "):
        ran(c, joined(SHORT, 5, "M61"), values_of(5), partial(faulty, faults))


def test_an_element_that_is_not_reduced_names_its_sender() -> None:
    """In a frame that three protocols share: the comparison's element, or the planned product's."""
    c = Committee(3, 1, M61)

    def spoil(party: Party) -> None:
        if party.me != 1:
            return
        exchange, count = party.network.exchange, iter(range(1000))

        def spoiled(tag: int, sends: Any, expects: Any) -> Any:
            wrong = next(count) == 0
            return exchange(tag, {peer: b"\xff" * len(f) if wrong else f for peer, f in sends.items()}, expects)

        party.network.exchange = spoiled  # type: ignore[method-assign]

    with pytest.raises(PeerError, match="node 1: "):
        ran(c, joined([products, comparison, division], 5, "M61"), values_of(5), spoil)
