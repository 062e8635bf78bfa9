"""Structs, tuples, lists and maps as their leaves."""

from enigmalang.ir.ir import Opaque, Tensor
from enigmalang.ir.leaves import field_slice, leaves_of
from enigmalang.types.types import (
    ADDRESS,
    BOOL,
    NONE,
    ArrayT,
    ContractT,
    Field,
    IntT,
    ListT,
    MapT,
    StructT,
    TupleT,
)

U8 = IntT(False, 8)
POINT = StructT("Point", (Field("x", U8), Field("y", BOOL, private=True)))


def test_a_list_of_structs_is_a_tensor_per_field():
    x, y = leaves_of(ListT(POINT, 7))
    assert (x.path, x.type, x.lens, x.exact, x.private) == (("x",), Tensor(U8, 1), (7,), (False,), False)
    assert (y.path, y.type, y.private) == (("y",), Tensor(BOOL, 1), True)
    assert x.declared == ListT(U8, 7)


def test_nested_fixed_arrays_have_one_axis_each():
    (leaf,) = leaves_of(ArrayT(ArrayT(U8, (2,)), (3, 4)))
    assert (leaf.type, leaf.lens, leaf.exact) == (Tensor(U8, 3), (3, 4, 2), (True, True, True))


def test_maps_collect_their_keys():
    leaves = leaves_of(MapT(ADDRESS, MapT(TupleT((U8, BOOL)), POINT)), private=True)
    assert [leaf.keys for leaf in leaves] == [(ADDRESS, U8, BOOL)] * 2
    assert all(leaf.private for leaf in leaves)


def test_nothing_has_no_leaves_and_references_are_opaque():
    assert leaves_of(NONE) == ()
    (one,) = leaves_of(ListT(ContractT("Token"), None))
    assert one.type == Opaque(ListT(ContractT("Token"), None))


def test_where_a_member_stands():
    whole = TupleT((U8, POINT, NONE, BOOL))
    assert [field_slice(whole, n) for n in range(4)] == [slice(0, 1), slice(1, 3), slice(3, 3), slice(3, 4)]
