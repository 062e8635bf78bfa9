"""What the client encrypts before anything leaves it, and the keys wrapped for those who may read.

A value is encrypted with AES-256-GCM under a fresh key, which is wrapped for each reader by an X25519 exchange with
an ephemeral key. What is stored for anyone is stored in the clear. Small values are one `Blob` (`lock`, `unlock`).

Values in chunks (`chunks`) are sealed piece by piece: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015, "Online
authenticated-encryption and its nonce-reuse misuse-resistance", section 7), that is, nonces of a counter and a mark
on the last piece. Adversary: nodes that change, reorder, drop, repeat or cut off chunks; each is noticed at the chunk
where it happened. Index, number of chunks and size are associated data, so that chunks can be opened in any order.
GCM does not commit to its key: an owner could make chunks that open differently for two readers. So a hash of the key
stands in the header that the owner signs (Albertini et al. 2022, "How to abuse and fix authenticated encryption
without key commitment"). Cost: 16 bytes a chunk, 112 a reader.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha3_256
from typing import Annotated, BinaryIO, NamedTuple, NoReturn

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from enigmalang.dht.chunks import TAG, Bytes32, content_size, count_of, pieces, stored_size

#: Readers of one value: it bounds a record.
MOST_READERS = 256


class Wrap(NamedTuple):
    """A content key for one reader: the reader's X25519 key, the ephemeral one, the wrapped key."""

    reader: Bytes32
    ephemeral: Bytes32
    key: Annotated[bytes, msgspec.Meta(min_length=48, max_length=48)]


@dataclass(frozen=True, slots=True)
class Blob:
    """One small value. No wraps: in the clear."""

    content: bytes = field(repr=False)
    nonce: bytes = b""
    wraps: tuple[Wrap, ...] = ()


