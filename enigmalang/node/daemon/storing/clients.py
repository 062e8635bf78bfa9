"""What anonymous clients may ask a node about storage (`messages.ClientRequest`)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from enigmalang.chain.errors import ChainError
from enigmalang.dht.records import RecordRefused, encode_record
from enigmalang.node.daemon.storing import messages as m
from enigmalang.node.daemon.storing.driver import Driver
from enigmalang.node.daemon.storing.keeper import Keeper
from enigmalang.node.daemon.storing.ledger import ANYBODY
from enigmalang.transport.peering.errors import Refusal
from enigmalang.wire import chunk_messages as cm
from enigmalang.wire import dht_messages as dm

#: Lookups for clients at a time, of some 25 messages each, and seconds for which another one waits.
LOOKUPS, WAIT = 8, 5.0


class Clients:
    """Any thread. `replicas`: nodes that a value should be on."""

    def __init__(self, keeper: Keeper, driver: Driver, replicas: int) -> None:
        self._keeper, self._driver, self._replicas = keeper, driver, replicas
        self._lookups = threading.BoundedSemaphore(LOOKUPS)

    def serve(self, body: memoryview) -> bytes:
        """Raises Refusal, also for what may go well a little later; and WireError."""
        try:
            return m.encode(self._serve(m.decode_client_request(body)))
        except RecordRefused as refused:  # this node may not have the newest block yet
            raise Refusal(str(refused)) from None
        except ChainError:
            raise Refusal("the chain cannot be asked now") from None
        except TimeoutError:
            raise Refusal("the other nodes do not answer in time") from None

    def _serve(self, request: m.ClientRequest) -> m.ClientReply:
        match request:
            case m.Where(db, key, size):
                with self._lookup():
                    ranked = self._driver.rank(m.name_of(db, key), size)
                return m.Holders(list(ranked[: m.MOST_NODES]), self._replicas)
            case m.Locate(db, key):
                return self._locate(db, key)
            case m.Challenge():
                return self._keeper.challenge(request)
            case m.Read():
                return self._keeper.read(request)
            case dm.Store():
                return self._keeper.store(request)
            case cm.KeepChunk():
                return self._keeper.keep_chunk(request)
            case cm.AskMissing():
                return self._keeper.lacking(request)

    def _locate(self, db: int, key: bytes) -> m.Located:
        """The current record, with this node first if it has it."""
        here = self._keeper.kept(db, key)
        if here is not None and not self._keeper.current(here):
            here = None
        if here is None and self._keeper.ledger.pointer(db, key).owner == ANYBODY:
            return m.Located(b"", [])  # nobody has stored anything there
        with self._lookup():
            found = self._driver.get(m.name_of(db, key), self._replicas - (here is not None) or 1)
        holders = [self._driver.me] if here is not None else []
        record = found.record if here is None else encode_record(here)
        return m.Located(record or b"", [*holders, *(h for h in found.holders if h != self._driver.me)])

    @contextmanager
    def _lookup(self) -> Iterator[None]:
        """So that anonymous clients do not keep all nodes busy. Raises Refusal."""
        if not self._lookups.acquire(timeout=WAIT):
            raise Refusal("busy: ask again later")
        try:
            yield
        finally:
            self._lookups.release()
