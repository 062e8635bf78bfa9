"""`DHT` of a program at the nodes of a network (`execute.ports.Store`).

A value is sealed here for whom its predicate may ever let read it, with a record that says its type; when the hub
points to it (the interpreter does that, as it does for every store), its owner signs the record and nodes take it.
Rent is paid from what the owner has in the contract for it, and what is missing there from the owner's account.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from enigmalang.chain.digests import kind_text
from enigmalang.chain.errors import Reverted
from enigmalang.chain.hub import DHT, Hub, Pointer
from enigmalang.chain.logbook import key_id
from enigmalang.chain.receiving import receiving_key
from enigmalang.dht.chunks import content_size
from enigmalang.dht.records import sign_record
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute.packed import pack
from enigmalang.execute.ports import Identities, StoreError
from enigmalang.execute.ports import Identity as Reader
from enigmalang.identity.keys import Identity
from enigmalang.node.receivers import check_keys
from enigmalang.node.remote_fetching import Found, find, read
from enigmalang.node.remote_nodes import Nodes
from enigmalang.node.remote_service import RemoteError
from enigmalang.node.remote_storage import Draft, Rent, or_as_before
from enigmalang.types.types import BytesT, Type


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """What the hub and a record say of a value."""

    owner: str
    type: Type
    predicate: None = None  # the hub has it


class NetworkStore:
    """For one thread. `type_of` reads the text of a type; None: the program does not know it. A context manager."""

    asks = False

    def __init__(self, hub: Hub, nodes: Nodes, identities: Identities, type_of: Callable[[str], Type | None],
                 rent: Rent | None = None) -> None:
        self._hub, self._nodes, self._identities, self._type_of, self._rent = hub, nodes, identities, type_of, rent
        self._drafts: dict[bytes, tuple[Draft, Pointer]] = {}  # and what the hub pointed to before
        self._found: tuple[Any, Found] | None = None  # what `get` gave last

    def __enter__(self) -> "NetworkStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    # ---- writing

    def stage(self, key: Any, content: bytes, *, readers: Sequence[bytes] | None, owner: str, type: Any,
              predicate: Any, rule: bytes) -> bytes:
        """See `Store.stage`. Rent is paid here: nodes take nothing that is not paid for."""
        self.discard()
        with _told():
            draft = Draft(self._nodes, owner, key_id(key), BytesIO(content), len(content), readers, rule,
                          kind_text(str(type)))
            self._drafts[draft.record.key] = draft, self._hub.pointer(DHT, draft.record.key)
            if self._rent is not None:
                draft.pay(self._rent, self._payer(owner))
            return draft.record.commitment()

    def _payer(self, owner: str) -> SigningKey:
        identity = self._identities.at(owner)
        key = identity.signing if isinstance(identity, Identity) else None
        if key is None:
            raise StoreError("E0510", f"{owner} has no key of its own to pay rent with", "store it as one of its "
                             "members")
        return key

    def publish(self) -> None:
        """See `Store.publish`."""
        with _told():
            for draft, before in self._drafts.values():
                record = draft.record
                signer = self._signer(record.address)
                with or_as_before(self._hub, signer, record.key, before):
                    draft.upload(sign_record(record, self._hub.domain.separator, signer))
        self.discard()

    def _signer(self, owner: str) -> SigningKey:
        """The owner's key, or that of a member of a shared identity whose policy lets it."""
        identity = self._identities.at(owner)
        if isinstance(identity, Identity) and identity.signing is not None:
            return identity.signing
        for member in (self._identities.local_members(identity) or ()) if identity is not None else ():
            found = self._identities.at(member)
            if isinstance(found, Identity) and found.signing is not None and self._hub.may(member, owner, "update"):
                return found.signing
        raise StoreError("E0510", f"nobody here may sign what {owner} stores")

    def discard(self) -> None:
        """See `Store.discard`."""
        while self._drafts:
            _, (draft, _) = self._drafts.popitem()
            draft.__exit__()
        self._found = None

    # ---- reading

    def get(self, key: Any) -> StoredRecord | None:
        """See `Store.get`."""
        with _told():
            try:
                found = find(self._hub, self._nodes, key_id(key))
            except RemoteError as error:
                if error.code == "E0511":
                    return None
                raise
            if found.record is None:
                raise RemoteError("E0709", "the key has an owner on the hub, and no node that answers has its value",
                                  "`enig dht show` says who holds it; try again later")
            type = self._type_of(found.record.kind) if found.record.kind else BytesT(None)
            if type is None:
                raise StoreError("E0201", f"a value of type {found.record.kind}, which this program does not know")
            self._found = key, found
            return StoredRecord(found.pointer.owner.lower(), type)

    def open(self, key: Any, reader: Reader) -> bytes | None:
        """See `Store.open`."""
        if self._found is None or self._found[0] != key:
            self.get(key)
        if self._found is None:
            return None
        found, content = self._found[1], bytearray()
        assert found.record is not None and isinstance(reader, Identity)
        sealing = found.record.sealing
        if sealing.sealed and all(wrap.reader != reader.public_key for wrap in sealing.wraps):
            return None
        with _told():
            size = read(self._hub, self._nodes, found, reader if reader.signing is not None else None, content.extend)
        assert size == content_size(found.record.size, sealing.sealed)
        if found.record.kind:
            return bytes(content)
        return pack([bytes(content)], BytesT(None))  # a file, of `enig dht put`

    def published(self, address: str) -> bytes | None:
        """See `Store.published`."""
        key = receiving_key(self._hub.chain, self._hub.address, address)
        try:
            check_keys([key] if key is not None else [])
        except ValueError:
            return None
        return key


@contextmanager
def _told() -> Iterator[None]:
    """What went wrong, as the interpreter shows it."""
    try:
        yield
    except RemoteError as error:
        raise StoreError(error.code, error.text, error.help) from None
    except Reverted as error:
        code = "E0512" if "balance" in error.text else "E0709"
        raise StoreError(code, f"the rent was not taken: {error.text}") from None
