"""The types of the language (language.md §3), as frozen values compared by content."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Label(StrEnum):
    """The secrecy lattice: PUBLIC may flow into PRIVATE, never the other way but through `reveal`."""

    PUBLIC = "public"
    PRIVATE = "private"

    def with_(self, other: "Label") -> "Label":
        """The least label above both."""
        return Label.PRIVATE if Label.PRIVATE in (self, other) else Label.PUBLIC


@dataclass(frozen=True, slots=True)
class BoolT:
    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True, slots=True)
class IntT:
    """`int8…int256`, `uint8…uint256`."""

    signed: bool
    bits: int

    @property
    def low(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    def __str__(self) -> str:
        return f"{'int' if self.signed else 'uint'}{self.bits}"


@dataclass(frozen=True, slots=True)
class FixedT:
    """Signed fixed point: a raw integer v stands for v / 2^fraction; `integer` bits hold the whole part and sign."""

    integer: int = 16
    fraction: int = 16

    @property
    def low(self) -> int:
        """Least raw value."""
        return -(1 << (self.integer + self.fraction - 1))

    @property
    def high(self) -> int:
        """Greatest raw value."""
        return (1 << (self.integer + self.fraction - 1)) - 1

    def __str__(self) -> str:
        return "fixed" if (self.integer, self.fraction) == (16, 16) else f"fixed[{self.integer}, {self.fraction}]"


def fraction(element: object) -> int:
    """How many bits of the raw integer stand behind the point: none in any type but `fixed`."""
    return element.fraction if isinstance(element, FixedT) else 0


@dataclass(frozen=True, slots=True)
class AddressT:
    """An account's address; the value is its 0x-hex text in lower case."""

    def __str__(self) -> str:
        return "address"


@dataclass(frozen=True, slots=True)
class BytesNT:
    """`bytes4`, `bytes32`."""

    size: int

    def __str__(self) -> str:
        return f"bytes{self.size}"


@dataclass(frozen=True, slots=True)
class BytesT:
    max: int | None

    def __str__(self) -> str:
        return f"bytes[{self.max}]" if self.max is not None else "bytes"


@dataclass(frozen=True, slots=True)
class StringT:
    max: int | None  # None: a literal or local of any length

    def __str__(self) -> str:
        return f"string[{self.max}]" if self.max is not None else "string"


@dataclass(frozen=True, slots=True)
class EnumT:
    """Values are member numbers from 0."""

    name: str
    members: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ArrayT:
    """`T[n]`, `T[n, m]`: fixed dims."""

    element: "Type"
    dims: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.element}[{', '.join(map(str, self.dims))}]"


@dataclass(frozen=True, slots=True)
class ListT:
    """`list[T, max]`: a public length up to max (None: a local without a declared bound)."""

    element: "Type"
    max: int | None

    def __str__(self) -> str:
        return f"list[{self.element}, {self.max}]" if self.max is not None else f"list[{self.element}]"


@dataclass(frozen=True, slots=True)
class MapT:
    key: "Type"
    value: "Type"

    def __str__(self) -> str:
        return f"map[{self.key}, {self.value}]"


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: "Type"
    private: bool = False


@dataclass(frozen=True, slots=True)
class StructT:
    name: str
    fields: tuple[Field, ...]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class TupleT:
    items: tuple["Type", ...]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.items))})"


@dataclass(frozen=True, slots=True)
class NoneT:
    def __str__(self) -> str:
        return "None"


@dataclass(frozen=True, slots=True)
class AnyT:
    """A public value whose type is only known at run time, such as `L[k]` with no annotation."""

    def __str__(self) -> str:
        return "any"


@dataclass(frozen=True, slots=True)
class IdentityT:
    """A key of the keystore or a shared identity; converts to `address`."""

    def __str__(self) -> str:
        return "identity"


@dataclass(frozen=True, slots=True)
class PredicateT:
    def __str__(self) -> str:
        return "predicate"


@dataclass(frozen=True, slots=True)
class ContractT:
    """A deployed contract of this program (`deploy Name(…)`), or an interface to a foreign one."""

    name: str
    interface: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class JobT:
    """What `submit` gives; `await` gives its result."""

    result: "Type"

    def __str__(self) -> str:
        return f"job[{self.result}]"


@dataclass(frozen=True, slots=True)
class ErrorT:
    """Stands for an expression already reported; accepted everywhere so that one mistake is said once."""

    def __str__(self) -> str:
        return "?"


Type: TypeAlias = (
    BoolT | IntT | FixedT | AddressT | BytesNT | BytesT | StringT | EnumT | ArrayT | ListT | MapT | StructT | TupleT
    | NoneT | AnyT | IdentityT | PredicateT | ContractT | JobT | ErrorT
)

BOOL = BoolT()
FIXED = FixedT()
ADDRESS = AddressT()
NONE = NoneT()
ANY = AnyT()
ERROR = ErrorT()
UINT256 = IntT(False, 256)
INT256 = IntT(True, 256)
