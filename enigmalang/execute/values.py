"""Values of language types: from Python data to leaves and back, and as `print` writes them.

Python data is what `enigmalang.cli.convert` gives: bool, int (fixed: raw; enum: member number), str, bytes; lists for
arrays and lists, tuples for structs and tuples. Printed as Python does: `Point(x=1, y=2)`, `[1, 2]`, `True`; fixed as
the shortest decimal that is that number; addresses and bytes as 0x-hex; enum members by name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from enigmalang.execute.defaults import array_of, shape_of_nested
from enigmalang.execute.numbers import scalar
from enigmalang.ir.ir import Tensor
from enigmalang.ir.leaves import leaves_of
from enigmalang.types.types import (
    AnyT,
    ArrayT,
    BoolT,
    BytesNT,
    BytesT,
    EnumT,
    FixedT,
    IntT,
    ListT,
    NoneT,
    StructT,
    TupleT,
    Type,
)


@dataclass(frozen=True, slots=True)
class AnyValue:
    """A public value with its type: what `L[k]` without annotation is."""

    type: Type
    leaves: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ContractRef:
    """A deployed contract."""

    address: str
    name: str


def leaves_from(data: Any, type: Type) -> list[Any]:
    """The leaves of Python data of `type`; a NumPy array (int64 or bool) may stand for a list of its scalars."""
    columns = _columns(data, type)
    made = []
    for column, leaf in zip(columns, leaves_of(type), strict=True):
        if isinstance(leaf.type, Tensor) and leaf.type.rank:
            shape = tuple(n if n is not None and exact else m for n, exact, m in zip(
                leaf.lens, leaf.exact, shape_of_nested(column, leaf.type.rank), strict=True))
            made.append(array_of(leaf.type.element, column, shape))
        else:
            made.append(column)
    return made


def inner_type(type: ArrayT | ListT) -> Type:
    """The type of one row."""
    if isinstance(type, ArrayT) and len(type.dims) > 1:
        return ArrayT(type.element, type.dims[1:])
    return type.element


def _columns(data: Any, type: Type) -> list[Any]:
    match type:
        case NoneT():
            return []
        case StructT(fields=fields):
            return [c for item, f in zip(data, fields, strict=True) for c in _columns(item, f.type)]
        case TupleT(items=items):
            return [c for item, t in zip(data, items, strict=True) for c in _columns(item, t)]
        case ArrayT() | ListT():
            inner = inner_type(type)
            if _is_plain(inner):
                return [data]
            rows = [_columns(item, inner) for item in data]
            return [[row[i] for row in rows] for i in range(len(leaves_of(inner)))]
        case _:
            return [data]


def _is_plain(type: Type) -> bool:
    """Scalars, and arrays of arrays of them: one leaf."""
    return not isinstance(_scalar_of(type), NoneT | StructT | TupleT)


def _scalar_of(type: Type) -> Type:
    """What arrays of arrays are made of."""
    while isinstance(type, ArrayT | ListT):
        type = inner_type(type)
    return type


def data_from(leaves: Sequence[Any], type: Type) -> Any:
    """Python data of `type` from its leaves."""
    return _data(iter(leaves), type)


def _data(leaves: Iterator[Any], type: Type) -> Any:
    match type:
        case NoneT():
            return None
        case StructT(fields=fields):
            return tuple(_data(leaves, f.type) for f in fields)
        case TupleT(items=items):
            return tuple(_data(leaves, t) for t in items)
        case ArrayT() | ListT():
            inner = inner_type(type)
            columns = [next(leaves) for _ in leaves_of(inner)]
            if _is_plain(inner) and isinstance(columns[0], np.ndarray):
                return columns[0].tolist()
            count = len(columns[0]) if columns else 0
            return [_data(iter([scalar(c[i]) for c in columns]), inner) for i in range(count)]
        case _:
            return scalar(next(leaves))


def show(leaves: Sequence[Any], type: Type) -> str:
    """The leaves of a value as `print` writes it: a text bare."""
    data = data_from(leaves, type)
    if isinstance(leaves[0] if leaves else None, np.ndarray) and isinstance(_scalar_of(type), BoolT | IntT):
        return str(data)  # of lists of numbers as Python writes them, which is how they are to be
    return str(data) if isinstance(data, str) and not isinstance(type, AnyT) else show_data(data, type)


def show_data(data: Any, type: Type) -> str:
    """A value within another: a text in quotes."""
    match type:
        case BoolT() | IntT():
            return str(data)
        case FixedT(fraction=fraction):
            return show_fixed(int(data), fraction)
        case EnumT(name=name, members=members):
            return f"{name}.{members[data]}"
        case BytesNT():
            return f"0x{data.hex()}"
        case BytesT():
            return repr(bytes(data))
        case StructT(name=name, fields=fields):
            inside = (f"{f.name}={show_data(d, f.type)}" for f, d in zip(fields, data, strict=True))
            return f"{name}({', '.join(inside)})"
        case TupleT(items=items):
            shown = [show_data(d, t) for d, t in zip(data, items, strict=True)]
            return f"({', '.join(shown)}{',' if len(shown) == 1 else ''})"
        case ArrayT() | ListT():
            return f"[{', '.join(show_data(d, inner_type(type)) for d in data)}]"
        case AnyT() if isinstance(data, AnyValue):
            return show(data.leaves, data.type)
        case _:
            return _show_other(data, type)


def _show_other(data: Any, type: Type) -> str:
    if isinstance(data, str):
        return data if data.startswith("0x") and str(type) == "address" else repr(data)
    return str(data.address) if isinstance(data, ContractRef) else str(data)


def show_fixed(raw: int, fraction: int) -> str:
    """The shortest decimal that rounds to `raw / 2^fraction`."""
    sign, raw = ("-", -raw) if raw < 0 else ("", raw)
    one = 1 << fraction
    for digits in range(1, fraction + 1):
        scaled = (2 * raw * 10**digits + one) // (2 * one)
        if (2 * scaled * one + 10**digits) // (2 * 10**digits) == raw:
            break
    else:
        digits, scaled = max(fraction, 1), raw * 10 ** max(fraction, 1) // one
    whole, rest = divmod(scaled, 10**digits)
    return f"{sign}{whole}.{str(rest).rjust(digits, '0')}"


def hashable(value: Any) -> Any:
    """A key's leaf as a dictionary's key."""
    return tuple(value.tolist()) if isinstance(value, np.ndarray) else scalar(value)
