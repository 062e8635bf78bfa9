"""Places in the DHT: 256-bit ids of nodes and of keys, and the distance between them (Kademlia, section 2.1).

A node's id is a hash of the address it is registered under, so a node does not say where it stands: everybody computes
it. Ids that nodes claim for themselves are no ids here.

What that does against Sybil and eclipse attacks, and what it does not: hashing alone does not keep an attacker from
*choosing* a place, since he can make keys until one hashes to where he wants to be; among n nodes the nearest to a
given key costs about n tries, which is nothing. Two things stand against it. Each id needs an address that is
registered on the hub, with a deposit: surrounding a key costs k deposits, all of which can be seen by everybody. And
`drawn`, when the network gives it, is something that nobody could know before the address was registered (the hash of
the block that did it): trying another key then costs another registration and the notice period, not a hash. Neither
helps against someone who pays for a large part of all nodes.
"""

from hashlib import blake2b

BITS = 256
BYTES = BITS // 8


def node_id(address: str, drawn: bytes = b"") -> int:
    """The place of the node that is registered under `address` (0x and 40 hex digits, any case). All nodes of a network
    must use the same `drawn` for it. Raises ValueError for what is no address.
    """
    raw = bytes.fromhex(address.removeprefix("0x"))
    if len(raw) != 20 or not address.startswith("0x"):
        raise ValueError(f"not an address: {address!r}")
    return _hash(b"enig dht node", raw + drawn)


def key_id(key: bytes) -> int:
    """The place of a record's key (any bytes)."""
    return _hash(b"enig dht key", key)


def id_bytes(place: int) -> bytes:
    """An id as it travels: 32 bytes, big-endian."""
    return place.to_bytes(BYTES, "big")


def bytes_id(data: bytes) -> int:
    """The reverse of `id_bytes`. Raises ValueError unless there are 32 bytes."""
    if len(data) != BYTES:
        raise ValueError(f"an id of {len(data)} bytes, expected {BYTES}")
    return int.from_bytes(data, "big")


def bucket_of(mine: int, other: int) -> int:
    """The number of the bucket that `other` belongs to: 0 (differs in the last bit only) to 255; -1 for myself."""
    return (mine ^ other).bit_length() - 1


def place_in_bucket(mine: int, bucket: int, salt: bytes) -> int:
    """A place in the range of a bucket, drawn from `salt`: distance 2^bucket to 2^(bucket+1) - 1 from `mine`."""
    low = _hash(b"enig dht refresh", salt) & ((1 << bucket) - 1)
    return mine ^ (1 << bucket) ^ low


def _hash(purpose: bytes, data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=BYTES, person=purpose).digest(), "big")
