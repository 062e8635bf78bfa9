"""The in-memory store behind `DHT`: encrypted blobs with the wrapped keys of those who may read them (`sealing`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha3_256
from typing import Any, Protocol

from enigmalang.dht.sealing import Blob, lock, unlock


class Reader(Protocol):
    """Raw X25519 keys, 32 bytes each."""

    @property
    def public_key(self) -> bytes: ...
    @property
    def private_key(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Record:
    """A blob, the public type of its content, and the predicate that says who may read it."""

    blob: Blob
    owner: str
    type: Any
    predicate: Any


class MemoryStore:
    """Records by key: the twin of a network's storage (`execute.ports.Store`), which does not fail."""

    asks = True

    def __init__(self) -> None:
        self._records: dict[Any, Record] = {}
        self._staged: dict[Any, Record] = {}

    def stage(self, key: Any, content: bytes, *, readers: Sequence[bytes] | None, owner: str, type: Any,
              predicate: Any, rule: bytes = b"") -> bytes:
        """Encrypt `content` for the X25519 keys `readers` (None: leave it in the clear). It is read from now on, and
        stays by `publish`. A hash of it as it will be stored: 32 bytes."""
        made = self._staged[key] = Record(lock(content, readers), owner, type, predicate)
        parts = (made.blob.content, made.blob.nonce, *(part for wrap in made.blob.wraps for part in wrap))
        return sha3_256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()

    def publish(self) -> None:
        """What was staged takes the place of what was there."""
        self._records |= self._staged
        self._staged.clear()

    def discard(self) -> None:
        """What was staged, and not published, never was."""
        self._staged.clear()

    def get(self, key: Any) -> Record | None:
        return self._staged.get(key) or self._records.get(key)

    def open(self, key: Any, reader: Reader) -> bytes | None:
        """The content, None when there is none or it is not for this reader."""
        record = self.get(key)
        return None if record is None else unlock(record.blob, reader.public_key, reader.private_key)

    def published(self, address: str) -> bytes | None:
        """Nobody is elsewhere."""
        return None
