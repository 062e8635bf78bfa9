"""The in-memory store behind `DHT`: encrypted blobs with the wrapped keys of those who may read them (`sealing`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha3_256
from typing import Any

from enigmalang.dht.sealing import Blob, lock, unlock


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
