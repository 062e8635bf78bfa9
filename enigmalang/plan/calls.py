"""What the interpreter and a ledger that runs contracts say to each other."""

from dataclasses import dataclass
from typing import Any, Protocol

from enigmalang.plan.plan import PlanFunction

Key = tuple[Any, ...]
#: Whom a job's payment comes from when its outcome is tried: it left its requester when the job was requested.
ESCROW = "escrow"


class Signer(Protocol):
    """Who sends transactions."""

    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...


@dataclass(frozen=True, slots=True)
class LedgerCall:
    """A call as a chain sees it: `args` are the leaves of all parameters, None where private; `shapes` are those of the
    private ones, whose list lengths are public.
    """

    address: str
    contract: str
    function: PlanFunction
    sender: Signer
    value: int  # wei
    args: Key
    shapes: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Attested:
    """What nodes sign for a job: opened values as words, the private state it wrote (address, slot, keys), the work."""

    words: tuple[int, ...]
    written: tuple[Key, ...]
    rounds: int
    products: int
    additions: int


class WrongSide(Exception):
    """A port was asked for what only the other side does: a client masks and opens, a node computes, a chain deploys by
    `create`. One interpreter runs on all of them, so no type says it; it is a bug, never what a user did."""


class LedgerError(Exception):
    """The chain refused a transaction: `text` for the user; `stale`: the state moved on since it was read."""

    def __init__(self, text: str, stale: bool = False) -> None:
        super().__init__(text)
        self.text, self.stale = text, stale
