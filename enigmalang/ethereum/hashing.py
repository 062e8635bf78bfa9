"""Keccak-256 as Ethereum uses it: the padding of the competition's Keccak, not that of SHA3-256."""

from Crypto.Hash import keccak


def keccak256(data: bytes) -> bytes:
    """The 32-byte digest of `data`."""
    return keccak.new(digest_bits=256, data=data).digest()


def address_of(public_key: bytes) -> str:
    """The address, 0x-hex in lower case, of an uncompressed public key: 64 bytes, or 65 with the leading 4."""
    if len(public_key) == 65 and public_key[0] == 4:
        public_key = public_key[1:]
    if len(public_key) != 64:
        raise ValueError(f"a public key has 64 bytes, not {len(public_key)}")
    return "0x" + keccak256(public_key)[-20:].hex()


def checksummed(address: str) -> str:
    """`address` with the capitals of EIP-55, by which a mistyped one is seen."""
    plain = address.removeprefix("0x").lower()
    digest = keccak256(plain.encode()).hex()
    return "0x" + "".join(c.upper() if int(d, 16) >= 8 else c for c, d in zip(plain, digest, strict=False))
