"""Values to leaves and back, and as they are printed."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enigmalang.execute import values
from enigmalang.execute.values import data_from, leaves_from, show, show_fixed
from enigmalang.types.types import (
    ADDRESS,
    BOOL,
    ArrayT,
    BytesNT,
    BytesT,
    EnumT,
    Field,
    FixedT,
    IntT,
    ListT,
    StringT,
    StructT,
    TupleT,
)

U8 = IntT(False, 8)
POINT = StructT("Point", (Field("x", U8), Field("tags", ListT(BOOL, 3))))


@pytest.mark.parametrize(("data", "type", "text"), [
    (True, BOOL, "True"),
    ("hi", StringT(None), "hi"),
    (["hi"], ListT(StringT(None), None), "['hi']"),
    ((1, [True, False]), POINT, "Point(x=1, tags=[True, False])"),
    ([(1, [True]), (2, [False])], ArrayT(POINT, (2,)), "[Point(x=1, tags=[True]), Point(x=2, tags=[False])]"),
    ([], ListT(POINT, 4), "[]"),
    ((7,), TupleT((U8,)), "(7,)"),
    ([[1, 2], [3, 4]], ArrayT(U8, (2, 2)), "[[1, 2], [3, 4]]"),
    (1, EnumT("Color", ("red", "green")), "Color.green"),
    (b"x\xff", BytesT(4), "b'x\\xff'"),
    (b"\x01\xff", BytesNT(2), "0x01ff"),
    ("0x" + "ab" * 20, ADDRESS, "0x" + "ab" * 20),
    (3 << 15, FixedT(), "1.5"),
    (2**255, IntT(False, 256), str(2**255)),
])
def test_round_trip_and_print(data, type, text):
    leaves = leaves_from(data, type)
    assert data_from(leaves, type) == data
    assert show(leaves, type) == text


@pytest.mark.parametrize("array", [
    np.array([3, -1]), np.array([], np.int64), np.array([True, False]), np.array([2**200, -1], object),
    np.array([[1, 2], [3, 4]]), np.zeros((2, 0), np.int64),
])
def test_arrays_of_numbers_are_printed_as_python_prints_lists(array, monkeypatch):
    element = BOOL if array.dtype == bool else IntT(True, 256)
    type = ListT(element, None) if array.ndim == 1 else ArrayT(element, array.shape)
    monkeypatch.setattr(values, "show_data", None)  # not one by one
    assert show([array], type) == str(array.tolist())


def test_wide_integers_stay_exact():
    (leaf,) = leaves_from([2**200, 1], ListT(IntT(False, 256), None))
    assert isinstance(leaf, np.ndarray)
    assert leaf.tolist() == [2**200, 1]


@given(raw=st.integers(-(2**31), 2**31 - 1), fraction=st.integers(1, 24))
def test_fixed_is_printed_so_that_it_reads_back(raw, fraction):
    text = show_fixed(raw, fraction)
    number = Fraction(text)
    assert abs(number * 2**fraction - raw) <= Fraction(1, 2)
    assert text.lstrip("-").split(".")[1] != ""
