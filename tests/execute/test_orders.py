"""Operations on order: the clear kernels and the circuits give what Python's stable sort gives."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runtime_support import TRUTHS, agree, numbers, opened, operation, run_on, shared, traced

from enigmalang.execute import traced_order
from enigmalang.execute.circuit_engine import CircuitEngine
from enigmalang.execute.domain import ClearDomain
from enigmalang.execute.failures import Revert
from enigmalang.execute.trace import Tracer
from enigmalang.execute.traced import TracedDomain
from enigmalang.execute.traced_order import NotPlaces, Places, is_permutation
from enigmalang.ir.ir import Tensor
from enigmalang.types.ranges import Range
from enigmalang.types.types import BOOL, IntT

I32, I128 = IntT(True, 32), IntT(True, 128)
SMALL, WIDE = Range(-9, 9), Range(-(2**124), 2**124)
rows = st.lists(st.tuples(st.integers(-3, 3), st.integers(-9, 9), st.integers(-9, 9)), max_size=9)
column = (numbers(I32, 1), SMALL)


def sorting(columns: int, keys: int, descending: bool = False, ranked: bool = False, **more: Any) -> Any:
    attrs: dict[str, Any] = {"axes": (-1,) * columns, "keys": keys, "descending": descending, "ranked": ranked}
    operands = [column] * (columns + ranked)
    return operation("sort", operands, [numbers(I32, 1)] * columns, **{**attrs, **more})


def unzipped(items: list[tuple[int, ...]], columns: int) -> list[Any]:
    return [np.array([row[c] for row in items], dtype=np.int64) for c in range(columns)]


def lists(items: list[tuple[int, ...]], columns: int) -> list[list[int]]:
    return [[row[c] for row in items] for c in range(columns)]


@given(items=rows, keys=st.integers(1, 3), descending=st.booleans())
@settings(max_examples=60, deadline=None)
def test_sort_is_python_s(items, keys, descending):
    expected = lists(sorted(items, key=lambda r: r[:keys], reverse=descending), 3)
    op = sorting(3, keys, descending)
    assert agree(op, unzipped(items, 3)) == expected
    assert agree(op, unzipped(items, 3), public={0}) == expected
    assert agree(op, unzipped(items, 3), public=set(range(keys))) == expected
    assert agree(op, unzipped(items, 3), public={2}, field="M127") == expected


@given(items=rows.filter(bool), data=st.data())
@settings(max_examples=40, deadline=None)
def test_ranks(items, data):
    wanted = data.draw(st.lists(st.integers(0, len(items) - 1), max_size=5))
    ordered = sorted(items, key=lambda r: r[0])
    expected = lists([ordered[r] for r in wanted], 2)
    args = [*unzipped(items, 2), np.array(wanted, dtype=np.int64)]
    assert agree(sorting(2, 1, ranked=True), args, public={2}) == expected
    assert agree(sorting(2, 1, ranked=True), args, public={0, 2}) == expected


@pytest.mark.parametrize("wanted", [[3], [-1], [0, 99]])
def test_ranks_that_do_not_exist_revert(wanted):
    with pytest.raises(Revert, match="outside of the 3 elements"):
        agree(sorting(1, 1, ranked=True), [np.arange(3), np.array(wanted)], public={1})


@pytest.mark.parametrize("public", [set(), {0}])
def test_each_row_needs_a_key(public):
    with pytest.raises(Revert, match="3 keys for 4 elements"):
        agree(sorting(2, 1), [np.arange(3), np.arange(4)], public=public)


def test_wide_keys():
    wide = [(numbers(I128, 1), WIDE)]
    op = operation("sort", wide, [numbers(I128, 1)], axes=(-1,), keys=1, descending=False, ranked=False)
    values = [2**124, -(2**124), 0, 2**100, -1, 2**124]
    assert agree(op, [np.array(values, dtype=object)], field="M127") == [sorted(values)]


def test_batches_truths_and_rows_of_rows():
    keys = np.array([[2, 1, 2], [0, 0, -1]])
    flags = np.array([[True, False, False], [False, True, True]])
    matrix = np.arange(12).reshape(2, 3, 2)
    op = operation(
        "sort", [(numbers(I32, 2), SMALL), (Tensor(BOOL, 2), None), (numbers(I32, 3), None)],
        [numbers(I32, 2), Tensor(BOOL, 2), numbers(I32, 3)],
        axes=(-1, -1, -2), keys=1, descending=False, ranked=False)
    expected = [
        [[1, 2, 2], [-1, 0, 0]],
        [[False, True, False], [True, False, True]],
        [[[2, 3], [0, 1], [4, 5]], [[10, 11], [6, 7], [8, 9]]]]
    for public in (set(), {0}, {1, 2}, {2}):
        assert agree(op, [keys, flags, matrix], public=public) == expected


# ---- shuffles and permutations


@given(items=rows)
@settings(max_examples=30, deadline=None)
def test_shuffle_keeps_rows_together(items):
    op = operation("shuffle", [column] * 3, [numbers(I32, 1)] * 3, axes=(-1,) * 3)
    for domain in (ClearDomain(), traced("M61")):
        made = run_on(domain, op, unzipped(items, 3), set())
        assert sorted(zip(*made, strict=True)) == sorted(items)


def test_shuffle_gives_every_order():
    op = operation("shuffle", [column], [numbers(I32, 1)], axes=(-1,))
    for domain in (ClearDomain(), traced("M61")):
        found = {tuple(run_on(domain, op, [np.arange(3)], set())[0]) for _ in range(200)}
        assert len(found) == 6  # misses one with probability 6 (5/6)^200 < 2^-50


def test_two_shuffles_are_two():
    domain = traced("M61")
    secret = shared(domain, np.arange(40), numbers(I32, 1))
    op = operation("shuffle", [column], [numbers(I32, 1)], axes=(-1,))
    first, second = (domain.apply(op, (secret,))[0] for _ in range(2))
    assert opened(domain, first, numbers(I32, 1)) != opened(domain, second, numbers(I32, 1))


def permuting() -> Any:
    return operation("permute", [column] * 2, [numbers(I32, 1)], axes=(-1,))


def places(domain: Any, keys: list[int], descending: bool = False) -> Any:
    """The column 0..n-1 as a sort by private keys moves it."""
    secret = shared(domain, np.array(keys), numbers(I32, 1))
    return domain.apply(sorting(2, 1, descending), (secret, np.arange(len(keys))))[1]


@given(keys=st.lists(st.integers(-9, 9), max_size=8), descending=st.booleans())
@settings(max_examples=40, deadline=None)
def test_permute_undoes_a_sort(keys, descending):
    for domain in (ClearDomain(), traced("M61")):
        order = places(domain, keys, descending)
        ordered = shared(domain, np.array(sorted(keys, reverse=descending), dtype=np.int64), numbers(I32, 1))
        (back,) = domain.apply(permuting(), (order, ordered))
        assert opened(domain, back, numbers(I32, 1)) == keys
        (public,) = domain.apply(permuting(), (order, np.array(sorted(keys, reverse=descending), dtype=np.int64)))
        assert opened(domain, public, numbers(I32, 1)) == keys


def test_public_places_move_private_rows():
    for domain in (ClearDomain(), traced("M61")):
        secret = shared(domain, np.array([7, 8, 9]), numbers(I32, 1))
        (made,) = domain.apply(permuting(), (np.array([2, 0, 1]), secret))
        assert opened(domain, made, numbers(I32, 1)) == [8, 9, 7]


@pytest.mark.parametrize("numbers_", [[0, 0, 2], [2, 1, 0], [5, 6, 7]])
def test_private_numbers_are_no_places(numbers_):
    """Not even when they happen to be a permutation: nobody can know that."""
    domain = traced("M61")
    own = shared(domain, np.array(numbers_), numbers(I32, 1))
    with pytest.raises(NotPlaces):
        domain.apply(permuting(), (own, np.arange(3)))


def test_what_becomes_of_places():
    """Moved as a whole they stay places; chosen, computed with or stacked they are numbers like others."""
    domain = traced("M61")
    order = places(domain, [5, 1, 3])
    assert isinstance(order, Places)
    shuffled = domain.apply(operation("shuffle", [column], [numbers(I32, 1)], axes=(-1,)), (order,))[0]
    assert is_permutation(shuffled)
    again = domain.apply(sorting(2, 1), (shared(domain, np.array([1, 1, 0]), numbers(I32, 1)), order))[1]
    assert is_permutation(again)
    assert is_permutation(domain.apply(permuting(), (again, order))[0])
    some = domain.apply(
        sorting(2, 1, ranked=True), (shared(domain, np.array([1, 1, 0]), numbers(I32, 1)), order, np.array([0, 0, 1])))
    assert not is_permutation(some[1])
    for op in ("neg", "add"):
        made = domain.apply(operation(op, [column] * (1 + (op == "add")), [numbers(I32, 1)]),
                            (order, 0)[: 1 + (op == "add")])
        assert not is_permutation(made[0])
    assert not is_permutation(np.array([0, 2]))
    assert not is_permutation(np.array([0.0, 1.0]))
    assert is_permutation(np.array([[1, 0], [0, 1]]))


# ---- scans


@given(items=st.lists(st.tuples(st.booleans(), st.integers(-9, 9), st.booleans()), max_size=11))
@settings(max_examples=50, deadline=None)
def test_spread(items):
    op = operation("spread", [(TRUTHS, None), column, (TRUTHS, None)], [numbers(I32, 1), TRUTHS], axes=(-1, -1))
    expected: list[list[Any]] = [[], []]
    last: tuple[Any, ...] = (True, 0, False)
    for item in items:
        last = item if item[0] else last
        expected[0].append(last[1])
        expected[1].append(last[2])
    args = [np.array([row[c] for row in items], dtype=kind) for c, kind in ((0, bool), (1, np.int64), (2, bool))]
    for public in (set(), {1}, {1, 2}):
        assert agree(op, args, public=public) == expected
    if items:
        assert agree(op, args, public={0}) == expected


@given(items=st.lists(st.tuples(st.booleans(), st.integers(-9, 9), st.booleans()), min_size=2, max_size=11))
@settings(max_examples=50, deadline=None)
def test_spread_by_moving(items):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traced_order, "LONG", 2)
        op = operation("spread", [(TRUTHS, None), column, (TRUTHS, None)], [numbers(I32, 1), TRUTHS], axes=(-1, -1))
        args = [np.array([row[c] for row in items], dtype=kind) for c, kind in ((0, bool), (1, np.int64), (2, bool))]
        for public in (set(), {1}, {0, 1}):
            agree(op, args, public=public)
        matrix = operation("spread", [(Tensor(BOOL, 2), None), (numbers(I32, 3), SMALL)], [numbers(I32, 3)], axes=(-2,))
        agree(matrix, [np.array([args[0], ~args[0]]), np.arange(4 * len(items)).reshape(2, len(items), 2)])


def test_long_spread():
    op = operation("spread", [(TRUTHS, None), (numbers(I32, 1), None)], [numbers(I32, 1)], axes=(-1,))
    flags = np.arange(600) % 7 == 3
    agree(op, [flags, np.arange(600) ** 2])


@given(items=st.lists(st.integers(-9, 9), max_size=11))
@settings(max_examples=30, deadline=None)
def test_running_sums(items):
    op = operation("cumsum", [column], [numbers(I32, 1)], axis=-1)
    assert agree(op, [np.array(items, dtype=np.int64)]) == [np.cumsum(items, dtype=np.int64).tolist()]


def test_running_sums_of_wide_numbers_and_batches():
    wide = operation("cumsum", [(numbers(I128, 1), WIDE)], [numbers(I128, 1)], axis=-1)
    assert agree(wide, [np.array([2**123, 2**123, -1], dtype=object)], field="M127") == [[2**123, 2**124, 2**124 - 1]]
    rows_ = operation("cumsum", [(numbers(I32, 2), SMALL)], [numbers(I32, 2)], axis=-2)
    assert agree(rows_, [np.array([[1, 2], [3, 4], [5, 6]])]) == [[[1, 2], [4, 6], [9, 12]]]


def test_like_keeps_the_value():
    op = operation("like", [column, (numbers(I32), SMALL)], [numbers(I32, 1)])
    assert agree(op, [np.array([3, -4]), 9]) == [[3, -4]]
    assert agree(op, [np.array([3, -4]), 9], public={1}) == [[3, -4]]


def test_the_negation_of_a_sorted_truth_needs_no_bits():
    seen = []
    domain = TracedDomain(Tracer(CircuitEngine("M61"), seen.append))
    attrs = {"axes": (-1,), "keys": 1, "descending": False, "ranked": False}
    flags = shared(domain, np.array([True, False, True]), TRUTHS)
    (ordered,) = domain.apply(operation("sort", [(TRUTHS, None)], [TRUTHS], **attrs), (flags,))
    (negated,) = domain.apply(operation("not", [(TRUTHS, None)], [TRUTHS]), (ordered,))
    assert opened(domain, negated, TRUTHS) == [True, False, False]
    assert not any(node.op == "a2b" for circuit in seen for node in circuit.nodes)
