"""What a node keeps and to whom it gives it: the shelf behind the checks of the ledger.

Adversary: strangers and other nodes that want to store what nobody owns, replace what is kept, or read what they may
not. A record is taken when the hub's pointer names it (and its rent is paid, where rent is asked for); a chunk when it
is of the value of such a record, and handed over for that very key (`shelf`); and a chunk is given to whom the
predicate lets, who proves to be that by a pass.
Nodes are given chunks by each other (`KeepChunk`) and take none: so a node sees the sealed data that it was chosen for.
"""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from enigmalang.chain.errors import ChainError
from enigmalang.dht.canonical import Malformed
from enigmalang.dht.chunks import ChunkRefused, ValueName, decode_chunk, encode_chunk
from enigmalang.dht.records import Record, RecordRefused, SignedRecord, Verified, decode_record, encode_record
from enigmalang.dht.rent import may_read
from enigmalang.dht.shelf import Shelf, ShelfFull, ShelfRefused
from enigmalang.node.daemon.storing import messages as m
from enigmalang.node.daemon.storing.ledger import ANYBODY, HubLedger, check_paid, check_taker
from enigmalang.node.daemon.storing.passes import Passes
from enigmalang.wire import chunk_messages as cm
from enigmalang.wire import dht_messages as dm
from enigmalang.wire.errors import WireError

#: Bytes of a commitment in what is offered: which version of a key is meant.
_VERSION_BYTES = 16
_SILENT = "the chain cannot be asked now"


def offered(record: Record) -> bytes:
    """What a version of a key is called among nodes (`Offer`)."""
    return m.name_of(record.db, record.key) + record.commitment()[:_VERSION_BYTES]


