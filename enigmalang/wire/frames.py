"""Frames: a length, a tag, a body.

Header, 16 bytes little-endian: `length` (uint64, bytes of the body), `tag` (uint64). On the data
plane the tag is fixed by the plan and the receiver knows the length beforehand; on the control plane the tag
is a message counter. A frame says nothing about who sent it: the channel does.
"""

import struct

from enigmalang.wire.errors import WireError

HEADER = struct.Struct("<QQ")
HEADER_BYTES = HEADER.size

#: Largest body on a link: one layer's message to one peer (1 GiB is 2^27 elements of M61), one circuit with its
#: constants, or one circuit's openings.
MAX_DATA_BYTES = 1 << 30

MAX_TAG = (1 << 64) - 1

Buffer = bytes | bytearray | memoryview


def frame(tag: int, body: Buffer, limit: int = MAX_DATA_BYTES) -> bytes:
    """Header and body in one buffer. Raises WireError when body or tag is over its limit."""
    return header(tag, len(body), limit) + body


def header(tag: int, length: int, limit: int = MAX_DATA_BYTES) -> bytes:
    """The 16 bytes that announce a body of `length` bytes. Raises WireError when a limit is passed."""
    if not 0 <= tag <= MAX_TAG:
        raise WireError(f"frame tag {tag} is outside 0..2^64-1")
    if length > limit:
        raise WireError(f"frame of {length} bytes is over the limit of {limit} bytes")
    return HEADER.pack(length, tag)


def parse_header(buffer: Buffer, limit: int = MAX_DATA_BYTES) -> tuple[int, int]:
    """(length, tag) of the frame that starts with `buffer`. Raises WireError when short or over `limit`."""
    if len(buffer) < HEADER_BYTES:
        raise WireError(f"frame header of {len(buffer)} bytes, expected {HEADER_BYTES}")
    length, tag = HEADER.unpack_from(buffer)
    if length > limit:
        raise WireError(f"frame announces {length} bytes, over the limit of {limit} bytes")
    return length, tag


def expect_header(buffer: Buffer, tag: int, length: int) -> None:
    """Check that `buffer` starts with exactly this tag and length; the WireError names the difference."""
    got_length, got_tag = HEADER.unpack_from(buffer)
    if got_tag != tag:
        raise WireError(f"frame with tag {got_tag}, expected tag {tag}")
    if got_length != length:
        raise WireError(f"frame of {got_length} bytes, expected {length} bytes (tag {tag})")
