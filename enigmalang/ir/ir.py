"""The typed SSA IR: programs, functions, regions, operations, values.

**Values are arrays.** A value's type is `Tensor(element, rank)` (rank 0: a scalar) with a scalar element type, or
`Opaque(type)` for things the interpreter only passes about (identities, contract references, jobs, predicates, `any`).
Structs and tuples do not exist here: lowering splits every such value into its leaves (a `list[Point]` becomes two
tensors of rank 1). Storage is split the same way: state `accounts: map[address, Account]` becomes the slots
`accounts.balance`, `accounts.name`, each a map of leaves.

**Axes are counted from the end** (-1 is the last), so that adding a batch axis in front changes no attribute.

**Control is structured.** Regions end in one terminator. `yield` gives the region's values to its operation; `break`,
`continue` end the innermost loop's body with the carried values; `leave` ends the innermost `scope` with the scope's
results. Terminators may stand at the end of any nested `if` region (and of an `acting` region). An `if` of which one
region ends in such a terminator has the results that the other region yields. After a `raise` a region yields values
of the right types that nobody sees.

Nominal integer types may differ where values join (yields, carried values, arguments): a result has a type that holds
them all. Other types agree exactly, but for the bounds of strings and bytes.

Each value carries what the analyses found: `label`, `range` (elements; `None`: unbounded or not a number) and `lens`
(greatest length of each axis, `None` where unknown).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from enigmalang.source import Span
from enigmalang.types.ranges import Range
from enigmalang.types.types import (
    AddressT,
    BoolT,
    BytesNT,
    BytesT,
    EnumT,
    FixedT,
    IntT,
    Label,
    StringT,
    Type,
)

Scalar: TypeAlias = BoolT | IntT | FixedT | AddressT | BytesNT | BytesT | StringT | EnumT


@dataclass(frozen=True, slots=True)
class Tensor:
    element: Scalar
    rank: int = 0

    def __str__(self) -> str:
        return f"{self.element}<{self.rank}>" if self.rank else str(self.element)


@dataclass(frozen=True, slots=True)
class Opaque:
    type: Type

    def __str__(self) -> str:
        return f"!{self.type}"


IRType: TypeAlias = Tensor | Opaque


@dataclass(slots=True, eq=False)
class Value:
    """One SSA value. `hint` is the source's name for it, for dumps only."""

    type: IRType
    span: Span
    label: Label = Label.PUBLIC
    range: Range | None = None
    lens: tuple[int | None, ...] = ()
    hint: str = ""

    @property
    def rank(self) -> int:
        """How many axes it has: 0 for a scalar, and for what is opaque."""
        return self.type.rank if isinstance(self.type, Tensor) else 0


@dataclass(slots=True, eq=False)
class Region:
    params: list[Value] = field(default_factory=list)
    ops: list["Operation"] = field(default_factory=list)  # the last one is the terminator


@dataclass(slots=True, eq=False)
class Operation:
    """`op` names a row of `ops.OPS`. `via` lists the call sites that inlining passed through, outermost first."""

    op: str
    operands: tuple[Value, ...]
    results: tuple[Value, ...]
    span: Span
    attrs: dict[str, Any] = field(default_factory=dict)
    regions: tuple[Region, ...] = ()
    via: tuple[Span, ...] = ()

    @property
    def result(self) -> Value:
        (value,) = self.results
        return value


@dataclass(slots=True, eq=False)
class Param:
    """A parameter as the caller sees it: `values` are its leaves, in the order of `leaves_of(type)`."""

    name: str
    type: Type
    private: bool
    values: tuple[Value, ...]
    range: Range | None  # of `in low..high`
    span: Span


@dataclass(slots=True, eq=False)
class Function:
    """A function, script (`kind` "script"), or test. The body ends with `yield` of the result's leaves.

    kind: "script", "test", "external", "view", "init", "internal", "def", "predicate".
    """

    name: str  # unique: "Salaries.join", "stats.mean#2", "script", "test: three people …"
    kind: str
    params: tuple[Param, ...]
    body: Region
    result: Type
    result_private: bool
    span: Span
    contract: str | None = None
    payable: bool = False
    recursive: bool = False
    docstring: str | None = None


@dataclass(frozen=True, slots=True)
class Foreign:
    """A function of another contract, as an interface declares it."""

    params: tuple[tuple[str, Type], ...]
    result: Type
    view: bool
    payable: bool


@dataclass(frozen=True, slots=True)
class Interface:
    """What a program knows of another contract: the `functions` that it calls there."""

    name: str
    functions: dict[str, Foreign]
    span: Span


@dataclass(frozen=True, slots=True)
class Slot:
    """One leaf of contract state. `keys`: types of the map keys passed on the way (empty: no map)."""

    name: str  # "accounts.balance"
    keys: tuple[Scalar, ...]
    type: IRType  # of the leaf below the keys
    lens: tuple[int | None, ...]  # bound of each axis; fixed arrays have exactly these
    exact: tuple[bool, ...]  # axis is a fixed array (default is zeros), not a list (default is empty)
    label: Label
    declared: Type  # the leaf's declared language type, for ranges
    span: Span


@dataclass(slots=True, eq=False)
class Contract:
    name: str
    slots: dict[str, Slot]
    state: dict[str, tuple[Type, bool]]  # declared name -> (type, private), for reading `c.name` from outside
    events: dict[str, tuple[tuple[str, Type], ...]]
    errors: dict[str, tuple[tuple[str, Type], ...]]
    functions: tuple[str, ...]  # keys of Program.functions, in the source's order
    span: Span
    docstring: str | None = None


@dataclass(slots=True, eq=False)
class Program:
    """A whole compiled file. `order` lists what runs from top to bottom ("script" first if there is one)."""

    path: str
    functions: dict[str, Function] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)
    tests: tuple[str, ...] = ()
    interfaces: dict[str, Interface] = field(default_factory=dict)


def operations(region: Region) -> Iterator[Operation]:
    """Every operation of `region` and of the regions within, outer before inner."""
    for operation in region.ops:
        yield operation
        for inner in operation.regions:
            yield from operations(inner)
