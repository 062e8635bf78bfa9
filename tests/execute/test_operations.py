"""Every private operation: the circuit gives what plain Python arithmetic gives."""

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runtime_support import TRUTH, TRUTHS, agree, numbers, operation, run_on, traced

from enigmalang.execute.domain import ClearDomain
from enigmalang.execute.failures import Revert
from enigmalang.types.ranges import Range
from enigmalang.types.types import FIXED, FixedT, IntT

I32, U32, U8, I8 = IntT(True, 32), IntT(False, 32), IntT(False, 8), IntT(True, 8)
SIGNED = Range(-(2**31), 2**31 - 1)
SMALL = Range(-200, 200)
ASCENDING = {"axes": (-1,), "keys": 1, "descending": False, "ranked": False}
ints = st.one_of(st.integers(-200, 200), st.sampled_from([0, 1, -1, 2, -2, 199, 200, -200]))
wide = st.one_of(st.integers(SIGNED.low, SIGNED.high), st.sampled_from([0, 1, -1, SIGNED.low, SIGNED.high]))
truths = st.lists(st.booleans(), min_size=0, max_size=9)


def two(op: str, range: Range, result: IntT | None = None, **attrs: object):
    return operation(op, [(numbers(I32), range)] * 2, [numbers(result) if result else TRUTH], **attrs)


def trunc(a: int, b: int) -> int:
    quotient = abs(a) // abs(b) if b else 0
    return quotient if (a < 0) == (b < 0) else -quotient


@pytest.mark.parametrize(("name", "python"), [
    ("add", operator.add), ("sub", operator.sub), ("mul", operator.mul), ("min", min), ("max", max),
    ("band", operator.and_), ("bor", operator.or_), ("bxor", operator.xor),
    ("floordiv", trunc), ("mod", lambda a, b: a - trunc(a, b) * b if b else 0)])
@given(a=ints, b=ints)
@settings(max_examples=25, deadline=None)
def test_integers(name, python, a, b):
    op = two(name, SMALL, I32)
    assert agree(op, [a, b]) == [python(a, b)]
    assert agree(op, [a, b], public={1}) == [python(a, b)]
    assert agree(op, [a, b], public={0}, field="M127") == [python(a, b)]


@pytest.mark.parametrize(("name", "python"), [
    ("lt", operator.lt), ("le", operator.le), ("gt", operator.gt), ("ge", operator.ge), ("eq", operator.eq),
    ("ne", operator.ne)])
@given(a=wide, b=wide)
@settings(max_examples=25, deadline=None)
def test_comparisons(name, python, a, b):
    assert agree(two(name, SIGNED), [a, b]) == [python(a, b)]
    assert agree(two(name, SIGNED), [a, a], public={0}) == [python(a, a)]


@given(a=wide)
@settings(max_examples=30, deadline=None)
def test_one_operand(a):
    one = [(numbers(I32), SIGNED)]
    assert agree(operation("neg", one, [numbers(I32)]), [a]) == [-a]
    assert agree(operation("abs", one, [numbers(I32)]), [a]) == [abs(a)]
    assert agree(operation("wrap", one, [numbers(U8)]), [a]) == [a % 256]
    assert agree(operation("wrap", one, [numbers(I8)]), [a]) == [(a + 128) % 256 - 128]
    assert agree(operation("clamp", one, [numbers(I8)]), [a]) == [max(-128, min(127, a))]
    assert agree(operation("bnot", one, [numbers(I32)]), [a]) == [~a]
    shift = operation("shr", [*one, (numbers(U8), None)], [numbers(I32)])
    for count in (0, 1, 7, 31, 40):
        assert agree(shift, [a, count], public={1}) == [a >> count]


FAR = st.builds(lambda sign, bits, by: sign * (1 << bits) + by, st.sampled_from([1, -1]), st.integers(55, 200),
                st.sampled_from([0, 1, -1]))
I256 = IntT(True, 256)


