"""One encoding for each value: MessagePack as msgspec writes it, and nothing else that would read the same.

What is hashed, signed or compared travels in it, so that no two byte strings mean one record.
"""

from typing import Any, TypeVar

import msgspec

from enigmalang.wire.errors import WireError

T = TypeVar("T")
_ENCODER = msgspec.msgpack.Encoder()


class Malformed(WireError):
    """Bytes of a peer that are not the canonical encoding of what they should be."""


def encode(value: Any) -> bytes:
    """The canonical bytes of a structure of this package."""
    return _ENCODER.encode(value)


def decode(decoder: msgspec.msgpack.Decoder[T], data: bytes | memoryview, most: int) -> T:
    """What `data`, of at most `most` bytes, encodes. Raises Malformed for anything but its canonical encoding."""
    if len(data) > most:
        raise Malformed(f"{len(data)} bytes, where {most} is the most")
    try:
        value = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error)) from None
    if _ENCODER.encode(value) != data:
        raise Malformed("not in its canonical encoding")
    return value
