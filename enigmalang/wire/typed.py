"""Messages as MessagePack, read back as members of one union of types: what all control messages travel by.

The union is what the receiver takes at that place; its types say what is allowed in each field. Everything else is a
`WireError`: unknown messages and fields, wrong types, values out of bounds, what is no MessagePack at all.
"""

from typing import Annotated, Any, Generic, TypeVar

import msgspec

from enigmalang.wire.errors import WireError

#: Of jobs, committees, blocks, seconds, requests: what a signed word holds.
Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
#: 0x and 40 hex digits in lower case.
Address = Annotated[str, msgspec.Meta(max_length=42, pattern=r"\A0x[0-9a-f]{40}\Z")]
Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]

T = TypeVar("T")
_ENCODER = msgspec.msgpack.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """The bytes of a message; equal messages have equal bytes."""
    return _ENCODER.encode(message)


class Decoder(Generic[T]):
    """Reads members of `union`, which `what` calls in errors. Any thread."""

    __slots__ = ("_decoder", "_what")

    def __init__(self, union: Any, what: str) -> None:
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(union)
        self._what = what

    def decode(self, data: bytes | memoryview) -> T:
        """Raises WireError for anything that is no member of the union."""
        try:
            return self._decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise WireError(f"malformed {self._what}: {error}") from None
