"""Leaves and ABI values: the language's types as outsiders of the chain see them.

bool, integers, address, bytes4, bytes32 as they are; `fixed` as its raw scaled integer, int256; an enum as uint8;
`string[max]` and `bytes[max]` as string and bytes; `T[n, m]` as T[m][n]; a list as T[]; a struct as a tuple.
"""

from collections.abc import Sequence
from typing import Any

from enigmalang.chain import decoding
from enigmalang.ir.leaves import leaves_of
from enigmalang.plan.calls import LedgerError
from enigmalang.types.abi import NoAbiType, abi_name, abi_names
from enigmalang.types.types import (
    AddressT,
    ArrayT,
    BoolT,
    BytesT,
    ContractT,
    EnumT,
    FixedT,
    IntT,
    ListT,
    StringT,
    StructT,
    TupleT,
    Type,
)

__all__ = ["MOST_LOGGED", "NoAbiType", "abi_name", "abi_names", "check_size", "decode", "encode", "from_abi", "to_abi"]


def to_abi(data: Any, type: Type) -> Any:
    """Python data (as `execute.values` has it) as `eth_abi` takes it: structs as tuples, arrays as lists."""
    match type:
        case StructT(fields=fields):
            return tuple(to_abi(d, f.type) for d, f in zip(data, fields, strict=True))
        case TupleT(items=items):
            return tuple(to_abi(d, t) for d, t in zip(data, items, strict=True))
        case ArrayT(element=element, dims=dims):
            inner = ArrayT(element, dims[1:]) if len(dims) > 1 else element
            return [to_abi(d, inner) for d in data]
        case ListT(element=element):
            return [to_abi(d, element) for d in data]
        case BoolT():
            return bool(data)
        case IntT() | FixedT() | EnumT():
            return int(data)
        case AddressT() | ContractT():
            return str(getattr(data, "address", data))
        case _:
            return data


def from_abi(value: Any, type: Type) -> Any:
    """What `eth_abi` gives, as Python data: addresses in lower case."""
    match type:
        case StructT(fields=fields):
            return tuple(from_abi(v, f.type) for v, f in zip(value, fields, strict=True))
        case TupleT(items=items):
            return tuple(from_abi(v, t) for v, t in zip(value, items, strict=True))
        case ArrayT(element=element, dims=dims):
            inner = ArrayT(element, dims[1:]) if len(dims) > 1 else element
            return [from_abi(v, inner) for v in value]
        case ListT(element=element):
            return [from_abi(v, element) for v in value]
        case AddressT() | ContractT():
            return str(value).lower()
        case _:
            return value


def encode(values: Sequence[Any], types: Sequence[Type]) -> bytes:
    """ABI bytes of Python data."""
    from eth_abi.abi import encode as encoded

    return bytes(encoded([abi_name(t) for t in types], [to_abi(v, t) for v, t in zip(values, types, strict=True)]))


def decode(data: bytes, types: Sequence[Type]) -> list[Any]:
    """Python data from ABI bytes."""
    found = decoding.decode([abi_name(t) for t in types], data)
    return [from_abi(v, t) for v, t in zip(found, types, strict=True)]


# ---- sizes: a value of `L` has a most, on every ledger

#: Bytes of a value of `L` (`contracts/ledger.vy`).
MOST_LOGGED = 4096
_WORD = 32


def check_size(value: Any) -> None:
    """Raises LedgerError for what `L` cannot hold: a `value` (with its `type` and `leaves`) of more than 4096 bytes."""
    types = [leaf.declared for leaf in leaves_of(value.type)]
    size = sum(_inside(leaf.tolist() if hasattr(leaf, "tolist") else leaf, type)
               for leaf, type in zip(value.leaves, types, strict=True))
    if size > MOST_LOGGED:
        raise LedgerError(f"a value of L has {MOST_LOGGED} bytes at most, and this one {size}")


def _inside(data: Any, type: Type) -> int:
    """Bytes of a part of something: what has no fixed size has an offset, too."""
    return _size(data, type) + (_WORD if _is_dynamic(type) else 0)


def _size(data: Any, type: Type) -> int:
    match type:
        case StringT():
            return _WORD + -(-len(data.encode()) // _WORD) * _WORD
        case BytesT():
            return _WORD + -(-len(data) // _WORD) * _WORD
        case ListT(element=element):
            return _WORD + sum(_inside(d, element) for d in data)
        case ArrayT(element=element, dims=dims):
            inner = ArrayT(element, dims[1:]) if len(dims) > 1 else element
            return sum(_inside(d, inner) for d in data)
        case _:
            return _WORD


def _is_dynamic(type: Type) -> bool:
    match type:
        case StringT() | BytesT() | ListT():
            return True
        case ArrayT(element=element):
            return _is_dynamic(element)
        case _:
            return False


def is_of(data: Any, type: Type) -> bool:
    """Whether Python data that was decoded is inside of what `type` holds: the ABI knows less of it."""
    match type:
        case FixedT() | IntT():
            return bool(type.low <= data <= type.high)
        case EnumT(members=members):
            return bool(0 <= data < len(members))
        case StringT(max=most):
            return most is None or len(data.encode()) <= most
        case BytesT(max=most):
            return most is None or len(data) <= most
        case ListT(element=element, max=most):
            return (most is None or len(data) <= most) and all(is_of(d, element) for d in data)
        case ArrayT(element=element, dims=dims):
            inner = ArrayT(element, dims[1:]) if len(dims) > 1 else element
            return all(is_of(d, inner) for d in data)
        case _:
            return True
