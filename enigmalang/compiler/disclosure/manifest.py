"""The manifest as data: functions, and for each who learns what, from which line, and what it depends on."""

from dataclasses import dataclass, replace
from enum import StrEnum

from enigmalang.source.shipped import STDLIB


class Kind(StrEnum):
    """What is learnt. The order is that of a listing where lines are equal."""

    CALL = "call"  # that something is called, by whom, with which public arguments
    IDENTITY = "identity"  # who someone is, or may do
    LENGTH = "length"
    VALUE = "value"
    RESULT = "result"
    FAILURE = "failure"
    BRANCH = "branch"  # which way control goes
    BOUND = "bound"  # how often a loop runs
    KEY = "key"  # which entry is meant
    STATE = "state"
    RECORD = "record"  # that something is stored off the ledger, and how large it is
    EVENT = "event"
    PAYMENT = "payment"
    OUTPUT = "output"
    SIZE = "size"  # how many shares a computation works on
    OPERAND = "operand"  # a public value of the client that a circuit holds


class Audience:
    """Who learns: these, or the words that name an identity or a predicate."""

    EVERYONE = "everyone"
    OUTPUT = "who sees the output"
    CALLER = "the caller"
    NODES = "the nodes"
    ORDER = (EVERYONE, OUTPUT, CALLER)  # then those who are named, then the nodes


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of source. `file`: "" for the program itself, else the module's file."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        if self.file.startswith(STDLIB):  # its lines are not the reader's, and move with each version
            return self.file
        return f"{self.file} line {self.line}" if self.file else f"line {self.line}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that `audience` learns. `via`: the calls that lead to `at`, outermost first.

    `secrets` are what a value is computed from, `steps` the expressions that compute it, outside of the entry's own
    text; `after` names what was let out before and decides this. `guards` are the public conditions that must have
    held before a value is let out: to weaken one lets more out. `made` is a digest of how the value and the
    guards are computed (`recipe.py`): what the words do not tell.

    What is written, paid or called (`permits`) has its guards too, and a digest of each in `made`: who may do so.
    """

    audience: str
    kind: Kind
    at: Place
    what: str
    via: tuple[Place, ...] = ()
    secrets: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    made: str = ""

    @property
    def line(self) -> int:
        """The line of the program itself that causes it."""
        return next((p.line for p in (*self.via, self.at) if not p.file), self.at.line)

    @property
    def permits(self) -> bool:
        """Whether the guards tell who may bring this about, and not who learns what."""
        return self.kind in (Kind.STATE, Kind.KEY, Kind.PAYMENT, Kind.CALL)

    def widens(self, other: "Entry") -> bool:
        """Whether this, the same as `other` but for the guards, may happen where `other` may not. It is so as soon as
        a guard of the other is gone: that another one follows from those left is not looked for."""
        return not (set(_all(other.guards)) <= set(_all(self.guards))
                    and set(other.made.split()) <= set(self.made.split()))

    @property
    def unguarded(self) -> tuple[object, ...]:
        """What makes it the same whoever may bring it about."""
        return replace(self, guards=(), made="").identity

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes it the same disclosure wherever its lines have gone."""
        texts = (self.at.text, self.what, *(p.text for p in self.via))
        return (self.audience, self.kind, self.at.file, tuple(map(_joined, texts)), _all(self.secrets),
                _all(self.steps), _all(self.after), _all(self.guards), self.made)


def _joined(text: str) -> str:
    """Without white space: how a text is laid out changes nothing."""
    return "".join(text.split())


def _all(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_joined, texts))


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A function: `kind` is "job", "transaction", "view", or "script"."""

    name: str
    signature: str
    kind: str
    line: int
    entries: tuple[Entry, ...]

    @property
    def values(self) -> tuple[Entry, ...]:
        """The values that are computed from secrets and let out."""
        return tuple(e for e in self.entries if e.kind is Kind.VALUE and e.secrets)

    def audiences(self) -> tuple[str, ...]:
        """Who learns something, in the order of a listing."""
        found = {entry.audience for entry in self.entries}
        named = sorted(found - {*Audience.ORDER, Audience.NODES})
        return tuple(a for a in (*Audience.ORDER, *named, Audience.NODES) if a in found)


@dataclass(frozen=True, slots=True)
class Manifest:
    """`file` is the program's name without folders, so that a manifest is the same on every machine."""

    file: str
    functions: tuple[Disclosed, ...]
