"""What goes wrong with a chain, the same whichever chain it is."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from enigmalang.diagnostics import OutsideError


class ChainError(OutsideError):
    """Anything that a chain refused, lost, or did not answer."""


def shown(where: str) -> str:
    """`where` (a URL, or a path) as it may be printed: of a URL, the scheme, the host and the port, since names, paths
    and queries hold passwords and keys of services."""
    if "://" not in where:
        return where
    scheme = where.partition("://")[0]
    try:
        parts = urlsplit(where)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"{scheme}://…"
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" + (f":{port}" if port else "")


class ChainUnreachable(ChainError):
    """No answer. `where`: what was tried, as it may be shown; `remedy`: what the user can do about it."""

    def __init__(self, where: str, reason: str, remedy: str) -> None:
        where = shown(where)
        super().__init__(f"the chain at {where} cannot be reached: {reason}. {remedy}")
        self.where, self.reason, self.remedy = where, reason, remedy


class RpcError(ChainError):
    """A node's answer that is an error (JSON-RPC 2.0, section 5.1)."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


class NoContract(ChainError):
    """Nothing answers at an address that should be a contract's: another chain, or one that begins anew."""


class TransactionRefused(ChainError):
    """A transaction that no block takes up: too little money, a nonce already used, too much gas."""


class TransactionLost(ChainError):
    """A transaction that was not found in a block in time, or that a reorganisation took out for good."""

    def __init__(self, hash: str, reason: str) -> None:
        super().__init__(f"transaction {hash}: {reason}")
        self.hash = hash


@dataclass(frozen=True, slots=True)
class Revert:
    """Why code stopped. `kind`: "error" (a text), "panic" (`number`), "custom" (selector and arguments in `data`),
    "empty" (nothing was said), or "fault" (no revert: out of gas, an invalid instruction; `text` says which)."""

    kind: str
    text: str
    data: bytes = b""
    number: int = 0

    @property
    def selector(self) -> bytes:
        """The four bytes that name the error; empty when there are none."""
        return self.data[:4] if len(self.data) >= 4 else b""


class Reverted(ChainError):
    """A call or transaction whose code undid everything."""

    def __init__(self, revert: Revert, hash: str | None = None) -> None:
        super().__init__(revert.text)
        self.revert, self.hash = revert, hash

    @property
    def data(self) -> bytes:
        return self.revert.data

    @property
    def text(self) -> str:
        return self.revert.text

    @property
    def selector(self) -> bytes:
        return self.revert.selector
