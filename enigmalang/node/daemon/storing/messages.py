"""What clients ask a node about storage, and what nodes ask each other, as MessagePack (`wire.dht_messages`,
`wire.chunk_messages`).

A client is anonymous to the channel. To read it shows a *pass*: the node's challenge, signed by the reader. So nodes
need no clock in common with clients, and what one node was shown is of no use at another.
"""

from typing import Annotated

import msgspec

from enigmalang.chain.digests import Domain
from enigmalang.ethereum.hashing import keccak256
from enigmalang.ethereum.words import address_word, number_word
from enigmalang.wire import chunk_messages as cm
from enigmalang.wire import dht_messages as dm
from enigmalang.wire.errors import WireError
from enigmalang.wire.messages import Message, Told, encode_message
from enigmalang.wire.typed import Address, Bytes32, Decoder

#: The first byte of what is asked of a node about storage (`daemon.parts`).
TOPIC = 3
#: Nodes of one answer.
MOST_NODES = 64

Db = Annotated[int, msgspec.Meta(ge=1, le=2)]
Size = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]
Addresses = Annotated[list[Address], msgspec.Meta(max_length=MOST_NODES)]
_PASS = "Pass(address node,uint8 db,bytes32 key,bytes32 challenge)"


class Pass(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Who reads: the node's challenge, and the reader's signature of it (`pass_digest`)."""

    who: Address
    challenge: Bytes32
    signature: Annotated[bytes, msgspec.Meta(min_length=65, max_length=65)]


# ---- of clients


class Where(Message, frozen=True):
    """Which nodes should hold `size` bytes under this key? Answered by `Holders`."""

    db: Db
    key: Bytes32
    size: Size


class Locate(Message, frozen=True):
    """The record of this key, and who has it. Answered by `Located`."""

    db: Db
    key: Bytes32


class Challenge(Message, frozen=True):
    """I want to read the data under this key. Answered by `Challenged`."""

    db: Db
    key: Bytes32


class Read(Message, frozen=True):
    """A chunk of the data under this key; without a pass, as anybody. Answered by `chunk_messages.Piece`, or `Denied`.
    """

    db: Db
    key: Bytes32
    place: cm.Place
    shown: Pass | None


ClientRequest = Where | Locate | Challenge | Read | dm.Store | cm.KeepChunk | cm.AskMissing


class Holders(Message, frozen=True):
    """The best first; `replicas` of them should hold the value."""

    nodes: Addresses
    replicas: Annotated[int, msgspec.Meta(ge=1, le=MOST_NODES)]


class Located(Message, frozen=True):
    """`record` is empty when none was found. Nothing of it is believed: the client checks it."""

    record: dm.Record
    holders: Addresses


class Challenged(Message, frozen=True):
    """What the reader is to sign."""

    challenge: Bytes32


class Denied(Message, frozen=True):
    """The reader may not read this, by what the hub says."""

    why: Told


ClientReply = Holders | Located | Challenged | Denied | dm.Stored | cm.Kept | cm.Lacking | cm.Piece

# ---- of nodes

PeerRequest = dm.Ping | dm.FindNode | dm.FindValue | dm.Store | dm.Offer | cm.KeepChunk | cm.AskChunk | cm.AskMissing
PeerReply = dm.Pong | dm.Nodes | dm.Value | dm.Stored | dm.Have | cm.Kept | cm.Piece | cm.Lacking

_WHAT = "storage message"
decode_client_request = Decoder[ClientRequest](ClientRequest, _WHAT).decode
decode_client_reply = Decoder[ClientReply](ClientReply, _WHAT).decode
decode_peer_request = Decoder[PeerRequest](PeerRequest, _WHAT).decode
decode_peer_reply = Decoder[PeerReply](PeerReply, _WHAT).decode


def encode(message: Message) -> bytes:
    """A request as it travels, without the topic; or a reply."""
    return encode_message(message)


# ---- names and passes


def name_of(db: int, key: bytes) -> bytes:
    """What a key of the hub is called in the DHT: 33 bytes."""
    return bytes([db]) + key


def split_name(name: bytes) -> tuple[int, bytes]:
    """The reverse of `name_of`. Raises WireError for what is no name."""
    if len(name) != 33 or name[0] not in (1, 2):
        raise WireError("a key that is none of the hub's")
    return name[0], name[1:]


def pass_digest(domain: Domain, node: str, db: int, key: bytes, challenge: bytes) -> bytes:
    """What a reader signs for the node with the address `node` (EIP-712): 32 bytes."""
    words = (address_word(node), number_word(db), key, challenge)
    return domain.digest(keccak256(keccak256(_PASS.encode()) + b"".join(words)))
