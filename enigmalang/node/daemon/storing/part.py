"""The daemon's part that stores: this node's place in the DHT, what it keeps, and what clients ask of it."""

import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from time import monotonic
from typing import Any

from enigmalang.chain.storage import Storage
from enigmalang.dht import ports
from enigmalang.dht.ids import node_id
from enigmalang.dht.machine import Machine
from enigmalang.dht.settings import Settings
from enigmalang.dht.shelf import Shelf, ShelfFull, ShelfRefused
from enigmalang.dht.writing import Closed
from enigmalang.node.daemon.metrics import GAUGE, Family, Metrics
from enigmalang.node.daemon.parts import Surroundings
from enigmalang.node.daemon.storing import messages as m
from enigmalang.node.daemon.storing.behaviour import Behaviour
from enigmalang.node.daemon.storing.clients import Clients
from enigmalang.node.daemon.storing.copies import Copies
from enigmalang.node.daemon.storing.driver import Driver
from enigmalang.node.daemon.storing.keeper import Keeper
from enigmalang.node.daemon.storing.ledger import HubLedger
from enigmalang.node.daemon.storing.passes import Passes
from enigmalang.node.daemon.storing.pushing import Courier
from enigmalang.node.daemon.storing.tending import BOOTSTRAP, Refusals, Tending
from enigmalang.node.daemon.storing.view import View
from enigmalang.node.durable.errors import StateError
from enigmalang.node.faults import describe_bug
from enigmalang.transport.peering.errors import Refusal
from enigmalang.wire import chunk_messages as cm

SHELF, CONTACTS = "dht.sqlite", "dht-contacts.json"
_AWAY = (". Move it away, with those that end in -wal and -shm: the node begins with an empty one, and other holders "
         "copy to it what it is to keep")
_FAMILIES = (
    Family("enig_dht_records", GAUGE, "Values that this node keeps, or has begun to."),
    Family("enig_dht_used_bytes", GAUGE, "Bytes of the quota that they take."),
    Family("enig_dht_free_bytes", GAUGE, "Bytes that can still be taken."),
    Family("enig_dht_contacts", GAUGE, "Nodes in the routing table."),
    Family("enig_dht_copies", GAUGE, "Copies that this node made since its start because holders were missing."),
    Family("enig_dht_refused_reads", GAUGE, "Reads since the start that a predicate did not allow."),
)


