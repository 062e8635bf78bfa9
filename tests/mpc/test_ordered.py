"""The machine on sorts, shuffles and permutations, against the evaluator in the clear."""

import numpy as np
import pytest
from committee import Committee, agreed

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.evaluate import evaluate
from enigmalang.fields import M61
from enigmalang.mpc.machine import execute
from enigmalang.mpc.shuffle import OrderError
from enigmalang.sharing.faults import SharingError
from enigmalang.transport.network import PeerError
from enigmalang.wire.check import check_circuit
from enigmalang.wire.codec import decode_circuit, encode_circuit

A = Form.ARITH


class Build:
    """Nodes in order; a call gives a node's number."""

    def __init__(self):
        self.nodes = []

    def __call__(self, op, args, shape, **attrs):
        self.nodes.append(Node(op, args, shape, A, attrs))
        return len(self.nodes) - 1

    def sort(self, args, ranges, ranks=None):
        shape = self.nodes[args[0]].shape
        size = shape if ranks is None else (*shape[:-1], len(ranks))
        return self("sort", args, (len(args), *size), keys=len(ranges), ranges=ranges, ranks=ranks)


def run(c, circuit, inputs):
    """The opened values of both engines, and party 1's rounds."""
    check_circuit(circuit)
    circuit = decode_circuit(encode_circuit(circuit))
    dealt = [c.deal(value) for value in inputs]

    def body(party):
        result = execute(party, circuit, {i: give(party) for i, give in enumerate(dealt)}, {})
        return [value.tolist() for value in result.opened], party.counters.rounds

    results = c.run(body)
    values = evaluate(circuit, inputs, {})
    return agreed([opened for opened, _ in results]), [values[i].tolist() for i in circuit.opens], results[0][1]


def test_orders_of_all_kinds_at_once(three):
    """Sorts with equal attributes, of several lengths, columns and batches; others; public columns; results used on."""
    add = Build()
    x, y = add("input", (), (2, 3, 5), slot=0), add("input", (), (2, 3, 5), slot=1)
    z, perm = add("input", (), (7,), slot=2), add("input", (), (2, 3, 5), slot=3)
    index = add("const", (), (7,), value=np.arange(7))
    down = add("neg", (z,), (7,))
    wide, bits = ((-99, 99),), ((-99, 99), (-99, 99))
    ends = [
        add.sort((x, y), wide), add.sort((z, index), wide), add.sort((y, x), wide), add.sort((z,), wide),
        add.sort((down, index), wide), add.sort((x, y), bits), add.sort((z, index), wide, (6, 0)),
        add.sort((index,), ((0, 6),)), add.sort((index, z), ((0, 6),), (3,)),
        add("permute", (perm, x, y), (2, 2, 3, 5)), add("permute", (index, z), (1, 7)),
    ]
    chosen = add("take", (ends[1],), (7,), indices=np.array(1), axis=0)  # argsort
    ends.append(add("permute", (chosen, z), (1, 7)))
    mixed = add("shuffle", (x, y), (2, 2, 3, 5))
    ends += [add("sum", (mixed,), (2, 2, 3), axis=-1), add.sort((z, z, z), wide)]
    generator = np.random.default_rng(1)
    inputs = [*generator.integers(-9, 10, (2, 2, 3, 5)), generator.integers(-3, 4, 7),
              np.argsort(generator.random((2, 3, 5)), axis=-1)]
    opened, expected, _ = run(three, Circuit(three.field.name, tuple(add.nodes), tuple(ends)), inputs)
    assert opened == expected


@pytest.mark.parametrize(("n", "t"), [(5, 1), (5, 2), (9, 4)])
@pytest.mark.parametrize("values", [[3, -1, 2, -1, 50, 0], [3, 1, 2, 0, 5, 4]])
def test_orders_for_other_committees(n, t, values):
    add = Build()
    x, bits = add("input", (), (6,), slot=0), add("input", (), (6,), slot=1)
    ends = [add.sort((x,), ((-5, 50),)), add.sort((bits, x), ((-1, 1),))]
    if sorted(values) == list(range(6)):
        ends.append(add("permute", (x, x, bits), (2, 6)))
    circuit = Circuit("M61", tuple(add.nodes), tuple(ends))
    opened, expected, _ = run(Committee(n, t, M61), circuit, [np.array(values), np.array([1, -1, 0] * 2)])
    assert opened == expected


def test_equal_sorts_and_all_shuffles_share_their_rounds():
    c = Committee(3, 1, M61)

    def rounds(count, op):
        add = Build()
        made = [add("input", (), (9,), slot=k) for k in range(count)]
        if op == "sort":
            made = [add.sort((k,), ((0, 99),)) for k in made]
        else:
            made = [add(op, (k,) * (1 + k), (1 + k, 9)) for k in made]
        summed = tuple(add("sum", (k,), add.nodes[k].shape[:1], axis=-1) for k in made)
        return run(c, Circuit("M61", tuple(add.nodes), summed), [np.arange(9) + k for k in range(count)])[2]

    assert rounds(1, "sort") == rounds(4, "sort")
    assert rounds(1, "shuffle") == rounds(4, "shuffle") == 4


def test_two_shuffles_are_different_orders():
    add = Build()
    x = add("input", (), (40,), slot=0)
    ends = tuple(add("shuffle", (x,), (1, 40)) for _ in range(2))
    circuit = Circuit("M61", tuple(add.nodes), ends)
    share = Committee(3, 1, M61).deal(np.arange(40))
    first, second = agreed(Committee(3, 1, M61).run(
        lambda party: [v.tolist() for v in execute(party, circuit, {0: share(party)}, {}).opened]))
    assert first != second and sorted(first[0]) == sorted(second[0]) == list(range(40))


def test_what_is_no_permutation_stops_the_run():
    add = Build()
    x = add("input", (), (3,), slot=0)
    placed = add("permute", (x, x), (1, 3))
    with pytest.raises((OrderError, PeerError, SharingError), match="none"):
        run(Committee(3, 1, M61), Circuit("M61", tuple(add.nodes), (placed,)), [np.array([0, 2, 2])])
