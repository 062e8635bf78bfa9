"""Records: what a key's owner signed of the value under it, and the check against the pointer on the ledger.

Adversary: nodes and strangers that offer old, changed or invented records. A record counts only when the hub's pointer
of its key (`contracts/pointers.vy`) names its owner, its rule and its commitment, and its owner signed it (EIP-712).
The commitment covers everything but the signature, so the ledger decides which version is current; whoever cannot ask
the ledger accepts nothing.
"""

from dataclasses import dataclass
from typing import Annotated, Protocol

import msgspec

from enigmalang.dht.canonical import Malformed, decode, encode
from enigmalang.dht.chunks import MAX_STORED, Bytes32, ValueName, content_size
from enigmalang.dht.sealing import MOST_READERS, Sealing
from enigmalang.ethereum.hashing import keccak256
from enigmalang.ethereum.keys import Signature, SigningKey, recover
from enigmalang.ethereum.words import number_word

TYPE = ("Record(uint8 db,bytes32 key,address owner,uint64 version,uint64 size,bytes32 root,bytes32 sealing,"
        "bytes32 rule,uint64 expires,string kind)")
#: Bytes of an encoded `SignedRecord`.
MAX_RECORD = 1024 + 128 * MOST_READERS
#: Versions and times: what a signed integer of 64 bits holds.
_MOST = 2**63 - 1


class Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The value under `key` of `db` (1 DHT, 2 MPC, as on the hub): `size` bytes as stored, in chunks under `root`.

    `kind` is the text of the content's public type, as `L` keeps it; `rule` the name of a rule on the hub; `expires` a
    time (seconds since 1970) from which on nobody need keep it, 0 for as long as it is paid for.
    """

    db: Annotated[int, msgspec.Meta(ge=1, le=2)]
    key: Bytes32
    owner: Annotated[bytes, msgspec.Meta(min_length=20, max_length=20)]
    version: Annotated[int, msgspec.Meta(ge=1, le=_MOST)]
    size: Annotated[int, msgspec.Meta(ge=0, le=MAX_STORED)]
    root: Bytes32
    sealing: Sealing
    rule: Bytes32
    kind: Annotated[str, msgspec.Meta(max_length=64)] = ""
    expires: Annotated[int, msgspec.Meta(ge=0, le=_MOST)] = 0

    @property
    def address(self) -> str:
        """The owner's, 0x-hex in lower case."""
        return "0x" + self.owner.hex()

    @property
    def value(self) -> ValueName:
        """What its chunks belong to."""
        return ValueName(self.root, self.size)

    def commitment(self) -> bytes:
        """What the hub's pointer holds: the struct hash of EIP-712, 32 bytes."""
        return keccak256(
            keccak256(TYPE.encode()) + number_word(self.db) + self.key + self.owner.rjust(32, b"\0")
            + number_word(self.version) + number_word(self.size) + self.root + keccak256(encode(self.sealing))
            + self.rule + number_word(self.expires) + keccak256(self.kind.encode()))

    def digest(self, domain: bytes) -> bytes:
        """What the owner signs: 32 bytes. `domain`: the separator of the hub (`chain.digests.Domain.separator`)."""
        return keccak256(b"\x19\x01" + domain + self.commitment())


class SignedRecord(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A record on its way. `signature`: r, s, v (27 or 28), s in the lower half."""

    record: Record
    signature: Annotated[bytes, msgspec.Meta(min_length=65, max_length=65)]


@dataclass(frozen=True, slots=True)
class Verified:
    """A record that `verify` has let through: the only kind that a shelf takes."""

    signed: SignedRecord

    @property
    def record(self) -> Record:
        return self.signed.record


class Pointer(Protocol):
    """What the hub knows of a key (`chain.hub.Pointer`); owner 0x00…00 for a free one."""

    @property
    def owner(self) -> str: ...
    @property
    def commitment(self) -> bytes: ...
    @property
    def rule(self) -> bytes: ...


class Ledger(Protocol):
    """What records are checked against. Whatever it raises when the chain cannot be asked, `verify` lets through: then
    nothing is accepted."""

    def pointer(self, db: int, key: bytes) -> Pointer: ...

    def may_sign(self, owner: str, signer: str) -> bool:
        """Whether `signer`, who is not `owner`, may sign its records: a member of a shared identity whose policy lets
        it update what is the identity's (`Hub.may(signer, owner, "update")`)."""
        ...


class RecordRefused(Exception):
    """A record that is not the one on the ledger, or not its owner's."""


def sign_record(record: Record, domain: bytes, key: SigningKey) -> SignedRecord:
    """`record`, signed for the hub whose EIP-712 domain separator is `domain`."""
    return SignedRecord(record, key.sign(record.digest(domain)).to_bytes())


def encode_record(record: SignedRecord) -> bytes:
    """At most `MAX_RECORD` bytes."""
    return encode(record)


_RECORD = msgspec.msgpack.Decoder(SignedRecord)


def decode_record(data: bytes | memoryview) -> SignedRecord:
    """Raises canonical.Malformed. It is not verified yet."""
    found = decode(_RECORD, data, MAX_RECORD)
    try:
        check_bounds(found.record)
    except RecordRefused as refused:
        raise Malformed(str(refused)) from None
    return found


def check_bounds(record: Record) -> None:
    """What the types do not say of a record. Raises RecordRefused."""
    if not record.sealing.is_whole():
        raise RecordRefused("the sealing header is not whole")
    try:
        content_size(record.size, record.sealing.sealed)
    except ValueError as error:
        raise RecordRefused(str(error)) from None


def verify(signed: SignedRecord, domain: bytes, ledger: Ledger, now: int) -> Verified:
    """`signed`, if the ledger knows it as current, its owner signed it, and it has not expired at time `now`.

    Raises RecordRefused, and what `ledger` raises.
    """
    record = signed.record
    check_bounds(record)
    if record.expires and now >= record.expires:
        raise RecordRefused("the record has expired")
    pointer = ledger.pointer(record.db, record.key)
    if pointer.owner.lower() != record.address:
        raise RecordRefused("the key belongs to another on the ledger")
    if pointer.rule != record.rule:
        raise RecordRefused("the ledger has another rule for the key")
    if pointer.commitment != record.commitment():
        raise RecordRefused("the ledger has a commitment to another record")
    signer = _signer(signed, domain)
    if signer is None:
        raise RecordRefused("the record is not signed")
    if signer != record.address and not ledger.may_sign(record.address, signer):
        raise RecordRefused("the record is signed by another than its owner")
    return Verified(signed)


def supersedes(new: Record, old: Record) -> bool:
    """Whether `new` takes the place of `old` of the same owner under one key, on every node and in whatever order.

    The higher version; of two of one version, which only an owner who signs twice can make, the smaller commitment.
    """
    return (new.version, old.commitment()) > (old.version, new.commitment())


def _signer(signed: SignedRecord, domain: bytes) -> str | None:
    raw = signed.signature
    made = Signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big"), raw[64])
    return recover(signed.record.digest(domain), made)