@pytest.mark.parametrize(("field", "bits"), [("M61", 8), ("M61", 58), ("M127", 64), ("M127", 124)])
@given(far=FAR, data=st.data())
@settings(max_examples=30, deadline=None)
def test_public_numbers_past_the_field(field, bits, far, data):
    """Compared with secrets, and dividing them: they need not be numbers of the field."""
    low, high = data.draw(st.sampled_from([(-(1 << bits), (1 << bits) - 1), (0, (1 << bits) - 1), (-(1 << bits), -1)]))
    a = data.draw(st.one_of(st.integers(low, high), st.sampled_from([low, high])))
    both = [(numbers(I256), Range(low, high)), (numbers(I256), Range(-(2**255), 2**255 - 1))]
    for name, python in (("lt", operator.lt), ("le", operator.le), ("gt", operator.gt), ("ge", operator.ge),
                         ("eq", operator.eq), ("ne", operator.ne)):
        assert agree(operation(name, both, [TRUTH]), [a, far], {1}, field) == [python(a, far)]
        assert agree(operation(name, both[::-1], [TRUTH]), [far, a], {0}, field) == [python(far, a)]
    for name, python in (("floordiv", trunc), ("mod", lambda a, b: a - trunc(a, b) * b)):
        op = operation(name, both, [numbers(I256)])
        assert agree(op, [a, far], {1}, field) == [python(a, far)]
        many = operation(name, [(numbers(I256, 1), r) for _, r in both], [numbers(I256, 1)])
        assert agree(many, [np.array([a, a], object), np.array([far, 3], object)], {1}, field) == [
            [python(a, far), python(a, 3)]]
    least = operation("min" if far > 0 else "max", both, [numbers(I256)])
    assert agree(least, [a, far if abs(far) > 1 << bits else a], {1}, field) == [a]
    if low == 0:
        assert agree(operation("band", both, [numbers(I256)]), [a, far], {1}, field) == [a & far]


@given(a=wide, k=st.integers(0, 200))
@settings(max_examples=40, deadline=None)
def test_powers_of_two_past_the_field(a, k):
    for field in ("M61", "M127"):
        for sign in (1, -1):
            for low, high in ((SIGNED.low, SIGNED.high), (SIGNED.low, -1) if a < 0 else (0, SIGNED.high)):
                divisor = sign << k
                both = [(numbers(I32), Range(low, high)), (numbers(I256), Range(divisor, divisor))]
                found = trunc(a, divisor)
                assert agree(operation("floordiv", both, [numbers(I32)]), [a, divisor], {1}, field) == [found]
                rest = a - found * divisor
                assert agree(operation("mod", both, [numbers(I32)]), [a, divisor], {1}, field) == [rest]
        shift = operation("shr", [(numbers(I32), SIGNED), (numbers(U8), None)], [numbers(I32)])
        assert agree(shift, [a, k], {1}, field) == [a >> k]


def test_counts_and_exponents_that_no_type_has():
    for domain in (ClearDomain(), traced("M61")):
        for name, type, wrong in (("shl", I32, -1), ("shr", I32, -1), ("shr", I32, 5000), ("pow", FIXED, -1)):
            op = operation(name, [(numbers(type), SMALL), (numbers(I32), None)], [numbers(type)])
            for count in (wrong, np.array([1, wrong])):
                with pytest.raises(Revert):
                    run_on(domain, op, [3, count], {1})


