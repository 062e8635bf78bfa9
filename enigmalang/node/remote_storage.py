"""Data in the DHT from a client's side: sealed here, pointed to on the hub, kept by nodes.

Nothing that a node says is believed: a record counts when the hub's pointer names it, a chunk when its proof leads to
the record's root. Where a node is reached and which key it holds is read from the hub. A node that does not answer, or
answers wrongly, is passed over for another.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from tempfile import TemporaryFile
from time import monotonic, sleep, time
from typing import BinaryIO

from enigmalang.chain import development
from enigmalang.chain.client import Chain
from enigmalang.chain.hub import DHT, Hub, Pointer
from enigmalang.chain.rules import rule_name
from enigmalang.chain.storage import Storage
from enigmalang.dht.canonical import Malformed
from enigmalang.dht.chunks import (
    MAX_CONTENT,
    BadSource,
    Chunk,
    ChunkRefused,
    ValueName,
    decode_chunk,
    encode_chunk,
    leaf_of,
    length_of,
    path_to,
    pieces,
    root_of,
    stored_size,
)
from enigmalang.dht.records import (
    Record,
    RecordRefused,
    SignedRecord,
    decode_record,
    encode_record,
    sign_record,
)
from enigmalang.dht.sealing import CLEAR, Opener, SealBroken, Sealer, opener
from enigmalang.ethereum.keys import SigningKey
from enigmalang.identity.keys import Identity
from enigmalang.node.daemon.storing import messages as m
from enigmalang.node.daemon.storing.ledger import ANYBODY, HubLedger
from enigmalang.node.remote_service import RemoteError
from enigmalang.transport.peering.client import ClientConnection
from enigmalang.transport.peering.contacts import Contact
from enigmalang.transport.peering.errors import PeeringError, PeerRefused
from enigmalang.transport.peering.limits import Limits
from enigmalang.wire import chunk_messages as cm
from enigmalang.wire import dht_messages as dm
from enigmalang.wire.errors import WireError
from enigmalang.wire.messages import Message

#: Seconds that a node has for an answer; for finding others, for which it asks many.
ASK, FIND = 20.0, 60.0
#: Seconds for which a node may be behind the chain that this client sees, and between two tries.
BEHIND, PAUSE = 15.0, 0.3
#: Wei that a development identity gets to pay transactions with.
FUNDS = 10**18
#: Chunks that are under way at once, to one node or from all.
AT_ONCE = 4
_NODES = "`enig node status` shows a node's owner what it is doing; try again later"


@dataclass(frozen=True, slots=True)
class Stored:
    """`holders` have all of the value on their disks; `wanted` should."""

    record: Record
    holders: tuple[str, ...]
    wanted: int


@dataclass(frozen=True, slots=True)
class Found:
    """A record that the hub names, and who says to hold its value. `record` None: nobody was found who does."""

    pointer: Pointer
    record: Record | None
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rent:
    """What is paid for keeping a value: to the contract, for `period` seconds at once; again and again if it `renews`,
    from what the owner has put into the contract."""

    contract: Storage
    period: int
    renews: bool = False


class Nodes:
    """The connections of a client. A context manager; any thread. `contacts`: the active nodes (by the hub), in the
    order in which they are asked."""

    def __init__(self, contacts: Sequence[Contact]) -> None:
        self._contacts = {contact.address: contact for contact in contacts}
        self._open = {contact.address: ClientConnection(contact, Limits()) for contact in contacts}

    def __enter__(self) -> "Nodes":
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._open.values():
            connection.close()

    def known(self, addresses: Sequence[str]) -> list[str]:
        """Those of `addresses` that the hub has as active nodes, each once."""
        return [address for address in dict.fromkeys(addresses) if address in self._open]

    def addresses(self) -> list[str]:
        return list(self._open)

    def ask(self, node: str, message: Message, seconds: float = ASK) -> m.ClientReply:
        """Raises PeeringError, and WireError for what is no reply."""
        return m.decode_client_reply(self._open[node].ask(bytes([m.TOPIC]) + m.encode(message), seconds))

    def each(self, message: Message, seconds: float) -> Iterator[tuple[str, m.ClientReply]]:
        """The replies of the nodes, one after the other, of those that give one. Raises RemoteError E0709 when none
        does."""
        failed: list[str] = []
        for node, contact in self._contacts.items():
            try:
                yield node, self.ask(node, message, seconds)
            except (PeeringError, WireError) as error:
                reason = error.reason if isinstance(error, PeeringError) else str(error)
                failed.append(f"{contact.host}:{contact.port} ({reason})")
        if len(failed) == len(self._contacts):
            raise RemoteError("E0709", f"no node answers: {', '.join(failed) or 'there is none on the hub'}", _NODES)


# ---- storing


def put(hub: Hub, nodes: Nodes, owner: Identity, key: bytes, source: BinaryIO, size: int,
        readers: Sequence[bytes] | None, words: Sequence[int], rent: Rent | None = None) -> Stored:
    """Store the `size` bytes of `source` under `key` of DHT, so that the rule `words` says who may read.

    `readers`: the X25519 keys to seal it for; None: it is stored in the clear. `source` is read once, a piece at a
    time. Raises RemoteError: E0510 when the key is another's, E0709 when no node takes it; ChainError; BadSource.
    """
    if size > MAX_CONTENT:
        raise RemoteError("E0608", f"a value has at most {MAX_CONTENT:,} bytes, and this has {size:,}")
    assert owner.signing is not None
    before = hub.pointer(DHT, key)
    if before.owner not in (ANYBODY, owner.address):
        raise RemoteError("E0510", f"the key belongs to {before.owner}", "take another key, or act as its owner")
    with TemporaryFile(prefix="enig-dht-") as spool:  # what is in it is sealed, or for anyone
        sealer = Sealer(size, readers) if readers is not None else None
        sealed = sealer.chunks(source) if sealer else pieces(source, size, sealed=False)
        leaves = []
        for chunk in sealed:
            spool.write(chunk)
            leaves.append(leaf_of(chunk))
        spool.flush()
        stored = stored_size(size, sealer is not None)
        record = Record(DHT, key, bytes.fromhex(owner.address[2:]), time_version(), stored, root_of(leaves),
                        sealer.sealing if sealer else CLEAR, rule_name(words))
        candidates, wanted = _candidates(nodes, record)
        if not candidates:
            raise RemoteError("E0709", f"no node has room for {record.size:,} bytes", _NODES)
        if not hub.rule(record.rule):
            hub.declare(owner.signing, words)
        if rent is not None:
            _pay(rent, owner.signing, record, candidates[:wanted])
        hub.point(owner.signing, DHT, key, record.commitment(), record.rule)
        upload = _Upload(nodes, sign_record(record, hub.domain.separator, owner.signing), leaves, spool)
        return upload.run(candidates, wanted)


def with_funds(chain: Chain, address: str) -> None:
    """On a development chain, see that `address` can pay for transactions."""
    if chain.development and not chain.balance(address):
        development.fund(chain, address, FUNDS)


def time_version() -> int:
    """A version that is above those before: milliseconds since 1970. Where a clock went back, the hub decides."""
    return int(time() * 1000)


def _candidates(nodes: Nodes, record: Record) -> tuple[list[str], int]:
    """Who should hold the value, the best first, and how many of them."""
    for _, reply in nodes.each(m.Where(record.db, record.key, record.size), FIND):
        if isinstance(reply, m.Holders):
            return nodes.known(reply.nodes), reply.replicas
    return [], 0


def _pay(rent: Rent, owner: SigningKey, record: Record, holders: Sequence[str]) -> None:
    """Lease room at the nodes that should hold the value, in place of what was leased for the key before."""
    contract = rent.contract
    cost = contract.rate(record.size) * rent.period * len(holders)
    missing = max(0, cost - contract.balance(owner.address))
    contract.store(owner, record.db, record.key, record.size, rent.period, holders, renews=rent.renews, value=missing)


class _Refused(Exception):
    """A node did not take the value; the text says why."""


class _Upload:
    def __init__(self, nodes: Nodes, signed: SignedRecord, leaves: Sequence[bytes], spool: BinaryIO) -> None:
        self._nodes, self._signed, self._leaves = nodes, signed, leaves
        self._file = spool.fileno()

    def run(self, candidates: Sequence[str], wanted: int) -> Stored:
        """Hand the value to `wanted` of the candidates, all at once, and to the next one for each that fails."""
        left, holders, failed = list(candidates), list[str](), list[str]()
        while left and len(holders) < wanted:
            now, left = left[: wanted - len(holders)], left[wanted - len(holders) :]
            with ThreadPoolExecutor(len(now), "enig-put") as pool:
                for node, why in zip(now, pool.map(self._why_not, now), strict=True):
                    if why:
                        failed.append(f"{node} ({why})")
                    else:
                        holders.append(node)
        if not holders:
            raise RemoteError("E0709", f"no node took the value: {', '.join(failed)}", _NODES)
        return Stored(self._signed.record, tuple(holders), wanted)

    def _why_not(self, node: str) -> str:
        """Empty when the node has all of it on its disk."""
        try:
            self._hand_over(node)
        except (PeeringError, WireError) as error:
            return error.reason if isinstance(error, PeeringError) else str(error)
        except _Refused as refused:
            return str(refused)
        return ""

    def _hand_over(self, node: str) -> None:
        record = self._signed.record
        stored = self._store(node)
        if not isinstance(stored, dm.Stored) or not stored.accepted:
            raise _Refused(stored.why if isinstance(stored, dm.Stored) else "another answer")
        lacking = self._nodes.ask(node, cm.AskMissing(0, record.root, record.size))
        if not isinstance(lacking, cm.Lacking) or not lacking.known:
            raise _Refused("another answer")
        with ThreadPoolExecutor(AT_ONCE, "enig-put") as pool:
            for _ in pool.map(lambda place: self._hand_chunk(node, place), lacking.places):
                pass

    def _store(self, node: str) -> m.ClientReply:
        """A node that refuses may not have heard of the newest block yet."""
        request = dm.Store(0, m.name_of(DHT, self._signed.record.key), encode_record(self._signed))
        deadline = monotonic() + BEHIND
        while True:
            try:
                return self._nodes.ask(node, request)
            except PeerRefused:
                if monotonic() > deadline:
                    raise
                sleep(PAUSE)

    def _hand_chunk(self, node: str, place: int) -> None:
        value = self._signed.record.value
        length = length_of(value.size, place)
        data = os.pread(self._file, length, place * length_of(value.size, 0))
        chunk = encode_chunk(Chunk(place, data, path_to(self._leaves, place)))
        kept = self._nodes.ask(node, cm.KeepChunk(0, value.root, value.size, chunk))
        if not isinstance(kept, cm.Kept) or not kept.accepted:
            raise _Refused(kept.why if isinstance(kept, cm.Kept) else "another answer")


# ---- finding and reading


def find(hub: Hub, nodes: Nodes, key: bytes) -> Found:
    """What is stored under `key` of DHT. Raises RemoteError E0511 for a key that nobody owns, E0709; ChainError."""
    pointer, ledger = hub.pointer(DHT, key), HubLedger(hub)
    if pointer.owner == ANYBODY:
        raise RemoteError("E0511", "nothing was ever stored under this key", "`enig dht put KEY FILE` stores something")
    for _, reply in nodes.each(m.Locate(DHT, key), FIND):
        if isinstance(reply, m.Located) and reply.record:
            try:
                record = ledger.verified(decode_record(reply.record)).record
            except (RecordRefused, Malformed):
                continue
            if record.key == key and record.db == DHT:
                return Found(pointer, record, tuple(nodes.known(reply.holders)))
    return Found(pointer, None, ())


def read(hub: Hub, nodes: Nodes, found: Found, reader: Identity | None, write: Callable[[bytes | memoryview], object]
         ) -> int:
    """Hand the content of `found` to `write`, piece after piece, each checked; gives its size.

    Raises RemoteError: E0510 when the reader may not, E0709 when the holders do not give it; and what `write` raises.
    """
    if found.record is None:
        raise RemoteError("E0709", "the key has an owner on the hub, and no node that answers has its value", _NODES)
    download = _Download(hub, nodes, found.record, found.holders, reader)
    opening, size = download.opening(), 0
    value = found.record.value
    with ThreadPoolExecutor(AT_ONCE, "enig-get") as pool:
        for first in range(0, value.chunks, 2 * AT_ONCE):
            places = range(first, min(first + 2 * AT_ONCE, value.chunks))
            for place, data in zip(places, pool.map(download.chunk, places), strict=True):
                try:
                    piece = opening.open(place, data)
                except SealBroken as broken:  # the proof was right: the owner sealed it so
                    raise RemoteError("E0706", f"the owner's data is not what its header says: {broken}") from None
                write(piece)
                size += len(piece)
    return size


class _Download:
    """The chunks of one value, from whichever holder gives them. Any thread."""

    def __init__(self, hub: Hub, nodes: Nodes, record: Record, holders: Sequence[str], reader: Identity | None) -> None:
        self._hub, self._nodes, self._record, self._reader = hub, nodes, record, reader
        self._holders = list(holders)
        self._passes: dict[str, m.Pass] = {}

    def opening(self) -> Opener:
        """Raises RemoteError E0510."""
        sealing, reader = self._record.sealing, self._reader
        public, private = (reader.public_key, reader.private_key) if reader else (b"", b"")
        try:
            found = opener(sealing, self._record.size, public, private)
        except SealBroken as broken:
            raise RemoteError("E0706", str(broken)) from None
        if found is None:
            who = f"{reader.name} ({reader.address})" if reader else "who does not say who it is"
            raise RemoteError("E0510", f"the value is not sealed for {who}", "say --key with the name of a reader")
        return found

    def chunk(self, place: int) -> bytes:
        """Checked. Raises RemoteError."""
        failed: list[str] = []
        denied = 0
        for holder in list(self._holders):
            try:
                reply = self._asked(holder, place)
                if isinstance(reply, cm.Piece) and reply.chunk:
                    return _checked(reply.chunk, self._record.value, place)
                denied += isinstance(reply, m.Denied)
                why = reply.why if isinstance(reply, cm.Piece | m.Denied) else "another answer"
            except (PeeringError, WireError, ChunkRefused) as error:
                why = error.reason if isinstance(error, PeeringError) else str(error)
            failed.append(f"{holder}: {why}")
            self._last(holder)
        if denied and denied == len(failed):
            raise RemoteError("E0510", f"the nodes do not give it: {failed[0].partition(': ')[2]}")
        raise RemoteError("E0709", f"no holder gives chunk {place}: {'; '.join(failed) or 'there is none'}", _NODES)

    def _last(self, holder: str) -> None:
        """Ask this one after the others from now on."""
        self._holders = [*(each for each in self._holders if each != holder), holder]

    def _asked(self, holder: str, place: int) -> m.ClientReply:
        """A pass is good for a time: who is denied with one that was used before gets another."""
        kept = self._passes.get(holder)
        reply = self._nodes.ask(holder, self._read(holder, place, kept))
        if isinstance(reply, m.Denied) and kept is not None:
            reply = self._nodes.ask(holder, self._read(holder, place, None))
        return reply

    def _read(self, holder: str, place: int, shown: m.Pass | None) -> m.Read:
        if shown is None and self._reader is not None:
            shown = self._passes[holder] = self._shown(holder)
        return m.Read(self._record.db, self._record.key, place, shown)

    def _shown(self, holder: str) -> m.Pass:
        record, reader = self._record, self._reader
        assert reader is not None and reader.signing is not None
        given = self._nodes.ask(holder, m.Challenge(record.db, record.key))
        if not isinstance(given, m.Challenged):
            raise WireError("another answer than a challenge")
        digest = m.pass_digest(self._hub.domain, holder, record.db, record.key, given.challenge)
        return m.Pass(reader.address, given.challenge, reader.signing.sign(digest).to_bytes())


def _checked(body: bytes, value: ValueName, place: int) -> bytes:
    """Raises Malformed, ChunkRefused."""
    chunk = decode_chunk(body)
    if chunk.index != place:
        raise ChunkRefused(f"chunk {chunk.index} instead of {place}")
    chunk.check(value)
    return chunk.data


__all__ = ["BadSource", "Found", "Nodes", "RemoteError", "Rent", "Stored", "find", "put", "read", "with_funds"]
