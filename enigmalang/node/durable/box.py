"""What is kept, encrypted: AES-256-GCM, each value bound to the place where it is kept.

Protects against who reads or changes the file without the storage key: contents, and moving a value to another place.
Names, sizes, numbers and roots are public and lie in the clear; a file that is put back as it was earlier is not
noticed here (its roots are not those on the chain then). Nonces are random, for at most 2^32 values under one key.
"""

import os
from typing import NoReturn

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from enigmalang.node.durable.errors import StateError

KEY_BYTES, _NONCE_BYTES = 32, 12
#: Table, and row.
Place = tuple[str, *tuple[int | str | bytes, ...]]


class Box:
    """Encrypts and decrypts under one storage key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a storage key of {len(key)} bytes instead of {KEY_BYTES}")
        self._cipher = AESGCM(HKDFExpand(SHA256(), KEY_BYTES, b"enigmalang node state").derive(key))

    def seal(self, place: Place, data: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, msgspec.msgpack.encode(place))

    def open(self, place: Place, sealed: bytes) -> bytes:
        """Raises StateError for what was not sealed for this place with this key."""
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, body, msgspec.msgpack.encode(place))
        except (InvalidTag, ValueError):
            raise StateError(f"what is kept in {place[0]} was changed, or is under another key") from None

    def __repr__(self) -> str:
        return "<Box>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a key is not pickled")
