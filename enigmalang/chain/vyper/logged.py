"""What `L` holds, as the type that a contract asks for: the kind that was written with it must be that type, or, of
integers and texts, one of another size (`execute/stored.py` says the same for what is read off the chain).
"""

from enigmalang.chain.vyper.types import VDyn, VStatic, VText, VType
from enigmalang.chain.vyper.unit import Unit
from enigmalang.types.types import BytesT, IntT, StringT, Type

#: What a contract says about a value that is not of the type it asks for.
OTHER = "a value of another type"
_WORD = 32
_ARGUMENTS = "kind: String[64], content: Bytes[4096]"


def encoded_most(type: VType) -> int:
    """Bytes that a value has at most when it is abi-encoded among others."""
    return _most(type) + (_WORD if _is_dynamic(type) else 0)


def _most(type: VType) -> int:
    match type:
        case VText(max=most):
            return _WORD + -(-most // _WORD) * _WORD
        case VDyn(element=element, max=most):
            return _WORD + most * encoded_most(element)
        case VStatic(element=element, size=size):
            return size * encoded_most(element)
        case _:
            return _WORD


def _is_dynamic(type: VType) -> bool:
    return isinstance(type, VText | VDyn) or (isinstance(type, VStatic) and _is_dynamic(type.element))


def logged(unit: Unit, type: Type, entry: str) -> str | None:
    """The value of `entry` as the scalar `type`, when it may have been written as another; None for all other types."""
    match type:
        case IntT(signed=signed, bits=bits):
            called = f"{_integer(unit, signed)}({entry}.kind, {entry}.value)"
            return called if bits == 256 else f"convert({called}, {type})"
        case StringT(max=most) | BytesT(max=most) if most is not None:
            return f"{_text(unit, type, max(1, most))}({entry}.kind, {entry}.value)"
        case _:
            return None


def _integer(unit: Unit, signed: bool) -> str:
    _digits(unit)
    own, other = ("int", "uint") if signed else ("uint", "int")
    return unit.helper(f"_logged_{own}", f'''
@pure
def _logged_{own}({_ARGUMENTS}) -> {own}256:
    if slice(kind, 0, {len(own)}) == "{own}" and self._digits(kind, {len(own)}, len(kind)):
        return abi_decode(content, {own}256)
    assert slice(kind, 0, {len(other)}) == "{other}" and self._digits(kind, {len(other)}, len(kind)), "{OTHER}"
    return convert(abi_decode(content, {other}256), {own}256)
''')


def _text(unit: Unit, type: StringT | BytesT, most: int) -> str:
    _digits(unit)
    plain = "string" if isinstance(type, StringT) else "bytes"
    made, size = f"{plain.capitalize()}[{most}]", len(plain) + 1
    return unit.helper(f"_logged_{plain}_{most}", f'''
@pure
def _logged_{plain}_{most}({_ARGUMENTS}) -> {made}:
    if kind != "{plain}":
        assert slice(kind, 0, {size}) == "{plain}[" and self._digits(kind, {size}, len(kind) - 1), "{OTHER}"
    return abi_decode(content, {made})
''')


def _digits(unit: Unit) -> None:
    unit.helper("_digits", '''
@pure
def _digits(text: String[64], start: uint256, end: uint256) -> bool:
    data: Bytes[64] = convert(text, Bytes[64])
    for i: uint256 in range(start, end, bound=64):
        digit: uint8 = convert(convert(slice(data, i, 1), bytes1), uint8)
        if digit < 48 or digit > 57:
            return False
    return end > start
''')
