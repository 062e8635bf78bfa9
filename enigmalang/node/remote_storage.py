"""Data in the DHT from a client's side: sealed here, pointed to on the hub, kept by nodes.

Nothing that a node says is believed: a record counts when the hub's pointer names it, a chunk when its proof leads to
the record's root. Where a node is reached and which key it holds is read from the hub. A node that does not answer, or
answers wrongly, is passed over for another.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from tempfile import TemporaryFile
from time import monotonic, sleep, time
from typing import BinaryIO

from enigmalang.chain import development
from enigmalang.chain.client import Chain
from enigmalang.chain.hub import DHT, Hub, Pointer
from enigmalang.chain.rules import rule_name
from enigmalang.chain.storage import Storage
from enigmalang.dht.chunks import (
    MAX_CONTENT,
    BadSource,
    Chunk,
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
    SignedRecord,
    encode_record,
    sign_record,
)
from enigmalang.dht.sealing import CLEAR, MOST_READERS, Sealer
from enigmalang.ethereum.keys import SigningKey
from enigmalang.identity.keys import Identity
from enigmalang.node.daemon.storing import messages as m
from enigmalang.node.daemon.storing.ledger import ANYBODY
from enigmalang.node.remote import reading
from enigmalang.node.remote_fetching import Found, find, read
from enigmalang.node.remote_nodes import FIND, WAY_OUT, Nodes
from enigmalang.node.remote_service import RemoteError
from enigmalang.transport.peering.errors import PeeringError, PeerRefused
from enigmalang.wire import chunk_messages as cm
from enigmalang.wire import dht_messages as dm
from enigmalang.wire.errors import WireError

#: Seconds for which a node may be behind the chain that this client sees, and between two tries.
BEHIND, PAUSE = 15.0, 0.3
#: Wei that a development identity gets to pay transactions with.
FUNDS = 10**18
#: Nodes that must know of nobody with room before that is believed: each asks some 25 others.
OPINIONS = 4
#: Chunks that are under way to one node at once.
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Stored:
    """`holders` have all of the value on their disks; `wanted` should."""

    record: Record
    holders: tuple[str, ...]
    wanted: int


@dataclass(frozen=True, slots=True)
class Rent:
    """What is paid for keeping a value: to the contract, for `period` seconds at once; again and again if it `renews`,
    from what the owner has put into the contract."""

    contract: Storage
    period: int
    renews: bool = False


def rent_contract(chain: Chain, address: str) -> Storage:
    """The contract that takes rent at `address`. Raises RemoteError where there is none: money sent there is lost."""
    contract = Storage(chain, address)
    reading(contract.parameters, f"the contract at {address} takes no rent")
    return contract


# ---- storing


def put(hub: Hub, nodes: Nodes, owner: Identity, key: bytes, source: BinaryIO, size: int,
        readers: Sequence[bytes] | None, words: Sequence[int], rent: Rent | None = None) -> Stored:
    """Store the `size` bytes of `source` under `key` of DHT, so that the rule `words` says who may read.

    `readers`: the X25519 keys to seal it for; None: it is stored in the clear. `source` is read once, a piece at a
    time. Raises RemoteError: E0510 when the key is another's, E0709 when no node takes it; ChainError; BadSource.
    """
    assert owner.signing is not None
    before = hub.pointer(DHT, key)
    if before.owner not in (ANYBODY, owner.address):
        raise RemoteError("E0510", f"the key belongs to {before.owner}", "take another key, or act as its owner")
    with Draft(nodes, owner.address, key, source, size, readers, rule_name(words)) as draft:
        if not hub.rule(draft.record.rule):
            hub.declare(owner.signing, words)
        if rent is not None:
            draft.pay(rent, owner.signing)
        hub.point(owner.signing, DHT, key, draft.record.commitment(), draft.record.rule)
        with or_as_before(hub, owner.signing, key, before):
            return draft.upload(sign_record(draft.record, hub.domain.separator, owner.signing))


@contextmanager
def or_as_before(hub: Hub, owner: SigningKey, key: bytes, before: Pointer) -> Iterator[None]:
    """When no node takes what the hub points to by now, let it point to what was there `before`, of the same owner:
    nodes keep that for a while yet."""
    try:
        yield
    except RemoteError as error:
        if before.owner.lower() != owner.address:
            raise
        hub.point(owner, DHT, key, before.commitment, before.rule)
        raise RemoteError(error.code, f"{error.text}; what was there before is there again", error.help) from None


def lease_again(hub: Hub, nodes: Nodes, owner: Identity, key: bytes, rent: Rent) -> tuple[str, ...]:
    """Pay for the value under `key` anew, to those who hold it now, in place of what was leased before; who they are.

    For values whose holders changed: the contract pays whom the owner names, and nodes that copied a value because
    another was gone are not named yet. Raises RemoteError, ChainError.
    """
    assert owner.signing is not None
    found = find(hub, nodes, key)
    if found.pointer.owner.lower() != owner.address:
        raise RemoteError("E0510", f"the key belongs to {found.pointer.owner}", "only its owner pays for it anew")
    holders = [node for node in found.holders if found.record is not None and _has_all(nodes, node, found.record)]
    if found.record is None or not holders:
        raise RemoteError("E0709", "no node that answers has the value", WAY_OUT)
    lease(rent, owner.signing, found.record, holders)
    return tuple(holders)


def _has_all(nodes: Nodes, node: str, record: Record) -> bool:
    """Whether a node says that nothing of the value is missing there."""
    try:
        reply = nodes.ask(node, cm.AskMissing(0, m.name_of(record.db, record.key), record.root, record.size))
    except (PeeringError, WireError):
        return False
    return isinstance(reply, cm.Lacking) and reply.known and not reply.places


def lease(rent: Rent, owner: SigningKey, record: Record, holders: Sequence[str]) -> None:
    """Lease room for a value at `holders`, in place of what was leased for its key before: what is left of that is
    the owner's again, and what is missing then comes from the owner's account. Raises ChainError."""
    contract = rent.contract
    cost = contract.rate(record.size) * rent.period * len(holders)
    missing = max(0, cost - contract.balance(owner.address))
    contract.store(owner, record.db, record.key, record.size, rent.period, holders, renews=rent.renews, value=missing)


class Draft:
    """A value that is ready to be stored: sealed, and with a record that the hub may point to. A context manager."""

    def __init__(self, nodes: Nodes, owner: str, key: bytes, source: BinaryIO, size: int,
                 readers: Sequence[bytes] | None, rule: bytes, kind: str = "") -> None:
        """As `put`. Raises RemoteError, BadSource."""
        if size > MAX_CONTENT:
            raise RemoteError("E0608", f"a value has at most {MAX_CONTENT:,} bytes, and this has {size:,}")
        if readers is not None and len(set(readers)) > MOST_READERS:
            raise RemoteError("E0608", f"a value has at most {MOST_READERS} readers", "share an identity between them")
        self._nodes = nodes
        self._leaves: list[bytes] = []
        self._spool = TemporaryFile(prefix="enig-dht-")  # noqa: SIM115  what is in it is sealed, or for anyone
        try:
            self.record = self._sealed(owner, key, source, size, readers, rule, kind)
            self._candidates, self._wanted = _candidates(nodes, self.record)
            if not self._candidates:
                raise RemoteError("E0709", f"no node has room for {self.record.size:,} bytes", WAY_OUT)
        except BaseException:
            self._spool.close()
            raise

    def __enter__(self) -> "Draft":
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    def _sealed(self, owner: str, key: bytes, source: BinaryIO, size: int, readers: Sequence[bytes] | None,
                rule: bytes, kind: str) -> Record:
        sealer = Sealer(size, readers) if readers is not None else None
        for chunk in sealer.chunks(source) if sealer else pieces(source, size, sealed=False):
            self._spool.write(chunk)
            self._leaves.append(leaf_of(chunk))
        self._spool.flush()
        stored = stored_size(size, sealer is not None)
        return Record(DHT, key, bytes.fromhex(owner[2:]), time_version(), stored, root_of(self._leaves),
                      sealer.sealing if sealer else CLEAR, rule, kind)

    def pay(self, rent: Rent, owner: SigningKey) -> None:
        """Lease room at the nodes that should hold the value, in place of what was leased for the key before. Others do
        not take it then: they are not paid."""
        self._candidates = self._candidates[: self._wanted]
        lease(rent, owner, self.record, self._candidates)

    def upload(self, signed: SignedRecord) -> Stored:
        """When the hub points to the record. Raises RemoteError E0709."""
        return _Upload(self._nodes, signed, self._leaves, self._spool).run(self._candidates, self._wanted)


def with_funds(chain: Chain, address: str) -> None:
    """On a development chain, see that `address` can pay for transactions."""
    if chain.development and not chain.balance(address):
        development.fund(chain, address, FUNDS)


def time_version() -> int:
    """A version that is above those before: milliseconds since 1970. Where a clock went back, the hub decides."""
    return int(time() * 1000)


def _candidates(nodes: Nodes, record: Record) -> tuple[list[str], int]:
    """Who should hold the value, the best first, and how many of them. A node that knows of none may know few nodes."""
    asking = nodes.each(m.Where(record.db, record.key, record.size), FIND)
    answers = (reply for _, reply in asking if isinstance(reply, m.Holders))
    for reply in islice(answers, OPINIONS):
        if candidates := nodes.known(reply.nodes):
            return candidates, reply.replicas
    return [], 0


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
            raise RemoteError("E0709", f"no node took the value: {', '.join(failed)}", WAY_OUT)
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
        lacking = self._nodes.ask(node, cm.AskMissing(0, m.name_of(record.db, record.key), record.root, record.size))
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
        record, value = self._signed.record, self._signed.record.value
        length = length_of(value.size, place)
        data = os.pread(self._file, length, place * length_of(value.size, 0))
        chunk = encode_chunk(Chunk(place, data, path_to(self._leaves, place)))
        kept = self._nodes.ask(node, cm.KeepChunk(0, m.name_of(record.db, record.key), value.root, value.size, chunk))
        if not isinstance(kept, cm.Kept) or not kept.accepted:
            raise _Refused(kept.why if isinstance(kept, cm.Kept) else "another answer")


__all__ = ["BadSource", "Found", "Nodes", "RemoteError", "Rent", "Stored", "find", "lease_again", "put", "read",
           "with_funds"]
