"""Types that only live while a body is being checked, and how types relate: join, fit, what may be private.

A literal has no type of its own yet: it is *weak* and takes the type that its context wants (`adapt`), or `int256`
and `fixed` when nothing does (`settle`). The weak types are subclasses of what they settle to, so that code which does
not care need not know them. `plain` takes all of these away; tables that leave this package hold plain types only.
"""

from collections.abc import Callable
from dataclasses import dataclass

from enigmalang.ir.typing import join_ints
from enigmalang.types.types import (
    ADDRESS,
    ANY,
    ERROR,
    FIXED,
    INT256,
    UINT256,
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


@dataclass(frozen=True, slots=True)
class WeakInt(IntT):
    """An integer literal, or an expression of literals only; it is at least `least` and at most `greatest`."""

    signed: bool = True
    bits: int = 256
    least: int = 0
    greatest: int = 0


@dataclass(frozen=True, slots=True)
class WeakFixed(FixedT):
    """A decimal literal."""


@dataclass(frozen=True, slots=True)
class ExactList(ListT):
    """A list known to hold exactly `max` elements: a literal, or what a comprehension makes of one."""


@dataclass(frozen=True, slots=True)
class Hole(ErrorT):
    """Not known yet: a variable read before it was assigned, or the element of `[]`."""


HOLE = Hole()


def weak(value: int) -> WeakInt:
    return WeakInt(least=value, greatest=value)


def is_weak(type: Type) -> bool:
    """Whether a literal somewhere in `type` still waits for its type."""
    match type:
        case WeakInt() | WeakFixed():
            return True
        case ListT(element=element) | ArrayT(element=element):
            return is_weak(element)
        case TupleT(items=items):
            return any(map(is_weak, items))
        case _:
            return False


def rebuild(type: Type, change: Callable[[Type], Type]) -> Type:
    """`type` with `change` applied to its parts (not to itself)."""
    match type:
        case ExactList():
            return ExactList(change(type.element), type.max)
        case ListT():
            return ListT(change(type.element), type.max)
        case ArrayT():
            return ArrayT(change(type.element), type.dims)
        case TupleT():
            return TupleT(tuple(map(change, type.items)))
        case JobT():
            return JobT(change(type.result))
        case _:
            return type


def settle(type: Type) -> Type:
    """What `type` is when no context wants anything else."""
    match type:
        case WeakInt():
            return UINT256 if type.greatest > INT256.high and type.least >= 0 else INT256
        case WeakFixed():
            return FIXED
        case _:
            return rebuild(type, settle)


def secret(type: Type) -> Type:
    """`type` with its integer literals as secrets that nothing else types: `int32`, or `int64` when one needs more."""
    match type:
        case WeakInt():
            small = IntT(True, 32)
            return small if small.low <= type.least and type.greatest <= small.high else IntT(True, 64)
        case _:
            return rebuild(type, secret)


def plain(type: Type) -> Type:
    """`type` as other packages know it."""
    match type:
        case WeakInt() | WeakFixed():
            return settle(type)
        case Hole():
            return ERROR
        case ExactList():
            return ListT(plain(type.element), type.max)
        case _:
            return rebuild(type, plain)


def without_holes(type: Type) -> Type:
    """`type` with what is not known counted as mistakes that were told."""
    return ERROR if isinstance(type, Hole) else rebuild(type, without_holes)


def as_element(type: Type) -> Type:
    """`type` as the element of a list: a list of exactly n becomes an array, so that rows have one length."""
    if isinstance(type, ExactList) and type.max:
        return array_of(type.element, type.max)
    return type


def array_of(element: Type, size: int) -> ArrayT:
    element = as_element(element)
    if isinstance(element, ArrayT):
        return ArrayT(element.element, (size, *element.dims))
    return ArrayT(element, (size,))


def element_of(type: Type) -> Type | None:
    """What one step into a list or array gives; None for other types."""
    match type:
        case ListT(element=element):
            return element
        case ArrayT(element=element, dims=dims):
            return ArrayT(element, dims[1:]) if len(dims) > 1 else element
        case _:
            return None


def length_of(type: Type) -> int | None:
    """The exact number of elements, where the type says it."""
    match type:
        case ExactList(max=size):
            return size
        case ArrayT(dims=dims):
            return dims[0]
        case _:
            return None


def bound_of(type: Type) -> int | None:
    """The greatest number of elements, where the type says it."""
    return type.max if isinstance(type, ListT) else length_of(type)


# ------------------------------------------------------------------------------------------------------ join


def holding(type: IntT, least: int, greatest: int) -> IntT:
    """`type`, or the smallest type above it that holds `least..greatest` too."""
    if type.low <= least and greatest <= type.high:
        return type
    return join_ints(type, smallest(least, greatest))


def smallest(least: int, greatest: int) -> IntT:
    """The smallest integer type that holds `least..greatest`, 256 bits at most."""
    signed = least < 0
    for bits in range(8, 257, 8):
        found = IntT(signed, bits)
        if found.low <= least and greatest <= found.high:
            return found
    return IntT(signed, 256)


def join(a: Type, b: Type) -> Type | None:
    """The type of what is sometimes an `a` and sometimes a `b`; None where there is none."""
    if isinstance(a, Hole):
        return b
    if a == b or isinstance(b, ErrorT):
        return a
    match a, b:
        case ErrorT(), _:
            return b
        case AnyT(), _:
            return ANY if not isinstance(b, MapT | NoneT) and not in_parts(b) else None
        case _, AnyT():
            return join(b, a)
        case FixedT() | IntT(), FixedT() | IntT():
            return _join_numbers(a, b)
        case StringT(), StringT():
            return StringT(_greater(a.max, b.max))
        case BytesT(), BytesT():
            return BytesT(_greater(a.max, b.max))
        case TupleT(), TupleT():
            return _join_tuples(a, b)
        case JobT(), JobT():
            result = join(a.result, b.result)
            return None if result is None else JobT(result)
        case (IdentityT() | AddressT() | ContractT(), IdentityT() | AddressT() | ContractT()):
            return ADDRESS
        case ListT() | ArrayT(), ListT() | ArrayT():
            return _join_lists(a, b)
        case _:
            return None


def _greater(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else max(a, b)


def _join_numbers(a: FixedT | IntT, b: FixedT | IntT) -> Type | None:
    match a, b:
        case WeakInt(), WeakInt():
            return WeakInt(least=min(a.least, b.least), greatest=max(a.greatest, b.greatest))
        case WeakInt(), FixedT():
            return b
        case WeakInt(), IntT():
            return holding(b, a.least, a.greatest)
        case _, WeakInt():
            return _join_numbers(b, a)
        case IntT(), IntT():
            return join_ints(a, b)
        case WeakFixed(), FixedT():
            return b
        case FixedT(), WeakFixed():
            return a
        case FixedT(), FixedT():
            return FixedT(max(a.integer, b.integer), max(a.fraction, b.fraction))
        case _:
            return None


def _join_tuples(a: TupleT, b: TupleT) -> Type | None:
    if len(a.items) != len(b.items):
        return None
    items = [join(x, y) for x, y in zip(a.items, b.items, strict=True)]
    known = tuple(item for item in items if item is not None)
    return TupleT(known) if len(known) == len(items) else None


def _join_lists(a: ListT | ArrayT, b: ListT | ArrayT) -> Type | None:
    inner_a, inner_b = element_of(a), element_of(b)
    if inner_a is None or inner_b is None:
        return None
    element = join(inner_a, inner_b)
    if element is None:
        return None
    size = length_of(a)
    if size is not None and size == length_of(b):
        if isinstance(a, ArrayT) or isinstance(b, ArrayT):
            return array_of(element, size)
        return ExactList(element, size)
    return ListT(element, _greater(bound_of(a), bound_of(b)))


# ------------------------------------------------------------------------------------------------------- fit


def fits(got: Type, want: Type) -> bool:
    """Whether a `got` may be stored as a `want`, perhaps with a check of its value (see model.py)."""
    if got == want or isinstance(got, ErrorT) or isinstance(want, ErrorT):
        return True
    match got, want:
        case AnyT(), _:
            return not isinstance(want, MapT | NoneT)
        case _, AnyT():
            return not isinstance(got, MapT | NoneT)
        case WeakInt(), FixedT():
            return True
        case (IntT(), IntT()) | (FixedT(), FixedT()) | (StringT(), StringT()) | (BytesT() | BytesNT(), BytesT()):
            return True
        case IdentityT() | ContractT(), AddressT():
            return True
        case TupleT(items=a), TupleT(items=b):
            return len(a) == len(b) and all(map(fits, a, b))
        case JobT(), JobT():
            return fits(got.result, want.result)
        case ListT() | ArrayT(), ListT() | ArrayT():
            return _list_fits(got, want)
        case _:
            return False


def _list_fits(got: ListT | ArrayT, want: ListT | ArrayT) -> bool:
    inner, wanted = element_of(got), element_of(want)
    if inner is None or wanted is None or not fits(as_element(inner), wanted):
        return False
    size = length_of(got)
    if isinstance(want, ArrayT):
        return size == want.dims[0]
    return want.max is None or size is None or size <= want.max


# ------------------------------------------------------------------------------------------- what a type may be


def in_parts(type: Type) -> bool:
    """Whether a value is held in several parts, and cannot be made of one whose type is not known."""
    match type:
        case ListT(element=element) | ArrayT(element=element):
            return in_parts(element)
        case StructT(fields=fields):
            return len(fields) != 1 or in_parts(fields[0].type)
        case TupleT(items=items):
            return len(items) != 1 or in_parts(items[0])
        case _:
            return False


def is_number(type: Type) -> bool:
    return isinstance(type, IntT | FixedT | ErrorT)


def is_key(type: Type) -> bool:
    """Types of map keys."""
    return isinstance(type, IntT | BoolT | AddressT | BytesNT | BytesT | StringT | EnumT | ErrorT)


def not_private(type: Type) -> Type | None:
    """The part of `type` that cannot be secret-shared; None when all of it can."""
    match type:
        case BoolT() | IntT() | FixedT() | EnumT() | ErrorT():
            return None
        case ListT(element=element) | ArrayT(element=element):
            return not_private(element)
        case MapT(value=value):
            return not_private(value)
        case StructT(fields=fields):
            return next((p for f in fields if (p := not_private(f.type)) is not None), None)
        case TupleT(items=items):
            return next((p for i in items if (p := not_private(i)) is not None), None)
        case _:
            return type


def unfixed(type: Type) -> Type | None:
    """The part of `type` that keeps it from being an element of a list: something of varying size."""
    match type:
        case ListT() | MapT():
            return type
        case ArrayT(element=element):
            return unfixed(element)
        case StructT(fields=fields):
            return next((p for f in fields if (p := unfixed(f.type)) is not None), None)
        case TupleT(items=items):
            return next((p for i in items if (p := unfixed(i)) is not None), None)
        case _:
            return None


def comparable(type: Type) -> bool:
    """Types whose values `==` can compare."""
    match type:
        case MapT() | NoneT() | PredicateT() | JobT():
            return False
        case ListT(element=element) | ArrayT(element=element):
            return comparable(element)
        case StructT(fields=fields):
            return all(comparable(f.type) for f in fields)
        case TupleT(items=items):
            return all(map(comparable, items))
        case _:
            return True
