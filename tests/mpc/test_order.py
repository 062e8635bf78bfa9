"""Shuffle, permute and sort against Python, for committees of every size; uniform orders; what is refused."""

from collections import Counter
from itertools import combinations, pairwise, permutations
from math import comb

import numpy as np
import pytest
from committee import Committee, agreed, edges, opened

from enigmalang.fields import M61, M127
from enigmalang.mpc import sort as sorting
from enigmalang.mpc.counting import running_sum
from enigmalang.mpc.hops import hops
from enigmalang.mpc.shuffle import OrderError, Table, permute, shuffle
from enigmalang.mpc.sort import packing, sort
from enigmalang.sharing import ArithShare, structure

EVERY = [(n, t) for n in range(3, 10) for t in range(1, (n - 1) // 2 + 1)]
LARGER = [(6, 2, M61), (7, 2, M61), (9, 4, M61)]


def table(party, share):
    return Table(party.field, share(party).raw)


def ints(party, result):
    flat = opened(party, ArithShare(party.field, result.raw))
    return np.array(flat, dtype=object).reshape(result.shape).tolist()


def expected(columns, keys, ranks=None):
    """Of (columns, rows, n), by Python's stable sort."""
    out = []
    for row in np.array(columns, dtype=object).transpose(1, 2, 0).tolist():
        ordered = sorted(row, key=lambda item: item[:keys])
        out.append(ordered if ranks is None else [ordered[i] for i in ranks])
    return np.array(out, dtype=object).reshape(len(out), -1, len(columns)).transpose(2, 0, 1).tolist()


def sorted_by(c, columns, ranges, ranks=None):
    """The opened result, and the counters of party 1."""
    share = c.deal(columns)

    def body(party):
        result = sort(party, table(party, share), ranges, ranks)
        counters = party.counters.rounds, party.counters.comparisons
        return ints(party, result), counters

    results = c.run(body)
    return agreed([result for result, _ in results]), results[0][1]


# ------------------------------------------------------------ hops


@pytest.mark.parametrize(("n", "t"), EVERY)
def test_any_t_parties_are_outside_of_a_hop(n, t):
    plan = hops(structure(n, t))
    for coalition in combinations(range(1, n + 1), t):
        assert any(not set(coalition) & set(hop.members) for hop in plan)
    if n == 2 * t + 1:
        assert len(plan) == comb(n, t)
        assert all(len(hop.moves) == 1 for hop in plan[:-1])
    elif t == 1:
        assert len(plan) == 2


@pytest.mark.parametrize(("n", "t"), EVERY)
def test_moves_hand_the_shares_of_those_who_leave_to_those_who_come(n, t):
    plan = hops(structure(n, t))
    for hop, following in pairwise(plan):
        assert len(hop.holders) == t + 1 and set(hop.holders) <= set(hop.members)
        leaving = {sender for sender, _ in hop.moves}
        coming = {receiver for _, receiver in hop.moves}
        assert set(hop.holders) - leaving | coming == set(following.holders)
        assert leaving <= set(hop.holders) and not coming & set(hop.holders)
    assert plan[-1].moves == ()


# ------------------------------------------------------------ shuffle


@pytest.fixture(params=LARGER, ids=lambda p: f"{p[0]}-{p[1]}-{p[2]}")
def larger(request):
    return Committee(*request.param)


def check_shuffle(c):
    numbers = np.arange(40).reshape(2, 20).astype(object)
    columns = np.stack([numbers - 20, numbers + c.field.p // 2 - 40])
    single = np.arange(3).reshape(1, 1, 3)
    two, one, none = c.deal(columns), c.deal(single), c.deal(np.zeros((1, 2, 0), dtype=object))

    def body(party):
        tables = shuffle(party, [table(party, share) for share in (two, one, none)])
        rounds = party.counters.rounds
        return [ints(party, t) for t in tables], rounds

    results = c.run(body)
    first, second, empty = agreed([result for result, _ in results])
    assert [sorted(row) for row in first[0]] == columns[0].tolist()
    assert (np.array(first[1]) - np.array(first[0]) == c.field.p // 2 - 20).all()
    assert first[0] != columns[0].tolist()
    assert first[0][1] != [v + 20 for v in first[0][0]]
    assert sorted(second[0][0]) == [0, 1, 2] and empty == [[[], []]]
    return results[0][1]


def test_shuffle(committee):
    check_shuffle(committee)


def test_shuffle_of_many(larger):
    check_shuffle(larger)


@pytest.mark.parametrize(("n", "t", "rounds", "elements"), [(3, 1, 3, 4), (4, 1, 2, 6), (5, 2, 10, 15), (7, 3, 35, 46)])
def test_what_a_shuffle_costs(n, t, rounds, elements):
    c = Committee(n, t, M61)
    share = c.deal(np.arange(50).reshape(1, 1, 50))

    def body(party):
        shuffle(party, [table(party, share)])
        return party.counters.rounds, party.counters.bytes_sent

    results = c.run(body)
    assert max(r for r, _ in results) == rounds
    assert sum(sent for _, sent in results) == 50 * 8 * elements


def frequencies(c, rows, n):
    share = c.deal(np.broadcast_to(np.arange(n), (1, rows, n)))
    (shuffled,) = agreed(c.run(lambda party: ints(party, shuffle(party, [table(party, share)])[0])))
    return Counter(map(tuple, shuffled))


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1), (5, 2)])
@pytest.mark.parametrize("size", [3, 4])
def test_every_order_is_as_likely(n, t, size):
    """Chi-square of at most 23 degrees of freedom: above 130 with probability below 1e-15 (Chernoff)."""
    every = list(permutations(range(size)))
    counts = frequencies(Committee(n, t, M61), 100 * len(every), size)
    assert set(counts) == set(every)
    assert sum((counts[order] - 100) ** 2 for order in every) / 100 < 130


# ------------------------------------------------------------ permute


def check_permute(c):
    generator = np.random.default_rng(5)
    perm = np.argsort(generator.random((3, 8)), axis=1)
    columns = np.stack([np.arange(24).reshape(3, 8), -np.arange(24).reshape(3, 8)])
    wanted = np.empty_like(columns)
    for out, column in zip(wanted, columns, strict=True):
        np.put_along_axis(out, perm, column, 1)
    share = c.deal(np.concatenate([perm[None], columns]))
    result = agreed(c.run(lambda party: ints(party, permute(party, [table(party, share)])[0])))
    assert result == wanted.tolist()


def test_permute(committee):
    check_permute(committee)


@pytest.mark.parametrize("perm", [[0, 1, 1], [0, 1, 3], [-1, 0, 1], [2**59, 0, 1]])
def test_what_is_no_permutation_is_refused(three, perm):
    share = three.deal(np.array([[perm], [[1, 2, 3]]]))
    with pytest.raises(OrderError, match="none"):
        three.run(lambda party: permute(party, [table(party, share)]))


# ------------------------------------------------------------ sort


def check_sort(c):
    generator = np.random.default_rng(c.n)
    keys = generator.integers(-20, 20, (2, 3, 24))
    keys[:, 1] = 7
    columns = np.concatenate([keys, [np.arange(72).reshape(3, 24)]])
    wide = ((-20, 19), (-20, 19))
    assert sorted_by(c, columns, wide[:1])[0] == expected(columns, 1)
    assert sorted_by(c, columns, wide)[0] == expected(columns, 2)
    assert sorted_by(c, columns[:1], wide[:1])[0] == expected(columns[:1], 1)
    assert sorted_by(c, columns, wide[:1], (23, 0, 12, 12))[0] == expected(columns, 1, (23, 0, 12, 12))


def test_sort(committee):
    check_sort(committee)


def test_sort_of_many(larger):
    generator = np.random.default_rng(3)
    columns = np.stack([generator.integers(-9, 9, (1, 8)), np.arange(8).reshape(1, 8)])
    assert sorted_by(larger, columns, ((-9, 9),))[0] == expected(columns, 1)


def test_sort_of_the_whole_range(committee):
    """Keys at both ends, more than once: they and the index do not fit one element."""
    limit = (1 << (committee.field.q - 2)) - 1
    keys = [v for v in edges(committee.field) if abs(v) <= limit]
    columns = np.array([[keys + keys], [list(range(2 * len(keys)))]], dtype=object)
    ranges = ((-limit, limit),)
    assert len(packing(committee.field.p, ranges, 2 * len(keys))) == 2
    assert sorted_by(committee, columns, ranges)[0] == expected(columns, 1)


def test_sort_by_three_wide_keys(three):
    limit = (1 << (three.field.q - 2)) - 1
    generator = np.random.default_rng(8)
    first, second, third = generator.integers(0, 2, (3, 1, 30)).astype(object) * limit
    columns = np.stack([first, -second, third, np.arange(30).reshape(1, 30).astype(object)])
    ranges = ((0, limit), (-limit, 0), (-limit, limit))
    assert len(packing(three.field.p, ranges, 30)) > 2
    for few in (5000, 0):  # in few rounds, and each at its own width
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sorting, "BATCH", few)
            assert sorted_by(three, columns, ranges)[0] == expected(columns, 3)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
@pytest.mark.parametrize("ranges", [((-9, 9),), ((0, 1),)])
def test_sort_of_short_rows(three, n, ranges):
    columns = np.array([[[1, 0, 1][:n], [0, 1, 0][:n]], [[5, 6, 7][:n], [8, 9, 10][:n]]], dtype=object)
    columns = columns.reshape(2, 2, n)
    assert sorted_by(three, columns, ranges)[0] == expected(columns, 1)
    if n:
        assert sorted_by(three, columns, ranges, (n - 1,))[0] == expected(columns, 1, (n - 1,))
    assert sorted_by(three, columns, ranges, ())[0] == np.empty((2, 2, 0)).tolist()


def test_sort_of_long_rows(three):
    """By pivots, in several pieces of comparisons."""
    generator = np.random.default_rng(4)
    columns = np.stack([generator.integers(-99, 99, (2, 600)), np.arange(1200).reshape(2, 600)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "PIECE", 1000)
        assert sorted_by(three, columns, ((-99, 99),))[0] == expected(columns, 1)
        assert sorted_by(three, columns, ((-99, 99),), (300, 599))[0] == expected(columns, 1, (300, 599))


@pytest.mark.parametrize(("ranges", "rounds"), [
    (((0, 1),), 5), (((-1, 1),), 6), (((5, 12),), 8), (((0, 3), (-2, 1)), 9), (((0, 0), (4, 4)), 0),
])
def test_keys_of_few_values_are_counted(committee, ranges, rounds):
    generator = np.random.default_rng(rounds)
    keys = [generator.integers(low, high + 1, (2, 40)) for low, high in ranges]
    columns = np.stack([*keys, np.arange(80).reshape(2, 40)])
    result, (took, comparisons) = sorted_by(committee, columns, ranges)
    assert result == expected(columns, len(ranges))
    assert comparisons == 0
    if committee.n == 3:
        assert took == rounds


def test_rounds_and_comparisons_of_a_sort():
    c = Committee(3, 1, M61)
    _, (rounds, comparisons) = sorted_by(c, np.arange(150).reshape(1, 1, 150), ((0, 149),))
    assert comparisons == 150 * 149 // 2
    assert rounds <= 12  # shuffle 3, comparison at most 8, opening 1


def test_rounds_and_comparisons_of_a_maximum():
    """All pairs of a sample of 128, the second largest of them with the other 872, all pairs of what is above.

    How many of the others are above is random. More than m are only if at most one of the m + 2 largest items is in
    the sample: hypergeometric. For probability 2^-40, m = 202: 181 are the most whose pairs are compared in one batch,
    so a further split is allowed for.
    """

    def tail(m):
        return (comb(872, m + 2) + 128 * comb(872, m + 1)) / comb(1000, m + 2)

    above = next(m for m in range(872) if tail(m) <= 2**-40)
    c = Committee(3, 1, M61)
    _, (rounds, comparisons) = sorted_by(c, np.arange(1000).reshape(1, 1, 1000), ((0, 999),), (999,))
    assert 128 * 127 // 2 + 872 <= comparisons <= 128 * 127 // 2 + 872 + (above + 1) * above // 2
    assert rounds <= 3 + 6 * 9


@pytest.mark.parametrize("field", [M61, M127], ids=str)
def test_packing_fits_the_field(field):
    half = field.p // 2
    for widths, n in [((10,), 5), ((half,), 2), ((2**30, 2**30, 7), 1000), ((half, 1, half), 3), ((1,), 2), ((3,), 2)]:
        ranges = tuple((-7, width - 8) for width in widths)
        packed = packing(field.p, ranges, n)
        total = [0] * (len(widths) + 1)
        for weights, bits in packed:
            most = sum(w * (width - 1) for w, width in zip(weights, (*widths, n), strict=True))
            assert most <= half and most < 1 << bits
            total = [a + (b > 0) for a, b in zip(total, weights, strict=True)]
        assert set(total) <= {0, 1}
        assert all(total[i] for i, width in enumerate(widths) if width > 1)
    assert len(packing(field.p, ((0, half // 8 - 1),), 8)) == 1
    assert len(packing(field.p, ((0, half),), 2)) == 2


@pytest.mark.parametrize("field", [M61, M127], ids=str)
def test_running_sums(field):
    generator = np.random.default_rng(2)
    values = [[int(v) * (field.p // 2**62) % field.p for v in row] for row in generator.integers(0, 2**62, (2, 50))]
    sums = running_sum(field, field.from_ints(np.array(values, dtype=object)))
    exact = np.cumsum(np.array(values, dtype=object), axis=1) % field.p
    assert np.array_equal(sums, field.from_ints(exact))
