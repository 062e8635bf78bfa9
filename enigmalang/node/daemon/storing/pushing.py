"""How a node hands a value to another: the record, then the chunks that the other lacks, each with its proof."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from enigmalang.dht.chunks import encode_chunk
from enigmalang.dht.records import SignedRecord, encode_record
from enigmalang.dht.shelf import Shelf
from enigmalang.node.daemon.storing import messages as m
from enigmalang.transport.peering.errors import PeeringError
from enigmalang.wire import chunk_messages as cm
from enigmalang.wire import dht_messages as dm
from enigmalang.wire.errors import WireError
from enigmalang.wire.messages import Message

#: Seconds that a node has for an answer, and for taking a record or a chunk.
ASK, TAKE = 5.0, 30.0
#: Chunks that are under way to one node at once: it writes them with one fsync.
AT_ONCE = 4


class CannotPush(Exception):
    """A node does not take a value; the text says why."""


class Courier:
    """`ask_peer`: `Channels.ask`. Any thread."""

    def __init__(self, shelf: Shelf, ask_peer: Callable[[str, bytes, float], bytes], stop: Event) -> None:
        self._shelf, self._ask_peer, self._stop = shelf, ask_peer, stop

    def ask(self, peer: str, message: Message, seconds: float = ASK) -> m.PeerReply:
        """Raises PeeringError, and WireError for what is no reply."""
        return m.decode_peer_reply(self._ask_peer(peer, bytes([m.TOPIC]) + m.encode(message), seconds))

    def push(self, peer: str, signed: SignedRecord) -> None:
        """`peer` has the value on its disk when this returns. Raises CannotPush."""
        record = signed.record
        name, value = m.name_of(record.db, record.key), record.value
        try:
            stored = self.ask(peer, dm.Store(0, name, encode_record(signed)), TAKE)
            if not isinstance(stored, dm.Stored) or not stored.accepted:
                raise CannotPush(stored.why if isinstance(stored, dm.Stored) else "another answer")
            lacking = self.ask(peer, cm.AskMissing(0, name, value.root, value.size))
            if not isinstance(lacking, cm.Lacking) or not lacking.known:
                raise CannotPush("another answer")
            with ThreadPoolExecutor(AT_ONCE, "dht-push") as pool:
                for _ in pool.map(lambda place: self._push(peer, signed, place), lacking.places):
                    pass
        except (PeeringError, WireError) as error:
            raise CannotPush(str(error)) from None

    def _push(self, peer: str, signed: SignedRecord, place: int) -> None:
        if self._stop.is_set():
            raise CannotPush("this node stops")
        record, value = signed.record, signed.record.value
        chunk = self._shelf.chunk(record, place)
        if chunk is None:
            raise CannotPush(f"chunk {place} is missing here")
        kept = self.ask(peer, cm.KeepChunk(0, m.name_of(record.db, record.key), value.root, value.size,
                                           encode_chunk(chunk)), TAKE)
        if not isinstance(kept, cm.Kept) or not kept.accepted:
            raise CannotPush(kept.why if isinstance(kept, cm.Kept) else "another answer")
