"""Constants, defaults, conversions at typed destinations, and shares."""

from collections.abc import Sequence
from typing import Any

from enigmalang.ir.ir import IRType, Opaque, Scalar, Tensor, Value
from enigmalang.ir.leaves import Leaf, leaves_of
from enigmalang.ir.typing import compatible, join_scalars
from enigmalang.lowering.frame import Bundle, Frame, LoweringError
from enigmalang.source import Span
from enigmalang.types.types import (
    ADDRESS,
    ANY,
    BOOL,
    AddressT,
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
    Label,
    ListT,
    StringT,
    StructT,
    TupleT,
    Type,
)
from enigmalang.types.zeros import zero_scalar


def constant(f: Frame, value: Any, type: Type, span: Span) -> Bundle:
    """A Python value as constants: arrays are tuples or lists, structs tuples of fields (or dicts)."""
    columns = _columns(value, type)
    made = (f.build.const(column, leaf.type, span) for column, leaf in zip(columns, leaves_of(type), strict=True))
    return Bundle(type, tuple(made))


def _columns(value: Any, type: Type) -> list[Any]:
    """`value` leaf by leaf; below an array, one nested tuple per leaf."""
    match type:
        case StructT(fields=fields):
            items = [value[f.name] for f in fields] if isinstance(value, dict) else value
            return [c for item, f in zip(items, fields, strict=True) for c in _columns(item, f.type)]
        case TupleT(items=types):
            return [c for item, t in zip(value, types, strict=True) for c in _columns(item, t)]
        case ArrayT() | ListT():
            inner = element_type(type)
            rows = [_columns(item, inner) for item in value]
            return [tuple(row[i] for row in rows) for i in range(len(leaves_of(inner)))]
        case _:
            return [scalar_constant(value, type)]


def scalar_constant(value: Any, type: Type) -> Any:
    """`value` as a `const` of `type` holds it."""
    match type:
        case BoolT():
            return bool(value)
        case IntT() | EnumT() | FixedT():
            return int(value)
        case AddressT() if isinstance(value, int):
            return f"0x{value:040x}"
        case AddressT():
            return str(value).lower()
        case BytesNT(size=size) if isinstance(value, int):
            return value.to_bytes(size, "big")
        case BytesNT() | BytesT() if isinstance(value, str):
            return bytes.fromhex(value.removeprefix("0x")) if value.startswith("0x") else value.encode()
        case _:
            return value


def element_type(type: Type) -> Type:
    """The type of one step into an array or list."""
    match type:
        case ListT(element=element):
            return element
        case ArrayT(element=element, dims=dims):
            return ArrayT(element, dims[1:]) if len(dims) > 1 else element
        case _:
            raise TypeError(f"{type} has no elements")


def zero(f: Frame, type: Type, span: Span) -> Bundle:
    """The default of a type: zeros, empty lists, arrays of zeros."""
    return Bundle(type, tuple(_zero_of(f, leaf, span) for leaf in leaves_of(type)))


def _zero_of(f: Frame, leaf: Leaf, span: Span) -> Value:
    if isinstance(leaf.type, Tensor) and leaf.exact and all(leaf.exact):
        one = f.build.const(zero_scalar(leaf.type.element), Tensor(leaf.type.element), span)
        return f.build.value("fill", (one,), span, type=leaf.type, dims=leaf.lens, axis=-len(leaf.lens))
    return zero_leaf(f, leaf.type, span)


def zero_leaf(f: Frame, type: IRType, span: Span) -> Value:
    """Some value of an IR type, where it is never looked at."""
    if isinstance(type, Opaque):
        nothing = f.build.const(0, Tensor(IntT(True, 8)), span)
        return f.build.value("convert", (nothing,), span, type=type)
    if type.rank:
        return f.build.value("empty", (), span, type=type)
    return f.build.const(zero_scalar(type.element), type, span)


def is_unknown(type: Type) -> bool:
    """An empty list whose element type nobody said."""
    return isinstance(type, ListT | ArrayT) and (isinstance(type.element, ErrorT) or is_unknown(type.element))


def store_as(f: Frame, bundle: Bundle, type: Type, span: Span, destination: str) -> Bundle:
    """`bundle` on its way into a place of a stated type: every number, string and `any` is converted, also where the
    nominal types agree, because a private value needs the proof of its range there."""
    return _converted(f, bundle, type, span, destination, always=True)


