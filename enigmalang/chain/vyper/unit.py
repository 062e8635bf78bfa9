"""One contract under generation: what its parts share."""

from dataclasses import dataclass, field

from enigmalang.ir.ir import Contract
from enigmalang.plan.plan import Plan, PlanFunction


@dataclass(slots=True, eq=False)
class Unit:
    """`helpers`: internal functions that some statement asked for, by name, with their text."""

    plan: Plan
    contract: Contract
    functions: tuple[PlanFunction, ...]
    tracked: frozenset[str] = frozenset()  # map slots of which it is kept which keys were written
    getters: frozenset[str] = frozenset()  # slots whose storage has another name than their getter
    helpers: dict[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()

    def storage(self, slot: str) -> str:
        """The storage variable of a slot."""
        name = slot.replace(".", "_")
        return f"self._{name}" if slot in self.getters else f"self.{name}"

    def helper(self, name: str, text: str) -> str:
        """Ask for an internal function; gives how it is called."""
        self.helpers.setdefault(name, text)
        return f"self.{name}"
