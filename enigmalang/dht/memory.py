"""The in-memory store behind `DHT`: encrypted blobs with the wrapped keys of those who may read them.

The client encrypts before anything leaves it: AES-256-GCM under a fresh key, which is wrapped for each reader by an
X25519 exchange with an ephemeral key. What is stored for anyone is stored in the clear.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha3_256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


@dataclass(frozen=True, slots=True)
class Blob:
    """One stored value. `wraps`: receive key -> (ephemeral public key, wrapped content key). No wraps: in the clear."""

    content: bytes = field(repr=False)
    nonce: bytes = b""
    wraps: tuple[tuple[bytes, bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A blob, the public type of its content, and the predicate that says who may read it."""

    blob: Blob
    owner: str
    type: Any
    predicate: Any


class MemoryStore:
    """Records by key."""

    def __init__(self) -> None:
        self._records: dict[Any, Record] = {}

    def put(self, key: Any, content: bytes, *, readers: Sequence[bytes] | None, owner: str, type: Any, predicate: Any
            ) -> None:
        """Encrypt `content` for the X25519 keys `readers` (None: leave it in the clear) and store it."""
        self._records[key] = Record(lock(content, readers), owner, type, predicate)

    def get(self, key: Any) -> Record | None:
        return self._records.get(key)

    def commitment(self, key: Any) -> bytes:
        """A hash of what is stored under `key`, as it is stored: 32 bytes. KeyError if nothing is."""
        blob = self._records[key].blob
        parts = (blob.content, blob.nonce, *(part for wrap in blob.wraps for part in wrap))
        return sha3_256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()

    def open(self, key: Any, public_key: bytes, private_key: bytes) -> bytes | None:
        """The content, None when there is none or it is not for this key."""
        record = self._records.get(key)
        return None if record is None else unlock(record.blob, public_key, private_key)


def _wrapping_key(shared: bytes, reader: bytes) -> bytes:
    return sha3_256(b"enigmalang dht wrap" + reader + shared).digest()


def lock(content: bytes, readers: Sequence[bytes] | None) -> Blob:
    """Encrypt `content` for the holders of the X25519 keys `readers`; None: for anyone, in the clear."""
    if readers is None:
        return Blob(content)
    key, nonce = AESGCM.generate_key(256), os.urandom(12)
    wraps = []
    for reader in dict.fromkeys(readers):
        ephemeral = X25519PrivateKey.generate()
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(reader))
        # The wrapping key is used once, so that a fixed nonce is sound.
        wrapped = AESGCM(_wrapping_key(shared, reader)).encrypt(bytes(12), key, None)
        wraps.append((reader, ephemeral.public_key().public_bytes_raw(), wrapped))
    return Blob(AESGCM(key).encrypt(nonce, content, None), nonce, tuple(wraps))


def unlock(blob: Blob, public_key: bytes, private_key: bytes) -> bytes | None:
    """The content, or None when it was not encrypted for this key."""
    if not blob.wraps and not blob.nonce:
        return blob.content
    for reader, ephemeral, wrapped in blob.wraps:
        if reader != public_key:
            continue
        private = X25519PrivateKey.from_private_bytes(private_key)
        shared = private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
        try:
            key = AESGCM(_wrapping_key(shared, reader)).decrypt(bytes(12), wrapped, None)
            return AESGCM(key).decrypt(blob.nonce, blob.content, None)
        except InvalidTag:
            return None
    return None