def fit(f: Frame, bundle: Bundle, type: Type, span: Span) -> Bundle:
    """`bundle` held as `type` is held: only what is represented differently is converted."""
    return _converted(f, bundle, type, span, None, always=False)


def _converted(f: Frame, bundle: Bundle, type: Type, span: Span, destination: str | None, always: bool) -> Bundle:
    if isinstance(type, JobT):
        return bundle  # the job of a plain function is its result
    leaves = leaves_of(type)
    if bundle.type == ANY and leaves and len(leaves) != 1:
        raise LoweringError(span, f"a value of unknown type cannot become {type}")
    if is_unknown(bundle.type) or len(bundle.leaves) != len(leaves):
        if is_unknown(bundle.type) or not bundle.leaves:
            return Bundle(type, tuple(f.build.value("empty", (), span, type=leaf.type) for leaf in leaves))
        raise LoweringError(span, f"{bundle.type} where {type} is expected")
    made = (convert_leaf(f, v, leaf, span, destination, always) for v, leaf in zip(bundle.leaves, leaves, strict=True))
    return Bundle(type, tuple(made))


def convert_leaf(f: Frame, value: Value, leaf: Leaf, span: Span, destination: str | None, always: bool) -> Value:
    wanted = leaf.type
    if compatible(value.type, wanted) and not (always and _checked(wanted)):
        return value
    made = f.build.value("convert", (value,), span, type=wanted, hint=value.hint, implicit=destination)
    if isinstance(wanted, Tensor):
        made.lens = leaf.lens
    made.label = value.label
    return made


def _checked(type: IRType) -> bool:
    """Types of which a value of the same kind may not fit."""
    return isinstance(type, Tensor) and isinstance(type.element, IntT | FixedT | StringT | BytesT)


def to_element(f: Frame, value: Value, element: Scalar, span: Span) -> Value:
    """`value` (of any rank) with its elements held as `element` is: an explicit conversion, if one is needed."""
    if isinstance(value.type, Opaque):
        return f.build.value("convert", (value,), span, type=Tensor(element))
    wanted = Tensor(element, value.type.rank)
    return value if compatible(value.type, wanted) else f.build.value("convert", (value,), span, type=wanted)


def balance(f: Frame, a: Value, b: Value, span: Span) -> tuple[Value, Value]:
    """Two values to be compared, held alike."""
    match a.type, b.type:
        case Tensor(element=x), Tensor(element=y):
            common = join_scalars(x, y)
            if isinstance(common, FixedT):
                return to_element(f, a, common, span), to_element(f, b, common, span)
            return a, b
        case Tensor(element=x), Opaque():
            return a, to_element(f, b, x, span)
        case Opaque(), Tensor(element=y):
            return to_element(f, a, y, span), b
        case _:
            return a, b


def share(f: Frame, bundle: Bundle, span: Span, flags: Sequence[bool] | None = None) -> Bundle:
    """`bundle` in a private place; `flags` tells which leaves are (all, if not given)."""
    made: list[Value] = []
    for number, value in enumerate(bundle.leaves):
        if value.label is Label.PRIVATE or (flags is not None and not flags[number]):
            made.append(value)
            continue
        shared = f.build.value("share", (value,), span, hint=value.hint)
        shared.label, shared.lens = Label.PRIVATE, value.lens
        made.append(shared)
    return Bundle(bundle.type, tuple(made))


def share_private(f: Frame, bundle: Bundle, private: bool, span: Span) -> Bundle:
    """Share the leaves that are private in a place of `bundle`'s type, declared `private` or not."""
    flags = [leaf.private for leaf in leaves_of(bundle.type, private)]
    return share(f, bundle, span, flags) if any(flags) else bundle


def common_type(types: Sequence[IRType]) -> IRType:
    """The type of a value that comes from several branches."""
    joined = types[0]
    for type in types[1:]:
        if isinstance(joined, Tensor) and isinstance(type, Tensor) and joined != type and compatible(joined, type):
            joined = Tensor(join_scalars(joined.element, type.element) or joined.element, joined.rank)
    return joined


def truth(f: Frame, value: Value, span: Span) -> Value:
    """A condition as a bool: an `any` is converted."""
    return to_element(f, value, BOOL, span) if isinstance(value.type, Opaque) else value


def as_address(f: Frame, value: Value, span: Span) -> Value:
    """An identity or contract reference as its address."""
    if isinstance(value.type, Opaque) and isinstance(value.type.type, IdentityT | ContractT):
        return f.build.value("convert", (value,), span, type=Tensor(ADDRESS), hint=value.hint)
    return value
