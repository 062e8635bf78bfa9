"""What both ends say in the clear before TLS begins.

The dialling end opens: magic, version, purpose, room, the fingerprint that it expects, its certificate. The other
end replies: magic, version, and its certificate or a reason why not. The first ten bytes of both, and all of the
reply, are laid out alike in every version, so that ends of different versions can tell each other so.

Nothing here is believed: TLS proves the keys of both certificates, and then both ends show each other a hash of all
that was said in the clear (`proof`), so that who sits between them cannot have changed a purpose or a room.

All little-endian. Opening: magic (8 bytes), version (uint16), purpose (uint8), room (32), wanted fingerprint (32),
length (uint16), certificate. Reply: magic (8), version (uint16), verdict (uint8, 0 welcome, 1 refused), length
(uint16), certificate or reason.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from enigmalang.transport.identity import MAX_CERTIFICATE_BYTES
from enigmalang.transport.peering.contacts import FINGERPRINT_BYTES
from enigmalang.transport.peering.errors import as_reason, printable
from enigmalang.wire.errors import WireError

MAGIC = b"\xf0enigma\n"  # no text, no TLS record, no HTTP
VERSION = 1
ROOM_BYTES = 32
NO_ROOM = bytes(ROOM_BYTES)
_FIRST = struct.Struct("<8sH")
_OPENING = struct.Struct("<B32s32sH")
_REPLY = struct.Struct("<BH")
_WELCOME, _REFUSED = 0, 1

#: Exactly so many bytes of what the other end says, or an OSError.
Read = Callable[[int], bytes]


class Purpose(IntEnum):
    """CONTROL: requests of a peer. DATA: a one-way link into a room. CLIENT: requests of an anonymous client."""

    CONTROL = 1
    DATA = 2
    CLIENT = 3


@dataclass(frozen=True, slots=True)
class Opening:
    """What the dialling end says; `wanted` is the fingerprint that it will accept of the other end."""

    purpose: Purpose
    room: bytes
    wanted: bytes
    certificate: bytes

    def encode(self) -> bytes:
        if len(self.room) != ROOM_BYTES or len(self.wanted) != FINGERPRINT_BYTES:
            raise ValueError("rooms and fingerprints are 32 bytes")
        head = _OPENING.pack(self.purpose, self.room, self.wanted, len(self.certificate))
        return _FIRST.pack(MAGIC, VERSION) + head + self.certificate


@dataclass(frozen=True, slots=True)
class Reply:
    """What the accepting end says: its certificate, or a reason."""

    certificate: bytes = b""
    reason: str = ""

    def encode(self) -> bytes:
        verdict, payload = (_REFUSED, as_reason(self.reason)) if self.reason else (_WELCOME, self.certificate)
        return _FIRST.pack(MAGIC, VERSION) + _REPLY.pack(verdict, len(payload)) + payload


def read_opening(read: Read) -> Opening:
    """Raises WireError with a reason that may be told; what comes after an unknown version is not read."""
    version = _read_version(read)
    if version != VERSION:
        raise WireError(f"version {VERSION} is spoken here, not {version}")
    purpose, room, wanted, length = _OPENING.unpack(read(_OPENING.size))
    try:
        known = Purpose(purpose)
    except ValueError:
        raise WireError(f"purpose {purpose} is not known here") from None
    if known is not Purpose.DATA and room != NO_ROOM:
        raise WireError("a room is for data only")
    return Opening(known, room, wanted, _read_certificate(read, length))


def read_reply(read: Read) -> Reply:
    """Raises WireError when it is none."""
    version = _read_version(read)
    verdict, length = _REPLY.unpack(read(_REPLY.size))
    if verdict == _REFUSED:
        if length > MAX_CERTIFICATE_BYTES:
            raise WireError(f"reason of {length} bytes, at most {MAX_CERTIFICATE_BYTES}")
        return Reply(reason=printable(read(length)) or "no reason given")
    if version != VERSION or verdict != _WELCOME:
        raise WireError(f"version {VERSION} is spoken here, not {version}")
    return Reply(_read_certificate(read, length))


def proof(role: str, opening: Opening, reply: Reply) -> bytes:
    """What the end in this role ("dial" or "answer") shows inside TLS: 32 bytes."""
    said, answered = opening.encode(), reply.encode()
    return sha256(f"enigma {role} {len(said)} ".encode() + said + answered).digest()


def _read_version(read: Read) -> int:
    magic, version = _FIRST.unpack(read(_FIRST.size))
    if magic != MAGIC:
        raise WireError("does not speak this protocol")
    return int(version)


def _read_certificate(read: Read, length: int) -> bytes:
    if not 0 < length <= MAX_CERTIFICATE_BYTES:
        raise WireError(f"certificate of {length} bytes, at most {MAX_CERTIFICATE_BYTES}")
    return read(length)
