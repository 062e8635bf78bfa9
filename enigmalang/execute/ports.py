"""The ports of the interpreter: small protocols, each with an in-memory twin.

`Engine` computes on secrets, `Ledger` keeps what is public, `Store` is off-chain storage, `Identities` holds keys.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from enigmalang.circuits.circuit import Array, Circuit
from enigmalang.diagnostics import OutsideError
from enigmalang.plan.calls import Attested, LedgerCall
from enigmalang.types.types import Type


class EngineError(OutsideError):
    """The engine could not finish: a node died, hung, or broke the protocol. The text is for the user.

    `code` is the diagnostic it becomes: E0701 died, E0702 does not answer, E0703 malformed message, E0705 cannot
    start, E0706 the nodes disagree.
    """

    def __init__(self, text: str, code: str = "E0703") -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Sealed:
    """One array on its way to one receiver: a ciphertext per node, opened with the receiver's private key."""

    shape: tuple[int, ...]
    pieces: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RunResult:
    """`opened[i]` belongs to `circuit.opens[i]` (int64 or object array of signed integers; bool for BITS)."""

    opened: tuple[Array, ...]
    sealed: tuple[Sealed, ...]


@dataclass(slots=True)
class EngineStats:
    """What the engine did so far; bytes are the largest of any node, seconds are wall time per phase.

    `ahead` has the same counts of preprocessing, which needs no input and is done in idle time.
    """

    rounds: int = 0
    bytes_sent: int = 0
    products: int = 0
    ands: int = 0
    comparisons: int = 0
    circuits: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    ahead: dict[str, int] = field(default_factory=dict)


class Engine(Protocol):
    """Runs circuits on secrets. Kept values (`circuit.keeps`) live in the engine under their handles."""

    field: str  # "M61" | "M127"

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = (),
            handles: Sequence[int] | None = None) -> RunResult:
        """Run `circuit`. `inputs[slot]` is the clear value the *client* masks before it leaves the client;
        `recipients` are X25519 public keys (32 bytes) that `circuit.outputs` refer to. The circuit's handle h is
        `handles[h]` of the engine (h itself, if there are no `handles`): a circuit may run on other kept values.

        Raises EngineError; the engine is then closed and cannot be used again.
        """
        ...

    def reserve(self, size: int) -> tuple[int, Array]:
        """A fresh mask of `size` numbers for one input that comes over the ledger: its number, and its values, which
        the client alone is told (flat integers modulo the field's prime). Raises EngineError.
        """
        ...

    def admit(self, mask: int, masked: bytes, shapes: Sequence[tuple[int, ...]], handles: Sequence[int]) -> None:
        """Keep the arrays of `shapes` that a client masked: `masked` are the field elements x - r, one array after the
        other, little endian, 8 bytes each (M61) or 16 (M127). Each mask serves once. Raises EngineError.
        """
        ...

    def unseal(self, sealed: Sealed, private_key: bytes, form_bits: bool) -> Array:
        """Open what was sent to the holder of `private_key` (raw X25519, 32 bytes)."""
        ...

    def forget(self, handles: Sequence[int]) -> None: ...

    def stats(self) -> EngineStats: ...

    def close(self) -> None: ...


Key = tuple[Any, ...]


class Entry(Protocol):
    """One value of `L` under a key."""

    @property
    def block(self) -> int: ...
    @property
    def time(self) -> int: ...
    @property
    def value(self) -> Any: ...


class Ledger(Protocol):
    """Public state, references to private state, money, events, `L`, blocks and time (unix seconds).

    What happened since a `checkpoint` can be undone until `seal` ends the block.
    """

    chain: int

    @property
    def number(self) -> int: ...
    @property
    def time(self) -> int: ...
    def checkpoint(self) -> int: ...
    def rollback(self, mark: int) -> None: ...
    def seal(self) -> None: ...
    def advance(self, amount: int, unit: str) -> None: ...
    def deploy(self, contract: str, creator: str) -> str: ...
    def contract_at(self, address: str) -> str | None: ...
    def get(self, address: str, slot: str, keys: Key) -> Any | None: ...

    def prefetch(self, address: str, slot: str, keys: Sequence[Key]) -> None:
        """A public slot will be asked for under all of `keys`."""
        ...

    def put(self, address: str, slot: str, keys: Key, value: Any) -> None: ...
    def emit(self, address: str, name: str, args: Key) -> None: ...
    def balance(self, address: str) -> int: ...
    def transfer(self, source: str, target: str, amount: int) -> bool: ...
    def write_log(self, key: Any, value: Any) -> None: ...

    def digest(self, leaves: Sequence[Any], type: Type) -> int:
        """What a contract on the ledger computes of a value that it read: a signed word."""
        ...

    def read_log(self, key: Any) -> Sequence[Entry]: ...


