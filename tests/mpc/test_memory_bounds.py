"""What a party's work holds at once, as a multiple of its shares: traced allocations, no times."""

import tracemalloc

import numpy as np
import pytest
from committee import Committee

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.runs import Runs
from enigmalang.fields import M61, residues
from enigmalang.mpc import addends, bits, counting, divide, sums
from enigmalang.mpc import sort as sorting
from enigmalang.mpc.machine import execute
from enigmalang.mpc.opening import reveal
from enigmalang.mpc.pivots import Judge
from enigmalang.mpc.segments import sorted_places
from enigmalang.mpc.shuffle import Table, shuffle
from enigmalang.mpc.sort import sort_with_room, with_room
from enigmalang.sharing import ArithShare


def peak(work):
    """Bytes above those that were there before, of all threads together."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [600])
def test_a_matrix_product(monkeypatch, size):
    monkeypatch.setattr(residues, "PANEL", 1 << 16)
    x, y, out = (M61.from_ints(np.arange(size * size).reshape(size, size)) for _ in range(3))
    residues.matmul(M61.q, x, y, out)  # what is kept is there now
    assert peak(lambda: residues.matmul(M61.q, x, y, out)) < 2.5 * out.nbytes  # y's residues, and panels


def test_a_public_order():
    n = 200_000
    values = np.random.default_rng(1).permutation(n)
    judge = Judge(lambda left, right: values[left] < values[right])
    assert peak(lambda: sorted_places(judge, 1, n)) < 60 * n  # four numbers of 32 bits each, and a block's work


def test_a_shuffle():
    n = 200_000
    c = Committee(3, 1, M61)
    share = c.deal(np.arange(n).reshape(1, 1, n))

    def work():
        c.run(lambda party: shuffle(party, [Table(party.field, share(party).raw)])[0].raw[0, 0, :1].copy())

    work()
    assert peak(work) < 12 * 8 * n  # of 3 parties 2 hold values, a column and an order


@pytest.mark.parametrize("high", [1, 99])
def test_a_sort_works_in_the_memory_that_it_is_given(monkeypatch, high):
    """What makes keys distinct, or the places, is in the room that the table has: nothing is copied to be shuffled."""
    n, k, c, shuffled = 300, 3, Committee(3, 1, M61), []

    def watched(party, tables):
        found = list(tables)
        shuffled.extend(table.raw for table in found)
        return shuffle(party, found)

    monkeypatch.setattr(sorting, "shuffle", watched)
    monkeypatch.setattr(counting, "shuffle", watched)
    rows = np.stack([np.arange(n) * (7 + column) % (high + 1) for column in range(k)])
    share = c.deal(rows[:, None])

    def work(party):
        table = with_room(Table(party.field, share(party).raw))
        found = sort_with_room(party, [table], ((0, high),)).raw
        return reveal(party, ArithShare(party.field, found)), any(raw is table.raw for raw in shuffled)

    results = c.run(work)
    expected = rows[:, np.argsort(rows[0], kind="stable")][:, None]
    assert all(np.array_equal(M61.to_ints(told), expected) for told, _ in results)
    assert all(same for _, same in results)


@pytest.mark.parametrize(("rows", "n", "count"), [(1, 1 << 17, 2), (2, 1 << 14, 5), (1 << 14, 8, 2)])
def test_places_are_counted_some_at_a_time(monkeypatch, rows, n, count):
    monkeypatch.setattr(counting, "AT_ONCE", 1 << 12)
    keys = np.random.default_rng(2).integers(0, count, (rows, n))
    powers = M61.from_ints(np.stack([keys**power for power in range(1, count)]))
    told, lines = [], counting._indicators(M61.p, count)
    above = peak(lambda: told.append(counting._counted(M61, powers, lines)))
    expected = np.argsort(np.argsort(keys, axis=1, kind="stable"), axis=1)
    assert np.array_equal(M61.to_ints(told[0]), expected)
    few = 8 * max(1 << 12, rows * count)  # a column at least
    assert above < told[0].nbytes + 16 * few


@pytest.mark.parametrize("protocol", ["divmod", "divc", "shr"])
def test_divisions_go_in_pieces(monkeypatch, protocol):
    """What is worked on beside operands and results is a piece's, not the array's."""
    monkeypatch.setattr(divide, "DIVMOD_LANES", 1 << 10)
    monkeypatch.setattr(divide, "DIVMOD_BITS", 1 << 10)
    monkeypatch.setattr(addends, "PIECE_BYTES", 1 << 15)
    n = 1 << 14
    c = Committee(3, 1, M61)
    x, y = c.deal(np.arange(n) % 8), c.deal(np.arange(n) % 3 + 1)
    run = {
        "divmod": lambda party: divide.divmod_(party, share(party, x), share(party, y), 3),
        "divc": lambda party: divide.divc(party, share(party, x), 10),
        "shr": lambda party: divide.shr(party, share(party, x), 3),
    }[protocol]

    def share(party, dealt):
        return ArithShare(party.field, dealt(party).raw)

    results = []
    above = peak(lambda: results.extend(c.run(run)))
    kept = sum(result.raw.nbytes for result in results)
    assert above - kept < 3 * kept + (3 << 19)  # of three parties


def bitwise(n, width):
    """x XOR y of n numbers."""
    weights = np.array([1 << bit for bit in range(width)], object)
    nodes = [Node("input", (), (n,), Form.ARITH, {"slot": slot}) for slot in (0, 1)]
    nodes += [Node("a2b", (i,), (n, width), Form.BITS, {"bits": width}) for i in (0, 1)]
    nodes.append(Node("xor", (2, 3), (n, width), Form.BITS, {}))
    nodes.append(Node("b2a", (4,), (n, width), Form.ARITH, {}))
    nodes.append(Node("scale", (5,), (n, width), Form.ARITH, {"factor": weights}))
    nodes.append(Node("sum", (6,), (n,), Form.ARITH, {"axis": -1}))
    return Circuit("M61", tuple(nodes), opens=(7,))


@pytest.mark.parametrize("n", [130, 3000])
def test_bits_of_numbers_are_no_integers_at_once(monkeypatch, n):
    """Neither the integers of all bits nor the bytes that bits are unpacked to."""
    monkeypatch.setattr(sums, "PIECE", 1 << 10)
    monkeypatch.setattr(bits, "PIECE", 1 << 10)
    monkeypatch.setattr(bits, "UNPACKED", 1 << 6)
    monkeypatch.setattr(addends, "PIECE_BYTES", 1 << 14)
    width, c = 16, Committee(3, 1, M61)
    x, y = np.arange(n) * 7 % (1 << width), np.arange(n) * 13 % (1 << width)
    shares, circuit, told = [c.deal(x), c.deal(y)], bitwise(n, width), []

    def run(party):
        inputs = {slot: ArithShare(party.field, share(party).raw) for slot, share in enumerate(shares)}
        return execute(party, circuit, inputs, {})

    above = peak(lambda: told.extend(c.run(run)))
    assert all(np.array_equal(result.opened[0], x ^ y) for result in told)
    if n > 1000:
        assert above < 3 * 8 * n * width  # an element of 8 bytes for each bit, at each of three parties


def test_long_public_arrays_take_no_memory():
    """Places, zeros, marks, and what neighbours are taken by: as runs, and made for each use."""
    n, c = 1 << 16, Committee(3, 1, M61)
    places, ones = Runs(((n, 5, 1),)), Runs(((n - 1, 0, 0), (1, 1, 0)))
    later, earlier = Runs(((n - 1, 1, 1),)), Runs(((n - 1, 0, 1),))
    whole, short = ((n,), Form.ARITH), ((n - 1,), Form.ARITH)
    nodes = [Node("input", (), *whole, {"slot": 0})]
    nodes += [Node("const", (), *whole, {"value": value}) for value in (places, ones)]
    nodes += [Node("mul", (0, 1), *whole, {}), Node("add", (3, 2), *whole, {})]
    nodes += [Node("take", (4,), *short, {"indices": indices, "axis": 0}) for indices in (later, earlier)]
    nodes.append(Node("sub", (5, 6), *short, {}))
    nodes.append(Node("take", (7,), (2,), Form.ARITH, {"indices": np.array([0, n - 2]), "axis": 0}))
    share, circuit, told = c.deal(np.arange(n) % 7), Circuit("M61", tuple(nodes), opens=(8,)), []

    def run(party):
        return execute(party, circuit, {0: ArithShare(party.field, share(party).raw)}, {})

    above = peak(lambda: told.extend(c.run(run)))
    values = np.arange(n) % 7 * (np.arange(n) + 5)
    values[-1] += 1
    assert all(np.array_equal(result.opened[0], np.diff(values)[[0, -1]]) for result in told)
    assert above < 3.7 * 3 * 8 * n  # of three parties: the input, what comes of it, a constant of the moment
