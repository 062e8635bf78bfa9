"""Values in chunks of 256 KiB under a Merkle root: each can be checked alone, and nothing larger is in memory.

The tree is that of RFC 6962 (section 2.1), its proofs those of RFC 9162 (section 2.1.3): SHA-256, with leaves and inner
nodes hashed apart (0x00, 0x01), so that neither passes for the other. A root alone does not say how many leaves it
has: proofs are checked with the size that the owner signed (`records.Record.size`).

A *stored* size counts bytes as nodes keep them: of a sealed value each chunk has a tag of 16 bytes (`sealing`).
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Annotated, BinaryIO, NamedTuple

import msgspec

from enigmalang.dht.canonical import decode, encode

CHUNK = 256 * 1024
#: Bytes that sealing adds to a chunk.
TAG = 16
MAX_CONTENT = 64 * 2**20
MOST_CHUNKS = -(-MAX_CONTENT // (CHUNK - TAG))
MAX_STORED = MAX_CONTENT + MOST_CHUNKS * TAG
#: Hashes in a proof: the depth of the deepest tree.
MOST_HASHES = (MOST_CHUNKS - 1).bit_length()
#: Bytes of an encoded `Chunk`.
MAX_ENCODED = CHUNK + 34 * MOST_HASHES + 32

Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Path = Annotated[tuple[Bytes32, ...], msgspec.Meta(max_length=MOST_HASHES)]


class ChunkRefused(Exception):
    """A chunk that is not the one its root has at that place. Names nothing of its content."""


class BadSource(Exception):
    """What should be stored is shorter or longer than was said."""


class ValueName(NamedTuple):
    """What chunks belong to: a root, and the stored size that was signed with it. A root with another size is another
    value, so that a false size that somebody signs stands in nobody's way."""

    root: Bytes32
    size: Annotated[int, msgspec.Meta(ge=0, le=MAX_STORED)]

    @property
    def chunks(self) -> int:
        """How many it has."""
        return count_of(self.size)


# ---- sizes


def count_of(stored: int) -> int:
    """How many chunks a value of `stored` bytes has: at least one."""
    return max(1, -(-stored // CHUNK))


def length_of(stored: int, index: int) -> int:
    """Bytes of chunk `index`: all are full but the last."""
    return min(CHUNK, stored - index * CHUNK)


def stored_size(content: int, sealed: bool) -> int:
    """Bytes that nodes keep of a value of `content` bytes. Raises ValueError beyond `MAX_CONTENT`."""
    if not 0 <= content <= MAX_CONTENT:
        raise ValueError(f"a value has at most {MAX_CONTENT} bytes, not {content}")
    return content + TAG * max(1, -(-content // (CHUNK - TAG))) if sealed else content


def content_size(stored: int, sealed: bool) -> int:
    """Inverse of `stored_size`; ValueError for what is no stored size."""
    content = stored - TAG * count_of(stored) if sealed else stored
    if stored_size(content, sealed) != stored:
        raise ValueError(f"no value has {stored} bytes in chunks")
    return content


def pieces(source: BinaryIO, content: int, sealed: bool) -> Iterator[bytes]:
    """The `content` bytes of `source`, a piece for each chunk. Raises BadSource when there are fewer or more."""
    step = CHUNK - TAG if sealed else CHUNK
    left = content
    while left > 0:
        piece = _read(source, min(step, left))
        left -= len(piece)
        yield piece
    if content == 0:
        yield b""
    if source.read(1):
        raise BadSource(f"the value has more than the {content} bytes that were said")


def _read(source: BinaryIO, size: int) -> bytes:
    found = source.read(size)
    while len(found) < size:  # an unbuffered source may give less than was asked for
        more = source.read(size - len(found))
        if not more:
            raise BadSource(f"the value ends {size - len(found)} bytes early")
        found += more
    return found


# ---- the tree


def leaf_of(data: bytes | memoryview) -> bytes:
    """The leaf of a chunk as it is stored: 32 bytes."""
    hashed = sha256(b"\x00")
    hashed.update(data)
    return hashed.digest()


def _inner(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    """How many of `count` leaves stand on the left: the largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over at least one leaf. 32 bytes."""
    if not leaves:
        raise ValueError("a tree has at least one leaf")
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return _inner(root_of(leaves[:split]), root_of(leaves[split:]))


def path_to(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """What proves that leaf `index` is in the tree, from the leaf up. IndexError for no such leaf."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} of {len(leaves)}")
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    if index < split:
        return (*path_to(leaves[:split], index), root_of(leaves[split:]))
    return (*path_to(leaves[split:], index - split), root_of(leaves[:split]))


def root_by(leaf: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes | None:
    """The root that `path` proves for leaf `index` of `count`; None for a path of a wrong length."""
    place, last, found = index, count - 1, leaf
    if not 0 <= index < count:
        return None
    for other in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            found = _inner(other, found)
            while place and not place & 1:  # on the right edge, levels without a sibling are left out
                place >>= 1
                last >>= 1
        else:
            found = _inner(found, other)
        place >>= 1
        last >>= 1
    return found if last == 0 else None


# ---- a chunk on its way


class Chunk(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Chunk `index` of a value as it is stored, with its proof."""

    index: Annotated[int, msgspec.Meta(ge=0, lt=MOST_CHUNKS)]
    data: Annotated[bytes, msgspec.Meta(max_length=CHUNK)]
    path: _Path

    def __repr__(self) -> str:
        return f"<chunk {self.index}, {len(self.data)} bytes>"

    def check(self, value: ValueName) -> None:
        """Raises ChunkRefused unless it is a chunk of `value`."""
        if not 0 <= self.index < value.chunks or len(self.data) != length_of(value.size, self.index):
            raise ChunkRefused(f"chunk {self.index} has another size, or no place in the value")
        if root_by(leaf_of(self.data), self.index, value.chunks, self.path) != value.root:
            raise ChunkRefused(f"chunk {self.index} is not the one that was signed for")


_CHUNK = msgspec.msgpack.Decoder(Chunk)


def encode_chunk(chunk: Chunk) -> bytes:
    return encode(chunk)


def decode_chunk(data: bytes | memoryview) -> Chunk:
    """Raises canonical.Malformed. What it holds is not checked yet: see `Chunk.check`."""
    return decode(_CHUNK, data, MAX_ENCODED)
