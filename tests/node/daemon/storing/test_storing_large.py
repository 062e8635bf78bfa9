"""The largest value, through nodes and back: it is never in memory as a whole."""

import gc
import hashlib
import io
import threading

from daemon_world import World
from storing_nodes import ALICE, StoringNodes, key_of_text, only

from enigmalang.dht.chunks import MAX_CONTENT
from enigmalang.node import remote_storage as rs

#: Bytes by which the whole process, three nodes and their client, may grow meanwhile: less than the value has.
#: (Measured: 50 MiB to store it at two nodes, 10 MiB to read it; most of it pages that SQLite keeps.)
MOST = 64 * 2**20
PIECE = 1 << 20


class Stream(io.RawIOBase):
    """`MAX_CONTENT` bytes that lie nowhere: counted blocks of a hash."""

    def __init__(self) -> None:
        self._left, self.digest, self._number = MAX_CONTENT, hashlib.sha256(), 0
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        size = min(size if size >= 0 else self._left, self._left)
        while len(self._rest) < size:
            self._rest += hashlib.shake_128(self._number.to_bytes(8, "big")).digest(PIECE)
            self._number += 1
        found, self._rest = self._rest[:size], self._rest[size:]
        self._left -= size
        self.digest.update(found)
        return found


class Peak:
    """The most memory that this process had within a `with`, looked at while it works."""

    def __enter__(self) -> "Peak":
        gc.collect()
        self.start = self.most = resident()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._end.wait(0.02):
            self.most = max(self.most, resident())

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def growth(self) -> int:
        return self.most - self.start


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_64_megabytes_are_stored_and_read_in_little_memory(world: World, tmp_path):
    with StoringNodes(world, tmp_path, 3, replicas=2, check_seconds=1.0) as nodes, nodes.client() as client:
        source, back = Stream(), hashlib.sha256()
        with Peak() as storing:
            stored = rs.put(world.hub, client, ALICE, key_of_text("large"), source, MAX_CONTENT, [ALICE.public_key],
                            only(ALICE))
        assert len(stored.holders) == 2 and source.read(1) == b""
        with Peak() as reading:
            found = rs.find(world.hub, client, key_of_text("large"))
            assert rs.read(world.hub, client, found, ALICE, back.update) == MAX_CONTENT
        assert back.digest() == source.digest.digest()
        assert storing.growth < MOST and reading.growth < MOST
