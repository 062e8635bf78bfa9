"""Which contracts of a committee count: anybody can attach anything to one, for the price of a transaction.

What is no contract, or of which nobody could ever compute anything, causes no hand-over and holds no keys back.
"""

from collections.abc import Callable
from time import monotonic

from enigmalang.chain.errors import ChainError, ChainUnreachable
from enigmalang.chain.hub import EMPTY, Attachment, Hub
from enigmalang.node.durable.settling import chain_root
from enigmalang.plan.codec import PlanError

#: Seconds after which what was of no worth is looked at again: a plan may come late.
AGAIN = 60.0
#: Seconds that something must have been of no worth before keys are erased in spite of it.
PATIENCE = 300.0


class Worth:
    """Of the contracts of one committee. One thread uses it at a time."""

    def __init__(self, hub: Hub, known: Callable[[], set[str]], field_of: Callable[[bytes], str]) -> None:
        """`known`: contracts of which there is private state here; `field_of` raises KeyError when nobody has the plan,
        PlanError when it is none."""
        self._hub, self._known, self._field_of = hub, known, field_of
        self._counts: set[str] = set()
        self._since: dict[str, float] = {}
        self._next: dict[str, float] = {}

    def counts(self, contract: str, attached: Attachment, block: int) -> bool:
        """Whether it is one that can be served. Raises ChainError, StateError."""
        now = monotonic()
        if contract in self._counts:
            return True
        if now < self._next.get(contract, 0.0):
            return False
        if self._looked(contract, attached, block):
            self._counts.add(contract)
            return True
        self._since.setdefault(contract, now)
        self._next[contract] = now + AGAIN
        return False

    def ignored(self, contract: str) -> bool:
        """Whether it has been of no worth for so long that no key is kept for it."""
        return contract not in self._counts and monotonic() - self._since.get(contract, monotonic()) >= PATIENCE

    def _looked(self, contract: str, attached: Attachment, block: int) -> bool:
        if not self._hub.chain.code(contract, block):
            return False
        if contract in self._known():
            return True
        try:
            if not attached.settled and chain_root(self._hub, contract, block) != EMPTY:
                return False  # state that no job has made
            self._field_of(attached.plan)
        except ChainUnreachable:
            raise
        except (ChainError, KeyError, PlanError):  # it has no root, or no plan
            return False
        return True
