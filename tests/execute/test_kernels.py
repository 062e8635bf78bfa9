"""Public arithmetic: checked, exact at any width, also on arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime_support import numbers, operation

from enigmalang.execute import numbers as exact
from enigmalang.execute.failures import Revert
from enigmalang.execute.kernels import elementwise
from enigmalang.execute.shapes import shaped
from enigmalang.types.types import IntT

I256, U8, I32 = IntT(True, 256), IntT(False, 8), IntT(True, 32)
wide = st.integers(-(2**130), 2**130)


@given(a=st.lists(wide, min_size=1, max_size=5), b=wide)
def test_arrays_are_as_exact_as_scalars(a, b):
    array = exact.shrink(np.array([*a, 0], dtype=object))
    for function in (exact.add, exact.sub, exact.mul, exact.trunc_div, exact.trunc_mod, exact.minimum, exact.maximum):
        assert function(array, b).tolist() == [function(x, b) for x in [*a, 0]]


@pytest.mark.parametrize(("op", "args", "code"), [
    ("add", (200, 100), "E0502"), ("sub", (1, 2), "E0502"), ("mul", (16, 16), "E0502"), ("floordiv", (1, 0), "E0503"),
    ("mod", (1, 0), "E0503"), ("pow", (2, 8), "E0502"), ("pow", (2, 10**9), "E0502"), ("shl", (1, 8), "E0502"),
    ("shl", (1, 10**9), "E0502"), ("neg", (1,), "E0502")])
def test_public_arithmetic_reverts(op, args, code):
    made = operation(op, [(numbers(U8), None)] * len(args), [numbers(U8)])
    with pytest.raises(Revert) as caught:
        elementwise(made, False, args)
    assert caught.value.diagnostic.code == code


def test_one_bad_element_reverts():
    made = operation("add", [(numbers(U8, 1), None), (numbers(U8), None)], [numbers(U8, 1)])
    assert elementwise(made, False, (np.array([1, 2]), 3)).tolist() == [4, 5]
    with pytest.raises(Revert, match="256"):
        elementwise(made, False, (np.array([1, 253]), 3))


@pytest.mark.parametrize(("i", "reverts"), [(0, False), (2, False), (3, True), (-1, True)])
def test_public_index(i, reverts):
    made = operation("index", [(numbers(I32, 1), None), (numbers(I256), None)], [numbers(I32)], axis=-1)
    if reverts:
        with pytest.raises(Revert) as caught:
            shaped(made, False, (np.array([7, 8, 9]), i))
        assert caught.value.diagnostic.code == "E0504"
    else:
        assert shaped(made, False, (np.array([7, 8, 9]), i)) == 7 + i
