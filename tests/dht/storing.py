"""A ledger in memory and records on it, for tests of storage."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha3_256, shake_256
from io import BytesIO

from enigmalang.dht.chunks import Chunk, ValueName, leaf_of, path_to, pieces, root_of
from enigmalang.dht.records import Record, SignedRecord, Verified, sign_record, verify
from enigmalang.dht.sealing import CLEAR, Sealer, Sealing
from enigmalang.ethereum.keys import SigningKey
from enigmalang.identity.keys import Identity, Keystore

DOMAIN = sha3_256(b"a hub on a chain").digest()
RULE = sha3_256(b"a rule").digest()
NOBODY = "0x" + "00" * 20
NOW = 1_700_000_000
KEYS = Keystore()
ALICE, BOB, EVE = (KEYS.get(name) for name in ("alice", "bob", "eve"))


class NoChain(Exception):
    """The chain cannot be asked."""


@dataclass(frozen=True)
class Pointer:
    owner: str = NOBODY
    commitment: bytes = bytes(32)
    rule: bytes = bytes(32)


@dataclass
class Ledger:
    """The hub's pointers. `gone`: the chain is out of reach; `members`: who may sign for whom."""

    pointers: dict[tuple[int, bytes], Pointer] = field(default_factory=dict)
    members: set[tuple[str, str]] = field(default_factory=set)
    gone: bool = False

    def pointer(self, db: int, key: bytes) -> Pointer:
        if self.gone:
            raise NoChain
        return self.pointers.get((db, key), Pointer())

    def may_sign(self, owner: str, signer: str) -> bool:
        return (owner, signer) in self.members

    def point(self, record: Record) -> None:
        self.pointers[record.db, record.key] = Pointer(record.address, record.commitment(), record.rule)


@dataclass(frozen=True)
class Ready:
    """What a client has ready to store: the chunks as they are stored, their leaves and the header."""

    chunks: tuple[bytes, ...]
    sealing: Sealing = CLEAR

    @property
    def leaves(self) -> list[bytes]:
        return [leaf_of(chunk) for chunk in self.chunks]

    @property
    def size(self) -> int:
        return sum(map(len, self.chunks))

    @property
    def root(self) -> bytes:
        return root_of(self.leaves)

    @property
    def name(self) -> ValueName:
        return ValueName(self.root, self.size)

    def chunk(self, index: int) -> Chunk:
        """As it travels."""
        return Chunk(index, self.chunks[index], path_to(self.leaves, index))

    def all_chunks(self) -> list[Chunk]:
        leaves = self.leaves
        return [Chunk(i, data, path_to(leaves, i)) for i, data in enumerate(self.chunks)]


def filled(size: int, seed: str = "content") -> bytes:
    """Bytes that repeat nowhere, the same for the same seed."""
    return shake_256(seed.encode()).digest(size)


def in_the_clear(content: bytes) -> Ready:
    return Ready(tuple(pieces(BytesIO(content), len(content), sealed=False)))


def sealed(content: bytes, readers: Sequence[Identity]) -> Ready:
    sealer = Sealer(len(content), [reader.public_key for reader in readers])
    return Ready(tuple(sealer.chunks(BytesIO(content))), sealer.sealing)


def name(text: str) -> bytes:
    return sha3_256(text.encode()).digest()


def record_of(value: Ready, key: str = "key", owner: Identity = ALICE, version: int = 1, expires: int = 0) -> Record:
    return Record(1, name(key), bytes.fromhex(owner.address[2:]), version, value.size, value.root, value.sealing, RULE,
                  "bytes", expires)


def signing_key(who: Identity) -> SigningKey:
    assert who.signing is not None
    return who.signing


def signed(record: Record, by: Identity = ALICE) -> SignedRecord:
    return sign_record(record, DOMAIN, signing_key(by))


def verified(value: Ready, key: str = "key", version: int = 1, expires: int = 0) -> Verified:
    """Alice's record of `value`, as the ledger knows it."""
    record, ledger = record_of(value, key, version=version, expires=expires), Ledger()
    ledger.point(record)
    return verify(signed(record), DOMAIN, ledger, NOW)
