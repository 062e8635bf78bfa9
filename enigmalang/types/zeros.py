"""The zero of each scalar type."""

from typing import Any

from enigmalang.types.types import AddressT, BoolT, BytesNT, BytesT, EnumT, FixedT, IntT, StringT

ZERO_ADDRESS = "0x" + "00" * 20


def zero_scalar(element: Any) -> Any:
    """What a variable of the scalar type `element` holds before it is written; None for any other type."""
    match element:
        case BoolT():
            return False
        case IntT() | FixedT() | EnumT():
            return 0
        case AddressT():
            return ZERO_ADDRESS
        case BytesNT(size=size):
            return bytes(size)
        case BytesT():
            return b""
        case StringT():
            return ""
        case _:
            return None