class Chain(Protocol):
    """A ledger that runs the public part of contracts itself. As a `Ledger` it is read; what the interpreter writes
    there lies in an overlay until it is rolled back.

    Every method that sends a transaction waits for it and raises LedgerError when it is refused. All raise
    EnigmaError when the chain cannot be reached.
    """

    def create(self, contract: str, creator: "Identity", value: int, args: Key) -> str:
        """Deploy; the address. `args` are the leaves of init's parameters, unless init has a private part."""
        ...

    def transact(self, call: LedgerCall) -> list[Any]:
        """Run a function that is not split, in a transaction; the leaves of its result."""
        ...

    def view(self, call: LedgerCall) -> list[Any]: ...

    def request(self, call: LedgerCall, masked: bytes, mask: int) -> int:
        """Ask for a job; its number."""
        ...

    def version(self, address: str) -> int:
        """Of the contract's state."""
        ...

    def fulfil(self, job: int, version: int, attested: Attested) -> list[Any]:
        """Have the outcome signed and the public program run; the public leaves of the result."""
        ...

    def report_failure(self, job: int, version: int, error: str, attested: Attested) -> None: ...

    def expire(self, job: int) -> bool:
        """End a job whose deadline is over: payment and fee go back. False when it is not over."""
        ...

    def keep(self, writes: dict[Key, Any]) -> None:
        """References to private state that a fulfilled job wrote: (address, slot, keys) -> secret."""
        ...

    def pay(self, source: "Identity", target: str, amount: int) -> None: ...

    def publish(self, writer: "Identity", key: Any, value: Any) -> None:
        """`L[key] = value`."""
        ...

    def share(self, creator: "Identity", members: Sequence[tuple["Identity", "Predicate"]]) -> str:
        """The address of the shared identity of `members`, each with its policy: the same from the same creator."""
        ...

    def can_act(self, sender: "Identity") -> bool:
        """Whether keys here may send as `sender`: its own, or those of members whose policies let them."""
        ...

    def declare(self, writer: "Identity", predicate: "Predicate") -> bytes:
        """What the chain calls the rule that `predicate` is. Raises EnigmaError for what it cannot decide."""
        ...

    def point(self, writer: "Identity", db: str, key: Key, content: bytes, rule: bytes) -> None:
        """`writer` owns `key` of `db` ("DHT", "MPC") from now on. `content`: a hash of the encrypted content, or the
        public description of what is secret."""
        ...

    def permits(self, askers: Sequence[str], db: str, key: Key, action: str) -> bool:
        """Whether the first of `askers` may do `action` with what is under `key`; all of them ask together."""
        ...

    def refuse(self, who: str, db: str, key: Key, action: str) -> None:
        """A node records on the chain that it refused `who`."""
        ...


@runtime_checkable
class Identity(Protocol):
    """Someone who acts and receives: X25519 keys of 32 bytes."""

    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def public_key(self) -> bytes: ...
    @property
    def private_key(self) -> bytes: ...


@runtime_checkable
class Predicate(Protocol):
    """Who may: a name with arguments, which `Identities.allows` decides."""

    @property
    def name(self) -> str: ...
    @property
    def args(self) -> tuple[Any, ...]: ...


class Identities(Protocol):
    """The local keys, shared identities and the rules of predicates."""

    def get(self, name: str) -> Identity: ...
    def at(self, address: str) -> Identity | None: ...

    def share(self, policies: tuple[tuple[str, Any], ...], address: Callable[[], str] | None = None) -> Identity:
        """The shared identity of these members; `address` gives the one it has on a chain, when it is new."""
        ...

    def local_members(self, identity: Identity) -> tuple[str, ...] | None:
        """The members of a shared identity whose keys are here; None for any other identity."""
        ...

    def members(self, address: str) -> Sequence[tuple[str, Predicate]]:
        """The members of the shared identity at `address`, each with its policy; nothing for any other address."""
        ...

    def predicate(self, name: str, args: tuple[Any, ...] = ()) -> Predicate: ...

    def allows(self, predicate: Any, *, who: str, signers: frozenset[str], owner: str, action: str, now: int,
               own: Callable[[Any, str], bool]) -> bool:
        """Whether `who` (with all `signers`) may do `action` ("read", "compute", "write") with what `owner` owns;
        `own` decides a user's predicate for an address."""
        ...


class Record(Protocol):
    """What a store holds under a key: everything but the content is public."""

    @property
    def owner(self) -> str: ...
    @property
    def type(self) -> Any: ...
    @property
    def predicate(self) -> Any: ...


class StoreError(Exception):
    """Off-chain storage could not do what was asked. `code` is the diagnostic it becomes; text and help are for the
    user."""

    def __init__(self, code: str, text: str, help: str | None = None) -> None:
        super().__init__(text)
        self.code, self.text, self.help = code, text, help


class Store(Protocol):
    """Off-chain storage. Contents are encrypted before they leave their client. All methods raise StoreError."""

    @property
    def asks(self) -> bool:
        """Whether it holds a key to what it has, and asks the predicate when somebody reads."""
        ...

    def stage(self, key: Any, content: bytes, *, readers: Sequence[bytes] | None, owner: str, type: Any,
              predicate: Any, rule: bytes) -> bytes:
        """Encrypt `content` for the X25519 keys `readers` (None: leave it in the clear), to be stored by `publish`;
        only this program reads it before. `rule`: what the chain calls the predicate. A hash of what will be stored:
        32 bytes.
        """
        ...

    def publish(self) -> None:
        """What was staged last under each key is there from now on, in place of what was."""
        ...

    def discard(self) -> None:
        """What was staged, and not published, never was."""
        ...

    def get(self, key: Any) -> Record | None: ...

    def open(self, key: Any, reader: Identity) -> bytes | None:
        """The content of what `get` gave, None when there is none or it is not for this reader."""
        ...

    def published(self, address: str) -> bytes | None:
        """The X25519 key that somebody who is not here is sealed for; None when there is none."""
        ...
