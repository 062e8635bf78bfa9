"""The nodes of a committee as who serves its jobs sees them: asked as one, and what they hand over with a job."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from enigmalang.chain import development
from enigmalang.chain.digests import Signature
from enigmalang.chain.hub import Hub
from enigmalang.chain.memory import FUNDS
from enigmalang.ethereum.keys import SigningKey
from enigmalang.wire import messages as msg

#: Seconds that a consent to form a committee is good for.
CONSENT_SECONDS = 3600
#: Wei for a node's transactions, beside its deposit, where nobody gives money away.
GAS_MONEY = 10**17
#: Jobs whose private results are kept for who asked for them.
KEPT_OUTCOMES = 4096
#: Seconds between two looks at the chain.
PAUSE = 0.1


def never() -> str:
    """Nodes are waited for as long as they take."""
    return ""


class Asked(Protocol):
    """The nodes of a committee, asked as one."""

    @property
    def term(self) -> int:
        """Since when they can be asked without a break: a number that grows; 0 while they cannot be asked."""
        ...

    def ask(self, make: Callable[[int], msg.Message], kind: type[msg.M], enough: Callable[[], str] = never
            ) -> dict[int, msg.M]:
        """What each node replies to the message that `make` makes for a request's number. Raises EngineError when one
        of them fails: then nothing is asked of them again in this term. `enough` is asked now and then why they are not
        waited for any longer (empty: they are), where another term may follow."""
        ...


class Outcomes(Protocol):
    """What nodes handed over with the jobs that ended, for who asks for it."""

    def get(self, job: int) -> "Outcome | None": ...

    def put(self, job: int, outcome: "Outcome") -> None:
        """Keep it, before the chain is told. Raises EngineError when that cannot be done now."""
        ...


@dataclass(frozen=True, slots=True)
class Team:
    """A committee of the hub, and its nodes: members in the order of the nodes' numbers."""

    nodes: Asked
    number: int
    members: tuple[str, ...]
    threshold: int


@dataclass(slots=True)
class Outcome:
    """What the nodes handed over with a job: pieces by node, and the text of a failure."""

    error: str = ""
    replies: dict[int, msg.Executed] = field(default_factory=dict)


class KeptOutcomes:
    """`Outcomes` in memory, the last ones."""

    def __init__(self) -> None:
        self._kept: dict[int, Outcome] = {}

    def get(self, job: int) -> Outcome | None:
        return self._kept.get(job)

    def put(self, job: int, outcome: Outcome) -> None:
        self._kept[job] = outcome
        if len(self._kept) > KEPT_OUTCOMES:
            del self._kept[min(self._kept)]


@dataclass(frozen=True, slots=True)
class Manner:
    """How an operator goes about it. `start`: the block from which on jobs are looked for (None: what comes from now
    on). `refusals`: how often nodes may refuse a job before that is believed: who sees the chain through another window
    may be a little behind. `late`: seconds that others have to end a job that is overdue. `pause`: between two looks.
    `patience`: until a job of a vault fails whose order nobody has handed over.
    """

    start: int | None = None
    refusals: int = 1
    late: float = 0.0
    pause: float = PAUSE
    patience: float = 10.0


class Unformed(Asked, Protocol):
    """Nodes that are no committee yet."""

    @property
    def t(self) -> int: ...


def form_team(cluster: Unformed, hub: Hub, key: SigningKey, url: str, endpoint: str) -> Team:
    """Make the nodes of `cluster` a committee of `hub`: they make keys, get money from `key` (on a development chain
    from nowhere), register, and agree. Raises EngineError and ChainError.
    """
    deposit = hub.minimum_deposit()
    replies = cluster.ask(lambda n: msg.Enlist(n, url, hub.address, "0", endpoint), msg.Signer)
    members = [replies[node].address for node in sorted(replies)]
    for member in members:
        if hub.chain.development:
            development.fund(hub.chain, member, FUNDS)
        else:
            hub.chain.send(key, member, b"", deposit + GAS_MONEY)
    cluster.ask(lambda n: msg.Enlist(n, url, hub.address, str(deposit), endpoint), msg.Signer)
    salt, until = secrets.token_bytes(32), hub.chain.block().time + CONSENT_SECONDS
    signed = cluster.ask(lambda n: msg.Consent(n, members, cluster.t, salt, until), msg.Signed)
    signatures = [as_signature(signed[node].signature) for node in sorted(signed)]
    number = hub.form(key, members, cluster.t, salt, until, signatures)
    return Team(cluster, number, tuple(members), cluster.t)


def as_signature(data: bytes) -> Signature:
    """r, s and v; what is too short verifies nowhere."""
    return Signature(data[:32].rjust(32, b"\0"), data[32:64].rjust(32, b"\0"), data[64] if len(data) == 65 else 0)
