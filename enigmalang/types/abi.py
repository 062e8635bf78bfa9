"""Names of the language's types as outsiders of the chain see them: what selectors are made of."""

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
    NoneT,
    StringT,
    StructT,
    TupleT,
    Type,
)


class NoAbiType(TypeError):
    """A type that has no form outside of the language."""


def abi_name(type: Type) -> str:
    """The canonical ABI name: what selectors are made of, and what `eth_abi` takes."""
    match type:
        case BoolT():
            return "bool"
        case IntT():
            return str(type)
        case FixedT():
            return "int256"
        case EnumT():
            return "uint8"
        case AddressT() | ContractT():
            return "address"
        case BytesNT(size=size):
            return f"bytes{size}"
        case BytesT():
            return "bytes"
        case StringT():
            return "string"
        case NoneT():
            return ""
        case ArrayT(element=element, dims=dims):
            return abi_name(element) + "".join(f"[{n}]" for n in reversed(dims))
        case ListT(element=element):
            return f"{abi_name(element)}[]"
        case StructT(fields=fields):
            return f"({','.join(abi_name(f.type) for f in fields)})"
        case TupleT(items=items):
            return f"({','.join(map(abi_name, items))})"
        case _:
            raise NoAbiType(f"a value of type {type} has no form in the ABI")


def abi_names(type: Type) -> list[str]:
    """The ABI names of a result: several of a tuple, none of nothing."""
    match type:
        case NoneT():
            return []
        case TupleT(items=items):
            return [abi_name(t) for t in items]
        case _:
            return [abi_name(type)]
