"""Types of the generated Vyper source, and how the language's types become them.

A leaf is held in the narrowest Vyper type that checks as the language does: integers as they are, enums as uint8, and
`fixed` as the raw integer, in `intN` where its bits are a multiple of 8. The ABI has `fixed` as int256 always.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.ir.ir import Tensor
from enigmalang.ir.leaves import leaves_of
from enigmalang.source import Span
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
    Type,
)


class NoVyperType(Exception):
    """The type has no bound, or no place on the chain; the text says which."""


@dataclass(frozen=True, slots=True)
class VInt:
    signed: bool
    bits: int

    def __str__(self) -> str:
        return f"{'int' if self.signed else 'uint'}{self.bits}"

    @property
    def low(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    def holds(self, other: "VInt") -> bool:
        return self.low <= other.low and other.high <= self.high


@dataclass(frozen=True, slots=True)
class VName:
    """`bool`, `address`, `bytes4`, or a struct."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class VText:
    """`String[max]` or `Bytes[max]`."""

    kind: str
    max: int

    def __str__(self) -> str:
        return f"{self.kind}[{max(1, self.max)}]"


@dataclass(frozen=True, slots=True)
class VStatic:
    element: "VType"
    size: int

    def __str__(self) -> str:
        return f"{self.element}[{self.size}]"


@dataclass(frozen=True, slots=True)
class VDyn:
    element: "VType"
    max: int

    def __str__(self) -> str:
        return f"DynArray[{self.element}, {max(1, self.max)}]"


VType: TypeAlias = VInt | VName | VText | VStatic | VDyn

BOOL = VName("bool")
ADDRESS = VName("address")
UINT256 = VInt(False, 256)
INT256 = VInt(True, 256)
UINT8 = VInt(False, 8)
BYTES32 = VName("bytes32")


def scalar_type(element: Any, abi: bool = False) -> VType:
    """The Vyper type of a scalar. Raises NoVyperType for a text without a bound."""
    match element:
        case BoolT():
            return BOOL
        case IntT(signed=signed, bits=bits):
            return VInt(signed, bits)
        case FixedT(integer=i, fraction=f):
            return VInt(True, i + f) if (i + f) % 8 == 0 and not abi else INT256
        case EnumT():
            return UINT8
        case AddressT() | ContractT():
            return ADDRESS
        case BytesNT(size=size):
            return VName(f"bytes{size}")
        case BytesT(max=most) | StringT(max=most):
            if most is None:
                raise NoVyperType(f"a {element} without a greatest length")
            return VText("String" if isinstance(element, StringT) else "Bytes", most)
        case _:
            raise NoVyperType(f"a value of type {element}")


def tensor_type(element: VType, lens: Sequence[int | None], exact: Sequence[bool]) -> VType:
    """`element` with axes, the outermost first."""
    made = element
    for size, fixed in zip(reversed(lens), reversed(exact), strict=True):
        if size is None:
            raise NoVyperType("a list without a greatest length")
        made = VStatic(made, size) if fixed and size else VDyn(made, size)
    return made


def leaf_type(leaf: Any) -> VType:
    """The type that a leaf (or a slot) is held in."""
    if not isinstance(leaf.type, Tensor):
        return scalar_type(leaf.type.type)
    return tensor_type(scalar_type(leaf.type.element), leaf.lens, leaf.exact)


def abi_type(type: Type) -> VType:
    """The type that outsiders see; a struct by its name."""
    match type:
        case StructT(name=name):
            return VName(name)
        case ArrayT(element=element, dims=dims):
            return tensor_type(abi_type(element), dims, (True,) * len(dims))
        case ListT(element=element, max=most):
            return tensor_type(abi_type(element), (most,), (False,))
        case _:
            return scalar_type(type, abi=True)


def typed(type: Type, span: Span) -> VType:
    """`abi_type` of what is written at `span`. Raises Unsupported (E0802)."""
    try:
        return abi_type(type)
    except NoVyperType as problem:
        raise Unsupported("E0802", f"{problem} cannot live on the chain", span,
                          "declare it with a size (`list[T, max]`, `string[max]`)") from None


def structs_in(type: Type) -> list[StructT]:
    """Structs that `type` mentions, inner ones first."""
    match type:
        case StructT(fields=fields):
            return [s for f in fields for s in structs_in(f.type)] + [type]
        case ArrayT(element=element) | ListT(element=element):
            return structs_in(element)
        case _:
            return []


def element_at(type: VType, depth: int = 1) -> VType:
    """The type of a row, `depth` axes down."""
    for _ in range(depth):
        assert isinstance(type, VStatic | VDyn)
        type = type.element
    return type


def innermost(type: VType) -> VType:
    while isinstance(type, VStatic | VDyn):
        type = type.element
    return type


def with_innermost(type: VType, element: VType) -> VType:
    match type:
        case VStatic(element=inner, size=size):
            return VStatic(with_innermost(inner, element), size)
        case VDyn(element=inner, max=most):
            return VDyn(with_innermost(inner, element), most)
        case _:
            return element


def bound_of(type: VType) -> int:
    """The greatest number of rows."""
    assert isinstance(type, VStatic | VDyn)
    return type.size if isinstance(type, VStatic) else type.max


def join_types(a: VType, b: VType) -> VType:
    """A type that both kinds of values can be copied into."""
    match a, b:
        case VInt(), VInt():
            if a.holds(b) or b.holds(a):
                return a if a.holds(b) else b
            signed, unsigned = (a, b) if a.signed else (b, a)
            return VInt(True, min(256, max(signed.bits, unsigned.bits + 8)))
        case VText(), VText():
            return VText(a.kind, max(a.max, b.max))
        case VStatic(size=m), VStatic(size=n) if m == n:
            return VStatic(join_types(a.element, b.element), m)
        case (VStatic() | VDyn()), (VStatic() | VDyn()):
            return VDyn(join_types(a.element, b.element), max(bound_of(a), bound_of(b)))
        case _:
            return a


def leaves_types(type: Type) -> list[VType]:
    return [leaf_type(leaf) for leaf in leaves_of(type)]
