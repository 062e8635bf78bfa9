"""What nodes and clients ask a node about the chunks behind a record, as MessagePack.

A value is named by the key that its record stands under (`dht_messages.Key`), its root and its stored size: what is
kept for one key is nothing to another, even of the same root. Chunks travel in their own canonical encoding
(`dht.chunks`), with a proof: whoever takes one checks it. A reply carries the number of the request it answers.
"""

from typing import Annotated

import msgspec

from enigmalang.wire.dht_messages import Key
from enigmalang.wire.messages import Message, Told, encode_message
from enigmalang.wire.typed import Bytes32, Decoder, Number

__all__ = ["MAX_CHUNK_BYTES", "MAX_PLACES", "AskChunk", "AskMissing", "ChunkReply", "ChunkRequest", "KeepChunk",
           "Kept", "Lacking", "Piece", "decode_chunk_reply", "decode_chunk_request", "encode_message"]

#: Bytes of an encoded chunk with its proof (at least `dht.chunks.MAX_ENCODED`).
MAX_CHUNK_BYTES = 256 * 1024 + 1024
#: Chunks of the largest value (at least `dht.chunks.MOST_CHUNKS`).
MAX_PLACES = 512

Place = Annotated[int, msgspec.Meta(ge=0, lt=MAX_PLACES)]
ChunkBytes = Annotated[bytes, msgspec.Meta(max_length=MAX_CHUNK_BYTES)]


class KeepChunk(Message, frozen=True):
    """Keep this chunk of a value of which you keep a record. Answered by `Kept`."""

    number: Number
    key: Key
    root: Bytes32
    size: Number
    chunk: ChunkBytes


class AskChunk(Message, frozen=True):
    """The chunk at `place`. Answered by `Piece`."""

    number: Number
    key: Key
    root: Bytes32
    size: Number
    place: Place


class AskMissing(Message, frozen=True):
    """Which chunks of the value do you not have? Answered by `Lacking`."""

    number: Number
    key: Key
    root: Bytes32
    size: Number


ChunkRequest = KeepChunk | AskChunk | AskMissing


class Kept(Message, frozen=True):
    """Whether the chunk is on disk, and why it is not."""

    number: Number
    accepted: bool
    why: Told = ""


class Piece(Message, frozen=True):
    """The chunk; empty when it is not here, or not for who asked, and then `why`."""

    number: Number
    chunk: ChunkBytes
    why: Told = ""


class Lacking(Message, frozen=True):
    """The places of the chunks that are not here. `known` is False when no record of the value is."""

    number: Number
    known: bool
    places: Annotated[list[Place], msgspec.Meta(max_length=MAX_PLACES)]


ChunkReply = Kept | Piece | Lacking

decode_chunk_request = Decoder[ChunkRequest](ChunkRequest, "chunk message").decode
decode_chunk_reply = Decoder[ChunkReply](ChunkReply, "chunk message").decode
