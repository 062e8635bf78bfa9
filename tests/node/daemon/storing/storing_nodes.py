"""Nodes that store, in threads of this process, and a client of theirs."""

import hashlib
import threading
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path

from daemon_world import PASSWORD, World, changed, until

from enigmalang.chain.hub import DHT
from enigmalang.chain.logbook import key_id
from enigmalang.chain.rules import words_of
from enigmalang.dht.settings import Settings
from enigmalang.identity.keys import Identity, Keystore
from enigmalang.identity.predicates import Predicate
from enigmalang.node import remote_storage as rs
from enigmalang.node.daemon.config import Config, read_config
from enigmalang.node.daemon.daemon import Daemon
from enigmalang.node.daemon.keys import KeyFolder
from enigmalang.node.daemon.log import Log
from enigmalang.node.daemon.storing.part import StoringPart
from enigmalang.node.remote import active_nodes

#: Fast where that costs nothing; patient where a busy machine may be slow.
SETTINGS = Settings(reply=10.0, retry=0.2, expire=0.5)
LONG = 60.0
ALICE, BOB, EVE = (Keystore().get(name) for name in ("alice", "bob", "eve"))
ANYONE = words_of(Predicate("anyone"))


def only(*who: Identity) -> list[int]:
    return words_of(Predicate("only", tuple(each.address for each in who)))


def filled(size: int, seed: str = "content") -> bytes:
    return hashlib.shake_256(seed.encode()).digest(size)


def key_of_text(text: str) -> bytes:
    return key_id((text,))


class StoringNode:
    """A daemon from `start` to `stop`; it may be started again."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self.folder, self._settings = config.folder, settings
        self.daemon: Daemon | None = None

    def start(self) -> None:
        config = read_config(self.folder)
        files = KeyFolder(self.folder)
        log = Log(config.log, self.folder)
        self.part = StoringPart(self._settings)
        self._raised: list[BaseException] = []
        daemon = self.daemon = Daemon(config, files.open(PASSWORD), files, log, [self.part])
        self.address = daemon._keys.address

        def run() -> None:
            try:
                daemon.run(begun.set)
            except BaseException as error:  # noqa: BLE001  raised by `stop`
                self._raised.append(error)
            finally:
                begun.set()
                log.close()

        begun = threading.Event()
        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        begun.wait()

    def ready(self) -> None:
        until(lambda: self._raised or (self.daemon and self.daemon.following.phase == "serving"), "serving", LONG)
        assert not self._raised, self._raised

    def stop(self) -> None:
        if self.daemon is not None:
            self.daemon.stop.set()
            self._thread.join()
            self.daemon = None
            if self._raised:
                raise self._raised.pop()

    @property
    def status(self) -> dict:
        return dict(self.part.status())


class StoringNodes:
    """`count` nodes on a world's hub. A context manager: all run, and know each other."""

    def __init__(self, world: World, folder: Path, count: int, settings: Settings = SETTINGS, **storage) -> None:
        self.world = world
        options = {"check_seconds": 0.2, "away_seconds": 0.5, "quota_bytes": 1 << 30} | storage
        made = [world.node(folder / f"node{i}", f"node{i}", poll_seconds=0.2) for i in range(count)]
        self.all = [StoringNode(changed(config, "storage", **options), settings) for config in made]

    def __enter__(self) -> "StoringNodes":
        with ExitStack() as stack:
            for node in self.all:
                stack.callback(node.stop)
                node.start()
            for node in self.all:
                node.ready()
            self.acquainted()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    @property
    def running(self) -> list[StoringNode]:
        return [node for node in self.all if node.daemon is not None]

    def acquainted(self) -> None:
        others = len(self.running) - 1
        for node in self.running:
            until(lambda node=node: len(node.part._driver.contacts()) >= others, "all contacts", LONG)

    def holders(self, key: str) -> list[StoringNode]:
        """Who has the current value whole."""
        found = []
        for node in self.running:
            kept = node.part._keeper.kept(DHT, key_of_text(key))
            if kept is not None and node.part._keeper.current(kept):
                found.append(node)
        return found

    def held(self, key: str, copies: int = 3) -> list[StoringNode]:
        """The holders, when there are so many."""
        return until(lambda: len(found := self.holders(key)) == copies and found, f"{copies} holders", LONG)

    @contextmanager
    def client(self, first: Sequence[StoringNode] = ()):
        """Connections to all nodes of the hub; `first` are asked first."""
        contacts = active_nodes(self.world.hub)
        addresses = [node.address for node in first]
        contacts.sort(key=lambda c: addresses.index(c.address) if c.address in addresses else len(addresses))
        with rs.Nodes(contacts) as nodes:
            yield nodes

    def put(self, key: str, content: bytes, readers: Sequence[Identity] | None = (ALICE,), who: Identity = ALICE,
            rule: list[int] | None = None, first: Sequence[StoringNode] = (),
            rent: rs.Rent | None = None) -> rs.Stored:
        words = rule or (ANYONE if readers is None else only(*readers))
        keys = None if readers is None else [reader.public_key for reader in readers]
        source, size = BytesIO(content), len(content)
        with self.client(first) as nodes:
            return rs.put(self.world.hub, nodes, who, key_of_text(key), source, size, keys, words, rent)

    def get(self, key: str, who: Identity | None = ALICE, first: Sequence[StoringNode] = ()) -> bytes:
        found = bytearray()
        with self.client(first) as nodes:
            rs.read(self.world.hub, nodes, rs.find(self.world.hub, nodes, key_of_text(key)), who, found.extend)
        return bytes(found)


