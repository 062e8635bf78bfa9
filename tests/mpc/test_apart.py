"""Large sorts and permutations, column by column: the same values as all columns together, and in little memory."""

import tracemalloc

import numpy as np
import pytest
from committee import Committee

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.fields import M61, M127
from enigmalang.mpc import heap
from enigmalang.mpc.machine import execute
from enigmalang.mpc.shuffle import OrderError
from enigmalang.sharing import ArithShare

N = 700


def circuit_of(op, columns, taken, shape=(N,), field="M61", **attrs):
    """An operation on columns, some columns of its value, and the sum of these."""
    nodes = [Node("input", (), shape, Form.ARITH, {"slot": slot}) for slot in range(columns)]
    count = columns - (op == "permute")
    nodes.append(Node(op, tuple(range(columns)), (count, *shape), Form.ARITH, attrs))
    nodes += [Node("take", (columns,), shape, Form.ARITH, {"indices": np.array(number), "axis": 0}) for number in taken]
    return Circuit(field, tuple(nodes), opens=tuple(range(columns + 1, len(nodes))))


def run(c, circuit, columns):
    shares = [c.deal(column) for column in columns]

    def work(party):
        inputs = {slot: ArithShare(party.field, share(party).raw) for slot, share in enumerate(shares)}
        return execute(party, circuit, inputs, {})

    results = c.run(work)
    assert all(np.array_equal(a, b) for one in results for a, b in zip(one.opened, results[0].opened, strict=True))
    return [np.asarray(value, np.int64) for value in results[0].opened]


@pytest.mark.parametrize(("n", "t", "field"), [(3, 1, M61), (3, 1, M127), (4, 1, M61), (5, 2, M61), (12, 5, M61)])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 2), (0, 50_000), (7, 7)])
def test_sorts(monkeypatch, n, t, field, low, high):
    monkeypatch.setattr(heap, "LARGE", 1)
    rng = np.random.default_rng(high)
    columns = [rng.integers(low, high + 1, N), np.arange(N), rng.integers(0, 1 << 30, N)]
    order = np.argsort(columns[0], kind="stable")
    attrs = {"keys": 1, "ranges": ((low, high),), "ranks": None}
    for taken in ([0, 1, 2], [2, -2], [1, 1]):
        circuit = circuit_of("sort", 3, taken, field=field.name, **attrs)
        found = run(Committee(n, t, field), circuit, columns)
        assert all(np.array_equal(value, columns[i][order]) for value, i in zip(found, taken, strict=True))


def test_rows_and_several_keys(monkeypatch):
    monkeypatch.setattr(heap, "LARGE", 1)
    rng = np.random.default_rng(5)
    columns = [rng.integers(0, 9, (3, 200)), rng.integers(-4, 5, (3, 200)), np.arange(600).reshape(3, 200)]
    circuit = circuit_of("sort", 3, [2, 0], (3, 200), keys=2, ranges=((0, 8), (-4, 4)), ranks=None)
    order = np.lexsort((columns[1], columns[0]), axis=1)
    found = run(Committee(3, 1, M61), circuit, columns)
    pairs = zip(found, (2, 0), strict=True)
    assert all(np.array_equal(value, np.take_along_axis(columns[i], order, 1)) for value, i in pairs)


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1), (5, 2)])
def test_permutations(monkeypatch, n, t):
    monkeypatch.setattr(heap, "LARGE", 1)
    rng = np.random.default_rng(n)
    where, values = rng.permuted(np.tile(np.arange(N), (2, 1)), axis=1), rng.integers(0, 99, (2, N))
    found = run(Committee(n, t, M61), circuit_of("permute", 3, [1, 0], (2, N)), [where, values, values + 1])
    expected = np.empty_like(values)
    np.put_along_axis(expected, where, values, axis=1)
    assert np.array_equal(found[0], expected + 1) and np.array_equal(found[1], expected)


def test_what_is_no_permutation_is_refused(monkeypatch):
    monkeypatch.setattr(heap, "LARGE", 1)
    for wrong in (np.zeros(N, np.int64), np.arange(N) + 1, np.arange(N) - 1):
        with pytest.raises(OrderError):
            run(Committee(3, 1, M61), circuit_of("permute", 2, [0]), [wrong, wrong])


def test_a_value_that_is_kept_whole(monkeypatch):
    """All columns are there for who asks for them together."""
    monkeypatch.setattr(heap, "LARGE", 1)
    columns = [np.arange(N)[::-1] % 50, np.arange(N)]
    nodes = [Node("input", (), (N,), Form.ARITH, {"slot": slot}) for slot in range(2)]
    nodes.append(Node("sort", (0, 1), (2, N), Form.ARITH, {"keys": 1, "ranges": ((0, 1000),), "ranks": None}))
    nodes.append(Node("take", (2,), (2, N), Form.ARITH, {"indices": np.array([1, 0]), "axis": 0}))
    order = np.argsort(columns[0], kind="stable")
    found = run(Committee(3, 1, M61), Circuit("M61", tuple(nodes), opens=(2, 3)), columns)
    expected = np.stack(columns)[:, order]
    assert np.array_equal(found[0], expected) and np.array_equal(found[1], expected[::-1])


def test_columns_wait_until_it_is_their_turn(monkeypatch):
    """Of k columns k are held at each party, and what moves one of them."""
    monkeypatch.setattr(heap, "LARGE", 1)
    n, k, c = 1 << 16, 6, Committee(3, 1, M61)
    circuit = circuit_of("sort", k, [k - 1], (n,), keys=1, ranges=((0, 1),), ranks=None)
    shares = [c.deal(np.arange(n) * 7 % 2) for _ in range(k)]

    def work(party):
        inputs = {slot: ArithShare(party.field, share(party).raw) for slot, share in enumerate(shares)}
        return execute(party, circuit, inputs, {}).opened[0][0]

    tracemalloc.start()
    c.run(work)
    above = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert above < 3 * 8 * n * (k + 3.5)  # all at once: 3 (k + 1) columns, their places, and what moves them
