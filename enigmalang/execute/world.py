"""Everything around an execution: the plan, the ports, and who acts."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from enigmalang.diagnostics import Diagnostic, EnigmaError
from enigmalang.execute.domain import ClearDomain, Domain
from enigmalang.execute.ports import Chain, Engine, Identities, Identity, Ledger, Predicate, Store
from enigmalang.execute.secret import Secret
from enigmalang.execute.trace import Tracer
from enigmalang.execute.traced import TracedDomain
from enigmalang.ir.ir import Region
from enigmalang.plan.plan import Plan
from enigmalang.source import Span
from enigmalang.types.types import Type

#: Who acts where the program does not say.
NOBODY_NAMED = "me"


class InputReader(Protocol):
    """Gives `input(NAME)`: Python data as `execute.values.leaves_from` takes it."""

    def read(self, name: str, type: Type, span: Span) -> Any: ...


class NoInputs:
    """For programs run without inputs."""

    def read(self, name: str, type: Type, span: Span) -> Any:
        raise EnigmaError(Diagnostic("E0603", f"the input {name!r} was not given", span))


@dataclass(slots=True)
class Held:
    """An entry of `MPC`: private leaves, who dealt them, and who may compute with them."""

    leaves: tuple[Secret, ...]
    owner: str
    predicate: Predicate | None  # None: the chain has it
    type: Type


class Entries(Protocol):
    """`MPC` where it outlives the program: at the nodes of a network, which ask the chain who may. All methods raise
    EngineError, with E0510 when the nodes refuse; LedgerError when a transaction is refused; StoreError for an entry
    that is there and cannot be used."""

    def has(self, key: Any) -> bool: ...

    def find(self, key: Any) -> Held | None:
        """The entry as it is now; None if there is none."""
        ...

    def write(self, writer: Identity, key: Any, secrets: Sequence[Secret], type: Type, rule: bytes) -> None:
        """`secrets` are the entry from now on, and belong to `writer`; or, when this raises, all is as it was. `rule`:
        what the chain calls the predicate."""
        ...

    def raw(self) -> AbstractContextManager[None]:
        """Meanwhile what is sealed is entries as they are: read, not computed with."""
        ...


@dataclass(eq=False)
class World:
    """One run's surroundings. `engine` None: the clear engine. `node.local.local_world` wires in-memory twins."""

    plan: Plan
    ledger: Ledger
    store: Store
    identities: Identities
    engine: Engine | None = None
    inputs: InputReader = field(default_factory=NoInputs)
    out: Callable[[str], Any] = sys.stdout.write  # gets each printed text with its end of line
    on_learn: Callable[[str, str], None] | None = None  # (name, text) of a `reveal(e, to=name)` to a local identity
    watch: Callable[[Any], None] | None = None  # gets each circuit before it runs
    chain: Chain | None = None  # the same as `ledger`, where that runs contracts itself
    tracer: Tracer | None = None  # shared between worlds that use one engine, so that handles never meet
    entries: Entries | None = None  # `MPC`, where it is not kept in `held`
    domain: Domain = field(init=False)
    acting: list[Identity] = field(default_factory=list)
    held: dict[Any, Held] = field(default_factory=dict)  # `MPC`
    queue: list[Any] = field(default_factory=list)  # submitted jobs that have not run
    submitted: list[Any] = field(default_factory=list)  # all submitted jobs
    steps: dict[Region, list[Any]] = field(default_factory=dict)  # what the interpreter worked out, by region
    repeats: dict[Any, Any] = field(default_factory=dict)  # what `repeats` worked out, by loop
    loops: dict[Any, Any] = field(default_factory=dict)  # loops it has traced whole, by what they depend on

    def __post_init__(self) -> None:
        if self.engine is None:
            self.domain = ClearDomain(field=self.plan.field)
            return
        self.tracer = self.tracer or Tracer(self.engine, self.watch)
        self.domain = TracedDomain(self.tracer)

    @property
    def actor(self) -> Identity:
        return self.acting[-1] if self.acting else self.identities.get(NOBODY_NAMED)

    @property
    def signers(self) -> frozenset[str]:
        """All identities of the `as` blocks around, or the one that acts unnamed."""
        return frozenset(i.address for i in self.acting) or frozenset((self.actor.address,))

    @contextmanager
    def acting_as(self, identity: Identity) -> Iterator[None]:
        self.acting.append(identity)
        try:
            yield
        finally:
            self.acting.pop()

    def learn(self, address: str, text: str) -> None:
        """Tell the user what a local identity learnt."""
        identity = self.identities.at(address)
        if identity is None:
            return
        if self.on_learn is not None:
            self.on_learn(identity.name, text)
        else:
            self.out(f"{identity.name} learns {text}\n")