class Sealing(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The header of a value in chunks: the wrapped keys, and a hash of the key. Both empty: in the clear."""

    wraps: Annotated[tuple[Wrap, ...], msgspec.Meta(max_length=MOST_READERS)] = ()
    check: Annotated[bytes, msgspec.Meta(max_length=32)] = b""

    @property
    def sealed(self) -> bool:
        return bool(self.wraps)

    def is_whole(self) -> bool:
        """Whether it is the header of something: all or nothing there, and each reader once."""
        return len(self.check) == (32 if self.wraps else 0) and len({w.reader for w in self.wraps}) == len(self.wraps)


CLEAR = Sealing()


class SealBroken(Exception):
    """A chunk that does not open: changed, of another value, or at another place."""


# ---- keys


def _wrapping_key(shared: bytes, reader: bytes) -> bytes:
    return sha3_256(b"enigmalang dht wrap" + reader + shared).digest()


def _key_check(key: bytes) -> bytes:
    return sha3_256(b"enigmalang dht key" + key).digest()


def _wrap(key: bytes, readers: Sequence[bytes]) -> tuple[Wrap, ...]:
    wraps = []
    for reader in dict.fromkeys(readers):
        ephemeral = X25519PrivateKey.generate()
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(reader))
        # The wrapping key is used once, so that a fixed nonce is sound.
        wrapped = AESGCM(_wrapping_key(shared, reader)).encrypt(bytes(12), key, None)
        wraps.append(Wrap(reader, ephemeral.public_key().public_bytes_raw(), wrapped))
    return tuple(wraps)


def _unwrap(wraps: Sequence[Wrap], public_key: bytes, private_key: bytes) -> bytes | None:
    """The content key, None when it was not wrapped for this reader or the wrap was changed."""
    wrap = next((w for w in wraps if w.reader == public_key), None)
    if wrap is None:
        return None
    ephemeral = X25519PublicKey.from_public_bytes(wrap.ephemeral)
    try:
        shared = X25519PrivateKey.from_private_bytes(private_key).exchange(ephemeral)
        return AESGCM(_wrapping_key(shared, wrap.reader)).decrypt(bytes(12), wrap.key, None)
    except (InvalidTag, ValueError):  # ValueError: an ephemeral point of low order, which nobody honest makes
        return None


# ---- small values


def lock(content: bytes, readers: Sequence[bytes] | None) -> Blob:
    """Encrypt `content` for the holders of the X25519 keys `readers`; None: for anyone, in the clear."""
    if readers is None:
        return Blob(content)
    key, nonce = AESGCM.generate_key(256), os.urandom(12)
    return Blob(AESGCM(key).encrypt(nonce, content, None), nonce, _wrap(key, readers))


def unlock(blob: Blob, public_key: bytes, private_key: bytes) -> bytes | None:
    """The content, or None when it was not encrypted for this key."""
    if not blob.wraps and not blob.nonce:
        return blob.content
    key = _unwrap(blob.wraps, public_key, private_key)
    if key is None:
        return None
    try:
        return AESGCM(key).decrypt(blob.nonce, blob.content, None)
    except InvalidTag:
        return None


# ---- values in chunks


def _nonce(index: int, count: int) -> bytes:
    """The key is of one value, so a counter is enough. Its last byte marks the last chunk."""
    return index.to_bytes(11, "big") + bytes([index == count - 1])


def _associated(index: int, count: int, content: int) -> bytes:
    return b"enigmalang dht chunk" + b"".join(number.to_bytes(8, "big") for number in (index, count, content))


class Sealer:
    """Encrypts one value of `content` bytes for `readers`, once, piece after piece.

    It has no way to seal a second piece at a place: two pieces under one nonce would give the key's stream away.
    """

    __slots__ = ("_cipher", "_content", "_count", "_next", "sealing")

    def __init__(self, content: int, readers: Sequence[bytes]) -> None:
        """ValueError for no readers, more than `MOST_READERS`, or too large a value."""
        if not 0 < len(set(readers)) <= MOST_READERS:
            raise ValueError(f"a sealed value has 1 to {MOST_READERS} readers")
        key = AESGCM.generate_key(256)
        self._cipher, self._content, self._next = AESGCM(key), content, 0
        self._count = count_of(stored_size(content, sealed=True))
        self.sealing = Sealing(_wrap(key, readers), _key_check(key))

    def chunks(self, source: BinaryIO) -> Iterator[bytes]:
        """The chunks to store, in order; `source` is read as they are taken. BadSource when it has another size."""
        for piece in pieces(source, self._content, sealed=True):
            index, self._next = self._next, self._next + 1
            if index >= self._count:
                raise ValueError("this value is sealed already")
            yield self._cipher.encrypt(_nonce(index, self._count), piece,
                                       _associated(index, self._count, self._content))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a content key is not pickled")


class Opener:
    """Opens the chunks of one value in any order. Made by `opener`."""

    __slots__ = ("_cipher", "_content", "_count")

    def __init__(self, cipher: AESGCM | None, stored: int) -> None:
        self._cipher, self._count = cipher, count_of(stored)
        self._content = content_size(stored, sealed=cipher is not None)

    def open(self, index: int, data: bytes | memoryview) -> bytes | memoryview:
        """The content of chunk `index`. Raises SealBroken."""
        if not 0 <= index < self._count:
            raise SealBroken(f"the value has no chunk {index}")
        if self._cipher is None:
            return data
        if len(data) < TAG:
            raise SealBroken(f"chunk {index} is too short")
        try:
            return self._cipher.decrypt(_nonce(index, self._count), data,
                                        _associated(index, self._count, self._content))
        except InvalidTag:
            raise SealBroken(f"chunk {index} does not open") from None

    def __reduce__(self) -> NoReturn:
        raise TypeError("a content key is not pickled")


def opener(sealing: Sealing, stored: int, public_key: bytes, private_key: bytes) -> Opener | None:
    """For the value of `stored` bytes with the header `sealing`; None when it was not sealed for this key.

    Raises SealBroken when the key is not the one that the owner committed to, ValueError for no stored size.
    """
    if not sealing.sealed:
        return Opener(None, stored)
    key = _unwrap(sealing.wraps, public_key, private_key)
    if key is None:
        return None
    if _key_check(key) != sealing.check:
        raise SealBroken("the key for this reader is not the one that the value was sealed under")
    return Opener(AESGCM(key), stored)
