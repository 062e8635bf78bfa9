"""Structs and tuples as their leaves: the one place that says in which order, and of which IR type, they come."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from enigmalang.ir.ir import IRType, Opaque, Scalar, Tensor
from enigmalang.types.types import (
    AddressT,
    AnyT,
    ArrayT,
    BoolT,
    BytesNT,
    BytesT,
    ContractT,
    EnumT,
    ErrorT,
    FixedT,
    IdentityT,
    IntT,
    JobT,
    ListT,
    MapT,
    NoneT,
    PredicateT,
    StringT,
    StructT,
    TupleT,
    Type,
)

SCALARS = (BoolT, IntT, FixedT, AddressT, BytesNT, BytesT, StringT, EnumT)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of a language type.

    `path` holds field names and tuple positions from the outside in; `lens` and `exact` describe each axis of `type`
    (see `ir.Slot`); `keys` are the map keys passed on the way (contract state only); `declared` is the leaf's
    language type, axes included.
    """

    path: tuple[str, ...]
    type: IRType
    declared: Type
    lens: tuple[int | None, ...] = ()
    exact: tuple[bool, ...] = ()
    private: bool = False
    keys: tuple[Scalar, ...] = ()

    @property
    def name(self) -> str:
        return ".".join(self.path)


@lru_cache(maxsize=4096)
def leaves_of(type: Type, private: bool = False) -> tuple[Leaf, ...]:
    """The leaves of a value of `type`, in order. Under `private` (or a private field) a leaf is private."""
    return tuple(_leaves(type, private))


def _leaves(type: Type, private: bool) -> Iterator[Leaf]:
    match type:
        case BoolT() | IntT() | FixedT() | AddressT() | BytesNT() | BytesT() | StringT() | EnumT():
            yield Leaf((), Tensor(type), type, private=private)
        case NoneT():
            return
        case StructT(fields=fields):
            for field in fields:
                for leaf in leaves_of(field.type, private or field.private):
                    yield replace(leaf, path=(field.name, *leaf.path))
        case TupleT(items=items):
            for number, item in enumerate(items):
                for leaf in leaves_of(item, private):
                    yield replace(leaf, path=(str(number), *leaf.path))
        case ArrayT(element=element, dims=dims):
            for leaf in leaves_of(element, private):
                yield _wrapped(leaf, dims, (True,) * len(dims), ArrayT(leaf.declared, dims))
        case ListT(element=element, max=limit):
            for leaf in leaves_of(element, private):
                yield _wrapped(leaf, (limit,), (False,), ListT(leaf.declared, limit))
        case MapT(key=key, value=value):
            keys = tuple(leaf.type.element for leaf in leaves_of(key) if isinstance(leaf.type, Tensor))
            for leaf in leaves_of(value, private):
                yield replace(leaf, keys=keys + leaf.keys)
        case AnyT() | IdentityT() | PredicateT() | ContractT() | JobT() | ErrorT():
            yield Leaf((), Opaque(type), type, private=private)


def _wrapped(leaf: Leaf, lens: tuple[int | None, ...], exact: tuple[bool, ...], declared: Type) -> Leaf:
    """`leaf` inside an array or list: its axes in front."""
    if isinstance(leaf.type, Opaque):
        return replace(leaf, type=Opaque(declared), declared=declared)
    tensor = Tensor(leaf.type.element, leaf.type.rank + len(lens))
    return replace(leaf, type=tensor, lens=lens + leaf.lens, exact=exact + leaf.exact, declared=declared)


def types_of(type: Type) -> tuple[IRType, ...]:
    """The IR types of the leaves of `type`."""
    return tuple(leaf.type for leaf in leaves_of(type))


def field_slice(type: StructT | TupleT, index: int) -> slice:
    """Where the leaves of member `index` stand among the leaves of `type`."""
    members = [f.type for f in type.fields] if isinstance(type, StructT) else list(type.items)
    start = sum(len(leaves_of(m)) for m in members[:index])
    return slice(start, start + len(leaves_of(members[index])))
