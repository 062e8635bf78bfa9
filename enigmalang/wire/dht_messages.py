"""What nodes ask each other about the DHT, as MessagePack: routing (Kademlia) and the records behind it.

A reply carries the number of the request it answers. Nodes are named by their registered address and nothing else:
where a node is to be reached and which key it holds is read from the hub, so that nobody can send us to a wrong place.
"""

from typing import Annotated

import msgspec

from enigmalang.wire.messages import Message, Told, encode_message
from enigmalang.wire.typed import Address, Bytes32, Decoder, Number

__all__ = ["MAX_CONTACTS", "MAX_OFFER", "MAX_RECORD_BYTES", "FindNode", "FindValue", "Have", "Nodes", "Offer", "Ping",
           "Pong", "Reply", "Request", "Store", "Stored", "Value", "decode_reply", "decode_request", "encode_message"]

#: Contacts in one answer; an upper bound on k (`dht.settings`).
MAX_CONTACTS = 32
#: Bytes of one record: what is signed and points at the chunks, not the chunks.
MAX_RECORD_BYTES = 1 << 18
#: Keys in one `Offer`.
MAX_OFFER = 1024

#: A place among the ids (`dht.ids`), big-endian.
Place = Bytes32
#: What storage knows a record or a chunk by; its place is `dht.ids.key_id` of it.
Key = Annotated[bytes, msgspec.Meta(min_length=1, max_length=64)]
Record = Annotated[bytes, msgspec.Meta(max_length=MAX_RECORD_BYTES)]


# --- requests ---


class Ping(Message, frozen=True):
    """Are you there? Answered by `Pong`."""

    number: Number


class FindNode(Message, frozen=True):
    """Which nodes nearest to `target` do you know? Answered by `Nodes`."""

    number: Number
    target: Place


class FindValue(Message, frozen=True):
    """The record of `key`, by `Value`, or the nodes nearest to it, by `Nodes`."""

    number: Number
    key: Key


class Store(Message, frozen=True):
    """Keep this record. Answered by `Stored`."""

    number: Number
    key: Key
    record: Record


class Offer(Message, frozen=True):
    """Which of these do you hold? Answered by `Have`."""

    number: Number
    keys: Annotated[list[Key], msgspec.Meta(max_length=MAX_OFFER)]


Request = Ping | FindNode | FindValue | Store | Offer


# --- replies ---


class Pong(Message, frozen=True):
    """Here I am."""

    number: Number


class Nodes(Message, frozen=True):
    """The nodes nearest to the target that the peer knows to be there, nearest first; and how many bytes it can still
    take. It is believed in neither: see `dht.machine`.
    """

    number: Number
    nodes: Annotated[list[Address], msgspec.Meta(max_length=MAX_CONTACTS)]
    free: Number


class Value(Message, frozen=True):
    """The record as it was stored. Who asked checks it."""

    number: Number
    record: Record


class Stored(Message, frozen=True):
    """Whether the peer keeps the record, and why it does not."""

    number: Number
    accepted: bool
    why: Told = ""


class Have(Message, frozen=True):
    """For each key of an `Offer`, in its order, whether the peer holds it."""

    number: Number
    have: Annotated[list[bool], msgspec.Meta(max_length=MAX_OFFER)]


Reply = Pong | Nodes | Value | Stored | Have

decode_request = Decoder[Request](Request, "DHT message").decode
decode_reply = Decoder[Reply](Reply, "DHT message").decode
