"""How types relate: join and fit."""

from hypothesis import given, settings
from hypothesis import strategies as st

from enigmalang.semantics.relations import ExactList, fits, join, plain, settle, weak
from enigmalang.types.types import (
    ADDRESS,
    BOOL,
    FIXED,
    INT256,
    UINT256,
    ArrayT,
    FixedT,
    IdentityT,
    IntT,
    ListT,
    StringT,
    TupleT,
    Type,
)

numbers = st.builds(IntT, st.booleans(), st.sampled_from(range(8, 257, 8)))
scalars = st.one_of(numbers, st.sampled_from([BOOL, FIXED, ADDRESS, FixedT(8, 24)]))
types = st.recursive(scalars, lambda inner: st.one_of(
    st.builds(ListT, inner, st.one_of(st.none(), st.integers(1, 9))),
    st.builds(lambda a, b: TupleT((a, b)), inner, inner)), max_leaves=4)


@settings(deadline=None)
@given(types, types)
def test_join_is_symmetric_and_holds_both(a: Type, b: Type) -> None:
    joined = join(a, b)
    assert joined == join(b, a)
    assert join(a, a) == a
    if joined is not None:
        assert fits(a, joined) and fits(b, joined)


@settings(deadline=None)
@given(st.integers(-2**255, 2**256 - 1), numbers)
def test_a_literal_takes_the_other_type_when_it_fits(value: int, other: IntT) -> None:
    joined = join(weak(value), other)
    assert isinstance(joined, IntT)
    if other.low <= value <= other.high:
        assert joined == other
    elif joined.bits < 256:
        assert joined.low <= value <= joined.high and joined.low <= other.low and other.high <= joined.high


def test_settling() -> None:
    assert settle(weak(-1)) == INT256
    assert settle(weak(2**256 - 1)) == UINT256
    assert plain(ExactList(weak(1), 3)) == ListT(INT256, 3)


def test_lists_and_arrays() -> None:
    byte = IntT(False, 8)
    assert fits(ArrayT(byte, (3,)), ListT(byte, 5))
    assert not fits(ArrayT(byte, (6,)), ListT(byte, 5))
    assert not fits(ListT(byte, 3), ArrayT(byte, (3,)))
    assert fits(ExactList(byte, 3), ArrayT(byte, (3,)))
    assert fits(IdentityT(), ADDRESS) and not fits(ADDRESS, IdentityT())
    assert fits(StringT(None), StringT(3))
    assert not fits(INT256, FIXED) and not fits(BOOL, INT256)