class Keeper:
    """`driver.Store`, and the answers to clients. Any thread. `me`: this node. `refused` hears whom the predicate did
    not let read; `changed` that what is free may have changed."""

    def __init__(self, me: str, shelf: Shelf, ledger: HubLedger, passes: Passes, folder: Path,
                 refused: Callable[[str, int, bytes], None], changed: Callable[[], None]) -> None:
        self._me, self.shelf, self.ledger, self._passes, self._folder = me, shelf, ledger, passes, folder
        self._refused, self._changed = refused, changed

    @property
    def free(self) -> int:
        """Bytes that can still be taken: of the quota, and of the disk."""
        usage = self.shelf.usage()
        return max(0, min(usage.quota - usage.used, shutil.disk_usage(self._folder).free))

    def whole(self, record: Record) -> bool:
        return self.shelf.missing(record) == ()

    # ---- for the DHT

    def answer(self, peer: str, request: dm.Store | dm.Offer | dm.FindValue
               ) -> dm.Stored | dm.Have | dm.Value | None:
        """See `driver.Store`."""
        match request:
            case dm.Store(number):
                try:
                    return self.store(request, peer)
                except (RecordRefused, ChainError) as refused:
                    return dm.Stored(number, False, _told(refused))
            case dm.Offer(number, names):
                return dm.Have(number, [self._has(name) for name in names])
            case dm.FindValue(number, name):
                kept = self.kept(*m.split_name(name))
                return None if kept is None else dm.Value(number, encode_record(kept))

    def judge(self, name: bytes, record: bytes) -> int | None:
        """See `driver.Store`. What cannot be checked is not valid."""
        try:
            return self._verified(name, record).record.version
        except (RecordRefused, ChainError, WireError):
            return None

    def kept(self, db: int, key: bytes) -> SignedRecord | None:
        """The record of a key whose value is here whole."""
        found = self.shelf.record(db, key)
        return found if found is not None and self.whole(found.record) else None

    def _has(self, name: bytes) -> bool:
        if len(name) != 33 + _VERSION_BYTES:
            return False
        found = self.shelf.record(*m.split_name(name[:33]))
        return found is not None and offered(found.record) == name and self.whole(found.record)

    # ---- storing

    def store(self, request: dm.Store, giver: str | None = None) -> dm.Stored:
        """Keep a record, and room for its value. `giver`: the node that copies it to this one; None: a client. Raises
        RecordRefused for one that is not (yet) the ledger's, or for which this node is not paid, and ChainError."""
        try:
            verified = self._verified(request.key, request.record)
            check_paid(self.ledger.paid(verified.record))
            check_taker(self.ledger.paid_holders(verified.record), self._me, giver)
            self._put(verified)
        except (WireError, ShelfRefused, ShelfFull) as refused:
            return dm.Stored(request.number, False, _told(refused))
        self._changed()
        return dm.Stored(request.number, True)

    def _verified(self, name: bytes, body: bytes) -> Verified:
        db, key = m.split_name(name)
        signed = decode_record(body)
        if (signed.record.db, signed.record.key) != (db, key):
            raise RecordRefused("the record is of another key")
        return self.ledger.verified(signed)

    def _put(self, verified: Verified) -> None:
        record = verified.record
        try:
            self.shelf.put(verified)
        except ShelfRefused:
            # The ledger says which version is current: one with a higher number that it does not know must go.
            kept = self.shelf.record(record.db, record.key)
            if kept is not None and self.current(kept):
                raise
            self.shelf.drop(record.db, record.key)
            self.shelf.put(verified)

    def current(self, kept: SignedRecord) -> bool:
        """Whether the ledger still knows a record. Raises ChainError."""
        try:
            self.ledger.verified(kept)
        except RecordRefused:
            return False
        return True

    def keep_chunk(self, request: cm.KeepChunk) -> cm.Kept:
        """On disk when it is accepted."""
        try:
            record = self._meant(request)
            if record is None:
                return cm.Kept(request.number, False, "no record of this value is kept")
            self.shelf.put_chunks(record, [decode_chunk(request.chunk)])
        except (WireError, Malformed, ChunkRefused, ShelfRefused, ShelfFull) as refused:
            return cm.Kept(request.number, False, _told(refused))
        return cm.Kept(request.number, True)

    def lacking(self, request: cm.AskMissing) -> cm.Lacking:
        record = self._meant(request)
        places = None if record is None else self.shelf.missing(record)
        return cm.Lacking(request.number, places is not None, list(places or ()))

    def _meant(self, request: cm.KeepChunk | cm.AskMissing) -> Record | None:
        """The record under the key that is named, if it is of the value that is. Raises WireError."""
        signed = self.shelf.record(*m.split_name(request.key))
        fits = signed is not None and signed.record.value == ValueName(request.root, request.size)
        return signed.record if signed is not None and fits else None

    # ---- reading

    def challenge(self, request: m.Challenge) -> m.Challenged:
        return m.Challenged(self._passes.challenge(request.db, request.key))

    def read(self, request: m.Read) -> cm.Piece | m.Denied:
        """A chunk, for whom the predicate lets. Raises ChainError."""
        db, key = request.db, request.key
        signed = self.shelf.record(db, key)
        if signed is None:
            return cm.Piece(0, b"", "no record of this key is here")
        record, who = signed.record, ANYBODY
        if request.shown is not None:
            found = self._passes.reader(db, key, request.shown)
            if found is None:
                return m.Denied("the pass is not good here, or not any more")
            who = found
        permitted = self.ledger.may_read(who, db, key)
        if not permitted:
            if who != ANYBODY:
                self._refused(who, db, key)
            return m.Denied("the predicate of this key does not let you read it")
        if not may_read(self.ledger.paid_lately(record), who == record.address, permitted):
            return m.Denied("the rent for this value has run out")
        if request.place >= record.value.chunks:
            return cm.Piece(0, b"", "the value has no such chunk")
        chunk = self.shelf.chunk(record, request.place)
        return cm.Piece(0, b"", "this chunk is missing here") if chunk is None else cm.Piece(0, encode_chunk(chunk))


def _told(error: Exception) -> str:
    """The text of one of our own errors, as another node is told it."""
    if isinstance(error, ChainError | sqlite3.Error):
        return _SILENT
    return "".join(char if char.isprintable() else "?" for char in str(error))[:200]
