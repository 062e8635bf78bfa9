"""Who may connect: what the hub registers of a node, as far as channels need it."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

FINGERPRINT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a node listens, and the SHA-256 of the certificate that it must hold the key of."""

    address: str
    host: str
    port: int
    fingerprint: bytes


class Registry(Protocol):
    """The active nodes. Asked for every connection and every request, by many threads: it answers from memory."""

    def who(self, fingerprint: bytes) -> str | None:
        """The address of the active node with this certificate."""
        ...

    def contact(self, address: str) -> Contact | None:
        """How to reach the active node with this address."""
        ...


def fingerprint(certificate: bytes) -> bytes:
    """What is registered of a certificate (DER)."""
    return sha256(certificate).digest()
