"""The plan: what a compiled file is, for whoever runs it. The waist between the compiling and the running tower."""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from enigmalang.ir.ir import Contract, Function, Program


class Part(StrEnum):
    """Which program of a function."""

    WHOLE = "whole"  # scripts, tests, predicates, recursive functions: run where they are called
    LEDGER = "ledger"  # what the chain executes; `attested` stands where the source reveals
    SECRET = "secret"  # what the nodes execute; its public writes are discarded


@dataclass(slots=True, eq=False)
class Plan:
    """`ledger[f]` and `secret[f]` for a contract's functions (no secret program: nothing private in it); `whole[f]`
    for everything else. Field names the field of all circuits, "M61" or "M127"."""

    path: str
    field: str
    contracts: dict[str, Contract] = dataclasses.field(default_factory=dict)
    whole: dict[str, Function] = dataclasses.field(default_factory=dict)
    ledger: dict[str, Function] = dataclasses.field(default_factory=dict)
    secret: dict[str, Function] = dataclasses.field(default_factory=dict)
    tests: tuple[str, ...] = ()

    @property
    def script(self) -> Function | None:
        return self.whole.get("script")

    def program(self, part: Part) -> Program:
        """The functions of one part as an IR program (for the verifier and the text form).

        Its contracts list the functions of that part only.
        """
        functions = {Part.WHOLE: self.whole, Part.LEDGER: self.ledger, Part.SECRET: self.secret}[part]
        contracts = {
            name: dataclasses.replace(c, functions=tuple(f for f in c.functions if f in functions))
            for name, c in self.contracts.items()}
        return Program(self.path, functions, contracts, self.tests if part is Part.WHOLE else ())
