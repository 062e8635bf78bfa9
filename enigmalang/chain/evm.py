"""The port to an EVM chain: one method, JSON-RPC's, which the embedded EVM and a node's connection both have."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self

#: A JSON value: quantities and bytes are 0x-hex text, as JSON-RPC has them.
Json = Any
Call = tuple[str, Sequence[Json]]

#: `web3_clientVersion` of the embedded chain begins so, also when it is reached through a socket.
EMBEDDED = "EnigmaLang/embedded"


class Evm(Protocol):
    """An EVM chain. Safe to use from several threads, one request at a time each."""

    def request(self, method: str, params: Sequence[Json] = ()) -> Json:
        """The result of `method`; RpcError for an error the chain answers with, ChainUnreachable for no answer."""
        ...

    def batch(self, calls: Sequence[Call]) -> list[Json]:
        """The results of `calls`, in their order, in one message where there is a wire; errors as for `request`: the
        first of them, after which a node has carried out the other calls all the same, the embedded chain none."""
        ...

    def close(self) -> None:
        """Let go of what is held; afterwards nothing is answered."""
        ...

    def __enter__(self) -> "Evm": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class LocalEvm(ABC):
    """What an `Evm` without a wire has besides `request`: a batch is one request after the other."""

    @abstractmethod
    def request(self, method: str, params: Sequence[Json] = ()) -> Json:
        """See `Evm.request`."""

    def batch(self, calls: Sequence[Call]) -> list[Json]:
        """See `Evm.batch`."""
        return [self.request(method, params) for method, params in calls]

    def close(self) -> None:  # noqa: B027  most have nothing to let go of
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def quantity(value: int) -> str:
    """A number as JSON-RPC writes it."""
    return hex(value)


def unquantity(text: str) -> int:
    """A number as JSON-RPC writes it, read."""
    return int(text, 16)


def hexed(data: bytes) -> str:
    """Bytes as JSON-RPC writes them."""
    return "0x" + data.hex()


def unhexed(text: str) -> bytes:
    """Bytes as JSON-RPC writes them, read."""
    return bytes.fromhex(text[2:])
