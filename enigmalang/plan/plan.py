"""The plan: what the running tower starts from. A contract's functions as two programs, everything else whole."""

import dataclasses
from dataclasses import dataclass, replace
from functools import cached_property

from enigmalang.ir.ir import Contract, Function, Interface, Program
from enigmalang.ir.leaves import Leaf, leaves_of
from enigmalang.types.types import TupleT, Type

SECRET = "!secret"


@dataclass(frozen=True, slots=True)
class PlanFunction:
    """`public` is what the ledger runs (or the whole program of a script, test, predicate or recursive function);
    `secret` what the nodes run, None where nothing is private. Both have all parameters; `public` yields the public
    leaves of the result and `secret` the private ones."""

    public: Function
    secret: Function | None = None

    @property
    def name(self) -> str:
        return self.public.name

    @property
    def result_leaves(self) -> tuple[Leaf, ...]:
        return leaves_of(self.public.result, self.public.result_private)


@dataclass(frozen=True)
class Plan:
    """A compiled file. Two plans are the same exactly when their canonical bytes (`plan.codec`) are."""

    path: str
    field: str  # "M61" | "M127"
    contracts: dict[str, Contract]
    functions: dict[str, PlanFunction] = dataclasses.field(default_factory=dict)
    tests: tuple[str, ...] = ()
    interfaces: dict[str, Interface] = dataclasses.field(default_factory=dict)

    @cached_property
    def bodies(self) -> dict[str, Function]:
        """What `call` reaches: functions kept whole."""
        return {name: f.public for name, f in self.functions.items()}

    @property
    def script(self) -> Function | None:
        for function in self.functions.values():
            if function.public.kind == "script":
                return function.public
        return None

    def program(self) -> Program:
        """All programs of the plan as one IR program; secret ones are called `NAME!secret`."""
        functions: dict[str, Function] = {}
        for name, function in self.functions.items():
            functions[name] = function.public
            if function.secret is not None:
                functions[name + SECRET] = replace(function.secret, name=name + SECRET)
        return Program(self.path, functions, dict(self.contracts), self.tests, dict(self.interfaces))


def part_of_result(function: Function, private: bool) -> Type:
    """The type of what one of the two programs yields."""
    leaves = leaves_of(function.result, function.result_private)
    return TupleT(tuple(leaf.declared for leaf in leaves if leaf.private == private))
