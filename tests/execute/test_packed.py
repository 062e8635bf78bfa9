"""Values as bytes: what was stored comes back, and what anybody made up is refused."""

import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enigmalang.execute.packed import holds, pack, unpack
from enigmalang.execute.values import data_from, leaves_from
from enigmalang.types.types import (
    AddressT,
    ArrayT,
    BoolT,
    BytesNT,
    BytesT,
    EnumT,
    FixedT,
    IntT,
    ListT,
    StringT,
    TupleT,
)

WORD = "0x" + "ab" * 20
VALUES = (
    (IntT(False, 8), 255), (IntT(True, 256), -(2**255)), (BoolT(), True), (StringT(5), "héé"), (BytesT(3), b"abc"),
    (BytesNT(4), b"\x00\x01\x02\x03"), (AddressT(), WORD), (FixedT(16, 16), -3), (EnumT("E", ("a", "b")), 1),
    (ListT(IntT(False, 8), 3), [1, 2]), (ListT(StringT(3), None), ["a", "bc"]),
    (ArrayT(IntT(True, 16), (2, 2)), [[1, -2], [3, 4]]), (TupleT((IntT(False, 8), StringT(2))), (7, "xy")),
    (ListT(TupleT((BoolT(), IntT(False, 8))), 2), [(True, 1), (False, 2)]),
)


@pytest.mark.parametrize(("type", "data"), VALUES, ids=str)
def test_what_is_stored_comes_back(type, data):
    content = pack(leaves_from(data, type), type)
    assert data_from(unpack(content, type), type) == data


@pytest.mark.parametrize(("type", "data"), [
    (IntT(False, 8), {"int": "256"}), (IntT(False, 8), {"int": "-1"}), (IntT(False, 8), True), (IntT(False, 8), "7"),
    (IntT(False, 8), {"int": "9" * 5000}), (IntT(False, 8), {"other": 1}), (IntT(False, 8), 1.5),
    (BoolT(), 1), (StringT(2), "abc"), (StringT(2), b"ab"), (BytesT(2), b"abc"), (BytesNT(2), b"a"),
    (AddressT(), "0x12"), (AddressT(), WORD + "00"), (EnumT("E", ("a",)), {"int": "1"}),
    (ListT(IntT(False, 8), 2), [{"int": "1"}] * 3), (ListT(IntT(False, 8), 2), {"int": "1"}),
    (ArrayT(IntT(False, 8), (2, 2)), [[{"int": "1"}] * 2]), (ArrayT(IntT(False, 8), (1, 2)), [[{"int": "1"}] * 3]),
    (TupleT((BoolT(), BoolT())), [True]), (TupleT((BoolT(), BoolT())), None),
], ids=str)
def test_what_is_no_value_of_the_type_is_refused(type, data):
    with pytest.raises(ValueError, match="not a"):
        unpack(msgspec.msgpack.encode(data), type)


@given(st.binary(max_size=60), st.sampled_from([type for type, _ in VALUES]))
def test_bytes_of_anybody_are_a_value_or_refused(content, type):
    try:
        leaves = unpack(content, type)
    except ValueError:
        return
    assert holds(_listed(data_from(leaves, type)), type)


def test_what_is_nested_without_end_is_refused_where_the_interpreter_raised_the_recursion_limit():
    """In a process of its own: the end of the stack would be that of all tests."""
    code = ("import sys; from enigmalang.execute.machine import RECURSION; sys.setrecursionlimit(RECURSION)\n"
            "from enigmalang.execute.packed import unpack; from enigmalang.types.types import BoolT\n"
            "try: unpack(b'\\x91' * 200_000, BoolT())\nexcept ValueError as error: print(error)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("not a stored value")


def _listed(data):
    return [_listed(d) for d in data] if isinstance(data, list | tuple) else data
