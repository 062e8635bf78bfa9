"""What the front hands to lowering: one resolved program, and tables beside the tree.

Names and types of a function without parameter types depend on the call, so tables are kept per *instance*:
a function together with the types of its arguments.

What lowering reads (it defends itself where an entry is missing, but these are the facts it wants):
- `Symbol.value` of EVENT and ERROR: `((field name, Type), ...)` in order. INTERFACE: `{function: (param types,
  result)}`.
- `Instance.types` has every expression, and also: `VarDecl` -> the declared or inferred type, `AugAssign` -> the type
  of the binary operation before it is stored. `wrap(x)`, `clamp(x)`, `input(..)`, `L[k]`, `[]`, literals: the type
  that the context wants.
- `Instance.builtins[call]`: "len", "sum", ... also for methods; a conversion such as `uint32(x)`, `address(x)`:
  "convert" (its target is `types[call]`); `Point(1, 2)`: no builtin, `names[call.function]` is the STRUCT symbol.
- `Instance.calls[call]`: user functions, own methods, user predicates, and for `map(f, xs)`/`filter(f, xs)` the
  instance of `f`. A deployed contract's `c.f(…)`, `deploy C(…)`: the instance of `f` / of `init` too.
- `Instance.constants`: tuple indices, `while … max N`, bounds of `in low..high` (key: the bound's node), sizes, and
  every expression known at compile time that is cheap to know; parameter defaults in the callee's own tables.
- variables are keyed by name in `variables` and `private_locals`; comprehension targets are variables too (a target
  that has the name of another variable of a different type is left out: its type is that of what is iterated).

What the checker guarantees when it reported no error:
- Every expression of the body has an entry in `types`, also operands of constants, after literals have taken the type
  their context wants. No entry of a finished instance is `ErrorT`, but for the element of a `[]` nothing is ever put
  into.
- Only expressions that are values have one: the `Name` of a function, contract, struct, module, type or builtin being
  called has none, nor has a type written as an argument (`input("pay", list[uint32, 10])`, `array(uint8, 3)`).
- A value's type may differ from the type of the place it goes to (variable, parameter, result, state, field, element,
  operand's partner). The implied conversions are: integer to integer of any width; fixed to fixed of any format;
  array to list; list to list of another bound; string to string, bytes to bytes of another bound; identity or
  contract reference to address; `any` to anything; and the same for the items of tuples and the elements of lists.
  Nothing else: in particular an integer literal next to a `fixed` already has the type `fixed` (its constant is the
  raw number).
- `constants` wins: where a node has a constant, its value is that and its operands need not be looked at. Values: int
  (FIXED: raw by the node's own type; ENUM: member number), bool, str, bytes, address as 0x text in lower case; tuples
  of these for list constants (`const PRICES = [1, 2]`), which have an entry at each use of the name.
- Operators: arithmetic has the smallest type holding both operand types (see DECISIONS), not of the result;
  comparisons are exact across widths; `==`/`!=` also compare lists, arrays, tuples and structs (equal lengths and
  equal leaves); `+` on lists and strings concatenates; `&`, `|`, `~` on bools are logical and on predicates build
  predicates.
- Every read of a variable comes after an assignment on each path to it, or after a declaration without a value (`x:
  uint32[10]`), which is the type's zero.
- A parameter without a type that is assigned to may be wider in `variables` than in `param_types`.
- Members: `self.x` of own state is kind "state" with the STATE symbol and no foreign receiver (`node.value` is the
  name `self`, which has no type then); `c.x` from outside is kind "state" with a receiver of ContractT. `self.f(…)`
  is "internal". `m.f` of a module is "module" with the symbol meant. `self.balance` is "context".
- `expect revert SomeError:` has the error's name as a constant of its message node.
- In tests an undeclared identity is a Symbol of kind IDENTITY and its Name has the type IdentityT, wherever it
  stands.
- `decided[if]` is True or False where `__is_fixed` decides an `If` or `IfExpr`: the other side has no entries at all.
- Payments: `c.f(a, value=5)` keeps the keyword `value`, which is then no parameter of f (its type is uint256).
- `submit f(…)` and `await` of a module-level def are accepted: the job of a plain function is done at once.
- The type of `MPC.table("a")` alone is `any`; it occurs only below an Index or a method of the table.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.ranges import Range
from enigmalang.types.types import (
    EnumT,
    FixedT,
    IntT,
    StructT,
    Type,
)


class Kind(StrEnum):
    """What a name stands for."""

    LOCAL = "local"
    PARAM = "param"
    CONST = "const"
    FUNCTION = "function"  # module-level def
    METHOD = "method"  # a function of a contract (own: internal or external)
    CONTRACT = "contract"
    STATE = "state"
    STRUCT = "struct"
    ENUM = "enum"
    EVENT = "event"
    ERROR = "error"
    INTERFACE = "interface"
    PREDICATE = "predicate"  # user-declared
    MODULE = "module"
    BUILTIN = "builtin"  # functions and values of the language: len, sender, L, owner, uint32 as a conversion
    IDENTITY = "identity"


@dataclass(slots=True, eq=False)
class Symbol:
    """`key` is unique per variable within an instance (two locals of one name in one function are one variable)."""

    kind: Kind
    name: str
    node: ast.Node | None  # where it is declared
    type: Type | None = None  # CONST, STATE, STRUCT, ENUM, ...; locals and params: see Instance.variables
    private: bool = False  # declared private (STATE, PARAM, LOCAL with `private`)
    value: Any = None  # CONST: Python value (int, bool, str, bytes; FIXED: raw int); FUNCTION etc.: the ast node
    module: "ModuleInfo | None" = None  # where it lives; MODULE: the module meant


@dataclass(slots=True, eq=False)
class ModuleInfo:
    """One loaded file and its top-level names."""

    name: str
    tree: ast.Module
    symbols: dict[str, Symbol] = field(default_factory=dict)
    stdlib: bool = False


@dataclass(slots=True, eq=False)
class ContractInfo:
    name: str
    node: ast.ContractDef
    symbols: dict[str, Symbol] = field(default_factory=dict)  # state, events, errors, structs, enums, consts, functions
    functions: dict[str, "Instance"] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Instance:
    """One function (or script, or test) checked for one tuple of argument types.

    `types[node]` is the type of every expression of the body; `names[node]` the symbol of every `Name` (and of
    declarations: `VarDecl`, `For` targets); `calls[node]` the instance a `Call` of a user's function reaches;
    `builtins[node]` the builtin's name for calls of builtins; `members[node]` for an `Attribute`: what it means.
    """

    name: str  # "Salaries.join", "stats.mean(list[uint32, 1000])", "script", "test: …"
    kind: str  # as ir.Function.kind
    node: ast.FunctionDef | ast.PredicateDecl | ast.TestDef | ast.Module
    module: ModuleInfo
    contract: ContractInfo | None
    param_types: tuple[Type, ...]
    result: Type
    result_private: bool = False
    recursive: bool = False
    types: dict[ast.Node, Type] = field(default_factory=dict)
    names: dict[ast.Node, Symbol] = field(default_factory=dict)
    calls: dict[ast.Node, "Instance"] = field(default_factory=dict)
    builtins: dict[ast.Node, str] = field(default_factory=dict)
    members: dict[ast.Node, "Member"] = field(default_factory=dict)
    constants: dict[ast.Node, Any] = field(default_factory=dict)  # expressions known at compile time -> Python value
    variables: dict[str, Type] = field(default_factory=dict)  # locals and params: joined type
    private_locals: set[str] = field(default_factory=set)  # declared with `private`
    decided: dict[ast.Node, bool] = field(default_factory=dict)  # `if`s that types decide
    param_ranges: dict[str, Range] = field(default_factory=dict)  # of `in low..high`
    client: bool = False  # does what only scripts and tests can (print, input, deploy, …), itself or by a call
    writes: bool = False  # changes state, emits, sends or calls out, itself or by a call


@dataclass(frozen=True, slots=True)
class Member:
    """What an attribute or attribute call means.

    kind: "field" (struct), "enum" (member), "module" (symbol of a module), "state" (c.name from outside),
    "method" (c.f(...) of a deployed contract or interface), "list" (append, pop), "db" (get, set, history, table,
    declassify), "block"/"context" (block.number…), "internal" (self.f)
    """

    kind: str
    name: str
    symbol: Symbol | None = None
    index: int = 0  # field or enum member number


@dataclass(frozen=True, slots=True)
class Kept:
    """A variable of an interactive session, which an earlier input gave its value.

    `private` and `declared`: as it was written. For each leaf of `type`, in order: whether it is secret (`labels`), the
    range of its elements if that is known better than by its type (`ranges`), and how long its axes are (`lens`).
    """

    name: str
    type: Type
    private: bool
    declared: bool
    labels: tuple[bool, ...]
    ranges: tuple[Range | None, ...]
    lens: tuple[tuple[int, ...], ...]
    span: Span


@dataclass(slots=True, eq=False)
class Checked:
    """A whole checked program. `kept` is None for a file, and a session's variables for one of its inputs."""

    main: ModuleInfo
    modules: dict[str, ModuleInfo]
    contracts: dict[str, ContractInfo]
    instances: list[Instance]  # everything reachable or declared with types; callees before callers where possible
    script: Instance | None
    tests: tuple[Instance, ...]
    structs: dict[str, StructT] = field(default_factory=dict)
    enums: dict[str, EnumT] = field(default_factory=dict)
    kept: tuple[Kept, ...] | None = None


Number = IntT | FixedT
