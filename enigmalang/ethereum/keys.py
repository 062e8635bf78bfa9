"""secp256k1 keys that sign for an address. A private key has no printable form and cannot be pickled."""

from dataclasses import dataclass
from typing import NoReturn

from coincurve import PrivateKey, PublicKey

from enigmalang.ethereum.hashing import address_of
from enigmalang.ethereum.words import number_word

#: The order of secp256k1's group (SEC 2, section 2.4.1).
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, slots=True)
class Signature:
    """An ECDSA signature with s in the lower half (EIP-2); `v` is 27 or 28, as `ecrecover` takes it."""

    r: int
    s: int
    v: int

    def to_bytes(self) -> bytes:
        """65 bytes: r, s, v."""
        return number_word(self.r) + number_word(self.s) + bytes([self.v])


class SigningKey:
    """A private key and its address (0x-hex, lower case)."""

    __slots__ = ("_key", "address")

    def __init__(self, secret: bytes) -> None:
        """`secret`: 32 bytes, a number from 1 to the group's order - 1; ValueError otherwise."""
        if len(secret) != 32 or not 0 < int.from_bytes(secret, "big") < ORDER:
            raise ValueError("a private key is a number of 32 bytes below the order of secp256k1, and not 0")
        self._key = PrivateKey(secret)
        self.address = address_of(self._key.public_key.format(compressed=False))

    @classmethod
    def generate(cls) -> "SigningKey":
        """A fresh key, from the operating system's randomness."""
        return cls(PrivateKey().secret)

    def sign(self, digest: bytes) -> Signature:
        """The deterministic signature (RFC 6979) of a 32-byte digest."""
        if len(digest) != 32:
            raise ValueError(f"a digest has 32 bytes, not {len(digest)}")
        signed = self._key.sign_recoverable(digest, hasher=None)
        return Signature(int.from_bytes(signed[:32], "big"), int.from_bytes(signed[32:64], "big"), 27 + signed[64])

    def reveal(self) -> bytes:
        """The 32 secret bytes, for an encrypted keystore only."""
        return self._key.secret

    def __repr__(self) -> str:
        return f"SigningKey({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled")


def recover(digest: bytes, signature: Signature) -> str | None:
    """The address that signed `digest`; None for what no key has signed, or whose s is in the upper half."""
    if signature.v not in (27, 28) or not 0 < signature.r < ORDER or not 0 < signature.s <= ORDER // 2:
        return None
    try:
        public = PublicKey.from_signature_and_message(
            signature.to_bytes()[:64] + bytes([signature.v - 27]), digest, hasher=None
        )
    except ValueError:
        return None
    return address_of(public.format(compressed=False))
