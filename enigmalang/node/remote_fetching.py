"""Finding and reading data in the DHT from a client's side.

Nothing that a node says is believed: a record counts when the hub's pointer names it, a chunk when its proof leads to
the record's root. A node that does not answer, or answers wrongly, is passed over for another.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from enigmalang.chain.hub import DHT, Hub, Pointer
from enigmalang.dht.canonical import Malformed
from enigmalang.dht.chunks import ChunkRefused, ValueName, decode_chunk
from enigmalang.dht.records import Record, RecordRefused, decode_record
from enigmalang.dht.sealing import Opener, SealBroken, opener
from enigmalang.identity.keys import Identity
from enigmalang.node.daemon.storing import messages as m
from enigmalang.node.daemon.storing.ledger import ANYBODY, HubLedger
from enigmalang.node.remote_nodes import FIND, WAY_OUT, Nodes
from enigmalang.node.remote_service import RemoteError
from enigmalang.transport.peering.errors import PeeringError
from enigmalang.wire import chunk_messages as cm
from enigmalang.wire.errors import WireError

#: Chunks that are under way at once.
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A record that the hub names, and who says to hold its value. `record` None: nobody was found who does."""

    pointer: Pointer
    record: Record | None
    holders: tuple[str, ...]


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
        raise RemoteError("E0709", "the key has an owner on the hub, and no node that answers has its value", WAY_OUT)
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
        raise RemoteError("E0709", f"no holder gives chunk {place}: {'; '.join(failed) or 'there is none'}", WAY_OUT)

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
