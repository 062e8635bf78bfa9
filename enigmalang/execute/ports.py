"""The ports of the interpreter: small protocols, each with an in-memory twin.

`Engine` computes on secrets, `Ledger` keeps what is public, `Store` is off-chain storage, `Identities` holds keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from enigmalang.circuits.circuit import Array, Circuit


class EngineError(Exception):
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
    """What the engine did so far; bytes are the largest of any node, seconds are wall time per phase."""

    rounds: int = 0
    bytes_sent: int = 0
    products: int = 0
    ands: int = 0
    comparisons: int = 0
    circuits: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


class Engine(Protocol):
    """Runs circuits on secrets. Kept values (`circuit.keeps`) live in the engine under their handles."""

    field: str  # "M61" | "M127"

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = ()) -> RunResult:
        """Run `circuit`. `inputs[slot]` is the clear value the *client* masks before it leaves the client;
        `recipients` are X25519 public keys (32 bytes) that `circuit.outputs` refer to.

        Raises EngineError; the engine is then closed and cannot be used again.
        """
        ...

    def unseal(self, sealed: Sealed, private_key: bytes, form_bits: bool) -> Array:
        """Open what was sent to the holder of `private_key` (raw X25519, 32 bytes)."""
        ...

    def forget(self, handles: Sequence[int]) -> None: ...

    def stats(self) -> EngineStats: ...

    def close(self) -> None: ...


Key = tuple[Any, ...]
