"""Everything around an execution: the plan, the ports, and who acts."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    predicate: Predicate
    type: Type


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