@given(a=st.integers(-9, 9), exponent=st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_powers_and_shifts(a, exponent):
    operands = [(numbers(I32), Range(-9, 9)), (numbers(U8), None)]
    assert agree(operation("pow", operands, [numbers(I32)]), [a, exponent], public={1}) == [a**exponent]
    assert agree(operation("shl", operands, [numbers(I32)]), [a, exponent], public={1}) == [a << exponent]


raws = st.one_of(st.integers(-(2**20), 2**20), st.sampled_from([0, 1, -1, 1 << 16, -(1 << 16), 3 << 15]))


@given(a=raws, b=raws)
@settings(max_examples=30, deadline=None)
def test_fixed(a, b):
    raw = Range(-(2**20), 2**20)
    both = [(numbers(FIXED), raw)] * 2
    rounded = (a * b + (1 << 15)) >> 16
    for public in (set(), {0}, {1}):
        assert agree(operation("mul", both, [numbers(FIXED)]), [a, b], public) == [rounded]
        assert agree(operation("div", both, [numbers(FIXED)]), [a, b], public) == [trunc(a << 16, b)]
    convert = operation("convert", both[:1], [numbers(I32)])
    assert agree(convert, [a]) == [trunc(a, 1 << 16)]
    narrow = operation("convert", both[:1], [numbers(FixedT(24, 8))])
    assert agree(narrow, [a]) == [trunc(a, 1 << 8)]


@given(a=st.booleans(), b=st.booleans(), c=st.booleans())
@settings(max_examples=8, deadline=None)
def test_truths(a, b, c):
    both = [(TRUTH, None)] * 2
    for name, python in (("and", operator.and_), ("or", operator.or_), ("xor", operator.xor), ("eq", operator.eq),
                         ("ne", operator.ne)):
        for public in (set(), {0}):
            assert agree(operation(name, both, [TRUTH]), [a, b], public) == [python(a, b)]
    assert agree(operation("not", both[:1], [TRUTH]), [a]) == [not a]
    assert agree(operation("convert", both[:1], [numbers(U8)]), [a]) == [int(a)]
    assert agree(operation("select", [(TRUTH, None)] * 3, [TRUTH]), [c, a, b]) == [a if c else b]
    select = operation("select", [(TRUTH, None), (numbers(I32), SMALL), (numbers(I32), SMALL)], [numbers(I32)])
    for public in (set(), {1, 2}, {0}, {1}):
        assert agree(select, [c, -7, 9], public) == [-7 if c else 9]


@given(items=truths)
@settings(max_examples=20, deadline=None)
def test_quantifiers(items):
    array = np.array(items, dtype=bool)
    assert agree(operation("reduce_any", [(TRUTHS, None)], [TRUTH], axis=-1), [array]) == [any(items)]
    assert agree(operation("reduce_all", [(TRUTHS, None)], [TRUTH], axis=-1), [array]) == [all(items)]


@given(items=st.lists(ints, min_size=1, max_size=13), i=st.integers(-3, 16), x=ints)
@settings(max_examples=40, deadline=None)
def test_lists(items, i, x):
    array, many, one = np.array(items), (numbers(I32, 1), SMALL), (numbers(I32), SMALL)
    assert agree(operation("sort", [many], [numbers(I32, 1)], **ASCENDING), [array]) == [sorted(items)]
    assert agree(operation("reduce_sum", [many], [numbers(I32)], axis=-1), [array]) == [sum(items)]
    assert agree(operation("reduce_min", [many], [numbers(I32)], axis=-1), [array]) == [min(items)]
    assert agree(operation("reduce_max", [many], [numbers(I32)], axis=-1), [array]) == [max(items)]
    assert agree(operation("reverse", [many], [numbers(I32, 1)], axis=-1), [array]) == [items[::-1]]
    assert agree(operation("contains", [many, one], [TRUTH], axis=-1), [array, x]) == [x in items]
    inside = 0 <= i < len(items)
    index = operation("index", [many, one], [numbers(I32)], axis=-1)
    assert agree(index, [array, i]) == [items[i] if inside else 0]
    assert agree(index, [array, i], public={0}) == [items[i] if inside else 0]
    changed = [x if n == i else v for n, v in enumerate(items)]
    put = operation("set_index", [many, one, one], [numbers(I32, 1)], axis=-1)
    assert agree(put, [array, i, x]) == [changed]
    if inside:
        assert agree(index, [array, i], public={1}) == [items[i]]
        assert agree(put, [array, i, x], public={1}) == [changed]
    cut = operation("slice", [many, one, one], [numbers(I32, 1)], axis=-1)
    assert agree(cut, [array, i, i + 3], public={1, 2}) == [items[i : i + 3]]
    assert agree(operation("append", [many, one], [numbers(I32, 1)], axis=-1), [array, x]) == [[*items, x]]
    assert agree(operation("pop", [many], [numbers(I32, 1), numbers(I32)], axis=-1), [array]) == [items[:-1], items[-1]]
    join = operation("concat", [many, many], [numbers(I32, 1)], axis=-1)
    assert agree(join, [array, array], public={1}) == [items + items]
    dot = operation("dot", [many, many], [numbers(I32)])
    assert agree(dot, [array, array]) == [sum(v * v for v in items)]


def test_matrices():
    a, b = np.arange(6).reshape(2, 3), np.arange(12).reshape(3, 4) - 5
    matrix, vector = (numbers(I32, 2), SMALL), (numbers(I32, 1), SMALL)
    product = operation("matmul", [matrix, matrix], [numbers(I32, 2)])
    assert agree(product, [a, b]) == [(a @ b).tolist()]
    column = operation("matmul", [matrix, vector], [numbers(I32, 1)])
    assert agree(column, [a, b[:, 0]], {1}) == [(a @ b[:, 0]).tolist()]
    turned = operation("transpose", [matrix], [numbers(I32, 2)], axes=(-1, -2))
    assert agree(turned, [a]) == [a.T.tolist()]
    rows = operation("sort", [(numbers(I32, 2), SMALL)], [numbers(I32, 2)], **ASCENDING)
    assert agree(rows, [b[:, ::-1].copy()]) == [b.tolist()]
    row = operation("index", [matrix, (numbers(I32), SMALL)], [numbers(I32, 1)], axis=-2)
    assert agree(row, [b, 1]) == [b[1].tolist()]
    stacked = operation("stack", [vector, vector], [numbers(I32, 2)], axis=-2)
    assert agree(stacked, [a[0], a[1]], {0}) == [a.tolist()]
    filled = operation("fill", [vector], [numbers(I32, 2)], dims=(2,), axis=-2)
    assert agree(filled, [a[0]]) == [[a[0].tolist()] * 2]
    gathered = operation("gather", [vector, vector], [numbers(I32, 1)], axis=-1)
    assert agree(gathered, [b[:, 1], np.array([2, 0, 0])], {1}) == [b[[2, 0, 0], 1].tolist()]


def test_empty_lists():
    none = np.zeros(0, dtype=np.int64)
    many = (numbers(I32, 1), SMALL)
    assert agree(operation("reduce_sum", [many], [numbers(I32)], axis=-1), [none]) == [0]
    rows = (numbers(I32, 2), SMALL)
    assert agree(operation("reduce_max", [rows], [numbers(I32, 1)], axis=-1), [none.reshape(0, 0)]) == [[]]
    assert agree(operation("index", [many, (numbers(I32), SMALL)], [numbers(I32)], axis=-1), [none, 0]) == [0]
    assert agree(operation("add", [many, many], [numbers(I32, 1)]), [none, none]) == [[]]
    assert agree(operation("contains", [many, (numbers(I32), SMALL)], [TRUTH], axis=-1), [none, 3]) == [False]


@pytest.mark.parametrize("name", ["reduce_min", "reduce_max"])
@pytest.mark.parametrize("shape", [(0,), (3, 0)])
def test_nothing_is_the_least_of_no_elements(name, shape):
    rank = len(shape)
    with pytest.raises(Revert, match="the list is empty"):
        agree(operation(name, [(numbers(I32, rank), SMALL)], [numbers(I32, rank - 1)], axis=-1),
              [np.zeros(shape, np.int64)])


def test_a_hundred_thousand_comparisons_are_one_node():
    values = np.arange(100_000)
    op = operation("lt", [(numbers(I32, 1), SIGNED), (numbers(I32), SIGNED)], [TRUTHS])
    (found,) = agree(op, [values, 500])
    assert sum(found) == 500