class StoringPart:
    """See `parts.Part`. `settings`: how fast and how patient routing is."""

    name, topic = "dht", m.TOPIC

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings
        self._trouble = ""
        self._lock = threading.Lock()

    # ---- start and stop

    def start(self, around: Surroundings) -> None:
        options, me = around.config.storage, around.keys.address
        self._around = around
        self._shelf = _opened(around.folder / SHELF, options.quota_bytes)
        rent = Storage(around.chain, options.rent.lower()) if options.rent else None
        ledger = HubLedger(around.hub, rent)
        self._refusals = Refusals(options.refusals_per_hour)
        self._keeper = Keeper(me, self._shelf, ledger, Passes(around.hub.domain, me), around.folder,
                              self._refusals.add, lambda: self._driver.room())
        self._behaviour = Behaviour(around.hub)
        self._view = View(self._behaviour.reputation)
        self._view.refresh(around.registry.members())
        machine = Machine(me, node_id(me), self._view, secrets.token_bytes(16), self._settings)
        self._restore(machine)
        self._driver = Driver(machine, self._keeper, around.peering.ask, self._due, lambda: self._tending.newcomers(),
                              self._bug)
        courier = Courier(self._shelf, around.peering.ask, around.stop)
        self._copies = Copies(self._keeper, self._driver, self._view, courier, options, around.stop)
        self._tending = Tending(self._keeper, self._driver, self._view, self._copies, self._refusals,
                                around.keys.signing, options, self._look, self._save, self._say, self._bug)
        self._clients = Clients(self._keeper, self._driver, options.replicas)
        for family in _FAMILIES:
            around.metrics.declare(family)
        others = [address for address in self._view.addresses() if address != me]
        self._driver.start(SystemRandom().sample(others, min(BOOTSTRAP, len(others))))
        self._tending.start()

    def stop(self, seconds: float) -> None:
        """See `parts.Part`."""
        deadline = monotonic() + seconds
        self._tending.end()
        self._driver.close(seconds)
        self._tending.close(max(1.0, deadline - monotonic()))
        self._copies.close()
        self._save()
        self._shelf.close()

    def _due(self, chore: ports.Chore) -> None:
        if chore is ports.Chore.EXPIRE:
            self._tending.expire()
        elif chore is ports.Chore.REPUBLISH:
            self._tending.again()

    def _look(self) -> None:
        """Raises ChainError."""
        self._behaviour.look()
        self._refresh()

    def _refresh(self) -> None:
        for address, place in self._view.refresh(self._around.registry.members()):
            self._driver.left(address, place)

    # ---- the routing table outlives the process

    def _restore(self, machine: Machine) -> None:
        """What was kept; without it, or with a damaged one, the node begins with the registry alone."""
        try:
            machine.restore(json.loads((self._around.folder / CONTACTS).read_bytes()))
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            self._around.log.warning("the routing table is not read", reason=type(error).__name__)

    def _save(self) -> None:
        path = self._around.folder / CONTACTS
        fresh = path.with_suffix(".new")
        with suppress(OSError):  # a full disk: it is a help, and nothing more
            fresh.write_text(json.dumps(self._driver.snapshot()), "utf-8")
            os.replace(fresh, path)

    # ---- what others ask

    def answer(self, peer: str, body: memoryview) -> bytes:
        """See `parts.Part`. Raises Refusal and WireError."""
        request = m.decode_peer_request(body)
        try:
            match request:
                case cm.KeepChunk():
                    return m.encode(self._keeper.keep_chunk(request))
                case cm.AskMissing():
                    return m.encode(self._keeper.lacking(request))
                case cm.AskChunk(number):
                    return m.encode(cm.Piece(number, b"", "nodes are given chunks, and take none"))
                case _:
                    if self._view.place(peer) is None:
                        self._refresh()  # it has just been registered
                    return m.encode(self._driver.answer(peer, request))
        except (sqlite3.Error, Closed, ShelfFull) as error:
            raise Refusal(self._broken(error)) from None

    def serve(self, body: memoryview) -> bytes:
        """See `parts.Part`. Raises Refusal and WireError."""
        try:
            return self._clients.serve(body)
        except (sqlite3.Error, Closed, ShelfFull) as error:
            raise Refusal(self._broken(error)) from None

    def _broken(self, error: Exception) -> str:
        if isinstance(error, sqlite3.Error):
            self._say(f"the shelf: {error}")
        return "this node cannot use its disk now"

    # ---- what is told

    def status(self) -> Mapping[str, Any]:
        """See `parts.Part`."""
        usage = self._shelf.usage()
        kept = self._shelf.count()
        return {
            "text": f"{kept} values, {usage.used:,} of {usage.quota:,} bytes; {len(self._driver.contacts())} contacts",
            "values": kept, "used_bytes": usage.used, "quota_bytes": usage.quota, "free_bytes": self._keeper.free,
            "contacts": self._driver.contacts(), "copies": self._copies.made, "refused_reads": self._refusals.seen,
            "jobs": [],
        }

    def metrics(self, metrics: Metrics) -> None:
        """See `parts.Part`."""
        metrics.set("enig_dht_records", float(self._shelf.count()))
        metrics.set("enig_dht_used_bytes", float(self._shelf.usage().used))
        metrics.set("enig_dht_free_bytes", float(self._keeper.free))
        metrics.set("enig_dht_contacts", float(len(self._driver.contacts())))
        metrics.set("enig_dht_copies", float(self._copies.made))
        metrics.set("enig_dht_refused_reads", float(self._refusals.seen))

    def trouble(self) -> str:
        """See `parts.Part`."""
        return self._trouble

    def _say(self, trouble: str) -> None:
        """Once for each trouble."""
        with self._lock:
            if trouble and trouble != self._trouble:
                self._around.log.warning("stored data waits", reason=trouble)
            self._trouble = trouble

    def _bug(self, error: Exception) -> None:
        self._around.log.error("stored data", reason=describe_bug(error))


def _opened(path: Path, quota: int) -> Shelf:
    """Raises StateError."""
    try:
        return Shelf(path, quota)
    except (sqlite3.Error, ShelfRefused) as error:
        damaged = getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
        raise StateError(f"{path}: {error}{_AWAY if damaged else ''}") from None
