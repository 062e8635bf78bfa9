"""Identities of a development network.

Keys are derived from the name alone, so that every run of a program has the same addresses: they are as public as
the keys of any development chain, and protect nothing outside of one. Addresses are Ethereum's: the last 20 bytes of
Keccak-256 of the uncompressed secp256k1 public key.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha3_256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from enigmalang.ethereum.hashing import keccak256
from enigmalang.ethereum.keys import ORDER, SigningKey
from enigmalang.identity.predicates import Predicate, Question, allows


@dataclass(frozen=True, slots=True)
class Identity:
    """A name, its address, the X25519 keys under which it receives, and the key that signs for the address.

    `signing` is None for what has an address without a key: a shared identity.
    """

    name: str
    address: str
    public_key: bytes
    private_key: bytes = field(repr=False)
    signing: SigningKey | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class SharedIdentity(Identity):
    """Several keys with an address of their own; `policies` says what each member may do for all."""

    policies: tuple[tuple[str, Predicate], ...] = ()


def _digest(purpose: str, name: str) -> bytes:
    return sha3_256(f"enigmalang development {purpose}: {name}".encode()).digest()


def _receiving(name: str) -> tuple[bytes, bytes]:
    private = X25519PrivateKey.from_private_bytes(_digest("receive key", name))
    return private.public_key().public_bytes_raw(), private.private_bytes_raw()


def _signing(name: str) -> SigningKey:
    secret = int.from_bytes(_digest("signing key", name), "big") % (ORDER - 1) + 1
    return SigningKey(secret.to_bytes(32, "big"))


def identity_of(name: str, signing: SigningKey) -> Identity:
    """The identity of a key that is kept in a file: it receives under a key derived from the one that signs."""
    digest = sha3_256(b"enigmalang receive key" + signing.reveal()).digest()
    private = X25519PrivateKey.from_private_bytes(digest)
    public = private.public_key().public_bytes_raw()
    return Identity(name, signing.address, public, private.private_bytes_raw(), signing)


class Keystore:
    """Identities by name and by address; made when first asked for."""

    def __init__(self) -> None:
        self._names: dict[str, Identity] = {}
        self._addresses: dict[str, Identity] = {}

    def get(self, name: str) -> Identity:
        if name not in self._names:
            public, private = _receiving(name)
            signing = _signing(name)
            self.add(Identity(name, signing.address, public, private, signing))
        return self._names[name]

    def add(self, identity: Identity) -> None:
        """Know an identity whose keys come from elsewhere."""
        self._names[identity.name] = self._remember(identity)

    def share(self, policies: tuple[tuple[str, Predicate], ...], address: Callable[[], str] | None = None
              ) -> SharedIdentity:
        """A shared identity of the members' addresses; the same members and policies give the same address. On a chain
        `address` gives the one that it has there."""
        name = "shared " + ", ".join(f"{address}: {policy}" for address, policy in policies)
        known = self._names.get(name)
        if isinstance(known, SharedIdentity):
            return known
        public, private = _receiving(name)
        at = address() if address is not None else "0x" + keccak256(name.encode())[-20:].hex()
        made = SharedIdentity(name, at, public, private, policies=policies)
        self._names[name] = made
        self._remember(made)
        return made

    def at(self, address: str) -> Identity | None:
        """The local identity that has `address`."""
        return self._addresses.get(address)

    def local_members(self, identity: object) -> tuple[str, ...] | None:
        """The members of a shared identity whose keys are here; None for any other identity."""
        if not isinstance(identity, SharedIdentity):
            return None
        members = (self.at(address) for address, _ in identity.policies)
        return tuple(m.address for m in members if m is not None and m.signing is not None)

    def members(self, address: str) -> tuple[tuple[str, Predicate], ...]:
        """The members of the shared identity at `address`, each with its policy; nothing for any other address."""
        found = self._addresses.get(address)
        return found.policies if isinstance(found, SharedIdentity) else ()

    def predicate(self, name: str, args: tuple[Any, ...] = ()) -> Predicate:
        return Predicate(name, args)

    def allows(self, predicate: Predicate, *, who: str, signers: frozenset[str], owner: str, action: str, now: int,
               own: Callable[[Predicate, str], bool]) -> bool:
        """Whether `predicate` lets `who` act (see `Question`)."""
        shared = {a: i.policies for a, i in self._addresses.items() if isinstance(i, SharedIdentity)}
        return allows(predicate, Question(who, signers, owner, action, now, shared, own))

    def _remember(self, identity: Identity) -> Identity:
        self._addresses[identity.address] = identity
        return identity
