"""Contracts and values of a chain for people and for JSON."""

from typing import TYPE_CHECKING, Any

from enigmalang.execute.values import inner_type, show_fixed
from enigmalang.types.types import (
    ArrayT,
    BoolT,
    BytesNT,
    BytesT,
    EnumT,
    FixedT,
    IntT,
    ListT,
    MapT,
    NoneT,
    StructT,
    TupleT,
    Type,
)

if TYPE_CHECKING:
    from enigmalang.node.remote import Remote


def as_json_data(data: Any, type: Type) -> Any:
    """Python data of a language type as JSON: `fixed` as the text of its decimal, bytes as 0x-hex, enums by name."""
    match type:
        case NoneT():
            return None
        case BoolT():
            return bool(data)
        case IntT():
            return int(data)
        case FixedT(fraction=fraction):
            return show_fixed(int(data), fraction)
        case EnumT(members=members):
            return members[data]
        case BytesNT() | BytesT():
            return f"0x{bytes(data).hex()}"
        case StructT(fields=fields):
            return {f.name: as_json_data(d, f.type) for f, d in zip(fields, data, strict=True)}
        case TupleT(items=items):
            return [as_json_data(d, t) for d, t in zip(data, items, strict=True)]
        case ArrayT() | ListT():
            return [as_json_data(d, inner_type(type)) for d in data]
        case _:
            return str(getattr(data, "address", data))


def map_keys(type: Type) -> tuple[list[Type], Type]:
    """The types of a map's keys, from the outside in, and of what is under them."""
    keys = []
    while isinstance(type, MapT):
        keys.append(type.key)
        type = type.value
    return keys, type


def names_of(remote: "Remote") -> list[str]:
    """What can be called or read."""
    contract = remote.plan.contracts[remote.name]
    functions = [name.rpartition(".")[2] for name in contract.functions
                 if name in remote.plan.functions and remote.plan.functions[name].public.kind in ("external", "view")]
    return functions + [name for name, (_, private) in contract.state.items() if not private]
