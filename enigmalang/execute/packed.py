"""Public values as bytes, as off-chain storage keeps them: MessagePack, with integers of any size as text."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from enigmalang.execute.values import data_from, inner_type, leaves_from
from enigmalang.types.types import (
    AddressT,
    ArrayT,
    BoolT,
    BytesNT,
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

#: Lists in lists that are decoded: no type nests deeper. Each is decoded by itself, for msgspec's calls nest as deep as
#: the bytes do, up to the recursion limit, which is raised to where the stack ends first (`machine.RECURSION`).
_DEEPEST = 100
_LIST = msgspec.msgpack.Decoder(list[msgspec.Raw])
_MAP = msgspec.msgpack.Decoder(dict[str, str])
_LISTS, _MAPS = frozenset([*range(0x90, 0xA0), 0xDC, 0xDD]), frozenset([*range(0x80, 0x90), 0xDE, 0xDF])
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def pack(leaves: Sequence[Any], type: Type) -> bytes:
    return msgspec.msgpack.encode(_packed(data_from(leaves, type)))


def unpack(content: bytes, type: Type) -> list[Any]:
    """The leaves of a value of `type`. Raises ValueError for bytes that are none: anybody may have made them."""
    try:
        data = _unpacked(memoryview(content), 0)
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"not a stored value ({error.__class__.__name__})") from None
    if not holds(data, type):
        raise ValueError(f"not a value of type {type}")
    return leaves_from(data, type)


def _packed(data: Any) -> Any:
    match data:
        case bool() | str() | bytes() | None:
            return data
        case int():
            return {"int": str(data)}
        case list() | tuple():
            return [_packed(d) for d in data]
        case _:
            return {"text": str(data)}


def _unpacked(content: memoryview, depth: int) -> Any:
    first = content[0] if content else None
    if first in _MAPS:
        data = _MAP.decode(content)
        return int(data["int"]) if "int" in data else data["text"]
    if first not in _LISTS:
        return msgspec.msgpack.decode(content)
    if depth == _DEEPEST:
        raise ValueError("nested too deeply")
    return [_unpacked(memoryview(part), depth + 1) for part in _LIST.decode(content)]


def holds(data: Any, type: Type) -> bool:
    """Whether `data`, as it was decoded, is of `type`, and inside of what that holds."""
    match type:
        case BoolT():
            return isinstance(data, bool)
        case IntT(low=low, high=high) | FixedT(low=low, high=high):
            return _is_int(data) and bool(low <= data <= high)
        case EnumT(members=members):
            return _is_int(data) and bool(0 <= data < len(members))
        case StringT(max=most):
            return isinstance(data, str) and (most is None or len(data.encode(errors="surrogatepass")) <= most)
        case BytesT(max=most):
            return isinstance(data, bytes) and (most is None or len(data) <= most)
        case BytesNT(size=size):
            return isinstance(data, bytes) and len(data) == size
        case AddressT() | ContractT():
            return isinstance(data, str) and _ADDRESS.fullmatch(data) is not None
        case ListT(element=element, max=most):
            return isinstance(data, list) and (most is None or len(data) <= most) and all(
                holds(d, element) for d in data)
        case ArrayT(dims=dims):
            return isinstance(data, list) and len(data) == dims[0] and all(holds(d, inner_type(type)) for d in data)
        case StructT(fields=fields):
            return _row(data, [field.type for field in fields])
        case TupleT(items=items):
            return _row(data, items)
        case _:
            return False


def _row(data: Any, types: Sequence[Type]) -> bool:
    return isinstance(data, list) and len(data) == len(types) and all(map(holds, data, types))


def _is_int(data: Any) -> bool:
    return isinstance(data, int) and not isinstance(data, bool)
